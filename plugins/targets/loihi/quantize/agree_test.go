package quantize

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// draw draws a circuit of populations that the chip's neuron can be.
func draw(seed uint64, o circuittest.Options) circuittest.Net {
	o.Resets = []schema.ResetKind{schema.ResetTo, schema.ResetTo, schema.ResetBy}
	n := circuittest.Random(seed, o)
	for i := range n.Circuit.Populations {
		p := &n.Circuit.Populations[i]
		if p.Reset.Kind == schema.ResetTo {
			p.Reset.Value = 0
		} else if p.Refractory = 0; p.Reset.Value <= 0 {
			p.Reset.Value = 1
		}
		if p.Depth > 1 || p.Late {
			p.Start = 0
		}
		if p.Current {
			p.Bias, p.Drive = nil, nil
		}
	}
	return n
}

// registers quantizes all populations; numbers returns the circuit that the registers stand for.
func registers(t *testing.T, n circuittest.Net, width int) (all []Registers, losses []schema.Loss, of circuittest.Net) {
	t.Helper()
	of.Circuit = n.Circuit
	of.Circuit.Populations = append([]schema.Population(nil), n.Circuit.Populations...)
	lay := func(list []float32, dims []int) schema.Tensor {
		at := schema.Tensor{Dims: dims, Offset: 4 * len(of.Arena)}
		of.Arena = append(of.Arena, list...)
		return at
	}
	for i := range n.Circuit.Populations {
		r, loss, problem := Population(&n.Circuit, i, n.Weights, width)
		if problem != "" {
			t.Fatalf("population %d: %s", i, problem)
		}
		all, losses = append(all, r), append(losses, loss)
		p := &of.Circuit.Populations[i]
		d, weights, bias := r.Dequantized(p)
		p.Dynamics = d
		p.Synapses = append([]schema.Synapses(nil), p.Synapses...)
		for k := range p.Synapses {
			p.Synapses[k].Weights = lay(weights[k], p.Synapses[k].Weights.Dims)
		}
		if p.Bias != nil {
			at := lay(bias, p.Bias.Dims)
			p.Bias = &at
		}
	}
	return all, losses, of
}

// agreement is how the chip's spikes go with a float reference's.
type agreement struct {
	clear, unclear   int // populations and examples that came no nearer to a threshold than rounding reaches, with all before them
	spikes, same     int // in unclear ones: neurons and steps, and those that are the same
	fired            int
	wraps, different int
}

// compare runs examples on the chip and with the reference on the numbers that the registers stand for. Where no membrane of a population
// or of one before it came near its threshold, every spike must be the same.
func compare(t *testing.T, seed uint64, n circuittest.Net, all []Registers, of circuittest.Net, a *agreement) {
	t.Helper()
	const examples = 3
	b := n.Block(seed, examples)
	ref, err := circuit.Run[float64](&of.Circuit, of.Weights, b)
	if err != nil {
		t.Fatal(err)
	}
	for e := range examples {
		out := run(&n.Circuit, all, b, e)
		unclear := make([]bool, len(out))
		for i := range out {
			p := &of.Circuit.Populations[i]
			for _, s := range p.Synapses {
				unclear[i] = unclear[i] || s.Population >= 0 && unclear[s.Population]
			}
			size := circuit.Size(p.Dims)
			// Each state loses less than 1 in a step, a drive half a unit of its bias.
			lost := 1.0
			if p.Current {
				lost += gain(p.CurrentDecay, n.Circuit.Steps)
			}
			if len(p.Drive) > 0 {
				lost += math.Ldexp(0.5, all[i].BiasExponent)
			}
			lost = (lost*gain(p.Decay, n.Circuit.Steps) + 0.5) / all[i].Scale * (1 + 1e-6)
			at := func(t, k int) int { return (t*examples+e)*size + k }
			for step := range n.Circuit.Steps {
				for k := range size {
					v := ref.Membranes[i][at(step, k)]
					unclear[i] = unclear[i] || !p.Reads && math.Abs(v-p.Threshold) <= lost+1e-6*math.Abs(v)
				}
			}
			a.wraps += out[i].wraps
			if unclear[i] {
				a.unclear++
			} else {
				a.clear++
			}
			if p.Reads {
				for k, v := range out[i].last {
					want := ref.ReadOuts[i][e*size+k]
					if got := float64(v) / all[i].Scale * p.Scale; !unclear[i] && out[i].wraps == 0 && math.Abs(got-want) > lost*math.Abs(p.Scale)+1e-5*math.Abs(want) {
						t.Errorf("seed %d, population %d, example %d: the read-out %d is %v, want %v", seed, i, e, k, got, want)
					}
				}
				continue
			}
			for step := range n.Circuit.Steps {
				for k := range size {
					want := int(ref.Spikes[i][at(step, k)])
					got := out[i].spikes[step][k]
					a.fired += got
					if unclear[i] {
						a.spikes++
						if got == want {
							a.same++
						}
					} else if got != want {
						t.Errorf("seed %d, population %d, example %d, step %d, neuron %d: %d spikes, want %d", seed, i, e, step, k, got, want)
						a.different++
						return
					}
				}
			}
		}
	}
}

// What the chip computes is what the numbers of its registers mean, wherever rounding cannot decide.
func TestAgree(t *testing.T) {
	for _, width := range []int{8, 6, 4, 2} {
		var a agreement
		for seed := range uint64(60) {
			n := draw(seed, circuittest.Options{})
			all, _, of := registers(t, n, width)
			compare(t, seed, n, all, of, &a)
		}
		t.Logf("%d bits: %d populations and examples are clear, %d not; of these %.4f of the neurons and steps agree; %d spikes, %d wraps",
			width, a.clear, a.unclear, float64(a.same)/float64(a.spikes), a.fired, a.wraps)
		if a.clear < 200 || a.fired < 1000 {
			t.Errorf("that is too few to say something")
		}
	}
}

// Where all numbers are whole and membranes keep all or nothing, the chip computes what the network does, spike by spike.
func TestExact(t *testing.T) {
	fired, reads, networks := 0, 0, 0
	for seed := range uint64(200) {
		n := draw(seed, circuittest.Options{Whole: 1 + int(seed%31), Decays: []float64{0, 1}, NoCurrent: true, NoDrive: true})
		all, losses, _ := registers(t, n, 8)
		for _, l := range losses {
			if l.Weights > 1e-6 || l.Zeroed > 0 {
				t.Errorf("seed %d: %+v", seed, l)
			}
		}
		b := n.Block(seed, 2)
		ref, err := circuit.Run[float64](&n.Circuit, n.Weights, b)
		if err != nil {
			t.Fatal(err)
		}
		networks++
		for e := range b.Examples {
			for i, o := range run(&n.Circuit, all, b, e) {
				p := &n.Circuit.Populations[i]
				size := circuit.Size(p.Dims)
				for k, v := range o.last {
					if want := ref.ReadOuts[i]; want != nil {
						reads++
						// A membrane that keeps nothing keeps a 4096th of what it was a step before, which had as much of the one before.
						left := 0.0
						if before := (n.Circuit.Steps-2)*b.Examples + e; p.Decay == 0 {
							left = math.Abs(p.Scale) / all[i].Scale * maxLeft(ref.Membranes[i], before, b.Examples, size, k, all[i].Scale)
						}
						if got := float64(v) / all[i].Scale * p.Scale; math.Abs(got-want[e*size+k]) > 1e-9+left {
							t.Errorf("seed %d, population %d: read-out %d is %v, want %v", seed, i, k, got, want[e*size+k])
						}
					}
				}
				for step := 0; step < n.Circuit.Steps && !p.Reads; step++ {
					for k, got := range o.spikes[step] {
						fired += got
						if want := int(ref.Spikes[i][(step*b.Examples+e)*size+k]); got != want {
							t.Fatalf("seed %d, population %d, example %d, step %d, neuron %d: %d spikes, want %d\n%+v", seed, i, e, step, k, got, want, p.Dynamics)
						}
					}
				}
			}
		}
	}
	t.Logf("%d networks, %d spikes, %d read-outs", networks, fired, reads)
	if fired < 5000 || reads < 500 {
		t.Errorf("%d spikes and %d read-outs are too few to say something", fired, reads)
	}
}

// maxLeft is how many units are left at most, after a step, of a membrane that should keep nothing: of neuron k in the row of the step
// before, and a 4096th of that of the step before it; the start's where there is none.
func maxLeft(v []float64, row, examples, size, k int, scale float64) float64 {
	left := 0.0
	for at := row % examples; at >= 0 && at <= row; at += examples {
		left = (math.Abs(v[at*size+k])*scale + left) / 4096
	}
	return left
}
