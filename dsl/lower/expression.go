package lower

import (
	"fmt"
	"math"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/runtime/graph"
)

func (c *compiler) number(v float64) graph.Value {
	n := c.b.Const(v)
	c.constants[n] = v
	return n
}

// op adds an element-wise operator, or its value where all operands are known.
func (c *compiler) op(op graph.Op, in ...graph.Value) graph.Value {
	known := make([]float64, len(in))
	for i, v := range in {
		x, ok := c.constants[v]
		if !ok {
			return c.b.Op(op, nil, in...)
		}
		known[i] = x
	}
	if v, ok := fold(op, known); ok {
		return c.number(v)
	}
	return c.b.Op(op, nil, in...)
}

func fold(op graph.Op, x []float64) (float64, bool) {
	var v float64
	switch op {
	case graph.OpAdd:
		v = x[0] + x[1]
	case graph.OpSub:
		v = x[0] - x[1]
	case graph.OpMul:
		v = x[0] * x[1]
	case graph.OpDiv:
		v = x[0] / x[1]
	case graph.OpPow:
		v = math.Pow(x[0], x[1])
	case graph.OpMin:
		v = math.Min(x[0], x[1])
	case graph.OpMax:
		v = math.Max(x[0], x[1])
	case graph.OpNeg:
		v = -x[0]
	case graph.OpAbs:
		v = math.Abs(x[0])
	case graph.OpSign:
		if x[0] != 0 {
			v = math.Copysign(1, x[0])
		}
	case graph.OpExp:
		v = math.Exp(x[0])
	case graph.OpLog:
		v = math.Log(x[0])
	case graph.OpSqrt:
		v = math.Sqrt(x[0])
	case graph.OpTanh:
		v = math.Tanh(x[0])
	case graph.OpSigmoid:
		v = 1 / (1 + math.Exp(-x[0]))
	case graph.OpSin:
		v = math.Sin(x[0])
	case graph.OpCos:
		v = math.Cos(x[0])
	case graph.OpFloor:
		v = math.Floor(x[0])
	case graph.OpRound:
		v = math.RoundToEven(x[0])
	default:
		return 0, false
	}
	return v, !math.IsNaN(v) && !math.IsInf(v, 0)
}

var functions = map[string]graph.Op{
	"min": graph.OpMin, "max": graph.OpMax, "abs": graph.OpAbs, "sign": graph.OpSign, "exp": graph.OpExp, "log": graph.OpLog,
	"sqrt": graph.OpSqrt, "tanh": graph.OpTanh, "sigmoid": graph.OpSigmoid, "sin": graph.OpSin, "cos": graph.OpCos,
	"round": graph.OpRound, "floor": graph.OpFloor,
}

var operators = map[string]graph.Op{
	"+": graph.OpAdd, "-": graph.OpSub, "*": graph.OpMul, "/": graph.OpDiv, "^": graph.OpPow,
	"<": graph.OpLess, "<=": graph.OpLessEq, ">": graph.OpGreater, ">=": graph.OpGreatEq, "==": graph.OpEqual, "!=": graph.OpUnequal,
	"and": graph.OpAnd, "or": graph.OpOr,
}

// expr compiles an expression; the checker has judged names and arguments.
func (c *compiler) expr(e dsl.Expr) graph.Value {
	switch e := e.(type) {
	case *dsl.Paren:
		return c.expr(e.Of)
	case *dsl.Number:
		if steps, ok := c.times[e]; ok {
			return c.number(steps)
		}
		if e.Unit != "" && e.Unit != "step" && e.Unit != "steps" {
			c.fail("nothing says how many steps %v %s are", e.Value, e.Unit)
		}
		return c.number(e.Value)
	case *dsl.Bool:
		v := 0.0
		if e.Value {
			v = 1
		}
		return c.b.Op(graph.OpCast, graph.Attrs{"dtype": "bit"}, c.b.Const(v))
	case *dsl.Unary:
		switch e.Op {
		case "-":
			return c.op(graph.OpNeg, c.expr(e.Of))
		case "not":
			return c.op(graph.OpNot, c.bits(c.expr(e.Of)))
		}
		return c.expr(e.Of)
	case *dsl.Binary:
		if _, ok := operators[e.Op]; ok {
			return c.binary(e.Op, c.expr(e.Left), c.expr(e.Right))
		}
	case *dsl.Ref:
		if e.Called {
			return c.call(e)
		}
		return c.name(e.Name.Text)
	}
	c.fail("an equation cannot contain this expression")
	return c.b.Const(0)
}

func (c *compiler) binary(op string, left, right graph.Value) graph.Value {
	switch v, known := c.constants[right]; {
	case op == "and" || op == "or":
		left, right = c.bits(left), c.bits(right)
	case op == "^" && known && v == 2:
		return c.op(graph.OpMul, left, left)
	}
	return c.op(operators[op], left, right)
}

func (c *compiler) name(name string) graph.Value {
	if v, ok := c.env[name]; ok {
		return v
	}
	if v, ok := c.params[name]; ok {
		return c.number(v)
	}
	switch name {
	case "t":
		return c.b.Op(graph.OpTime, nil)
	case "steps":
		return c.b.Op(graph.OpSteps, nil)
	case "dt":
		return c.number(1)
	}
	c.fail("unknown name %s", name)
	return c.b.Const(0)
}

func (c *compiler) call(e *dsl.Ref) graph.Value {
	args := make([]graph.Value, len(e.Args))
	for i, a := range e.Args {
		args[i] = c.expr(a.Value)
	}
	return c.apply(e, args)
}

// apply is the call e of a function on arguments that are compiled.
func (c *compiler) apply(e *dsl.Ref, args []graph.Value) graph.Value {
	want := map[string]int{"clamp": 3, "where": 3, "stop": 1, "uniform": 2, "normal": 2, "bernoulli": 1, "min": 2, "max": 2}
	n, special := want[e.Name.Text]
	if op, ok := functions[e.Name.Text]; ok {
		if !special {
			n = 1
		}
		if len(args) == n {
			return c.op(op, args...)
		}
	}
	if !special || len(args) != n {
		c.fail("unknown function %s with %d arguments", e.Name.Text, len(args))
		return c.b.Const(0)
	}
	switch e.Name.Text {
	case "clamp":
		return c.op(graph.OpMin, c.op(graph.OpMax, args[0], args[1]), args[2])
	case "where":
		return c.op(graph.OpWhere, c.bits(args[0]), args[1], args[2])
	case "stop":
		return c.stop(args[0])
	case "uniform": // low + (high - low) u
		return c.op(graph.OpAdd, args[0], c.op(graph.OpMul, c.op(graph.OpSub, args[1], args[0]), c.random(e, graph.OpUniform)))
	case "normal": // mean + std n
		return c.op(graph.OpAdd, args[0], c.op(graph.OpMul, args[1], c.random(e, graph.OpNormal)))
	}
	return c.op(graph.OpLess, c.random(e, graph.OpUniform), args[0])
}

// stop is a value without its gradient, which a number has none of.
func (c *compiler) stop(v graph.Value) graph.Value {
	if _, known := c.constants[v]; known {
		return v
	}
	return c.b.Stop(v)
}

// random draws a number of its own in each step for each place of the body that asks for one.
func (c *compiler) random(e *dsl.Ref, op graph.Op) graph.Value {
	if v, drawn := c.draws[e]; drawn {
		return v
	}
	c.noises++
	v := c.b.Op(op, graph.Attrs{"label": fmt.Sprintf("noise%d", c.noises), "dims": []int{}})
	c.draws[e] = v
	return v
}
