package emulator

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// The second implementation: every neuron and every synapse at every tick, in 64 bits, with spikes in a list. It shares nothing with the
// first but the network and the numbers that are drawn.

// arrival is a spike on its way.
type arrival struct{ tick, core, axon int }

// literally runs an example and returns for each tick V of all neurons (by core and place) and who spiked, the spikes that had no effect
// since another came in at the same time, and the updates that left the range.
func literally(n *Network, ticks int, seed uint64, in []arrival) (vs []map[[2]int]int64, spikes []map[[2]int]bool, merged, clipped int) {
	low, high := int64(-524288), int64(524287)
	if n.Rules.Low != 0 || n.Rules.High != 0 {
		low, high = int64(n.Rules.Low), int64(n.Rules.High)
	}
	v := map[[2]int]int64{}
	for c := range n.Cores {
		for _, x := range n.Cores[c].Neurons {
			v[[2]int{c, int(x.Place)}] = int64(n.Parameters[x.Parameters].V)
		}
	}
	flight := append([]arrival(nil), in...)
	for t := range ticks {
		fired := map[[2]int]bool{}
		after := map[[2]int]int64{}
		active := map[[2]int]bool{}
		for _, a := range flight {
			if a.tick == t {
				active[[2]int{a.core, a.axon}] = true
			}
		}
		for c := range n.Cores {
			core := &n.Cores[c]
			for _, x := range core.Neurons {
				p := n.Parameters[x.Parameters]
				j := int(x.Place)
				u := v[[2]int{c, j}]
				left := false
				hold := func() {
					if u < low {
						u, left = low, true
					}
					if u > high {
						u, left = high, true
					}
				}
				id := uint32(core.Chip)*4096 + uint32(core.Y)*64 + uint32(core.X)
				block := func(b uint32) [4]uint32 {
					return philox([4]uint32{uint32(t), uint32(j) + 256*(b+1), id, 0}, uint32(seed), uint32(seed>>32))
				}
				rho := func(draw int) int64 {
					w := block(uint32(draw / 16))
					return int64(w[draw%16/4] / (1 << (8 * (draw % 4))) % 256)
				}
				sgn := func(x int64) int64 {
					if x < 0 {
						return -1
					} else if x > 0 {
						return 1
					}
					return 0
				}
				abs := func(x int64) int64 { return x * sgn(x) }
				leak := func() {
					l := int64(p.Lambda)
					if p.C {
						if abs(l) >= rho(256) {
							l = sgn(l)
						} else {
							l = 0
						}
					}
					if p.Epsilon {
						was := u
						u += sgn(was) * l
						hold()
						if was > 0 && u < 0 || was < 0 && u > 0 {
							u = 0
						}
					} else {
						u += l
						hold()
					}
				}
				if n.Rules.LeakFirst {
					leak()
				}
				for a := range 256 {
					if !active[[2]int{c, a}] || core.Rows[a][j/64]&(1<<uint(j%64)) == 0 {
						continue
					}
					g := core.Types[a]
					s := int64(p.S[g])
					if !p.B[g] {
						u += s
					} else if abs(s) >= rho(a) {
						u += sgn(s)
					}
					hold()
				}
				if !n.Rules.LeakFirst {
					leak()
				}
				eta := int64(block(16)[1]) % (1 << uint(p.TM))
				alpha, beta, kappa, r := int64(p.Alpha), int64(p.Beta), int64(0), int64(p.R)
				if p.Kappa {
					kappa = 1
				}
				up, down, test := alpha+eta, beta*kappa+(beta+eta)*(1-kappa), u
				if n.Rules.OnPotential {
					up, down, test = alpha, beta, u+eta
				}
				spike := test >= up
				if n.Rules.Above {
					spike = test > up
				}
				under := test < -down
				if n.Rules.Reached {
					under = test <= -down
				}
				if spike {
					fired[[2]int{c, j}] = true
					if p.Gamma == 0 {
						u = r
					} else if p.Gamma == 1 {
						u -= up
					}
				} else if under {
					if p.Kappa {
						u = -beta
					} else if p.Gamma == 0 {
						u = -r
					} else if p.Gamma == 1 {
						if n.Rules.Away {
							u -= beta
						} else {
							u += down
						}
					}
				}
				hold()
				if left {
					clipped++
				}
				after[[2]int{c, j}] = u
				if fired[[2]int{c, j}] && x.Kind == ToAxon {
					flight = append(flight, arrival{t + int(x.Delay), int(x.To), int(x.Axon)})
				}
			}
		}
		v = after
		vs, spikes = append(vs, after), append(spikes, fired)
	}
	different := map[arrival]bool{}
	for _, a := range flight {
		different[a] = true
	}
	return vs, spikes, len(flight) - len(different), clipped
}

// small returns one of the numbers that break things, or one within the range.
func small(t *rapid.T, low, high int32, name string) int32 {
	return rapid.OneOf(rapid.Int32Range(max(low, -12), min(high, 12)), rapid.Int32Range(low, high), rapid.SampledFrom([]int32{low, high})).Draw(t, name)
}

// random draws a network with what comes in over some ticks.
func random(t *rapid.T, stochastic bool) (*Network, int, []arrival) {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	n := &Network{Outputs: 3}
	if flag("rules") {
		n.Rules = Rules{Above: flag("above"), Reached: flag("reached"), LeakFirst: flag("leak first"), OnPotential: flag("on potential"), Away: flag("away")}
	}
	plain := flag("plain") // as the vectors compute
	low, high := int32(MinPotential), int32(MaxPotential)
	if !plain && flag("narrow") {
		low, high = -rapid.Int32Range(0, 500).Draw(t, "low"), rapid.Int32Range(1, 500).Draw(t, "high")
		n.Rules.Low, n.Rules.High = low, high
	}
	for range rapid.IntRange(1, 4).Draw(t, "parameters") {
		p := Parameters{
			Lambda: small(t, MinWeight, MaxWeight, "lambda"), Epsilon: flag("epsilon"), Alpha: small(t, 0, MaxThreshold, "alpha"), Beta: small(t, 0, MaxThreshold, "beta"),
			Kappa: flag("kappa"), Gamma: rapid.Int32Range(0, 2).Draw(t, "gamma"), R: small(t, max(low, -high), min(high, -low), "r"), V: small(t, low, high, "v"),
		}
		if flag("no leak") {
			p.Lambda = 0
		}
		p.Epsilon = p.Epsilon && !plain
		for g := range p.S {
			p.S[g] = small(t, MinWeight, MaxWeight, "s")
			p.B[g] = stochastic && flag("b")
		}
		if stochastic {
			p.C, p.TM = flag("c"), rapid.Int32Range(0, MaxMask).Draw(t, "tm")
		}
		n.Parameters = append(n.Parameters, p)
	}
	// The crossbar and the wiring are drawn at once: they are many.
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "wiring"), 1))
	n.Cores = make([]Core, 1+r.IntN(2))
	for i := range n.Cores {
		c := &n.Cores[i]
		c.Chip, c.X, c.Y = int32(r.IntN(2)), int32(i), int32(r.IntN(64))
		for a := range c.Types {
			c.Types[a] = uint8(r.IntN(4))
		}
		share := r.Float64()
		for place := range Neurons {
			if r.Float64() > share {
				continue
			}
			x := Neuron{Place: int32(place), Parameters: int32(r.IntN(len(n.Parameters)))}
			switch r.IntN(4) {
			case 0:
				x.Destination = Destination{Kind: ToOutput, To: int32(r.IntN(n.Outputs))}
			case 1, 2:
				x.Destination = Destination{Kind: ToAxon, To: int32(r.IntN(len(n.Cores))), Axon: int32(r.IntN(Axons)), Delay: int32(1 + r.IntN(MaxDelay))}
			}
			c.Neurons = append(c.Neurons, x)
			for range r.IntN(40) {
				c.Connect(r.IntN(Axons), place)
			}
		}
	}
	ticks := 1 + r.IntN(24)
	var in []arrival
	for range r.IntN(300) {
		a := arrival{r.IntN(ticks), r.IntN(len(n.Cores)), r.IntN(Axons)}
		in = append(in, a)
	}
	return n, ticks, in
}

// compare runs a network both ways and says where they differ.
func compare(n *Network, ticks int, seed uint64, in []arrival) error {
	m, err := New(n)
	if err != nil {
		return err
	}
	vs, spikes, merged, clipped := literally(n, ticks, seed, in)
	at := map[int][]arrival{}
	for _, a := range in {
		at[a.tick] = append(at[a.tick], a)
	}
	for _, literal := range []bool{false, true} {
		m.literal = literal
		var bad error
		fired := make([]map[[2]int]bool, ticks)
		b := &Block{Examples: 1, Ticks: ticks, Seeds: []uint64{seed}, Workers: 1,
			Input: func(_, tick int, to *Inputs) {
				for _, a := range at[tick] {
					to.Axon(a.core, a.axon)
				}
			},
			Fired: func(_, tick, core int, places [4]uint64) {
				if fired[tick] == nil {
					fired[tick] = map[[2]int]bool{}
				}
				for j := range Neurons {
					if places[j/64]>>(j%64)&1 != 0 {
						fired[tick][[2]int{core, j}] = true
					}
				}
			},
			after: func(s *state) {
				for where, v := range vs[s.tick] {
					if got := s.membrane(where[0], where[1]); int64(got) != v && bad == nil {
						bad = fmt.Errorf("literal %v, tick %d, core %d, place %d: V is %d, want %d", literal, s.tick, where[0], where[1], got, v)
					}
				}
			},
		}
		a, err := m.Run(b)
		if err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		for t := range ticks {
			if len(fired[t]) != len(spikes[t]) {
				return fmt.Errorf("literal %v, tick %d: %d spikes, want %d", literal, t, len(fired[t]), len(spikes[t]))
			}
			for where := range spikes[t] {
				if !fired[t][where] {
					return fmt.Errorf("literal %v, tick %d, core %d, place %d: no spike", literal, t, where[0], where[1])
				}
			}
		}
		if int(a.Merged) != merged || int(a.Layers[0].Clipped) != clipped {
			return fmt.Errorf("literal %v: %v merged and %v clipped, want %d and %d", literal, a.Merged, a.Layers[0].Clipped, merged, clipped)
		}
	}
	return nil
}

// Both implementations agree in every V, every spike and every count, in all modes.
func TestLiteral(t *testing.T) {
	for _, stochastic := range []bool{false, true} {
		t.Run(fmt.Sprint("stochastic ", stochastic), rapid.MakeCheck(func(t *rapid.T) {
			n, ticks, in := random(t, stochastic)
			if err := compare(n, ticks, rapid.Uint64().Draw(t, "seed"), in); err != nil {
				t.Fatal(err)
			}
		}))
	}
}

// The vectors give what the loops give, at the ends of 16 and 32 bits too.
func TestPlain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func(low, high int64) int32 { return int32(low + r.Int64N(high-low+1)) }
	for round := range 300 {
		var list [Neurons]*Parameters
		for j := range list {
			if r.IntN(5) == 0 {
				continue
			}
			p := &Parameters{Lambda: number(MinWeight, MaxWeight), Alpha: number(0, 300), Beta: number(0, 300), Kappa: r.IntN(2) == 0, Gamma: number(0, 2), R: number(-300, 300)}
			for g := range p.S {
				p.S[g] = number(MinWeight, MaxWeight)
			}
			list[j] = p
		}
		p := newPlain(&list, Rules{Above: r.IntN(2) == 0, Reached: r.IntN(2) == 0})
		var v, v2 [Neurons]int32
		for j := range v {
			if list[j] != nil {
				v[j] = number(-1000, 1000) << r.IntN(10)
			}
		}
		v2 = v
		rows := make([]row, r.IntN(mostPlain+1))
		for i := range rows {
			var x set
			for k := range x {
				x[k] = r.Uint64()
			}
			rows[i] = row{&x, &p.s[r.IntN(Types)]}
		}
		a, b := p.lambda, p.lambda
		if len(rows) > 0 {
			integrate(&a, &p.lambda, rows)
			integrateGo(&b, &p.lambda, rows)
		}
		if a != b {
			t.Fatalf("round %d: sums differ", round)
		}
		var o, o2 outcome
		update(&v, &a, p, &o)
		updateGo(&v2, &b, p, &o2)
		if v != v2 || o != o2 {
			t.Fatalf("round %d: outcomes differ: %+v and %+v", round, o, o2)
		}
		q := newNarrow(p)
		var n, n2 [Neurons]int16
		for j := range n {
			if list[j] != nil {
				n[j] = int16(number(-60, 60) << r.IntN(10))
			}
			v[j] = int32(n[j])
			a[j] = min(max(a[j], -1000), 1000)
		}
		n2 = n
		updateNarrow(&n, &a, q, &o)
		updateNarrowGo(&n2, &a, q, &o2)
		if n != n2 || o != o2 {
			t.Fatalf("round %d: outcomes of 16 bits differ: %+v and %+v", round, o, o2)
		}
		updateGo(&v, &a, p, &o2)
		for j := range v {
			if v[j] != int32(n[j]) {
				t.Fatalf("round %d: V is %d in 16 bits, and %d in 32", round, n[j], v[j])
			}
		}
		if o.changed, o2.changed = 0, 0; o != o2 {
			t.Fatalf("round %d: outcomes of 16 and 32 bits differ: %+v and %+v", round, o, o2)
		}
	}
}

// All axons of a core at once are more than the sums of the vectors hold, and change nothing else.
func TestManyAxons(t *testing.T) {
	n := crowd(3, false)
	n.Lines = nil
	for i := range n.Parameters { // the sums of some neurons are beyond 16 bits
		n.Parameters[i].S = [4]int32{255, 255, 254, 255}
		n.Parameters[i].Alpha = 60_000
	}
	for c := range n.Cores {
		for axon := range Axons {
			n.Cores[c].Connect(axon, c)
		}
	}
	var in []arrival
	for tick := range 6 {
		for axon := range Axons {
			in = append(in, arrival{tick, tick % 3, axon})
		}
	}
	if err := compare(n, 8, 1, in); err != nil {
		t.Fatal(err)
	}
}
