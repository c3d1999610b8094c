package sdk_test

import (
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

const double = `graph 1

function train(x: f32[N 2]) {
  %0 = add %x %x
  return y = %0
}

function eval(x: f32[N 2]) {
  %0 = add %x %x
  return y = %0
}
`

// The first mistake is the one that is reported, and nothing panics after it.
func TestBuilderReports(t *testing.T) {
	step := func(b *sdk.ProgramBuilder) {
		b.Function("step", func(f *sdk.Function) {
			f.Output("total", f.Mean(f.Apply("net", sdk.Mode{}, f.Input("x", graph.Real(2)))[0]))
		})
		b.Stream("data", "x")
		b.Stage("train", "data", program.Step{Function: "step", Moves: []string{"net"}})
	}
	for _, x := range []struct {
		name, network string
		build         func(b *sdk.ProgramBuilder)
		want          string
	}{
		{"right", double, step, ""},
		{"a network that cannot be read", "graph 3\n", step, "read the network of net"},
		{"a network for evaluation alone", strings.ReplaceAll(double, "function train", "function test"), step, "has no function train"},
		{"another network's name", double, func(b *sdk.ProgramBuilder) {
			b.Function("step", func(f *sdk.Function) { f.Output("y", f.Apply("ned", sdk.Mode{}, f.Const(1))[0]) })
		}, `unknown role "ned"`},
		{"shapes that do not fit", double, func(b *sdk.ProgramBuilder) {
			b.Function("step", func(f *sdk.Function) {
				x := f.Input("x", graph.Real(3))
				y := f.Apply("net", sdk.Mode{}, x)[0]
				f.Output("total", f.MeanSquare(f.LogSoftmax(y), f.Step(f.Join(y, y), 1)))
			})
			step(b)
		}, "input 1 of net is f32[N 2], got f32[N 3]"},
		{"an output without a value", double, func(b *sdk.ProgramBuilder) {
			b.Function("step", func(f *sdk.Function) { f.Output("total", graph.Value{}) })
		}, "output total has no value"},
		{"a step that is not there", double, func(b *sdk.ProgramBuilder) {
			b.Stream("data", "x")
			b.Stage("train", "data", program.Step{Function: "step"})
		}, "unknown function step"},
		{"a name that is none", double, func(b *sdk.ProgramBuilder) {
			b.Function("step one", func(f *sdk.Function) { f.Output("y", f.Const(1)) })
		}, "want "},
		{"a name that is none, of a term", double, func(b *sdk.ProgramBuilder) {
			b.Function("step", func(f *sdk.Function) { f.Output("the loss", f.Const(1)) })
		}, "want "},
		{"states in train mode", double, func(b *sdk.ProgramBuilder) {
			b.Function("step", func(f *sdk.Function) {
				f.Apply("net", sdk.Mode{State: f.Zero("net")}, f.Input("x", graph.Real(2)))
				f.Output("y", f.Const(1))
			})
		}, "states are carried in eval mode only"},
		{"an equation without its emission", double, func(b *sdk.ProgramBuilder) {
			b.Equation(&graph.Equation{Name: "e"})
		}, "equation e has no step"},
	} {
		b := sdk.NewProgram([]schema.Network{{Role: "net", Graph: x.network}})
		x.build(b)
		text, err := b.Finish()
		switch {
		case x.want == "" && err != nil:
			t.Errorf("%s: %v", x.name, err)
		case x.want == "":
			if _, err := program.Parse(text); err != nil {
				t.Errorf("%s: %v", x.name, err)
			}
		case err == nil || !strings.Contains(err.Error(), x.want):
			t.Errorf("%s: want an error with %q, got %v", x.name, x.want, err)
		}
	}
}

// compute traces a function of one output and runs it for three examples; every random number is u.
func compute(t *testing.T, u float64, trace func(b *sdk.ProgramBuilder) func(f *sdk.Function) graph.Value) []float64 {
	t.Helper()
	b := sdk.NewProgram(nil)
	build := trace(b)
	b.Function("f", func(f *sdk.Function) { f.Output("y", build(f)) })
	text, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	l, err := program.NewLinker(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Function("f")
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &interp.Env{N: 3, Random: func(string, bool, uint64, uint64) float64 { return u }, Host: func(string) float64 { return 0.25 }})
	if err != nil {
		t.Fatal(err)
	}
	return res.Outputs["y"].Data
}

func TestCompositions(t *testing.T) {
	plain := func(f func(f *sdk.Function) graph.Value) func(*sdk.ProgramBuilder) func(*sdk.Function) graph.Value {
		return func(*sdk.ProgramBuilder) func(*sdk.Function) graph.Value { return f }
	}
	vector := func(f *sdk.Function, v ...float64) graph.Value {
		return f.Op(graph.OpConstant, graph.Attrs{"values": v, "dims": []int{len(v)}})
	}
	log := func(x, total float64) float64 { return math.Log(math.Exp(x) / total) }
	total := math.Exp(1) + math.Exp(-2) + math.Exp(0.5)
	for _, x := range []struct {
		name  string
		u     float64
		trace func(*sdk.ProgramBuilder) func(*sdk.Function) graph.Value
		want  []float64
	}{
		// The trace of a spike at every step with tau = 2 is 1/2, 3/4, 7/8.
		{"Trace", 0, func(b *sdk.ProgramBuilder) func(*sdk.Function) graph.Value {
			psp := b.Trace("psp", 2)
			return func(f *sdk.Function) graph.Value { return f.Run(psp, f.Expand(f.Const(1), graph.Type{Steps: 3})) }
		}, []float64{0.5, 0.75, 0.875}},
		{"RandomInt 0", 0, plain(func(f *sdk.Function) graph.Value { return f.RandomInt("a", graph.Real(), 5) }), []float64{0, 0, 0}},
		{"RandomInt 2", 0.59, plain(func(f *sdk.Function) graph.Value { return f.RandomInt("a", graph.Real(), 5) }), []float64{2, 2, 2}},
		// In float32 a number below 1 times 5 can round up to 5.
		{"RandomInt 4", 1, plain(func(f *sdk.Function) graph.Value { return f.RandomInt("a", graph.Real(), 5) }), []float64{4, 4, 4}},
		// Three examples of class 1 of 3, and of one that is none.
		{"OneHot", 0.34, plain(func(f *sdk.Function) graph.Value { return f.OneHot(f.RandomInt("a", graph.Real(), 3), 3) }), []float64{0, 1, 0, 0, 1, 0, 0, 1, 0}},
		{"OneHot of none", 1, plain(func(f *sdk.Function) graph.Value { return f.OneHot(f.RandomInt("a", graph.Real(), 3), 2) }), []float64{0, 0, 0, 0, 0, 0}},
		{"Uniform", 0.125, plain(func(f *sdk.Function) graph.Value { return f.Uniform("a", graph.Type{Steps: 2}) }), []float64{0.125, 0.125}},
		{"Host", 0, plain(func(f *sdk.Function) graph.Value { return f.Host("progress") }), []float64{0.25}},
		{"LogSoftmax", 0, plain(func(f *sdk.Function) graph.Value { return f.LogSoftmax(vector(f, 1, -2, 0.5)) }), []float64{log(1, total), log(-2, total), log(0.5, total)}},
		{"LogSoftmax of large numbers", 0, plain(func(f *sdk.Function) graph.Value { return f.LogSoftmax(vector(f, 1000, 0)) }), []float64{0, -1000}},
		{"MeanSquare", 0, plain(func(f *sdk.Function) graph.Value { return f.MeanSquare(vector(f, 1, 4), vector(f, 0, 1)) }), []float64{5}},
		{"Zeros", 0, plain(func(f *sdk.Function) graph.Value { return f.Zeros(graph.Spikes(1, 2)) }), []float64{0, 0, 0, 0, 0, 0}},
		{"Step and Join", 0, plain(func(f *sdk.Function) graph.Value {
			x := f.Op(graph.OpIota, graph.Attrs{"steps": 4})
			return f.Join(f.Step(x, 3), f.Step(x, 1))
		}), []float64{3, 1}},
	} {
		got := compute(t, x.u, x.trace)
		if len(got) != len(x.want) {
			t.Errorf("%s gives %v, want %v", x.name, got, x.want)
			continue
		}
		for i := range got {
			if math.Abs(got[i]-x.want[i]) > 1e-12 {
				t.Errorf("%s gives %v, want %v", x.name, got, x.want)
				break
			}
		}
	}
}

func TestWire(t *testing.T) {
	for want, x := range map[string]graph.Type{
		"real[1, 8, 8]": graph.Real(1, 8, 8), "spikes[32]": graph.Spikes(4, 32), "signal[2]": graph.Signal(4, 2),
		"tokens[7, 7]": graph.Real(7, 7).With(graph.I32), "int": graph.Real().With(graph.I32), "real[]": graph.Real(),
	} {
		if got := sdk.Wire(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
}
