package plan

import (
	"fmt"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
)

// ProductOf returns what a product multiplies by its weights: a conv or conv-input-gradient node, or a matmul, whose examples are
// images of one column.
func ProductOf(n *graph.Node) kernel.Shape {
	x, w, out := n.In[0].Type().Dims, n.In[1].Type().Dims, n.Out[0].Dims
	if n.Op == graph.OpMatmul {
		high, in, columns := 1, x[len(x)-1], out[len(out)-1]
		if len(x) == 2 {
			high = x[0]
		}
		return kernel.Shape{High: high, Wide: 1, In: in, OutHigh: high, OutWide: 1, Out: columns,
			Phases: kernel.Phases(false, 1, 1, 0, high, 1, in*kernel.PackedColumns(columns))}
	}
	return kernel.Shape{High: x[1], Wide: x[2], In: x[0], OutHigh: out[1], OutWide: out[2], Out: out[0], Phases: kernel.Phases(
		n.Op == graph.OpConvInput, w[2], n.Int("stride"), n.Int("pad"), out[1], out[2], x[0]*kernel.PackedColumns(out[0]))}
}

// WindowOf returns what meets in a product's derivative by its weights: a conv-weight-gradient or matmul-weight-gradient node.
func WindowOf(n *graph.Node) kernel.Window {
	x, dy := n.In[0].Type().Dims, n.In[1].Type().Dims
	if n.Op == graph.OpMatmulWeight {
		high := 1
		if len(x) == 2 {
			high = x[0]
		}
		return kernel.Window{High: high, Wide: 1, In: x[len(x)-1], OutHigh: high, OutWide: 1, Out: dy[len(dy)-1], Kernel: 1, Stride: 1}
	}
	return kernel.Window{High: x[1], Wide: x[2], In: x[0], OutHigh: dy[1], OutWide: dy[2], Out: dy[0], Kernel: n.Int("kernel"),
		Stride: n.Int("stride"), Pad: n.Int("pad")}
}

// Each reports whether the right side of a matmul is a matrix per example or time step, and so no packed weights.
func Each(n *graph.Node) bool {
	w := n.In[1].Type()
	return n.Op == graph.OpMatmul && (w.Steps > 0 || w.Batch)
}

// packing names the order in which the weights of a product, its input 1, are laid out anew, as kernel.Shape says, so that
// inner loops run over neighbours; "" where they are read as they are.
func packing(n *graph.Node) string {
	switch n.Op {
	case graph.OpMatmul:
		if Each(n) {
			return ""
		}
		w := n.In[1].Type().Dims
		if !n.Flag("transpose") && w[1] <= kernel.Block && w[1] == kernel.PackedColumns(w[1]) {
			return "" // they lie like that
		}
		return fmt.Sprint(n.Op, " ", n.Flag("transpose"))
	case graph.OpConv:
		return fmt.Sprint(n.Op)
	case graph.OpConvInput:
		return fmt.Sprint(n.Op, " ", n.Int("stride"), " ", n.Int("pad"))
	}
	return ""
}

// packed returns where packed weights come from in the variable, a run for each row of a block, and how many there are with the
// padding, which is what no run goes to, and whether there is some.
func packed(n *graph.Node) (runs []Run, size int, padding bool) {
	s, w := ProductOf(n), n.In[1].Type().Dims
	// The weight that leads from channel i of the operand to channel o of the result lies at i*in + o*out + tap.
	var in, out int
	switch {
	case n.Op == graph.OpMatmul && n.Flag("transpose"):
		in, out = 1, w[1]
	case n.Op == graph.OpMatmul:
		in, out = w[1], 1
	case n.Op == graph.OpConv:
		in, out = w[2]*w[2], w[1]*w[2]*w[2]
	default:
		in, out = w[1]*w[2]*w[2], w[2]*w[2]
	}
	taps := 0
	for _, f := range s.Phases {
		taps += len(f.Taps)
	}
	runs = make([]Run, 0, (s.Out+kernel.Block-1)/kernel.Block*taps*s.In)
	for _, f := range s.Phases {
		for first := 0; first < s.Out; first += kernel.Block {
			columns := kernel.BlockColumns(s.Out, first/kernel.Block)
			for _, tap := range f.Taps {
				for i := range s.In {
					runs = append(runs, Run{To: int32(size), From: int32(i*in + first*out + tap), Length: int32(min(columns, s.Out-first)), Stride: int32(out)})
					size += columns
				}
			}
		}
	}
	return runs, size, s.Out != kernel.PackedColumns(s.Out)
}
