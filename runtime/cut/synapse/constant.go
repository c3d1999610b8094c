package synapse

import "snnc.dev/snnc/runtime/graph"

// Constant is what of a part of a form is the same at all time steps. It is made where the form is, with what builds it, and nil is 0.
type Constant struct {
	Varies bool // from example to example; else it follows from variables
	Level  int  // host interruptions before it is known
	// Build adds it to a graph, in real numbers and in dims that broadcast to those of the part. See Graph.Constant.
	Build func(g Graph) graph.Value
}

// Graph is one in the making, of what follows from a network's values.
type Graph interface {
	Builder() *graph.Builder
	// Constant returns a constant there, which is built once.
	Constant(k *Constant) graph.Value
	// Value returns a value of the network there, and Calm one that is the same at all time steps, without them.
	Value(v graph.Value) graph.Value
	Calm(v graph.Value) graph.Value
	// Like adds a node that does what n does.
	Like(n *graph.Node, attrs graph.Attrs, in ...graph.Value) []graph.Value
	// Full returns x, which broadcasts to dims, in these.
	Full(x graph.Value, dims []int) graph.Value
}

// part returns elements of a value along its first dim.
func part(b *graph.Builder, x graph.Value, lo, hi int) graph.Value {
	if dims := x.Type().Dims; len(dims) == 0 || Lead(dims) == 1 || lo == 0 && hi == dims[0] {
		return x
	}
	return b.Slice(x, 0, lo, hi-lo)
}

// Leaf is a value of the network that is the same at all time steps.
func Leaf(v graph.Value, varies bool, level int) *Constant {
	return &Constant{varies, level, func(g Graph) graph.Value {
		x := g.Calm(v)
		if x.Type().DType == graph.Bit {
			x = g.Builder().Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
		}
		return x
	}}
}

// then is the constant that an operation makes of another one; nil stays nil, as the operations are linear.
func (k *Constant) then(build func(g Graph, x graph.Value) graph.Value) *Constant {
	if k == nil {
		return nil
	}
	return &Constant{k.Varies, k.Level, func(g Graph) graph.Value { return build(g, g.Constant(k)) }}
}

// slice is elements of a constant along its first dim.
func (k *Constant) slice(lo, hi int) *Constant {
	return k.then(func(g Graph, x graph.Value) graph.Value { return part(g.Builder(), x, lo, hi) })
}

// plus is the sum of constants, the second one times sign, as a node n has it.
func (k *Constant) plus(o *Constant, n *graph.Node, sign float64) *Constant {
	switch {
	case o == nil:
		return k
	case k == nil && sign > 0:
		return o
	case k == nil:
		return o.then(func(g Graph, x graph.Value) graph.Value { return g.Builder().Neg(x) })
	}
	return &Constant{k.Varies || o.Varies, max(k.Level, o.Level), func(g Graph) graph.Value {
		return g.Like(n, n.Attrs, g.Constant(k), g.Constant(o))[0]
	}}
}

// joined is the constants of all parts of a form behind one another.
func (f *Form) joined() *Constant {
	if len(f.Parts) == 1 {
		return f.Parts[0].Constant
	}
	all := &Constant{}
	some := false
	for _, p := range f.Parts {
		if k := p.Constant; k != nil {
			all.Varies, all.Level, some = all.Varies || k.Varies, max(all.Level, k.Level), true
		}
	}
	if !some {
		return nil
	}
	all.Build = func(g Graph) graph.Value {
		var in []graph.Value
		for _, p := range f.Parts {
			x := g.Builder().Const(0)
			if p.Constant != nil {
				x = g.Constant(p.Constant)
			}
			in = append(in, g.Full(x, f.Own(p)))
		}
		return g.Builder().Concat(0, in...)
	}
	return all
}
