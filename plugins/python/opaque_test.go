//go:build python

package python_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// plugin is the name of tests/plugins/opaque.
const plugin = "acme/opaque"

// declared is the declaration of a component of opaquetest.Plugin, or of its twin in Python where name is not "".
func declared(t *testing.T, name, component string, direction schema.Direction, dims ...int) *graph.Opaque {
	t.Helper()
	args := schema.Arguments{}
	switch component {
	case "leaky":
		args = schema.Arguments{"tau": {Type: schema.Real, Number: 3}, "threshold": {Type: schema.Real, Number: 0.7}}
	case "window":
		args = schema.Arguments{"steps": {Type: schema.Int, Number: 4}}
	}
	o, err := opaquetest.Declare(opaquetest.Plugin(), component, direction, args, dims...)
	if err != nil {
		t.Fatal(err)
	}
	if name != "" {
		o.Plugin = name
	}
	return o
}

// chain is coder, neurons twice, neurons with states that are handed on, and coder again, with the derivative by its input.
func chain(t *testing.T, name, neuron string) *graph.Graph {
	t.Helper()
	dims := []int{3, 5, 7} // channels last in memory, first in graphs
	use := func(component string, direction schema.Direction) *graph.Node {
		return &graph.Node{Op: graph.OpOpaque, Opaque: declared(t, name, component, direction, dims...)}
	}
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Real(7, 3, 5))
	y := b.Like(use("window", schema.Encode), graph.Attrs{"steps": 4}, x)[0]
	fire := use("leaky", "")
	fire.Opaque.Component, fire.Opaque.Name = neuron, neuron
	z := b.Add(b.Like(fire, nil, y)[0], y)
	all := b.Like(use("leaky", ""), graph.Attrs{"state": true}, z, b.Expand(b.Const(0.25), x.Type()))
	counted := b.Like(use("dry", ""), nil, z)[0]
	out := b.Like(use("window", schema.Decode), nil, b.Add(all[0], z))[0]
	b.Output("y", out)
	b.Output("v", all[2])
	b.Output("counted", counted)
	b.Output("dx", graph.Gradient(b, b.Reduce("sum", b.Mul(out, out), graph.AllAxes(out.Type())...), []graph.Value{x})[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// results runs a graph for n examples.
func results(t *testing.T, s opaque.Server, g *graph.Graph, n int) (out []float32, err error) {
	t.Helper()
	p, err := plan.New(g, plan.Options{Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	pool := exec.NewPool(2)
	t.Cleanup(pool.Close)
	pool.Opaque = s
	x, err := exec.New(p, pool)
	if err != nil {
		t.Fatal(err)
	}
	env := &exec.Env{Inputs: map[string]*tensor.Tensor{}}
	draw := rand.New(rand.NewPCG(1, 2))
	for _, in := range g.Inputs {
		v := tensor.New(in.Out[0], n)
		for i := range v.F32 {
			v.F32[i] = 3*draw.Float32() - 1
		}
		env.Inputs[in.Text("name")] = v
	}
	if err := x.Run(env); err != nil {
		return nil, err
	}
	for _, name := range x.Outputs() {
		out = append(out, x.Output(name).F32...)
	}
	return out, nil
}

// What is computed in Python, in shared memory, is what the same components in Go compute in this process, byte for byte: outputs,
// states and gradients, of neurons and of coders both ways. A process that dies in the middle of a call changes nothing.
func TestOpaque(t *testing.T) {
	h := start(t)
	ours, err := results(t, opaquetest.New(opaquetest.Plugin()), chain(t, "", "leaky"), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, neuron := range []string{"leaky", "mortal"} {
		theirs, err := results(t, h.Opaque(), chain(t, plugin, neuron), 10)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: Python computes something else", neuron)
		}
	}
}

// What is drawn for an example follows from its seed, however the batch is cut into calls; nobody may write to inputs.
func TestOpaqueCalls(t *testing.T) {
	h := start(t)
	b := graph.NewBuilder("f", nil)
	x, gain := b.Input("x", graph.Signal(4, 40_000)), b.Input("gain", graph.Signal(4, 40_000))
	o := declared(t, plugin, "dither", "", 40_000)
	b.Output("y", b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: o}, graph.Attrs{"label": "a"}, x, gain)[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	many := cut(t, h, g, o, 8)
	for _, parts := range []int{1, 2, 4} {
		if !slices.Equal(many, cut(t, h, g, o, parts)) {
			t.Errorf("%d calls give other spikes than 8", parts)
		}
	}
	if n := count(many); n < len(many)/4 || n > len(many)*3/4 {
		t.Errorf("%d spikes of %d", n, len(many))
	}

	greedy := declared(t, plugin, "dry", "", 3)
	greedy.Component, greedy.States = "greedy", nil
	op, err := h.Opaque().Prepare(greedy, []int{3})
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	m, err := h.Opaque().Memory(64)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	err = op.Forward(m, opaque.Forward{Block: opaque.Block{Steps: 1, Batch: 1, Count: 1}, Inputs: []int{0}, Output: 16})
	if err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Error(err)
	}
	err = op.Forward(m, opaque.Forward{Block: opaque.Block{Steps: 9, Batch: 1, Count: 1}, Inputs: []int{0}, Output: 48})
	if err == nil || !strings.Contains(err.Error(), "of an arena of 256 bytes") {
		t.Error(err)
	}
}

// cut computes one block of an operator of two inputs in so many calls at the same time.
func cut(t *testing.T, h *host.Host, g *graph.Graph, o *graph.Opaque, parts int) []float32 {
	t.Helper()
	const steps, batch, size = 4, 8, 40_000
	op, err := h.Opaque().Prepare(o, []int{size})
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	m, err := h.Opaque().Memory(3 * steps * batch * size)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	draw := rand.New(rand.NewPCG(3, 4))
	for i := range m.Floats()[:2*steps*batch*size] {
		m.Floats()[i] = draw.Float32() + 0.2
	}
	var blocks []opaque.Block
	for k := range parts {
		blocks = append(blocks, opaque.Block{Steps: steps, Batch: batch, First: k * batch / parts, Count: batch / parts})
	}
	err = opaque.Each(blocks, func(_ int, b opaque.Block) error {
		var seeds []uint64
		for e := range b.Count {
			seeds = append(seeds, 1<<47+uint64(b.First+e))
		}
		return op.Forward(m, opaque.Forward{Block: b, Inputs: []int{0, steps * batch * size}, Output: 2 * steps * batch * size, Seeds: seeds})
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(m.Floats()[2*steps*batch*size:])
}

func count(x []float32) (n int) {
	for _, v := range x {
		if v == 1 {
			n++
		}
	}
	return n
}

// A complaint of Prepare and what it keeps arrive as they are said.
func TestPrepare(t *testing.T) {
	h := start(t)
	prepare := func(component string, args schema.Arguments) (schema.PrepareReply, error) {
		return h.Prepare(context.Background(), plugin, schema.PrepareRequest{Component: component, Arguments: args, Dims: []int{3}})
	}
	r, err := prepare("dry", nil)
	if err != nil || len(r.States) != 1 || r.States[0] != (schema.State{Name: "count", Start: 10}) || len(r.Saved) != 0 {
		t.Errorf("%+v %v", r, err)
	}
	r, err = prepare("leaky", schema.Arguments{"tau": {Type: schema.Real, Number: 2}})
	if err != nil || len(r.Complaints) != 1 || r.Complaints[0] != sdk.Complain("threshold", "make it greater", "a membrane at rest would fire at a threshold of 0")[0] {
		t.Errorf("%+v %v", r, err)
	}
	if _, err := prepare("none", nil); err == nil || !strings.Contains(err.Error(), `no component "none" is opaque`) {
		t.Error(err)
	}
}

// Memory comes and goes while a process works.
func TestArenas(t *testing.T) {
	h := start(t)
	op, err := h.Opaque().Prepare(declared(t, plugin, "dry", "", 3), []int{3})
	if err != nil {
		t.Fatal(err)
	}
	defer op.Close()
	for range 20 {
		m, err := h.Opaque().Memory(1 << 20)
		if err != nil {
			t.Fatal(err)
		}
		if err := op.Forward(m, opaque.Forward{Block: opaque.Block{Steps: 1, Batch: 1, Count: 1}, Inputs: []int{0}, Output: 16}); err != nil {
			t.Error(err)
		}
		if y := m.Floats()[16:19]; !slices.Equal(y, []float32{10, 10, 10}) {
			t.Error(y)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
