package pass

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
)

// unary and binary say how an operator of the graph is one operation; exchanged ones take their inputs the other way.
var unary = map[graph.Op]kernel.Code{graph.OpNeg: kernel.Neg, graph.OpAbs: kernel.Abs, graph.OpSign: kernel.Sign, graph.OpExp: kernel.Exp, graph.OpLog: kernel.Log,
	graph.OpSqrt: kernel.Sqrt, graph.OpTanh: kernel.Tanh, graph.OpSigmoid: kernel.Sigmoid, graph.OpSin: kernel.Sin, graph.OpCos: kernel.Cos,
	graph.OpRound: kernel.Round, graph.OpFloor: kernel.Floor, graph.OpNot: kernel.Not}

var binary = map[graph.Op]kernel.Code{graph.OpAdd: kernel.Add, graph.OpSub: kernel.Sub, graph.OpMul: kernel.Mul, graph.OpDiv: kernel.Div, graph.OpPow: kernel.Pow,
	graph.OpMin: kernel.Min, graph.OpMax: kernel.Max, graph.OpLess: kernel.Less, graph.OpLessEq: kernel.LessEqual, graph.OpEqual: kernel.Equal,
	graph.OpUnequal: kernel.Unequal, graph.OpAnd: kernel.And, graph.OpOr: kernel.Or}

var exchanged = map[graph.Op]kernel.Code{graph.OpGreater: kernel.Less, graph.OpGreatEq: kernel.LessEqual}

// Elementwise reports whether op is computed element by element in a register program.
func Elementwise(op graph.Op) bool {
	if op == graph.OpCast || op == graph.OpWhere {
		return true
	}
	return unary[op] != 0 || op == graph.OpAdd || binary[op] != 0 || exchanged[op] != 0
}

// Code returns the operation of an element-wise operator other than cast, and whether it takes the two inputs the other way.
func Code(op graph.Op) (code kernel.Code, swapped bool) {
	if op == graph.OpWhere {
		return kernel.Where, false
	}
	if c, ok := unary[op]; ok {
		return c, false
	}
	if c, ok := exchanged[op]; ok {
		return c, true
	}
	return binary[op], false
}

// View reports whether n only names elements of its input anew, row by row.
func View(n *graph.Node) bool {
	switch n.Op {
	case graph.OpReshape, graph.OpTranspose:
		return true
	case graph.OpSlice:
		return n.Axis() >= 0
	case graph.OpRepeat:
		return n.Axis() != graph.TimeAxis || n.In[0].Type().Steps == 0
	}
	return false
}

// SameShape reports whether two types have the same axes.
func SameShape(a, b graph.Type) bool { return a.With(graph.F32).Equal(b.With(graph.F32)) }

// EquationShape returns the shape of all steps of an equation or its derivative.
func EquationShape(n *graph.Node) graph.Type {
	in := n.In
	if n.Op == graph.OpEquationGrad {
		in = in[:len(in)-1]
	}
	var t graph.Type
	for _, v := range in {
		t, _ = graph.Broadcast(t.With(graph.F32), v.Type()) // inference has checked it
	}
	if t.Steps == 0 {
		t.Steps = n.Int("steps")
	}
	return t.With(graph.F32)
}
