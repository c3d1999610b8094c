package pass

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// upsampled takes the repetition of pixels in front of a convolution into its weights. Each pixel of the small image meets
// f x f places of the kernel's window, so that with w' = w turned around and convolved with a box of f x f ones
//
//	conv(upsample(x, f), w, pad) = transposed conv(x, w', stride f, pad k - 1 - pad)
//
// each of whose phases sees a small window of summed weights: ((k + f - 1) / f)^2 places instead of k^2. The derivative by x is
// then the convolution of the gradient with w', and that by w sums, for each weight, the places of w' that it went into.
func upsampled(r *rewriter, n *graph.Node, in []graph.Value) ([]graph.Value, bool) {
	switch n.Op {
	case graph.OpConv:
		x, f := enlarged(in[0])
		u, ok := newUpsampling(n, in[1].Type().Dims[2], f)
		if !ok {
			return nil, false
		}
		attrs := graph.Attrs{"stride": f, "pad": u.pad, "height": n.Out[0].Dims[1], "width": n.Out[0].Dims[2]}
		return []graph.Value{r.product(graph.OpConvInput, attrs, n.Out[0], x, u.weights(r, in[1]))}, true
	case graph.OpConvWeight:
		x, f := enlarged(in[0])
		u, ok := newUpsampling(n, n.Int("kernel"), f)
		if !ok {
			return nil, false
		}
		co, ci := n.Out[0].Dims[0], n.Out[0].Dims[1]
		attrs := graph.Attrs{"stride": f, "pad": u.pad, "kernel": u.wide}
		dw := r.product(graph.OpConvWeight, attrs, graph.Type{Dims: []int{ci, co, u.wide, u.wide}}, in[1], x)
		return []graph.Value{u.gradient(r, dw)}, true
	case graph.OpReduce:
		y, f := summed(n, in[0])
		if f == 0 || y.Node.Op != graph.OpReduce {
			return nil, false
		}
		dx, g := summed(y.Node, y.Node.In[0])
		if g != f || dx.Node.Op != graph.OpConvInput || y.Node.Axes()[0] == n.Axes()[0] {
			return nil, false
		}
		w := dx.Node.In[1]
		u, ok := newUpsampling(dx.Node, w.Type().Dims[2], f)
		if !ok {
			return nil, false
		}
		r.layer = dx.Node.Layer
		attrs := graph.Attrs{"stride": f, "pad": u.pad}
		return []graph.Value{r.product(graph.OpConv, attrs, n.Out[0], dx.Node.In[0], u.weights(r, w))}, true
	}
	return nil, false
}

// enlarged returns the image whose pixels v repeats f times in both directions; f is 0 where it does not.
func enlarged(v graph.Value) (x graph.Value, f int) {
	a := v.Node
	if a.Op != graph.OpRepeat || a.In[0].Node.Op != graph.OpRepeat {
		return x, 0
	}
	b := a.In[0].Node
	if a.Int("count") != b.Int("count") || min(a.Axis(), b.Axis()) != 1 || max(a.Axis(), b.Axis()) != 2 {
		return x, 0
	}
	return b.In[0], a.Int("count")
}

// summed returns the image of which n, whose input is x, sums f neighbours along dim 1 or 2, as the derivative of repetition
// does; f is 0 where it does not.
func summed(n *graph.Node, x graph.Value) (of graph.Value, f int) {
	dims := x.Type().Dims
	if n.Text("kind") != "sum" || len(n.Axes()) != 1 || x.Node.Op != graph.OpReshape || len(dims) != 4 {
		return of, 0
	}
	axis := int(n.Axes()[0])
	if axis != 2 && axis != 3 {
		return of, 0
	}
	of, f = x.Node.In[0], dims[axis]
	joined := slices.Delete(slices.Clone(dims), axis, axis+1)
	if joined[axis-1] *= f; !slices.Equal(joined, of.Type().Dims) {
		return of, 0
	}
	return of, f
}

// upsampling says how a kernel grows that takes an upsampling in.
type upsampling struct {
	kernel, wide int       // sides before and after
	pad          int       // of the transposed convolution
	box          []float64 // [kernel*kernel][wide*wide]: 1 where a weight goes into a place
}

// newUpsampling returns what becomes of a kernel of side k at the convolution n, or its derivative, behind an upsampling by f;
// not ok where that is no upsampling or nothing is won.
func newUpsampling(n *graph.Node, k, f int) (u upsampling, ok bool) {
	if f < 2 || k < 2 || n.Int("stride") != 1 || n.Int("pad") > k-1 {
		return u, false
	}
	u = upsampling{kernel: k, wide: k + f - 1, pad: k - 1 - n.Int("pad")}
	u.box = make([]float64, k*k*u.wide*u.wide)
	for y := range k {
		for x := range k {
			for a := range f {
				for b := range f {
					u.box[(y*k+x)*u.wide*u.wide+(k-1-y+a)*u.wide+k-1-x+b] = 1
				}
			}
		}
	}
	return u, true
}

// weights returns w' [ci co wide wide] of weights [co ci kernel kernel].
func (u *upsampling) weights(r *rewriter, w graph.Value) graph.Value {
	co, ci := w.Type().Dims[0], w.Type().Dims[1]
	rows := r.op(graph.OpReshape, graph.Attrs{"dims": []int{co * ci, u.kernel * u.kernel}}, w)
	sums := r.op(graph.OpMatmul, graph.Attrs{"transpose": false}, rows, u.matrix(r))
	sums = r.op(graph.OpReshape, graph.Attrs{"dims": []int{co, ci, u.wide, u.wide}}, sums)
	return r.op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0, 2, 3}}, sums)
}

// gradient returns the gradient by w [co ci kernel kernel], given that by w'.
func (u *upsampling) gradient(r *rewriter, dw graph.Value) graph.Value {
	ci, co := dw.Type().Dims[0], dw.Type().Dims[1]
	dw = r.op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0, 2, 3}}, dw)
	rows := r.op(graph.OpReshape, graph.Attrs{"dims": []int{co * ci, u.wide * u.wide}}, dw)
	sums := r.op(graph.OpMatmul, graph.Attrs{"transpose": true}, rows, u.matrix(r))
	return r.op(graph.OpReshape, graph.Attrs{"dims": []int{co, ci, u.kernel, u.kernel}}, sums)
}

func (u *upsampling) matrix(r *rewriter) graph.Value {
	return r.op(graph.OpConstant, graph.Attrs{"dims": []int{u.kernel * u.kernel, u.wide * u.wide}, "values": u.box})
}
