package lower_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// The graph of a coder stands in the place of its layer: its variables are the layer's, shared by the uses of its network, its
// random numbers are those of the use, and its statistics go from use to use.
func TestGraphCoder(t *testing.T) {
	a := archive(t, "coder.txtar")
	parts := map[string]string{}
	for _, f := range a.Files {
		parts[f.Name] = string(f.Data)
	}
	c := &check.Catalogue{Components: []schema.Component{{Kind: schema.Coder, Name: "weigh", Version: "1.0"},
		{Kind: schema.Coder, Name: "held", Version: "1.0", Equations: "coder held(steps: int = 4) { encode x { output x } }"}}}
	asked := ""
	c.Graph = func(k *check.Coder, in check.Wire, at diag.Range) (check.CoderGraph, diag.List) {
		asked += fmt.Sprintf("%s at %v, %d steps\n", k.Name, in, in.Steps)
		return check.CoderGraph{Text: parts["graph"], Out: check.Wire{Dims: in.Dims}, Count: check.Parameters{Trainable: 2}}, nil
	}
	f, found := dsl.Parse("spec", []byte("snn 1\n"+parts["spec"]))
	s, more := check.Check(f, check.Options{Catalogue: c})
	if found = append(found, more...); found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	n := s.Networks[0]
	m, found := lower.Network(n, 0)
	if found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	verified(t, m)
	if n.Count().Trainable != 2 || asked != "weigh at signal[2], 3 steps\n" {
		t.Errorf("%v numbers; asked for %s", n.Count(), asked)
	}
	goldens(t, "coder.txtar", func(name, text string) string {
		if name != "spec" {
			return ""
		}
		return strings.TrimPrefix(m.Print(), "graph 1\n") + titles("", m)
	})
}

// A coder that is no layer encodes a value and decodes what comes of it, with one variable for a parameter that both directions
// have.
func TestCoderByItself(t *testing.T) {
	text := `snn 1
coder early(steps: int = 5, gain: real = 2 trainable) {
    encode x { spike when t == floor((1 - x) * steps + 0.001) }
    decode s {
        state first = steps
        first = min(first, where(s, t, steps))
        output gain * (1 - first / steps)
    }
}
coder same = early
network n(x: real[3]) -> real[3] { return x -> encode(same) -> decode(same) }
`
	f, found := dsl.Parse("spec", []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatalf("%s", rendered(t, s, found))
	}
	var same *check.Coder
	for _, c := range s.Coders {
		if c.Name == "same" {
			same = c
		}
	}
	in := graph.Real(3, 1, 1)
	encode, decode, err := lower.Coder(same, in)
	if err != nil {
		t.Fatal(err)
	}
	run := func(m *graph.Module, x interp.Value) interp.Value {
		verified(t, m)
		res, err := interp.Run(m.Function("eval"), &interp.Env{N: x.N, Inputs: map[string]interp.Value{"x": x},
			Variables: map[string]interp.Value{"1.gain": {Type: graph.Scalar(), N: 1, Data: []float64{2}}, "0.gain": {Type: graph.Scalar(), N: 1, Data: []float64{2}}}})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs["y"]
	}
	x := interp.Value{Type: in, N: 2, Data: []float64{0, 0.2, 0.4, 0.6, 0.8, 1}}
	spikes := run(encode, x)
	if !spikes.Type.Equal(graph.Spikes(5, 3, 1, 1)) {
		t.Errorf("encodes to %v", spikes.Type)
	}
	back := run(decode, spikes)
	for i, v := range x.Data {
		if math.Abs(back.Data[i]-2*v) > 1e-12 {
			t.Errorf("%v comes back as %v", v, back.Data[i])
		}
	}
	if len(decode.Variables) != 1 || len(encode.Variables) > 1 || len(encode.Variables) == 1 && encode.Variables[0].Name != decode.Variables[0].Name {
		t.Errorf("variables %v and %v", encode.Variables, decode.Variables)
	}
}
