package plan

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// Shape is how the elements of one row (one example at one time step) of a loop lie in a row of a value.
type Shape uint8

// The shapes, from the cheapest to the most general.
const (
	Same   Shape = iota // element i is element i
	Single              // every element is element 0
	Period              // element i is element i mod P: a value per channel, channels last
	Block               // element i is element i / P: a value per channel, channels first
	Table               // element i is element Index[i]
)

// Map says where the elements of a row lie in a row of a value.
type Map struct {
	Shape Shape
	P     int
	Index []int32
}

// rowMajor returns the strides of the logical order.
func rowMajor(dims []int) []int { return tensor.Strides(graph.Type{Dims: dims}) }

// broadcast returns, for each element of a row of type to in memory order, the logical index of the element of from that
// meets it: the rule of graph.Broadcast for dims.
func broadcast(to graph.Type, from []int) []int32 {
	index := make([]int32, to.Size())
	strides := rowMajor(from)
	tensor.Walk(to, func(i int, d []int) {
		o := 0
		for k, n := range from {
			if n > 1 {
				o += d[k] * strides[k]
			}
		}
		index[i] = int32(o)
	})
	return index
}

// compose returns index with each entry looked up in next; a nil next changes nothing.
func compose(index, next []int32) []int32 {
	if next == nil {
		return index
	}
	out := make([]int32, len(index))
	for i, k := range index {
		out[i] = next[k]
	}
	return out
}

// mapOf finds the cheapest shape of a table that points into a row of the given size.
func mapOf(index []int32, size int) Map {
	single, same := true, len(index) == size
	for i, k := range index {
		single = single && k == 0
		same = same && int(k) == i
	}
	switch {
	case same:
		return Map{Shape: Same, P: size}
	case single:
		return Map{Shape: Single}
	}
	if size > 0 && len(index)%size == 0 {
		period, block, q := true, true, len(index)/size
		for i, k := range index {
			period = period && int(k) == i%size
			block = block && int(k) == i/q
		}
		if period {
			return Map{Shape: Period, P: size}
		}
		if block {
			return Map{Shape: Block, P: q}
		}
	}
	return Map{Shape: Table, Index: index}
}

// viewed returns, for each logical index of the result of a view node, the logical index in its input. Views are reshape,
// transpose, repeat (of an axis that is not there, or of a dim) and slice of a dim: they compute nothing.
func viewed(n *graph.Node) []int32 {
	from, to := n.In[0].Type(), n.Out[0]
	flat := graph.Type{Dims: to.Dims}
	strides := rowMajor(from.Dims)
	index := make([]int32, to.Size())
	switch n.Op {
	case graph.OpTranspose:
		axes := n.Axes()
		tensor.Walk(flat, func(i int, d []int) {
			o := 0
			for k, a := range axes {
				o += d[k] * strides[a]
			}
			index[i] = int32(o)
		})
	case graph.OpSlice, graph.OpRepeat:
		axis := int(n.Axis())
		if axis < 0 {
			return nil
		}
		start, count := 0, 1
		if n.Op == graph.OpSlice {
			start = n.Int("start")
		} else {
			count = n.Int("count")
		}
		tensor.Walk(flat, func(i int, d []int) {
			o := 0
			for k, c := range d {
				if k == axis {
					c = (c + start) / count
				}
				o += c * strides[k]
			}
			index[i] = int32(o)
		})
	default:
		return nil // reshape keeps the logical order
	}
	return index
}

// Run is a stretch of elements that are neighbours in the result's row, and Stride apart in the other, where 1 makes them neighbours
// too.
type Run struct{ To, From, Length, Stride int32 }

// nest says where the elements of a row lie in another: loops in each other, the outermost first, of so many turns whose elements are
// so far apart. It takes no memory to speak of, where a table has a number for each element of a network's weights.
type nest struct {
	start          int
	turns, strides []int
}

// loop puts a loop inside the others, as one with the innermost where that goes on like it.
func (x *nest) loop(turns, stride int) {
	switch k := len(x.turns) - 1; {
	case turns == 1:
	case k >= 0 && x.strides[k] == turns*stride:
		x.turns[k] *= turns
		x.strides[k] = stride
	default:
		x.turns, x.strides = append(x.turns, turns), append(x.strides, stride)
	}
}

// inMemory returns the dims of a row of type t from the outermost in memory to the innermost.
func inMemory(t graph.Type) []int {
	var order []int
	for k := range t.Dims {
		order = append(order, k)
	}
	if tensor.ChannelsLast(t) {
		order = append(order[1:], 0)
	}
	return order
}

// nestOf returns where the elements of a row of a view lie in a row of its input, both in the order of memory; not ok for a reshape
// between layouts.
func nestOf(n *graph.Node) (x nest, ok bool) {
	from, to := n.In[0].Type(), n.Out[0]
	if n.Op == graph.OpReshape {
		x.loop(to.Size(), 1)
		return x, tensor.Order(from) == nil && tensor.Order(to) == nil
	}
	strides := tensor.Strides(from)
	for _, k := range inMemory(to) {
		switch {
		case n.Op == graph.OpTranspose:
			x.loop(to.Dims[k], strides[n.Axes()[k]])
		case n.Op == graph.OpRepeat && int(n.Axis()) == k:
			x.loop(from.Dims[k], strides[k])
			x.loop(n.Int("count"), 0)
		default:
			x.loop(to.Dims[k], strides[k])
			if n.Op == graph.OpSlice && int(n.Axis()) == k {
				x.start += n.Int("start") * strides[k]
			}
		}
	}
	return x, true
}

// same reports whether each of size elements lies in its own place.
func (x *nest) same(size int) bool {
	return x.start == 0 && (size == 1 && len(x.turns) == 0 || len(x.turns) == 1 && x.turns[0] == size && x.strides[0] == 1)
}

// each calls f for stretches of elements that lie side by side on the one hand, where `to` counts, and stride apart on the other.
func (x *nest) each(f func(to, from, length, stride int)) {
	depth, length, stride := len(x.turns)-1, 1, 1
	if depth >= 0 {
		length, stride = x.turns[depth], x.strides[depth]
	}
	at := make([]int, max(depth, 0))
	for to, from := 0, x.start; ; to += length {
		f(to, from, length, stride)
		k := depth - 1
		for ; k >= 0; k-- {
			from += x.strides[k]
			if at[k]++; at[k] < x.turns[k] {
				break
			}
			from -= at[k] * x.strides[k]
			at[k] = 0
		}
		if k < 0 {
			return
		}
	}
}

// long is from how many neighbours on a run is better than a table of elements.
const long = 4

// nested says in p that elements are copied from where x says; into says that they are copied to there instead.
func (p Part) nested(x nest, into bool) Part {
	size, run := 1, 1
	for _, run = range x.turns {
		size *= run
	}
	if k := len(x.turns) - 1; k < 0 || x.strides[k] == 1 && run >= long {
		p.Runs = make([]Run, 0, size/run)
		x.each(func(to, from, length, _ int) {
			if into {
				to, from = from, to
			}
			p.Runs = append(p.Runs, Run{int32(to), int32(from), int32(length), 1})
		})
		return p
	}
	index := make([]int32, size)
	x.each(func(to, from, length, stride int) {
		for i := range length {
			index[to+i] = int32(from + i*stride)
		}
	})
	if into {
		whole := make([]int32, size)
		for i := range whole {
			whole[i] = int32(i)
		}
		return p.elements(whole, index)
	}
	return p.elements(index, nil)
}

// elements says in p which elements are copied: element index[i] goes to element to[i] of the result's row (to i where to
// is nil), as runs of neighbours where they are long.
func (p Part) elements(index, to []int32) Part {
	place := func(i int) int {
		if to != nil {
			return int(to[i])
		}
		return i
	}
	follows := func(i int) bool {
		return i > 0 && index[i] == index[i-1]+1 && place(i) == place(i-1)+1
	}
	count := 0
	for i := range index {
		if !follows(i) {
			count++
		}
	}
	if count*long > len(index) {
		p.Elements, p.To = index, to
		return p
	}
	p.Runs = make([]Run, 0, count)
	for i, k := range index {
		if follows(i) {
			p.Runs[len(p.Runs)-1].Length++
			continue
		}
		p.Runs = append(p.Runs, Run{int32(place(i)), k, 1, 1})
	}
	return p
}
