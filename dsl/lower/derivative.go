package lower

import (
	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/runtime/graph"
)

// slope returns an expression's value and its derivative by what the name `by` stands for, in forward mode. All other names
// count as constant, whatever they were computed from. The derivative is that of the value: `stop` hides it from training and
// not from an integrator.
func (c *compiler) slope(e dsl.Expr, by string) (value, slope graph.Value) {
	zero := c.number(0)
	switch e := e.(type) {
	case *dsl.Paren:
		return c.slope(e.Of, by)
	case *dsl.Unary:
		if e.Op == "-" {
			v, d := c.slope(e.Of, by)
			return c.op(graph.OpNeg, v), c.op(graph.OpNeg, d)
		}
		if e.Op == "+" {
			return c.slope(e.Of, by)
		}
	case *dsl.Binary:
		switch e.Op {
		case "+", "-", "*", "/", "^":
			l, dl := c.slope(e.Left, by)
			r, dr := c.slope(e.Right, by)
			v := c.binary(e.Op, l, r)
			return v, c.slopeOf(operators[e.Op], v, []graph.Value{l, r}, []graph.Value{dl, dr})
		}
	case *dsl.Ref:
		if !e.Called {
			if e.Name.Text == by {
				return c.name(by), c.number(1)
			}
			return c.name(e.Name.Text), zero
		}
		if e.Name.Text == "where" && len(e.Args) == 3 {
			cond := c.bits(c.expr(e.Args[0].Value))
			a, da := c.slope(e.Args[1].Value, by)
			b, db := c.slope(e.Args[2].Value, by)
			return c.op(graph.OpWhere, cond, a, b), c.choose(cond, da, db)
		}
		args, slopes := make([]graph.Value, len(e.Args)), make([]graph.Value, len(e.Args))
		for i, a := range e.Args {
			args[i], slopes[i] = c.slope(a.Value, by)
		}
		v := c.apply(e, args)
		if c.err != nil {
			return v, zero
		}
		switch e.Name.Text {
		case "stop":
			return v, c.stop(slopes[0])
		case "clamp": // max(x, lo), then min of that and hi
			low := c.op(graph.OpMax, args[0], args[1])
			d := c.slopeOf(graph.OpMax, low, args[:2], slopes[:2])
			return v, c.slopeOf(graph.OpMin, v, []graph.Value{low, args[2]}, []graph.Value{d, slopes[2]})
		case "uniform":
			u := c.random(e, graph.OpUniform)
			return v, c.sum(slopes[0], c.product(c.difference(slopes[1], slopes[0]), u))
		case "normal":
			return v, c.sum(slopes[0], c.product(slopes[1], c.random(e, graph.OpNormal)))
		case "bernoulli":
			return v, zero
		}
		return v, c.slopeOf(functions[e.Name.Text], v, args, slopes)
	}
	return c.expr(e), zero
}

// slopeOf is the chain rule: the derivative of v = op(x...), where dx are the derivatives of x.
func (c *compiler) slopeOf(op graph.Op, v graph.Value, x, dx []graph.Value) graph.Value {
	one := c.number(1)
	if !c.any(dx) {
		return c.number(0)
	}
	switch op {
	case graph.OpAdd:
		return c.sum(dx[0], dx[1])
	case graph.OpSub:
		return c.difference(dx[0], dx[1])
	case graph.OpMul:
		return c.sum(c.product(dx[0], x[1]), c.product(x[0], dx[1]))
	case graph.OpDiv:
		return c.op(graph.OpDiv, c.difference(dx[0], c.product(v, dx[1])), x[1])
	case graph.OpPow: // n x^(n-1) dx + x^n log(x) dn
		d := c.product(c.product(x[1], c.binary("^", x[0], c.op(graph.OpSub, x[1], one))), dx[0])
		if c.any(dx[1:]) {
			d = c.sum(d, c.product(c.product(v, c.op(graph.OpLog, x[0])), dx[1]))
		}
		return d
	case graph.OpMin:
		return c.choose(c.b.Op(graph.OpLessEq, nil, x[0], x[1]), dx[0], dx[1])
	case graph.OpMax:
		return c.choose(c.b.Op(graph.OpGreatEq, nil, x[0], x[1]), dx[0], dx[1])
	case graph.OpAbs:
		return c.product(c.b.Op(graph.OpSign, nil, x[0]), dx[0])
	case graph.OpExp:
		return c.product(v, dx[0])
	case graph.OpLog:
		return c.op(graph.OpDiv, dx[0], x[0])
	case graph.OpSqrt:
		return c.op(graph.OpDiv, dx[0], c.product(c.number(2), v))
	case graph.OpTanh:
		return c.product(c.op(graph.OpSub, one, c.op(graph.OpMul, v, v)), dx[0])
	case graph.OpSigmoid:
		return c.product(c.op(graph.OpMul, v, c.op(graph.OpSub, one, v)), dx[0])
	case graph.OpSin:
		return c.product(c.op(graph.OpCos, x[0]), dx[0])
	case graph.OpCos:
		return c.op(graph.OpNeg, c.product(c.op(graph.OpSin, x[0]), dx[0]))
	}
	return c.number(0) // sign, round and floor are flat
}

// any reports whether one of the values is not known to be 0.
func (c *compiler) any(x []graph.Value) bool {
	for _, v := range x {
		if !c.is(v, 0) {
			return true
		}
	}
	return false
}

func (c *compiler) is(v graph.Value, want float64) bool {
	x, known := c.constants[v]
	return known && x == want
}

// sum, difference and product leave out what is known to be 0 or 1, so that a constant coefficient comes out as a number.
func (c *compiler) sum(a, b graph.Value) graph.Value {
	switch {
	case c.is(a, 0):
		return b
	case c.is(b, 0):
		return a
	}
	return c.op(graph.OpAdd, a, b)
}

func (c *compiler) difference(a, b graph.Value) graph.Value {
	switch {
	case c.is(a, 0):
		return c.op(graph.OpNeg, b)
	case c.is(b, 0):
		return a
	}
	return c.op(graph.OpSub, a, b)
}

func (c *compiler) product(a, b graph.Value) graph.Value {
	switch {
	case c.is(a, 0) || c.is(b, 1):
		return a
	case c.is(b, 0) || c.is(a, 1):
		return b
	}
	return c.op(graph.OpMul, a, b)
}

func (c *compiler) choose(cond, a, b graph.Value) graph.Value {
	if !c.any([]graph.Value{a, b}) {
		return a
	}
	return c.op(graph.OpWhere, cond, a, b)
}
