package neurogrid

import (
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

func number(name string, v float64) schema.Arguments {
	return schema.Arguments{name: {Type: schema.Real, Number: v}}
}

// compiled puts a random circuit on the board of a seed.
func compiled(t testing.TB, n circuittest.Net, args schema.Arguments, seed uint64) (*chip, schema.CompileReply) {
	t.Helper()
	q := n.Request("neurogrid", args)
	q.Seed = seed
	out, reply, err := Compile(q, n.Weights)
	if err != nil || out == nil {
		t.Fatalf("%v %+v", err, reply)
	}
	return out.(*chip), reply
}

// An example gives the same alone, beside others and in another order, with one processor and with several; and its seed and the board's
// both matter.
func TestIndependent(t *testing.T) {
	for seed := range uint64(2) {
		n := taken(seed, drawn())
		c, _ := compiled(t, n, nil, 1)
		b := n.Block(seed, 3)
		seeds := []uint64{5, 6, 5}
		circuittest.Independent(t, c, &n.Circuit, b, seeds)
		run := func(c *chip, seeds []uint64) [][]float32 {
			a, err := circuittest.RunChip(c, &n.Circuit, b, seeds)
			if err != nil {
				t.Fatal(err)
			}
			return a.Taps
		}
		same := func(x, y [][]float32) bool {
			return slices.EqualFunc(x, y, func(x, y []float32) bool { return slices.Equal(x, y) })
		}
		first := run(c, seeds)
		was := runtime.GOMAXPROCS(1)
		again := run(c, seeds)
		runtime.GOMAXPROCS(was)
		if !same(first, again) {
			t.Errorf("circuit %d: another outcome with one processor", seed)
		}
		if seed == 1 { // one with enough spikes
			other, _ := compiled(t, n, nil, 2)
			if same(first, run(c, []uint64{7, 8, 9})) || same(first, run(other, seeds)) {
				t.Errorf("circuit %d: neither the seed of the examples nor that of the board may be without effect", seed)
			}
		}
	}
}

// What the board makes of random circuits, against the network's own neurons. Rates of populations are matched on drawn spikes without
// mismatch; how near they come with other spikes, through layers and with mismatch is told, and held to what was found.
func TestRates(t *testing.T) {
	type sums struct{ x, y []float64 }
	by := map[int]*sums{}
	for seed := range uint64(10) {
		n := taken(seed, drawn())
		c, _ := compiled(t, n, number("rate", 1./3), seed)
		b := n.Block(seed, 8)
		a, err := circuittest.RunChip(c, &n.Circuit, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, err := circuit.Run[float64](&n.Circuit, n.Weights, b)
		if err != nil {
			t.Fatal(err)
		}
		for j, p := range n.Circuit.Populations {
			if by[p.Depth] == nil {
				by[p.Depth] = &sums{}
			}
			size := b.Examples * circuit.Size(p.Dims)
			x, y := make([]float64, size), make([]float64, size)
			for i := range want.Spikes[j] {
				x[i%size] += float64(want.Spikes[j][i])
				y[i%size] += float64(a.Taps[j][i])
			}
			s := by[p.Depth]
			s.x, s.y = append(s.x, x...), append(s.y, y...)
		}
	}
	average := func(x []float64) (m float64) {
		for _, v := range x {
			m += v / float64(len(x)) / 8
		}
		return m
	}
	for d := 1; by[d] != nil; d++ {
		x, y := average(by[d].x), average(by[d].y)
		r := correlation(by[d].x, by[d].y)
		t.Logf("depth %d: %d neurons in examples, %.3f spikes per time step in the network and %.3f on the board, correlation of counts %.2f", d, len(by[d].x), x, y, r)
		if d == 1 && (math.Abs(y/x-1) > 0.25 || r < 0.5) {
			t.Errorf("the first layers spike %.3f times per step on the board and %.3f in the network, correlation %.2f", y, x, r)
		}
	}
}

// single is a circuit of one dense population of independent neurons, each with one input of a weight.
func single(weight, bias, decay float64, n, steps int) circuittest.Net {
	c := schema.Circuit{Name: "net", Network: "net", Steps: steps, Inputs: []schema.Input{{Name: "in", Kind: schema.SpikeInput, Dims: []int{n}}}}
	p := schema.Population{Name: "a", Dims: []int{n}, Depth: 1, Gives: true, Dynamics: schema.Dynamics{Decay: decay, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}},
		Synapses: []schema.Synapses{{Population: -1, Kind: schema.Same, View: schema.View{From: []int{n}, Dims: []int{n}}, Weights: schema.Tensor{Dims: []int{1}}}}}
	arena := []float32{float32(weight)}
	if bias != 0 {
		p.Bias = &schema.Tensor{Dims: []int{n}, Offset: 4}
		arena = append(arena, slices.Repeat([]float32{float32(bias)}, n)...)
	}
	c.Populations = []schema.Population{p}
	return circuittest.Net{Circuit: c, Arena: arena}
}

// counted runs one example with all inputs spiking at each time step, or never.
func counted(t *testing.T, c *chip, n circuittest.Net, on float32, seed uint64) (float64, circuittest.Answer) {
	t.Helper()
	b := circuit.Block{Steps: n.Circuit.Steps, Examples: 1}
	b.Inputs = [][]float32{slices.Repeat([]float32{on}, b.Steps*circuit.Size(n.Circuit.Inputs[0].Dims))}
	a, err := circuittest.RunChip(c, &n.Circuit, b, []uint64{seed})
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, v := range a.Taps[0] {
		total += float64(v)
	}
	return total, a
}

// Without input there are no spikes, on ten boards; negative biases alone make none, positive ones some; and the more flows in, the more
// there are. A neuron spikes at most once in a time step, in time.
func TestDrive(t *testing.T) {
	const n, steps = 20, 12
	last := -1.0
	for _, weight := range []float64{0.1, 0.3, 0.6, 1.2} {
		net := single(weight, 0, 0.8, n, steps)
		l := defaults(t, nil)
		board := newLayout(l, []schema.Circuit{net.Circuit}, func(where) bool { return false })
		// The gain is held, so that the weight alone says what flows in.
		p := board.plan(&net.Circuit, 0, net.Weights)
		p.kappa, p.inhibition = 0.35, 1
		plans := map[where]*plan{{}: p}
		x := board.program(&net.Circuit, 0, plans, board.amplitudes(plans))
		var totals []float64
		for seed := range uint64(10) {
			c := &chip{layout: board, programs: map[string]*program{"net": x}, boards: map[string]*emulator.Chip{"net": x.board.Draw(seed, 0.1)}}
			if silent, _ := counted(t, c, net, 0, seed); silent != 0 {
				t.Errorf("board %d: %v spikes without input", seed, silent)
			}
			total, _ := counted(t, c, net, 1, seed)
			totals = append(totals, total/n/steps)
		}
		mean := 0.0
		for _, v := range totals {
			mean += v / 10
		}
		t.Logf("weight %.1f: %.3f spikes per time step", weight, mean)
		if mean < last || mean > 1 {
			t.Errorf("weight %v: %v spikes per time step, and with less %v", weight, mean, last)
		}
		last = mean
	}
	if last < 0.5 {
		t.Errorf("an input of more than a threshold in each time step makes %v spikes per time step", last)
	}
	for bias, spikes := range map[float64]bool{-0.5: false, 0.5: true} {
		net := single(0.5, bias, 0.8, n, steps)
		c, _ := compiled(t, net, nil, 1)
		if total, _ := counted(t, c, net, 0, 1); total > 0 != spikes {
			t.Errorf("bias %v: %v spikes", bias, total)
		}
	}
}

// The rate at a constant conductance over ten boards: the mean is that of the closed form, and the spread is that of mismatch.
func TestExpected(t *testing.T) {
	p := emulator.Parameters{Tau: 10, Refractory: 5}
	for k := range p.Synapses {
		p.Synapses[k] = emulator.Synapse{Tau: 1e6, Gain: 1, Most: 100, Reversal: excitatory}
	}
	const n = 100
	b := &emulator.Board{Step: 0.1, Cores: []emulator.Parameters{p}, Layers: 1, Inputs: 1, First: make([]int, n+2), Layer: make([]int32, n)}
	for i := range n {
		b.Place = append(b.Place, int32(i))
		b.Wires = append(b.Wires, emulator.Wire{Target: int32(i), Probability: 1})
	}
	b.First[n+1] = n
	want := 1000 / (p.Refractory + emulator.Saturated(p.Tau, 1, excitatory))
	var rates []float64
	for seed := range uint64(10) {
		var first, last, spikes [n]float64
		_, err := b.Draw(seed, 0.1).Run(t.Context(), 1, 500, []emulator.Event{{}}, func(i int, at float64) {
			if spikes[i] == 0 {
				first[i] = at
			}
			spikes[i]++
			last[i] = at
		})
		if err != nil {
			t.Fatal(err)
		}
		rate := 0.0
		for i := range n {
			rate += 1000 * (spikes[i] - 1) / (last[i] - first[i]) / n
		}
		rates = append(rates, rate)
	}
	mean, deviation := 0.0, 0.0
	for _, r := range rates {
		mean += r / 10
	}
	for _, r := range rates {
		deviation += (r - mean) * (r - mean) / 9
	}
	deviation = math.Sqrt(deviation)
	t.Logf("%.2f +- %.2f Hz on ten boards, %.2f Hz without mismatch", mean, deviation, want)
	// Mismatch moves the mean in the second order of sigma alone, by some 0.01, and that of n neurons spreads by about sigma / sqrt n.
	if math.Abs(mean/want-1) > 0.02 || deviation/mean < 0.001 || deviation/mean > 0.02 {
		t.Errorf("%v +- %v Hz, want %v", mean, deviation, want)
	}
}

// Drives are sent as spikes: more drive, more events, with the sign of the drive; beyond what the host can send they are held
// and counted.
func TestHostDrive(t *testing.T) {
	net := single(0.5, 0, 0.8, 20, 10)
	c := &net.Circuit
	c.Inputs = append(c.Inputs, schema.Input{Name: "drive", Kind: schema.DriveInput, Dims: []int{20}})
	c.Populations[0].Drive = []int{1}
	chip, _ := compiled(t, net, nil, 1)
	last := -1.0
	for _, drive := range []float32{-1, 0, 0.3, 0.6, 50} {
		b := circuit.Block{Steps: 10, Examples: 1, Inputs: [][]float32{make([]float32, 200), slices.Repeat([]float32{drive}, 20)}}
		a, err := circuittest.RunChip(chip, c, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		total := 0.0
		for _, v := range a.Taps[0] {
			total += float64(v)
		}
		if drive <= 0 && total != 0 || total < last || drive > 1 && total < 100 {
			t.Errorf("drive %v: %v spikes, with less %v", drive, total, last)
		}
		if drive < 0 && a.Reply.Layers[0].Synops == 0 {
			t.Error("a negative drive sends nothing")
		}
		if held := a.Reply.Layers[0].Clipped; drive < 50 && held != 0 || drive == 50 && held != 20*10 {
			t.Errorf("drive %v: %v are held", drive, held)
		}
		last = total
	}
}

// Events and energy of one case by hand, and that the published figures fit each other.
func TestEnergy(t *testing.T) {
	if x := powerLow / (eventPJ * 1e-12); math.Abs(x/3.19e9-1) > 0.001 {
		t.Errorf("3 W are %v events a second", x)
	}
	for rate, pj := range map[float64]float64{1: 375, 5: 75, 10: 37.5} { // of 8e9 synapses
		if x := powerLow / (8e9 * rate) * 1e12; math.Abs(x-pj) > 1e-9 {
			t.Errorf("%v Hz: %v pJ a synapse", rate, x)
		}
	}
	if x := powerLow / emulator.Neurocores; math.Abs(x-0.188) > 0.0006 {
		t.Errorf("%v W of a Neurocore", x)
	}
	net := single(1, 0, 0.5, 10, 4)
	c, reply := compiled(t, net, number("mismatch", 0), 1)
	_, a := counted(t, c, net, 1, 1)
	l := a.Reply.Layers[0]
	if l.Synops != 40 { // 10 neurons with one input each of the largest weight, 4 times
		t.Errorf("%v events", l.Synops)
	}
	if l.Hops != 4*l.Messages || l.Messages < 40 {
		t.Errorf("%v messages, %v hops", l.Messages, l.Hops)
	}
	x := c.programs["net"]
	seconds := (4*40 + x.offset[0]) / 1e3
	for _, e := range a.Reply.Energy {
		want := map[string]float64{"board": 3 * seconds, "Neurocores in use": 3.0 / 16 * seconds, "indicative: events": 40 * 941e-12}[e.Profile]
		if math.Abs(e.Low/want-1) > 1e-9 || e.High < e.Low || len(e.From) == 0 {
			t.Errorf("%+v, want %v", e, want)
		}
		for _, name := range e.From {
			if !slices.ContainsFunc(reply.Constants, func(c schema.Constant) bool { return c.Name == name }) {
				t.Errorf("%s comes from %q, which is no constant", e.Profile, name)
			}
		}
	}
	if time := a.Reply.Time[0]; math.Abs(time.Used-seconds) > 1e-12 || math.Abs(time.Limit-seconds-5*40/math.Ln2/1e3) > 1e-9 {
		t.Errorf("%+v, want %v s", time, seconds)
	}
}

// What an example is expected to have of events is what it has with the rates that are expected, and the examples that run at a time are
// no more than have room.
func TestFlight(t *testing.T) {
	const n, steps = 20, 12
	net := single(0.5, 0.4, 0.8, n, steps)
	c, _ := compiled(t, net, number("rate", 1), 1)
	x := c.programs["net"]
	_, a := counted(t, c, net, 1, 1)
	host := float64(steps * (n + x.tonics[0].spikes))
	if got := a.Reply.Layers[0].Synops + host; math.Abs(got/x.expected()-1) > 0.1 {
		t.Errorf("%v events and spikes of the host, expected %v", got, x.expected())
	}
	for events, want := range map[float64]int{x.expected(): cap(x.flight), 0: 1 << 16, 1<<20 - 1: 64, 1<<26 - 1: 1, 1e12: 1} {
		if got := flights(events); got != want {
			t.Errorf("%d examples of %v events at a time, want %d", got, events, want)
		}
	}
	x.flight = make(chan struct{}, 1)
	x.flight <- struct{}{} // as an example of another call does
	done := make(chan error)
	go func() {
		_, err := circuittest.RunChip(c, &net.Circuit, circuit.Block{Steps: steps, Examples: 3, Inputs: [][]float32{make([]float32, 3*n*steps)}}, nil)
		done <- err
	}()
	select {
	case <-done:
		t.Fatal("examples run without room")
	case <-time.After(20 * time.Millisecond):
	}
	<-x.flight
	if err := <-done; err != nil || len(x.flight) != 0 {
		t.Errorf("%v, %d examples still run", err, len(x.flight))
	}
}
