package experiment

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

// odd is a coder that weighs the sum over the steps, unless its argument says what else to do.
func odd() sdk.Coder {
	return sdk.Coder{
		Component: schema.Component{Kind: schema.Coder, Name: "odd", Version: "1.0", Doc: "Weighs.", Params: []schema.Param{{Name: "do", Type: schema.String, Default: `""`}}},
		Decode: func(args schema.Arguments, in graph.Type) (string, []schema.Complaint, error) {
			dims := in.Dims
			switch args.Text("do") {
			case "complain":
				return "", []schema.Complaint{{Path: "do", Summary: "it complains"}}, nil
			case "complain of all":
				return "", []schema.Complaint{{Summary: "it likes nothing"}}, nil
			case "fail":
				return "", nil, errors.New("no luck")
			case "narrow":
				dims = []int{1}
			}
			m := &graph.Module{Variables: []graph.Variable{
				{Name: "weight", Type: graph.Type{Dims: in.Dims}, Init: graph.Init{Kind: "constant", A: 1}},
				{Name: "table", Type: graph.Type{Dims: []int{3}}, Kind: graph.Frozen, Init: graph.Init{Kind: "constant"}},
			}}
			for _, mode := range []string{"train", "eval"} {
				b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
				x := b.Input("x", in)
				if args.Text("do") != "keep the steps" {
					x = b.Reduce("sum", x, graph.TimeAxis)
				}
				x = b.Mul(x, b.Op(graph.OpRead, graph.Attrs{"var": "weight"}))
				if len(dims) == 1 && dims[0] == 1 {
					x = b.Slice(x, 0, 0, 1)
				}
				b.Output("y", x)
				g, err := b.Finish()
				if err != nil {
					return "", nil, err
				}
				m.Functions = append(m.Functions, g)
			}
			return m.Print(), nil, nil
		},
	}
}

// What a plugin's coder says and does comes back at its place: at the argument, or at the coder.
func TestGraphCoder(t *testing.T) {
	h := painters(t)
	for do, want := range map[string]struct {
		code         diag.Code
		at, sentence string
	}{
		"complain":        {diag.PluginComplains, `do = "complain"`, "it complains"},
		"complain of all": {diag.PluginComplains, `odd(do = "complain of all")`, "it likes nothing"},
		"fail":            {diag.PluginFailed, `odd(do = "fail")`, "the built-in plugin failed in Coder: "},
		"keep the steps":  {diag.PluginFailed, `odd(do = "keep the steps")`, "the graph of coder `odd` does not hold: it makes f32[T3 N 10] of f32[T3 N 10], and a decoder gives one real"},
		"narrow":          {diag.ShapeMismatch, `image -> encode(held) -> flatten -> linear(10) -> decode(odd(do = "narrow"))`, "network `net` returns real[10], and this is real[1]"},
	} {
		text := spec(t, "odd", `odd(do = "")`, fmt.Sprintf("odd(do = %q)", do))
		_, found, _ := Load(context.Background(), h, "a.snn", []byte(text), Options{})
		if len(found) != 1 {
			t.Errorf("%s: %v", do, found)
			continue
		}
		d := found[0]
		if at := text[d.Range.Start.Offset:d.Range.End.Offset]; d.Code != want.code || at != want.at || !strings.HasPrefix(d.Summary, want.sentence) {
			t.Errorf("%s: %s at %s: %s", do, d.Code, at, d.Summary)
		}
	}
	p, err := load(t, h, spec(t, "odd")).Plan()
	if err != nil {
		t.Fatal(err)
	}
	// 64 weights and a bias for each of 10 classes, and a weight of the coder.
	if m, n := p.Models[0], p.Networks[0]; m.Parameters != 660 || n.Parameters != 660 || m.Frozen != 3 || n.Frozen != 3 {
		t.Errorf("%+v, %+v", m, n)
	}
}

// A coder that is a graph encodes into more channels than it takes, and decodes back: as layers, where the parts of the network around
// it have these shapes, and as what fills the role of a model.
func TestCoderChangesShape(t *testing.T) {
	h := painters(t)
	x := load(t, h, spec(t, "shapes"))
	var got []string
	for _, l := range x.Spec.Networks[0].Layers {
		got = append(got, fmt.Sprintf("%s %v", l.Kind, l.Wire))
	}
	want := []string{"input real[1, 8, 8]", "encode times[5, 8, 8]", "flatten times[320]", "linear signal[30]", "decode real[10]"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	mustRun(t, x, filepath.Join(t.TempDir(), "run"))

	_, coder, _ := strings.Cut(spec(t, "shapes"), "coder many = ")
	coder, _, _ = strings.Cut(coder, "\n")
	x = load(t, h, spec(t, "stages", "(front = front, back = back, coder = early)", "(front = front, back = back, coder = "+coder+")"))
	for role, want := range map[string]graph.Type{"coder.encode": graph.Spikes(6, 5, 8, 8), "coder.decode": graph.Real(1, 8, 8)} {
		if got := x.named("first").Modules[role].Function("eval").Outputs[0].Value.Type(); !got.Equal(want) {
			t.Errorf("%s gives %v, want %v", role, got, want)
		}
	}
}

// A decoder has to fit what it decodes, also where the number of steps is known only where its network is used.
func TestCoderDoesNotFit(t *testing.T) {
	h := painters(t)
	bad := strings.NewReplacer("linear(30)", "linear(31)")
	for _, text := range []string{
		bad.Replace(spec(t, "shapes")),
		bad.Replace(spec(t, "shapes", "-> linear(30) -> decode(say)", "-> head")) + "\nnetwork head(x: spikes[320]) -> real[10] { return x -> linear(31) -> decode(say) }\n",
	} {
		_, found, _ := Load(context.Background(), h, "a.snn", []byte(text), Options{})
		if len(found) != 1 {
			t.Fatalf("%v", found)
		}
		d := found[0]
		if at := text[d.Range.Start.Offset:d.Range.End.Offset]; d.Code != diag.PluginComplains || at != "neurons = 3" || d.Summary != "the 31 channels of what is decoded are no multiple of 3 neurons" {
			t.Errorf("%s at %s: %s", d.Code, at, d.Summary)
		}
	}
}
