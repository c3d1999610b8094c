package loihi

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
	"snnc.dev/snnc/plugins/targets/loihi/mapping"
	"snnc.dev/snnc/plugins/targets/loihi/quantize"
	"snnc.dev/snnc/plugins/targets/loihi/validate"
)

// long draws a circuit of more steps than a neuron can rest, most of whose neurons fire once.
func long(seed uint64, o circuittest.Options) circuittest.Net {
	r := rand.New(rand.NewPCG(seed, 5))
	o.Steps = 64 + r.IntN(60)
	n := accepted(seed, o)
	for i := range n.Circuit.Populations {
		p := &n.Circuit.Populations[i]
		if p.Once = !p.Reads && r.IntN(4) > 0; p.Once && p.Decay == 0 {
			p.Decay = 1
		}
	}
	for k := range n.Circuit.Inputs {
		in := &n.Circuit.Inputs[k]
		in.Once = in.Kind == schema.SpikeInput && r.IntN(3) == 0
	}
	return n
}

// thinned leaves of what comes in once its first spikes.
func thinned(c *schema.Circuit, b circuit.Block) circuit.Block {
	for k, in := range c.Inputs {
		if !in.Once {
			continue
		}
		row := b.Examples * circuit.Size(in.Dims)
		for i := range row {
			for step, there := 0, false; step < b.Steps; step++ {
				if at := step*row + i; there {
					b.Inputs[k][at] = 0
				} else {
					there = b.Inputs[k][at] != 0
				}
			}
		}
	}
	return b
}

// onces counts the neurons of populations that fire once, and those of them that did and did so more than once.
func onces(c *schema.Circuit, taps [][]float32, b circuit.Block) (neurons, fired, twice int) {
	for i, s := range spikes(c, taps) {
		if !c.Populations[i].Once {
			continue
		}
		row := len(s) / b.Steps
		for k := range row {
			sum := 0
			for t := range b.Steps {
				sum += int(s[t*row+k])
			}
			neurons++
			if sum > 0 {
				fired++
			}
			if sum > 1 {
				twice++
			}
		}
	}
	return neurons, fired, twice
}

// weighted reports whether a population has a weight that is not 0.
func weighted(n circuittest.Net, p *schema.Population) bool {
	return slices.ContainsFunc(p.Synapses, func(s schema.Synapses) bool {
		return slices.ContainsFunc(n.Weights(s.Weights), func(w float32) bool { return w != 0 })
	})
}

// Neurons that fire once in an example that is longer than they can rest: where all numbers are whole, membranes keep all and the reply
// tells of no loss of weights, the spikes are those of the network.
func TestOnceExact(t *testing.T) {
	fired, delayed, prompt, lost := 0, 0, 0, 0
	for seed := range uint64(*networks) {
		n := long(seed, circuittest.Options{Whole: 1 + int(seed%31), Decays: []float64{1}, NoCurrent: true, NoDrive: true, Neurons: 32})
		if slices.ContainsFunc(n.Circuit.Populations, func(p schema.Population) bool { return p.Bias != nil && !weighted(n, &p) }) {
			continue // of biases alone no scale keeps all as they are
		}
		x, reply := compiledNet(t, n, 8)
		if slices.ContainsFunc(reply.Losses, func(l schema.Loss) bool { return l.Weights > 0 }) { // so that sums keep within their widths
			lost++
			continue
		}
		b := thinned(&n.Circuit, n.Block(seed, 2))
		got, _, _ := agrees(t, fmt.Sprintf("seed %d", seed), x, n, b)
		for i := range n.Circuit.Populations {
			if delay, yes := quantize.Silenced(&n.Circuit, i, true); yes && delay == 0 {
				prompt++
			} else if yes {
				delayed++
			}
		}
		_, f, _ := onces(&n.Circuit, got.Taps, b)
		fired += f
	}
	if fired < 15**networks || delayed < *networks*2/5 || prompt < *networks/5 || lost > *networks/20 {
		t.Errorf("%d neurons fired once, of populations whose inhibition waits (%d) or not (%d); %d networks lost bits of their weights", fired, delayed, prompt, lost)
	}
}

// Whatever comes in, of whatever dynamics: no neuron fires twice. What is worst for a neuron is that all that excites it comes in, from the
// beginning on or when it has fired, and nothing else.
func TestOnceWorst(t *testing.T) {
	neurons, fired, refused := 0, 0, 0
	for seed := range uint64(*networks * 5 / 2) {
		r := rand.New(rand.NewPCG(seed, 6))
		o := circuittest.Options{Neurons: 24, Populations: 1 + r.IntN(3), Decays: []float64{1, 1, 0.98, 0.9, 0.5}}
		if r.IntN(3) == 0 {
			o.NoCurrent, o.NoBias, o.NoDrive = true, true, true
		}
		n := long(seed, o)
		chip, reply, err := Compile(n.Request("loihi", arguments(1024, []int{8, 8, 4, 2, 1}[r.IntN(5)])), n.Weights)
		if err != nil {
			t.Fatal(err)
		}
		if chip == nil {
			text := checktest.Text(reply.TargetReply)
			if !strings.Contains(text, "no inhibition that the chip has") && !strings.Contains(text, "weights of 1 bit") {
				t.Errorf("seed %d: %s", seed, text)
			}
			refused++
			continue
		}
		b := n.Block(seed, 8)
		for k, in := range n.Circuit.Inputs {
			size := circuit.Size(in.Dims)
			for e := range b.Examples {
				on, from := r.IntN(4), r.IntN(b.Steps/2)
				for i := range size {
					one := float32(0)
					if on == 0 || r.IntN(3) < on { // all, or some of them
						one = 1
					}
					if in.Kind == schema.DriveInput {
						b.Inputs[k][e*size+i] *= 1 + 3*one
						continue
					}
					for step := range b.Steps {
						if b.Inputs[k][(step*b.Examples+e)*size+i] = 0; step >= from {
							b.Inputs[k][(step*b.Examples+e)*size+i] = one
						}
					}
				}
			}
		}
		got, err := circuittest.RunChip(chip, &n.Circuit, thinned(&n.Circuit, b), nil)
		if err != nil {
			t.Fatal(err)
		}
		all, f, twice := onces(&n.Circuit, got.Taps, b)
		neurons, fired = neurons+all, fired+f
		if twice > 0 {
			t.Errorf("seed %d: %d neurons fired more than once: %+v", seed, twice, n.Circuit.Populations)
		}
	}
	t.Logf("%d of %d neurons fired, %d networks were refused", fired, neurons, refused)
	if fired < 30**networks || refused < *networks/20 || refused > *networks*5/4 {
		t.Errorf("%d of %d neurons fired, %d networks were refused", fired, neurons, refused)
	}
}

// What is said to come in once does, or nothing that was proved of it holds.
func TestOnceInput(t *testing.T) {
	c, err := circuittest.Parse("n", "steps 80\nx input 3\na 4 decay=1 once <- linear x")
	if err != nil {
		t.Fatal(err)
	}
	c.Inputs[0].Once = true
	n := circuittest.Net{Circuit: c, Arena: slices.Repeat([]float32{0.5}, 12)}
	x, _ := compiledNet(t, n, 8)
	b := circuit.Block{Steps: 80, Examples: 1, Inputs: [][]float32{make([]float32, 240)}}
	b.Inputs[0][3*7+1] = 1
	if _, err := circuittest.RunChip(x, &c, b, nil); err != nil {
		t.Error(err)
	}
	b.Inputs[0][3*70+1] = 1
	if _, err := circuittest.RunChip(x, &c, b, nil); err == nil || !strings.Contains(err.Error(), "element 1 of input x spikes once in an example, and does so at the time steps 7 and 70") {
		t.Error(err)
	}
}

// The synapses of neurons onto themselves lie in the memories of the cores, and every spike comes where it should.
func TestOnceValid(t *testing.T) {
	own, several := 0, 0
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 8))
		o := circuittest.Options{Neurons: []int{32, 100}[r.IntN(2)]}
		if r.IntN(3) == 0 { // layers of several cores
			o.Neurons, o.FanIn, o.Populations = 2000, 30, 1+r.IntN(3)
		}
		n := long(seed, o)
		bits := mapping.Widths()[r.IntN(7)]
		list := (&added{terms: terms{1, emulator.Chip}}).circuits([]schema.Circuit{n.Circuit})
		c := mapping.Chip{Cores: 1024, Bits: bits}
		c.AddCircuit(0, &list[0], make([]bool, len(list[0].Populations)))
		reply := schema.TargetReply{Fits: true}
		p := c.Report(&reply)
		if !reply.Fits {
			t.Errorf("seed %d: %s", seed, checktest.Text(reply))
			continue
		}
		l := c.Layout(list, p, func(int, int) float64 { return 1 })
		for _, x := range validate.Check(list, 1, bits, l.Tables()) {
			t.Errorf("seed %d of %+v with %d bits: %s", seed, o, bits, x)
		}
		for i := range list[0].Populations {
			q := &list[0].Populations[i]
			for _, s := range q.Synapses {
				if s.Population == i {
					own += circuit.Size(q.Dims)
				}
			}
		}
		if len(l.Cores) > len(list[0].Populations) {
			several++
		}
	}
	if own < 2000 || several < 1 {
		t.Errorf("%d synapses of neurons onto themselves, %d networks with layers of several cores", own, several)
	}
}
