package host_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

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

// over puts first in front of both functions of the plugin's neuron leaky; it is made anew whenever that is prepared.
func over(p *sdk.Plugin, first func(*sdk.Prepared) func()) {
	prepare := p.Opaque[0].Prepare
	p.Opaque[0].Prepare = func(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
		x, complaints, err := prepare(u)
		do, forward, backward := first(&x), x.Forward, x.Backward
		x.Forward = func(f *sdk.Forward) error { do(); return forward(f) }
		x.Backward = func(b *sdk.Backward) error { do(); return backward(b) }
		return x, complaints, err
	}
}

// mortal is a plugin whose process dies in its second call, when it has written nonsense to what it should give.
func mortal(p sdk.Plugin) sdk.Plugin {
	calls := 0
	die := func(write func(t int) []float32, steps int) {
		if calls++; calls < 2 {
			return
		}
		for t := range steps {
			for i := range write(t) {
				write(t)[i] = 77
			}
		}
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	prepare := p.Opaque[0].Prepare
	p.Opaque[0].Prepare = func(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
		x, complaints, err := prepare(u)
		forward, backward := x.Forward, x.Backward
		x.Forward = func(f *sdk.Forward) error { die(f.Output.At, f.Steps); return forward(f) }
		x.Backward = func(b *sdk.Backward) error { die(b.Inputs[0].At, b.Steps); return backward(b) }
		return x, complaints, err
	}
	return p
}

// network is a chain of layers of leaky neurons, with the derivative by its input and a state handed on.
func network(t testing.TB, layers, neurons int) *graph.Graph {
	t.Helper()
	return networkOf(t, "", layers, neurons) // the tests' processes stand in for the built-in one
}

// networkOf is network with the neurons of a plugin.
func networkOf(t testing.TB, plugin string, layers, neurons int) *graph.Graph {
	t.Helper()
	o, err := opaquetest.Declare(opaquetest.Plugin(), "leaky", "", schema.Arguments{"tau": {Type: schema.Real, Number: 2}, "threshold": {Type: schema.Real, Number: 1}}, neurons)
	if err != nil {
		t.Fatal(err)
	}
	o.Plugin = plugin
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Signal(4, neurons))
	y := x
	for range layers {
		y = b.Add(b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: o}, nil, y)[0], x)
	}
	state := b.Like(&graph.Node{Op: graph.OpOpaque, Opaque: o}, graph.Attrs{"state": true}, y, b.Expand(b.Const(0.25), graph.Real(neurons)))
	b.Output("y", y)
	b.Output("v", state[2])
	b.Output("dx", graph.Gradient(b, b.Reduce("sum", b.Mul(y, y), graph.AllAxes(y.Type())...), []graph.Value{x})[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ready returns g ready to run for n examples, with a server of opaque operators.
func ready(t testing.TB, s opaque.Server, g *graph.Graph, n int) (*exec.Program, *exec.Env) {
	t.Helper()
	p, err := plan.New(g, plan.Options{Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	pool := exec.NewPool(1)
	t.Cleanup(pool.Close)
	pool.Opaque = s
	x, err := exec.New(p, pool)
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.New(g.Inputs[0].Out[0], n)
	draw := rand.New(rand.NewPCG(1, 2))
	for i := range in.F32 {
		in.F32[i] = 3*draw.Float32() - 1
	}
	return x, &exec.Env{Inputs: map[string]*tensor.Tensor{"x": in}}
}

// results runs a program and returns what it gives.
func results(t testing.TB, x *exec.Program, env *exec.Env) (out []float32) {
	t.Helper()
	if err := x.Run(env); err != nil {
		t.Fatal(err)
	}
	for _, name := range x.Outputs() {
		out = append(out, x.Output(name).F32...)
	}
	return out
}

// inProcess is the server that computes beside the test, by the same code.
func inProcess() *opaquetest.Server {
	return &opaquetest.Server{Plugins: map[string]*sdk.Operators{"": opaquetest.Plugin().NewOperators()}}
}

// TestOpaque: a plugin process gives the bytes of the same code in the host's process. Its operands lie in memory, in files that nobody
// else may read, and are gone with the host.
func TestOpaque(t *testing.T) {
	h := start(t, "opaque", host.Options{})
	g := network(t, 2, 300)
	x, env := ready(t, h.Opaque(), g, 10)
	twin, _ := ready(t, inProcess(), g, 10)
	if !slices.Equal(results(t, x, env), results(t, twin, env)) {
		t.Error("a process gives other bytes than the same code in this one")
	}
	folder := h.Shared()
	if _, err := os.Stat("/dev/shm"); err == nil && filepath.Dir(folder) != "/dev/shm" {
		t.Errorf("operands lie in %q", folder)
	}
	files, err := filepath.Glob(filepath.Join(folder, "arena-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	for path, want := range map[string]os.FileMode{folder: 0o700 | os.ModeDir, files[0]: 0o600} {
		if st, err := os.Stat(path); err != nil || st.Mode() != want {
			t.Errorf("%s: %v %v", path, st.Mode(), err)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", folder, err)
	}
}

// TestOpaqueRepeated: a process that dies in a call, with half of the results written, is replaced, prepared anew and asked again, as
// often as it takes, and changes no byte.
func TestOpaqueRepeated(t *testing.T) {
	h := start(t, "opaque mortal", host.Options{Timeout: 30 * time.Second})
	g := network(t, 2, 50)
	x, env := ready(t, h.Opaque(), g, 4)
	twin, _ := ready(t, inProcess(), g, 4)
	want := results(t, twin, env)
	first := h.Processes()[0]
	for range 2 {
		if !slices.Equal(results(t, x, env), want) {
			t.Error("other bytes")
		}
	}
	if now := h.Processes()[0]; now == first {
		t.Error("no process died")
	}
}

// TestOpaqueKilled: a process that is killed at any moment of a run changes no byte of it.
func TestOpaqueKilled(t *testing.T) {
	h := start(t, "opaque", host.Options{Timeout: 30 * time.Second})
	g := network(t, 3, 5000)
	x, env := ready(t, h.Opaque(), g, 16)
	twin, _ := ready(t, inProcess(), g, 16)
	want := results(t, twin, env)
	begun := time.Now()
	results(t, x, env)
	long := time.Since(begun)
	var killed atomic.Int64
	const kills, most = 8, 100 // a run may be over before its process is to be killed
	for k := 0; killed.Load() < kills; k++ {
		if k == most {
			t.Fatalf("%d kills in %d runs: this tests nothing", killed.Load(), k)
		}
		after := time.AfterFunc(rand.N(long), func() {
			for _, pid := range h.Processes() {
				syscall.Kill(pid, syscall.SIGKILL)
				killed.Add(1)
			}
		})
		if !slices.Equal(results(t, x, env), want) {
			t.Fatal("other bytes")
		}
		after.Stop()
	}
}

// TestOpaqueAtOnce: the calls of a block, and those of two blocks, are at work in a process at the same time: none of them ends before the
// last has begun.
func TestOpaqueAtOnce(t *testing.T) {
	s := start(t, "opaque meeting", host.Options{Timeout: 30 * time.Second}).Opaque()
	m, err := s.Memory(2 * 2 * 8 * 3)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	o, err := opaquetest.Declare(opaquetest.Plugin(), "leaky", "", schema.Arguments{"tau": {Number: 2}, "threshold": {Number: 1}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	o.Plugin = ""
	var both sync.WaitGroup
	for block := range 2 {
		op, err := s.Prepare(o, []int{3})
		if err != nil {
			t.Fatal(err)
		}
		defer op.Close()
		var calls []opaque.Block
		for k := range 8 {
			calls = append(calls, opaque.Block{Steps: 1, Batch: 8, First: k, Count: 1})
		}
		both.Go(func() {
			err := opaque.Each(calls, func(_ int, b opaque.Block) error {
				return op.Forward(m, opaque.Forward{Block: b, Inputs: []int{48 * block}, Output: 48*block + 24})
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
}

// TestOpaqueLeftover: the arenas of a host that died are removed by the next one, and the folder of one that lives, or of somebody else's
// files, is not.
func TestOpaqueLeftover(t *testing.T) {
	alive := start(t, "opaque", host.Options{})
	m, err := alive.Opaque().Memory(16)
	if err != nil {
		t.Fatal(err)
	}
	own := cmp.Or(alive.Shared(), alive.Folder()) // the latter where the system has no files in memory
	folder := func(files ...string) string {
		dir, err := os.MkdirTemp(filepath.Dir(own), "snnc-host-*")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 64), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	dead, other := folder("snnc-host.lock", "arena-1", "arena-22"), folder("snnc-host.lock", "arena-1", "notes")
	next, err := start(t, "opaque", host.Options{}).Opaque().Memory(16)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{dead: false, filepath.Join(other, "notes"): true, own: true} {
		if _, err := os.Stat(path); err == nil != want {
			t.Errorf("%s is there: %v", path, err == nil)
		}
	}
	m.Floats()[15], next.Floats()[15] = 1, 2
	for _, m := range []opaque.Memory{m, next} {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestOpaqueFailures: a call has a deadline; a component that keeps something else than it said is not trusted; complaints are those of
// the arguments.
func TestOpaqueFailures(t *testing.T) {
	t.Parallel()
	g := network(t, 1, 3)
	h := start(t, "opaque asleep", host.Options{Timeout: 2 * time.Second})
	x, env := ready(t, h.Opaque(), g, 2)
	f := failure(t, x.Run(env), "no answer within 2s")
	if f.Call != "Forward" {
		t.Errorf("%s failed", f.Call)
	}
	x, env = ready(t, start(t, "opaque loose", host.Options{}).Opaque(), g, 2)
	failure(t, x.Run(env), `the reply makes no sense: component leaky of plugin "" keeps the states [{v 0}] and saves []`)

	h = start(t, "opaque", host.Options{})
	r, err := h.Prepare(context.Background(), "", schema.PrepareRequest{Component: "leaky", Arguments: schema.Arguments{"tau": {Number: 2}, "threshold": {}}, Dims: []int{3}})
	if err != nil || len(r.Complaints) != 1 || r.Complaints[0].Path != "threshold" {
		t.Errorf("%+v %v", r, err)
	}
	_, err = h.Prepare(context.Background(), "", schema.PrepareRequest{Component: "nosuch", Dims: []int{3}})
	failure(t, err, `no component "nosuch" is opaque`)
	if _, err := h.Opaque().Memory(1 << 58); err == nil || !strings.Contains(err.Error(), "share memory with plugins") {
		t.Errorf("more memory than there is: %v", err)
	}
}
