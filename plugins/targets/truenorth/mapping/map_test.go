package mapping

import (
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// none is refused.
func none(int, int) bool { return false }

// chain is a circuit of layers behind an input, each behind the one before.
func chain(input []int, layers ...schema.Population) schema.Circuit {
	c := schema.Circuit{Name: "c", Network: "c", Steps: 4, Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: input}}}
	for i, p := range layers {
		p.Name, p.Depth = string(rune('a'+i)), i+1
		p.Dynamics = schema.Dynamics{Decay: 1, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}
		s := &p.Synapses[0]
		s.Population = i - 1
		from := input
		if i > 0 {
			from = layers[i-1].Dims
		}
		s.View = schema.View{From: from, Dims: from}
		s.Weights.Dims = circuit.WeightDims(s, p.Dims)
		p.Gives = i == len(layers)-1
		c.Populations = append(c.Populations, p)
	}
	return c
}

func dense(n int) schema.Population {
	return schema.Population{Dims: []int{n}, Synapses: []schema.Synapses{{Kind: schema.Dense}}}
}

func conv(kind schema.SynapseKind, kernel, stride, pad int, dims ...int) schema.Population {
	return schema.Population{Dims: dims, Synapses: []schema.Synapses{{Kind: kind, Kernel: kernel, Stride: stride, Pad: pad}}}
}

// Cores and copies of layers, each counted by hand from the limits: with k axons for each of n inputs a core of 256 axons and 256
// neurons holds min(256, neurons) where n k <= 256; a tile of a x b outputs of a convolution of kernel 3 takes (a+2) (b+2) C k axons
// and a b C_out neurons; f copies of n neurons by relays take ceil(n / floor(256/f)) cores.
func TestWorked(t *testing.T) {
	for _, x := range []struct {
		name   string
		axons  int
		c      schema.Circuit
		layer  int // of the circuit
		cores  int
		copies int
		relays int // cores of them
	}{
		{"128 to 256", 2, chain([]int{128}, dense(256)), 0, 1, 256, 0},
		{"128 to 1024", 2, chain([]int{128}, dense(1024)), 0, 4, 1024, 0},
		// 4 cores with 2 axons each want 8 copies of 128 neurons: 4 cores of copies, or 1 and 4 of relays.
		{"128 to 128 to 1024", 2, chain([]int{128}, dense(128), dense(1024)), 0, 4, 1024, 0},
		// Of 64 places each is in one tile of 16 with 2 axons; the layer's own inputs are few.
		{"3x4 tiles for 8 axons a place", 2, chain([]int{4, 12, 12}, conv(schema.Conv, 3, 1, 1, 21, 12, 12)), 0, 12, 21 * 144, 0},
		{"2x2 tiles for 16 axons a place", 2, chain([]int{8, 8, 8}, conv(schema.Conv, 3, 1, 1, 64, 8, 8)), 0, 16, 64 * 64, 0},
		{"1x1 tiles for 28 axons a place", 2, chain([]int{14, 4, 4}, conv(schema.Conv, 3, 1, 1, 256, 4, 4)), 0, 16, 256 * 16, 0},
		{"2x2 tiles of a transposed convolution, each of the same 2x2 places of 32 channels", 2, chain([]int{32, 4, 4}, conv(schema.Deconv, 4, 2, 1, 16, 8, 8)), 0, 25, 16 * 64, 0},
	} {
		m, bad := New([]schema.Circuit{x.c}, none, Options{Axons: x.axons, Chips: 1})
		if bad != nil {
			t.Errorf("%s: %v", x.name, bad)
			continue
		}
		relays := 0
		var l *Layer
		for _, each := range m.Layers {
			if each.Population == x.layer {
				l = each
			}
			if each.Population < 0 {
				relays += len(each.Tiles)
			}
		}
		if len(l.Tiles) != x.cores || l.Copies != x.copies || relays != x.relays {
			t.Errorf("%s: %d cores, %d neurons and %d cores of relays, not %d, %d and %d", x.name, len(l.Tiles), l.Copies, relays, x.cores, x.copies, x.relays)
		}
	}
}

// Relays of n elements with f demands each take ceil(n / floor(256/f)) cores, and more than 256 demands a tree.
func TestRelays(t *testing.T) {
	for _, x := range []struct{ n, f, cores int }{{128, 4, 2}, {256, 8, 8}, {3, 256, 3}, {2, 300, 4}, {300, 1, 2}} {
		demands := make([][]demand, x.n)
		for i := range demands {
			demands[i] = make([]demand, x.f)
		}
		r := (&Layer{}).relays(demands)
		if len(r.Tiles) != x.cores || r.Copies != x.n*x.f {
			t.Errorf("%d x %d: %d cores and %d neurons, not %d and %d", x.n, x.f, len(r.Tiles), r.Copies, x.cores, x.n*x.f)
		}
	}
}

// A fan-in beyond the axons is refused with its numbers.
func TestFanIn(t *testing.T) {
	c := chain([]int{784}, dense(256))
	m, bad := New([]schema.Circuit{c}, none, Options{Chips: 1})
	want := Refused{Problem: "a neuron takes in 784 inputs, and a core has 256 axons, 1 for each input: 256 inputs is the limit",
		Change: "256 instead of 784 inputs to a neuron (fewer channels, or groups that each see so many)", Over: schema.Amount{Name: "inputs per neuron", Used: 784, Limit: 256}}
	if m != nil || len(bad) != 1 || bad[0] != want {
		t.Errorf("%+v", bad)
	}
}

// Hilbert's curve visits each place once, step by step.
func TestHilbert(t *testing.T) {
	seen := map[[2]int]bool{}
	px, py := hilbert(Side, 0)
	for i := range Side * Side {
		x, y := hilbert(Side, i)
		if seen[[2]int{x, y}] || i > 0 && abs(x-px)+abs(y-py) != 1 {
			t.Fatalf("place %d: %d %d", i, x, y)
		}
		seen[[2]int{x, y}] = true
		px, py = x, y
	}
}

// The weights of each neuron are those of the circuit.
func TestWeigher(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := circuittest.Generator(circuittest.Options{FanIn: 60}).Draw(t, "net")
		c := &n.Circuit
		m, bad := New([]schema.Circuit{*c}, none, Options{Axons: 1, Chips: 1})
		if bad != nil {
			t.Fatal(bad)
		}
		for _, l := range m.Layers {
			if l.Population < 0 {
				continue
			}
			want := make([]map[[3]int]float64, l.Size)
			for i := range want {
				want[i] = map[[3]int]float64{}
			}
			p := &c.Populations[l.Population]
			for k := range p.Synapses {
				s := &p.Synapses[k]
				weights := n.Weights(s.Weights)
				for x := range circuit.Connections(s, p.Dims) {
					id := [3]int{s.Population, s.Input, x.Source}
					if s.Population >= 0 {
						id[1] = 0
					}
					want[x.Target][id] += float64(weights[x.Weight])
				}
			}
			w := l.Weigher(c, n.Weights)
			for e := range l.Size {
				got := w.Of(e)
				for _, x := range got {
					id := [3]int{x.Source.Index, 0, x.Source.Element}
					if x.Source.Input {
						id[0], id[1] = -1, x.Source.Index
					}
					if v, ok := want[e][id]; !ok || v != x.Value {
						t.Fatalf("weight %v of %v, not %v", x.Value, id, v)
					}
				}
				if len(got) != len(want[e]) || len(got) > l.FanIn {
					t.Fatalf("%d inputs, not %d", len(got), len(want[e]))
				}
			}
		}
	})
}

// What no board holds is refused before anything is counted.
func TestLarge(t *testing.T) {
	c := chain([]int{1 << 15, 1 << 8, 1 << 7}, conv(schema.Pool, 1, 1, 0, 1<<15, 1<<8, 1<<7))
	if _, bad := New([]schema.Circuit{c}, none, Options{Chips: 1}); len(bad) != 1 || bad[0].Problem != "it has 1073741824 neurons, and the largest board 16777216" {
		t.Errorf("%+v", bad)
	}
}

// A chain of layers with a skip over all of them: 15 ticks are a delay, and beyond them there is a relay for each 15.
func TestFar(t *testing.T) {
	for _, x := range []struct{ layers, relays int }{{14, 0}, {15, 0}, {16, 1}, {30, 1}, {31, 2}, {46, 3}} {
		var layers []schema.Population
		for range x.layers + 1 {
			layers = append(layers, dense(4))
		}
		c := chain([]int{4}, layers...)
		last := &c.Populations[x.layers]
		skip := last.Synapses[0]
		skip.Population, skip.Delay = 0, x.layers-1
		last.Synapses = append(last.Synapses, skip)
		if err := circuit.Verify(c); err != nil {
			t.Fatal(err)
		}
		m, bad := New([]schema.Circuit{c}, none, Options{Chips: 1})
		if bad != nil {
			t.Fatal(bad)
		}
		relays := 0
		for _, l := range m.Layers {
			if l.Population < 0 {
				relays++
			}
			for _, tile := range l.Tiles {
				for _, list := range tile.Targets {
					for _, to := range list {
						if to.Tile != nil && (to.Delay < 1 || to.Delay > MaxDelay) {
							t.Errorf("%d layers: a delay of %d", x.layers, to.Delay)
						}
					}
				}
			}
		}
		if relays != x.relays {
			t.Errorf("%d layers: %d relays, not %d", x.layers, relays, x.relays)
		}
	}
}

// Cores lie closer for the search, each in a place of its own, and always in the same.
func TestPlace(t *testing.T) {
	c := chain([]int{2, 16, 16}, conv(schema.Conv, 3, 1, 1, 8, 16, 16), conv(schema.Conv, 3, 1, 1, 4, 16, 16), conv(schema.Conv, 3, 1, 1, 8, 16, 16))
	var found []float64
	for range 2 {
		m, bad := New([]schema.Circuit{c}, none, Options{Chips: 1, Axons: 2})
		if bad != nil {
			t.Fatal(bad)
		}
		seen := map[[2]int]bool{}
		for _, core := range m.Cores {
			at := [2]int{core.X, core.Y}
			if seen[at] || core.X < 0 || core.X >= Side || core.Y < 0 || core.Y >= Side {
				t.Fatalf("a core at %v", at)
			}
			seen[at] = true
		}
		found = append(found, hops(m))
		for i, core := range m.Cores {
			core.X, core.Y = hilbert(Side, i)
		}
		t.Logf("%d cores: %.0f hops for each time step, in the order of layers %.0f", len(m.Cores), found[len(found)-1], hops(m))
		if found[0] >= hops(m) {
			t.Errorf("%v hops, and %v without the search", found[0], hops(m))
		}
	}
	if found[0] != found[1] {
		t.Errorf("%v hops, and %v the second time", found[0], found[1])
	}
}

// hops returns the cores that the spikes of a time step pass, all together, by the rates that were measured.
func hops(m *Map) float64 {
	sum := 0.0
	for i, list := range m.wires() {
		for _, w := range list {
			c, d := m.Cores[i], m.Cores[w.core]
			sum += w.rate * float64(abs(c.X-d.X)+abs(c.Y-d.Y)) / 2
		}
	}
	return sum
}
