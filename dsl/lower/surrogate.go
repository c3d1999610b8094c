package lower

import (
	"math"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/runtime/graph"
)

// condition gives the spike of `left > right` and its kin; any other condition has no derivative.
func (c *compiler) condition(e dsl.Expr) graph.Value {
	b := dsl.Comparison(e)
	if b == nil || c.surrogate.Kind == "none" {
		return c.bits(c.expr(e))
	}
	left, right := c.expr(b.Left), c.expr(b.Right)
	slope := c.derivative(left, right)
	if b.Op[0] == '<' { // the spike falls as u rises: the named surrogates say how steeply, an expression says the sign too
		if left, right = right, left; c.surrogate.Kind == "expression" {
			slope = c.op(graph.OpNeg, slope)
		}
	}
	attrs := graph.Attrs{}
	if b.Op == ">" || b.Op == "<" {
		attrs["strict"] = true
	}
	return c.b.Op(graph.OpSpike, attrs, left, right, slope)
}

// derivative is the surrogate: the derivative of the spike by u, the left side of its condition minus the right as they are
// written (Wu et al. 2018, Neftci et al. 2019). The named ones are even in u.
func (c *compiler) derivative(left, right graph.Value) graph.Value {
	s := c.surrogate
	u := c.op(graph.OpSub, left, right)
	if s.Absolute {
		u = left
	}
	if s.Center != 0 {
		u = c.op(graph.OpSub, u, c.number(s.Center))
	}
	abs := func() graph.Value { return c.op(graph.OpAbs, u) }
	switch s.Kind {
	case "atan": // (a/2) / (1 + (pi a u / 2)^2)
		x := c.op(graph.OpMul, u, c.number(math.Pi*s.Alpha/2))
		return c.op(graph.OpDiv, c.number(s.Alpha/2), c.op(graph.OpAdd, c.number(1), c.op(graph.OpMul, x, x)))
	case "rectangle": // 1/w where |u| < w/2
		return c.op(graph.OpWhere, c.op(graph.OpLess, abs(), c.number(s.Width/2)), c.number(1/s.Width), c.number(0))
	case "triangle": // max(0, a - a^2 |u|)
		return c.op(graph.OpMax, c.number(0), c.op(graph.OpSub, c.number(s.Alpha), c.op(graph.OpMul, c.number(s.Alpha*s.Alpha), abs())))
	case "sigmoid": // a q (1 - q)
		q := c.op(graph.OpSigmoid, c.op(graph.OpMul, u, c.number(s.Alpha)))
		return c.op(graph.OpMul, c.number(s.Alpha), c.op(graph.OpMul, q, c.op(graph.OpSub, c.number(1), q)))
	case "expression":
		old, had := c.env["u"]
		c.env["u"] = u
		v := c.expr(s.Expr)
		if had {
			c.env["u"] = old
		} else {
			delete(c.env, "u")
		}
		return v
	case "temporal":
		return c.number(0)
	}
	c.fail("unknown surrogate %q", s.Kind)
	return u
}
