package experiment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

// odd is a coder that weighs the sum over the steps, unless its argument says what else to do.
func odd() sdk.Coder {
	return sdk.Coder{
		Component: schema.Component{Kind: schema.Coder, Name: "odd", Version: "1.0", Doc: "Weighs.", Params: []schema.Param{{Name: "do", Type: schema.String, Default: `""`}}},
		Graph: func(args schema.Arguments, in graph.Type) (string, []schema.Complaint, error) {
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
				x := b.Reduce("sum", b.Input("x", in), graph.TimeAxis)
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
		"narrow":          {diag.PluginFailed, `odd(do = "narrow")`, "the graph of coder `odd` does not hold: it makes f32[N 1] of f32[T3 N 10] in train mode, and a decoder gives f32[N 10]"},
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
