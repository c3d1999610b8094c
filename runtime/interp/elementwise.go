package interp

import (
	"math"

	"snnc.dev/snnc/runtime/graph"
)

// smooth holds the element-wise operators that move with their inputs: the result from the elements at one place.
var smooth = map[graph.Op]func(x []float64) float64{
	graph.OpAdd:     func(x []float64) float64 { return x[0] + x[1] },
	graph.OpSub:     func(x []float64) float64 { return x[0] - x[1] },
	graph.OpMul:     func(x []float64) float64 { return x[0] * x[1] },
	graph.OpDiv:     func(x []float64) float64 { return x[0] / x[1] },
	graph.OpPow:     func(x []float64) float64 { return math.Pow(x[0], x[1]) },
	graph.OpNeg:     func(x []float64) float64 { return -x[0] },
	graph.OpAbs:     func(x []float64) float64 { return math.Abs(x[0]) },
	graph.OpExp:     func(x []float64) float64 { return math.Exp(x[0]) },
	graph.OpLog:     func(x []float64) float64 { return math.Log(x[0]) },
	graph.OpSqrt:    func(x []float64) float64 { return math.Sqrt(x[0]) },
	graph.OpTanh:    func(x []float64) float64 { return math.Tanh(x[0]) },
	graph.OpSigmoid: func(x []float64) float64 { return 1 / (1 + math.Exp(-x[0])) },
	graph.OpSin:     func(x []float64) float64 { return math.Sin(x[0]) },
	graph.OpCos:     func(x []float64) float64 { return math.Cos(x[0]) },
}

// constant holds the operators whose result stays the same when the inputs move a little.
var constant = map[graph.Op]func(x []float64) float64{
	graph.OpStop:    func(x []float64) float64 { return x[0] },
	graph.OpSign:    func(x []float64) float64 { return truth(x[0] > 0) - truth(x[0] < 0) },
	graph.OpRound:   func(x []float64) float64 { return math.RoundToEven(x[0]) },
	graph.OpFloor:   func(x []float64) float64 { return math.Floor(x[0]) },
	graph.OpLess:    func(x []float64) float64 { return truth(x[0] < x[1]) },
	graph.OpLessEq:  func(x []float64) float64 { return truth(x[0] <= x[1]) },
	graph.OpGreater: func(x []float64) float64 { return truth(x[0] > x[1]) },
	graph.OpGreatEq: func(x []float64) float64 { return truth(x[0] >= x[1]) },
	graph.OpEqual:   func(x []float64) float64 { return truth(x[0] == x[1]) },
	graph.OpUnequal: func(x []float64) float64 { return truth(x[0] != x[1]) },
	graph.OpAnd:     func(x []float64) float64 { return truth(x[0] != 0 && x[1] != 0) },
	graph.OpOr:      func(x []float64) float64 { return truth(x[0] != 0 || x[1] != 0) },
	graph.OpNot:     func(x []float64) float64 { return truth(x[0] == 0) },
}

// choice holds the operators that pass one of their inputs on: which one. At a tie of min and max it is the first.
var choice = map[graph.Op]func(x []float64) int{
	graph.OpMin:   func(x []float64) int { return which(x[0] <= x[1], 0, 1) },
	graph.OpMax:   func(x []float64) int { return which(x[0] >= x[1], 0, 1) },
	graph.OpWhere: func(x []float64) int { return which(x[0] != 0, 1, 2) },
}

func truth(b bool) float64 { return float64(which(b, 1, 0)) }

func which(b bool, yes, no int) int {
	if b {
		return yes
	}
	return no
}

// element computes an element-wise operator at one place; ok is false where op is none.
func (r *run) element(n *graph.Node, x []float64, at place) (y float64, ok bool) {
	if n.Op == graph.OpCast {
		return r.cast(n.Out[0].DType, x[0], at), true
	}
	if f, ok := smooth[n.Op]; ok {
		return f(x), true
	}
	if f, ok := constant[n.Op]; ok {
		return r.frozen(at, f(x)), true
	}
	if f, ok := choice[n.Op]; ok {
		return x[int(r.frozen(at, float64(f(x))))], true
	}
	return 0, false
}

// cast turns x into a number of kind to: what lies after the point is cut, a bit is whether it is not 0.
func (r *run) cast(to graph.DType, x float64, at place) float64 {
	switch to {
	case graph.I32:
		return r.frozen(at, math.Trunc(x)+0) // + 0: an int has no -0
	case graph.Bit:
		return r.frozen(at, truth(x != 0))
	}
	return x
}

// broadcast is the operator of package graph for each of the functions above.
func broadcast(r *run, n *graph.Node, in, out []Value) error {
	x := make([]float64, len(in))
	out[0].each(func(i, t, e int, d []int) {
		for k, v := range in {
			x[k] = v.at(t, e, d)
		}
		out[0].Data[i], _ = r.element(n, x, place{element: i})
	})
	return nil
}
