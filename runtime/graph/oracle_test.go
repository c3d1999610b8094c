package graph_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// oracleCase is an entry of testdata/oracle.json: what PyTorch computes in float64 (testdata/oracle.py).
type oracleCase struct {
	Name       string
	Attrs      map[string]any
	Inputs     []oracleTensor
	Output, DY oracleTensor
	Grads      []oracleTensor
}

type oracleTensor struct {
	Shape []int
	Data  []float64
}

func (c oracleCase) number(name string) int   { v, _ := c.Attrs[name].(float64); return int(v) }
func (c oracleCase) real(name string) float64 { v, _ := c.Attrs[name].(float64); return v }
func (c oracleCase) flag(name string) bool    { v, _ := c.Attrs[name].(bool); return v }

func (c oracleCase) axes() graph.Axes {
	var axes graph.Axes
	for _, s := range strings.Fields(c.Attrs["axes"].(string)) {
		if s == "n" {
			axes = append(axes, graph.BatchAxis)
			continue
		}
		i, _ := strconv.Atoi(s)
		axes = append(axes, graph.Axis(i))
	}
	return axes
}

// formula returns the graph that should do what the case did, and the types of its inputs.
func (c oracleCase) formula(t *testing.T) ([]graph.Type, formula) {
	weight := func(i int) graph.Type { return graph.Type{Dims: c.Inputs[i].Shape} }
	examples := func(i int) graph.Type { return graph.Real(c.Inputs[i].Shape[1:]...) }
	conv := graph.Attrs{"stride": c.number("stride"), "pad": c.number("pad")}
	softmax := func(b *graph.Builder, x graph.Value) (log, p graph.Value) {
		n := x.Type().Dims[0]
		spread := func(v graph.Value) graph.Value { // one number per example for all classes
			return b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(0), "count": n}, b.Reshape(v, 1))
		}
		centred := b.Sub(x, spread(b.Stop(b.Reduce("max", x, 0))))
		e := b.Op(graph.OpExp, nil, centred)
		sum := b.Reduce("sum", e, 0)
		return b.Sub(centred, spread(b.Op(graph.OpLog, nil, sum))), b.Div(e, spread(sum))
	}
	how := reset{soft: c.flag("soft"), detach: c.flag("detach")}
	neuron := func(e *graph.Equation) formula {
		return func(b *graph.Builder, in []graph.Value) graph.Value {
			return b.Equation(graph.OpEquation, e, nil, in[0], in[1], b.Const(c.real("threshold")))[0]
		}
	}
	sequence := []graph.Type{graph.Signal(c.Inputs[0].Shape[0], c.Inputs[0].Shape[2:]...), graph.Scalar()}
	switch c.Name {
	case "conv":
		return []graph.Type{examples(0), weight(1)}, op(graph.OpConv, conv)
	case "conv-input-gradient":
		conv["height"], conv["width"] = c.number("height"), c.number("width")
		return []graph.Type{examples(0), weight(1)}, op(graph.OpConvInput, conv)
	case "matmul":
		right := weight(1)
		if len(right.Dims) == 3 {
			right = examples(1)
		}
		return []graph.Type{examples(0), right}, op(graph.OpMatmul, graph.Attrs{"transpose": c.flag("transpose")})
	case "max-pool":
		return []graph.Type{examples(0)}, op(graph.OpMaxPool, graph.Attrs{"kernel": c.number("kernel"), "stride": c.number("stride")})
	case "normalise":
		return []graph.Type{examples(0)}, op(graph.OpNormalise, graph.Attrs{"axes": c.axes(), "epsilon": c.real("epsilon")})
	case "softmax":
		return []graph.Type{examples(0)}, func(b *graph.Builder, in []graph.Value) graph.Value {
			_, p := softmax(b, in[0])
			return p
		}
	case "cross-entropy": // of the classes 4, 0, 2
		return []graph.Type{examples(0)}, func(b *graph.Builder, in []graph.Value) graph.Value {
			log, _ := softmax(b, in[0])
			// The k-th uniform number of example k is the class over 5: see oracleClasses.
			class := b.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, b.Op(graph.OpUniform, graph.Attrs{"label": "class", "batch": true, "dims": []int{}}))
			return b.Neg(b.Mean(b.Op(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, log, class)))
		}
	case "leaky":
		return sequence, neuron(leaky(atan(2), how))
	case "gated-leak":
		return sequence, neuron(gatedLeak(atan(2), how))
	case "summing":
		return sequence, neuron(summing(atan(2), how))
	}
	t.Fatalf("no graph for %s", c.Name)
	return nil, nil
}

// oracleClasses stands in for random numbers: it gives the class of each example.
func oracleClasses(_ string, _ bool, index, _ uint64) float64 { return []float64{4, 0, 2}[index] }

// TestOracle compares values and gradients with PyTorch's. The file has 14 digits, so inputs are off by 1e-14 of their
// size, and so, times the size of the derivatives (below 100 here, sums of up to some hundred terms included), are results.
func TestOracle(t *testing.T) {
	var cases []oracleCase
	if err := json.Unmarshal([]byte(read(t, "oracle.json")), &cases); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, c := range cases {
		seen[c.Name]++
		name := fmt.Sprint(c.Name, " ", c.Attrs)
		types, f := c.formula(t)
		b := graph.NewBuilder("oracle", nil)
		in := inputs(b, types)
		y := f(b, in)
		dy := b.Input("dy", y.Type().With(graph.F32))
		b.Output("y", y)
		for i, g := range graph.Gradient(b, total(b, b.Mul(y, dy)), in) {
			b.Output(fmt.Sprint("g", i), g)
		}
		n := c.Inputs[0].Shape[0]
		if types[0].Steps > 0 {
			n = c.Inputs[0].Shape[1]
		}
		value := func(t graph.Type, from oracleTensor) interp.Value {
			return interp.Value{Type: t, N: n, Data: from.Data}
		}
		env := &interp.Env{N: n, Inputs: map[string]interp.Value{"dy": value(dy.Type(), c.DY)}, Random: oracleClasses}
		for i, from := range c.Inputs {
			env.Inputs[fmt.Sprint("x", i)] = value(types[i], from)
		}
		res, err := interp.Run(finish(t, b), env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		compare := func(what string, got []float64, want oracleTensor) {
			if len(got) != len(want.Data) {
				t.Errorf("%s: %s has %d elements, want %d", name, what, len(got), len(want.Data))
				return
			}
			for i, w := range want.Data {
				if math.Abs(got[i]-w) > 1e-12*(1+math.Abs(w)) {
					t.Errorf("%s: %s, element %d: %v, want %v", name, what, i, got[i], w)
					return
				}
			}
		}
		compare("result", res.Outputs["y"].Data, c.Output)
		for i, g := range c.Grads {
			compare(fmt.Sprint("gradient ", i), res.Outputs[fmt.Sprint("g", i)].Data, g)
		}
	}
	for _, name := range []string{"conv", "conv-input-gradient", "matmul", "max-pool", "normalise", "softmax", "cross-entropy", "leaky", "gated-leak", "summing"} {
		if seen[name] == 0 {
			t.Errorf("oracle.json has no %s", name)
		}
	}
}
