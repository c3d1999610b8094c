package tensor

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/graph"
)

// Rows returns how many rows, one per time step and example, a value has in a batch of n: T * N.
func Rows(t graph.Type, n int) int {
	rows := max(t.Steps, 1)
	if t.Batch {
		rows *= n
	}
	return rows
}

// Words returns how many words a row of so many bits takes.
func Words(size int) int { return (size + 63) / 64 }

// Elements returns how many elements a value takes in a batch of n, words for bits.
func Elements(t graph.Type, n int) int {
	if t.DType == graph.Bit {
		return Rows(t, n) * Words(t.Size())
	}
	return Rows(t, n) * t.Size()
}

// Bytes returns the memory that a value takes in a batch of n.
func Bytes(t graph.Type, n int) int {
	if t.DType == graph.Bit {
		return 8 * Elements(t, n)
	}
	return 4 * Elements(t, n)
}

// ChannelsLast reports whether the first dim is the innermost in memory.
func ChannelsLast(t graph.Type) bool { return (t.Steps > 0 || t.Batch) && len(t.Dims) >= 3 }

// Memory returns the dims of one row from the outermost to the innermost in memory.
func Memory(t graph.Type) []int {
	if !ChannelsLast(t) {
		return slices.Clone(t.Dims)
	}
	return append(slices.Clone(t.Dims[1:]), t.Dims[0])
}

// Strides returns how far apart in memory the neighbours along each dim are, within one row.
func Strides(t graph.Type) []int {
	s := make([]int, len(t.Dims))
	step, first := 1, 0
	if ChannelsLast(t) {
		s[0] = 1
		step, first = t.Dims[0], 1
	}
	for i := len(t.Dims) - 1; i >= first; i-- {
		s[i] = step
		step *= t.Dims[i]
	}
	return s
}

// Walk calls f for every element of a row in the order of memory, with its coordinates.
func Walk(t graph.Type, f func(i int, d []int)) {
	d := make([]int, len(t.Dims))
	order := make([]int, 0, len(t.Dims)) // dims from the innermost in memory to the outermost
	first := 0
	if ChannelsLast(t) {
		order, first = append(order, 0), 1
	}
	for k := len(t.Dims) - 1; k >= first; k-- {
		order = append(order, k)
	}
	for i := range t.Size() {
		f(i, d)
		for _, k := range order {
			if d[k]++; d[k] < t.Dims[k] {
				break
			}
			d[k] = 0
		}
	}
}

// Order returns, for each place in memory of one row, the logical index of its element; nil where they are the same.
func Order(t graph.Type) []int {
	if !ChannelsLast(t) || t.Dims[0] == 1 {
		return nil
	}
	channels, space := t.Dims[0], t.Size()/t.Dims[0]
	if space == 1 {
		return nil
	}
	order := make([]int, channels*space)
	for s := range space {
		for c := range channels {
			order[s*channels+c] = c*space + s
		}
	}
	return order
}

// Places returns where in memory each logical index of one row lies, the inverse of Order; nil where they are the same.
func Places(t graph.Type) []int32 {
	order := Order(t)
	if order == nil {
		return nil
	}
	p := make([]int32, len(order))
	for at, logical := range order {
		p[logical] = int32(at)
	}
	return p
}

// Dropped returns, for each element of a row of type from in memory order, where it goes in a row of type to when the dims
// among axes vanish.
func Dropped(from, to graph.Type, axes graph.Axes) []int32 {
	strides := Strides(to)
	index := make([]int32, from.Size())
	Walk(from, func(i int, d []int) {
		o, left := 0, 0
		for k, c := range d {
			if axes.Has(graph.Axis(k)) {
				continue
			}
			o += c * strides[left]
			left++
		}
		index[i] = int32(o)
	})
	return index
}

// Layout says in words how a value lies in memory: its element type, then its axes from the outermost to the innermost, as
// `f32 [T4][N][7][7][16]`; spikes are `[]uint64 [T4][N][128] bits`.
func Layout(t graph.Type) string {
	var b strings.Builder
	switch t.DType {
	case graph.Bit:
		b.WriteString("[]uint64 ")
	default:
		b.WriteString(t.DType.String() + " ")
	}
	if t.Steps > 0 {
		fmt.Fprintf(&b, "[T%d]", t.Steps)
	}
	if t.Batch {
		b.WriteString("[N]")
	}
	for _, d := range Memory(t) {
		fmt.Fprintf(&b, "[%d]", d)
	}
	if t.DType == graph.Bit {
		b.WriteString(" bits")
	}
	return strings.TrimSuffix(b.String(), " ")
}
