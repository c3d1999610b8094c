package train

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// parameters is a step that moves tensors of the given sizes.
func parameters(o Optimizer, accumulate bool, sizes ...int) *step {
	st := &step{opt: o}
	s := rng.New(1, "parameters", 0)
	for i, n := range sizes {
		vector := func(kind int) *tensor.Tensor {
			t := tensor.New(graph.Type{Dims: []int{n}}, 1)
			for k := range t.F32 {
				t.F32[k] = s.Uniform(uint64(kind*len(sizes)+i), uint64(k)) - 0.5*float32(1-kind/2)
			}
			return t
		}
		x := moved{name: fmt.Sprint("p", i), weights: vector(0), gradient: vector(1), matrix: true}
		for k := range o.slots() {
			x.moments[k] = vector(2 + k) // not negative, as squares are
		}
		if accumulate {
			x.sum = tensor.New(x.weights.Type, 1)
		}
		st.moved = append(st.moved, x)
	}
	st.prepare()
	return st
}

// However a model's parameters are cut into spans, and whoever does these, all of them move as one does, and the length of
// the gradient is the same to the bit.
func TestSpans(t *testing.T) {
	sizes := []int{1, spanSize - 1, spanSize, spanSize + 1, 3*spanSize + 7}
	by := moving{rate: 0.01, scale: 0.5, update: 3}
	for _, o := range []Optimizer{adam(0.01), {Kind: "sgd", Rate: 0.01}, {Kind: "sgd", Rate: 0.01, Momentum: 0.9}, {Kind: "rmsprop", Rate: 0.01, Alpha: 0.9, Epsilon: 1e-8, Clamp: 0.4}} {
		for _, accumulate := range []bool{false, true} {
			var first []float64
			for _, threads := range []int{1, 2, 7} {
				st, whole := parameters(o, accumulate, sizes...), parameters(o, false, sizes...)
				pool := exec.NewPool(threads)
				st.moving = moving{rate: by.rate, scale: by.scale}
				for i := range st.moved {
					st.moved[i].update = by.update
				}
				st.gather.do(pool)
				st.move.do(pool)
				pool.Close()
				exact := 0.0
				for i, x := range st.moved {
					y := whole.moved[i]
					for _, g := range y.gradient.F32 {
						exact += float64(g) * float64(g)
					}
					var moments [2][]float32
					for k := range o.slots() {
						moments[k] = y.moments[k].F32
					}
					o.move(y.weights.F32, y.gradient.F32, moments, by)
					if !slices.Equal(x.weights.F32, y.weights.F32) {
						t.Errorf("%s on %d threads: parameter %d moves in another way", o.Kind, threads, i)
					}
					for k := range o.slots() {
						if !slices.Equal(x.moments[k].F32, y.moments[k].F32) {
							t.Errorf("%s on %d threads: moment %d of parameter %d is another", o.Kind, threads, k, i)
						}
					}
					if accumulate && slices.ContainsFunc(x.sum.F32, func(v float32) bool { return v != 0 }) {
						t.Errorf("%s: the sum of parameter %d is not cleared", o.Kind, i)
					}
				}
				sum := 0.0
				for _, v := range st.squares {
					sum += v
				}
				if math.Abs(sum-exact) > 1e-11*exact { // fewer than 1e5 roundings of 2^-53
					t.Errorf("the squares add up to %v, want %v", sum, exact)
				}
				if first == nil {
					first = slices.Clone(st.squares)
				}
				if !slices.Equal(st.squares, first) {
					t.Errorf("%d threads give other squares", threads)
				}
				if st.bad.Load() {
					t.Error("numbers are taken for none")
				}
			}
		}
	}
	st := parameters(adam(0.01), false, spanSize+5)
	st.moved[0].weights.F32[spanSize+2] = float32(math.NaN())
	st.moving = by
	st.move.do(pool)
	if !st.bad.Load() {
		t.Error("a parameter that is no number is not noticed")
	}
}

// BenchmarkMove is what an update does to each of 2.5 million parameters: keep it, square its gradient, move it.
func BenchmarkMove(b *testing.B) {
	for _, o := range []Optimizer{{Kind: "sgd", Rate: 1e-3}, adam(1e-3)} {
		b.Run(o.Kind, func(b *testing.B) {
			const n = 2_500_000
			st := parameters(o, false, n)
			pool := exec.NewPool(runtime.GOMAXPROCS(0))
			defer pool.Close()
			tr := &Trainer{Model: &Model{pool: pool}}
			for _, x := range append([]*tensor.Tensor{st.moved[0].weights}, st.moved[0].moments[:len(o.slots())]...) {
				tr.before = append(tr.before, kept{x, x.Clone()})
			}
			tr.keepAll()
			st.moving = moving{rate: 1e-9, scale: 1, update: 1000}
			for b.Loop() {
				tr.keep.do(pool)
				st.gather.do(pool)
				st.move.do(pool)
			}
			b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
		})
	}
}

// Scales and offsets stay as they are where weights are clamped.
func TestClampLeavesScales(t *testing.T) {
	o := Optimizer{Kind: "sgd", Rate: 1, Clamp: 0.1}
	st := &step{opt: o, moving: moving{rate: 1, scale: 1}}
	for _, matrix := range []bool{true, false} {
		of := graph.Type{Dims: []int{1, 2}}
		x := moved{weights: tensor.New(of, 1), gradient: tensor.New(of, 1), matrix: matrix}
		copy(x.weights.F32, []float32{0.5, -0.5})
		st.moved = append(st.moved, x)
	}
	st.prepare()
	pool := exec.NewPool(1)
	defer pool.Close()
	st.move.do(pool)
	if w := st.moved[0].weights.F32; w[0] != 0.1 || w[1] != -0.1 {
		t.Errorf("a matrix is clamped to %v, want 0.1 and -0.1", w)
	}
	if w := st.moved[1].weights.F32; w[0] != 0.5 || w[1] != -0.5 {
		t.Errorf("a scale is clamped to %v, want 0.5 and -0.5", w)
	}
}

// A parameter with a range stays in it; one that is no number is left to be found.
func TestRangeHolds(t *testing.T) {
	st := &step{opt: Optimizer{Kind: "sgd", Rate: 1}, moving: moving{rate: 1, scale: 1}}
	of := graph.Type{Dims: []int{4}}
	x := moved{weights: tensor.New(of, 1), gradient: tensor.New(of, 1), held: graph.Range{Low: -1, High: 0.5}}
	copy(x.weights.F32, []float32{0.25, 0.25, 0.25, 0.25})
	copy(x.gradient.F32, []float32{2, -2, 0.5, float32(math.NaN())})
	st.moved = append(st.moved, x)
	st.prepare()
	pool := exec.NewPool(1)
	defer pool.Close()
	st.move.do(pool)
	if w := x.weights.F32; w[0] != -1 || w[1] != 0.5 || w[2] != -0.25 || w[3] == w[3] || !st.bad.Load() {
		t.Errorf("moved to %v, want -1, 0.5, -0.25 and NaN; found bad: %v", w, st.bad.Load())
	}
}

// What is clamped are kernels, matrices and tables, whatever their shape is made to; not the scales and offsets of a norm over a map
// or the parameters of single neurons, which have dims too.
func TestMatrices(t *testing.T) {
	s := fromSpec(t, "clamped")
	m := s.model(t, 1)
	plans, err := Plans(m.Linker, s.p.Stages[0], 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	found, dims := matrices(plans[0].Graph), 0
	for _, v := range m.Linker.Variables() {
		product := len(v.Type.Dims)%2 == 0 // what lies over a map has three dims, what is by channel one
		if found[v.Name] != product {
			t.Errorf("%s %v: taken for a matrix: %v", v.Name, v.Type.Dims, found[v.Name])
		}
		if !product && len(v.Type.Dims) > 1 {
			dims++
		}
	}
	if dims != 3 {
		t.Errorf("%d variables that are no matrix have dims, want 3: scale and offset of a norm and a time constant", dims)
	}
}
