//go:build python

package python_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/runtime/host"
)

// exactly are circuits whose sums are exact in whatever order they are added up: whole numbers, halved a few times.
var exactly = circuittest.Options{Whole: 4, Decays: []float64{1, 0.5, 0}, NoOnce: true}

// A target in Python answers as its twin in Go: what check and compile say, the numbers of every block, and what is counted, however a
// block is cut into calls; a process that dies in the middle of one changes nothing.
func TestChips(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	h := start(t)
	ctx := context.Background()
	for seed := range uint64(25) {
		n := circuittest.Random(seed, exactly)
		do := schema.Arguments{"do": {Type: schema.String}}
		if seed == 3 {
			do["do"] = schema.Value{Type: schema.String, Text: "die"}
		}
		ours, want, err := circuittest.Ideal().Compile(n.Request("ideal", nil), n.Weights)
		if err != nil {
			t.Fatal(err)
		}
		theirs, got, err := h.Compile(ctx, "acme/chips", n.Request("ideal", do), n.Arena)
		if err != nil {
			t.Fatal(err)
		}
		empty := cmp.FilterValues(func(a, b []string) bool { return len(a)+len(b) == 0 }, cmp.Ignore())
		if diff := cmp.Diff(got, want, empty); diff != "" {
			t.Fatalf("seed %d: compiled (-Python +Go)\n%s", seed, diff)
		}
		said, err := h.Check(ctx, "acme/chips", schema.TargetRequest{Component: "ideal", Arguments: do, Circuits: []schema.Circuit{n.Circuit}})
		if err != nil || cmp.Diff(said, want.TargetReply) != "" {
			t.Fatalf("seed %d: checked %v\n%s", seed, err, cmp.Diff(said, want.TargetReply))
		}
		b := n.Block(seed, 9)
		a, err := circuittest.RunChip(ours, &n.Circuit, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		block := host.Block{Circuit: n.Circuit.Name, Steps: b.Steps, Batch: b.Examples, Inputs: b.Inputs}
		for _, x := range a.Outputs {
			block.Outputs = append(block.Outputs, make([]float32, len(x)))
		}
		for _, x := range a.Taps {
			block.Taps = append(block.Taps, make([]float32, len(x)))
		}
		r, err := theirs.Emulate(ctx, block)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(block.Outputs, a.Outputs, slices.Equal) || !slices.EqualFunc(block.Taps, a.Taps, slices.Equal) {
			t.Fatalf("seed %d: Python computes something else", seed)
		}
		near := cmp.Comparer(func(a, b float64) bool { return a == b || a < 1 && max(a-b, b-a) < 1e-12*a })
		if diff := cmp.Diff(r, a.Reply, near); diff != "" {
			t.Fatalf("seed %d: counted (-Python +Go)\n%s", seed, diff)
		}
		if err := theirs.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An export in Python is that of its twin in Go, with the same bytes of tensors, and what both trace.
func TestChipExport(t *testing.T) {
	h := start(t)
	ctx := context.Background()
	o := exactly
	o.NoReadOut = true
	n := circuittest.Random(2, o)
	chip, _, err := h.Compile(ctx, "acme/chips", n.Request("ideal", nil), n.Arena)
	if err != nil {
		t.Fatal(err)
	}
	defer chip.Close()
	b := n.Block(2, 1)
	text, tensors, err := chip.Export(ctx, host.Block{Circuit: n.Circuit.Name, Steps: b.Steps, Batch: 1, Inputs: b.Inputs})
	if err != nil {
		t.Fatal(err)
	}
	ours, _, err := circuittest.Ideal().Compile(n.Request("ideal", nil), n.Weights)
	if err != nil {
		t.Fatal(err)
	}
	want, bytes, err := ours.Export(circuittest.Example(&n.Circuit, b, 0))
	if err != nil {
		t.Fatal(err)
	}
	if len(tensors) != 1 || !slices.Equal(tensors[0].Bytes, bytes[0]) {
		t.Error("other tensors")
	}
	traced := func(text string) string {
		byPython, err := h.Trace(ctx, "acme/chips", "ideal", nil, text, tensors)
		if err != nil || byPython.Error != "" {
			t.Fatal(err, byPython.Error)
		}
		byGo, err := circuittest.Ideal().Trace(schema.TraceRequest{Text: text}, map[string][]byte{"arena": tensors[0].Bytes})
		if err != nil || byGo != byPython {
			t.Errorf("traced otherwise: %v\n%s\n%s", err, byPython.Lines, byGo.Lines)
		}
		return byGo.Lines
	}
	if a, b := traced(text), traced(want); a != b || a == "" {
		t.Errorf("the exports are traced otherwise:\n%s\n%s", a, b)
	}
}

// Faults in Python have their words: complaints, what does not fit, inputs that are written to, and calls that are not about a chip.
func TestChipFaults(t *testing.T) {
	h := start(t)
	ctx := context.Background()
	do := func(what string) schema.Arguments {
		return schema.Arguments{"do": {Type: schema.String, Text: what}}
	}
	r, err := h.Check(ctx, "acme/chips", schema.TargetRequest{Component: "ideal", Arguments: do("refuse")})
	if err != nil || len(r.Complaints) != 1 || r.Complaints[0].Path != "do" {
		t.Errorf("%+v %v", r, err)
	}
	o := exactly
	o.NoReadOut = true
	n := circuittest.Random(4, o)
	last := &n.Circuit.Populations[0]
	last.Once = true
	chip, c, err := h.Compile(ctx, "acme/chips", n.Request("ideal", nil), n.Arena)
	if err != nil || chip != nil || c.Fits || !c.Layers[0].Host {
		t.Errorf("%+v %v", c, err)
	}
	last.Once = false
	chip, _, err = h.Compile(ctx, "acme/chips", n.Request("ideal", do("write")), n.Arena)
	if err != nil {
		t.Fatal(err)
	}
	defer chip.Close()
	b := n.Block(1, 1)
	block := host.Block{Circuit: n.Circuit.Name, Steps: b.Steps, Batch: 1, Inputs: b.Inputs}
	for _, p := range n.Circuit.Populations {
		if p.Gives && p.Reads {
			block.Outputs = append(block.Outputs, make([]float32, circuit.Size(p.Dims)))
		} else if p.Gives {
			block.Outputs = append(block.Outputs, make([]float32, b.Steps*circuit.Size(p.Dims)))
		}
	}
	if _, err := chip.Emulate(ctx, block); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Error(err)
	}
	if _, err := h.Trace(ctx, "acme/twin", "chip", nil, "{}", nil); err == nil {
		t.Error("a target without a trace traces")
	}
	if r, err := h.Trace(ctx, "acme/chips", "ideal", nil, "cores", nil); err != nil || r.Error == "" {
		t.Errorf("%+v %v", r, err)
	}
}

// Circuits that do not hold together are refused in Python where they are in Go, with the same words for most.
func TestChipVerify(t *testing.T) {
	h := start(t)
	refused := 0
	for seed := range uint64(150) {
		n := circuittest.Random(seed, circuittest.Options{})
		draw := rand.New(rand.NewPCG(seed, 1))
		c := &n.Circuit
		p := &c.Populations[draw.IntN(len(c.Populations))]
		s := &p.Synapses[draw.IntN(len(p.Synapses))]
		what := []func(){
			func() {}, func() { c.Name = "" }, func() { c.Steps = 0 }, func() { c.Inputs[0].Kind = "light" }, func() { c.Inputs[0].Dims = []int{0} }, func() { p.Name = "" },
			func() { p.Name = c.Populations[0].Name }, func() { p.Dims = append(p.Dims, 1) }, func() { p.Decay = 1.5 }, func() { p.CurrentDecay = -1 }, func() { p.Current = !p.Current },
			func() { p.Refractory = -1 }, func() { p.Reads = !p.Reads }, func() { p.Scale = 0 }, func() { p.Reset.Kind = "of" }, func() { p.Late = !p.Late }, func() { p.Depth++ },
			func() { p.Drive = []int{0} }, func() { p.Bias = &schema.Tensor{Dims: []int{1, 1}} }, func() { s.Population++ }, func() { s.Input = 7 }, func() { s.Kind = schema.Pool },
			func() { s.Kind = schema.Same }, func() { s.Kernel++ }, func() { s.Stride++ }, func() { s.Pad++ }, func() { s.Weights.Dims = []int{2} }, func() { s.Delay++ },
			func() { s.View.Offset++ }, func() { s.View.Tall = 2 }, func() { s.View.Dims = []int{2, 1, 1} }, func() { s.View.From = []int{3} },
			func() { p.Measured = &schema.Measured{Examples: 1, Rate: 0.5, High: 1} }, func() { p.Measured = &schema.Measured{Rate: 0.5} },
		}
		k := draw.IntN(len(what))
		what[k]()
		ours := circuit.VerifyAll([]schema.Circuit{n.Circuit})
		_, theirs := h.Check(context.Background(), "acme/chips", schema.TargetRequest{Component: "ideal", Circuits: []schema.Circuit{n.Circuit}})
		if (ours == nil) != (theirs == nil) {
			t.Errorf("seed %d, change %d: in Go %v, in Python %v", seed, k, ours, theirs)
		}
		if ours != nil {
			refused++
		}
	}
	if refused < 60 || refused > 145 {
		t.Errorf("%d refused: this tests little", refused)
	}
}
