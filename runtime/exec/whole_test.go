package exec_test

import (
	"errors"
	"maps"
	"math"
	"slices"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// TestTrainingStep: loss, firing rates, running statistics and all gradients of a whole training step agree with the
// interpreter. A spike that rounding flips would change everything behind it; with these weights none does. What is left is
// rounding: about a hundred operations follow each other, each off by 2^-24 of its greatest operand. Gradients that ought to
// vanish, those of a bias in front of a normalisation, are sums of such that do not: they count beside a gradient of 0.1, the
// greatest of the weights next to them. In shared.snn uses and roles share weights. TestLayers has each layer by itself.
func TestTrainingStep(t *testing.T) {
	for _, spec := range []string{"tiny", "shared"} {
		m := fromSpec(t, "testdata/"+spec+".snn", "")
		g := m.step(t)
		t.Run(spec, func(t *testing.T) { m.world(g, 5).nearly(t, g, ulps(100), 0.1) })
	}
}

// TestSampling: what samplers and exports run, in eval mode with states carried from turn to turn.
func TestSampling(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	for _, name := range []string{"reconstruct", "encode", "start", "turn", "generate"} {
		g := m.function(t, name)
		t.Run(name, func(t *testing.T) { m.world(g, 3).same(t, g, ulps(100)) })
	}
}

// TestRecomputation: a training step within less memory, for which results are computed twice, gives the same bytes.
func TestRecomputation(t *testing.T) {
	for _, spec := range []string{"tiny", "shared"} {
		m := fromSpec(t, "testdata/"+spec+".snn", "")
		g := m.step(t)
		w := m.world(g, 21)
		run := func(most int) (got []uint64, taken, twice int) {
			p, err := plan.New(g, plan.Options{Batch: w.n, Memory: most})
			if err != nil {
				t.Fatal(err)
			}
			pool := exec.NewPool(2)
			defer pool.Close()
			x, err := exec.New(p, pool)
			if err != nil {
				t.Fatal(err)
			}
			env, _ := w.env()
			if err := x.Run(env); err != nil {
				t.Fatal(err)
			}
			return bytes(x), p.Bytes(), len(p.Steps)
		}
		want, all, steps := run(0)
		for _, share := range []int{95, 85} {
			got, taken, more := run(all * share / 100)
			if taken > all*share/100 || more <= steps {
				t.Errorf("%s: %d bytes in %d steps within %d %% of the %d in %d", spec, taken, more, share, all, steps)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: within %d %% of its memory it gives other bytes", spec, share)
			}
		}
	}
}

// TestSameVariables: where a run is told that no variable has changed, it gives what one gives that computes everything,
// and where it is not told, it sees a change.
func TestSameVariables(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	for _, name := range []string{"reconstruct", "turn", "generate"} {
		g := m.function(t, name)
		w := m.world(g, 5)
		p, err := plan.New(g, plan.Options{Batch: w.n, Repeated: true})
		if err != nil {
			t.Fatal(err)
		}
		once := 0
		for _, s := range p.Steps {
			if s.Fixed {
				once++
			}
		}
		if once < 3 {
			t.Errorf("%s: %d steps depend on variables alone:\n%s", name, once, p.Print())
		}
		pool := exec.NewPool(2)
		defer pool.Close()
		x, err := exec.New(p, pool)
		if err != nil {
			t.Fatal(err)
		}
		run := func(x *exec.Program, shift float64, same bool) []uint64 {
			env, variables := w.env()
			for _, v := range variables {
				for i := range v.F32 {
					v.F32[i] += float32(shift)
				}
			}
			env.Same, env.Profile = same, make([]time.Duration, len(x.Plan().Steps))
			if err := x.Run(env); err != nil {
				t.Fatal(err)
			}
			for i, s := range x.Plan().Steps {
				if ran := env.Profile[i] > 0; ran != (!same || !s.Fixed) {
					t.Errorf("%s: step %d: fixed %v, and runs %v where variables are the same %v", name, i, s.Fixed, ran, same)
				}
			}
			return bytes(x)
		}
		for _, shift := range []float64{0, 0.125} {
			want := run(compiled(t, g, w.n, 1), shift, false)
			for i, same := range []bool{false, true, true} {
				if got := run(x, shift, same); !slices.Equal(got, want) {
					t.Errorf("%s, shift %v, run %d: other bytes", name, shift, i)
				}
			}
		}
	}
}

// TestThreads: the number of workers changes no bit of a training step.
func TestThreads(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	g := m.step(t)
	m.world(g, 21).workers(t, g, 1, 2, 3, 7)
}

// workers fails where g gives other bytes by other numbers of workers, of results and of variables that it assigns.
func (w *world) workers(t *testing.T, g *graph.Graph, workers ...int) {
	t.Helper()
	var want []uint64
	for _, threads := range workers {
		p := compiled(t, g, w.n, threads)
		for range 3 {
			env, variables := w.env()
			if err := p.Run(env); err != nil {
				t.Fatal(err)
			}
			got := bytes(p)
			for _, name := range slices.Sorted(maps.Keys(variables)) {
				for _, x := range variables[name].F32 {
					got = append(got, uint64(math.Float32bits(x)))
				}
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%d threads give other bytes", threads)
			}
		}
	}
}

// TestEvalBatches: in eval mode an example gives the same bytes in a batch of any size and at any place in it, whatever the
// function: exports, and what a sampler begins with, turns and ends with.
func TestEvalBatches(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	for _, name := range []string{"reconstruct", "encode", "start", "turn", "generate"} {
		t.Run(name, func(t *testing.T) {
			g := m.function(t, name)
			w := m.world(g, 13)
			whole := compiled(t, g, 13, 2)
			env, _ := w.env()
			if err := whole.Run(env); err != nil {
				t.Fatal(err)
			}
			for _, c := range [][2]int{{1, 0}, {1, 12}, {2, 5}, {5, 8}, {8, 3}, {12, 1}} {
				n, first := c[0], c[1]
				places := make([]int, n)
				for i := range places {
					places[i] = first + i
				}
				part := compiled(t, g, n, 2)
				e := *env
				e.First, e.Inputs = uint64(first), map[string]*tensor.Tensor{}
				for name, x := range env.Inputs {
					e.Inputs[name] = picked(x, places)
				}
				if err := part.Run(&e); err != nil {
					t.Fatal(err)
				}
				for _, o := range part.Outputs() {
					if whole.Output(o).Type.Size() == 0 || !whole.Output(o).Type.Batch {
						t.Fatalf("%s has no batch axis", o)
					}
					if got, want := part.Output(o), picked(whole.Output(o), places); !equal(got, want) {
						t.Errorf("%s: examples %d to %d alone give other bytes", o, first, first+n-1)
					}
				}
			}
		})
	}
}

// picked returns the examples at the given places of a batch.
func picked(x *tensor.Tensor, places []int) *tensor.Tensor {
	if !x.Type.Batch {
		return x
	}
	out := tensor.New(x.Type, len(places))
	size, words := x.Type.Size(), tensor.Words(x.Type.Size())
	for t := range max(x.Type.Steps, 1) {
		for i, n := range places {
			to, from := t*len(places)+i, t*x.N+n
			switch {
			case x.Bits != nil:
				copy(out.Bits[to*words:(to+1)*words], x.Bits[from*words:])
			case x.I32 != nil:
				copy(out.I32[to*size:(to+1)*size], x.I32[from*size:])
			default:
				copy(out.F32[to*size:(to+1)*size], x.F32[from*size:])
			}
		}
	}
	return out
}

// equal reports whether two tensors hold the same bytes.
func equal(a, b *tensor.Tensor) bool {
	return a.Type.Equal(b.Type) && a.N == b.N && slices.Equal(a.Bits, b.Bits) && slices.Equal(a.I32, b.I32) &&
		slices.EqualFunc(a.F32, b.F32, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// TestNoAllocation: runs after the first allocate nothing.
func TestNoAllocation(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	for _, g := range []*graph.Graph{m.step(t), m.function(t, "reconstruct")} {
		p := compiled(t, g, 9, 2)
		env, _ := m.world(g, 9).env()
		if n := testing.AllocsPerRun(5, func() {
			if err := p.Run(env); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("a run of %s allocates %v times", g.Name, n)
		}
	}
}

// TestCheck: a checked run names the first layer that goes bad.
func TestCheck(t *testing.T) {
	m := fromSpec(t, "testdata/tiny.snn", "")
	g := m.step(t)
	p := compiled(t, g, 5, 2)
	w := m.world(g, 5)
	env, _ := w.env()
	env.Check = true
	if err := p.Run(env); err != nil {
		t.Fatalf("a sound step: %v", err)
	}
	for name, layer := range map[string]string{"encoder.2.weight": "encoder.0.conv", "decoder.1.weight": "decoder.0.linear",
		"latent.prior.1.weight": "latent.prior.0.linear", "latent.posterior.3.bias": "latent.posterior.0.linear", "encoder.3.bias": "encoder.0.batchnorm"} {
		v, ok := w.variables[name]
		if !ok {
			t.Fatalf("no variable %s", name)
		}
		old := v.Data[0]
		v.Data[0] = math.Inf(1)
		env, _ := w.env()
		env.Check = true
		var bad *exec.NotFinite
		if err := p.Run(env); !errors.As(err, &bad) || bad.Layer != layer {
			t.Errorf("%s infinite: %v, want layer %s", name, err, layer)
		}
		v.Data[0] = old
	}
}

// TestWrongInputs: what is missing or of the wrong size is an error, and so is an index that points nowhere.
func TestWrongInputs(t *testing.T) {
	ty := graph.Type{Dims: []int{3, 2}}
	b := graph.NewBuilder("f", variables{"table": ty, "next": graph.Scalar()})
	x, i := b.Input("x", graph.Real(4)), b.Input("i", graph.Real().With(graph.I32))
	b.Output("y", b.Op(graph.OpRows, nil, b.Op(graph.OpRead, graph.Attrs{"var": "table"}), i))
	b.Output("g", b.Op(graph.OpGather, graph.Attrs{"axis": graph.Axis(0)}, x, i))
	b.Output("s", b.Op(graph.OpScatterAdd, graph.Attrs{"size": 3}, i, x))
	b.Output("p", b.Op(graph.OpHost, graph.Attrs{"what": "progress"}))
	b.Ops(graph.OpAssign, graph.Attrs{"var": "next"}, b.Mean(x))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p := compiled(t, g, 2, 2)
	good := func() *exec.Env {
		vars := map[string]*tensor.Tensor{"table": tensor.New(ty, 1), "next": tensor.Scalar(0)}
		return &exec.Env{Inputs: map[string]*tensor.Tensor{"x": tensor.New(graph.Real(4), 2), "i": tensor.New(graph.Real().With(graph.I32), 2)},
			Variables: func(name string) *tensor.Tensor { return vars[name] }, Host: host}
	}
	if err := p.Run(good()); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*exec.Env){
		"no input":         func(e *exec.Env) { delete(e.Inputs, "x") },
		"another batch":    func(e *exec.Env) { e.Inputs["x"] = tensor.New(graph.Real(4), 3) },
		"another shape":    func(e *exec.Env) { e.Inputs["x"] = tensor.New(graph.Real(5), 2) },
		"another kind":     func(e *exec.Env) { e.Inputs["x"] = tensor.New(graph.Real(4).With(graph.Bit), 2) },
		"no elements":      func(e *exec.Env) { e.Inputs["x"] = &tensor.Tensor{Type: graph.Real(4), N: 2} },
		"no variables":     func(e *exec.Env) { e.Variables = nil },
		"no such variable": func(e *exec.Env) { e.Variables = func(string) *tensor.Tensor { return nil } },
		"no host":          func(e *exec.Env) { e.Host = nil },
		"index below 0":    func(e *exec.Env) { e.Inputs["i"].I32[1] = -1 },
		"index past rows":  func(e *exec.Env) { e.Inputs["i"].I32[0] = 3 },
		"nothing to assign": func(e *exec.Env) {
			old := e.Variables
			e.Variables = func(name string) *tensor.Tensor {
				if name == "next" {
					return nil
				}
				return old(name)
			}
		},
	} {
		e := good()
		spoil(e)
		if err := p.Run(e); err == nil {
			t.Errorf("%s: no error", name)
		}
		if err := p.Run(good()); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	if _, err := plan.New(g, plan.Options{}); err == nil {
		t.Error("a batch of 0 is planned")
	}
}
