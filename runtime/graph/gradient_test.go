package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

func op(op graph.Op, attrs graph.Attrs) formula {
	return func(b *graph.Builder, in []graph.Value) graph.Value { return b.Op(op, attrs, in...) }
}

// operand is the type of an input and the range of its values.
type operand struct {
	graph.Type
	low, high float64
}

func reals(low, high float64, t graph.Type) operand { return operand{t, low, high} }

func plain(t graph.Type) operand    { return operand{t, -1.5, 1.5} }
func positive(t graph.Type) operand { return operand{t, 0.5, 2} }

// derivative is what the table of operators holds: how an operator is used, and whether its second derivative is claimed.
type derivative struct {
	op     graph.Op
	note   string
	f      formula
	second bool
	in     []operand
}

// broadcasts are pairs of types that meet in an element-wise operator.
var broadcasts = [][2]graph.Type{
	{graph.Scalar(), graph.Scalar()},
	{graph.Real(3), graph.Real(3)},
	{graph.Signal(2, 3, 2), graph.Type{Dims: []int{3}}},
	{graph.Type{Dims: []int{3, 2}}, graph.Signal(2, 3)},
	{graph.Real(1, 2), graph.Type{Steps: 2, Dims: []int{3, 1, 2}}},
	{graph.Type{Steps: 3}, graph.Real(2)},
	{graph.Type{Dims: []int{2, 1}}, graph.Type{Dims: []int{1, 3}}},
	{graph.Spikes(2, 3), graph.Real(3)},
}

func derivatives() []derivative {
	var all []derivative
	add := func(o graph.Op, second bool, attrs graph.Attrs, in ...operand) {
		all = append(all, derivative{o, fmt.Sprint(attrs), op(o, attrs), second, in})
	}
	unary := []graph.Type{graph.Scalar(), graph.Signal(2, 3), {Dims: []int{2, 2}}}
	for _, o := range []graph.Op{graph.OpNeg, graph.OpAbs, graph.OpExp, graph.OpTanh, graph.OpSigmoid, graph.OpSin, graph.OpCos, graph.OpStop, graph.OpSign, graph.OpRound, graph.OpFloor} {
		for _, t := range unary {
			add(o, true, nil, plain(t))
		}
	}
	for _, o := range []graph.Op{graph.OpLog, graph.OpSqrt} {
		for _, t := range unary {
			add(o, true, nil, positive(t))
		}
	}
	for _, o := range []graph.Op{graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpMin, graph.OpMax, graph.OpLess, graph.OpLessEq, graph.OpGreater, graph.OpGreatEq, graph.OpEqual, graph.OpUnequal} {
		for _, t := range broadcasts {
			add(o, true, nil, plain(t[0]), plain(t[1]))
		}
	}
	for _, o := range []graph.Op{graph.OpDiv, graph.OpPow} {
		for _, t := range broadcasts {
			if t[0].DType == graph.F32 {
				add(o, true, nil, positive(t[0]), positive(t[1]))
			}
		}
	}
	bits := graph.Spikes(2, 3)
	add(graph.OpAnd, true, nil, plain(bits), plain(graph.Type{DType: graph.Bit, Dims: []int{3}}))
	add(graph.OpOr, true, nil, plain(bits), plain(bits))
	add(graph.OpNot, true, nil, plain(bits))
	add(graph.OpWhere, true, nil, plain(graph.Type{DType: graph.Bit, Dims: []int{3}}), plain(graph.Signal(2, 3)), plain(graph.Real(3, 2)))
	add(graph.OpWhere, true, nil, plain(bits), plain(graph.Scalar()), plain(graph.Real(3)))
	add(graph.OpCast, true, graph.Attrs{"dtype": "f32"}, plain(bits))
	add(graph.OpCast, true, graph.Attrs{"dtype": "i32"}, plain(graph.Real(3)))
	add(graph.OpCast, true, graph.Attrs{"dtype": "bit"}, plain(graph.Real(3)))

	image := graph.Signal(2, 2, 3, 4)
	add(graph.OpReshape, true, graph.Attrs{"dims": []int{4, 6}}, plain(image))
	add(graph.OpReshape, true, graph.Attrs{"dims": []int{}}, plain(graph.Real(1)))
	add(graph.OpTranspose, true, graph.Attrs{"axes": graph.Axes{2, 0, 1}}, plain(image))
	add(graph.OpTranspose, true, graph.Attrs{"axes": graph.Axes{1, 0}}, plain(graph.Spikes(2, 3, 2)))
	add(graph.OpSlice, true, graph.Attrs{"axis": graph.Axis(2), "start": 1, "length": 2}, plain(image))
	add(graph.OpSlice, true, graph.Attrs{"axis": graph.TimeAxis, "start": 1, "length": 1}, plain(image))
	add(graph.OpPad, true, graph.Attrs{"axis": graph.Axis(0), "before": 1, "after": 2}, plain(image))
	add(graph.OpPad, true, graph.Attrs{"axis": graph.TimeAxis, "before": 2, "after": 0}, plain(graph.Spikes(2, 3)))
	add(graph.OpConcat, true, graph.Attrs{"axis": graph.Axis(0)}, plain(graph.Signal(2, 3, 2)), plain(graph.Spikes(2, 1, 2)), plain(graph.Signal(2, 2, 2)))
	add(graph.OpConcat, true, graph.Attrs{"axis": graph.TimeAxis}, plain(graph.Signal(2, 3)), plain(graph.Signal(1, 3)))
	add(graph.OpRepeat, true, graph.Attrs{"axis": graph.Axis(1), "count": 3}, plain(graph.Real(2, 2, 2)))
	add(graph.OpRepeat, true, graph.Attrs{"axis": graph.TimeAxis, "count": 3}, plain(graph.Real(2)))
	add(graph.OpRepeat, true, graph.Attrs{"axis": graph.BatchAxis}, plain(graph.Type{Steps: 2, Dims: []int{2}}))
	add(graph.OpCount, true, graph.Attrs{"axes": graph.Axes{graph.BatchAxis, 0}}, plain(graph.Real(2)))

	cube := graph.Signal(2, 3, 3, 3)
	for _, kind := range []string{"sum", "mean", "max", "min"} {
		for _, axes := range []graph.Axes{{graph.TimeAxis}, {graph.BatchAxis}, {0}, {1}, {2}, {graph.BatchAxis, 1, 2}, {graph.TimeAxis, 0}, graph.AllAxes(cube)} {
			add(graph.OpReduce, true, graph.Attrs{"kind": kind, "axes": axes}, plain(cube))
		}
	}
	add(graph.OpReduce, true, graph.Attrs{"kind": "max", "axes": graph.Axes{0}}, plain(graph.Spikes(1, 4))) // ties
	add(graph.OpReduce, true, graph.Attrs{"kind": "argmax", "axes": graph.Axes{0}}, plain(graph.Real(4)))
	add(graph.OpReduce, true, graph.Attrs{"kind": "argmin", "axes": graph.Axes{graph.TimeAxis}}, plain(graph.Signal(4, 2)))

	index := graph.Type{DType: graph.I32, Batch: true, Dims: []int{2, 4}}
	add(graph.OpGather, true, graph.Attrs{"axis": graph.Axis(1)}, plain(graph.Real(2, 3, 4)), reals(0, 3, index))
	add(graph.OpGather, true, graph.Attrs{"axis": graph.Axis(1)}, plain(graph.Type{Dims: []int{2, 3, 4}}), reals(0, 3, index))
	add(graph.OpGather, true, graph.Attrs{"axis": graph.Axis(0)}, plain(graph.Signal(2, 3, 2, 4)), reals(0, 3, index))
	add(graph.OpScatter, true, graph.Attrs{"axis": graph.Axis(1), "size": 3}, reals(0, 3, index), plain(graph.Real(2, 4)))
	add(graph.OpScatter, true, graph.Attrs{"axis": graph.Axis(2), "size": 3}, reals(0, 3, index), plain(graph.Type{Steps: 2, Dims: []int{2, 4}}))
	add(graph.OpRows, true, nil, plain(graph.Type{Dims: []int{3, 2}}), reals(0, 3, index))
	add(graph.OpRows, true, nil, plain(graph.Type{Dims: []int{3}}), reals(0, 3, graph.Type{DType: graph.I32, Steps: 2}))
	add(graph.OpScatterAdd, true, graph.Attrs{"size": 3}, reals(0, 3, index), plain(graph.Real(2, 4, 2)))

	for _, flip := range []bool{false, true} {
		attrs := graph.Attrs{"transpose": flip}
		matrix := func(t graph.Type, k, n int) graph.Type {
			if flip {
				return t.WithDims(n, k)
			}
			return t.WithDims(k, n)
		}
		none := graph.Type{}
		add(graph.OpMatmul, true, attrs, plain(graph.Spikes(2, 3)), plain(matrix(none, 3, 2)))
		add(graph.OpMatmul, true, attrs, plain(graph.Signal(2, 2, 3)), plain(matrix(none, 3, 4)))
		add(graph.OpMatmul, true, attrs, plain(graph.Type{Dims: []int{2, 3}}), plain(matrix(graph.Real(), 3, 2)))
		add(graph.OpMatmul, true, attrs, plain(graph.Signal(2, 2, 3)), plain(matrix(graph.Real(), 3, 3)))
		add(graph.OpMatmul, true, attrs, plain(graph.Real(3, 3)), plain(matrix(graph.Signal(2), 3, 3)))
		add(graph.OpMatmulWeight, true, attrs, plain(graph.Spikes(2, 3)), plain(graph.Signal(2, 2)))
		add(graph.OpMatmulWeight, true, attrs, plain(graph.Real(2, 3)), plain(graph.Real(2, 4)))
	}
	for _, c := range []struct{ h, w, k, stride, pad int }{{4, 3, 3, 1, 1}, {5, 4, 3, 2, 1}, {4, 4, 2, 2, 0}, {3, 2, 1, 1, 0}, {5, 5, 2, 3, 1}} {
		oh, ow := (c.h+2*c.pad-c.k)/c.stride+1, (c.w+2*c.pad-c.k)/c.stride+1
		x, w, y := graph.Real(2, c.h, c.w), graph.Type{Dims: []int{2, 2, c.k, c.k}}, graph.Real(2, oh, ow)
		add(graph.OpConv, true, graph.Attrs{"stride": c.stride, "pad": c.pad}, plain(x), plain(w))
		add(graph.OpConvInput, true, graph.Attrs{"stride": c.stride, "pad": c.pad, "height": c.h, "width": c.w}, plain(y), plain(w))
		add(graph.OpConvWeight, true, graph.Attrs{"stride": c.stride, "pad": c.pad, "kernel": c.k}, plain(x), plain(y))
	}
	add(graph.OpConv, true, graph.Attrs{"stride": 1, "pad": 1}, plain(graph.Spikes(2, 1, 3, 3)), plain(graph.Type{Dims: []int{2, 1, 3, 3}}))
	add(graph.OpMaxPool, false, graph.Attrs{"kernel": 2, "stride": 2}, plain(graph.Real(2, 4, 5)))
	add(graph.OpMaxPool, false, graph.Attrs{"kernel": 3, "stride": 1}, plain(graph.Signal(2, 1, 4, 3)))
	add(graph.OpMaxPool, false, graph.Attrs{"kernel": 2, "stride": 2}, plain(graph.Spikes(1, 1, 4, 4)))
	for _, axes := range []graph.Axes{{graph.BatchAxis, 1, 2}, {graph.TimeAxis, graph.BatchAxis, 1, 2}, {0, 1, 2}, {graph.BatchAxis}} {
		add(graph.OpNormalise, false, graph.Attrs{"axes": axes, "epsilon": 0.1}, plain(graph.Signal(2, 2, 2, 3)))
	}
	return all
}

func TestDerivatives(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, d := range derivatives() {
		p := problem{name: string(d.op) + d.note, f: d.f}
		for _, o := range d.in {
			p.types = append(p.types, o.Type)
			p.values = append(p.values, random(r, o.Type, o.low, o.high))
		}
		p.checkGradient(t, r, d.second, everyWay...)
	}
}

// TestDerivativesCoverOperators says for every operator where its derivative is checked, or why it has none.
func TestDerivativesCoverOperators(t *testing.T) {
	elsewhere := map[graph.Op]string{
		graph.OpInput: "what is differentiated by", graph.OpRead: "what is differentiated by",
		graph.OpConstant: "no inputs", graph.OpIota: "no inputs", graph.OpUniform: "no inputs", graph.OpNormal: "no inputs",
		graph.OpHost: "no inputs", graph.OpTime: "no inputs", graph.OpSteps: "no inputs", graph.OpZero: "no inputs",
		graph.OpSpike: "TestEquationDerivatives", graph.OpEquation: "TestEquationDerivatives",
		graph.OpOpaque: "TestOpaqueDerivative", graph.OpOpaqueGrad: "refused",
		graph.OpChip: "TestChip", graph.OpEquationGrad: "refused", graph.OpMaxPoolGrad: "refused", graph.OpNormaliseGrad: "refused",
		graph.OpApply: "linked first", graph.OpCall: "linked first", graph.OpGrad: "linked first",
		graph.OpCustom: "TestCustomDerivative", graph.OpAssign: "no results",
	}
	have := map[graph.Op]bool{}
	for _, d := range derivatives() {
		have[d.op] = true
	}
	for _, o := range graph.Ops() {
		if _, ok := elsewhere[o]; ok == have[o] {
			t.Errorf("%s: in the table of derivatives: %v, accounted for elsewhere: %v", o, have[o], ok)
		}
	}
}

// refuses wants an error for the derivative of a formula.
func refuses(t *testing.T, want string, f formula, types ...graph.Type) {
	t.Helper()
	b := graph.NewBuilder("f", nil)
	in := inputs(b, types)
	graph.Gradient(b, total(b, f(b, in)), in)
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("want an error with %q, got %v", want, err)
	}
}

func TestGradientRefuses(t *testing.T) {
	image := graph.Real(1, 4, 4)
	refuses(t, "max-pool-gradient cannot be differentiated", func(b *graph.Builder, in []graph.Value) graph.Value {
		y := b.Op(graph.OpMaxPool, graph.Attrs{"kernel": 2, "stride": 2}, in[0])
		return b.Mul(graph.Gradient(b, total(b, b.Mul(y, y)), in)[0], in[0])
	}, image)
	refuses(t, "normalise-gradient cannot be differentiated", func(b *graph.Builder, in []graph.Value) graph.Value {
		y := b.Op(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{graph.BatchAxis}, "epsilon": 1e-5}, in[0])
		return graph.Gradient(b, total(b, b.Mul(y, y)), in)[0]
	}, image)
	refuses(t, "equation-gradient cannot be differentiated", func(b *graph.Builder, in []graph.Value) graph.Value {
		y := b.Equation(graph.OpEquation, leaky(atan(2), reset{}), graph.Attrs{}, in[0], b.Const(2), b.Const(1))[0]
		return graph.Gradient(b, total(b, b.Mul(y, in[0])), in)[0]
	}, graph.Signal(3, 2))
	refuses(t, "result 1 of normalise", func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Ops(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{graph.BatchAxis}, "epsilon": 1e-5}, in[0])[1]
	}, image)
	refuses(t, "repeating the steps", func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": 2}, in[0])
	}, graph.Signal(3, 2))
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Real(2))
	graph.Gradient(b, x, []graph.Value{x})
	if err := b.Err(); err == nil || !strings.Contains(err.Error(), "the loss must be f32[]") {
		t.Errorf("a loss of many elements: %v", err)
	}
}

// A value in the middle of a graph has a derivative too, also where its operator passes nothing on, and where it is unused.
func TestGradientByInnerValues(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	x := b.Input("x0", graph.Real(3))
	held := b.Stop(x)
	square := b.Mul(x, x)
	mean := b.Ops(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{graph.BatchAxis}, "epsilon": 1.0}, b.Input("x1", graph.Real(3)))[1]
	loss := total(b, b.Add(b.Mul(square, held), mean))
	wanted := []graph.Value{x, square, held, mean, b.Const(3)}
	for i, g := range graph.Gradient(b, loss, wanted) {
		b.Output(fmt.Sprint("g", i), g)
	}
	v := interp.Value{Type: graph.Real(3), N: batch, Data: []float64{1, -2, 3, 0.5, 0, 2}}
	got := runGraph(t, finish(t, b), map[string]interp.Value{"x0": v, "x1": v}, nil)
	each := func(f func(v float64) float64) []float64 {
		var out []float64
		for _, x := range v.Data {
			out = append(out, f(x))
		}
		return out
	}
	for i, want := range [][]float64{
		each(func(v float64) float64 { return 2 * v * v }), // held is constant
		v.Data,
		each(func(v float64) float64 { return v * v }),
		{2, 2, 2}, // each mean meets 2 examples
		{0},
	} {
		if g := got[fmt.Sprint("g", i)].Data; !slices.Equal(g, want) {
			t.Errorf("derivative %d is %v, want %v", i, g, want)
		}
	}
}

// customEnv resolves two functions.
type customEnv map[string]*graph.Graph

func (customEnv) Signature(string) (in, out []graph.Type, free, ok bool) { return }
func (customEnv) VariableType(string) (graph.Type, bool)                 { return graph.Type{}, false }
func (e customEnv) FunctionNamed(name string) *graph.Graph               { return e[name] }

// TestCustomDerivative: the backward function of a custom call gets the inputs, the outputs and their gradients.
func TestCustomDerivative(t *testing.T) {
	m, err := graph.Parse(`graph 1
function forward(x: f32[N 2], w: f32[2]) {
  %0 = mul %x %w : f32[N 2]
  %1 = exp %x : f32[N 2]
  return y = %0, z = %1
}
function backward(x: f32[N 2], w: f32[2], y: f32[N 2], z: f32[N 2], dy: f32[N 2], dz: f32[N 2]) {
  %0 = mul %dy %y
  %1 = mul %dz %z
  %2 = add %0 %1
  return dx = %2, dw = %w
}
`)
	if err != nil {
		t.Fatal(err)
	}
	env := customEnv{"forward": m.Function("forward"), "backward": m.Function("backward")}
	b := graph.NewBuilder("f", env)
	in := []graph.Value{b.Input("x", graph.Real(2)), b.Input("w", graph.Type{Dims: []int{2}})}
	out := b.Ops(graph.OpCustom, graph.Attrs{"function": "forward", "backward": "backward"}, in...)
	for i, g := range graph.Gradient(b, total(b, b.Scale(out[0], 3)), in) {
		b.Output(fmt.Sprint("g", i), g)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, n := range g.Nodes {
		if n.Op != graph.OpCall {
			continue
		}
		calls++
		if n.Text("function") != "backward" || len(n.In) != 6 || n.In[0] != in[0] || n.In[3] != out[1] {
			t.Errorf("the backward call is wrong:\n%v", g)
		}
	}
	if calls != 1 {
		t.Errorf("%d backward calls:\n%v", calls, g)
	}
}
