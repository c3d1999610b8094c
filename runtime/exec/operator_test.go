package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// trial is one use of an operator.
type trial struct {
	op    graph.Op
	attrs graph.Attrs
	in    []graph.Type
	n     int // batch size, 0: 5
	index int // values of i32 are below it, 0: 3
	// positive: inputs are greater than 0; rough: the share of the greatest result by which results may differ.
	positive bool
	rough    float64
}

// ulps is the relative error of so many roundings to single precision.
func ulps(n float64) float64 { return n * math.Exp2(-24) }

// shapes are all kinds of values: with and without time and batch, scalars, channels first and last, rows of bits that end
// inside words and at their ends.
func shapes() []graph.Type {
	return []graph.Type{graph.Scalar(), {Dims: []int{7}}, {Steps: 3}, {Batch: true}, graph.Real(5), graph.Signal(2, 64), graph.Signal(3, 3, 2, 4),
		graph.Real(2, 3), graph.Signal(2, 130), graph.Real(300), graph.Signal(2, 16, 5, 5), {Dims: []int{2, 3, 2}}, {Steps: 2, Dims: []int{3, 2, 2}}}
}

// pairs are shapes that broadcast with each other in every way.
func pairs() [][2]graph.Type {
	var out [][2]graph.Type
	for _, t := range shapes() {
		out = append(out, [2]graph.Type{t, t}, [2]graph.Type{t, graph.Scalar()}, [2]graph.Type{graph.Scalar(), t})
	}
	channel := func(c int) graph.Type { return graph.Type{Dims: []int{c}} }
	return append(out, [][2]graph.Type{
		{graph.Signal(2, 16, 5, 5), channel(16)}, {channel(3), graph.Signal(3, 3, 2, 4)}, {graph.Real(2, 3), channel(2)}, {graph.Real(10), channel(10)},
		{graph.Signal(2, 8, 2, 2), graph.Real(8, 2, 2)}, {graph.Signal(2, 8, 2, 2), {Dims: []int{8, 2, 2}}}, {graph.Signal(2, 8, 2, 2), {Steps: 2}},
		{graph.Signal(2, 8, 2, 2), graph.Type{Steps: 2, Dims: []int{8}}}, {graph.Signal(2, 8, 2, 2), graph.Real(1, 2)}, {graph.Real(4, 1), graph.Real(4, 6)},
		{graph.Real(3), {Steps: 2}}, {graph.Real(1, 4), {Dims: []int{3, 1}}}, {graph.Real(640), {Dims: []int{640}}}, {graph.Signal(4, 300), {Steps: 4}},
	}...)
}

func trials() []trial {
	var out []trial
	add := func(op graph.Op, attrs graph.Attrs, in ...graph.Type) *trial {
		out = append(out, trial{op: op, attrs: attrs, in: in})
		return &out[len(out)-1]
	}
	kinds := []graph.DType{graph.F32, graph.Bit, graph.I32}
	for _, op := range []graph.Op{graph.OpAdd, graph.OpSub, graph.OpMul, graph.OpMin, graph.OpMax, graph.OpLess, graph.OpLessEq, graph.OpGreater,
		graph.OpGreatEq, graph.OpEqual, graph.OpUnequal} {
		for _, p := range pairs() {
			add(op, nil, p[0], p[1])
		}
		for _, a := range kinds {
			for _, b := range kinds {
				add(op, nil, graph.Signal(2, 70).With(a), graph.Signal(2, 70).With(b))
				add(op, nil, graph.Signal(2, 3, 4, 4).With(a), graph.Type{DType: b, Dims: []int{3}})
			}
		}
	}
	for _, t := range shapes() {
		t.DType = graph.Bit
		add(graph.OpAnd, nil, t, t)
		add(graph.OpOr, nil, t, t)
		add(graph.OpNot, nil, t)
		add(graph.OpWhere, nil, t, t, t)
		add(graph.OpWhere, nil, t, t.With(graph.F32), t.With(graph.F32))
		add(graph.OpWhere, nil, t, t.With(graph.I32), graph.Scalar().With(graph.I32))
		for _, op := range []graph.Op{graph.OpNeg, graph.OpAbs, graph.OpSign, graph.OpRound, graph.OpFloor, graph.OpStop} {
			add(op, nil, t.With(graph.F32))
			add(op, nil, t)
		}
		for _, from := range kinds {
			for _, to := range kinds {
				add(graph.OpCast, graph.Attrs{"dtype": to.String()}, t.With(from))
			}
		}
	}
	for _, op := range []graph.Op{graph.OpExp, graph.OpLog, graph.OpSqrt, graph.OpTanh, graph.OpSigmoid, graph.OpSin, graph.OpCos} {
		x := add(op, nil, graph.Signal(2, 3, 5, 5))
		x.positive, x.rough = true, ulps(1)
	}
	for _, op := range []graph.Op{graph.OpDiv, graph.OpPow} {
		x := add(op, nil, graph.Signal(2, 3, 5, 5), graph.Real(3))
		x.positive, x.rough = true, ulps(1)
	}

	// Sources.
	for _, d := range [][]int{{}, {3}, {2, 3, 4}, {130}} {
		for _, steps := range []int{0, 3} {
			for _, batch := range []bool{false, true} {
				attrs := graph.Attrs{"label": "here", "dims": d, "steps": steps, "batch": batch}
				add(graph.OpUniform, attrs)
				add(graph.OpNormal, attrs).rough = ulps(1)
			}
		}
	}
	add(graph.OpConstant, graph.Attrs{"value": 1.5, "dims": []int{2, 3}})
	add(graph.OpConstant, graph.Attrs{"values": []float64{1, 0, 1}, "dims": []int{3}, "dtype": "bit"})
	add(graph.OpConstant, graph.Attrs{"value": 2.0, "dtype": "i32"})
	add(graph.OpIota, graph.Attrs{"steps": 4})
	add(graph.OpIota, graph.Attrs{"dims": []int{70}})
	add(graph.OpHost, graph.Attrs{"what": "progress"})
	add(graph.OpCount, graph.Attrs{"axes": graph.Axes{graph.TimeAxis, graph.BatchAxis, 1}}, graph.Signal(3, 2, 4))

	// Shape.
	for _, kind := range kinds {
		for _, t := range []graph.Type{graph.Signal(2, 4, 3, 6), graph.Real(4, 3, 6), {Dims: []int{4, 3, 6}}, {Steps: 2, Dims: []int{4, 3, 6}}, graph.Signal(2, 16, 3, 8)} {
			t.DType = kind
			for _, dims := range [][]int{{t.Size()}, {t.Dims[0], t.Size() / t.Dims[0]}, {t.Dims[1], t.Dims[0] * t.Dims[2]}, {2, t.Size() / 4, 2}, {1, t.Size(), 1}} {
				add(graph.OpReshape, graph.Attrs{"dims": dims}, t)
			}
			for _, axes := range []graph.Axes{{0, 1, 2}, {1, 0, 2}, {2, 1, 0}, {2, 0, 1}} {
				add(graph.OpTranspose, graph.Attrs{"axes": axes}, t)
			}
			for axis := graph.Axis(0); axis < 3; axis++ {
				add(graph.OpSlice, graph.Attrs{"axis": axis, "start": 1, "length": t.Dims[axis] - 1}, t)
				add(graph.OpPad, graph.Attrs{"axis": axis, "before": 1, "after": 2}, t)
				add(graph.OpConcat, graph.Attrs{"axis": axis}, t, t, t)
				add(graph.OpConcat, graph.Attrs{"axis": axis}, t, t.With(graph.F32))
				add(graph.OpRepeat, graph.Attrs{"axis": axis, "count": 3}, t)
			}
			if t.Steps > 0 {
				add(graph.OpSlice, graph.Attrs{"axis": graph.TimeAxis, "start": 1, "length": 1}, t)
				add(graph.OpPad, graph.Attrs{"axis": graph.TimeAxis, "before": 1, "after": 2}, t)
				add(graph.OpConcat, graph.Attrs{"axis": graph.TimeAxis}, t, t.WithSteps(1))
				add(graph.OpConcat, graph.Attrs{"axis": graph.TimeAxis}, t.With(graph.F32), t.WithSteps(3))
			}
			add(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": 3}, t)
			if !t.Batch {
				add(graph.OpRepeat, graph.Attrs{"axis": graph.BatchAxis}, t)
			}
		}
	}

	// Sums and picks.
	for _, t := range append(shapes(), graph.Signal(4, 16, 16), graph.Spikes(3, 7, 3, 3), graph.Real(3, 4).With(graph.I32)) {
		all := graph.AllAxes(t)
		for set := range 1 << len(all) {
			var axes graph.Axes
			for i, a := range all {
				if set>>i&1 == 1 {
					axes = append(axes, a)
				}
			}
			for _, kind := range []string{"sum", "mean", "max", "min"} {
				x := add(graph.OpReduce, graph.Attrs{"kind": kind, "axes": axes}, t)
				if kind == "mean" {
					x.rough = ulps(1)
				}
			}
			if len(axes) == 1 && axes[0] != graph.BatchAxis {
				add(graph.OpReduce, graph.Attrs{"kind": "argmax", "axes": axes}, t)
				add(graph.OpReduce, graph.Attrs{"kind": "argmin", "axes": axes}, t)
			}
		}
	}
	index := func(steps int, batch bool, dims ...int) graph.Type {
		return graph.Type{DType: graph.I32, Steps: steps, Batch: batch, Dims: dims}
	}
	for _, kind := range kinds {
		add(graph.OpGather, graph.Attrs{"axis": graph.Axis(1)}, graph.Signal(2, 6, 3).With(kind), index(2, true, 6))
		add(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, graph.Real(3, 4, 5, 2).With(kind), index(0, true, 4, 5, 2))
		add(graph.OpGather, graph.Attrs{"axis": graph.Axis(2)}, graph.Real(3, 4, 5).With(kind), index(3, false, 3, 4))
		add(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, graph.Type{DType: kind, Dims: []int{3, 2}}, index(0, true, 2))
		add(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, graph.Type{DType: kind, Dims: []int{3}}, index(0, false))
		add(graph.OpScatter, graph.Attrs{"axis": graph.Axis(1), "size": 3}, index(2, true, 6), graph.Signal(2, 6).With(kind))
		add(graph.OpScatter, graph.Attrs{"axis": graph.Axis(0), "size": 3}, index(0, true, 4, 2), graph.Signal(2, 4, 2).With(kind))
		add(graph.OpScatter, graph.Attrs{"axis": graph.Axis(2), "size": 4}, index(0, true, 4, 2), graph.Type{DType: kind, Dims: []int{4, 2}})
		add(graph.OpScatter, graph.Attrs{"axis": graph.Axis(0), "size": 3}, index(0, false), graph.Scalar().With(kind))
		add(graph.OpRows, nil, graph.Type{DType: kind, Dims: []int{3, 2}}, index(2, true, 4))
		add(graph.OpRows, nil, graph.Type{DType: kind, Dims: []int{3, 2, 2}}, index(0, true, 4))
		add(graph.OpRows, nil, graph.Type{DType: kind, Dims: []int{3}}, index(0, true))
		add(graph.OpScatterAdd, graph.Attrs{"size": 3}, index(2, true, 4), graph.Signal(2, 4, 5).With(kind))
		add(graph.OpScatterAdd, graph.Attrs{"size": 3}, index(0, true, 4), graph.Real(4, 2, 2).With(kind))
		add(graph.OpScatterAdd, graph.Attrs{"size": 3}, index(0, false, 4), graph.Type{DType: kind, Dims: []int{4}})
	}

	// Products.
	matrix := func(rows, cols int) graph.Type { return graph.Type{Dims: []int{rows, cols}} }
	for _, kind := range kinds {
		for _, flip := range []bool{false, true} {
			w := matrix(70, 9)
			if flip {
				w = matrix(9, 70)
			}
			attrs := graph.Attrs{"transpose": flip}
			for _, a := range []graph.Type{graph.Signal(3, 70), graph.Real(70), {Dims: []int{70}}, graph.Signal(2, 4, 70), graph.Real(3, 70), {Steps: 2, Dims: []int{70}}} {
				add(graph.OpMatmul, attrs, a.With(kind), w)
				add(graph.OpMatmul, attrs, a.With(kind), w.With(graph.Bit))
				dy := a.WithDims(slices.Concat(a.Dims[:len(a.Dims)-1], []int{9})...)
				add(graph.OpMatmulWeight, attrs, a.With(kind), dy)
				add(graph.OpMatmulWeight, attrs, a.With(kind), dy.With(graph.Bit))
			}
			each := w
			each.Batch = true
			add(graph.OpMatmul, attrs, graph.Signal(2, 4, 70).With(kind), each)
			add(graph.OpMatmul, attrs, matrix(4, 70).With(kind), each.With(kind))
			add(graph.OpMatmul, attrs, graph.Real(4, 70).With(kind), each.WithSteps(2))
		}
		for _, c := range []struct{ k, stride, pad, size int }{{3, 1, 1, 6}, {3, 2, 1, 8}, {3, 2, 1, 7}, {1, 1, 0, 4}, {1, 2, 0, 5}, {2, 3, 1, 7}, {5, 2, 3, 6}, {3, 1, 0, 3}, {4, 2, 1, 8}} {
			for _, steps := range []int{0, 2} {
				for _, ch := range [][2]int{{3, 5}, {1, 4}, {4, 1}, {64, 2}} {
					o := (c.size+2*c.pad-c.k)/c.stride + 1
					x, y := graph.Signal(steps, ch[0], c.size, c.size), graph.Signal(steps, ch[1], o, o)
					w := graph.Type{Dims: []int{ch[1], ch[0], c.k, c.k}}
					attrs := graph.Attrs{"stride": c.stride, "pad": c.pad}
					add(graph.OpConv, attrs, x.With(kind), w)
					add(graph.OpConvWeight, graph.Attrs{"stride": c.stride, "pad": c.pad, "kernel": c.k}, x.With(kind), y)
					add(graph.OpConvWeight, graph.Attrs{"stride": c.stride, "pad": c.pad, "kernel": c.k}, x.With(kind), y.With(graph.Bit))
					add(graph.OpConvInput, graph.Attrs{"stride": c.stride, "pad": c.pad, "height": c.size, "width": c.size}, y.With(kind), w)
				}
			}
		}
		add(graph.OpConv, graph.Attrs{"stride": 1, "pad": 1}, graph.Type{DType: kind, Dims: []int{2, 4, 4}}, graph.Type{DType: graph.Bit, Dims: []int{3, 2, 3, 3}})
		add(graph.OpConvWeight, graph.Attrs{"stride": 1, "pad": 1, "kernel": 3}, graph.Type{DType: kind, Dims: []int{2, 4, 4}}, graph.Type{Dims: []int{3, 4, 4}})
		for _, c := range [][2]int{{2, 2}, {3, 1}, {2, 3}} {
			x := graph.Signal(2, 3, 6, 7)
			attrs := graph.Attrs{"kernel": c[0], "stride": c[1]}
			y := x.WithDims(3, (6-c[0])/c[1]+1, (7-c[0])/c[1]+1)
			for _, x := range []graph.Type{x.With(kind), x.WithDims(70, 6, 7).With(kind), x.With(graph.I32)} {
				y := y.WithDims(x.Dims[0], y.Dims[1], y.Dims[2])
				add(graph.OpMaxPool, attrs, x)
				add(graph.OpMaxPoolGrad, attrs, x, y)
			}
		}
	}
	for _, x := range []graph.Type{graph.Signal(2, 16, 3, 3), graph.Real(6), graph.Signal(3, 6, 4), graph.Spikes(2, 7)} {
		all := graph.AllAxes(x)
		for first := range all {
			var axes graph.Axes
			for _, a := range all {
				if a < 0 || int(a) >= first { // dims from `first` on, with time and batch
					axes = append(axes, a)
				}
			}
			for _, axes := range []graph.Axes{axes, axes[1:]} {
				if len(axes) == 0 {
					continue
				}
				// Mean and variance are sums in double precision, rounded once; then x - mean, the root, its inverse and
				// the product are rounded, and the difference may cancel up to 3 bits of values up to 2.
				add(graph.OpNormalise, graph.Attrs{"axes": axes, "epsilon": 0.01}, x).rough = ulps(16)
				stat := x.With(graph.F32)
				stat.Dims = nil
				for i, d := range x.Dims {
					if !axes.Has(graph.Axis(i)) {
						stat.Dims = append(stat.Dims, d)
					}
				}
				if axes.Has(graph.TimeAxis) {
					stat.Steps = 0
				}
				if axes.Has(graph.BatchAxis) {
					stat.Batch = false
				}
				g := add(graph.OpNormaliseGrad, graph.Attrs{"axes": axes, "epsilon": 0.01}, x.With(graph.F32), x.With(graph.F32), stat)
				g.rough, g.positive = ulps(16), true
			}
		}
	}
	return out
}

// TestOperators: the executor agrees with the interpreter on every operator, element type, axis and broadcast.
func TestOperators(t *testing.T) {
	covered := map[graph.Op]bool{graph.OpInput: true}
	for i, c := range trials() {
		covered[c.op] = true
		g := one(t, c.op, nil, c.attrs, c.in...)
		if c.n == 0 {
			c.n = 5
		}
		if c.index == 0 {
			c.index = 3
		}
		w := filled(rand.New(rand.NewPCG(1, uint64(i))), g, c.n, c.index)
		for name, v := range w.inputs {
			for k := range v.Data {
				if c.positive {
					v.Data[k] = math.Abs(v.Data[k]) + 0.25
				}
			}
			w.inputs[name] = v
		}
		if !t.Run(fmt.Sprintf("%d %s %v %v", i, c.op, c.attrs, c.in), func(t *testing.T) { w.same(t, g, c.rough) }) {
			return
		}
	}
	for _, op := range []graph.Op{graph.OpRead, graph.OpAssign, graph.OpEquation, graph.OpEquationGrad} {
		covered[op] = true // TestVariables, TestEquations
	}
	for _, op := range []graph.Op{graph.OpOpaque, graph.OpOpaqueGrad} {
		covered[op] = true // TestOpaque
	}
	covered[graph.OpChip] = true // TestChip
	for _, op := range []graph.Op{graph.OpSpike, graph.OpTime, graph.OpSteps} {
		covered[op] = true // in the step of an equation: TestEquations
	}
	for _, op := range []graph.Op{graph.OpApply, graph.OpZero, graph.OpCall, graph.OpCustom, graph.OpGrad} {
		covered[op] = true // linking replaces them
	}
	for _, op := range graph.Ops() {
		if !covered[op] {
			t.Errorf("no trial of %s", op)
		}
	}
}

// TestBatches: batches smaller and larger than the number of slots, and not divisible by it.
func TestBatches(t *testing.T) {
	for _, n := range []int{1, 2, 7, 8, 9, 33} {
		for i, c := range []trial{
			{op: graph.OpMatmulWeight, in: []graph.Type{graph.Spikes(2, 20), graph.Signal(2, 6)}},
			{op: graph.OpConvWeight, attrs: graph.Attrs{"stride": 2, "pad": 1, "kernel": 3}, in: []graph.Type{graph.Spikes(2, 4, 6, 6), graph.Signal(2, 5, 3, 3)}},
			{op: graph.OpReduce, attrs: graph.Attrs{"kind": "sum", "axes": graph.Axes{graph.BatchAxis, 1}}, in: []graph.Type{graph.Real(3, 40)}},
			{op: graph.OpMax, in: []graph.Type{graph.Real(), graph.Scalar()}},
			{op: graph.OpScatterAdd, attrs: graph.Attrs{"size": 3}, in: []graph.Type{{DType: graph.I32, Batch: true}, graph.Real(2)}},
		} {
			g := one(t, c.op, nil, c.attrs, c.in...)
			filled(rand.New(rand.NewPCG(2, uint64(i))), g, n, 3).same(t, g, 0)
		}
	}
}

// variables resolves variables by their types.
type variables map[string]graph.Type

func (variables) Signature(string) (in, out []graph.Type, free, ok bool) {
	return nil, nil, false, false
}
func (variables) FunctionNamed(string) *graph.Graph             { return nil }
func (v variables) VariableType(name string) (graph.Type, bool) { t, ok := v[name]; return t, ok }

// TestVariables: reads see the old values, also where an assignment exchanges two of them; averages are read where asked
// for; an output that is a variable keeps its value when the variable changes.
func TestVariables(t *testing.T) {
	ty := graph.Type{Dims: []int{3, 2, 2}}
	b := graph.NewBuilder("f", variables{"a": ty, "b": ty})
	x := b.Input("x", graph.Real(3, 2, 2))
	a, c := b.Op(graph.OpRead, graph.Attrs{"var": "a"}), b.Op(graph.OpRead, graph.Attrs{"var": "b"})
	av := b.Op(graph.OpRead, graph.Attrs{"var": "a", "average": true})
	b.Ops(graph.OpAssign, graph.Attrs{"var": "a"}, c)
	b.Ops(graph.OpAssign, graph.Attrs{"var": "b"}, a)
	b.Output("a", a)
	b.Output("average", av)
	b.Output("y", b.Add(b.Mul(x, a), b.Sub(c, av)))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	w := filled(r, g, 3, 3)
	w.variables = map[string]interp.Value{"a": grid(r, ty, 1, 3), "b": grid(r, ty, 1, 3)}
	w.same(t, g, 0)
	w.averages = map[string]interp.Value{"a": grid(r, ty, 1, 3)}
	w.same(t, g, 0)

	x2 := compiled(t, g, 3, 1)
	env, vars := w.env()
	if err := x2.Run(env); err != nil {
		t.Fatal(err)
	}
	if got, want := vars["b"].Logical(), w.variables["a"].Data; !slices.Equal(got, want) {
		t.Errorf("b = %v, want what a was: %v", got, want)
	}
	kept := x2.Output("a").Logical()
	clear(vars["a"].F32)
	if got := x2.Output("a").Logical(); !slices.Equal(got, kept) {
		t.Errorf("an output changes with a variable: %v, then %v", kept, got)
	}
}
