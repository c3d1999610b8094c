package place

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/graph"
)

// module lowers the network of a spec.
func module(t *testing.T, text string) *graph.Module {
	t.Helper()
	f, found := dsl.Parse("test.snn", []byte("snn 1\nneuron fire() {\n    input x\n    state v = 0\n    v = v + x\n    spike when v >= 1\n    on spike { v = 0 }\n}\n"+text))
	s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	m, found := lower.Network(s.Networks[0], 4)
	if found.HasErrors() {
		t.Fatal(found)
	}
	return m
}

func ones(m *graph.Module) func(string) []float32 {
	return func(name string) []float32 { return slices.Repeat([]float32{1}, m.Variable(name).Type.Size()) }
}

const three = "network n(x: spikes[8]) -> spikes[3] { return x -> linear(5) -> fire -> linear(4) -> fire -> linear(3) -> fire }"

// names are the populations of the circuits.
func names(circuits []schema.Circuit) (out []string) {
	for _, c := range circuits {
		for _, p := range c.Populations {
			out = append(out, c.Name+":"+p.Name)
		}
	}
	return out
}

// What a target refuses is cut out, and it is asked again, until it takes what is left. Tensors of several networks lie in one block.
func TestNetworks(t *testing.T) {
	a, b := module(t, three), module(t, strings.Replace(three, "linear(5)", "linear(6)", 1))
	var asked [][]string
	check := func(_ context.Context, circuits []schema.Circuit) (schema.TargetReply, error) {
		if err := circuit.VerifyAll(circuits); err != nil {
			t.Fatal(err)
		}
		asked = append(asked, names(circuits))
		r := schema.TargetReply{Fits: true}
		for _, c := range circuits {
			for _, p := range c.Populations {
				if c.Network == "a" && p.Dims[0] == 4 || len(asked) == 2 && p.Dims[0] == 6 { // one after the other
					r.Fits = false
					r.Layers = append(r.Layers, schema.Placement{Network: c.Network, Layer: p.Name, Host: true, Problem: "not here"})
				}
			}
		}
		return r, nil
	}
	p, err := Networks(context.Background(), check, []Network{{"a", a, ones(a)}, {"b", b, ones(b)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(asked) != 3 || len(asked[0]) != 6 || len(asked[1]) != 5 || len(asked[2]) != 4 {
		t.Errorf("asked for %q", asked)
	}
	if len(p.Refused) != 2 || p.Refused[0].Network != "a" || p.Refused[1].Network != "b" || p.Refused[0].Reason != "not here" || !p.Reply.Fits {
		t.Errorf("%+v, %+v", p.Refused, p.Reply)
	}
	for _, c := range p.Circuits {
		if err := circuit.Within(c, 4*len(p.Tensors)); err != nil {
			t.Error(err)
		}
	}
	at := map[int]bool{}
	for _, c := range p.Circuits {
		for _, q := range c.Populations {
			for _, s := range q.Synapses {
				if at[s.Weights.Offset] {
					t.Errorf("two tensors lie at %d", s.Weights.Offset)
				}
				at[s.Weights.Offset] = true
			}
		}
	}
	if len(p.Cut) != 2 || len(p.Cut[0].Module.Chips) != 2 {
		t.Errorf("network a is cut into %d circuits", len(p.Cut[0].Module.Chips))
	}
}

// What was refused before is not asked about, and a target may call what it refuses by its circuit.
func TestRefusedBefore(t *testing.T) {
	a := module(t, three)
	check := func(_ context.Context, circuits []schema.Circuit) (r schema.TargetReply, err error) {
		if r.Fits = len(circuits) == 1; !r.Fits {
			last := circuits[len(circuits)-1]
			r.Layers = []schema.Placement{{Network: last.Name, Layer: last.Populations[0].Name, Host: true, Problem: "not behind the host", Used: []schema.Amount{{Name: "circuits", Used: 2, Limit: 1}}, Change: "one circuit"}}
		}
		return r, nil
	}
	before := []Refusal{{Network: "a", Population: "3.linear", Reason: "it was"}, {Network: "b", Population: "1.linear"}}
	p, err := Networks(context.Background(), check, []Network{{"a", a, nil}}, before)
	if err != nil {
		t.Fatal(err)
	}
	want := append(slices.Clone(before), Refusal{"a", "5.linear", "not behind the host", []schema.Amount{{Name: "circuits", Used: 2, Limit: 1}}, "one circuit"})
	if diff := cmp.Diff(want, p.Refused); diff != "" || !slices.Equal(names(p.Circuits), []string{"a:1.linear"}) {
		t.Errorf("%s %q", diff, names(p.Circuits))
	}
}

// A target that refuses all leaves nothing; one that refuses what it was not shown, or fails, is an error.
func TestRefusesAll(t *testing.T) {
	m := module(t, three)
	reply := func(layers func(c schema.Circuit) []schema.Placement) Check {
		return func(_ context.Context, circuits []schema.Circuit) (r schema.TargetReply, err error) {
			for _, c := range circuits {
				r.Layers = append(r.Layers, layers(c)...)
			}
			return r, nil
		}
	}
	p, err := Networks(context.Background(), reply(func(c schema.Circuit) (out []schema.Placement) {
		for _, q := range c.Populations {
			out = append(out, schema.Placement{Network: c.Network, Layer: q.Name, Host: true, Problem: "no"})
		}
		return out
	}), []Network{{Name: "n", Module: m}}, nil)
	if err != nil || len(p.Circuits) != 0 || len(p.Refused) != 3 || p.Cut[0].Module != m {
		t.Errorf("%+v, %v", p, err)
	}
	_, err = Networks(context.Background(), reply(func(c schema.Circuit) []schema.Placement {
		return []schema.Placement{{Network: c.Network, Layer: "9.conv", Host: true}}
	}), []Network{{Name: "n", Module: m}}, nil)
	if err == nil || !strings.Contains(err.Error(), `layer "9.conv" of network "n"`) {
		t.Errorf("%v", err)
	}
	broken := errors.New("broken")
	if _, err = Networks(context.Background(), func(context.Context, []schema.Circuit) (schema.TargetReply, error) {
		return schema.TargetReply{}, broken
	}, []Network{{Name: "n", Module: m}}, nil); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}
