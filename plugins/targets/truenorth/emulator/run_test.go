package emulator

import (
	"cmp"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// input gives arrivals to a block.
func input(in []arrival) func(int, int, *Inputs) {
	at := map[int][]arrival{}
	for _, a := range in {
		at[a.tick] = append(at[a.tick], a)
	}
	return func(_, tick int, to *Inputs) {
		for _, a := range at[tick] {
			to.Axon(a.core, a.axon)
		}
	}
}

// spike is a neuron that spiked, by where its core lies.
type spike struct {
	tick       int
	chip, x, y int32
	place      int
}

func sortSpikes(list []spike) {
	slices.SortFunc(list, func(a, b spike) int {
		return cmp.Or(a.tick-b.tick, int(a.chip-b.chip), int(a.y-b.y), int(a.x-b.x), a.place-b.place)
	})
}

// run returns the spikes of an example, sorted.
func run(t *rapid.T, n *Network, ticks int, seed uint64, in []arrival) ([]spike, *Activity) {
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	var out []spike
	a, err := m.Run(&Block{Examples: 1, Ticks: ticks, Seeds: []uint64{seed}, Input: input(in), Fired: func(_, tick, core int, places [4]uint64) {
		c := &n.Cores[core]
		for j := range Neurons {
			if places[j/64]>>(j%64)&1 != 0 {
				out = append(out, spike{tick, c.Chip, c.X, c.Y, j})
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	sortSpikes(out)
	return out, a
}

// The order in which cores are listed changes nothing, whatever is drawn.
func TestOrderOfCores(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, ticks, in := random(t, true)
		seed := rapid.Uint64().Draw(t, "seed")
		a, counted := run(t, n, ticks, seed, in)
		slices.Reverse(n.Cores)
		last := len(n.Cores) - 1
		for i := range n.Cores {
			for k := range n.Cores[i].Neurons {
				if x := &n.Cores[i].Neurons[k]; x.Kind == ToAxon {
					x.To = int32(last) - x.To
				}
			}
		}
		for i := range in {
			in[i].core = last - in[i].core
		}
		b, counted2 := run(t, n, ticks, seed, in)
		if !slices.Equal(a, b) || !reflect.DeepEqual(counted, counted2) {
			t.Fatalf("%d and %d spikes, or other ones", len(a), len(b))
		}
	})
}

// Neurons at other places of their core do the same, where nothing is drawn.
func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, ticks, in := random(t, false)
		a, counted := run(t, n, ticks, 0, in)
		to := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "permutation"), 3)).Perm(Neurons)
		for i := range n.Cores {
			c := &n.Cores[i]
			old := c.Rows
			c.Rows = [Axons]set{}
			for k := range c.Neurons {
				was := int(c.Neurons[k].Place)
				c.Neurons[k].Place = int32(to[was])
				for axon := range old {
					if old[axon][was/64]>>(was%64)&1 != 0 {
						c.Connect(axon, to[was])
					}
				}
			}
			slices.SortFunc(c.Neurons, func(a, b Neuron) int { return int(a.Place - b.Place) })
		}
		b, counted2 := run(t, n, ticks, 0, in)
		for i := range a {
			a[i].place = to[a[i].place]
		}
		sortSpikes(a)
		if !slices.Equal(a, b) || !reflect.DeepEqual(counted, counted2) {
			t.Fatalf("%d and %d spikes, or other ones", len(a), len(b))
		}
	})
}

// A run that is cut and goes on from its state is the whole run: V, schedulers and what waits are all of it.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, ticks, in := random(t, true)
		n.Lines = [][]Line{{{Core: 0, Axon: 9, Delay: 3}, {Core: 0, Axon: 10, Delay: 17}}}
		m, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		feed := input(in)
		b := &Block{Input: func(example, tick int, to *Inputs) {
			feed(example, tick, to)
			if tick%4 == 1 {
				to.Line(0)
			}
		}}
		w := m.workers(1, ticks)
		advance := func(s *state, to int) {
			for s.tick < to {
				if err := w[0].before(s, b, 0); err != nil {
					t.Fatal(err)
				}
				for patch := range m.patches() {
					w[0].run(s, patch)
				}
				w[0].after(s, b, 0)
			}
		}
		whole, cut := m.newState(1), m.newState(1)
		whole.reset(5)
		cut.reset(5)
		advance(whole, ticks)
		advance(cut, ticks/2)
		fresh := m.newState(1)
		fresh.seed, fresh.tick, fresh.later = cut.seed, cut.tick, cut.later
		copy(fresh.v, cut.v)
		copy(fresh.v16, cut.v16)
		copy(fresh.wide, cut.wide)
		copy(fresh.moving, cut.moving)
		copy(fresh.bits, cut.bits)
		copy(fresh.due, cut.due)
		for i, x := range cut.mail {
			fresh.mail[i] = slices.Clone(x)
		}
		advance(fresh, ticks)
		same := true
		for i := range len(n.Cores) * Neurons {
			same = same && fresh.membrane(i/Neurons, i%Neurons) == whole.membrane(i/Neurons, i%Neurons)
		}
		if !same || !slices.Equal(fresh.due, whole.due) || !slices.EqualFunc(fresh.mail, whole.mail, slices.Equal) {
			t.Fatal("the second half goes another way")
		}
	})
}

// crowd is a network of many cores of several kinds, which keeps itself busy.
func crowd(cores int, stochastic bool) *Network {
	r := rand.New(rand.NewPCG(7, uint64(cores)))
	n := &Network{
		Layers:  []string{"a", "b"},
		Outputs: 40,
		Lines:   [][]Line{{{Core: 0, Axon: 0}, {Core: 1, Axon: 1, Delay: 2}, {Core: 0, Axon: 2, Delay: 20}}},
		Parameters: []Parameters{
			{S: [4]int32{3, -2, 1, -3}, Lambda: 1, Alpha: 12, Beta: 10, Kappa: true},
			{S: [4]int32{5, -4, 2, -1}, Alpha: 9, Beta: 20, Gamma: 1},
			{S: [4]int32{40, -40, 20, -20}, B: [4]bool{true, true}, Lambda: 30, C: stochastic, Alpha: 3, TM: 3, Beta: 5, Gamma: 1},
		},
		Cores: make([]Core, cores),
	}
	for i := range n.Cores {
		c := &n.Cores[i]
		c.X, c.Y = int32(i%Side), int32(i/Side)
		for a := range c.Types {
			c.Types[a] = uint8(r.IntN(4))
		}
		for place := range Neurons {
			x := Neuron{Place: int32(place), Layer: int32(place / 200), Parameters: int32(i % 2), Destination: Destination{Kind: ToAxon, To: int32(r.IntN(cores)), Axon: int32(r.IntN(Axons)), Delay: 1 + int32(r.IntN(MaxDelay))}}
			if stochastic {
				x.Parameters = int32(r.IntN(3))
			}
			if place == 0 {
				x.Destination = Destination{Kind: ToOutput, To: int32(r.IntN(n.Outputs))}
			}
			c.Neurons = append(c.Neurons, x)
			for range 20 {
				c.Connect(r.IntN(Axons), place)
			}
		}
	}
	return n
}

// What comes out for an example depends on it and its seed alone: not on workers, on the examples beside it, or on whether cores or
// examples are computed at once.
func TestWorkers(t *testing.T) {
	n := crowd(70, true)
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	const ticks = 25
	type out struct {
		tick    int
		outputs []int32
	}
	one := func(examples []int, workers int) (map[int][]out, *Activity) {
		var lock sync.Mutex
		got := map[int][]out{}
		seeds := make([]uint64, len(examples))
		for i, e := range examples {
			seeds[i] = uint64(100 + e)
		}
		a, err := m.Run(&Block{Examples: len(examples), Ticks: ticks, Seeds: seeds, Workers: workers,
			Input: func(example, tick int, in *Inputs) {
				if tick%(2+examples[example]) == 0 {
					in.Line(0)
					in.Axon(3, examples[example])
				}
			},
			Output: func(example, tick int, outputs []int32) {
				lock.Lock()
				defer lock.Unlock()
				got[examples[example]] = append(got[examples[example]], out{tick, slices.Clone(outputs)})
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		return got, a
	}
	all := []int{0, 1, 2, 3, 4}
	want, counted := one(all, 1)
	if len(want) != len(all) || counted.Merged == 0 || counted.Layers[1].Messages == 0 {
		t.Fatalf("too little happens: %+v", counted)
	}
	for _, workers := range []int{2, 3, 8, 0} { // 8 are more than examples: by cores
		if got, c := one(all, workers); !reflect.DeepEqual(got, want) || !reflect.DeepEqual(c, counted) {
			t.Errorf("%d workers: another outcome", workers)
		}
	}
	for _, e := range all {
		if got, _ := one([]int{e}, 2); !reflect.DeepEqual(got[e], want[e]) {
			t.Errorf("example %d alone: another outcome", e)
		}
	}
	if reflect.DeepEqual(want[0], want[1]) {
		t.Error("two seeds draw the same")
	}
}

// A line that waits comes in so many ticks later, and wrong inputs are told.
func TestLines(t *testing.T) {
	n := &Network{Parameters: []Parameters{{S: [4]int32{1}, Alpha: 1000}}, Lines: [][]Line{{{Axon: 0}, {Axon: 1, Delay: 3}, {Axon: 2, Delay: 40}}}, Cores: make([]Core, 1)}
	n.Cores[0].Neurons = []Neuron{{}}
	for a := range 3 {
		n.Cores[0].Connect(a, 0)
	}
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	last, rises := int32(0), []int(nil)
	a, err := m.Run(&Block{Examples: 1, Ticks: 50, Input: func(_, tick int, in *Inputs) {
		if tick == 2 {
			in.Line(0)
		}
	}, after: func(s *state) {
		if s.membrane(0, 0) > last {
			rises = append(rises, s.tick)
		}
		last = s.membrane(0, 0)
	}})
	if err != nil || !slices.Equal(rises, []int{2, 5, 42}) || a.Inputs != 3 {
		t.Errorf("%v: V rises at %v, and %v spikes came in", err, rises, a.Inputs)
	}
	for _, c := range []struct {
		block Block
		want  string
	}{
		{Block{Examples: 1, Ticks: 3, Input: func(_, _ int, in *Inputs) { in.Line(1) }}, "example 0, tick 0: there is no input 1: the network has 1"},
		{Block{Examples: 1, Ticks: 3, Input: func(_, tick int, in *Inputs) { in.Axon(tick, 0) }}, "example 0, tick 1: there is no axon 0 of core 1"},
		{Block{Examples: 1, Ticks: 3, Input: func(_, _ int, in *Inputs) { in.Axon(0, 256) }}, "there is no axon 256 of core 0"},
		{Block{Examples: 1}, "an example has 0 ticks"},
		{Block{Ticks: 1}, "there are 0 examples"},
		{Block{Examples: 2, Ticks: 1, Seeds: []uint64{1}}, "there are 1 seeds for 2 examples"},
	} {
		if _, err := m.Run(&c.block); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// V stays at the ends of its range, addition by addition.
func TestSaturation(t *testing.T) {
	for _, c := range []struct {
		rules Rules
		p     Parameters
		axons []int // of the types 0, 1, 2, 3
		want  int32
		clips float64
	}{
		{Rules{}, Parameters{S: [4]int32{255, -256}, Alpha: MaxThreshold, Gamma: 2, V: MaxPotential - 255}, []int{0}, MaxPotential, 0},
		{Rules{}, Parameters{S: [4]int32{255, -256}, Alpha: MaxThreshold, Gamma: 2, V: MaxPotential - 254}, []int{0}, MaxPotential, 1},
		{Rules{}, Parameters{S: [4]int32{255, -256}, Alpha: MaxThreshold, Gamma: 2, V: MaxPotential}, []int{0, 1}, MaxPotential - 256, 1},
		{Rules{}, Parameters{S: [4]int32{-256, 255}, Alpha: MaxThreshold, Beta: MaxThreshold, Gamma: 2, V: MinPotential}, []int{0, 1}, MinPotential + 255, 1},
		{Rules{}, Parameters{Lambda: -1, Beta: MaxThreshold, Alpha: MaxThreshold, Gamma: 2, V: MinPotential}, nil, MinPotential, 1},
		{Rules{Low: -393216, High: 393216}, Parameters{S: [4]int32{10}, Alpha: MaxThreshold, Gamma: 2, V: 393210}, []int{0}, 393216, 1},
		{Rules{LeakFirst: true}, Parameters{S: [4]int32{255}, Lambda: -256, Alpha: MaxThreshold, Gamma: 2, V: MaxPotential}, []int{0}, MaxPotential - 1, 0},
	} {
		n := &Network{Rules: c.rules, Parameters: []Parameters{c.p}, Cores: make([]Core, 1)}
		n.Cores[0].Neurons = []Neuron{{}}
		var in []arrival
		for a := range Types {
			n.Cores[0].Types[a] = uint8(a)
			n.Cores[0].Connect(a, 0)
		}
		for _, a := range c.axons {
			in = append(in, arrival{0, 0, a})
		}
		m, err := New(n)
		if err != nil {
			t.Fatal(err)
		}
		var v int32
		a, err := m.Run(&Block{Examples: 1, Ticks: 1, Input: input(in), after: func(s *state) { v = s.membrane(0, 0) }})
		if err != nil || v != c.want || a.Layers[0].Clipped != c.clips {
			t.Errorf("%+v: %v, V is %d, clipped %v; want %d, %v", c.p, err, v, a.Layers[0].Clipped, c.want, c.clips)
		}
	}
}

// Stochastic modes over 100,000 ticks: synapses and leaks of magnitude s act with probability (s + 1) / 256, thresholds are uniform over
// their mask, and draws of different axons and ticks are independent (mean and variance within five standard errors).
func TestDistribution(t *testing.T) {
	const ticks, block = 100_000, 100
	type check struct {
		p        Parameters
		mean     float64 // of the change of V in a tick, or of spikes
		variance float64
	}
	var list []check
	for _, s := range []int32{-256, -255, -128, -17, -1, 1, 2, 30, 127, 200, 254, 255} {
		p := math.Min(1, (math.Abs(float64(s))+1)/256)
		sgn := float64(sign(s))
		big := Parameters{Alpha: MaxThreshold, Beta: MaxThreshold, Gamma: 2}
		synapse := big
		synapse.S, synapse.B = [4]int32{s}, [4]bool{true}
		list = append(list, check{synapse, 2 * sgn * p, 2 * p * (1 - p)}) // two axons
		leak := big
		leak.Lambda, leak.C = s, true
		list = append(list, check{leak, sgn * p, p * (1 - p)})
		away := leak
		away.Epsilon, away.V = true, 200_000*sign(s) // |V| grows or falls, and stays of its sign
		list = append(list, check{away, p, p * (1 - p)})
	}
	thresholds := len(list)
	for _, x := range []struct{ over, tm int32 }{{0, 1}, {0, 8}, {7, 3}, {6, 3}, {100, 8}, {3000, 13}} {
		p := math.Min(1, float64(x.over+1)/float64(int(1)<<x.tm))
		list = append(list, check{Parameters{Alpha: 10, TM: x.tm, Gamma: 2, V: 10 + x.over}, p, p * (1 - p)})
	}
	n := &Network{Cores: make([]Core, 1)}
	for j, c := range list {
		n.Parameters = append(n.Parameters, c.p)
		n.Cores[0].Neurons = append(n.Cores[0].Neurons, Neuron{Place: int32(j), Parameters: int32(j)})
		n.Cores[0].Connect(0, j)
		n.Cores[0].Connect(77, j)
	}
	m, err := New(n)
	if err != nil {
		t.Fatal(err)
	}
	sums := make([][]float64, len(list)) // by block
	last := make([]int32, len(list))
	for j, c := range list {
		last[j] = c.p.V
	}
	_, err = m.Run(&Block{Examples: 1, Ticks: ticks, Seeds: []uint64{11},
		Input: func(_, _ int, in *Inputs) { in.Axon(0, 0); in.Axon(0, 77) },
		after: func(s *state) {
			for j := range list {
				if s.tick%block == 0 {
					sums[j] = append(sums[j], 0)
				}
				x := float64(s.membrane(0, j) - last[j])
				if j >= thresholds {
					x = float64(s.fired[0][j/64] >> (j % 64) & 1)
				}
				sums[j][len(sums[j])-1] += x
				last[j] = s.membrane(0, j)
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	for j, c := range list {
		blocks := float64(len(sums[j]))
		mean, variance := 0.0, 0.0
		for _, x := range sums[j] {
			mean += x / blocks
		}
		for _, x := range sums[j] {
			variance += (x - mean) * (x - mean) / (blocks - 1)
		}
		wantMean, wantVariance := block*c.mean, block*c.variance
		// The variance of a sample variance is sigma^4 (2 / (n - 1) + excess kurtosis / n); a sum of Bernoulli draws has little.
		kurtosis := 0.0
		if p := math.Mod(math.Abs(c.mean), 1); wantVariance > 0 {
			kurtosis = math.Max(0, (1-6*p*(1-p))/wantVariance)
		}
		if math.Abs(mean-wantMean) > 5*math.Sqrt(wantVariance/blocks)+1e-9 {
			t.Errorf("%+v: mean %v, want %v", c.p, mean/block, c.mean)
		}
		if math.Abs(variance-wantVariance) > 5*wantVariance*math.Sqrt(2/(blocks-1)+kurtosis/blocks)+1e-9 {
			t.Errorf("%+v: variance %v, want %v", c.p, variance/block, c.variance)
		}
	}
}

// The published vector of Philox4x32-10 (Random123, kat_vectors): all ones, and the digits of pi.
func TestPhilox(t *testing.T) {
	for _, c := range []struct {
		counter [4]uint32
		k0, k1  uint32
		want    [4]uint32
	}{
		{[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffff, 0xffffffff, [4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0, [4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := philox(c.counter, c.k0, c.k1); got != c.want {
			t.Errorf("%x, want %x", got, c.want)
		}
	}
}
