package exec_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// declared returns a use of a component of opaquetest's plugin.
func declared(t testing.TB, component string, direction schema.Direction, dims ...int) *graph.Node {
	t.Helper()
	arguments := schema.Arguments{"tau": {Type: schema.Real, Number: 2}, "threshold": {Type: schema.Real, Number: 1}, "steps": {Type: schema.Int, Number: 4}}
	o, err := opaquetest.Declare(opaquetest.Plugin(), component, direction, arguments, dims...)
	if err != nil {
		t.Fatal(err)
	}
	return &graph.Node{Op: graph.OpOpaque, Opaque: o}
}

// served returns g on a pool of so many threads whose server computes opaque operators.
func served(t testing.TB, s opaque.Server, g *graph.Graph, n, threads int) *exec.Program {
	t.Helper()
	return servedAs(t, s, g, plan.Options{Batch: n}, threads)
}

// servedAs is served by a plan that is made so.
func servedAs(t testing.TB, s opaque.Server, g *graph.Graph, o plan.Options, threads int) *exec.Program {
	t.Helper()
	if err := g.Verify(nil); err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, o)
	if err != nil {
		t.Fatal(err)
	}
	pool := exec.NewPool(threads)
	t.Cleanup(pool.Close)
	pool.Opaque = s
	x, err := exec.New(p, pool)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// finished returns the graph of b with all outputs named in order.
func finished(t testing.TB, b *graph.Builder, outputs ...graph.Value) *graph.Graph {
	t.Helper()
	for i, v := range outputs {
		b.Output(fmt.Sprintf("y%d", i), v)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// chain is a network of all kinds of opaque operators between ordinary ones, with its derivative by the input: encoded, a leaky neuron,
// one of two inputs that draws random numbers, of which one is the spikes of the first, and decoded. dims of three make it lie channels
// last.
func chain(t testing.TB, dims ...int) *graph.Graph {
	t.Helper()
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Real(dims...))
	current := b.Like(declared(t, "window", schema.Encode, dims...), graph.Attrs{"steps": 4}, b.Scale(x, 2))[0]
	spikes := b.Like(declared(t, "leaky", "", dims...), nil, current)[0]
	gain := b.Add(b.Scale(current, 0.25), b.Const(0.125))
	drawn := b.Like(declared(t, "dither", "", dims...), graph.Attrs{"label": "here"}, gain, spikes)[0]
	y := b.Like(declared(t, "window", schema.Decode, dims...), nil, b.Add(drawn, spikes))[0]
	loss := b.Reduce("sum", b.Mul(y, y), graph.AllAxes(y.Type())...)
	return finished(t, b, y, spikes, drawn, loss, graph.Gradient(b, loss, []graph.Value{x})[0])
}

// dyadic fills the inputs of g with multiples of 1/64 from -1 to 3, so that what leaky, dither and window make of them in a few steps is
// exact in single precision.
func dyadic(g *graph.Graph, n int) *world {
	w := &world{n: n, inputs: map[string]interp.Value{}, seed: 11}
	draw := rand.New(rand.NewPCG(4, uint64(n)))
	for _, in := range g.Inputs {
		v := interp.NewValue(in.Out[0], n)
		for i := range v.Data {
			v.Data[i] = float64(draw.IntN(256)-64) / 64
		}
		w.inputs[in.Text("name")] = v
	}
	return w
}

// TestOpaque: executor and interpreter give the same, for batches that are cut into slots in all ways, on any number of threads, with or
// without the passes of the planner, and where it keeps as little as it can. Sums that are no dyadic numbers any more, of gradients,
// round: the loss once for each of its terms, the gradient by x through at most 16 operations, all of numbers no greater than the
// greatest.
func TestOpaque(t *testing.T) {
	for _, dims := range [][]int{{6}, {2, 3}, {3, 2, 5}} {
		g := chain(t, dims...)
		for _, n := range []int{1, 3, 8, 13} {
			w := dyadic(g, n)
			want, err := interp.Run(g, &interp.Env{N: n, Inputs: w.inputs, Random: w.random, Opaque: opaquetest.New(opaquetest.Plugin())})
			if err != nil {
				t.Fatal(err)
			}
			var first []uint64
			for _, threads := range []int{1, 3} {
				for _, o := range []plan.Options{{Batch: n}, {Batch: n, Memory: 1}, {Batch: n, Without: plan.Passes()}} {
					x := servedAs(t, opaquetest.New(opaquetest.Plugin()), g, o, threads)
					for range 2 { // what the first run leaves must not matter
						env, _ := w.env()
						if err := x.Run(env); err != nil {
							t.Fatal(err)
						}
						for _, o := range g.Outputs {
							got, most := x.Output(o.Name).Logical(), 0.0
							for _, v := range want.Outputs[o.Name].Data {
								most = max(most, math.Abs(v))
							}
							allowed := map[string]float64{"y3": float64(n * g.Inputs[0].Out[0].Size()), "y4": 16}[o.Name] * most / (1 << 24)
							for i, v := range want.Outputs[o.Name].Data {
								if math.Abs(got[i]-v) > allowed {
									t.Fatalf("%v, %d examples: %s[%d] = %v, want %v +- %v", dims, n, o.Name, i, got[i], v, allowed)
								}
							}
						}
						if first == nil {
							first = bytes(x)
						}
						if o.Without == nil && !slices.Equal(bytes(x), first) {
							t.Errorf("%v, %d examples: %d threads give other bytes", dims, n, threads)
						}
					}
				}
			}
		}
	}
}

// TestOpaqueCuts: a large block is cut into calls of several examples, never of time steps, and the cuts change no byte: an example's
// results are those that it has in a batch of its own kind.
func TestOpaqueCuts(t *testing.T) {
	const n, neurons = 24, 20_000
	g := chain(t, neurons)
	w := dyadic(g, n)
	s := opaquetest.New(opaquetest.Plugin())
	x := served(t, s, g, n, 2)
	env, _ := w.env()
	if err := x.Run(env); err != nil {
		t.Fatal(err)
	}
	ranges := len(opaque.Ranges(n, 4*neurons))
	if ranges != 4 {
		t.Fatalf("a block of %d numbers is cut into %d calls", n*4*neurons, ranges)
	}
	operators := 0
	for _, step := range x.Plan().Steps {
		if step.Opaque != nil {
			operators++
		}
	}
	if got := s.Calls.Load(); operators != 8 || got != int64(operators*ranges) {
		t.Errorf("%d operators make %d calls, want %d for each of 8", operators, got, ranges)
	}
	few := dyadic(g, 2)
	at := n - 2 // the last two examples, alone
	few.inputs["x"] = interp.Value{Type: few.inputs["x"].Type, N: 2, Data: w.inputs["x"].Data[at*neurons:]}
	alone := served(t, s, g, 2, 1)
	env, _ = few.env()
	env.First = uint64(at)
	if err := alone.Run(env); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"y0", "y4"} {
		if got := x.Output(name).F32[at*neurons:]; !slices.Equal(got, alone.Output(name).F32) {
			t.Errorf("%s of two examples depends on those beside them", name)
		}
	}
	for step := range 4 {
		for _, name := range []string{"y1", "y2"} {
			o, words := x.Output(name), tensor.Words(neurons)
			if !slices.Equal(o.Bits[(step*n+at)*words:(step*n+n)*words], alone.Output(name).Bits[step*2*words:(step+1)*2*words]) {
				t.Errorf("%s of two examples depends on those beside them", name)
			}
		}
	}
}

// same says in equations what leaky is in code: a leaky integrator with the surrogate atan(alpha = 2).
const same = `graph 1
equation "same" spikes {
  input x
  state v = 0.0
  %0 = sub %x %v
  %1 = constant value=2.0
  %2 = div %0 %1
  %3 = add %v %2
  %4 = constant value=1.0
  %5 = sub %3 %4
  %6 = constant value=3.141592653589793
  %7 = mul %5 %6
  %8 = mul %7 %7
  %9 = add %4 %8
  %10 = div %4 %9
  %11 = spike %3 %4 %10
  %12 = cast %11 dtype="f32"
  %13 = sub %4 %12
  %14 = mul %13 %3
  emit %11
  next v %14
}
`

// TestOpaqueIsEquations: the neuron leaky in code gives the spikes of the same in equations, exactly, since its membrane is exact for these
// inputs, and the same gradients but for rounding: the code and the kernels order some ten operations of a step in their own ways, and
// what a step is off by is halved at the next, so twice ten roundings of the greatest gradient.
func TestOpaqueIsEquations(t *testing.T) {
	m, err := graph.Parse(same)
	if err != nil {
		t.Fatal(err)
	}
	const n = 9
	run := func(layer func(b *graph.Builder, x graph.Value) graph.Value) *exec.Program {
		b := graph.NewBuilder("f", nil)
		x, weights := b.Input("x", graph.Signal(6, 50)), b.Input("w", graph.Signal(6, 50))
		y := layer(b, x)
		loss := b.Reduce("sum", b.Mul(y, weights), graph.AllAxes(weights.Type())...)
		g := finished(t, b, y, graph.Gradient(b, loss, []graph.Value{x})[0])
		p := served(t, opaquetest.New(opaquetest.Plugin()), g, n, 1)
		env, _ := dyadic(g, n).env()
		if err := p.Run(env); err != nil {
			t.Fatal(err)
		}
		return p
	}
	want := run(func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Equation(graph.OpEquation, m.Equations[0], nil, x)[0]
	})
	got := run(func(b *graph.Builder, x graph.Value) graph.Value {
		return b.Like(declared(t, "leaky", "", 50), nil, x)[0]
	})
	if !slices.Equal(got.Output("y0").Bits, want.Output("y0").Bits) {
		t.Error("the spikes differ")
	}
	most := 0.0
	for _, v := range want.Output("y1").F32 {
		most = max(most, math.Abs(float64(v)))
	}
	if most == 0 {
		t.Fatal("no gradient")
	}
	for i, v := range want.Output("y1").F32 {
		if off := math.Abs(float64(v - got.Output("y1").F32[i])); off > 20*most/(1<<24) {
			t.Fatalf("the gradient differs by %v of %v at %d", off, most, i)
		}
	}
}

// TestOpaqueState: a sequence in two parts, with the states handed on, gives what it gives whole. A state that is not handed over
// begins at its start.
func TestOpaqueState(t *testing.T) {
	const n = 5
	whole := func(b *graph.Builder) graph.Value { return b.Input("x", graph.Signal(6, 7)) }
	b := graph.NewBuilder("whole", nil)
	x := whole(b)
	g := finished(t, b, b.Like(declared(t, "leaky", "", 7), nil, x)[0], b.Like(declared(t, "dry", "", 7), nil, x)[0])
	s := opaquetest.New(opaquetest.Plugin())
	want := served(t, s, g, n, 1)
	env, _ := dyadic(g, n).env()
	if err := want.Run(env); err != nil {
		t.Fatal(err)
	}
	b = graph.NewBuilder("parts", nil)
	x = whole(b)
	var outputs []graph.Value
	for _, component := range []string{"leaky", "dry"} {
		layer := declared(t, component, "", 7)
		state := b.Expand(b.Const(layer.Opaque.States[0].Start), graph.Real(7))
		var parts []graph.Value
		for _, at := range [][2]int{{0, 2}, {2, 4}} {
			res := b.Like(layer, graph.Attrs{"state": true}, b.Slice(x, graph.TimeAxis, at[0], at[1]), state)
			parts, state = append(parts, res[0]), res[len(res)-1]
		}
		outputs = append(outputs, b.Concat(graph.TimeAxis, parts...))
	}
	got := served(t, s, finished(t, b, outputs...), n, 1)
	env, _ = dyadic(g, n).env()
	if err := got.Run(env); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(bytes(got), bytes(want)) {
		t.Error("a sequence in two parts gives other bytes than whole")
	}
	if first := want.Output("y1").F32[0] - env.Inputs["x"].F32[0]; first != 10 {
		t.Errorf("the count begins at %v, not at 10", first)
	}
}

// TestOpaqueErrors: a program needs a server, the component may not have changed, and spikes are 0 or 1. What a plugin says against a
// call is the error of the run.
func TestOpaqueErrors(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	layer := declared(t, "leaky", "", 3)
	g := finished(t, b, b.Like(layer, nil, b.Input("x", graph.Signal(2, 3)))[0])
	p, err := plan.New(g, plan.Options{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	pool := exec.NewPool(1)
	defer pool.Close()
	if _, err := exec.New(p, pool); !errors.Is(err, opaque.ErrNone) {
		t.Errorf("without a server: %v", err)
	}
	plugin := func(change func(*sdk.Prepared)) opaque.Server {
		p := opaquetest.Plugin()
		prepare := p.Opaque[0].Prepare
		p.Opaque[0].Prepare = func(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
			x, complaints, err := prepare(u)
			change(&x)
			return x, complaints, err
		}
		return opaquetest.New(p)
	}
	pool.Opaque = plugin(func(x *sdk.Prepared) { x.Saved = nil })
	if _, err := exec.New(p, pool); err == nil || !strings.Contains(err.Error(), `and did keep [{v 0}] and save ["u"] when the graph was made`) {
		t.Errorf("another component: %v", err)
	}
	for want, forward := range map[string]func(*sdk.Forward) error{
		"gives 0.5 where it should spike": func(f *sdk.Forward) error { f.Output.At(1)[2] = 0.5; return nil },
		"out of ideas":                    func(*sdk.Forward) error { return errors.New("out of ideas") },
	} {
		x := served(t, plugin(func(x *sdk.Prepared) { x.Forward = forward }), g, 2, 1)
		env, _ := dyadic(g, 2).env()
		if err := x.Run(env); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// counting counts the memories that are not given back.
type counting struct {
	opaque.Server
	open atomic.Int64
}

func (c *counting) Memory(floats int) (opaque.Memory, error) {
	m, err := c.Server.Memory(floats)
	c.open.Add(1)
	return &counted{m, c}, err
}

type counted struct {
	opaque.Memory
	by *counting
}

func (c *counted) Close() error { c.by.open.Add(-1); return c.Memory.Close() }

// TestOpaqueMemory: results lie in the program's own memory, even where they are an operator's operands, and what it shares goes back
// when nobody holds it any more.
func TestOpaqueMemory(t *testing.T) {
	s := &counting{Server: opaquetest.New(opaquetest.Plugin())}
	pool := exec.NewPool(1)
	defer pool.Close()
	pool.Opaque = s
	func() {
		b := graph.NewBuilder("f", nil)
		x := b.Scale(b.Input("x", graph.Signal(2, 3)), 2)
		g := finished(t, b, x, b.Like(declared(t, "dry", "", 3), nil, x)[0])
		p, err := plan.New(g, plan.Options{Batch: 2})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range p.Outputs {
			if o.Value.Root().Shared {
				t.Errorf("result %s lies where plugins write", o.Name)
			}
		}
		if _, err := exec.New(p, pool); err != nil {
			t.Fatal(err)
		}
	}()
	for range 100 {
		if runtime.GC(); s.open.Load() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d memories are not given back", s.open.Load())
}
