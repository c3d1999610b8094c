package exec_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// world is what both the executor and the interpreter run a graph over.
type world struct {
	n         int
	inputs    map[string]interp.Value
	variables map[string]interp.Value
	averages  map[string]interp.Value
	seed      uint64
}

func (w *world) random(label string, normal bool, index, element uint64) float64 {
	s := rng.New(w.seed, label, 3)
	if normal {
		return s.Normal64(index, element)
	}
	return s.Uniform64(index, element)
}

func host(what string) float64 { return float64(len(what)) / 8 }

// failer is what tests and properties fail with.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// interpret runs g on the interpreter.
func (w *world) interpret(t failer, g *graph.Graph) *interp.Result {
	t.Helper()
	res, err := interp.Run(g, &interp.Env{N: w.n, Inputs: w.inputs, Variables: w.variables, Averages: w.averages, Random: w.random, Host: host, Opaque: &opaquetest.Any{}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// tensors holds values as the executor wants them.
func tensors(values map[string]interp.Value) map[string]*tensor.Tensor {
	out := map[string]*tensor.Tensor{}
	for name, v := range values {
		out[name] = tensor.FromLogical(v.Type, v.N, v.Data)
	}
	return out
}

// env returns the executor's view of the world, and its variables.
func (w *world) env() (*exec.Env, map[string]*tensor.Tensor) {
	variables, averages := tensors(w.variables), tensors(w.averages)
	e := &exec.Env{Inputs: tensors(w.inputs), Variables: func(name string) *tensor.Tensor { return variables[name] },
		Seed: w.seed, Iteration: 3, Host: host}
	if w.averages != nil {
		e.Averages = func(name string) *tensor.Tensor { return averages[name] }
	}
	return e, variables
}

// compiled returns g ready to run on some threads.
func compiled(t testing.TB, g *graph.Graph, n, threads int) *exec.Program {
	t.Helper()
	pool := exec.NewPool(threads)
	t.Cleanup(pool.Close)
	return compiledOn(t, pool, g, n)
}

// compiledOn returns g ready to run on a pool.
func compiledOn(t failer, pool *exec.Pool, g *graph.Graph, n int) *exec.Program {
	t.Helper()
	return compiledWithin(t, pool, g, n, 0)
}

// compiledWithin is compiledOn with a bound on the memory of the plan.
func compiledWithin(t failer, pool *exec.Pool, g *graph.Graph, n, bytes int) *exec.Program {
	t.Helper()
	p, err := plan.New(g, plan.Options{Batch: n, Memory: bytes})
	if err != nil {
		t.Fatal(err)
	}
	pool.Opaque = &opaquetest.Any{}
	x, err := exec.New(p, pool)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// same fails where the executor's results differ from the interpreter's by more than the tolerance: a share of the value,
// or of the greatest value of the result.
func (w *world) same(t testing.TB, g *graph.Graph, tolerance float64) {
	t.Helper()
	w.nearly(t, g, tolerance, 0)
}

// nearly is same where results that ought to vanish may be as great as the tolerance's share of floor.
func (w *world) nearly(t testing.TB, g *graph.Graph, tolerance, floor float64) {
	t.Helper()
	want := w.interpret(t, g)
	for _, threads := range []int{1, 3} {
		x := compiled(t, g, w.n, threads)
		env, variables := w.env()
		for range 2 { // what the first run leaves must not matter
			e, v := w.env()
			env, variables = e, v
			if err := x.Run(env); err != nil {
				t.Fatal(err)
			}
		}
		for _, o := range g.Outputs {
			close(t, o.Name, x.Output(o.Name).Logical(), want.Outputs[o.Name].Data, tolerance, floor)
		}
		for name, v := range want.Assigned {
			close(t, name, variables[name].Logical(), v.Data, tolerance, floor)
		}
	}
}

func close(t failer, name string, got, want []float64, tolerance, floor float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d elements, want %d", name, len(got), len(want))
	}
	most := floor
	for _, v := range want {
		if !math.IsInf(v, 0) {
			most = max(most, math.Abs(v))
		}
	}
	for i, v := range want {
		if got[i] == v || math.IsNaN(got[i]) && math.IsNaN(v) || math.Abs(got[i]-v) <= tolerance*max(math.Abs(v), most) {
			continue
		}
		t.Fatalf("%s[%d] = %v, want %v (tolerance %g of %g)", name, i, got[i], v, tolerance, most)
	}
}

// grid returns a value of multiples of 1/4 in [-2, 2], bits or small indices: sums and products of a few thousand of them
// are exact in single precision.
func grid(r *rand.Rand, t graph.Type, n, indices int) interp.Value {
	v := interp.NewValue(t, n)
	for i := range v.Data {
		switch t.DType {
		case graph.Bit:
			v.Data[i] = float64(r.IntN(4) / 3)
		case graph.I32:
			v.Data[i] = float64(r.IntN(indices))
		default:
			v.Data[i] = float64(r.IntN(17)-8) / 4
		}
	}
	return v
}

// one builds a graph of one node over inputs of the given types; all its results are outputs.
func one(t testing.TB, op graph.Op, e *graph.Equation, attrs graph.Attrs, in ...graph.Type) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder("f", nil)
	var args []graph.Value
	for i, ty := range in {
		args = append(args, b.Input(fmt.Sprint("x", i), ty))
	}
	for i, v := range b.Equation(op, e, attrs, args...) {
		b.Output(fmt.Sprint("y", i), v)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// filled returns a world for g with values on the grid.
func filled(r *rand.Rand, g *graph.Graph, n, indices int) *world {
	w := &world{n: n, seed: 7, inputs: map[string]interp.Value{}, variables: map[string]interp.Value{}}
	for _, in := range g.Inputs {
		w.inputs[in.Text("name")] = grid(r, in.Out[0], n, indices)
	}
	return w
}

// bytes returns the outputs of a run as bits.
func bytes(x *exec.Program) []uint64 {
	var out []uint64
	for _, name := range x.Outputs() {
		o := x.Output(name)
		for _, v := range o.F32 {
			out = append(out, uint64(math.Float32bits(v)))
		}
		for _, v := range o.I32 {
			out = append(out, uint64(uint32(v)))
		}
		out = append(out, o.Bits...)
	}
	return slices.Clone(out)
}
