package graph

import (
	"fmt"
	"slices"
)

// without returns t without the axes.
func without(t Type, axes Axes) (Type, error) {
	out := Type{DType: F32, Steps: t.Steps, Batch: t.Batch}
	for i, a := range axes {
		switch {
		case i > 0 && axes[i-1] >= a:
			return t, fmt.Errorf("axes %v are not in the order t, n, 0, 1, ...", axes)
		case a == TimeAxis && t.Steps > 0:
			out.Steps = 0
		case a == BatchAxis && t.Batch:
			out.Batch = false
		case a >= 0 && int(a) < len(t.Dims):
		default:
			return t, fmt.Errorf("%v has no axis %v", t, a)
		}
	}
	for i, d := range t.Dims {
		if !axes.Has(Axis(i)) {
			out.Dims = append(out.Dims, d)
		}
	}
	return out, nil
}

func inferReduce(n *Node, _ Env) ([]Type, error) {
	out, err := without(n.In[0].Type(), n.Axes())
	if err != nil {
		return nil, err
	}
	switch n.Text("kind") {
	case "sum", "mean", "max", "min":
	case "argmax", "argmin":
		out.DType = I32
		if len(n.Axes()) != 1 || n.Axes()[0] == BatchAxis {
			return nil, fmt.Errorf("%s takes one axis, t or a dim", n.Text("kind"))
		}
	default:
		return nil, fmt.Errorf("unknown kind %q", n.Text("kind"))
	}
	return one(out)
}

func inferGather(n *Node, _ Env) ([]Type, error) {
	x, index, axis := n.In[0].Type(), n.In[1].Type(), n.Axis()
	if axis < 0 || int(axis) >= len(x.Dims) {
		return nil, fmt.Errorf("%v has no dim %v", x, axis)
	}
	rest := slices.Delete(slices.Clone(x.Dims), int(axis), int(axis)+1)
	if index.DType != I32 || !slices.Equal(rest, index.Dims) {
		return nil, fmt.Errorf("index %v, want i32 of dims %v", index, rest)
	}
	out, err := Broadcast(x.WithDims(rest...), index)
	if err != nil {
		return nil, err
	}
	return one(out)
}

func inferScatter(n *Node, _ Env) ([]Type, error) {
	index, y, axis, size := n.In[0].Type(), n.In[1].Type(), n.Axis(), n.Int("size")
	if index.DType != I32 || !slices.Equal(index.Dims, y.Dims) {
		return nil, fmt.Errorf("index %v does not fit %v", index, y)
	}
	if axis < 0 || int(axis) > len(y.Dims) || size < 1 {
		return nil, fmt.Errorf("%v cannot get a dim %v of %d", y, axis, size)
	}
	out, err := Broadcast(y, index)
	if err != nil {
		return nil, err
	}
	out.DType = F32
	return one(out.WithDims(slices.Insert(slices.Clone(y.Dims), int(axis), size)...))
}

func inferRows(n *Node, _ Env) ([]Type, error) {
	table, index := n.In[0].Type(), n.In[1].Type()
	if table.Steps > 0 || table.Batch || len(table.Dims) == 0 || index.DType != I32 {
		return nil, fmt.Errorf("wants an unbatched table and an i32 index, got %v and %v", table, index)
	}
	return one(index.With(F32).WithDims(append(slices.Clone(index.Dims), table.Dims[1:]...)...))
}

func inferScatterAdd(n *Node, _ Env) ([]Type, error) {
	index, y := n.In[0].Type(), n.In[1].Type()
	if index.DType != I32 || len(y.Dims) < len(index.Dims) || !slices.Equal(index.Dims, y.Dims[:len(index.Dims)]) || index.Steps != y.Steps || index.Batch != y.Batch {
		return nil, fmt.Errorf("index %v does not fit %v", index, y)
	}
	return one(Type{Dims: append([]int{n.Int("size")}, y.Dims[len(index.Dims):]...)})
}

func inferMatmul(n *Node, _ Env) ([]Type, error) {
	a, b := n.In[0].Type(), n.In[1].Type()
	if len(a.Dims) < 1 || len(a.Dims) > 2 || len(b.Dims) != 2 {
		return nil, fmt.Errorf("cannot multiply %v by %v", a, b)
	}
	k, cols := b.Dims[0], b.Dims[1]
	if n.Flag("transpose") {
		k, cols = cols, k
	}
	if a.Dims[len(a.Dims)-1] != k {
		return nil, fmt.Errorf("%v has %d columns, %v wants %d", a, a.Dims[len(a.Dims)-1], b, k)
	}
	if (b.Steps > 0 || b.Batch) && len(a.Dims) != 2 {
		return nil, fmt.Errorf("a matrix per example, %v, wants a matrix on its left, not %v", b, a)
	}
	out, err := Broadcast(a.WithDims(), b.WithDims())
	if err != nil {
		return nil, err
	}
	return one(out.With(F32).WithDims(append(slices.Clone(a.Dims[:len(a.Dims)-1]), cols)...))
}

func inferMatmulWeight(n *Node, _ Env) ([]Type, error) {
	a, dy := n.In[0].Type(), n.In[1].Type()
	if len(a.Dims) < 1 || len(a.Dims) > 2 || len(dy.Dims) != len(a.Dims) || len(a.Dims) == 2 && a.Dims[0] != dy.Dims[0] || a.Steps != dy.Steps || a.Batch != dy.Batch {
		return nil, fmt.Errorf("%v does not fit %v", a, dy)
	}
	rows, cols := a.Dims[len(a.Dims)-1], dy.Dims[len(a.Dims)-1]
	if n.Flag("transpose") {
		rows, cols = cols, rows
	}
	return one(Type{Dims: []int{rows, cols}})
}

func image(t Type) error {
	if len(t.Dims) != 3 {
		return fmt.Errorf("wants [channels height width], got %v", t)
	}
	return nil
}

func convWeights(t Type) error {
	if t.Steps > 0 || t.Batch || len(t.Dims) != 4 || t.Dims[2] != t.Dims[3] {
		return fmt.Errorf("wants weights [out in k k], got %v", t)
	}
	return nil
}

func convSize(size, kernel, stride, pad int) (int, error) {
	if stride < 1 || pad < 0 || kernel < 1 || pad > maxSteps || stride > maxSteps {
		return 0, fmt.Errorf("kernel %d, stride %d, pad %d", kernel, stride, pad)
	}
	if size+2*pad < kernel {
		return 0, fmt.Errorf("a kernel of %d does not fit %d with padding %d", kernel, size, pad)
	}
	return (size+2*pad-kernel)/stride + 1, nil
}

func inferConv(n *Node, _ Env) ([]Type, error) {
	x, w := n.In[0].Type(), n.In[1].Type()
	if err := image(x); err != nil {
		return nil, err
	}
	if err := convWeights(w); err != nil {
		return nil, err
	}
	if w.Dims[1] != x.Dims[0] {
		return nil, fmt.Errorf("%d channels meet weights for %d", x.Dims[0], w.Dims[1])
	}
	h, err := convSize(x.Dims[1], w.Dims[2], n.Int("stride"), n.Int("pad"))
	if err != nil {
		return nil, err
	}
	wd, err := convSize(x.Dims[2], w.Dims[2], n.Int("stride"), n.Int("pad"))
	if err != nil {
		return nil, err
	}
	return one(x.With(F32).WithDims(w.Dims[0], h, wd))
}

func inferConvInput(n *Node, _ Env) ([]Type, error) {
	y, w := n.In[0].Type(), n.In[1].Type()
	if err := image(y); err != nil {
		return nil, err
	}
	if err := convWeights(w); err != nil {
		return nil, err
	}
	if w.Dims[0] != y.Dims[0] {
		return nil, fmt.Errorf("%d channels meet weights for %d", y.Dims[0], w.Dims[0])
	}
	for i, size := range []int{n.Int("height"), n.Int("width")} {
		if got, err := convSize(size, w.Dims[2], n.Int("stride"), n.Int("pad")); err != nil || got != y.Dims[1+i] {
			return nil, fmt.Errorf("a side of %d gives %d, not %d", size, got, y.Dims[1+i])
		}
	}
	return one(y.With(F32).WithDims(w.Dims[1], n.Int("height"), n.Int("width")))
}

func inferConvWeight(n *Node, _ Env) ([]Type, error) {
	x, dy := n.In[0].Type(), n.In[1].Type()
	if err := image(x); err != nil {
		return nil, err
	}
	if err := image(dy); err != nil {
		return nil, err
	}
	if x.Steps != dy.Steps || x.Batch != dy.Batch {
		return nil, fmt.Errorf("%v does not fit %v", x, dy)
	}
	k := n.Int("kernel")
	for i := 1; i < 3; i++ {
		if got, err := convSize(x.Dims[i], k, n.Int("stride"), n.Int("pad")); err != nil || got != dy.Dims[i] {
			return nil, fmt.Errorf("a side of %d gives %d, not %d", x.Dims[i], got, dy.Dims[i])
		}
	}
	return one(Type{Dims: []int{dy.Dims[0], x.Dims[0], k, k}})
}

func inferMaxPool(n *Node, _ Env) ([]Type, error) {
	x := n.In[0].Type()
	if err := image(x); err != nil {
		return nil, err
	}
	h, err := convSize(x.Dims[1], n.Int("kernel"), n.Int("stride"), 0)
	if err != nil {
		return nil, err
	}
	w, err := convSize(x.Dims[2], n.Int("kernel"), n.Int("stride"), 0)
	if err != nil {
		return nil, err
	}
	return one(x.WithDims(x.Dims[0], h, w))
}

func inferMaxPoolGrad(n *Node, env Env) ([]Type, error) {
	out, err := inferMaxPool(n, env)
	if err != nil {
		return nil, err
	}
	if !out[0].With(F32).Equal(n.In[1].Type()) {
		return nil, fmt.Errorf("gradient %v, want %v", n.In[1].Type(), out[0].With(F32))
	}
	return one(n.In[0].Type().With(F32))
}

func inferNormalise(n *Node, _ Env) ([]Type, error) {
	x := n.In[0].Type()
	stat, err := without(x, n.Axes())
	if err != nil {
		return nil, err
	}
	if len(n.Axes()) == 0 || slices.ContainsFunc(n.Axes(), func(a Axis) bool { return a >= 0 && int(a) < len(stat.Dims) }) {
		return nil, fmt.Errorf("axes %v: the dims among them must be the last ones", n.Axes())
	}
	return []Type{x.With(F32), stat, stat}, nil
}

func inferNormaliseGrad(n *Node, _ Env) ([]Type, error) {
	dy, y, variance := n.In[0].Type(), n.In[1].Type(), n.In[2].Type()
	stat, err := without(y, n.Axes())
	if err != nil {
		return nil, err
	}
	if !dy.With(F32).Equal(y) || !variance.Equal(stat) {
		return nil, fmt.Errorf("%v, %v and %v do not belong together", dy, y, variance)
	}
	return one(y)
}
