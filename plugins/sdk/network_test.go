package sdk_test

import (
	"fmt"
	"math"
	"os"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// net is a network that fills a role, on its way into one of its two functions.
type net struct {
	*graph.Builder
	m      *graph.Module
	train  bool
	layers int
}

// input is a parameter of a network.
type input struct {
	name string
	graph.Type
}

// network returns the module of a network; build adds its layers, once for each mode.
func network(t *testing.T, free bool, build func(n *net, in []graph.Value) graph.Value, in ...input) *graph.Module {
	t.Helper()
	text, err := os.ReadFile("testdata/equations.txt")
	if err != nil {
		t.Fatal(err)
	}
	all, err := graph.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	m := &graph.Module{Equations: all.Equations}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		n := &net{Builder: graph.NewBuilder(mode, graph.ModuleEnv{Module: m}), m: m, train: mode == program.TrainFunction}
		var values []graph.Value
		for _, i := range in {
			values = append(values, n.Input(i.name, i.Type))
		}
		n.Output("y", build(n, values))
		g, err := n.Finish()
		if err != nil {
			t.Fatal(err)
		}
		g.FreeSteps = free
		m.Functions = append(m.Functions, g)
	}
	m.Equations = slices.DeleteFunc(m.Equations, func(e *graph.Equation) bool { // keep those in use
		return !slices.ContainsFunc(m.Functions[0].Nodes, func(n *graph.Node) bool { return n.Equation == e })
	})
	return m
}

// shown returns what a build request shows of a network.
func shown(role string, m *graph.Module) schema.Network {
	return schema.Network{Role: role, Name: role, Graph: m.Print()}
}

func (n *net) variable(part string, kind graph.VariableKind, init graph.Init, dims ...int) graph.Value {
	name := fmt.Sprintf("%d.%s", n.layers, part)
	if n.m.Variable(name) == nil {
		n.m.Variables = append(n.m.Variables, graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Kind: kind, Init: init})
	}
	return n.Op(graph.OpRead, graph.Attrs{"var": name})
}

func even(fanIn int) graph.Init {
	bound := 1 / math.Sqrt(float64(fanIn))
	return graph.Init{Kind: "uniform", A: -bound, B: bound}
}

func (n *net) linear(x graph.Value, out int) graph.Value {
	in := x.Type().Dims[0]
	y := n.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, n.variable("weight", graph.Parameter, even(in), out, in))
	y = n.Add(y, n.variable("bias", graph.Parameter, even(in), out))
	n.layers++
	return y
}

// positive is a layer without bias whose weights are uniform in 0..high, as first-spike networks start.
func (n *net) positive(x graph.Value, out int, high float64) graph.Value {
	in := x.Type().Dims[0]
	w := n.variable("weight", graph.Parameter, graph.Init{Kind: "uniform", B: high}, out, in)
	n.layers++
	return n.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, w)
}

func (n *net) conv(x graph.Value, out, kernel, stride int) graph.Value {
	in := x.Type().Dims[0]
	fan := in * kernel * kernel
	w := n.variable("weight", graph.Parameter, even(fan), out, in, kernel, kernel)
	y := n.Op(graph.OpConv, graph.Attrs{"stride": stride, "pad": (kernel - 1) / 2}, x, w)
	y = n.Add(y, n.variable("bias", graph.Parameter, even(fan), out))
	n.layers++
	return y
}

// grow doubles height and width by a transposed convolution.
func (n *net) grow(x graph.Value, out int) graph.Value {
	d := x.Type().Dims
	w := n.variable("weight", graph.Parameter, even(out*9), d[0], out, 3, 3)
	y := n.Op(graph.OpConvInput, graph.Attrs{"stride": 2, "pad": 1, "height": 2 * d[1], "width": 2 * d[2]}, x, w)
	y = n.Add(y, n.variable("bias", graph.Parameter, even(out*9), out))
	n.layers++
	return y
}

// norm is batch normalisation over batch, space and all steps, or step by step.
func (n *net) norm(x graph.Value, perStep bool) graph.Value {
	t := x.Type()
	c := t.Dims[0]
	zero, one := graph.Init{Kind: "constant"}, graph.Init{Kind: "constant", A: 1}
	weight, bias := n.variable("weight", graph.Parameter, one, c), n.variable("bias", graph.Parameter, zero, c)
	mean, variance := n.variable("running_mean", graph.Statistic, zero, c), n.variable("running_var", graph.Statistic, one, c)
	defer func() { n.layers++ }()
	if !n.train {
		gain := n.Div(weight, n.Op(graph.OpSqrt, nil, n.Add(variance, n.Const(1e-5))))
		return n.Add(n.Mul(n.Sub(x, mean), gain), bias)
	}
	var axes graph.Axes
	for _, a := range graph.AllAxes(t) {
		if a != 0 && (a != graph.TimeAxis || !perStep) {
			axes = append(axes, a)
		}
	}
	res := n.Ops(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": 1e-5}, x)
	steps := 1
	if perStep {
		steps = t.Steps
	}
	for i := range steps {
		m, v := res[1], res[2]
		if perStep {
			m = n.Reduce("sum", n.Slice(m, graph.TimeAxis, i, 1), graph.TimeAxis)
			v = n.Reduce("sum", n.Slice(v, graph.TimeAxis, i, 1), graph.TimeAxis)
		}
		mean = n.Add(n.Scale(mean, 0.9), n.Scale(m, 0.1))
		variance = n.Add(n.Scale(variance, 0.9), n.Scale(v, 0.1))
	}
	n.Ops(graph.OpAssign, graph.Attrs{"var": fmt.Sprint(n.layers, ".running_mean")}, mean)
	n.Ops(graph.OpAssign, graph.Attrs{"var": fmt.Sprint(n.layers, ".running_var")}, variance)
	return n.Add(n.Mul(res[0], weight), bias)
}

// run runs an equation of testdata/equations.txt over the time of its input.
func (n *net) run(name string, in ...graph.Value) graph.Value {
	return n.Equation(graph.OpEquation, n.m.Equation(name), graph.Attrs{}, in...)[0]
}

func (n *net) encode(name string, x graph.Value, steps int) graph.Value {
	return n.Equation(graph.OpEquation, n.m.Equation(name), graph.Attrs{"steps": steps}, x)[0]
}

func (n *net) decode(name string, in ...graph.Value) graph.Value {
	return n.Equation(graph.OpEquation, n.m.Equation(name), graph.Attrs{"last": true}, in...)[0]
}

func (n *net) flat(x graph.Value) graph.Value { return n.Reshape(x, x.Type().Size()) }

// dense is a spiking layer.
func (n *net) dense(x graph.Value, out int) graph.Value {
	return n.run("fire", n.norm(n.linear(x, out), false))
}

// scoring decodes images over time by attention (SGAD, Feng et al. 2024): v is mixed with the image of the next step, the
// more the better its query fits the image's key.
func (n *net) scoring(x graph.Value, width int) graph.Value {
	steps, dims := x.Type().Steps, x.Type().Dims
	x = n.flat(x)
	in := x.Type().Dims[0]
	q, k := n.variable("query", graph.Parameter, even(in), width, in), n.variable("key", graph.Parameter, even(in), width, in)
	n.layers++
	by := func(w, x graph.Value) graph.Value { return n.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, w) }
	at := func(t int) graph.Value {
		return n.Reduce("sum", n.Slice(x, graph.TimeAxis, t, 1), graph.TimeAxis)
	}
	v := at(0)
	for t := 1; t < steps; t++ {
		y, query := at(t), by(q, v)
		score := func(x graph.Value) graph.Value {
			return n.Scale(n.Reduce("sum", n.Mul(query, by(k, x)), 0), 1/math.Sqrt(float64(width)))
		}
		// The softmax of two scores is the sigmoid of their difference.
		keep := n.Op(graph.OpSigmoid, nil, n.Sub(score(v), score(y)))
		v = n.Add(n.Mul(v, keep), n.Mul(y, n.Sub(n.Const(1), keep)))
	}
	return n.Reshape(v, dims...)
}
