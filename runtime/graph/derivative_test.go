package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// batch is the number of examples in these tests.
const batch = 2

// epsilon is the rounding of float64.
const epsilon = 0x1p-52

// formula builds one value from inputs; it is called anew for each graph.
type formula func(b *graph.Builder, in []graph.Value) graph.Value

// problem is a formula with the types and values of its inputs. Inputs of real numbers and bits are differentiated.
type problem struct {
	name   string
	types  []graph.Type
	values []interp.Value
	f      formula
}

// random fills a value of type t with numbers of low..high; bits are coins, ints lie in 0..high-1.
func random(r *rand.Rand, t graph.Type, low, high float64) interp.Value {
	v := interp.NewValue(t, batch)
	for i := range v.Data {
		switch t.DType {
		case graph.Bit:
			v.Data[i] = float64(r.IntN(2))
		case graph.I32:
			v.Data[i] = float64(r.IntN(int(high)))
		default:
			v.Data[i] = low + (high-low)*r.Float64()
		}
	}
	return v
}

// inputs returns named inputs for the types.
func inputs(b *graph.Builder, types []graph.Type) []graph.Value {
	in := make([]graph.Value, len(types))
	for i, t := range types {
		in[i] = b.Input(fmt.Sprint("x", i), t)
	}
	return in
}

func names(values []interp.Value) map[string]interp.Value {
	m := map[string]interp.Value{}
	for i, v := range values {
		m[fmt.Sprint("x", i)] = v
	}
	return m
}

// total is the sum of all elements, as a real number.
func total(b *graph.Builder, y graph.Value) graph.Value {
	return b.Reduce("sum", b.Scale(y, 1), graph.AllAxes(y.Type())...)
}

// weighting is a way in which the result of a formula becomes a loss: the sum of its elements times weights of some type.
// Each makes a gradient that broadcasts in its own way, or not at all.
type weighting struct {
	name  string
	shape func(t graph.Type) graph.Type
}

var (
	full     = weighting{"full", func(t graph.Type) graph.Type { return t.With(graph.F32) }}
	everyWay = []weighting{full,
		{"plain", func(graph.Type) graph.Type { return graph.Scalar() }},
		{"channel", func(t graph.Type) graph.Type { return graph.Type{Dims: t.Dims[:min(1, len(t.Dims))]} }},
		{"example", func(t graph.Type) graph.Type { return graph.Type{Batch: t.Batch, Steps: t.Steps} }},
		{"last", func(t graph.Type) graph.Type { return graph.Type{Dims: onlyLast(t.Dims)} }},
	}
)

// onlyLast keeps the last of the dims and makes the others 1.
func onlyLast(dims []int) []int {
	out := make([]int, len(dims))
	for i := range out {
		if out[i] = 1; i == len(dims)-1 {
			out[i] = dims[i]
		}
	}
	return out
}

func finish(t *testing.T, b *graph.Builder) *graph.Graph {
	t.Helper()
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Verify(nil); err != nil {
		t.Fatal(err)
	}
	return g
}

// noise is a hash of where a random number is drawn (splitmix64); it is the same in every run.
func noise(label string, normal bool, index, element uint64) float64 {
	h := index*0x9e3779b97f4a7c15 + element*0xbf58476d1ce4e5b9 + uint64(len(label))
	for range 3 {
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
	}
	u := float64(h>>11) / (1 << 53)
	if normal {
		return 2*u - 1
	}
	return u
}

func runGraph(t *testing.T, g *graph.Graph, values map[string]interp.Value, base *interp.Base) map[string]interp.Value {
	t.Helper()
	res, err := interp.Run(g, &interp.Env{N: batch, Inputs: values, Base: base, Random: noise})
	if err != nil {
		t.Fatalf("%v\n%v", err, g)
	}
	return res.Outputs
}

// checkGradient compares graph.Gradient with differences of the interpreter, for the formula under the weightings.
// second also checks the derivative of a weighted sum of the gradients.
func (p problem) checkGradient(t *testing.T, r *rand.Rand, second bool, ways ...weighting) {
	t.Helper()
	for _, way := range ways {
		b := graph.NewBuilder("shape", nil)
		y := p.f(b, inputs(b, p.types))
		if b.Err() != nil {
			t.Fatalf("%s: %v", p.name, b.Err())
		}
		q := p
		q.name = p.name + "/" + way.name
		wt := way.shape(y.Type())
		q.types = append(append([]graph.Type{}, p.types...), wt)
		q.values = append(append([]interp.Value{}, p.values...), random(r, wt, 0.5, 1.5))
		q.f = func(b *graph.Builder, in []graph.Value) graph.Value {
			y := p.f(b, in[:len(p.types)])
			if way.name == "plain" {
				return b.Add(total(b, y), in[len(p.types)]) // a gradient of 1 for all
			}
			return total(b, b.Mul(y, in[len(p.types)]))
		}
		q.checkLoss(t, r)
		if !second {
			continue
		}
		s := q
		s.name += "/second"
		first := len(q.types)
		for _, t := range p.types {
			s.types = append(s.types, t.With(graph.F32))
			s.values = append(s.values, random(r, t.With(graph.F32), -1, 1))
		}
		s.f = func(b *graph.Builder, in []graph.Value) graph.Value {
			loss := q.f(b, in[:first])
			sum := b.Const(0)
			for i, g := range graph.Gradient(b, loss, in[:len(p.types)]) {
				sum = b.Add(sum, total(b, b.Mul(g, in[first+i])))
			}
			return sum
		}
		s.checkLoss(t, r)
	}
}

// sampled is the number of elements of each input whose derivative is checked.
const sampled = 12

// checkLoss compares the gradient of a scalar formula with differences, at some elements of each input.
//
// D(h) = (f(x+h) - f(x-h)) / 2h is off by h^2/6 times the third derivative and by terms of order h^4; so D(2h) - D(h), which
// is h^2/2 times the third derivative, is more than the error of D(h).
// Each of the two values of f is a sum of some n + 8 terms, where n is the size of the input and m = 1 + |f| that of the
// terms; with 16 roundings a term D(h) is off by 16 epsilon m (n + 8) / h. The bound must itself be at most 1e-6 of the
// gradient's and the terms' size, or it would prove nothing.
func (p problem) checkLoss(t *testing.T, r *rand.Rand) {
	t.Helper()
	b := graph.NewBuilder("loss", nil)
	b.Output("loss", p.f(b, inputs(b, p.types)))
	f := finish(t, b)

	b = graph.NewBuilder("gradient", nil)
	in := inputs(b, p.types)
	loss := p.f(b, in)
	var wanted []graph.Value
	var which []int
	for i, v := range in {
		if p.types[i].DType != graph.I32 {
			wanted = append(wanted, v)
			which = append(which, i)
		}
	}
	for i, g := range graph.Gradient(b, loss, wanted) {
		if !g.Type().Equal(wanted[i].Type().With(graph.F32)) && b.Err() == nil {
			t.Fatalf("%s: the gradient by %v is %v", p.name, wanted[i].Type(), g.Type())
		}
		b.Output(fmt.Sprint("g", i), g)
	}
	grads := runGraph(t, finish(t, b), names(p.values), nil)

	base := &interp.Base{Record: true}
	m := math.Abs(runGraph(t, f, names(p.values), base)["loss"].Data[0]) + 1
	base.Record = false
	at := func() float64 { return runGraph(t, f, names(p.values), base)["loss"].Data[0] }
	const h = 1e-4
	for i, k := range which {
		g := grads[fmt.Sprint("g", i)]
		all := r.Perm(len(p.values[k].Data))
		for _, j := range all[:min(sampled, len(all))] {
			x := p.values[k].Data[j]
			difference := func(h float64) float64 {
				p.values[k].Data[j] = x + h
				up := at()
				p.values[k].Data[j] = x - h
				down := at()
				p.values[k].Data[j] = x
				return (up - down) / (2 * h)
			}
			d, twice := difference(h), difference(2*h)
			bound := math.Abs(twice-d) + 16*epsilon*m*float64(len(p.values[k].Data)+8)/h
			if limit := 1e-6 * (1 + math.Abs(d)) * math.Max(1, m); bound > limit {
				t.Fatalf("%s: the differences are too rough: %g > %g", p.name, bound, limit)
			}
			if got := g.Data[j]; !(math.Abs(got-d) <= bound) {
				t.Fatalf("%s: derivative by element %d of input %d: %v, differences %v ± %.1g\n%v", p.name, j, k, got, d, bound, f)
			}
		}
	}
}
