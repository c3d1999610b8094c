package mapping

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// Each place of two chips has a number, and tiles that follow each other are neighbours, also from chip to chip.
func TestPlaces(t *testing.T) {
	seen := map[Place]bool{}
	for n := range 2 * chipCores {
		p := placeOf(n)
		if seen[p] || p.X < 0 || p.X >= meshWidth || p.Y < 0 || p.Y >= meshHeight {
			t.Errorf("place %d is %+v", n, p)
		}
		seen[p] = true
		if n > 0 {
			if across, down := p.Hops(placeOf(n - 1)); across+down > 1 {
				t.Errorf("%+v is %d and %d tiles from the place before", p, across, down)
			}
		}
	}
}

// hops returns the tiles that messages pass if all neurons spike, with the cores where they are and with the cores in order.
func hops(l *Layout) (placed, ordered int) {
	sum := func() (n int) {
		for _, list := range l.Populations {
			for _, r := range list {
				for i := range r.Across {
					n += r.Across[i] + r.Down[i]
				}
			}
		}
		return n
	}
	placed = sum()
	for i, list := range l.Populations {
		for j, r := range list {
			n := len(r.Messages)
			l.Populations[i][j] = Reach{make([]int, n), make([]int, n), make([]int, n)}
		}
	}
	for k := range l.Cores {
		l.Cores[k].Place = placeOf(k)
	}
	l.reach()
	return placed, sum()
}

// lay puts one circuit on a chip.
func lay(t *testing.T, c schema.Circuit, cores int) *Layout {
	t.Helper()
	chip := Chip{Cores: cores, Bits: 8}
	chip.AddCircuit(0, &c, make([]bool, len(c.Populations)))
	reply := schema.TargetReply{Fits: true}
	p := chip.Report(&reply)
	if !reply.Fits {
		t.Fatalf("it does not fit: %+v", reply.Layers)
	}
	return chip.Layout([]schema.Circuit{c}, p, func(int, int) float64 { return 1 })
}

// chain is dense layers of some sizes.
func chain(sizes ...int) schema.Circuit {
	c := schema.Circuit{Name: "n", Network: "n", Steps: 4, Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: sizes[:1]}}}
	for i, n := range sizes[1:] {
		c.Populations = append(c.Populations, schema.Population{Name: string(rune('a' + i)), Dims: []int{n}, Depth: i + 1,
			Dynamics: schema.Dynamics{Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}},
			Synapses: []schema.Synapses{{Population: i - 1, Kind: schema.Dense, View: schema.View{From: sizes[i : i+1], Dims: sizes[i : i+1]},
				Weights: schema.Tensor{Dims: []int{n, sizes[i]}}}}})
	}
	return c
}

// The search makes ways shorter than they are with the cores in order, and is the same each time.
func TestMesh(t *testing.T) {
	for _, c := range []schema.Circuit{
		chain(1000, 1000, 1000, 1000),
		chain(512, 1024, 512, 1024, 512, 1024, 512, 1024, 512, 1024),
		chain(2000, 2000, 2000, 2000, 2000), // several chips
		circuittest.Random(3, circuittest.Options{Neurons: 8000, FanIn: 100, Populations: 4}).Circuit,
	} {
		if err := circuit.Verify(c); err != nil {
			t.Fatal(err)
		}
		l := lay(t, c, 1024)
		again := lay(t, c, 1024)
		for k := range l.Cores {
			if l.Cores[k] != again.Cores[k] {
				t.Errorf("core %d is %+v and then %+v", k, l.Cores[k], again.Cores[k])
			}
		}
		cores := len(l.Cores)
		placed, ordered := hops(l)
		t.Logf("%d cores on %d chips: %d hops, and %d in order", cores, l.Chips, placed, ordered)
		if placed > ordered || cores > 8 && placed == ordered {
			t.Errorf("%d cores: %d hops, and %d in order", cores, placed, ordered)
		}
	}
}
