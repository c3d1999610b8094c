package deploy

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/place"
	"snnc.dev/snnc/runtime/record"
)

// part is a network of three layers, of 5, 4 and 3 neurons, that takes spikes of 8 at 4 time steps; its weights are all 0.3.
func part(t *testing.T, role string, runs float64) Part {
	t.Helper()
	text, err := os.ReadFile("testdata/network.txt")
	if err != nil {
		t.Fatal(err)
	}
	m, err := graph.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return Part{Role: role, Module: m, Runs: runs, Variables: func(name string) []float32 {
		return slices.Repeat([]float32{0.3}, m.Variable(name).Type.Size())
	}}
}

// takes answers like a chip that refuses populations of so many neurons, and fails where circuits do not hold together.
func takes(t *testing.T, refused ...int) place.Check {
	return func(_ context.Context, circuits []schema.Circuit) (schema.TargetReply, error) {
		if err := circuit.VerifyAll(circuits); err != nil {
			t.Error(err)
		}
		r := schema.TargetReply{Fits: true}
		for _, c := range circuits {
			for _, p := range c.Populations {
				l := schema.Placement{Network: c.Network, Layer: p.Name, Used: []schema.Amount{{Name: "cores", Used: 1}}}
				if slices.Contains(refused, circuit.Size(p.Dims)) {
					r.Fits, l.Host, l.Problem = false, true, "an odd size"
				}
				r.Layers = append(r.Layers, l)
			}
		}
		return r, nil
	}
}

// What a target refuses stays on the host with its reason, what lies on either side of that are circuits of their own, and a network that
// must stay does so as a whole.
func TestPlace(t *testing.T) {
	stays := part(t, "b", 1)
	stays.Stays = "it is carried"
	parts := []Part{part(t, "a", 3), stays, part(t, "c", 1)}
	p, err := Place(context.Background(), takes(t, 4), parts, nil)
	if err != nil || !p.Reply.Fits {
		t.Fatal(p, err)
	}
	count := map[string]int{}
	for _, l := range p.Layers {
		count[l.Network+" "+l.Where]++
		switch {
		case l.Where == record.OnChip && (l.Neurons == 4 || len(l.Used) != 1 || l.Synapses == 0):
			t.Errorf("%+v", l)
		case l.Where == record.OnHost && l.Network == "b" && l.Reason != "it is carried":
			t.Errorf("%+v", l)
		}
	}
	if count["a chip"] != 2 || count["c chip"] != 2 || count["b chip"] > 0 || count["b host"] == 0 || count["a host"] == 0 {
		t.Errorf("%v", count)
	}
	if !slices.ContainsFunc(p.Layers, func(l record.DeployedLayer) bool { return l.Network == "a" && l.Reason == "an odd size" }) {
		t.Errorf("nobody says why: %+v", p.Layers)
	}
	for _, c := range p.Circuits {
		if err := circuit.Within(c, 4*len(p.Tensors)); err != nil {
			t.Error(err)
		}
	}
	if p.Modules["b"] != stays.Module || p.Modules["a"] == parts[0].Module {
		t.Error("the wrong networks are rewritten")
	}
	if none, err := Place(context.Background(), takes(t, 3, 4, 5), parts, nil); err != nil || len(none.Circuits) > 0 || !slices.Contains(none.Reasons(), Reason{"a 1.linear, a neuron.0, a 3.linear, 9 more: an odd size", "a", "1.linear"}) {
		t.Errorf("%v %v", none, err)
	}
	if n := p.Nodes["a"]["1.linear"]; len(n) != 2 || n[0].Op != graph.OpMatmul || n[1].Op != graph.OpEquation {
		t.Errorf("the layer that is refused comes from %v", n)
	}
	again, err := Place(context.Background(), takes(t), parts, p.Refused)
	if err != nil || len(again.Circuits) != len(p.Circuits) || !slices.EqualFunc(again.Refused, p.Refused, func(a, b place.Refusal) bool { return a.Population == b.Population && a.Reason == b.Reason }) {
		t.Errorf("what was refused before lies on the chip: %+v, %v", again, err)
	}
	broken := errors.New("broken")
	if _, err := Place(context.Background(), func(context.Context, []schema.Circuit) (schema.TargetReply, error) {
		return schema.TargetReply{}, broken
	}, parts, nil); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// What is left to the host of a network that works at any number of time steps counts at those at which it is applied.
func TestSteps(t *testing.T) {
	for _, x := range []struct{ steps, want float64 }{{0, 4}, {10, 10}, {2.5, 2.5}} {
		a := part(t, "a", 3)
		a.Steps = x.steps
		p, err := Place(context.Background(), takes(t, 4, 5), []Part{a}, nil)
		if err != nil {
			t.Fatal(err)
		}
		host := map[string]float64{}
		for _, l := range p.Layers {
			if l.Where == record.OnHost {
				host[l.Kind] += l.Operations
			}
		}
		if host["linear"] != 3*x.want*(8*5+5*4) || host["neuron"] != 0 {
			t.Errorf("applied at %v steps: %v", x.steps, host)
		}
	}
}

// Weights that are finite and whose sums are not are told where the network is measured.
func TestOverflow(t *testing.T) {
	a := part(t, "a", 1)
	a.Variables = func(name string) []float32 {
		return slices.Repeat([]float32{3e38}, a.Module.Variable(name).Type.Size())
	}
	p, err := Place(context.Background(), takes(t), []Part{a}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(context.Background(), p)
	s.Watch(true, false)
	if err := s.Run(&graph.Chip{Circuit: p.Circuits[0].Name}, opaque.Examples{Steps: 4, Batch: 1, Inputs: [][]float32{slices.Repeat([]float32{1}, 4*8)}, Outputs: [][]float32{make([]float32, 4*3)}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Measure(p, 1); err == nil || !strings.HasPrefix(err.Error(), "layer 1.linear of network a: a membrane is +Inf in software") {
		t.Error(err)
	}
}

// emulator is a chip that computes as software does, and costs 1 J an example.
type emulator struct{ *Server }

func (e emulator) Emulate(_ context.Context, b host.Block) (schema.EmulateReply, error) {
	r := schema.EmulateReply{Ticks: 6 * float64(b.Batch), Energy: []schema.Energy{{Profile: "p", Part: schema.Dynamic, Low: float64(b.Batch), High: 2 * float64(b.Batch)}}, Time: []schema.Amount{{Name: "all", Used: float64(b.Batch), Limit: 3 * float64(b.Batch)}}}
	all, err := e.software[b.Circuit].run(b, nil)
	for i, d := range all {
		r.Layers = append(r.Layers, schema.Activity{Layer: e.software[b.Circuit].c.Populations[i].Name, Spikes: d.spikes, Synops: d.synops})
	}
	return r, err
}

// What circuits do is counted for each inference, whichever number of times that runs them, and compared with software.
func TestServer(t *testing.T) {
	parts := []Part{part(t, "a", 2)} // an inference applies it twice
	p, err := Place(context.Background(), takes(t), parts, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(context.Background(), p)
	g := &graph.Chip{Circuit: p.Circuits[0].Name}
	run := func(examples int) []float32 {
		t.Helper()
		out := make([]float32, 4*examples*3)
		if err := s.Run(g, opaque.Examples{Steps: 4, Batch: examples, Inputs: [][]float32{slices.Repeat([]float32{1}, 4*examples*8)}, Outputs: [][]float32{out}}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	run(7) // nobody counts
	s.Watch(true, false)
	run(5)
	run(5)
	s.Watch(false, false)
	before := len(p.Tensors)
	if err := s.Measure(p, 5); err != nil {
		t.Fatal(err)
	}
	for i, q := range p.Circuits[0].Populations {
		m := q.Measured
		if m == nil || m.Rate <= 0 || m.Rate > 1 || m.Active != 1 || m.Low > m.High || len(p.Tensors) == before || p.Layers[i].Measured == nil {
			t.Fatalf("%+v", m)
		}
		rates := circuit.In(p.Tensors)(*m.Rates)
		mean := 0.0
		for _, v := range rates {
			mean += float64(v) / float64(len(rates))
		}
		if math.Abs(mean-m.Rate) > 1e-6 {
			t.Errorf("rates of %v have a mean of %v, not %v", rates, mean, m.Rate)
		}
	}
	if err := circuit.Within(p.Circuits[0], 4*len(p.Tensors)); err != nil {
		t.Error(err)
	}
	soft := run(3)
	s.Emulate(emulator{s})
	s.Watch(true, true)
	chip := run(3)
	run(3)
	if !slices.Equal(soft, chip) || !slices.Contains(chip, 1) {
		t.Errorf("%v, %v", chip, soft)
	}
	d := record.Deployment{Layers: p.Layers, CPU: &record.CPU{Seconds: 2, Threads: 3}}
	s.Report(&d, 3, 3)
	if d.Ticks != 12 || d.Seconds != (record.Bounds{Low: 2, High: 6}) || len(d.Totals) != 1 || d.Totals[0].Low != 2 || d.Totals[0].High != 4 {
		t.Errorf("%+v", d)
	}
	for i, l := range d.Layers {
		if l.Where == record.OnChip && (l.Activity.Synops != l.Software.Synops || !slices.Equal(l.Activity.Spikes, l.Software.Spikes) || l.Activity.Spikes[3] == 0) {
			t.Errorf("%d: %+v %+v", i, l.Activity, l.Software)
		}
		if l.Software != nil {
		}
	}
	for _, l := range d.Agreement {
		for _, x := range l.Steps {
			if x.Software != x.Chip || x.Both != x.Chip {
				t.Errorf("%s: %+v", l.Layer, x)
			}
		}
	}
	if len(d.Agreement) != 3 {
		t.Errorf("%+v", d.Agreement)
	}
	macs := MultiplyAccumulates(parts)
	if macs != 2*(8*5+5*4+4*3) {
		t.Errorf("%v multiply-accumulates", macs)
	}
	if s.Busy() <= 0 {
		t.Error("the server was never at work")
	}
	other := NewServer(context.Background(), p)
	for _, steps := range []int{5, 6} {
		err := other.Run(g, opaque.Examples{Steps: steps, Batch: 1, Inputs: [][]float32{make([]float32, steps*8)}, Outputs: [][]float32{make([]float32, steps*3)}})
		if (err == nil) != (steps == 5) {
			t.Errorf("%d time steps: %v", steps, err)
		}
	}
	if err := other.Measure(p, 1); err != nil || p.Circuits[0].Steps != 5 {
		t.Errorf("the circuit has %d time steps: %v", p.Circuits[0].Steps, err)
	}
	if err := s.Run(&graph.Chip{Circuit: "none"}, opaque.Examples{}); err == nil {
		t.Error("a circuit is run that is not placed")
	}
}
