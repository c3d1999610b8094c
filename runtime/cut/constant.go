package cut

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// constant is what of a part of a form is the same at all time steps. It is made where the form is, with what builds it, and nil is 0.
type constant struct {
	varies bool // from example to example; else it follows from variables
	level  int  // host interruptions before it is known
	// build adds it to a graph, in real numbers and in dims that broadcast to those of the part. See emitter.constant.
	build func(e *emitter) graph.Value
}

// leaf is a value of the network that is the same at all time steps.
func leaf(v graph.Value, varies bool, level int) *constant {
	return &constant{varies, level, func(e *emitter) graph.Value {
		x := e.calm(v)
		if x.Type().DType == graph.Bit {
			x = e.b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		return x
	}}
}

// then is the constant that an operation makes of another one; nil stays nil, as the operations are linear.
func (k *constant) then(build func(e *emitter, x graph.Value) graph.Value) *constant {
	if k == nil {
		return nil
	}
	return &constant{k.varies, k.level, func(e *emitter) graph.Value { return build(e, e.constant(k)) }}
}

// slice is elements of a constant along its first dim.
func (k *constant) slice(lo, hi int) *constant {
	return k.then(func(e *emitter, x graph.Value) graph.Value { return e.part(x, lo, hi) })
}

// plus is the sum of constants, the second one times sign, as a node n has it.
func (k *constant) plus(o *constant, n *graph.Node, sign float64) *constant {
	switch {
	case o == nil:
		return k
	case k == nil && sign > 0:
		return o
	case k == nil:
		return o.then(func(e *emitter, x graph.Value) graph.Value { return e.b.Neg(x) })
	}
	return &constant{k.varies || o.varies, max(k.level, o.level), func(e *emitter) graph.Value {
		return e.like(n, n.Attrs, e.constant(k), e.constant(o))[0]
	}}
}

// joined is the constants of all parts of a form behind one another.
func (f *form) joined() *constant {
	if len(f.parts) == 1 {
		return f.parts[0].constant
	}
	all := &constant{}
	some := false
	for _, p := range f.parts {
		if k := p.constant; k != nil {
			all.varies, all.level, some = all.varies || k.varies, max(all.level, k.level), true
		}
	}
	if !some {
		return nil
	}
	all.build = func(e *emitter) graph.Value {
		var in []graph.Value
		for _, p := range f.parts {
			x := e.b.Const(0)
			if p.constant != nil {
				x = e.constant(p.constant)
			}
			in = append(in, e.full(x, f.own(p)))
		}
		return e.b.Concat(0, in...)
	}
	return all
}

// own is the dims of a part of a form.
func (f *form) own(p part) []int {
	dims := slices.Clone(f.dims)
	if len(dims) > 0 {
		dims[0] = p.extent
	}
	return dims
}
