package plan

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
)

// Phase is a part of the result of a convolution whose pixels all see the same taps of the kernel: pixel (i, j) of the phase
// is pixel (Row + Step*i, Col + Step*j) of the result, and its window of High x Wide pixels begins at (Stride*i + Top,
// Stride*j + Left) of the operand. A convolution has one phase, a transposed one stride^2.
type Phase struct {
	Row, Col, Step    int
	Rows, Cols        int
	High, Wide        int
	Stride, Top, Left int
	Weights           int   // where the phase's packed weights begin: [window row, column, channel in, out], or [channel out, window row, column, channel in] for Dots
	taps              []int // ky*k+kx of each place in the window
}

// Phases takes a conv or conv-input-gradient node apart.
func Phases(n *graph.Node) []Phase {
	w := n.In[1].Type().Dims
	return phases(n.Op == graph.OpConvInput, w[2], n.Int("stride"), n.Int("pad"), n.Out[0].Dims, w[0]*w[1])
}

// WeightPhases takes a conv-weight-gradient node apart: for each pixel of one operand, the window of the other that meets it,
// whose product they add to the weights. The pixels are those of dy, or where x spikes those of x. order has the place in
// the variable of each sum, ordered as the phases' weights are for Dots.
func WeightPhases(n *graph.Node) (back bool, f []Phase, order []int32) {
	x, dy, w := n.In[0].Type(), n.In[1].Type(), n.Out[0].Dims
	back = x.DType == graph.Bit
	pixels := dy.Dims
	if back {
		pixels = x.Dims
	}
	f = phases(back, w[2], n.Int("stride"), n.Int("pad"), pixels, w[0]*w[1])
	return back, f, windows(f, back, w[0], w[1], w[2])
}

// windows returns the place in the variable [co ci k k] of each weight ordered [channel of the result, window row, window
// column, channel of the operand], phase by phase.
func windows(f []Phase, back bool, co, ci, k int) []int32 {
	order := make([]int32, 0, co*ci*k*k)
	from, to := ci, co
	if back {
		from, to = co, ci
	}
	for _, phase := range f {
		for o := range to {
			for _, tap := range phase.taps {
				for i := range from {
					a, b := o, i
					if back {
						a, b = i, o
					}
					order = append(order, int32((a*ci+b)*k*k+tap))
				}
			}
		}
	}
	return order
}

func phases(back bool, k, stride, pad int, out []int, size int) []Phase {
	if !back {
		p := Phase{Step: 1, Rows: out[1], Cols: out[2], High: k, Wide: k, Stride: stride, Top: -pad, Left: -pad}
		for tap := range k * k {
			p.taps = append(p.taps, tap)
		}
		return []Phase{p}
	}
	// Result row y takes operand row o where y = o*stride + ky - pad: the ky that fit are those congruent to y + pad, and
	// the greater ky is, the smaller is o.
	line := func(first, size int) (count, window, start, least int) {
		least = (first + pad) % stride
		if first < size {
			count = (size - first + stride - 1) / stride
		}
		if least < k {
			window = (k - least + stride - 1) / stride
		}
		return count, window, (first+pad)/stride - window + 1, least
	}
	var list []Phase
	at := 0
	for row := range stride {
		for col := range stride {
			p := Phase{Row: row, Col: col, Step: stride, Stride: 1, Weights: at}
			var ky, kx int
			p.Rows, p.High, p.Top, ky = line(row, out[1])
			p.Cols, p.Wide, p.Left, kx = line(col, out[2])
			for u := range p.High {
				for v := range p.Wide {
					p.taps = append(p.taps, (ky+stride*(p.High-1-u))*k+kx+stride*(p.Wide-1-v))
				}
			}
			at += len(p.taps) * size
			list = append(list, p)
		}
	}
	return list
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
	from, to := ci, co // channels of the operand and of the result
	at := func(from, to, tap int) int32 { return int32((to*ci+from)*k*k + tap) }
	if back {
		from, to = co, ci
		at = func(from, to, tap int) int32 { return int32((from*ci+to)*k*k + tap) }
	}
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
		for _, tap := range phase.taps {
			for i := range from {
				for o := range to {
					index = append(index, at(i, o, tap))
				}
			}
		}
	}
	return index
}
