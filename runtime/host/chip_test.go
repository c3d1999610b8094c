package host_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
)

// compile compiles a net on the target `ideal` of a host's built-in plugin.
func compile(t testing.TB, h *host.Host, n circuittest.Net, arguments schema.Arguments) *host.Chip {
	t.Helper()
	q := n.Request("ideal", arguments)
	chip, r, err := h.Compile(context.Background(), "", q, n.Arena)
	if err != nil {
		t.Fatal(err)
	}
	if chip == nil {
		t.Fatalf("it does not fit: %+v", r)
	}
	t.Cleanup(func() {
		if err := chip.Close(); err != nil {
			t.Error(err)
		}
	})
	return chip
}

// blockOf returns a block for a host's chip with memory for what it gives.
func blockOf(n circuittest.Net, b circuit.Block) host.Block {
	out := host.Block{Circuit: n.Circuit.Name, Steps: b.Steps, Batch: b.Examples, Inputs: b.Inputs}
	for _, p := range n.Circuit.Populations {
		row := b.Examples * circuit.Size(p.Dims)
		if p.Gives && p.Reads {
			out.Outputs = append(out.Outputs, make([]float32, row))
		} else if p.Gives {
			out.Outputs = append(out.Outputs, make([]float32, b.Steps*row))
		}
		if !p.Reads {
			out.Taps = append(out.Taps, make([]float32, b.Steps*row))
		}
	}
	return out
}

// beside runs a block on the same code in the test's process.
func beside(t testing.TB, n circuittest.Net, b circuit.Block) circuittest.Answer {
	t.Helper()
	chip, _, err := circuittest.Ideal().Compile(n.Request("ideal", nil), n.Weights)
	if err != nil {
		t.Fatal(err)
	}
	a, err := circuittest.RunChip(chip, &n.Circuit, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestChip: a chip in a plugin's process gives the numbers of the same code in this one, and counts the same, however a block is cut into
// calls; without taps it gives the same outputs.
func TestChip(t *testing.T) {
	h := start(t, "chips", host.Options{})
	for seed := range uint64(12) {
		n := circuittest.Random(seed, circuittest.Options{NoOnce: true})
		chip := compile(t, h, n, nil)
		b := n.Block(seed, 1+int(seed)*2)
		want := beside(t, n, b)
		got := blockOf(n, b)
		r, err := chip.Emulate(context.Background(), got)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got.Outputs, want.Outputs, slices.Equal) || !slices.EqualFunc(got.Taps, want.Taps, slices.Equal) {
			t.Fatalf("seed %d: a process gives other numbers than the same code in this one", seed)
		}
		near := cmp.Comparer(func(a, b float64) bool { return a == b || a < 1 && max(a-b, b-a) < 1e-12*a }) // joules and seconds are sums of fractions
		if diff := cmp.Diff(r, want.Reply, near); diff != "" {
			t.Fatalf("seed %d: (-got +want)\n%s", seed, diff)
		}
		again := blockOf(n, b)
		again.Taps = nil
		if _, err := chip.Emulate(context.Background(), again); err != nil || !slices.EqualFunc(again.Outputs, want.Outputs, slices.Equal) {
			t.Fatalf("seed %d: other numbers without taps: %v", seed, err)
		}
		asGraph, told := blockOf(n, b), schema.EmulateReply{}
		err = chip.Chips(context.Background(), func(circuit string, examples int, r schema.EmulateReply) { told = r }).Run(&graph.Chip{Circuit: n.Circuit.Name},
			opaque.Examples{Steps: b.Steps, Batch: b.Examples, Inputs: b.Inputs, Outputs: asGraph.Outputs})
		if err != nil || !slices.EqualFunc(asGraph.Outputs, want.Outputs, slices.Equal) || cmp.Diff(told, r) != "" {
			t.Fatalf("seed %d: the circuit of a graph gives other numbers: %v", seed, err)
		}
	}
}

// TestChipRefused: what does not fit is said and is no chip; nor is what a target cannot compile at all, or a circuit that is none.
func TestChipRefused(t *testing.T) {
	h := start(t, "chips", host.Options{})
	n := circuittest.Random(1, circuittest.Options{NoOnce: true, NoReadOut: true})
	last := &n.Circuit.Populations[len(n.Circuit.Populations)-1]
	last.Once = true
	chip, r, err := h.Compile(context.Background(), "", n.Request("ideal", nil), n.Arena)
	if err != nil || chip != nil || r.Fits {
		t.Fatalf("%v %+v %v", chip, r, err)
	}
	said, err := h.Check(context.Background(), "", schema.TargetRequest{Component: "ideal", Circuits: []schema.Circuit{n.Circuit}})
	if err != nil || cmp.Diff(said, r.TargetReply) != "" {
		t.Errorf("Check and Compile say different things: %+v and %+v, %v", said, r.TargetReply, err)
	}
	if l := said.Layers[len(said.Layers)-1]; !l.Host || l.Problem == "" {
		t.Errorf("%+v", l)
	}
	last.Once = false
	last.Depth += 3
	_, _, err = h.Compile(context.Background(), "", n.Request("ideal", nil), n.Arena)
	failure(t, err, "its depth is")
	_, err = h.Check(context.Background(), "", schema.TargetRequest{Component: "ideal", Circuits: []schema.Circuit{n.Circuit}})
	failure(t, err, "its depth is")
	last.Depth -= 3
	_, _, err = h.Compile(context.Background(), "", n.Request("ideal", nil), n.Arena[:len(n.Arena)/2])
	failure(t, err, "are not in an arena of")
	_, _, err = start(t, "good", host.Options{}).Compile(context.Background(), "", n.Request("chip", nil), n.Arena)
	failure(t, err, `target "chip" only tells whether networks fit`)
	if _, err := h.Trace(context.Background(), "", "nosuch", nil, "{}", nil); err == nil {
		t.Error("a target that is not there traces")
	}
	good := compile(t, h, n, nil)
	b := n.Block(1, 2)
	bad := blockOf(n, b)
	bad.Inputs = bad.Inputs[1:]
	if _, err := good.Emulate(context.Background(), bad); err == nil {
		t.Error("an input is missing")
	}
	bad = blockOf(n, b)
	bad.Outputs[0] = bad.Outputs[0][1:]
	if _, err := good.Emulate(context.Background(), bad); err == nil {
		t.Error("an output is too small")
	}
}

// TestChipKilled: a process that is killed at any moment is replaced, compiles again, and changes no number.
func TestChipKilled(t *testing.T) {
	h := start(t, "chips", host.Options{Tries: 10})
	n := circuittest.Random(5, circuittest.Options{NoOnce: true, Neurons: 400, Populations: 4})
	chip := compile(t, h, n, nil)
	b := n.Block(5, 40)
	want := blockOf(n, b)
	begun := time.Now()
	if _, err := chip.Emulate(context.Background(), want); err != nil {
		t.Fatal(err)
	}
	long := time.Since(begun)
	var killed atomic.Int64
	for k := 0; killed.Load() < 5; k++ {
		if k == 100 {
			t.Fatalf("%d kills in %d runs: this tests nothing", killed.Load(), k)
		}
		after := time.AfterFunc(rand.N(long), func() {
			for _, pid := range h.Processes() {
				syscall.Kill(pid, syscall.SIGKILL)
				killed.Add(1)
			}
		})
		got := blockOf(n, b)
		if _, err := chip.Emulate(context.Background(), got); err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got.Outputs, want.Outputs, slices.Equal) || !slices.EqualFunc(got.Taps, want.Taps, slices.Equal) {
			t.Fatal("other numbers")
		}
		after.Stop()
	}
}

// TestChipExport: an export is JSON with its tensors, and what a trace runs.
func TestChipExport(t *testing.T) {
	h := start(t, "chips", host.Options{})
	n := circuittest.Random(6, circuittest.Options{NoOnce: true, NoReadOut: true})
	chip := compile(t, h, n, nil)
	b := n.Block(6, 1)
	example := host.Block{Circuit: n.Circuit.Name, Steps: b.Steps, Batch: 1, Inputs: b.Inputs}
	text, tensors, err := chip.Export(context.Background(), example)
	if err != nil {
		t.Fatal(err)
	}
	if len(tensors) != 1 || tensors[0].Name != "arena" || len(tensors[0].Bytes) != 4*len(n.Arena) {
		t.Fatalf("%+v", tensors)
	}
	if bare, _, err := chip.Export(context.Background()); err != nil || !strings.HasSuffix(bare, `"spikes":null}`) {
		t.Errorf("without an example: %v %s", err, bare)
	}
	for says, bad := range map[string]host.Block{
		`no circuit "other"`: {Circuit: "other", Steps: b.Steps, Batch: 1, Inputs: b.Inputs},
		"2 examples":         {Circuit: n.Circuit.Name, Steps: b.Steps, Batch: 2, Inputs: b.Inputs},
		"and 0 inputs":       {Circuit: n.Circuit.Name, Steps: b.Steps, Batch: 1},
		"input 0 of circuit": {Circuit: n.Circuit.Name, Steps: b.Steps + 1, Batch: 1, Inputs: b.Inputs},
		"with 2 seeds":       {Circuit: n.Circuit.Name, Steps: b.Steps, Batch: 1, Inputs: b.Inputs, Seeds: []uint64{1, 2}},
	} {
		if _, _, err := chip.Export(context.Background(), bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	r, err := h.Trace(context.Background(), "", "ideal", nil, text, tensors)
	if err != nil || r.Error != "" {
		t.Fatal(err, r.Error)
	}
	all := 0.0
	for _, l := range beside(t, n, b).Reply.Layers {
		for _, s := range l.Spikes {
			all += s
		}
	}
	if got := strings.Count(r.Lines, "\n"); got != int(all) || got == 0 {
		t.Errorf("%d spikes, want %v", got, all)
	}
	if r, err = h.Trace(context.Background(), "", "ideal", nil, "cores", nil); err != nil || r.Error == "" {
		t.Errorf("%+v %v", r, err)
	}
}

// oddChips is the plugin of the target `ideal` with a fault that the argument `do` names.
func oddChips() sdk.Plugin {
	p := circuittest.Plugin()
	x := &p.Targets[0]
	x.Component.Params = []schema.Param{{Name: "do", Type: schema.String}}
	whole := x.Compile
	x.Compile = func(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
		do := q.Arguments.Text("do")
		chip, r, err := whole(q, w)
		switch do {
		case "another each time":
			r.Notes = append(r.Notes, strconv.Itoa(os.Getpid()))
		case "panic in compile":
			w(schema.Tensor{Offset: 1 << 40, Dims: []int{1}})
		}
		return &odd{chip, do}, r, err
	}
	return p
}

type odd struct {
	sdk.Chip
	do string
}

func (o *odd) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	switch o.do {
	case "sleep":
		time.Sleep(time.Hour)
	case "panic":
		panic("out of cheese")
	case "fail":
		return schema.EmulateReply{}, errors.New("the moon is full")
	case "exit":
		os.Exit(4)
	}
	r, err := o.Chip.Emulate(b)
	switch o.do {
	case "half a spike":
		b.Taps[0].At(0)[0] = 0.5
	case "an unknown constant":
		r.Energy[0].From = []string{"nosuch"}
	}
	return r, err
}

// TestChipFailures: an emulation has a deadline and ends with its context; faults of a plugin are its, with their words.
func TestChipFailures(t *testing.T) {
	t.Parallel()
	n := circuittest.Random(7, circuittest.Options{NoOnce: true, NoReadOut: true})
	b := n.Block(7, 12)
	do := func(what string) schema.Arguments {
		return schema.Arguments{"do": {Type: schema.String, Text: what}}
	}
	h := start(t, "chips odd", host.Options{Tries: 2})
	for what, says := range map[string]string{"panic": "panic: out of cheese", "fail": "the moon is full", "exit": "the process ended (exit status 4)",
		"half a spike": "it gives 0.5 where it should spike", "an unknown constant": `constant "nosuch"`} {
		_, err := compile(t, h, n, do(what)).Emulate(context.Background(), blockOf(n, b))
		if f := failure(t, err, says); f.Call != "Emulate" {
			t.Errorf("%s: %s failed", what, f.Call)
		}
	}
	for what, says := range map[string]string{"panic in compile": "panic: runtime error"} {
		_, _, err := h.Compile(context.Background(), "", n.Request("ideal", do(what)), n.Arena)
		failure(t, err, says)
	}
	chip := compile(t, h, n, do("another each time"))
	for _, pid := range h.Processes() {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	_, err := chip.Emulate(context.Background(), blockOf(n, b))
	failure(t, err, "it compiles the same circuits otherwise than before")

	chip = compile(t, h, n, do("sleep"))
	ctx, end := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, end)
	begun := time.Now()
	if _, err := chip.Emulate(ctx, blockOf(n, b)); !errors.Is(err, context.Canceled) || time.Since(begun) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	short := start(t, "chips odd", host.Options{Long: 2 * time.Second})
	_, err = compile(t, short, n, do("sleep")).Emulate(context.Background(), blockOf(n, b))
	failure(t, err, "no answer within 2s")
}
