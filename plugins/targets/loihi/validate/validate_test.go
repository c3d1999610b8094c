package validate

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/loihi/mapping"
)

var networks = flag.Int("networks", 100, "random networks that are placed and validated")

// place lays circuits on a chip of so many cores.
func place(t *testing.T, circuits []schema.Circuit, cores, generation, bits int) *mapping.Layout {
	t.Helper()
	c := mapping.Chip{Cores: cores, Generation: generation, Bits: bits}
	for i := range circuits {
		c.AddCircuit(i, &circuits[i], make([]bool, len(circuits[i].Populations)))
	}
	reply := schema.TargetReply{Fits: true}
	p := c.Report(&reply)
	if !reply.Fits {
		return nil
	}
	return c.Layout(circuits, p, func(int, int) float64 { return 1 })
}

// Random networks, small ones and ones of several cores, lie as the validator says they must.
func TestRandom(t *testing.T) {
	placed, cores, several, sends, shared := 0, 0, 0, 0, 0
	for seed := range uint64(*networks) {
		r := rand.New(rand.NewPCG(seed, 7))
		o := circuittest.Options{Neurons: []int{16, 64, 200}[r.IntN(3)], Populations: 1 + r.IntN(8)}
		if r.IntN(3) == 0 { // layers of several cores
			o.Neurons, o.FanIn, o.Populations = 8000, 40, 1+r.IntN(4)
		}
		n := circuittest.Random(seed, o)
		circuits := []schema.Circuit{n.Circuit}
		if r.IntN(4) == 0 { // two circuits on one chip
			m := circuittest.Random(seed+1<<32, circuittest.Options{})
			m.Circuit.Name = "second"
			circuits = append(circuits, m.Circuit)
		}
		bits := mapping.Widths()[r.IntN(7)]
		generation := 1 + int(seed%3)/2 // a third of them
		l := place(t, circuits, 1024, generation, bits)
		if l == nil {
			continue
		}
		tables := l.Tables()
		for _, x := range Check(circuits, generation, bits, tables) {
			t.Errorf("network %d of %+v with %d bits: %s", seed, o, bits, x)
		}
		reached(t, seed, l, tables)
		placed++
		cores += len(l.Cores)
		populations := 0
		for _, c := range circuits {
			populations += len(c.Populations)
		}
		if len(l.Cores) > populations {
			several++
		}
		for _, c := range tables.Cores {
			sends += len(c.Sends)
			shared += len(c.Axons) - len(c.Blocks)
		}
	}
	t.Logf("%d of %d networks were placed on %d cores, %d of them with layers of several cores; %d output axons, %d input axons that share a block", placed, *networks, cores, several, sends, shared)
	if placed < *networks*9/10 || several < *networks/20 || sends == 0 || shared == 0 {
		t.Errorf("that is too few to say something")
	}
}

// reached sees that the messages and hops that the layout counts for each neuron are those of its output axons.
func reached(t *testing.T, seed uint64, l *mapping.Layout, tables *mapping.Tables) {
	t.Helper()
	type of struct{ circuit, population, element int }
	want := map[of][3]int{}
	for k := range tables.Cores {
		c := &tables.Cores[k]
		for _, s := range c.Sends {
			across, down := c.Place.Hops(tables.Cores[s.Core].Place)
			for _, a := range s.From {
				key := of{c.Circuit, c.Population, a.Element}
				x := want[key]
				want[key] = [3]int{x[0] + 1, x[1] + across, x[2] + down}
			}
		}
	}
	for i := range l.Populations {
		for j, r := range l.Populations[i] {
			for e := range r.Messages {
				if got := [3]int{r.Messages[e], r.Across[e], r.Down[e]}; got != want[of{i, j, e}] {
					t.Errorf("network %d: a spike of neuron %d of population %d causes %v, want %v", seed, e, j, got, want[of{i, j, e}])
				}
			}
		}
	}
}

// Whatever is wrong with a placement is found.
func TestFaults(t *testing.T) {
	n := circuittest.Random(5, circuittest.Options{Neurons: 100, Populations: 6})
	circuits := []schema.Circuit{n.Circuit}
	for _, x := range []struct {
		name  string
		fault func(t *mapping.Tables, k int) bool
		want  string
	}{
		{"a neuron is twice there", func(t *mapping.Tables, k int) bool {
			c := &t.Cores[k]
			c.Neurons = append(c.Neurons, c.Neurons[0])
			return true
		}, "lies in 2 compartments"},
		{"a send is lost", func(t *mapping.Tables, k int) bool {
			c := &t.Cores[k]
			if len(c.Sends) == 0 {
				return false
			}
			c.Outputs -= c.Sends[0].Slots
			c.Sends = c.Sends[1:]
			return true
		}, "lacks the connection"},
		{"a send is there twice", func(t *mapping.Tables, k int) bool {
			c := &t.Cores[k]
			if len(c.Sends) == 0 {
				return false
			}
			c.Outputs += c.Sends[0].Slots
			c.Sends = append(c.Sends, c.Sends[0])
			return true
		}, "or not so often"},
		{"a weight is another's", func(t *mapping.Tables, k int) bool {
			for i := range t.Cores[k].Blocks {
				for _, list := range t.Cores[k].Blocks[i].Atoms {
					if len(list) > 0 {
						list[0].Weight++
						return true
					}
				}
			}
			return false
		}, "lacks the connection"},
		{"a delay is wrong", func(t *mapping.Tables, k int) bool {
			for i := range t.Cores[k].Blocks {
				t.Cores[k].Blocks[i].Delay = 63
				return true
			}
			return false
		}, "wait 63 steps"},
		{"an axon is gone", func(t *mapping.Tables, k int) bool {
			c := &t.Cores[k]
			if len(c.Axons) == 0 {
				return false
			}
			c.Axons = c.Axons[:len(c.Axons)-1]
			return true
		}, "which is not there"},
		{"two cores share a place", func(t *mapping.Tables, k int) bool {
			if k == 0 {
				return false
			}
			t.Cores[k].Place = t.Cores[0].Place
			return true
		}, "are both at"},
		{"words are counted too low", func(t *mapping.Tables, k int) bool {
			t.Cores[k].Words--
			return true
		}, "the mapper counted"},
	} {
		found := false
		for k := range place(t, circuits, 1024, 1, 8).Cores {
			tables := place(t, circuits, 1024, 1, 8).Tables()
			if !x.fault(tables, k) {
				continue
			}
			found = true
			if got := strings.Join(Check(circuits, 1, 8, tables), "\n"); !strings.Contains(got, x.want) {
				t.Errorf("%s at core %d: %q, want %q", x.name, k, got, x.want)
			}
			break
		}
		if !found {
			t.Errorf("%s: no core to try it at", x.name)
		}
	}
	if bad := Check(circuits, 1, 8, place(t, circuits, 1024, 1, 8).Tables()); len(bad) > 0 {
		t.Errorf("the placement itself: %v", bad)
	}
}
