package graph

import (
	"fmt"
	"slices"
)

// Gradient adds to b the derivative of the scalar loss by each value of wrt, in reverse mode, and returns them in order, of
// the same types as real numbers. Where the loss does not depend on a value its derivative is zero. What `stop`, picks and
// comparisons give counts as constant; an equation brings its own derivative, a custom call its backward function.
func Gradient(b *Builder, loss Value, wrt []Value) []Value {
	if b.err != nil {
		return make([]Value, len(wrt))
	}
	if !loss.Type().Equal(Scalar()) {
		b.Fail(fmt.Errorf("gradient of %v: the loss must be f32[]", loss.Type()))
		return make([]Value, len(wrt))
	}
	d := &differentiator{b: b, needs: map[*Node]bool{}, wanted: map[Value]bool{}, grad: map[Value][]Value{}}
	for _, v := range wrt {
		d.wanted[v] = true
		d.needs[v.Node] = true
	}
	nodes := slices.Clone(b.g.Nodes)
	for _, n := range nodes {
		if passes(n.Op) && slices.ContainsFunc(n.In, func(v Value) bool { return d.needs[v.Node] }) {
			d.needs[n] = true
		}
	}
	if d.needs[loss.Node] {
		d.add(loss, b.Const(1))
	}
	layer, origin := b.Layer, b.Origin
	for i := len(nodes) - 1; i >= 0 && b.err == nil; i-- {
		// A wanted value in the middle ends the way where nothing before it is wanted.
		if n := nodes[i]; d.needs[n] && passes(n.Op) && slices.ContainsFunc(n.In, func(v Value) bool { return d.needs[v.Node] }) {
			b.Layer, b.Origin = n.Layer, n.Origin
			d.node(n)
		}
	}
	b.Layer, b.Origin = layer, origin
	out := make([]Value, len(wrt))
	for i, v := range wrt {
		g := d.take(v)
		if !g.Valid() {
			g = b.Const(0)
		}
		out[i] = b.Expand(g, v.Type().With(F32))
	}
	return out
}

// passes reports whether a gradient goes through op at all.
func passes(op Op) bool {
	switch op {
	case OpStop, OpSign, OpRound, OpFloor, OpLess, OpLessEq, OpGreater, OpGreatEq, OpEqual, OpUnequal, OpAnd, OpOr, OpNot, OpCount, OpAssign:
		return false
	}
	return true
}

type differentiator struct {
	b      *Builder
	needs  map[*Node]bool // depends on a wanted value
	wanted map[Value]bool
	grad   map[Value][]Value // parts of the derivative by a value; each broadcasts to its type
}

// add records g as a part of the derivative by v, if v matters.
func (d *differentiator) add(v, g Value) {
	if d.needs[v.Node] {
		d.grad[v] = append(d.grad[v], g)
	}
}

// take returns the sum of the parts; an invalid Value where there are none.
func (d *differentiator) take(v Value) Value {
	parts := d.grad[v]
	if len(parts) == 0 {
		return Value{}
	}
	sum := parts[0]
	for _, p := range parts[1:] {
		sum = d.b.Add(sum, p)
	}
	d.grad[v] = []Value{sum}
	return sum
}

// Expand repeats v along the axes where t is longer until it has type t.
func (b *Builder) Expand(g Value, t Type) Value {
	if b.err != nil {
		return g
	}
	have := g.Type()
	if have.Equal(t) {
		return g
	}
	if !slices.Equal(have.Dims, t.Dims) {
		dims := slices.Clone(have.Dims)
		for len(dims) < len(t.Dims) {
			dims = append(dims, 1)
		}
		if len(dims) != len(have.Dims) {
			g = b.Reshape(g, dims...)
		}
		for i := range dims {
			if dims[i] == 1 && t.Dims[i] > 1 {
				g = b.Op(OpRepeat, Attrs{"axis": Axis(i), "count": t.Dims[i]}, g)
			}
		}
	}
	if t.Batch && !have.Batch {
		g = b.Op(OpRepeat, Attrs{"axis": BatchAxis}, g)
	}
	if t.Steps > 0 && have.Steps == 0 {
		g = b.Op(OpRepeat, Attrs{"axis": TimeAxis, "count": t.Steps}, g)
	}
	return g
}

// fold sums g, which has or broadcasts to type from, over the axes along which a value of type to was repeated.
func (d *differentiator) fold(g Value, from, to Type) Value {
	b := d.b
	if b.err != nil {
		return g
	}
	var axes Axes
	if from.Steps > 0 && to.Steps == 0 {
		axes = append(axes, TimeAxis)
	}
	if from.Batch && !to.Batch {
		axes = append(axes, BatchAxis)
	}
	for i, n := range from.Dims {
		if i >= len(to.Dims) || to.Dims[i] == 1 && n > 1 {
			axes = append(axes, Axis(i))
		}
	}
	if len(axes) == 0 {
		return g
	}
	g = b.Reduce("sum", b.Expand(g, from.With(F32)), axes...)
	if b.err == nil && !slices.Equal(g.Type().Dims, to.Dims) {
		g = b.Reshape(g, to.Dims...)
	}
	return g
}

// kept gives a value that lost the dims of axes by a reduction of t a 1 in their place, so that it broadcasts to t again.
func (d *differentiator) kept(g Value, t Type, axes Axes) Value {
	if d.b.err != nil || g.Type().Size() == 1 {
		return g // one number for all dims, which aligns with any
	}
	dims := slices.Clone(t.Dims)
	var left []int
	for i := range dims {
		if axes.Has(Axis(i)) {
			dims[i] = 1
		} else {
			left = append(left, dims[i])
		}
	}
	g = d.b.Expand(g, g.Type().WithDims(left...))
	if !slices.Equal(g.Type().Dims, dims) {
		g = d.b.Reshape(g, dims...)
	}
	return g
}

func (d *differentiator) node(n *Node) {
	b := d.b
	// A custom call and `normalise` have several results; only the first of the latter carries a gradient.
	if n.Op == OpCustom {
		d.custom(n)
		return
	}
	if n.Op == OpChip {
		for i := range n.Out {
			if len(d.grad[Value{n, i}]) > 0 {
				b.Fail(&OnChip{n})
			}
		}
		return
	}
	out := Value{n, 0}
	g := d.take(out)
	for i := 1; i < len(n.Out); i++ {
		if len(d.grad[Value{n, i}]) > 0 {
			b.Fail(fmt.Errorf("gradient: result %d of %s cannot be differentiated", i, n.Op))
			return
		}
	}
	if !g.Valid() || len(n.In) == 0 {
		return
	}
	t := n.Out[0].With(F32)
	in := n.In
	full := func() Value { return b.Expand(g, t) }
	each := func(i int, part Value) { d.add(in[i], d.fold(part, t, in[i].Type())) }
	zero := func() Value { return b.Const(0) }
	want := func(i int) bool { return d.needs[in[i].Node] }

	switch n.Op {
	case OpAdd:
		each(0, g)
		each(1, g)
	case OpSub:
		each(0, g)
		if want(1) {
			each(1, b.Neg(g))
		}
	case OpMul:
		if want(0) {
			each(0, b.Mul(g, in[1]))
		}
		if want(1) {
			each(1, b.Mul(g, in[0]))
		}
	case OpDiv:
		if want(0) {
			each(0, b.Div(g, in[1]))
		}
		if want(1) {
			each(1, b.Neg(b.Div(b.Mul(g, out), in[1])))
		}
	case OpPow:
		if want(0) {
			each(0, b.Mul(g, b.Mul(in[1], b.Op(OpPow, nil, in[0], b.Sub(in[1], b.Const(1))))))
		}
		if want(1) {
			each(1, b.Mul(g, b.Mul(out, b.Op(OpLog, nil, in[0]))))
		}
	case OpMin, OpMax: // at a tie the first one counts
		first := OpLessEq
		if n.Op == OpMax {
			first = OpGreatEq
		}
		c := b.Op(first, nil, in[0], in[1])
		if want(0) {
			each(0, b.Op(OpWhere, nil, c, g, zero()))
		}
		if want(1) {
			each(1, b.Op(OpWhere, nil, c, zero(), g))
		}
	case OpNeg:
		each(0, b.Neg(g))
	case OpAbs:
		each(0, b.Mul(g, b.Op(OpSign, nil, in[0])))
	case OpExp:
		each(0, b.Mul(g, out))
	case OpLog:
		each(0, b.Div(g, in[0]))
	case OpSqrt:
		each(0, b.Div(g, b.Scale(out, 2)))
	case OpTanh:
		each(0, b.Mul(g, b.Sub(b.Const(1), b.Mul(out, out))))
	case OpSigmoid:
		each(0, b.Mul(g, b.Mul(out, b.Sub(b.Const(1), out))))
	case OpSin:
		each(0, b.Mul(g, b.Op(OpCos, nil, in[0])))
	case OpCos:
		each(0, b.Neg(b.Mul(g, b.Op(OpSin, nil, in[0]))))
	case OpWhere:
		if want(1) {
			each(1, b.Op(OpWhere, nil, in[0], g, zero()))
		}
		if want(2) {
			each(2, b.Op(OpWhere, nil, in[0], zero(), g))
		}
	case OpSpike:
		part := b.Mul(g, in[2])
		if want(0) {
			each(0, part)
		}
		if want(1) {
			each(1, b.Neg(part))
		}
	case OpCast:
		if n.Out[0].DType == F32 {
			each(0, g)
		}

	case OpReshape:
		d.add(in[0], b.Reshape(full(), in[0].Type().Dims...))
	case OpTranspose:
		back := make(Axes, len(n.Axes()))
		for i, a := range n.Axes() {
			back[a] = Axis(i)
		}
		d.add(in[0], b.Op(OpTranspose, Attrs{"axes": back}, full()))
	case OpSlice:
		whole := in[0].Type().Steps
		if a := n.Axis(); a >= 0 {
			whole = in[0].Type().Dims[a]
		}
		after := whole - n.Int("start") - n.Int("length")
		d.add(in[0], b.Op(OpPad, Attrs{"axis": n.Axis(), "before": n.Int("start"), "after": after}, full()))
	case OpPad:
		length := in[0].Type().Steps
		if a := n.Axis(); a >= 0 {
			length = in[0].Type().Dims[a]
		}
		d.add(in[0], b.Slice(full(), n.Axis(), n.Int("before"), length))
	case OpConcat:
		start := 0
		for i, v := range in {
			length := v.Type().Steps
			if a := n.Axis(); a >= 0 {
				length = v.Type().Dims[a]
			}
			if want(i) {
				d.add(v, b.Slice(full(), n.Axis(), start, length))
			}
			start += length
		}
	case OpRepeat:
		x, axis := in[0].Type(), n.Axis()
		switch {
		case axis == BatchAxis || axis == TimeAxis && x.Steps == 0:
			d.add(in[0], d.fold(g, t, x))
		case axis == TimeAxis:
			b.Fail(fmt.Errorf("gradient: repeating the steps of a timed value cannot be differentiated"))
		default:
			dims := slices.Insert(slices.Clone(x.Dims), int(axis)+1, n.Int("count"))
			d.add(in[0], b.Reduce("sum", b.Reshape(full(), dims...), axis+1))
		}
	case OpReduce:
		x, axes := in[0].Type(), n.Axes()
		back := d.kept(g, x, axes)
		switch n.Text("kind") {
		case "sum":
			d.add(in[0], back)
		case "mean":
			d.add(in[0], b.Div(back, b.Op(OpCount, Attrs{"axes": axes}, in[0])))
		case "max", "min": // equal elements share it
			mask := b.Op(OpCast, Attrs{"dtype": "f32"}, b.Op(OpEqual, nil, in[0], d.kept(out, x, axes)))
			ties := d.kept(b.Reduce("sum", mask, axes...), x, axes)
			d.add(in[0], b.Mul(b.Div(back, ties), mask))
		}
	case OpGather:
		x := in[0].Type()
		size := x.Dims[n.Axis()]
		wide := t.WithDims(x.Dims...)
		d.add(in[0], d.fold(b.Op(OpScatter, Attrs{"axis": n.Axis(), "size": size}, in[1], full()), wide, x))
	case OpScatter:
		if want(1) {
			d.add(in[1], d.fold(b.Op(OpGather, Attrs{"axis": n.Axis()}, full(), in[0]), t.WithDims(in[1].Type().Dims...), in[1].Type()))
		}
	case OpRows:
		d.add(in[0], b.Op(OpScatterAdd, Attrs{"size": in[0].Type().Dims[0]}, in[1], full()))
	case OpScatterAdd:
		if want(1) {
			d.add(in[1], b.Op(OpRows, nil, full(), in[0]))
		}
	case OpMatmul:
		d.matmul(n, full())
	case OpMatmulWeight: // d of sum a x dy
		flip := n.Flag("transpose")
		if want(0) {
			d.add(in[0], b.Op(OpMatmul, Attrs{"transpose": !flip}, in[1], full()))
		}
		if want(1) {
			d.add(in[1], b.Op(OpMatmul, Attrs{"transpose": flip}, in[0], full()))
		}
	case OpConv:
		x, w := in[0].Type(), in[1].Type()
		attrs := Attrs{"stride": n.Int("stride"), "pad": n.Int("pad")}
		if want(0) {
			d.add(in[0], b.Op(OpConvInput, with(attrs, Attrs{"height": x.Dims[1], "width": x.Dims[2]}), full(), in[1]))
		}
		if want(1) {
			d.add(in[1], b.Op(OpConvWeight, with(attrs, Attrs{"kernel": w.Dims[2]}), in[0], full()))
		}
	case OpConvInput:
		w := in[1].Type()
		attrs := Attrs{"stride": n.Int("stride"), "pad": n.Int("pad")}
		if want(0) {
			d.add(in[0], b.Op(OpConv, attrs, full(), in[1]))
		}
		if want(1) {
			d.add(in[1], b.Op(OpConvWeight, with(attrs, Attrs{"kernel": w.Dims[2]}), full(), in[0]))
		}
	case OpConvWeight:
		x := in[0].Type()
		attrs := Attrs{"stride": n.Int("stride"), "pad": n.Int("pad")}
		if want(0) {
			d.add(in[0], b.Op(OpConvInput, with(attrs, Attrs{"height": x.Dims[1], "width": x.Dims[2]}), in[1], full()))
		}
		if want(1) {
			d.add(in[1], b.Op(OpConv, attrs, in[0], full()))
		}
	case OpMaxPool:
		d.add(in[0], b.Op(OpMaxPoolGrad, n.Attrs, in[0], full()))
	case OpNormalise:
		d.add(in[0], b.Op(OpNormaliseGrad, n.Attrs, full(), out, Value{n, 2}))
	case OpEquation:
		parts := b.Equation(OpEquationGrad, n.Equation, n.Attrs, append(slices.Clone(in), full())...)
		if b.err == nil {
			for i := range in {
				d.add(in[i], parts[i])
			}
		}
	case OpOpaque:
		d.opaque(n, full())
	default:
		b.Fail(fmt.Errorf("gradient: %s cannot be differentiated", n.Op))
	}
}

func (d *differentiator) matmul(n *Node, g Value) {
	b := d.b
	x, w := n.In[0], n.In[1]
	flip := n.Flag("transpose")
	if d.needs[x.Node] {
		wide := n.Out[0].With(F32).WithDims(x.Type().Dims...)
		d.add(x, d.fold(b.Op(OpMatmul, Attrs{"transpose": !flip}, g, w), wide, x.Type()))
	}
	if !d.needs[w.Node] {
		return
	}
	if wt := w.Type(); wt.Steps == 0 && !wt.Batch {
		d.add(w, b.Op(OpMatmulWeight, Attrs{"transpose": flip}, b.Expand(x, n.Out[0].With(x.Type().DType).WithDims(x.Type().Dims...)), g))
		return
	}
	swap := Attrs{"axes": Axes{1, 0}}
	left, right := b.Op(OpTranspose, swap, x), g
	if flip {
		left, right = b.Op(OpTranspose, swap, g), x
	}
	part := b.Op(OpMatmul, nil, left, right)
	if b.err == nil {
		d.add(w, d.fold(part, part.Type(), w.Type()))
	}
}

func (d *differentiator) custom(n *Node) {
	b := d.b
	args := slices.Clone(n.In)
	for i := range n.Out {
		args = append(args, Value{n, i})
	}
	any := false
	for i, t := range n.Out {
		g := d.take(Value{n, i})
		if any = any || g.Valid(); !g.Valid() {
			g = b.Const(0)
		}
		args = append(args, b.Expand(g, t.With(F32)))
	}
	if !any {
		return
	}
	for i, g := range b.Ops(OpCall, Attrs{"function": n.Text("backward")}, args...) {
		if i < len(n.In) {
			d.add(n.In[i], g)
		}
	}
}

func with(a, b Attrs) Attrs {
	out := Attrs{}
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}
