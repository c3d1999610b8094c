package tensor_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// types are all kinds of values.
func types() *rapid.Generator[graph.Type] {
	return rapid.Custom(func(t *rapid.T) graph.Type {
		return graph.Type{DType: rapid.SampledFrom([]graph.DType{graph.F32, graph.Bit, graph.I32}).Draw(t, "element"), Steps: rapid.IntRange(0, 3).Draw(t, "steps"),
			Batch: rapid.Bool().Draw(t, "batch"), Dims: rapid.SliceOfN(rapid.IntRange(1, 6), 0, 4).Draw(t, "dims")}
	})
}

// numbers are elements of a type in a batch of n.
func numbers(t *rapid.T, ty graph.Type, n int) []float64 {
	data := make([]float64, tensor.Rows(ty, n)*ty.Size())
	for i := range data {
		most := 1
		if ty.DType != graph.Bit {
			most = 100
		}
		data[i] = float64(rapid.IntRange(0, most).Draw(t, "element"))
	}
	return data
}

// offset is where the element of step t, example n and coordinates d lies in memory, as the package documents it: whole rows
// of the dims, channels last where there is a time or batch axis and three or more of them.
func offset(ty graph.Type, batch, t, n int, d []int) (row, at int) {
	dims := slices.Clone(ty.Dims)
	if (ty.Steps > 0 || ty.Batch) && len(dims) >= 3 {
		dims, d = append(dims[1:], dims[0]), append(slices.Clone(d[1:]), d[0])
	}
	for k := range dims {
		at = at*dims[k] + d[k]
	}
	if !ty.Batch {
		return t, at
	}
	return t*batch + n, at
}

// TestLayout: FromLogical puts every element where the layout says and sets no bit past the end of a row, Logical brings it
// back; Strides, Walk, Order and Places say the same.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ty, n := types().Draw(t, "type"), rapid.IntRange(1, 3).Draw(t, "batch")
		data := numbers(t, ty, n)
		x := tensor.FromLogical(ty, n, data)
		if got := x.Logical(); !slices.Equal(got, data) {
			t.Fatalf("%v, want %v", got, data)
		}
		if len(x.F32)+len(x.Bits)+len(x.I32) != tensor.Elements(ty, n) || 4*len(x.F32)+8*len(x.Bits)+4*len(x.I32) != tensor.Bytes(ty, n) {
			t.Fatalf("%d elements in %d bytes", tensor.Elements(ty, n), tensor.Bytes(ty, n))
		}
		examples := 1
		if ty.Batch {
			examples = n
		}
		size, words, set := ty.Size(), tensor.Words(ty.Size()), 0
		order, places, strides := tensor.Order(ty), tensor.Places(ty), tensor.Strides(ty)
		tensor.Walk(ty, func(i int, d []int) {
			logical, place := 0, 0
			for k, c := range d {
				logical = logical*ty.Dims[k] + c
				place += c * strides[k]
			}
			if place != i || order != nil && order[i] != logical || order == nil && i != logical || places != nil && int(places[logical]) != i || places == nil && order != nil {
				t.Fatalf("element %v: walked to at %d, strides say %d, logical index %d", d, i, place, logical)
			}
			for s := range max(ty.Steps, 1) {
				for e := range examples {
					row, at := offset(ty, n, s, e, d)
					want := data[(s*examples+e)*size+logical]
					var got float64
					switch ty.DType {
					case graph.Bit:
						got = float64(x.Bits[row*words+at/64] >> (at % 64) & 1)
						set += int(got)
					case graph.I32:
						got = float64(x.I32[row*size+at])
					default:
						got = float64(x.F32[row*size+at])
					}
					if got != want {
						t.Fatalf("step %d, example %d, element %v: %v, want %v", s, e, d, got, want)
					}
				}
			}
		})
		all := 0
		for _, w := range x.Bits {
			for ; w != 0; w &= w - 1 {
				all++
			}
		}
		if all != set {
			t.Fatalf("%d bits are set, %d of them are elements", all, set)
		}
	})
}

// TestDropped: where the elements of a row go when dims vanish, against both layouts.
func TestDropped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := types().Draw(t, "type")
		var axes graph.Axes
		to := from.WithDims()
		for k, size := range from.Dims {
			if rapid.Bool().Draw(t, "drop") {
				axes = append(axes, graph.Axis(k))
			} else {
				to.Dims = append(to.Dims, size)
			}
		}
		got := tensor.Dropped(from, to, axes)
		tensor.Walk(from, func(i int, d []int) {
			var left []int
			for k, c := range d {
				if !axes.Has(graph.Axis(k)) {
					left = append(left, c)
				}
			}
			if _, want := offset(to, 1, 0, 0, left); int(got[i]) != want {
				t.Fatalf("element %v of %v goes to %d, want %d", d, from, got[i], want)
			}
		})
	})
}

// TestLayoutNames: how a layout is written.
func TestLayoutNames(t *testing.T) {
	for want, ty := range map[string]graph.Type{
		"f32":                            graph.Scalar(),
		"f32 [16][3][5][5]":              {Dims: []int{16, 3, 5, 5}},
		"f32 [T4][N][7][6][16]":          graph.Signal(4, 16, 7, 6),
		"f32 [T4][7][6][16]":             {Steps: 4, Dims: []int{16, 7, 6}},
		"i32 [N]":                        graph.Real().With(graph.I32),
		"f32 [N][16][7]":                 graph.Real(16, 7),
		"[]uint64 [T2][N][128] bits":     graph.Spikes(2, 128),
		"[]uint64 [T2][N][4][5][3] bits": graph.Spikes(2, 3, 4, 5),
	} {
		if got := tensor.Layout(ty); got != want {
			t.Errorf("%v: %q, want %q", ty, got, want)
		}
	}
}

// TestJoinTime: joined steps are those of the parts in turn, also where a part gains the time axis, and with it another
// layout, only here.
func TestJoinTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ty, n := types().Draw(t, "type"), rapid.IntRange(1, 3).Draw(t, "batch")
		var parts []*tensor.Tensor
		var want []float64
		steps := 0
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			part := ty.WithSteps(rapid.IntRange(0, 2).Draw(t, "steps of a part"))
			data := numbers(t, part, n)
			parts, want, steps = append(parts, tensor.FromLogical(part, n, data)), append(want, data...), steps+max(part.Steps, 1)
		}
		got := tensor.JoinTime(parts)
		if !got.Type.Equal(ty.WithSteps(steps)) || got.N != parts[0].N || !slices.Equal(got.Logical(), want) {
			t.Fatalf("%v of %d: %v, want %v", got.Type, got.N, got.Logical(), want)
		}
	})
}

// TestCopies: a clone and a copy hold the same and share no memory; a copy between values that differ is refused.
func TestCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ty := types().Draw(t, "type")
		data := numbers(t, ty, 2)
		x := tensor.FromLogical(ty, 2, data)
		clone, copied := x.Clone(), tensor.New(ty, 2)
		copied.CopyFrom(x)
		clear(x.F32)
		clear(x.Bits)
		clear(x.I32)
		if !slices.Equal(clone.Logical(), data) || !slices.Equal(copied.Logical(), data) {
			t.Fatalf("%v and %v, want %v", clone.Logical(), copied.Logical(), data)
		}
	})
	defer func() {
		if recover() == nil {
			t.Error("a vector is copied to a shorter one")
		}
	}()
	tensor.New(graph.Real(3), 2).CopyFrom(tensor.New(graph.Real(4), 2))
}
