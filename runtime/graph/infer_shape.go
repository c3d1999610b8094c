package graph

import (
	"fmt"
	"slices"
)

func inferInput(n *Node, _ Env) ([]Type, error) { return one(n.Attrs["type"].(Type)) }

func inferRandom(n *Node, _ Env) ([]Type, error) {
	return one(Type{Steps: n.Int("steps"), Batch: n.Flag("batch"), Dims: n.Ints("dims")})
}

func inferConstant(n *Node, _ Env) ([]Type, error) {
	t := Type{Dims: n.Ints("dims")}
	switch n.Text("dtype") {
	case "", "f32":
	case "i32":
		t.DType = I32
	case "bit":
		t.DType = Bit
	default:
		return nil, fmt.Errorf("unknown element type %q", n.Text("dtype"))
	}
	values, many := n.Attrs["values"].([]float64)
	if _, single := n.Attrs["value"]; single == many {
		return nil, fmt.Errorf("wants either value or values")
	}
	if many && len(values) != t.Size() {
		return nil, fmt.Errorf("%d values for dims %v", len(values), t.Dims)
	}
	if !many {
		values = []float64{n.Real("value")}
	}
	for _, v := range values {
		if t.DType == Bit && v != 0 && v != 1 || t.DType == I32 && v != float64(int32(v)) {
			return nil, fmt.Errorf("%v is no %v", v, t.DType)
		}
	}
	return one(t)
}

func inferIota(n *Node, _ Env) ([]Type, error) {
	dims := n.Ints("dims")
	if len(dims) > 1 || (n.Int("steps") > 0) == (len(dims) == 1) {
		return nil, fmt.Errorf("wants either steps or one dim")
	}
	return one(Type{Steps: n.Int("steps"), Dims: dims})
}

func inferCount(n *Node, _ Env) ([]Type, error) {
	if _, err := without(n.In[0].Type(), n.Axes()); err != nil {
		return nil, err
	}
	return one(Scalar())
}

func inferReshape(n *Node, _ Env) ([]Type, error) {
	t := n.In[0].Type()
	dims := n.Ints("dims")
	if slices.ContainsFunc(dims, func(d int) bool { return d < 1 || d > maxElements }) || len(dims) > maxDims || product(dims) != t.Size() {
		return nil, fmt.Errorf("%d elements do not fit %v", t.Size(), dims)
	}
	return one(t.WithDims(dims...))
}

func inferTranspose(n *Node, _ Env) ([]Type, error) {
	t := n.In[0].Type()
	axes := n.Axes()
	dims := make([]int, len(axes))
	seen := map[Axis]bool{}
	for i, a := range axes {
		if a < 0 || int(a) >= len(t.Dims) || seen[a] {
			return nil, fmt.Errorf("axes %v are no permutation of the dims %v", axes, t.Dims)
		}
		seen[a] = true
		dims[i] = t.Dims[a]
	}
	if len(dims) != len(t.Dims) {
		return nil, fmt.Errorf("axes %v are no permutation of the dims %v", axes, t.Dims)
	}
	return one(t.WithDims(dims...))
}

// resized returns t with another length along an axis that it has (t or a dim).
func resized(t Type, a Axis, length func(old int) int) (Type, error) {
	switch {
	case a == TimeAxis && t.Steps > 0:
		t.Steps = length(t.Steps)
		if t.Steps < 1 {
			return t, fmt.Errorf("no time step is left")
		}
	case a >= 0 && int(a) < len(t.Dims):
		t.Dims = slices.Clone(t.Dims)
		t.Dims[a] = length(t.Dims[a])
		if t.Dims[a] < 1 {
			return t, fmt.Errorf("nothing is left along axis %v", a)
		}
	default:
		return t, fmt.Errorf("%v has no axis %v", t, a)
	}
	return t, nil
}

func inferSlice(n *Node, _ Env) ([]Type, error) {
	start, length := n.Int("start"), n.Int("length")
	var old int
	t, err := resized(n.In[0].Type(), n.Axis(), func(o int) int { old = o; return length })
	if err != nil {
		return nil, err
	}
	if start < 0 || length < 1 || length > old || start > old-length {
		return nil, fmt.Errorf("%d from %d lies outside %d", length, start, old)
	}
	return one(t)
}

func inferPad(n *Node, _ Env) ([]Type, error) {
	before, after := n.Int("before"), n.Int("after")
	if before < 0 || after < 0 || before > maxSteps || after > maxSteps {
		return nil, fmt.Errorf("negative or huge padding")
	}
	t, err := resized(n.In[0].Type(), n.Axis(), func(o int) int { return o + before + after })
	if err != nil {
		return nil, err
	}
	return one(t)
}

func inferConcat(n *Node, _ Env) ([]Type, error) {
	axis := n.Axis()
	out := n.In[0].Type()
	for i, v := range n.In {
		t := v.Type()
		if i == 0 {
			if _, err := resized(t, axis, func(o int) int { return o }); err != nil {
				return nil, err
			}
			continue
		}
		var more int
		same, err := resized(t, axis, func(o int) int { more = o; return 1 })
		if err != nil {
			return nil, err
		}
		mine, _ := resized(out, axis, func(int) int { return 1 })
		same.DType, mine.DType = F32, F32
		if !same.Equal(mine) {
			return nil, fmt.Errorf("%v and %v differ elsewhere than along axis %v", out, t, axis)
		}
		if t.DType != out.DType {
			out.DType = F32
		}
		out, _ = resized(out, axis, func(o int) int { return o + more })
	}
	return one(out)
}

func inferRepeat(n *Node, _ Env) ([]Type, error) {
	t, count := n.In[0].Type(), n.Int("count")
	switch axis := n.Axis(); {
	case axis == BatchAxis:
		if t.Batch {
			return nil, fmt.Errorf("%v has a batch axis already", t)
		}
		t.Batch = true
		return one(t)
	case count < 1 || count > maxSteps:
		return nil, fmt.Errorf("count %d", count)
	case axis == TimeAxis && t.Steps == 0:
		return one(t.WithSteps(count))
	default:
		t, err := resized(t, axis, func(o int) int { return o * count })
		if err != nil {
			return nil, err
		}
		return one(t)
	}
}

func inferCast(n *Node, _ Env) ([]Type, error) {
	i := slices.Index(dtypeNames[:3], n.Text("dtype"))
	if i < 0 || n.In[0].Type().DType == State {
		return nil, fmt.Errorf("no cast to %q", n.Text("dtype"))
	}
	return one(n.In[0].Type().With(DType(i)))
}
