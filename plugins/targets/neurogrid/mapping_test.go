package neurogrid

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// drawn is circuits of what the board takes: spikes everywhere, from rest.
func drawn() circuittest.Options {
	return circuittest.Options{Populations: 4, Neurons: 48, Steps: 8, NoStart: true, NoOnce: true, NoReadOut: true, Resets: []schema.ResetKind{schema.ResetTo, schema.ResetNone}}
}

// taken is a random circuit whose resets are the board's.
func taken(seed uint64, o circuittest.Options) circuittest.Net {
	n := circuittest.Random(seed, o)
	for j := range n.Circuit.Populations {
		n.Circuit.Populations[j].Reset.Value = 0
	}
	return n
}

func defaults(t testing.TB, args schema.Arguments) options {
	t.Helper()
	o, bad := arguments(args)
	if len(bad) > 0 {
		t.Fatal(bad)
	}
	return o
}

// connection is what a softwire has to be.
type connection struct {
	source, target int
	kind           uint8
	opens          float64 // conductance for each spike, on the average
}

// expected lists the connections of a circuit by the definitions of its synapses, each found by trying all pairs of places: nothing here
// is shared with what makes the softwires.
func expected(c *schema.Circuit, w func(schema.Tensor) []float32, plans func(j int) *plan) (out []connection) {
	neurons, first := 0, []int{}
	for _, p := range c.Populations {
		first = append(first, neurons)
		neurons += circuit.Size(p.Dims)
	}
	address, inputs := neurons, []int{}
	for _, in := range c.Inputs {
		inputs = append(inputs, address)
		if in.Kind == schema.SpikeInput {
			address += circuit.Size(in.Dims)
		}
	}
	whole := func(d []int) (int, int, int) {
		if len(d) == 1 {
			return d[0], 1, 1
		}
		return d[0], d[1], d[2]
	}
	for j := range c.Populations {
		p, x := &c.Populations[j], plans(j)
		add := func(source, target int, v float64) {
			if v > 0 {
				out = append(out, connection{source, first[j] + target, excite, v * x.kappa / p.Threshold})
			} else if v < 0 {
				out = append(out, connection{source, first[j] + target, inhibit, -v * x.kappa / p.Threshold * ratio * x.inhibition})
			}
		}
		for k := range p.Synapses {
			s := &p.Synapses[k]
			source := func(i int) int {
				fc, fh, fw := whole(s.View.From)
				_, tall, wide := fc, max(s.View.Tall, 1), max(s.View.Wide, 1)
				at := i % (fw * wide)
				row := i / (fw * wide) % (fh * tall)
				channel := i / (fw * wide * fh * tall)
				e := s.View.Offset + channel*fh*fw + row/tall*fw + at/wide
				if s.Population < 0 {
					return inputs[s.Input] + e
				}
				return first[s.Population] + e
			}
			weights := w(s.Weights)
			ic, ih, iw := whole(s.View.Dims)
			oc, oh, ow := whole(p.Dims)
			for from := range ic * ih * iw {
				for to := range oc * oh * ow {
					a, ay, ax := from/(ih*iw), from/iw%ih, from%iw
					b, by, bx := to/(oh*ow), to/ow%oh, to%ow
					switch s.Kind {
					case schema.Dense:
						add(source(from), to, float64(weights[to*ic*ih*iw+from]))
					case schema.Same:
						if from == to {
							add(source(from), to, float64(weights[0]))
						}
					case schema.Conv, schema.Pool:
						ky, kx := ay+s.Pad-by*s.Stride, ax+s.Pad-bx*s.Stride
						if ky < 0 || kx < 0 || ky >= s.Kernel || kx >= s.Kernel {
							continue
						}
						if s.Kind == schema.Conv {
							add(source(from), to, float64(weights[((b*ic+a)*s.Kernel+ky)*s.Kernel+kx]))
						} else if a == b {
							add(source(from), to, float64(weights[0]))
						}
					case schema.Deconv:
						ky, kx := by+s.Pad-ay*s.Stride, bx+s.Pad-ax*s.Stride
						if ky >= 0 && kx >= 0 && ky < s.Kernel && kx < s.Kernel {
							add(source(from), to, float64(weights[((a*oc+b)*s.Kernel+ky)*s.Kernel+kx]))
						}
					}
				}
			}
		}
	}
	return out
}

// validate says what about a program is not as its circuit and the board want it.
func validate(c *schema.Circuit, w func(schema.Tensor) []float32, x *program, plans func(j int) *plan) error {
	b := x.board
	if err := b.Verify(); err != nil {
		return err
	}
	place := map[int32]bool{}
	for _, at := range b.Place {
		if at < 0 || at >= 16*65536 || place[at] {
			return fmt.Errorf("place %d is beyond the board or taken", at)
		}
		place[at] = true
	}
	for j := range c.Populations {
		p := &c.Populations[j]
		for i := range circuit.Size(p.Dims) {
			n := x.neurons[j] + i
			if b.Layer[n] != int32(j) {
				return fmt.Errorf("neuron %d of %s counts for population %d", i, p.Name, b.Layer[n])
			}
			core := b.Cores[b.Place[n]/65536]
			tau := 1000.0
			delay := p.Decay/(1-p.Decay) + p.CurrentDecay/(1-p.CurrentDecay)
			if p.Decay < 1 && p.CurrentDecay < 1 {
				tau = math.Min(tau, x.step/math.Log((1+delay)/delay))
			}
			if tau = math.Max(tau, x.step/3); math.Abs(core.Synapses[excite].Tau-tau) > 1e-6 || core.Synapses[inhibit].Tau != core.Synapses[excite].Tau {
				return fmt.Errorf("%s has synapses of %v ms, want %v", p.Name, core.Synapses[excite].Tau, tau)
			}
			if want := float64(1+p.Refractory)*x.step - 2.7432*x.tau; math.Abs(core.Refractory-want) > 0.01 {
				return fmt.Errorf("%s rests %v ms, want %v", p.Name, core.Refractory, want)
			}
		}
	}
	// The softwires of neurons and of inputs of spikes, and those of biases and drives apart.
	biases := map[int]bool{}
	for _, s := range x.tonics {
		biases[len(b.Place)+s.address] = true
	}
	var got []connection
	bias := map[int]float64{}
	for from := range len(b.First) - 1 {
		for _, wire := range b.Wires[b.First[from]:b.First[from+1]] {
			core := b.Place[wire.Target] / 65536
			low, high := 0, 16
			for _, turn := range emulator.Path(int(core)) { // down the tree
				if half := (high - low) / 2; turn == 0 {
					high -= half
				} else {
					low += half
				}
			}
			if low != int(core) || high != low+1 {
				return fmt.Errorf("an event for Neurocore %d ends at %d to %d", core, low, high)
			}
			opens := float64(wire.Probability) * b.Cores[core].Synapses[wire.Type].Gain
			switch {
			case biases[from]:
				if wire.Type == inhibit {
					opens = -opens / ratio / plans(int(b.Layer[wire.Target])).inhibition
				}
				bias[int(wire.Target)] += opens
			case slices.ContainsFunc(x.drives, func(s source) bool {
				n := len(b.Place) + s.address
				return from >= n && from < n+2*circuit.Size(c.Populations[s.population].Dims)
			}):
			default:
				got = append(got, connection{from, int(wire.Target), wire.Type, opens})
			}
		}
	}
	want := expected(c, w, plans)
	order := func(a, b connection) int {
		return cmp.Or(a.source-b.source, a.target-b.target, int(a.kind)-int(b.kind), cmp.Compare(a.opens, b.opens))
	}
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if len(got) != len(want) {
		return fmt.Errorf("%d softwires for %d connections", len(got), len(want))
	}
	for i := range want {
		g, e := got[i], want[i]
		if g.source != e.source || g.target != e.target || g.kind != e.kind || math.Abs(g.opens-math.Min(e.opens, b.Cores[b.Place[e.target]/65536].Synapses[e.kind].Gain)) > 1e-5*e.opens {
			return fmt.Errorf("softwire %d is %+v, want %+v", i, g, e)
		}
	}
	for _, s := range x.tonics {
		p := &c.Populations[s.population]
		values := w(*p.Bias)
		for i := range circuit.Size(p.Dims) {
			e := float64(values[i*len(values)/circuit.Size(p.Dims)]) * plans(s.population).kappa / p.Threshold
			if g := bias[x.neurons[s.population]+i] * float64(s.spikes); math.Abs(e) < saturation && math.Abs(g-e) > 1e-5*math.Abs(e) {
				return fmt.Errorf("%s: the bias of neuron %d opens %v in a step, want %v", p.Name, i, g, e)
			}
		}
	}
	return nil
}

// Mappings of random circuits: every limit, each connection once, with its sign and the conductance that its weight is worth, and a way
// down the tree for each softwire.
func TestMapping(t *testing.T) {
	o := defaults(t, nil)
	links := 0
	for seed := range uint64(1000) {
		n := circuittest.Random(seed, circuittest.Options{Populations: 5, Neurons: 32, NoReadOut: true})
		l := newLayout(o, []schema.Circuit{n.Circuit}, func(where) bool { return false })
		plans := map[where]*plan{}
		for j := range n.Circuit.Populations {
			p := l.plan(&n.Circuit, j, n.Weights)
			p.kappa, p.inhibition = 0.1*float64(1+seed%9), []float64{1, 0.5, 0.25}[seed%3]
			plans[where{0, j}] = p
			links += len(p.links)
		}
		x := l.program(&n.Circuit, 0, plans, l.amplitudes(plans))
		if err := validate(&n.Circuit, n.Weights, x, func(j int) *plan { return plans[where{0, j}] }); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for k := range l.sets {
			if s := &l.sets[k]; len(s.members) == 0 || s.first+s.cores() > l.used {
				t.Fatalf("seed %d: set %+v", seed, s)
			}
		}
	}
	t.Logf("%d connections", links)
}

// Populations that share their parameters differ in gain and in inhibition. What a bias or drive of each opens in a time step, as the spikes
// of the host, is what it is worth all the same, above 0 and below.
func TestTonic(t *testing.T) {
	d := schema.Dynamics{Decay: 0.5, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}
	in := func(offset int) []schema.Synapses {
		return []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{1}, Dims: []int{1}}, Weights: schema.Tensor{Dims: []int{1, 1}, Offset: offset}}}
	}
	arena := []float32{2, 0.25, -2, 0.25}
	c := schema.Circuit{Name: "net", Network: "net", Steps: 4, Inputs: []schema.Input{{Name: "in", Kind: schema.SpikeInput, Dims: []int{1}}, {Name: "drive", Kind: schema.DriveInput, Dims: []int{1}}}, Populations: []schema.Population{
		{Name: "a", Dims: []int{1}, Dynamics: d, Depth: 1, Gives: true, Synapses: in(0)},
		{Name: "b", Dims: []int{1}, Dynamics: d, Depth: 1, Gives: true, Synapses: in(4), Drive: []int{1}},
		{Name: "c", Dims: []int{1}, Dynamics: d, Depth: 1, Gives: true, Synapses: in(4), Bias: &schema.Tensor{Dims: []int{1}, Offset: 8}},
		{Name: "d", Dims: []int{1}, Dynamics: d, Depth: 1, Gives: true, Synapses: in(4), Bias: &schema.Tensor{Dims: []int{1}, Offset: 12}},
	}}
	if err := circuit.VerifyAll([]schema.Circuit{c}); err != nil {
		t.Fatal(err)
	}
	for _, inhibition := range [][4]float64{{0.25, 1, 1, 1}, {1, 0.25, 0.5, 1}, {1, 1, 1, 1}, {0.25, 0.25, 1, 0.25}} {
		l := newLayout(defaults(t, nil), []schema.Circuit{c}, func(where) bool { return false })
		plans := map[where]*plan{}
		for j := range c.Populations {
			p := l.plan(&c, j, circuit.In(arena))
			p.kappa, p.inhibition = 0.5, inhibition[j]
			plans[where{0, j}] = p
		}
		x := l.program(&c, 0, plans, l.amplitudes(plans))
		if err := x.board.Verify(); err != nil {
			t.Fatal(err)
		}
		opens := func(address int) (sum float64) { // by a spike
			from := len(x.board.Place) + address
			for _, w := range x.board.Wires[x.board.First[from]:x.board.First[from+1]] {
				g := float64(w.Probability) * x.board.Cores[0].Synapses[w.Type].Gain
				if w.Type == inhibit {
					g = -g / ratio
				}
				sum += g
			}
			return sum
		}
		check := func(what string, got, want float64) {
			if math.Abs(got-want) > 1e-5 {
				t.Errorf("inhibition %v: %s opens %v in a time step, want %v", inhibition, what, got, want)
			}
		}
		for k, v := range []float64{-2 * 0.5 * inhibition[2], 0.25 * 0.5} {
			s := x.tonics[k]
			check(fmt.Sprint("the bias of ", c.Populations[s.population].Name), opens(s.address)*float64(s.spikes), v)
		}
		s := x.drives[0]
		for _, drive := range []float32{1, -1, 0.1, -0.1} {
			spikes, sum := 0.0, 0.0
			for seed := range uint64(2000) {
				events, _ := x.events(seed, 1, func(i, _ int) []float32 { return [][]float32{{0}, {drive}}[i] })
				for _, e := range events {
					if e.Source >= s.address && e.Source < s.address+2 {
						spikes++
						sum += opens(e.Source) / 2000
					}
				}
			}
			want := float64(drive) * 0.5
			if drive < 0 {
				want *= inhibition[1]
			}
			// Each spike is sent or not: five standard errors.
			if within := 5 * math.Abs(want) / math.Sqrt(spikes); math.Abs(sum-want) > within {
				t.Errorf("inhibition %v: a drive of %v opens %v in a time step, want %v within %v", inhibition, drive, sum, want, within)
			}
		}
		for _, loss := range x.losses {
			if loss.Clipped > 0 {
				t.Errorf("inhibition %v: %d of %s are clipped", inhibition, loss.Clipped, loss.Layer)
			}
		}
	}
}

// The validator finds what is wrong.
func TestValidator(t *testing.T) {
	o := defaults(t, nil)
	n := taken(3, drawn())
	l := newLayout(o, []schema.Circuit{n.Circuit}, func(where) bool { return false })
	plans := map[where]*plan{}
	for j := range n.Circuit.Populations {
		p := l.plan(&n.Circuit, j, n.Weights)
		p.kappa, p.inhibition = 0.3, 0.5
		plans[where{0, j}] = p
	}
	for what, change := range map[string]func(*emulator.Board){
		"probability": func(b *emulator.Board) { b.Wires[0].Probability *= 0.9 },
		"sign":        func(b *emulator.Board) { b.Wires[0].Type ^= 1 },
		"target":      func(b *emulator.Board) { b.Wires[0].Target ^= 1 },
		"source": func(b *emulator.Board) {
			i := slices.IndexFunc(b.First, func(v int) bool { return v > 0 })
			b.First[i]--
		},
		"place": func(b *emulator.Board) { b.Place[0] = b.Place[1] },
		"decay": func(b *emulator.Board) { b.Cores[b.Place[0]/65536].Synapses[excite].Tau++ },
	} {
		x := l.program(&n.Circuit, 0, plans, l.amplitudes(plans))
		of := func(j int) *plan { return plans[where{0, j}] }
		if err := validate(&n.Circuit, n.Weights, x, of); err != nil {
			t.Fatal(err)
		}
		change(x.board)
		if err := validate(&n.Circuit, n.Weights, x, of); err == nil {
			t.Errorf("%s: nothing is found", what)
		}
	}
}

// The export holds what runs: the softwires of the tensors and the parameters of the text are those of the board.
func TestExport(t *testing.T) {
	n := taken(5, drawn())
	out, reply, err := Compile(n.Request("neurogrid", nil), n.Weights)
	if err != nil || out == nil {
		t.Fatalf("%v %+v", err, reply)
	}
	text, tensors, err := out.Export()
	if err != nil {
		t.Fatal(err)
	}
	var e exported
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		t.Fatal(err)
	}
	b := out.(*chip).programs["net"].board
	if len(tensors) != 4 || len(reply.Tensors) != 4 || !slices.Equal(b.Cores, coresOf(e)) {
		t.Fatalf("%d tensors, cores %+v, want %+v", len(tensors), e.Cores, b.Cores)
	}
	for k, x := range reply.Tensors {
		size := 4
		if x.DType == "U8" {
			size = 1
		}
		if len(tensors[k]) != size*x.Dims[0] {
			t.Errorf("tensor %s has %d bytes, dims %v", x.Name, len(tensors[k]), x.Dims)
		}
	}
	for i, w := range b.Wires {
		if int32(le(tensors[1][4*i:])) != w.Target || tensors[2][i] != w.Type || math.Float32frombits(le(tensors[3][4*i:])) != w.Probability {
			t.Fatalf("softwire %d", i)
		}
	}
	for j, p := range e.Circuits[0].Populations {
		if c := n.Circuit.Populations[j]; p.Name != c.Name || p.Neurons != circuit.Size(c.Dims) {
			t.Errorf("population %+v, want %s", p, c.Name)
		}
	}
}

func le(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func coresOf(e exported) (out []emulator.Parameters) {
	for _, c := range e.Cores {
		out = append(out, c.Parameters)
	}
	return out
}
