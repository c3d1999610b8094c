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
	Weights           int   // where the phase's packed weights begin, ordered [window row, window column, channel in, channel out]
	taps              []int // ky*k+kx of each place in the window
}

// Phases takes a conv or conv-input-gradient node apart.
func Phases(n *graph.Node) []Phase {
	k, stride, pad := n.In[1].Type().Dims[2], n.Int("stride"), n.Int("pad")
	out := n.Out[0].Dims
	if n.Op == graph.OpConv {
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
	var phases []Phase
	at := 0
	size := n.In[1].Type().Dims[0] * n.In[1].Type().Dims[1]
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
			phases = append(phases, p)
		}
	}
	return phases
}

// packOrder is an order of a product's weights in which its inner loop runs over neighbours.
type packOrder struct {
	name  string
	index []int32 // of each packed weight in the variable
}

// packing returns how input i of a product is packed; nil where it is read as it is.
func packing(n *graph.Node, i int) *packOrder {
	if i != 1 {
		return nil
	}
	w := n.In[1].Type()
	switch n.Op {
	case graph.OpMatmul:
		if !n.Flag("transpose") || w.Steps > 0 || w.Batch {
			return nil
		}
		rows, cols := w.Dims[0], w.Dims[1]
		p := &packOrder{name: "transposed", index: make([]int32, rows*cols)}
		for k := range p.index {
			p.index[k] = int32(k%rows*cols + k/rows)
		}
		return p
	case graph.OpConv, graph.OpConvInput:
		co, ci, k := w.Dims[0], w.Dims[1], w.Dims[2]
		p := &packOrder{name: fmt.Sprint(n.Op, n.Int("stride"), n.Int("pad"))}
		for _, phase := range Phases(n) {
			for _, tap := range phase.taps {
				if n.Op == graph.OpConv {
					for i := range ci {
						for o := range co {
							p.index = append(p.index, int32((o*ci+i)*k*k+tap))
						}
					}
					continue
				}
				for o := range co {
					for i := range ci {
						p.index = append(p.index, int32((o*ci+i)*k*k+tap))
					}
				}
			}
		}
		return p
	}
	return nil
}
