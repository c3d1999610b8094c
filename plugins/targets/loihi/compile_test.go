package loihi

import (
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
)

// accepted draws circuits of which no population is refused: what would be is set to what the chip has.
func accepted(seed uint64, o circuittest.Options) circuittest.Net {
	o.Resets = []schema.ResetKind{schema.ResetTo}
	n := circuittest.Random(seed, o)
	for i := range n.Circuit.Populations {
		p := &n.Circuit.Populations[i]
		if p.Reset.Value = 0; p.Depth > 1 || p.Late {
			p.Start = 0
		}
		if p.Current {
			p.Drive = nil
		}
	}
	return n
}

// compiledNet compiles a circuit for a chip of many cores.
func compiledNet(t *testing.T, n circuittest.Net, bits int) (*onChip, schema.CompileReply) {
	t.Helper()
	chip, r, err := Compile(n.Request("loihi", arguments(1024, bits)), n.Weights)
	if err != nil || chip == nil {
		t.Fatalf("%v\n%s", err, checktest.Text(r.TargetReply))
	}
	return chip.(*onChip), r
}

// meant is the circuit that the chip's registers stand for.
func meant(n circuittest.Net, x *onChip) (of circuittest.Net) {
	of.Circuit = x.circuits[0]
	of.Circuit.Populations = slices.Clone(of.Circuit.Populations)
	lay := func(list []float32, dims []int) schema.Tensor {
		at := schema.Tensor{Dims: dims, Offset: 4 * len(of.Arena)}
		of.Arena = append(of.Arena, list...)
		return at
	}
	for i := range of.Circuit.Populations {
		p := &of.Circuit.Populations[i]
		d, weights, bias := x.registers[0][i].Dequantized(p)
		p.Dynamics, p.Synapses = d, slices.Clone(p.Synapses)
		for k := range p.Synapses {
			p.Synapses[k].Weights = lay(weights[k], p.Synapses[k].Weights.Dims)
		}
		if p.Bias != nil {
			at := lay(bias, p.Bias.Dims)
			p.Bias = &at
		}
	}
	return of
}

// spikes splits what a chip gives by population; read-outs have none.
func spikes(c *schema.Circuit, taps [][]float32) [][]float32 {
	out := make([][]float32, len(c.Populations))
	for i := range c.Populations {
		if !c.Populations[i].Reads {
			out[i], taps = taps[0], taps[1:]
		}
	}
	return out
}

// agrees runs a net on a chip and by the reference, and sees that all spikes are the same. It returns what both give and how many spikes
// there are.
func agrees(t *testing.T, what string, chip sdk.Chip, n circuittest.Net, b circuit.Block) (got circuittest.Answer, want circuit.Outcome[float64], fired int) {
	t.Helper()
	got, err := circuittest.RunChip(chip, &n.Circuit, b, nil)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if want, err = circuit.Run[float64](&n.Circuit, n.Weights, b); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for i, s := range spikes(&n.Circuit, got.Taps) {
		for k, v := range s {
			if v != want.Spikes[i][k] {
				t.Fatalf("%s: spike %d of population %d is %v, want %v: %+v", what, k, i, v, want.Spikes[i][k], n.Circuit.Populations[i])
			}
			fired += int(v)
		}
	}
	return got, want, fired
}

// outputs has for each population what the host reads of it; nil of one that does not give.
func outputs(c *schema.Circuit, given [][]float32) [][]float32 {
	out := make([][]float32, len(c.Populations))
	for i := range c.Populations {
		if c.Populations[i].Gives {
			out[i], given = given[0], given[1:]
		}
	}
	return out
}

// Where all numbers are whole and membranes keep all or nothing, the deployed network is the network: the same spikes, the same read-outs.
func TestExact(t *testing.T) {
	fired := 0
	for seed := range uint64(80) {
		n := accepted(seed, circuittest.Options{Whole: 1 + int(seed%31), Decays: []float64{0, 1}, NoCurrent: true, NoDrive: true})
		x, _ := compiledNet(t, n, 8)
		b := n.Block(seed, 3)
		got, want, f := agrees(t, fmt.Sprintf("seed %d", seed), x, n, b)
		fired += f
		at := 0
		for i := range n.Circuit.Populations {
			p := &n.Circuit.Populations[i]
			if !p.Gives {
				continue
			}
			for k, v := range got.Outputs[at] {
				left := 0.0 // a membrane that keeps nothing keeps a 4096th of what it was a step before, and that as much
				for step := 0; p.Reads && p.Decay == 0 && step < b.Steps-1; step++ {
					left = (math.Abs(want.Membranes[i][step*len(want.ReadOuts[i])+k]*p.Scale) + left) / 4096
				}
				if p.Reads && math.Abs(float64(v)-want.ReadOuts[i][k]) > 1e-6*math.Abs(want.ReadOuts[i][k])+left {
					t.Errorf("seed %d: read-out %d of population %d is %v, want %v", seed, k, i, v, want.ReadOuts[i][k])
				}
				if !p.Reads && v != want.Spikes[i][k] {
					t.Fatalf("seed %d: output %d of population %d is %v, want %v", seed, k, i, v, want.Spikes[i][k])
				}
			}
			at++
		}
	}
	if fired < 5000 {
		t.Errorf("%d spikes are too few to say something", fired)
	}
}

// The chip computes what its registers stand for, spike by spike, as long as no membrane has come so near to its threshold that rounding
// can decide; how much of the network itself is left depends on the bits.
func TestAgree(t *testing.T) {
	for _, bits := range []int{8, 4, 2} {
		clear, unclear, same, all, own := 0, 0, 0, 0, 0
		for seed := range uint64(40) {
			n := accepted(seed, circuittest.Options{})
			x, _ := compiledNet(t, n, bits)
			b := n.Block(seed, 2)
			got, err := circuittest.RunChip(x, &n.Circuit, b, nil)
			if err != nil {
				t.Fatal(err)
			}
			of := meant(n, x)
			inputs := b
			if len(of.Circuit.Inputs) > len(b.Inputs) {
				inputs.Inputs = append(slices.Clip(b.Inputs), slices.Repeat([]float32{1}, b.Steps*b.Examples))
			}
			want, err := circuit.Run[float64](&of.Circuit, of.Weights, inputs)
			if err != nil {
				t.Fatal(err)
			}
			network, err := circuit.Run[float64](&n.Circuit, n.Weights, b)
			if err != nil {
				t.Fatal(err)
			}
			for e := range b.Examples {
				near := make([]bool, len(x.registers[0]))
				for i, s := range spikes(&n.Circuit, got.Taps) {
					p, r := &of.Circuit.Populations[i], &x.registers[0][i]
					for _, y := range p.Synapses {
						near[i] = near[i] || y.Population >= 0 && near[y.Population]
					}
					size := circuit.Size(p.Dims)
					// A state loses less than 1 in a step, and a drive is rounded to its exponent.
					lost := 1.0
					if p.Current {
						lost += float64(b.Steps)
					}
					if len(p.Drive) > 0 {
						lost += math.Ldexp(0.5, r.BiasExponent)
					}
					lost = (lost*float64(b.Steps) + 1) / r.Scale
					if s == nil {
						continue
					}
					differ := ""
					for step := range b.Steps {
						for k := range size {
							at := (step*b.Examples+e)*size + k
							v := want.Membranes[i][at]
							near[i] = near[i] || math.Abs(v-p.Threshold) <= lost+1e-6*math.Abs(v)
							if all++; s[at] == want.Spikes[i][at] {
								same++
							} else if differ == "" {
								differ = fmt.Sprintf("seed %d, population %d, example %d, step %d, neuron %d: %v spikes, want %v", seed, i, e, step, k, s[at], want.Spikes[i][at])
							}
							if s[at] == network.Spikes[i][at] {
								own++
							}
						}
					}
					if near[i] {
						unclear++
					} else if clear++; differ != "" {
						t.Error(differ)
					}
				}
			}
		}
		t.Logf("%d bits: %d populations and examples are clear and the same, %d unclear; %.5f of all spikes and silences are those of the registers' numbers, %.5f those of the network",
			bits, clear, unclear, float64(same)/float64(all), float64(own)/float64(all))
		if clear < 5*unclear {
			t.Errorf("%d clear, %d unclear", clear, unclear)
		}
	}
}

// An example's outcome is its own, on any number of processors.
func TestIndependent(t *testing.T) {
	for seed := range uint64(6) {
		n := accepted(seed, circuittest.Options{})
		x, _ := compiledNet(t, n, 8)
		b := n.Block(seed, 5)
		circuittest.Independent(t, x, &n.Circuit, b, nil)
		want, err := circuittest.RunChip(x, &n.Circuit, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, procs := range []int{1, 3, 16} {
			before := runtime.GOMAXPROCS(procs)
			got, err := circuittest.RunChip(x, &n.Circuit, b, nil)
			runtime.GOMAXPROCS(before)
			if d := cmp.Diff(want, got); d != "" || err != nil {
				t.Errorf("seed %d on %d processors: %v\n%s", seed, procs, err, d)
			}
		}
	}
}

// What Trace makes of an export of an example is what the chip makes of it: spikes and read-outs at each time step, biases from drives.
func TestExport(t *testing.T) {
	spiked := 0
	for seed := range uint64(20) {
		n := accepted(seed, circuittest.Options{})
		c := &n.Circuit
		x, r := compiledNet(t, n, 8)
		b := n.Block(seed, 1)
		text, data, err := x.Export(circuittest.Example(c, b, 0))
		if err != nil || len(data) != len(r.Tensors) {
			t.Fatalf("%d tensors of %d: %v", len(data), len(r.Tensors), err)
		}
		tensors := map[string][]byte{}
		for i, d := range data {
			if len(d) != r.Tensors[i].Size() {
				t.Errorf("tensor %+v has %d bytes", r.Tensors[i], len(d))
			}
			tensors[r.Tensors[i].Name] = d
		}
		want, err := circuittest.RunChip(x, c, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		traced, err := emulator.Trace(schema.TraceRequest{Text: text, Tensors: r.Tensors}, tensors)
		if err != nil || traced.Error != "" {
			t.Fatal(err, traced.Error)
		}
		taps, given := spikes(c, want.Taps), outputs(c, want.Outputs)
		lines := 0
		for _, p := range c.Populations { // what is late behind an input spikes at no time step 0, which would be before the chip's first
			lines += 1 - min(p.Depth, 1)
		}
		for line := range strings.Lines(traced.Lines) {
			var l emulator.Line
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(c.Populations, func(p schema.Population) bool { return p.Name == l.Group })
			p := &c.Populations[i]
			step, size := l.Step-p.Depth+1, circuit.Size(p.Dims)
			if step < 0 || step >= b.Steps {
				continue
			}
			lines++
			if p.Reads {
				if p.Gives && step == b.Steps-1 {
					for k, v := range l.V {
						if got := float32(float64(v) * p.Scale / x.registers[0][i].Scale); math.Abs(float64(got-given[i][k])) > 1e-6*math.Abs(float64(got)) {
							t.Fatalf("seed %d: read-out %d of %s is %v, on the chip %v", seed, k, p.Name, got, given[i][k])
						}
					}
				}
				continue
			}
			row := make([]float32, size)
			for _, k := range l.Spikes {
				row[k] = 1
				spiked++
			}
			if !slices.Equal(row, taps[i][step*size:][:size]) {
				t.Fatalf("seed %d: %s at time step %d spikes %v, on the chip %v", seed, p.Name, step, row, taps[i][step*size:][:size])
			}
		}
		if lines != b.Steps*len(c.Populations) {
			t.Errorf("seed %d: %d lines of %d populations over %d time steps", seed, lines, len(c.Populations), b.Steps)
		}
	}
	if spiked == 0 {
		t.Error("nothing spikes")
	}
}

// Two circuits share a chip and an export; what a compilation says of them is whole.
func TestTogether(t *testing.T) {
	a, b := accepted(1, circuittest.Options{}), accepted(2, circuittest.Options{})
	b.Circuit.Name = "net.2"
	for i := range b.Circuit.Populations {
		p := &b.Circuit.Populations[i]
		for k := range p.Synapses {
			p.Synapses[k].Weights.Offset += 4 * len(a.Arena)
		}
		if p.Bias != nil {
			p.Bias.Offset += 4 * len(a.Arena)
		}
	}
	q := a.Request("loihi", arguments(128, 8))
	q.Circuits = append(q.Circuits, b.Circuit)
	chip, r, err := Compile(q, circuit.In(append(slices.Clone(a.Arena), b.Arena...)))
	if err != nil || chip == nil {
		t.Fatalf("%v %+v", err, r)
	}
	populations := len(a.Circuit.Populations) + len(b.Circuit.Populations)
	if len(r.Losses) != populations || len(r.Programs) != 2 || r.Chips != 1 || len(r.Cores) < populations {
		t.Errorf("%d losses, %d programs, %d chips, %d cores", len(r.Losses), len(r.Programs), r.Chips, len(r.Cores))
	}
	at := map[[3]int]bool{}
	for _, c := range r.Cores {
		if k := [3]int{c.Chip, c.X, c.Y}; at[k] || c.X < 0 || c.X > 15 || c.Y < 0 || c.Y > 7 {
			t.Errorf("a core at %v", k)
		}
		at[[3]int{c.Chip, c.X, c.Y}] = true
	}
	text, data, err := chip.Export()
	if err != nil || len(data) != len(r.Tensors) || !strings.Contains(text, `"net.2/`) {
		t.Errorf("%v %s", err, text)
	}
	tensors := map[string][]byte{}
	for i, x := range r.Tensors {
		tensors[x.Name] = data[i]
	}
	if _, err := emulator.Read(text, r.Tensors, tensors); err != nil {
		t.Errorf("read the export: %v", err)
	}
	for _, n := range []circuittest.Net{a, b} { // b's weights are read when it is compiled alone
		blk := n.Block(3, 2)
		got, err := circuittest.RunChip(chip, &n.Circuit, blk, nil)
		if err != nil {
			t.Fatal(err)
		}
		if n.Circuit.Name == "net" {
			alone, _ := compiledNet(t, n, 8)
			want, err := circuittest.RunChip(alone, &n.Circuit, blk, nil)
			if d := cmp.Diff(want.Taps, got.Taps); d != "" || err != nil {
				t.Errorf("beside another circuit it spikes otherwise: %v\n%s", err, d)
			}
		}
	}
}

// The dense network of 784, 512 and 10: synaptic events and updates are what its spikes say.
func TestCounts(t *testing.T) {
	c, err := circuittest.Parse("w1", "steps 16\nx input 784\na 512 <- linear x\nb 10 <- linear a")
	if err != nil {
		t.Fatal(err)
	}
	n := circuittest.Net{Circuit: c}
	for i := range c.Populations {
		w := &c.Populations[i].Synapses[0].Weights
		w.Offset = 4 * len(n.Arena)
		for k := range circuit.Size(w.Dims) {
			n.Arena = append(n.Arena, float32(math.Sin(float64(k)))/8)
		}
	}
	x, r := compiledNet(t, n, 8)
	b := n.Block(1, 3)
	got, err := circuittest.RunChip(x, &c, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	in := 0.0
	for _, v := range b.Inputs[0] {
		in += float64(v)
	}
	first, second := got.Reply.Layers[0], got.Reply.Layers[1]
	fired := 0.0
	for _, v := range first.Spikes {
		fired += v
	}
	// The first layer computes one step more than it has time steps, whose spikes reach nothing that counts.
	if r.Programs[0].Ticks != 17 || got.Reply.Ticks != 3*17 || first.Synops != 512*in || first.Active+first.Inactive != 3*17*512 || second.Synops != 10*fired || fired == 0 {
		t.Errorf("%+v for %v spikes in and %v within: %+v", r.Programs, in, fired, got.Reply)
	}
	e, updates := got.Reply.Energy[0], second.Active+second.Inactive+first.Inactive
	least := (first.Synops+second.Synops)*23.6 + first.Active*81 + updates*52
	if joules := e.Low * 1e12; e.Profile != "davies2018" || joules < least || joules > least+second.Active*29+first.Messages*(1.7+14*4) || len(r.Constants) == 0 {
		t.Errorf("%+v, of which events are %v pJ, with %d constants", e, least, len(r.Constants))
	}
	if len(r.Cores) != 5 || first.Messages < fired || second.Messages != 0 {
		t.Errorf("%d cores, %+v", len(r.Cores), got.Reply.Layers)
	}
}

// What a layer does behind its last time step is counted, since the chip does it: biases stay until the last layer is through. Where only
// inputs make spikes there is none.
func TestBehind(t *testing.T) {
	for _, x := range []struct {
		text   string
		behind bool
	}{
		{"steps 6\nx input 8\na 8 decay=1 <- linear x\nb 8 decay=1 <- linear a\nc 8 decay=1 <- linear b", false},
		{"steps 6\nx input 8\na 8 decay=1 bias threshold=0.25 <- linear x\nb 8 decay=1 <- linear a\nc 8 decay=1 <- linear b", true},
	} {
		c, err := circuittest.Parse("n", x.text)
		if err != nil {
			t.Fatal(err)
		}
		n := circuittest.Net{Circuit: c, Arena: slices.Repeat([]float32{0.25}, 64)}
		chip, _ := compiledNet(t, n, 8)
		b := n.Block(3, 2)
		got, err := circuittest.RunChip(chip, &c, b, nil)
		if err != nil {
			t.Fatal(err)
		}
		own, all := 0.0, got.Reply.Layers[1].Synops // of b
		for _, v := range got.Reply.Layers[0].Spikes {
			own += 8 * v
		}
		// By hand: a is driven in step 0 to 5 and, with its bias, in two more of the chip's 8; the spikes of the last come to nobody.
		chipwise := 0.0
		for e := range b.Examples {
			s := chip.programs[0].NewState(0, 1)
			for tick := range 8 {
				var in []int32
				for k := 0; k < 8 && tick < 6; k++ {
					if b.Inputs[0][(tick*b.Examples+e)*8+k] != 0 {
						in = append(in, int32(k))
					}
				}
				if s.Step([][]int32{in}); tick < 7 {
					chipwise += 8 * float64(len(s.Spikes(0)))
				}
			}
		}
		if own == 0 || all != chipwise || (all > own) != x.behind {
			t.Errorf("%s: %v synaptic events, %v of them in the layer's own steps, and %v on the chip", x.text, all, own, chipwise)
		}
	}
}

// What does not fit gives no chip, and says why.
func TestCompileRefuses(t *testing.T) {
	for _, x := range []struct {
		text, want string
		weight     float32
	}{
		{"x input 10\na 10 soft <- linear x", "soft reset", 1},
		{"x input 10\na 10 threshold=1e6 <- linear x", "times its largest weight", 0.37},
		{"x input 5000\na 10 <- linear x", "input axons", 1},
	} {
		c, err := circuittest.Parse("n", x.text)
		if err != nil {
			t.Fatal(err)
		}
		n := circuittest.Net{Circuit: c, Arena: slices.Repeat([]float32{x.weight, 0.1}, 25000)}
		chip, r, err := Compile(n.Request("loihi", arguments(128, 8)), n.Weights)
		if err != nil || chip != nil || r.Fits || len(r.Losses) > 0 || !strings.Contains(checktest.Text(r.TargetReply), x.want) {
			t.Errorf("%s: %v %v\n%s", x.text, chip, err, checktest.Text(r.TargetReply))
		}
	}
	chip, r, err := Compile(schema.CompileRequest{Arguments: arguments(128, 7)}, nil)
	if chip != nil || err != nil || len(r.Complaints) != 1 {
		t.Errorf("7 bits: %+v %v", r, err)
	}
}
