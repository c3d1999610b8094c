package sdk_test

import (
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// A program whose role has opaque neurons carries their states from one application to the next, beside those of equations; and its own
// functions may apply what it declares. In two parts a sequence gives what it gives whole.
func TestOpaqueProgram(t *testing.T) {
	plugin := opaquetest.Plugin()
	declare := func(component string) *graph.Opaque {
		o, err := opaquetest.Declare(plugin, component, "", schema.Arguments{"tau": {Number: 2}, "threshold": {Number: 1}}, 2)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	leaky, dry := declare("leaky"), declare("dry")
	net := &graph.Module{Opaques: []*graph.Opaque{dry, leaky}}
	trace := sdk.NewProgram(nil).Trace("trace", 4)
	net.Equations = []*graph.Equation{trace}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, nil)
		x := b.Input("x", graph.Signal(4, 2))
		x = b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: dry}, nil, b.Equation(graph.OpEquation, trace, graph.Attrs{}, x)[0])[0]
		b.Output("y", b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: leaky}, nil, x)[0])
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		g.FreeSteps = true
		net.Functions = append(net.Functions, g)
	}
	b := sdk.NewProgram([]schema.Network{{Role: "net", Name: "n", Graph: net.Print(), Steps: 4}})
	own := b.Opaque(dry)
	last := func(f *sdk.Function, spikes graph.Value) {
		f.Output("y", f.Like(&graph.Node{Op: graph.OpOpaque, Opaque: own}, nil, spikes)[0])
	}
	b.Function("whole", func(f *sdk.Function) {
		last(f, f.Apply("net", sdk.Mode{Eval: true}, f.Input("x", graph.Signal(4, 2)))[0])
	})
	b.Function("parts", func(f *sdk.Function) {
		x, state := f.Input("x", graph.Signal(4, 2)), f.Zero("net")
		var parts []graph.Value
		for _, at := range [][2]int{{0, 1}, {1, 3}} {
			res := f.Apply("net", sdk.Mode{Eval: true, State: state}, f.Slice(x, graph.TimeAxis, at[0], at[1]))
			parts, state = append(parts, res[0]), res[1]
		}
		last(f, f.Join(parts...))
	})
	b.Function("step", func(f *sdk.Function) {
		f.Output("total", f.Mean(f.Apply("net", sdk.Mode{}, f.Input("x", graph.Signal(4, 2)))[0]))
	})
	b.Stream("data", "x")
	b.Stage("train", "data", program.Step{Function: "step", Moves: []string{"net"}})
	text, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	l, err := program.NewLinker(p, map[string]*graph.Module{"net": net})
	if err != nil {
		t.Fatal(err)
	}
	x := interp.Value{Type: graph.Signal(4, 2), N: 3, Data: make([]float64, 24)}
	for i := range x.Data {
		x.Data[i] = float64(i%7)*8 - 60
	}
	var got [][]float64
	for _, name := range []string{"whole", "parts"} {
		g, err := l.Function(name)
		if err != nil {
			t.Fatal(err)
		}
		res, err := interp.Run(g, &interp.Env{N: 3, Inputs: map[string]interp.Value{"x": x}, Opaque: opaquetest.New(plugin)})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, res.Outputs["y"].Data)
	}
	if !slices.Equal(got[0], got[1]) {
		t.Errorf("in parts %v, whole %v", got[1], got[0])
	}
	spikes := map[float64]int{} // less what dry adds to them
	for i, v := range got[0] {
		spikes[v-10-float64(i/6)]++
	}
	if len(spikes) != 2 || spikes[0] == 0 || spikes[1] == 0 {
		t.Errorf("it spikes %v", spikes)
	}
	rates := 0
	g, _, err := l.Step(p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range g.Outputs {
		if o.Name == "rate.net." {
			rates++
		}
	}
	if rates != 1 {
		t.Errorf("%d firing rates of %v", rates, g.Outputs)
	}
}
