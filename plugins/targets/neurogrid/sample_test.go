package neurogrid

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// padded is two convolutions of as many channels as are sampled on maps whose margins are silent.
func padded(side int) (schema.Circuit, []float32) {
	const channels = sampled
	dims := []int{channels, side, side}
	n, r := channels*side*side, rand.New(rand.NewPCG(1, 1))
	arena := make([]float32, channels*channels*9)
	for i := range arena {
		arena[i] = float32(r.NormFloat64()*0.15 + 0.05)
	}
	measured := &schema.Measured{Examples: 1, Rate: 0.2, Active: 0.7, Rates: &schema.Tensor{Dims: dims, Offset: 4 * len(arena)}}
	for i := range n {
		y, x, margin, rate := i/side%side, i%side, side/7, float32(0)
		if y >= margin && y < side-margin && x >= margin && x < side-margin {
			rate = 0.3
		}
		arena = append(arena, rate)
	}
	layer := func(source int) schema.Population {
		return schema.Population{Name: "ab"[source+1 : source+2], Dims: dims, Depth: 2 + source, Measured: measured, Dynamics: schema.Dynamics{Decay: 0.5, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}},
			Synapses: []schema.Synapses{{Population: source, Kind: schema.Conv, View: schema.View{From: dims, Dims: dims}, Kernel: 3, Stride: 1, Pad: 1, Weights: schema.Tensor{Dims: []int{channels, channels, 3, 3}}}}}
	}
	return schema.Circuit{Name: "net", Network: "net", Steps: 8, Inputs: []schema.Input{{Name: "in", Kind: schema.SpikeInput, Dims: dims}}, Populations: []schema.Population{layer(-1), layer(0)}}, arena
}

// Neurons of a sample lie all over the maps, where the network was active, so that the gain is found with what flows in there: at a
// corner of these maps nothing does, and the least gain would stand.
func TestSample(t *testing.T) {
	for _, side := range []int{28, 7} {
		c, arena := padded(side)
		w := circuit.In(arena)
		l := newLayout(defaults(t, nil), []schema.Circuit{c}, func(where) bool { return false })
		n := circuit.Size(c.Populations[1].Dims)
		rates := w(*c.Populations[1].Measured.Rates)
		places := map[int]bool{}
		neurons := spread(n, func(i int) bool { return rates[i] > 0 })
		for _, i := range neurons {
			if rates[i] == 0 {
				t.Errorf("maps of %d: neuron %d is silent", side, i)
			}
			places[i%(side*side)] = true
		}
		if len(neurons) != sampled || !slices.IsSorted(neurons) || len(places) < sampled/2 {
			t.Errorf("maps of %d: neurons %v lie at %d places", side, neurons, len(places))
		}
		p := l.plan(&c, 1, w)
		plans := map[where]*plan{{0, 0}: l.plan(&c, 0, w)}
		of := func(s *schema.Synapses) []float64 { return l.rates(&c, 0, s, plans, w) }
		s, err := l.choose(&c, 1, p, of, w)
		if err == nil {
			err = l.gain(&l.sets[0], p, s)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("maps of %d: gain %.3f, least %.3f, rate %.3f", side, p.kappa, l.sets[0].least, p.rate)
		if p.kappa > 0.8*l.sets[0].least || p.rate < 0.05 {
			t.Errorf("maps of %d: gain %v of neurons that spike %v a step, that of a single input is %v", side, p.kappa, p.rate, l.sets[0].least)
		}
	}
	// Where all are silent, and where there are few, as many as there are.
	for n, want := range map[int]int{3: 3, 16: 16, 5000: 16} {
		if got := spread(n, func(int) bool { return false }); len(got) != want || len(slices.Compact(got)) != want || got[want-1] >= n {
			t.Errorf("%v of %d", got, n)
		}
	}
}

// A population that is driven gets a gain by drives at which the network's own neurons spike as often as they were measured to, whatever
// else flows in. On the board it then spikes about as often at drives that the compiler has not seen.
func TestDriven(t *testing.T) {
	const n, steps, batch = 64, 6, 6
	for _, decay := range []float64{0, 0.5, 1} {
		for _, scale := range []float64{0.3, 1} {
			for _, synapses := range []bool{false, true} {
				c := schema.Circuit{Name: "net", Network: "net", Steps: steps, Inputs: []schema.Input{{Name: "drive", Kind: schema.DriveInput, Dims: []int{n}}, {Name: "in", Kind: schema.SpikeInput, Dims: []int{n}}}}
				p := schema.Population{Name: "a", Dims: []int{n}, Depth: 1, Gives: true, Drive: []int{0}, Dynamics: schema.Dynamics{Decay: decay, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}}
				if synapses {
					p.Synapses = []schema.Synapses{{Population: -1, Input: 1, Kind: schema.Same, View: schema.View{From: []int{n}, Dims: []int{n}}, Weights: schema.Tensor{Dims: []int{1}}}}
				}
				arena, r := []float32{0.3}, rand.New(rand.NewPCG(3, 1))
				b := circuit.Block{Steps: steps, Examples: batch, Inputs: [][]float32{make([]float32, batch*n), make([]float32, steps*batch*n)}}
				center := make([]float64, n)
				for i := range center {
					center[i] = r.NormFloat64()
				}
				for i := range b.Inputs[0] {
					b.Inputs[0][i] = float32(scale * (center[i%n] + r.NormFloat64()))
				}
				for i := range b.Inputs[1] {
					if r.Float64() < 0.1 {
						b.Inputs[1][i] = 1
					}
				}
				c.Populations = []schema.Population{p}
				net := circuittest.Net{Circuit: c, Arena: arena}
				want, err := circuit.Run[float64](&c, net.Weights, b)
				if err != nil {
					t.Fatal(err)
				}
				m := &schema.Measured{Examples: batch, Low: -3 * scale, High: math.Max(1, 3*scale), Rates: &schema.Tensor{Dims: []int{n}, Offset: 4}}
				if decay == 1 {
					m.Low *= steps
				}
				rates, spikes := make([]float32, n), 0.0
				for i, v := range want.Spikes[0] {
					rates[i%n] += v / steps / batch
					spikes += float64(v)
				}
				m.Rate = spikes / float64(len(want.Spikes[0]))
				net.Arena = append(arena, rates...)
				net.Circuit.Populations[0].Measured = m
				board, reply := compiled(t, net, nil, 1)
				a, err := circuittest.RunChip(board, &net.Circuit, b, nil)
				if err != nil {
					t.Fatal(err)
				}
				total := 0.0
				for _, v := range a.Taps[0] {
					total += float64(v)
				}
				t.Logf("decay %v, drives %v, synapses %v: gain %.3f, %.0f spikes, want %.0f", decay, scale, synapses, reply.Losses[0].Scale, total, spikes)
				if spikes > 100 && math.Abs(total/spikes-1) > 0.25 {
					t.Errorf("decay %v, drives %v, synapses %v: %v spikes, want about %v", decay, scale, synapses, total, spikes)
				}
			}
		}
	}
}
