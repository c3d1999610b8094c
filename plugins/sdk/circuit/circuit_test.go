package circuit_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// one is a circuit of one neuron with the weight 1 from an input.
func one(d schema.Dynamics) schema.Circuit {
	p := schema.Population{Name: "n", Dims: []int{1}, Dynamics: d, Depth: 1, Gives: true, Synapses: []schema.Synapses{{
		Population: -1, Kind: schema.Dense, View: schema.View{From: []int{1}, Dims: []int{1}}, Weights: schema.Tensor{Dims: []int{1, 1}}}}}
	if d.Late {
		p.Depth = 0
	}
	return schema.Circuit{Name: "c", Steps: 6, Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: []int{1}}}, Populations: []schema.Population{p}}
}

// The equations at schema.Population, worked out by hand.
func TestNeuron(t *testing.T) {
	all := []float32{1, 1, 1, 1, 1, 1}
	for name, x := range map[string]struct {
		d      schema.Dynamics
		in     []float32
		spikes []float32
		v      []float64
	}{
		"integrates and is reset to 0":         {schema.Dynamics{Decay: 1, Threshold: 2, Reset: schema.Reset{Kind: schema.ResetTo}}, all, []float32{0, 1, 0, 1, 0, 1}, []float64{1, 2, 1, 2, 1, 2}},
		"strict":                               {schema.Dynamics{Decay: 1, Threshold: 2, Strict: true, Reset: schema.Reset{Kind: schema.ResetTo}}, all, []float32{0, 0, 1, 0, 0, 1}, []float64{1, 2, 3, 1, 2, 3}},
		"late":                                 {schema.Dynamics{Decay: 1, Threshold: 2, Late: true, Reset: schema.Reset{Kind: schema.ResetTo}}, all, []float32{0, 0, 1, 0, 1, 0}, []float64{1, 2, 1, 2, 1, 2}},
		"late, and above threshold at once":    {schema.Dynamics{Decay: 1, Threshold: 2, Start: 2, Late: true, Reset: schema.Reset{Kind: schema.ResetTo}}, all, []float32{1, 0, 1, 0, 1, 0}, []float64{1, 2, 1, 2, 1, 2}},
		"reset by the threshold":               {schema.Dynamics{Decay: 1, Threshold: 1.5, Reset: schema.Reset{Kind: schema.ResetBy, Value: 1.5}}, all, []float32{0, 1, 1, 0, 1, 1}, []float64{1, 2, 1.5, 1, 2, 1.5}},
		"no reset":                             {schema.Dynamics{Decay: 0.5, Threshold: 1.5, Reset: schema.Reset{Kind: schema.ResetNone}}, all, []float32{0, 1, 1, 1, 1, 1}, []float64{1, 1.5, 1.75, 1.875, 1.9375, 1.96875}},
		"leak":                                 {schema.Dynamics{Decay: 0.5, Threshold: 9, Reset: schema.Reset{Kind: schema.ResetTo}}, []float32{1, 0, 0, 1, 0, 0}, []float32{0, 0, 0, 0, 0, 0}, []float64{1, 0.5, 0.25, 1.125, 0.5625, 0.28125}},
		"current":                              {schema.Dynamics{Decay: 0.5, Current: true, CurrentDecay: 0.5, Threshold: 9, Reset: schema.Reset{Kind: schema.ResetTo}}, []float32{1, 0, 0, 0, 0, 0}, []float32{0, 0, 0, 0, 0, 0}, []float64{1, 1, 0.75, 0.5, 0.3125, 0.1875}},
		"once":                                 {schema.Dynamics{Decay: 1, Threshold: 2, Once: true, Reset: schema.Reset{Kind: schema.ResetTo}}, all, []float32{0, 1, 0, 0, 0, 0}, []float64{1, 2, 1, 2, 3, 4}},
		"refractory":                           {schema.Dynamics{Decay: 1, Threshold: 1, Refractory: 2, Reset: schema.Reset{Kind: schema.ResetTo, Value: -1}}, all, []float32{1, 0, 0, 0, 1, 0}, []float64{1, -1, -1, 0, 1, -1}},
		"refractory, after a start just below": {schema.Dynamics{Decay: 1, Start: 0.5, Threshold: 1, Refractory: 2, Reset: schema.Reset{Kind: schema.ResetTo, Value: 0.25}}, all, []float32{1, 0, 0, 1, 0, 0}, []float64{1.5, 0.25, 0.25, 1.25, 0.25, 0.25}},
		"refractory and late":                  {schema.Dynamics{Decay: 1, Start: 0.5, Threshold: 1, Refractory: 2, Late: true, Reset: schema.Reset{Kind: schema.ResetTo, Value: 0.25}}, all, []float32{0, 1, 0, 0, 1, 0}, []float64{1.5, 0.25, 0.25, 1.25, 0.25, 0.25}},
		"refractory without a reset":           {schema.Dynamics{Decay: 1, Threshold: 2, Refractory: 1, Reset: schema.Reset{Kind: schema.ResetNone}}, all, []float32{0, 1, 0, 1, 0, 1}, []float64{1, 2, 2, 3, 3, 4}},
	} {
		c := one(x.d)
		if err := circuit.Verify(c); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		out, err := circuit.Run[float64](&c, circuit.In([]float32{1}), circuit.Block{Steps: 6, Examples: 1, Inputs: [][]float32{x.in}})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out.Spikes[0], x.spikes) || !slices.Equal(out.Membranes[0], x.v) {
			t.Errorf("%s: spikes %v and v %v, not %v and %v", name, out.Spikes[0], out.Membranes[0], x.spikes, x.v)
		}
	}
}

// FanIn, FanOut and Count count what Connections lists; Elements are those of the source; no connection is out of bounds.
func TestGeometry(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := circuittest.Generator(circuittest.Options{}).Draw(t, "net")
		for i := range n.Circuit.Populations {
			p := &n.Circuit.Populations[i]
			for k := range p.Synapses {
				s := &p.Synapses[k]
				elements := circuit.Size(circuit.SourceDims(&n.Circuit, s))
				in, out, all := make([]int, circuit.Size(p.Dims)), make([]int, elements), 0
				for l := range circuit.Connections(s, p.Dims) {
					in[l.Target]++
					out[l.Source]++
					all++
					if l.Weight < 0 || l.Weight >= circuit.Size(s.Weights.Dims) {
						t.Fatalf("weight %d of %v", l.Weight, s.Weights.Dims)
					}
				}
				if got := circuit.FanIn(s, p.Dims); !slices.Equal(got, in) {
					t.Fatalf("fan-in %v, counted %v of %+v", got, in, s)
				}
				if got := circuit.FanOut(s, p.Dims, elements); !slices.Equal(got, out) {
					t.Fatalf("fan-out %v, counted %v of %+v", got, out, s)
				}
				if got := circuit.Count(s, p.Dims); got != all {
					t.Fatalf("%d connections, counted %d of %+v", got, all, s)
				}
			}
		}
	})
}

// A convolution by its definition over a map with zeros around it, and a transposed one as the convolution's transpose.
func TestConv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k, stride := rapid.IntRange(1, 4).Draw(t, "kernel"), rapid.IntRange(1, 3).Draw(t, "stride")
		pad := rapid.IntRange(0, k-1).Draw(t, "pad")
		big := rapid.IntRange(max(1, k-2*pad), 7).Draw(t, "side")
		small := (big+2*pad-k)/stride + 1
		const a, b = 2, 3 // channels
		conv := schema.Synapses{Kind: schema.Conv, Kernel: k, Stride: stride, Pad: pad, View: schema.View{From: []int{a, big, big}, Dims: []int{a, big, big}}}
		deconv := schema.Synapses{Kind: schema.Deconv, Kernel: k, Stride: stride, Pad: pad, View: schema.View{From: []int{b, small, small}, Dims: []int{b, small, small}}}
		want := map[circuit.Connection]bool{}
		for o := range b {
			for y := range small {
				for x := range small {
					for c := range a {
						for i := range k {
							for j := range k {
								row, col := y*stride+i-pad, x*stride+j-pad
								if row >= 0 && row < big && col >= 0 && col < big {
									want[circuit.Connection{Source: (c*big+row)*big + col, Target: (o*small+y)*small + x, Weight: ((o*a+c)*k+i)*k + j}] = true
								}
							}
						}
					}
				}
			}
		}
		back := map[circuit.Connection]bool{}
		for l := range circuit.Connections(&deconv, []int{a, big, big}) {
			back[circuit.Connection{Source: l.Target, Target: l.Source, Weight: l.Weight}] = true // [in, out, k, k] of the one is [out, in, k, k] of the other
		}
		got := map[circuit.Connection]bool{}
		for l := range circuit.Connections(&conv, []int{b, small, small}) {
			got[l] = true
		}
		if len(got) != len(want) || len(back) != len(want) {
			t.Fatalf("%d and %d connections, not %d", len(got), len(back), len(want))
		}
		for l := range want {
			if !got[l] || !back[l] {
				t.Fatalf("connection %v: conv %v, deconv %v", l, got[l], back[l])
			}
		}
	})
}

// An axis by its definition: neuron y takes in y stride - pad + tap, and transposed the other way round.
func TestAxis(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		side := rapid.IntRange(1, 9)
		x := circuit.Axis{Transposed: rapid.Bool().Draw(t, "transposed"), Kernel: rapid.IntRange(1, 4).Draw(t, "kernel"), Stride: rapid.IntRange(1, 5).Draw(t, "stride"),
			Pad: rapid.IntRange(0, 6).Draw(t, "pad"), In: side.Draw(t, "in"), Out: side.Draw(t, "out")}
		tap := func(in, out int) (int, bool) {
			for k := range x.Kernel {
				if !x.Transposed && in == out*x.Stride-x.Pad+k || x.Transposed && out == in*x.Stride-x.Pad+k {
					return k, true
				}
			}
			return 0, false
		}
		outs := circuit.Span{From: rapid.IntRange(0, x.Out).Draw(t, "from")}
		outs.To = rapid.IntRange(outs.From, x.Out).Draw(t, "to")
		var want []int
		for in := range x.In {
			some := false
			for out := range x.Out {
				k, ok := tap(in, out)
				a, b := x.Inputs(out), x.Outputs(in)
				if a.From < 0 || a.To < a.From || a.To > x.In || b.From < 0 || b.To < b.From || b.To > x.Out {
					t.Fatalf("%+v: inputs %v of %d and outputs %v of %d", x, a, out, b, in)
				}
				if (in >= a.From && in < a.To) != ok || (out >= b.From && out < b.To) != ok {
					t.Fatalf("%+v: inputs %v of %d, outputs %v of %d, and whether they are connected is %v", x, a, out, b, in, ok)
				}
				if ok && x.Tap(in, out) != k {
					t.Fatalf("%+v: %d to %d by %d, not %d", x, in, out, x.Tap(in, out), k)
				}
				some = some || ok && out >= outs.From && out < outs.To
			}
			if some {
				want = append(want, in)
			}
		}
		if got := slices.Collect(x.InputsOf(outs)); !slices.Equal(got, want) {
			t.Fatalf("%+v: inputs %v of %v, not %v", x, got, outs, want)
		}
	})
}

func TestElements(t *testing.T) {
	v := schema.View{Offset: 4, From: []int{2, 1, 2}, Tall: 2, Wide: 3, Dims: []int{2, 2, 6}}
	want := []int{4, 4, 4, 5, 5, 5, 4, 4, 4, 5, 5, 5, 6, 6, 6, 7, 7, 7, 6, 6, 6, 7, 7, 7}
	if got := circuit.Elements(v); !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// A read-out gives its last membrane times its scale; drives and biases flow in at every step; a circuit in float32 is close to one in
// float64.
func TestReadOut(t *testing.T) {
	c := schema.Circuit{Name: "c", Steps: 3, Inputs: []schema.Input{{Kind: schema.DriveInput, Dims: []int{2, 1, 1}}}, Populations: []schema.Population{{
		Name: "r", Dims: []int{2, 1, 1}, Dynamics: schema.Dynamics{Decay: 0.5, Reads: true, Scale: 2}, Drive: []int{0}, Bias: &schema.Tensor{Dims: []int{2}}, Depth: 1, Gives: true}}}
	if err := circuit.Verify(c); err != nil {
		t.Fatal(err)
	}
	out, err := circuit.Run[float64](&c, circuit.In([]float32{1, -1}), circuit.Block{Steps: 3, Examples: 2, Inputs: [][]float32{{1, 1, 3, 0}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{7, 0, 14, -3.5}; !slices.Equal(out.ReadOuts[0], want) || out.Spikes[0] != nil {
		t.Errorf("%v, not %v", out.ReadOuts[0], want)
	}
}

// What is drawn holds together, spikes at rates of networks, and the options hold.
func TestRandom(t *testing.T) {
	spikes, all := 0.0, 0.0
	kinds := map[schema.SynapseKind]int{}
	seen := map[string]bool{}
	for seed := range uint64(150) {
		n := circuittest.Random(seed, circuittest.Options{})
		if err := circuit.Within(n.Circuit, 4*len(n.Arena)); err != nil {
			t.Fatal(err)
		}
		out, err := circuit.Run[float32](&n.Circuit, n.Weights, n.Block(seed, 2))
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range n.Circuit.Populations {
			for _, s := range out.Spikes[i] {
				spikes += float64(s)
				all++
			}
			for _, s := range p.Synapses {
				kinds[s.Kind]++
				seen["delay"] = seen["delay"] || s.Delay > 0
				seen["several"] = seen["several"] || len(p.Synapses) > 2
				seen["slice"] = seen["slice"] || s.View.Offset > 0
				seen["upsampled"] = seen["upsampled"] || s.View.Tall > 1
			}
			for name, has := range map[string]bool{"late": p.Late, "once": p.Once, "refractory": p.Refractory > 0, "current": p.Current, "read-out": p.Reads, "drive": len(p.Drive) > 0,
				"bias": p.Bias != nil, "start": p.Start != 0, "reset to": p.Reset.Kind == schema.ResetTo && p.Reset.Value != 0, "strict": p.Strict} {
				seen[name] = seen[name] || has
			}
		}
	}
	if rate := spikes / all; rate < 0.03 || rate > 0.4 {
		t.Errorf("a rate of %v", rate)
	}
	if len(kinds) != 5 || len(seen) != 14 {
		t.Errorf("kinds %v, and %v", kinds, seen)
	}
	for name, has := range seen {
		if !has {
			t.Errorf("nothing has %s", name)
		}
	}
	for seed := range uint64(60) {
		o := circuittest.Options{Whole: 3, FanIn: 7, Decays: []float64{1}, NoSkips: true, NoViews: true, NoLate: true, NoDrive: true, OneSource: true, Steps: 4}
		n := circuittest.Random(seed, o)
		for _, p := range n.Circuit.Populations {
			if len(p.Synapses) != 1 || p.Late || p.Decay != 1 || n.Circuit.Steps != 4 || p.Threshold != math.Round(p.Threshold) {
				t.Fatalf("%+v", p)
			}
			if most := slices.Max(circuit.FanIn(&p.Synapses[0], p.Dims)); most > 7 {
				t.Fatalf("a fan-in of %d", most)
			}
		}
		for _, w := range n.Arena {
			if math.Abs(float64(w)) > 3 || float64(w) != math.Round(float64(w)) {
				t.Fatalf("weight %v", w)
			}
		}
	}
}

// What does not hold together is said, with its place.
func TestVerify(t *testing.T) {
	for says, change := range map[string]func(c *schema.Circuit, p *schema.Population){
		"has no name":                        func(c *schema.Circuit, p *schema.Population) { c.Name = "" },
		"0 time steps":                       func(c *schema.Circuit, p *schema.Population) { c.Steps = 0 },
		"neither [channels":                  func(c *schema.Circuit, p *schema.Population) { p.Dims = []int{1, 2} },
		"not all at least 1":                 func(c *schema.Circuit, p *schema.Population) { p.Dims = []int{1 << 40} },
		"decay 2":                            func(c *schema.Circuit, p *schema.Population) { p.Decay = 2 },
		"not finite":                         func(c *schema.Circuit, p *schema.Population) { p.Threshold = math.NaN() },
		"no current":                         func(c *schema.Circuit, p *schema.Population) { p.CurrentDecay = 0.5 },
		`reset "of"`:                         func(c *schema.Circuit, p *schema.Population) { p.Reset.Kind = "of" },
		"a read-out has no spikes":           func(c *schema.Circuit, p *schema.Population) { p.Reads, p.Scale = true, 1 },
		"depth is 2":                         func(c *schema.Circuit, p *schema.Population) { p.Depth = 2 },
		"delay is 1":                         func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Delay = 1 },
		"population 0 is not one before":     func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Population = 0 },
		"input 3":                            func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Input = 3 },
		"elements 1 to 2 of a source with 1": func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].View.Offset = 1 },
		"no rows and columns to repeat":      func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].View.Wide = 2 },
		"weights of [2 1]":                   func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Weights.Dims = []int{2, 1} },
		"have no kernel":                     func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Kernel = 2 },
		"is none of synapses":                func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Kind = "ring" },
		"lead from maps to maps":             func(c *schema.Circuit, p *schema.Population) { p.Synapses[0].Kind = schema.Conv },
		"a bias of [3]":                      func(c *schema.Circuit, p *schema.Population) { p.Bias = &schema.Tensor{Dims: []int{3}} },
		"drive 0 is not":                     func(c *schema.Circuit, p *schema.Population) { p.Drive = []int{0} },
		"nothing spikes once": func(c *schema.Circuit, p *schema.Population) {
			c.Inputs[0].Kind, c.Inputs[0].Once = schema.DriveInput, true
		},
		"two populations are called": func(c *schema.Circuit, p *schema.Population) { c.Populations = append(c.Populations, *p) },
		"was measured":               func(c *schema.Circuit, p *schema.Population) { p.Measured = &schema.Measured{Examples: 1, Rate: 2} },
	} {
		c := one(schema.Dynamics{Decay: 1, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}})
		change(&c, &c.Populations[0])
		if err := circuit.Verify(c); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, and nothing of %q", err, says)
		}
	}
	c := one(schema.Dynamics{Decay: 1, Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}})
	if err := circuit.VerifyAll([]schema.Circuit{c, c}); err == nil {
		t.Error("two circuits have one name")
	}
	for _, offset := range []int{-4, 2, 4, math.MaxInt &^ 3} {
		c.Populations[0].Synapses[0].Weights.Offset = offset
		if err := circuit.Within(c, 4); err == nil {
			t.Errorf("a weight at %d of 4 bytes", offset)
		}
	}
}
