package plan

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
)

// Phases takes a conv or conv-input-gradient node apart. The packed weights of each phase are ordered [window row, column,
// channel in, out], or [channel out, window row, column, channel in] for Dots.
func Phases(n *graph.Node) []kernel.Phase {
	w, out := n.In[1].Type().Dims, n.Out[0].Dims
	return kernel.Phases(n.Op == graph.OpConvInput, w[2], n.Int("stride"), n.Int("pad"), out[1], out[2], w[0]*w[1])
}

// WeightPhases takes a conv-weight-gradient node apart: for each pixel of one operand, the window of the other that meets it,
// whose product they add to the weights. The pixels are those of dy, or where x spikes those of x. order has the place in
// the variable of each sum, ordered as the phases' weights are for Dots.
func WeightPhases(n *graph.Node) (back bool, f []kernel.Phase, order []int32) {
	x, dy, w := n.In[0].Type(), n.In[1].Type(), n.Out[0].Dims
	back = x.DType == graph.Bit
	pixels := dy.Dims
	if back {
		pixels = x.Dims
	}
	f = kernel.Phases(back, w[2], n.Int("stride"), n.Int("pad"), pixels[1], pixels[2], w[0]*w[1])
	return back, f, windows(f, back, w[0], w[1], w[2])
}

// windows returns the place in the variable [co ci k k] of each weight ordered [channel of the result, window row, window
// column, channel of the operand], phase by phase.
func windows(f []kernel.Phase, back bool, co, ci, k int) []int32 {
	from, to, at := channels(back, co, ci, k)
	order := make([]int32, 0, co*ci*k*k)
	for _, phase := range f {
		for o := range to {
			for _, tap := range phase.Taps {
				for i := range from {
					order = append(order, at(i, o, tap))
				}
			}
		}
	}
	return order
}

// channels returns how many channels the operand and the result of a convolution or, with back, its transpose have, and where
// in the variable [co ci k k] the weight of a tap lies that leads from channel i of the operand to channel o of the result.
func channels(back bool, co, ci, k int) (from, to int, at func(i, o, tap int) int32) {
	if back {
		return co, ci, func(i, o, tap int) int32 { return int32((i*ci+o)*k*k + tap) }
	}
	return ci, co, func(i, o, tap int) int32 { return int32((o*ci+i)*k*k + tap) }
}

// Dots reports whether a product runs as dot products of windows, which it does where its operand is dense and what each
// result sums over is long, and not as sums of weight rows.
func Dots(n *graph.Node) bool {
	const long = 32
	x, w := n.In[0].Type(), n.In[1].Type()
	if x.DType == graph.Bit {
		return false
	}
	switch n.Op {
	case graph.OpMatmul:
		return w.Steps == 0 && !w.Batch && x.Dims[len(x.Dims)-1] >= long
	case graph.OpConv:
		return w.Dims[1]*w.Dims[2]*w.Dims[2] >= long
	case graph.OpConvInput:
		return w.Dims[0] >= long/2
	}
	return false
}

// Spread reports whether a transposed convolution of spikes runs over its operand: what the spikes of a pixel give to all the
// pixels they reach is so little that it is summed first and spread then.
func Spread(n *graph.Node) bool {
	const little = 300
	w := n.In[1].Type()
	return n.Op == graph.OpConvInput && n.In[0].Type().DType == graph.Bit && w.Dims[1]*w.Dims[2]*w.Dims[3] <= little
}

// packing names the order in which the weights of a product are laid out anew, so that its inner loop runs over neighbours;
// "" where they are read as they are. Weights are input 1.
func packing(n *graph.Node) string {
	w := n.In[1].Type()
	switch n.Op {
	case graph.OpMatmul: // rows of weights by input, or by output where they are multiplied by dots
		if w.Steps > 0 || w.Batch || n.Flag("transpose") == Dots(n) {
			return ""
		}
		return "transposed"
	case graph.OpConv, graph.OpConvInput:
		if Spread(n) {
			return "spread"
		}
		return fmt.Sprint(n.Op, " ", n.Int("stride"), n.Int("pad"), Dots(n))
	}
	return ""
}

// packed returns the place in the variable of each packed weight.
func packed(n *graph.Node) []int32 {
	w := n.In[1].Type()
	if n.Op == graph.OpMatmul {
		rows, cols := w.Dims[0], w.Dims[1]
		index := make([]int32, rows*cols)
		for k := range index {
			index[k] = int32(k%rows*cols + k/rows)
		}
		return index
	}
	co, ci, k := w.Dims[0], w.Dims[1], w.Dims[2]
	back := n.Op == graph.OpConvInput
	if Dots(n) {
		return windows(Phases(n), back, co, ci, k)
	}
	from, to, at := channels(back, co, ci, k)
	index := make([]int32, 0, w.Size())
	if Spread(n) { // [channel in, ky, kx, channel out]
		for i := range from {
			for tap := range k * k {
				for o := range to {
					index = append(index, at(i, o, tap))
				}
			}
		}
		return index
	}
	for _, phase := range Phases(n) {
		for _, tap := range phase.Taps {
			for i := range from {
				for o := range to {
					index = append(index, at(i, o, tap))
				}
			}
		}
	}
	return index
}
