package interp

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// operator computes the results of n, which come as zeros.
type operator func(r *run, n *graph.Node, in, out []Value) error

// operators holds every operator that a linked graph may have.
var operators = table()

func table() map[graph.Op]operator {
	t := map[graph.Op]operator{
		graph.OpInput: func(r *run, n *graph.Node, _, out []Value) error {
			return r.given("input", n.Text("name"), r.env.Inputs, &out[0])
		},
		graph.OpRead:     read,
		graph.OpConstant: constantValue,
		graph.OpIota:     numbers,
		graph.OpUniform:  random,
		graph.OpNormal:   random,
		graph.OpHost:     host,
		graph.OpCount:    count,
		graph.OpAssign:   func(*run, *graph.Node, []Value, []Value) error { return nil },

		graph.OpReshape:   reshape,
		graph.OpTranspose: transpose,
		graph.OpSlice:     slice,
		graph.OpPad:       pad,
		graph.OpConcat:    concat,
		graph.OpRepeat:    repeat,

		graph.OpReduce:     reduce,
		graph.OpGather:     gather,
		graph.OpScatter:    scatter,
		graph.OpRows:       rows,
		graph.OpScatterAdd: scatterAdd,

		graph.OpMatmul:        matmul,
		graph.OpMatmulWeight:  matmulWeight,
		graph.OpConv:          conv,
		graph.OpConvInput:     conv,
		graph.OpConvWeight:    conv,
		graph.OpMaxPool:       maxPool,
		graph.OpMaxPoolGrad:   maxPool,
		graph.OpNormalise:     normalise,
		graph.OpNormaliseGrad: normaliseGradient,
		graph.OpEquation:      equation,
		graph.OpEquationGrad:  equationGradient,
		graph.OpOpaque:        opaqueForward,
		graph.OpOpaqueGrad:    opaqueBackward,
		graph.OpChip:          chip,

		graph.OpCast: broadcast,
	}
	for op := range smooth {
		t[op] = broadcast
	}
	for op := range constant {
		t[op] = broadcast
	}
	for op := range choice {
		t[op] = broadcast
	}
	return t
}

func read(r *run, n *graph.Node, _, out []Value) error {
	from := r.env.Variables
	if n.Flag("average") && r.env.Averages != nil {
		from = r.env.Averages
	}
	return r.given("variable", n.Text("var"), from, &out[0])
}

func constantValue(_ *run, n *graph.Node, _, out []Value) error {
	copy(out[0].Data, n.Reals("values"))
	if v, ok := n.Attrs["value"].(float64); ok {
		for i := range out[0].Data {
			out[0].Data[i] = v
		}
	}
	return nil
}

func numbers(_ *run, _ *graph.Node, _, out []Value) error {
	for i := range out[0].Data {
		out[0].Data[i] = float64(i)
	}
	return nil
}

func random(r *run, n *graph.Node, _, out []Value) error {
	if r.env.Random == nil {
		return fmt.Errorf("no random numbers are given")
	}
	size := out[0].Type.Size()
	out[0].each(func(i, t, e int, _ []int) {
		out[0].Data[i] = r.env.Random(n.Text("label"), n.Op == graph.OpNormal, uint64(e), uint64(t*size+i%size))
	})
	return nil
}

func host(r *run, n *graph.Node, _, out []Value) error {
	if r.env.Host == nil {
		return fmt.Errorf("no numbers of the trainer are given")
	}
	out[0].Data[0] = r.env.Host(n.Text("what"))
	return nil
}

func count(_ *run, n *graph.Node, in, out []Value) error {
	out[0].Data[0] = float64(elements(in[0], n.Axes()))
	return nil
}

// length returns how long x is along an axis.
func length(x Value, a graph.Axis) int {
	switch a {
	case graph.TimeAxis:
		return x.Type.Steps
	case graph.BatchAxis:
		return x.N
	}
	return x.Type.Dims[a]
}

// elements returns how many elements of x lie along the axes.
func elements(x Value, axes graph.Axes) int {
	n := 1
	for _, a := range axes {
		n *= length(x, a)
	}
	return n
}

func reshape(_ *run, _ *graph.Node, in, out []Value) error {
	copy(out[0].Data, in[0].Data)
	return nil
}

func transpose(_ *run, n *graph.Node, in, out []Value) error {
	from := make([]int, len(n.Axes()))
	out[0].each(func(i, t, e int, d []int) {
		for k, a := range n.Axes() {
			from[a] = d[k]
		}
		out[0].Data[i] = in[0].at(t, e, from)
	})
	return nil
}

// moved returns the place (t, d) with index by along an axis (t or a dim) replaced by what f makes of it.
func moved(a graph.Axis, t int, d []int, f func(int) int) (int, []int) {
	if a == graph.TimeAxis {
		return f(t), d
	}
	d = slices.Clone(d)
	d[a] = f(d[a])
	return t, d
}

func slice(_ *run, n *graph.Node, in, out []Value) error {
	out[0].each(func(i, t, e int, d []int) {
		t, d = moved(n.Axis(), t, d, func(k int) int { return k + n.Int("start") })
		out[0].Data[i] = in[0].at(t, e, d)
	})
	return nil
}

func pad(_ *run, n *graph.Node, in, out []Value) error {
	in[0].each(func(i, t, e int, d []int) {
		t, d = moved(n.Axis(), t, d, func(k int) int { return k + n.Int("before") })
		out[0].Data[out[0].offset(t, e, d)] = in[0].Data[i]
	})
	return nil
}

func concat(_ *run, n *graph.Node, in, out []Value) error {
	start := 0
	for _, x := range in {
		x.each(func(i, t, e int, d []int) {
			t, d = moved(n.Axis(), t, d, func(k int) int { return k + start })
			out[0].Data[out[0].offset(t, e, d)] = x.Data[i]
		})
		start += length(x, n.Axis())
	}
	return nil
}

func repeat(_ *run, n *graph.Node, in, out []Value) error {
	axis := n.Axis()
	if axis == graph.BatchAxis || axis == graph.TimeAxis && in[0].Type.Steps == 0 {
		return broadcastCopy(in[0], out[0])
	}
	out[0].each(func(i, t, e int, d []int) {
		t, d = moved(axis, t, d, func(k int) int { return k / n.Int("count") })
		out[0].Data[i] = in[0].at(t, e, d)
	})
	return nil
}

func broadcastCopy(from, to Value) error {
	to.each(func(i, t, e int, d []int) { to.Data[i] = from.at(t, e, d) })
	return nil
}

// rest returns where an element goes when the axes vanish.
func rest(axes graph.Axes, t, e int, d []int) (int, int, []int) {
	var left []int
	for i, k := range d {
		if !axes.Has(graph.Axis(i)) {
			left = append(left, k)
		}
	}
	return which(axes.Has(graph.TimeAxis), 0, t), which(axes.Has(graph.BatchAxis), 0, e), left
}

func reduce(r *run, n *graph.Node, in, out []Value) error {
	axes, kind, x, y := n.Axes(), n.Text("kind"), in[0], out[0]
	seen := make([]int, len(y.Data)) // elements so far
	best := make([]int, len(y.Data)) // the first greatest or least among them
	to := make([]int, len(x.Data))   // the result that each element goes to
	value := make([]float64, len(y.Data))
	x.each(func(i, t, e int, d []int) {
		o := y.offset(rest(axes, t, e, d))
		v := x.Data[i]
		to[i] = o
		switch kind {
		case "sum", "mean":
			value[o] += v
		case "max", "argmax":
			if seen[o] == 0 || v > value[o] {
				value[o], best[o] = v, seen[o]
			}
		default:
			if seen[o] == 0 || v < value[o] {
				value[o], best[o] = v, seen[o]
			}
		}
		seen[o]++
	})
	for o := range y.Data {
		switch kind {
		case "mean":
			y.Data[o] = value[o] / float64(seen[o])
		case "argmax", "argmin":
			y.Data[o] = r.frozen(place{element: o}, float64(best[o]))
		default:
			y.Data[o] = value[o]
		}
	}
	if kind != "max" && kind != "min" || r.env.Base == nil {
		return nil
	}
	// Equal elements share the change of a greatest or least one.
	sum, ties := make([]float64, len(y.Data)), make([]float64, len(y.Data))
	for i, v := range x.Data {
		if r.frozen(place{element: i}, truth(v == value[to[i]])) != 0 {
			sum[to[i]] += v
			ties[to[i]]++
		}
	}
	if r.replays() {
		for o := range y.Data {
			y.Data[o] = sum[o] / ties[o]
		}
	}
	return nil
}

// picker checks indices against a size; the first bad one becomes err.
type picker struct {
	size int
	err  error
}

func (p *picker) index(v float64) int {
	if v >= 0 && v < float64(p.size) {
		return int(v)
	}
	if p.err == nil {
		p.err = fmt.Errorf("index %v is not among 0..%d", v, p.size-1)
	}
	return 0
}

func gather(_ *run, n *graph.Node, in, out []Value) error {
	x, index, axis := in[0], in[1], int(n.Axis())
	p := picker{size: x.Type.Dims[axis]}
	out[0].each(func(i, t, e int, d []int) {
		k := p.index(index.at(t, e, d))
		out[0].Data[i] = x.at(t, e, slices.Insert(slices.Clone(d), axis, k))
	})
	return p.err
}

func scatter(_ *run, n *graph.Node, in, out []Value) error {
	index, y, axis := in[0], in[1], int(n.Axis())
	p := picker{size: n.Int("size")}
	out[0].each(func(i, t, e int, d []int) {
		left := slices.Delete(slices.Clone(d), axis, axis+1)
		if p.index(index.at(t, e, left)) == d[axis] {
			out[0].Data[i] = y.at(t, e, left)
		}
	})
	return p.err
}

func rows(_ *run, _ *graph.Node, in, out []Value) error {
	table, index := in[0], in[1]
	p := picker{size: table.Type.Dims[0]}
	rank := len(index.Type.Dims)
	out[0].each(func(i, t, e int, d []int) {
		k := p.index(index.at(t, e, d[:rank]))
		out[0].Data[i] = table.at(0, 0, append([]int{k}, d[rank:]...))
	})
	return p.err
}

func scatterAdd(_ *run, n *graph.Node, in, out []Value) error {
	index, y := in[0], in[1]
	p := picker{size: n.Int("size")}
	rank := len(index.Type.Dims)
	y.each(func(i, t, e int, d []int) {
		k := p.index(index.at(t, e, d[:rank]))
		out[0].Data[out[0].offset(0, 0, append([]int{k}, d[rank:]...))] += y.Data[i]
	})
	return p.err
}

// weightPlace is the place of (row, column) in a matrix that may be held transposed.
func weightPlace(n *graph.Node, row, column int) []int {
	if n.Flag("transpose") {
		return []int{column, row}
	}
	return []int{row, column}
}

func matmul(_ *run, n *graph.Node, in, out []Value) error {
	a, b := in[0], in[1]
	last := len(a.Type.Dims) - 1
	out[0].each(func(i, t, e int, d []int) {
		for k := range a.Type.Dims[last] {
			out[0].Data[i] += a.at(t, e, append(slices.Clone(d[:last]), k)) * b.at(t, e, weightPlace(n, k, d[last]))
		}
	})
	return nil
}

func matmulWeight(_ *run, n *graph.Node, in, out []Value) error {
	a, dy := in[0], in[1]
	last := len(a.Type.Dims) - 1
	a.each(func(i, t, e int, d []int) {
		for j := range dy.Type.Dims[last] {
			o := out[0].offset(0, 0, weightPlace(n, d[last], j))
			out[0].Data[o] += a.Data[i] * dy.at(t, e, append(slices.Clone(d[:last]), j))
		}
	})
	return nil
}

// conv visits every product x[ci, y*stride+ky-pad, x*stride+kx-pad] * w[co, ci, ky, kx] that a convolution adds to
// y[co, y, x], and adds up the one of the three that the operator asks for.
func conv(_ *run, n *graph.Node, in, out []Value) error {
	var x, w, y Value
	switch n.Op {
	case graph.OpConv:
		x, w, y = in[0], in[1], out[0]
	case graph.OpConvInput:
		y, w, x = in[0], in[1], out[0]
	default:
		x, y, w = in[0], in[1], out[0]
	}
	stride, pad, kernel := n.Int("stride"), n.Int("pad"), w.Type.Dims[2]
	y.each(func(yo, t, e int, d []int) {
		for ci := range x.Type.Dims[0] {
			for ky := range kernel {
				for kx := range kernel {
					row, col := d[1]*stride+ky-pad, d[2]*stride+kx-pad
					if row < 0 || col < 0 || row >= x.Type.Dims[1] || col >= x.Type.Dims[2] {
						continue
					}
					xo, wo := x.offset(t, e, []int{ci, row, col}), w.offset(0, 0, []int{d[0], ci, ky, kx})
					switch n.Op {
					case graph.OpConv:
						y.Data[yo] += x.Data[xo] * w.Data[wo]
					case graph.OpConvInput:
						x.Data[xo] += y.Data[yo] * w.Data[wo]
					default:
						w.Data[wo] += x.Data[xo] * y.Data[yo]
					}
				}
			}
		}
	})
	return nil
}

// maxPool takes the first greatest element of each window, or hands a gradient back to it.
func maxPool(r *run, n *graph.Node, in, out []Value) error {
	x, y := in[0], out[0]
	if n.Op == graph.OpMaxPoolGrad {
		y = in[1]
	}
	kernel, stride := n.Int("kernel"), n.Int("stride")
	y.each(func(i, t, e int, d []int) {
		best := -1
		for ky := range kernel {
			for kx := range kernel {
				if o := x.offset(t, e, []int{d[0], d[1]*stride + ky, d[2]*stride + kx}); best < 0 || x.Data[o] > x.Data[best] {
					best = o
				}
			}
		}
		best = int(r.frozen(place{element: i}, float64(best)))
		if n.Op == graph.OpMaxPool {
			y.Data[i] = x.Data[best]
		} else {
			out[0].Data[best] += y.Data[i]
		}
	})
	return nil
}

// normalise is batch normalisation without its scale and shift (Ioffe & Szegedy 2015): the variance is the biased one.
func normalise(_ *run, n *graph.Node, in, out []Value) error {
	x, y, mean, variance := in[0], out[0], out[1], out[2]
	axes, eps := n.Axes(), n.Real("epsilon")
	m := float64(elements(x, axes))
	x.each(func(i, t, e int, d []int) { mean.Data[mean.offset(rest(axes, t, e, d))] += x.Data[i] / m })
	x.each(func(i, t, e int, d []int) {
		o := mean.offset(rest(axes, t, e, d))
		variance.Data[o] += (x.Data[i] - mean.Data[o]) * (x.Data[i] - mean.Data[o]) / m
	})
	x.each(func(i, t, e int, d []int) {
		o := mean.offset(rest(axes, t, e, d))
		y.Data[i] = (x.Data[i] - mean.Data[o]) / math.Sqrt(variance.Data[o]+eps)
	})
	return nil
}

// normaliseGradient is dx = (dy - mean(dy) - y mean(dy y)) / sqrt(variance + epsilon) (Ioffe & Szegedy 2015).
func normaliseGradient(_ *run, n *graph.Node, in, out []Value) error {
	dy, y, variance := in[0], in[1], in[2]
	axes, eps := n.Axes(), n.Real("epsilon")
	m := float64(elements(y, axes))
	mean, along := make([]float64, len(variance.Data)), make([]float64, len(variance.Data))
	y.each(func(i, t, e int, d []int) {
		o := variance.offset(rest(axes, t, e, d))
		mean[o] += dy.Data[i] / m
		along[o] += dy.Data[i] * y.Data[i] / m
	})
	y.each(func(i, t, e int, d []int) {
		o := variance.offset(rest(axes, t, e, d))
		out[0].Data[i] = (dy.Data[i] - mean[o] - y.Data[i]*along[o]) / math.Sqrt(variance.Data[o]+eps)
	})
	return nil
}
