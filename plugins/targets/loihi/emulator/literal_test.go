package emulator

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// literal computes a network of the dialects chip and nengo-loihi one compartment after another, by the text of the ten steps and with
// arbitrary wide numbers. It returns u, v (before the reset) and spikes by step, group and compartment, and what each group did.
func literal(n *Network, inputs [][][]int32) (us, vs [][][]int64, spikes [][][]bool, counts []Count) {
	counts = make([]Count, len(n.Groups))
	type cell struct {
		u, v int64
		rest int
	}
	offsetU, offsetV := 1, 0
	if n.OffsetU != nil {
		offsetU = *n.OffsetU
	}
	if n.OffsetV != nil {
		offsetV = *n.OffsetV
	}
	index := map[string]int{}
	for i, in := range n.Inputs {
		index[in.Name] = i
	}
	cells := make([][]cell, len(n.Groups))
	for i, g := range n.Groups {
		index[g.Name] = i
		cells[i] = make([]cell, circuit.Size(g.Dims))
		for k := range cells[i] {
			cells[i][k] = cell{v: int64(g.Start.at(k)), rest: g.Hold}
		}
	}
	isInput := func(name string) bool {
		return slices.ContainsFunc(n.Inputs, func(in Input) bool { return in.Name == name })
	}
	dims := func(name string) []int {
		if isInput(name) {
			return n.Inputs[index[name]].Dims
		}
		return n.Groups[index[name]].Dims
	}
	modulo := func(x, m int64) int64 { // into -m/2 .. m/2 - 1
		return ((x+m/2)%m+m)%m - m/2
	}
	shrink := func(x int64, k int) int64 {
		d := x
		if d < 0 {
			d = -d
		}
		d = d * int64(4096-k) / 4096
		if x < 0 {
			return -d
		}
		return d
	}
	for t := range inputs {
		us, vs, spikes = append(us, nil), append(vs, nil), append(spikes, nil)
		for i, g := range n.Groups {
			size := len(cells[i])
			q := make([]int64, size)
			for _, s := range n.Synapses {
				if s.To != g.Name {
					continue
				}
				arrives := func(source, delay int) bool {
					if isInput(s.From) {
						at := t - delay
						return at >= 0 && slices.Contains(inputs[at][index[s.From]], int32(source))
					}
					at := t - 1 - delay
					return at >= 0 && spikes[at][index[s.From]][source]
				}
				value := func(w int32) int64 {
					x := int64(w) * 64
					for range s.Exponent {
						x *= 2
					}
					return x
				}
				if s.Kind == list {
					for k, w := range s.Weights.List {
						delay := s.Delay
						if len(s.Delays) > 0 {
							delay = s.Delays[k]
						}
						if arrives(s.Sources[k], delay) {
							q[s.Targets[k]] += value(w)
							counts[i].Synops++
						}
					}
					continue
				}
				geometry := s.geometry(dims(s.From), g.Dims)
				for c := range circuit.Connections(&geometry, g.Dims) {
					if arrives(c.Source, s.Delay) {
						q[c.Target] += value(s.Weights.List[c.Weight])
						counts[i].Synops++
					}
				}
			}
			vmin, vmax := int64(1), int64(1)
			low, high := 23, 23
			if g.VMin != nil {
				low = *g.VMin
			}
			if g.VMax != nil {
				high = 9 + 2**g.VMax
			}
			for range low {
				vmin *= 2
			}
			for range high {
				vmax *= 2
			}
			vmin, vmax = 1-vmin, vmax-1
			u, v, s := make([]int64, size), make([]int64, size), make([]bool, size)
			for k := range cells[i] {
				c := &cells[i][k]
				bias := int64(g.Bias.at(k))
				for range g.BiasExp {
					bias *= 2
				}
				current := shrink(c.u, g.DecayU+offsetU) + modulo(q[k], 1<<22)
				c.u = modulo(current, 1<<24)
				membrane := shrink(c.v, g.DecayV+offsetV) + modulo(c.u+bias, 1<<24)
				c.v = min(max(membrane, vmin), vmax)
				if modulo(q[k], 1<<22) != q[k] || c.u != current || modulo(c.u+bias, 1<<24) != c.u+bias || c.v != membrane {
					counts[i].Clipped++
				}
				if c.rest > 0 {
					c.v = 0
				}
				u[k], v[k] = c.u, c.v
				if c.v > int64(g.Threshold)*64 {
					s[k], c.rest = true, max(g.Refract, 1)
					if c.v -= int64(g.ResetBy); g.ResetBy == 0 {
						c.v = 0
					}
				}
				c.rest = max(c.rest-1, 0)
				if s[k] {
					counts[i].Spikes++
				}
				if s[k] || q[k] != 0 {
					counts[i].Active++
				} else {
					counts[i].Inactive++
				}
			}
			us[t], vs[t], spikes[t] = append(us[t], u), append(vs[t], v), append(spikes[t], s)
		}
	}
	return us, vs, spikes, counts
}

// random draws a network of several groups, with every kind of synapses and registers over their whole ranges.
func random(r *rand.Rand) (*Network, [][][]int32) {
	pick := func(list ...int) int { return list[r.IntN(len(list))] }
	n := &Network{Format: Format, Inputs: []Input{{"a", []int{2, 4, 3}}, {"b", []int{7}}}, Generation: r.IntN(3)}
	if r.IntN(4) == 0 {
		n.OffsetV = new(int)
		*n.OffsetV = 1
	}
	shapes := [][]int{{3, 4, 3}, {5}, {2, 4, 3}, {1, 2, 5}}
	for i := range 2 + r.IntN(3) {
		g := Group{Name: fmt.Sprint("g", i), Dims: shapes[r.IntN(len(shapes))], DecayU: pick(0, 1, 511, 2047, 4094, 4095, r.IntN(4096)), DecayV: pick(0, 1, 128, 4095, r.IntN(4096)),
			Threshold: pick(0, 10, 100, 1000, 100_000, 131071), Refract: pick(0, 1, 2, 3, 63), Hold: pick(0, 0, 1, 2, 5), BiasExp: r.IntN(8)}
		if n.Generation == 2 {
			g.ResetBy = pick(0, 1, min(64*g.Threshold, 1<<23-1))
		}
		size := circuit.Size(g.Dims)
		if r.IntN(2) == 0 {
			g.Bias = &Numbers{}
			for range pick(1, size) {
				g.Bias.List = append(g.Bias.List, int32(r.IntN(8191)-4095))
			}
		}
		if r.IntN(3) == 0 {
			e := pick(7, 12, 23)
			g.VMin = &e
		}
		if r.IntN(3) == 0 {
			e := pick(0, 3, 7)
			g.VMax = &e
		}
		if r.IntN(3) == 0 {
			low, high := g.clips()
			g.Start = &Numbers{List: []int32{int32(low + r.Int64N(high-low+1))}}
		}
		n.Groups = append(n.Groups, g)
	}
	dims := map[string][]int{"a": {2, 4, 3}, "b": {7}}
	names := []string{"a", "b"}
	for _, g := range n.Groups {
		dims[g.Name] = g.Dims
		names = append(names, g.Name)
	}
	for range 4 + r.IntN(5) {
		s := Synapses{From: names[r.IntN(len(names))], To: n.Groups[r.IntN(len(n.Groups))].Name, Exponent: r.IntN(8), Bits: 8, Delay: pick(0, 0, 1, 3, 62)}
		from, to := dims[s.From], dims[s.To]
		count := 0
		switch kind := r.IntN(4); {
		case kind == 0:
			s.Kind, count = string(schema.Dense), circuit.Size(from)*circuit.Size(to)
		case kind == 1 && len(from) == 3 && len(to) == 3 && slices.Equal(from[1:], to[1:]):
			s.Kind, s.Kernel, s.Stride, s.Pad = string(schema.Conv), 3, 1, 1
			if r.IntN(2) == 0 {
				s.Kind = string(schema.Deconv)
			}
			count = from[0] * to[0] * 9
		case kind == 2 && slices.Equal(from, to):
			s.Kind, count = string(schema.Same), 1
		default:
			s.Kind, count = list, 1+r.IntN(40)
			for range count {
				s.Sources, s.Targets = append(s.Sources, r.IntN(circuit.Size(from))), append(s.Targets, r.IntN(circuit.Size(to)))
				s.Delays = append(s.Delays, r.IntN(5))
			}
			if r.IntN(2) == 0 {
				s.Delays = nil
			}
		}
		for range count {
			s.Weights.List = append(s.Weights.List, int32(2*(r.IntN(255)-127)))
		}
		n.Synapses = append(n.Synapses, s)
	}
	var inputs [][][]int32
	for range 30 {
		step := make([][]int32, 2)
		for i := range step {
			for k := range circuit.Size(n.Inputs[i].Dims) {
				if r.IntN(5) == 0 {
					step[i] = append(step[i], int32(k))
				}
			}
		}
		inputs = append(inputs, step)
	}
	return n, inputs
}

// The emulator and the literal one agree in every current, membrane, spike and count, with one goroutine and with several.
func TestLiteral(t *testing.T) {
	fired, clipped := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 8))
		n, inputs := random(r)
		p, err := Compile(n)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		us, vs, spikes, counts := literal(n, inputs)
		s := p.NewState(seed, 1+int(seed%3))
		for step := range inputs {
			s.Step(inputs[step])
			for g := range n.Groups {
				u, v := s.U(g), s.V(g)
				got := s.Spikes(g)
				fired += len(got)
				for k := range u {
					if int64(u[k]) != us[step][g][k] || int64(v[k]) != vs[step][g][k] || slices.Contains(got, int32(k)) != spikes[step][g][k] {
						t.Fatalf("seed %d, step %d, group %d, compartment %d: u %d v %d spike %v, want %d %d %v", seed, step, g, k, u[k], v[k], slices.Contains(got, int32(k)), us[step][g][k], vs[step][g][k], spikes[step][g][k])
					}
				}
			}
		}
		for g, want := range counts {
			if got := s.Count(g); got != want {
				t.Fatalf("seed %d, group %d: counts are %+v, want %+v", seed, g, got, want)
			}
			clipped += want.Clipped
		}
	}
	if clipped < 1000 {
		t.Errorf("only %d updates clipped", clipped)
	}
	if fired < 10_000 {
		t.Errorf("only %d spikes", fired)
	}
}

// A state that is reset computes the same again, and one that runs on in two halves is one that runs through: nothing but the state
// goes on. Compartments in another order give the same in that order.
func TestOrder(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 9))
		n, inputs := random(r)
		n.Groups[0].Noise = &Noise{To: "v", Offset: 3, Exponent: 9}
		p, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		run := func(s *State) (out [][]int32) {
			for _, in := range inputs {
				s.Step(in)
				for g := range n.Groups {
					out = append(out, s.U(g), s.V(g), slices.Clone(s.Spikes(g)))
				}
			}
			return out
		}
		s := p.NewState(seed, 1)
		first := run(s)
		s.Reset(seed)
		again := run(s)
		for i := range first {
			if !slices.Equal(first[i], again[i]) {
				t.Fatalf("seed %d: a state that is reset goes another way at %d", seed, i)
			}
		}
	}
	// A dense group and its permutation.
	r := rand.New(rand.NewPCG(1, 1))
	order := r.Perm(20)
	weights, moved := make([]int32, 20*6), make([]int32, 20*6)
	for i := range weights {
		weights[i] = int32(2 * (r.IntN(200) - 80))
	}
	for k, to := range order {
		copy(moved[to*6:][:6], weights[k*6:][:6])
	}
	make := func(w []int32) *State {
		n := &Network{Format: Format, Inputs: []Input{{"x", []int{6}}}, Groups: []Group{{Name: "g", Dims: []int{20}, DecayU: 1000, DecayV: 300, Threshold: 300}},
			Synapses: []Synapses{{From: "x", To: "g", Kind: "dense", Weights: Numbers{List: w}, Bits: 8}}}
		p, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		return p.NewState(0, 1)
	}
	a, b := make(weights), make(moved)
	fired := 0
	for range 50 {
		in := [][]int32{{int32(r.IntN(6)), int32(r.IntN(6))}}
		a.Step(in)
		b.Step(in)
		va, vb := a.V(0), b.V(0)
		fired += len(a.Spikes(0))
		for k, to := range order {
			if va[k] != vb[to] || slices.Contains(a.Spikes(0), int32(k)) != slices.Contains(b.Spikes(0), int32(to)) {
				t.Fatalf("compartment %d and %d differ", k, to)
			}
		}
	}
	if fired == 0 {
		t.Error("no spike")
	}
}

// Noise has the distribution that is published: (n + 64 offset) 2^(exponent - 7), n uniform from -127 to 127.
func TestNoise(t *testing.T) {
	n := &Network{Format: Format, Groups: []Group{{Name: "g", Dims: []int{400}, DecayU: 4095, DecayV: 4095, Threshold: 131071, Noise: &Noise{To: "v", Offset: 1, Exponent: 9}}}}
	p, err := Compile(n)
	if err != nil {
		t.Fatal(err)
	}
	s := p.NewState(5, 1)
	counts := map[int32]int{}
	const steps = 500
	for range steps {
		s.Step(nil)
		for _, v := range s.V(0) {
			counts[v]++ // a membrane that decays at once, up to a residue of one part in 4096
		}
	}
	total, mean, square := 0.0, 0.0, 0.0
	for v, k := range counts {
		if v%4 != 0 || v/4-64 < -127 || v/4-64 > 127 {
			t.Fatalf("noise of %d", v)
		}
		x := float64(v)/4 - 64
		total, mean, square = total+float64(k), mean+x*float64(k), square+x*x*float64(k)
	}
	if len(counts) != 255 {
		t.Errorf("%d values of 255", len(counts))
	}
	mean, square = mean/total, square/total
	if want := 127.0 * 128 / 3; mean*mean > 16*want/total || square < want*0.99 || square > want*1.01 { // four standard deviations
		t.Errorf("mean %.3f and mean square %.1f, want 0 and %.1f", mean, square, want)
	}
}

func BenchmarkStep(b *testing.B) {
	const size, fan = 128 * 1024, 64
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 1))
			n := &Network{Format: Format, Inputs: []Input{{"x", []int{size}}}, Groups: []Group{{Name: "g", Dims: []int{size}, DecayU: 4095, DecayV: 409, Threshold: 230}},
				Synapses: []Synapses{{From: "x", To: "g", Kind: "same", Weights: Numbers{List: []int32{254}}, Bits: 8},
					{From: "g", To: "g", Kind: "list", Bits: 8}}}
			s := &n.Synapses[1]
			for i := range size {
				for range fan {
					s.Sources, s.Targets, s.Weights.List = append(s.Sources, i), append(s.Targets, r.IntN(size)), append(s.Weights.List, int32(2*(r.IntN(5)-2)))
				}
			}
			p, err := Compile(n)
			if err != nil {
				b.Fatal(err)
			}
			inputs := make([][][]int32, 16)
			for t := range inputs {
				inputs[t] = [][]int32{nil}
				for i := range size {
					if r.IntN(20) == 0 {
						inputs[t][0] = append(inputs[t][0], int32(i))
					}
				}
			}
			state := p.NewState(0, workers)
			b.ResetTimer()
			for t := range b.N {
				state.Step(inputs[t%16])
			}
			c := state.Count(0)
			b.ReportMetric(1000*b.Elapsed().Seconds()/float64(b.N), "ms/step")
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mupdates/s")
			b.ReportMetric(float64(c.Spikes)/float64(size)/float64(b.N), "rate")
		})
	}
}
