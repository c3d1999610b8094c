package lower

import (
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/runtime/graph"
)

// slopes returns an expression's value and its derivatives by what the names `by` stand for, in forward mode; an invalid one
// is 0, and nil are all 0. All other names count as constant, whatever they were computed from. The derivatives are those of
// the value: `stop` hides it from training and not from an integrator.
func (c *compiler) slopes(e dsl.Expr, by []string) (value graph.Value, slopes []graph.Value) {
	switch e := e.(type) {
	case *dsl.Paren:
		return c.slopes(e.Of, by)
	case *dsl.Unary:
		if e.Op == "+" {
			return c.slopes(e.Of, by)
		}
		if e.Op == "-" {
			v, d := c.slopes(e.Of, by)
			return c.op(graph.OpNeg, v), c.chain(func(d []graph.Value) graph.Value { return c.op(graph.OpNeg, d[0]) }, d)
		}
	case *dsl.Binary:
		switch e.Op {
		case "+", "-", "*", "/", "^":
			l, dl := c.slopes(e.Left, by)
			r, dr := c.slopes(e.Right, by)
			v := c.binary(e.Op, l, r)
			return v, c.chain(func(d []graph.Value) graph.Value { return c.slopeOf(operators[e.Op], v, []graph.Value{l, r}, d) }, dl, dr)
		}
	case *dsl.Ref:
		if !e.Called {
			if i := slices.Index(by, e.Name.Text); i >= 0 {
				slopes = make([]graph.Value, len(by))
				slopes[i] = c.number(1)
			}
			return c.name(e.Name.Text), slopes
		}
		if e.Name.Text == "where" && len(e.Args) == 3 {
			cond := c.bits(c.expr(e.Args[0].Value))
			a, da := c.slopes(e.Args[1].Value, by)
			b, db := c.slopes(e.Args[2].Value, by)
			return c.op(graph.OpWhere, cond, a, b), c.chain(func(d []graph.Value) graph.Value { return c.choose(cond, d[0], d[1]) }, da, db)
		}
		args, parts := make([]graph.Value, len(e.Args)), make([][]graph.Value, len(e.Args))
		for i, a := range e.Args {
			args[i], parts[i] = c.slopes(a.Value, by)
		}
		v := c.apply(e, args)
		if c.err != nil {
			return v, nil
		}
		return v, c.chain(func(d []graph.Value) graph.Value { return c.slopeOfCall(e, v, args, d) }, parts...)
	}
	return c.expr(e), nil
}

// chain applies a rule to the derivatives of the operands by each name that one of them depends on.
func (c *compiler) chain(rule func(d []graph.Value) graph.Value, parts ...[]graph.Value) []graph.Value {
	n := 0
	for _, p := range parts {
		n = max(n, len(p))
	}
	if n == 0 {
		return nil
	}
	zero, out := c.number(0), make([]graph.Value, n)
	for i := range n {
		if !slices.ContainsFunc(parts, func(p []graph.Value) bool { return p != nil && p[i].Valid() }) {
			continue
		}
		d := make([]graph.Value, len(parts))
		for k, p := range parts {
			if d[k] = zero; p != nil && p[i].Valid() {
				d[k] = p[i]
			}
		}
		if v := rule(d); !c.is(v, 0) {
			out[i] = v
		}
	}
	return out
}

// slopeOfCall is the chain rule of a function.
func (c *compiler) slopeOfCall(e *dsl.Ref, v graph.Value, x, dx []graph.Value) graph.Value {
	switch e.Name.Text {
	case "stop":
		return c.stop(dx[0])
	case "clamp": // max(x, lo), then min of that and hi
		low := c.op(graph.OpMax, x[0], x[1])
		d := c.slopeOf(graph.OpMax, low, x[:2], dx[:2])
		return c.slopeOf(graph.OpMin, v, []graph.Value{low, x[2]}, []graph.Value{d, dx[2]})
	case "uniform":
		return c.sum(dx[0], c.product(c.difference(dx[1], dx[0]), c.random(e, graph.OpUniform)))
	case "normal":
		return c.sum(dx[0], c.product(dx[1], c.random(e, graph.OpNormal)))
	case "bernoulli":
		return c.number(0)
	}
	return c.slopeOf(functions[e.Name.Text], v, x, dx)
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
