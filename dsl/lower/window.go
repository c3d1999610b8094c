package lower

import (
	"snnc.dev/snnc/runtime/graph"
)

// oblong is a convolution by a kernel that is not square: one of 1 x 1 of the channels that lie in the window, side by side.
// Where no `pad` is given, each axis has its own, which keeps its size.
func (l *lowering) oblong() graph.Value {
	b, args, x := l.b, l.layer.Args, l.in(0)
	in, out, stride := x.Type().Dims[0], l.layer.Wire.Dims[0], args.Int("stride")
	kernel := []int{args.Int("kernel"), args.Int("width")}
	for i, k := range kernel {
		pad := (k - 1) / 2
		if args.Has("pad") {
			pad = args.Int("pad")
		}
		if pad > 0 {
			x = b.Op(graph.OpPad, graph.Attrs{"axis": graph.Axis(1 + i), "before": pad, "after": pad}, x)
		}
	}
	var window []graph.Value
	for u := range kernel[0] {
		row := l.every(x, 1, u, stride, l.layer.Wire.Dims[1])
		for v := range kernel[1] {
			window = append(window, l.every(row, 2, v, stride, l.layer.Wire.Dims[2]))
		}
	}
	taps := len(window)
	weight, bias := l.starts(in*taps, out*taps)
	w := l.variable("weight", graph.Parameter, weight, out, in, kernel[0], kernel[1])
	w = b.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{0, 2, 1}}, b.Reshape(w, out, in, taps))
	y := b.Op(graph.OpConv, graph.Attrs{"stride": 1, "pad": 0}, b.Concat(0, window...), b.Reshape(w, out, taps*in, 1, 1))
	return l.bias(y, bias, out)
}

// every returns n elements of an axis of a map: those at start, start + stride, and so on.
func (l *lowering) every(x graph.Value, axis graph.Axis, start, stride, n int) graph.Value {
	b := l.b
	x = b.Slice(x, axis, start, (n-1)*stride+1)
	if stride == 1 {
		return x
	}
	x = b.Op(graph.OpPad, graph.Attrs{"axis": axis, "before": 0, "after": stride - 1}, x)
	dims := x.Type().Dims
	split := append(append(append([]int(nil), dims[:axis]...), n, stride), dims[axis+1:]...)
	x = b.Slice(b.Reshape(x, split...), axis+1, 0, 1)
	dims = append([]int(nil), dims...)
	dims[axis] = n
	return b.Reshape(x, dims...)
}

// edges repeats the first and last rows and columns of a map. The largest value of a window that reaches no further beyond the
// map than half of itself, and so has such a row in it, is the largest of what of the map is in it.
func (l *lowering) edges(x graph.Value, pad int) graph.Value {
	if pad == 0 {
		return x
	}
	b := l.b
	for axis := graph.Axis(1); axis <= 2; axis++ {
		var parts []graph.Value
		more := func(at int) {
			for range pad {
				parts = append(parts, b.Slice(x, axis, at, 1))
			}
		}
		more(0)
		parts = append(parts, x)
		more(x.Type().Dims[axis] - 1)
		x = b.Concat(axis, parts...)
	}
	return x
}

// average is the mean of what of the map is in each window.
func (l *lowering) average() graph.Value {
	b, args, x := l.b, l.layer.Args, l.in(0)
	k, stride, pad := args.Int("kernel"), args.Int("stride"), args.Int("pad")
	c, h, w := x.Type().Dims[0], l.layer.Wire.Dims[1], l.layer.Wire.Dims[2]
	if stride == k && pad == 0 { // windows side by side
		for i, size := range []int{h * k, w * k} {
			if x.Type().Dims[1+i] != size {
				x = b.Slice(x, graph.Axis(1+i), 0, size)
			}
		}
		return b.Reduce("mean", b.Reshape(x, c, h, k, w, k), 2, 4)
	}
	if b.Err() == nil && x.Type().DType != graph.F32 {
		x = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
	}
	shares := [2][]float64{} // of one value in the mean along each axis
	for i := range shares {
		axis, size, n := graph.Axis(1+i), x.Type().Dims[1+i], l.layer.Wire.Dims[1+i]
		if pad > 0 {
			x = b.Op(graph.OpPad, graph.Attrs{"axis": axis, "before": pad, "after": pad}, x)
		}
		sum := l.every(x, axis, 0, stride, n)
		for u := 1; u < k; u++ {
			sum = b.Add(sum, l.every(x, axis, u, stride, n))
		}
		x = sum
		for o := range n {
			first := o*stride - pad
			shares[i] = append(shares[i], 1/float64(min(first+k, size)-max(first, 0)))
		}
	}
	var both []float64
	for _, p := range shares[0] {
		for _, q := range shares[1] {
			both = append(both, p*q)
		}
	}
	return b.Mul(x, b.Op(graph.OpConstant, graph.Attrs{"dims": []int{1, h, w}, "values": both}))
}
