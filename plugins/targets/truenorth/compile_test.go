package truenorth

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
	"snnc.dev/snnc/plugins/targets/truenorth/validate"
)

var networks = flag.Int("networks", 60, "random networks that are compiled and validated")

// compiled is a circuit without what the chip refuses; nil where it does not fit otherwise.
func compiled(t testing.TB, n circuittest.Net, axons int) (*chip, schema.CompileReply) {
	t.Helper()
	args := schema.Arguments{}
	if axons > 0 {
		args["axons"] = schema.Value{Type: schema.Int, Number: float64(axons)}
	}
	x, reply, err := Compile(n.Request("truenorth", args), n.Weights)
	if err != nil {
		t.Fatal(err)
	}
	if x == nil {
		return nil, reply
	}
	return x.(*chip), reply
}

// traits of a circuit, and of how it lies on the chip.
func traits(c *schema.Circuit, x *chip, seen map[string]int) {
	for i := range c.Populations {
		p := &c.Populations[i]
		for name, has := range map[string]bool{"late": p.Late, "once": p.Once, "strict": p.Strict, "start": p.Start != 0, "bias": p.Bias != nil, "bias behind a layer": p.Bias != nil && p.Depth > 1,
			"memoryless": p.Decay == 0, "memoryless with bias behind a layer": p.Decay == 0 && p.Bias != nil && p.Depth > 1, "several sources": len(p.Synapses) > 1, "reset to a value": p.Reset.Kind == schema.ResetTo && p.Reset.Value != 0} {
			if has {
				seen[name]++
			}
		}
		seen["reset "+string(p.Reset.Kind)]++
		if p.Reset.Kind == schema.ResetBy && p.Strict && p.Decay == 1 {
			seen["strict soft reset"]++
		}
		for _, s := range p.Synapses {
			seen[string(s.Kind)]++
			if s.Delay > 0 {
				seen["skip"]++
			}
			if s.View.Tall > 1 {
				seen["upsampled"]++
			}
			if s.View.Offset > 0 {
				seen["part"]++
			}
		}
	}
	for _, core := range x.order[0].legend.Neurons {
		for _, k := range core {
			if k.Relay {
				seen["relay"]++
			}
		}
	}
	if len(x.order[0].network.Cores) > 1 {
		seen["several cores"]++
	}
}

// With whole weights that the chip has and without leaks each spike of the chip is that of the reference, in all kinds of circuits.
// What a literal reading of the chip's equations says is the same.
func TestExact(t *testing.T) {
	seen := map[string]int{}
	refused, lost, neurons, spikes := 0, 0, 0, 0
	var compared [5]int // circuits, by the axons that were asked for: 0 for those that are chosen, 1 for one of each Synapses
	for seed := range uint64(400) {
		o := circuittest.Options{Whole: 1, FanIn: 60, Decays: []float64{1, 1, 0}, NoCurrent: true, NoDrive: true, NoReadOut: true, NoRefractory: true, NoOnce: seed%3 > 0, NoStart: seed%2 > 0}
		axons := int(seed % 5)
		switch axons {
		case 0, 3, 4:
			o.Whole = 3
		case 1:
			o.Kinds = []schema.SynapseKind{schema.Same, schema.Pool}
			o.NoViews = true
			axons = 0
		}
		n := circuittest.Random(seed, o)
		c := &n.Circuit
		x, reply := compiled(t, n, axons)
		if x == nil {
			refused++
			continue
		}
		p := x.order[0]
		if err := validate.Check(c, &p.network, &p.legend, n.Weights); err != nil {
			t.Fatalf("%d: %v", seed, err)
		}
		if slices.ContainsFunc(reply.Losses, func(l schema.Loss) bool { return l.Weights != 0 || l.Clipped > 0 }) {
			lost++ // weights that add up to more than the chip has, or large biases that come too early
			continue
		}
		for _, l := range reply.Losses {
			if l.Threshold != 0 || l.Zeroed != 0 || l.Decay != 0 {
				t.Fatalf("%d: %+v", seed, l)
			}
		}
		compared[seed%5]++
		traits(c, x, seen)
		block := n.Block(seed, 2)
		want, err := circuit.Run[float64](c, n.Weights, block)
		if err != nil {
			t.Fatal(err)
		}
		got, err := circuittest.RunChip(x, c, block, nil)
		if err != nil {
			t.Fatal(err)
		}
		given := 0
		for i := range c.Populations {
			if !slices.Equal(got.Taps[i], want.Spikes[i]) {
				t.Fatalf("%d: population %d (%+v):\n%v, not\n%v", seed, i, c.Populations[i], got.Taps[i], want.Spikes[i])
			}
			if c.Populations[i].Gives {
				if !slices.Equal(got.Outputs[given], want.Spikes[i]) {
					t.Fatalf("%d: what the host reads of population %d: %v, not %v", seed, i, got.Outputs[given], want.Spikes[i])
				}
				given++
			}
			sum := 0.0
			for _, s := range want.Spikes[i] {
				sum += float64(s)
			}
			for _, s := range got.Reply.Layers[i].Spikes {
				sum -= s
				spikes += int(s)
			}
			if sum != 0 {
				t.Fatalf("%d: the reply has %v spikes too few", seed, sum)
			}
			neurons += circuit.Size(c.Populations[i].Dims)
		}
		if seed%4 == 0 {
			circuittest.Independent(t, x, c, n.Block(seed, 3), nil)
			part := circuittest.Part(c, block, 1)
			taps, outputs := literal(c, p.built, part.Inputs)
			ran, err := circuittest.RunChip(x, c, part, nil)
			if err != nil {
				t.Fatal(err)
			}
			given := 0
			for i := range c.Populations {
				if !slices.Equal(taps[i], ran.Taps[i]) {
					t.Fatalf("%d: population %d: by the equations %v, not %v", seed, i, taps[i], ran.Taps[i])
				}
				if c.Populations[i].Gives {
					if !slices.Equal(outputs[i], ran.Outputs[given]) {
						t.Fatalf("%d: output of population %d: by the equations %v, not %v", seed, i, outputs[i], ran.Outputs[given])
					}
					given++
				}
			}
		}
	}
	for axons, n := range compared {
		if n < 25 {
			t.Errorf("%d of 80 circuits with axons %d are compared", n, axons)
		}
	}
	t.Logf("%v circuits, %d neurons, %d spikes; %d circuits have a population that is refused, %d weights or biases that the chip has not", compared, neurons, spikes, refused, lost)
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		t.Logf("%5d %s", seen[name], name)
	}
	for _, name := range []string{"late", "once", "strict", "start", "bias behind a layer", "memoryless with bias behind a layer", "several sources", "reset to a value", "strict soft reset", "reset none",
		"dense", "conv", "deconv", "same", "pool", "skip", "upsampled", "part", "relay", "several cores"} {
		if seen[name] == 0 {
			t.Errorf("no circuit has %s", name)
		}
	}
}

// Random circuits with real weights, all of which that the chip does not refuse: what lies on the cores is the circuit.
func TestValidate(t *testing.T) {
	valid, drawn := 0, 0
	var by [5]int // valid networks by the axons that were asked for
	type tally struct{ agree, all, spikes, both float64 }
	tallies := map[string]*tally{}
	for seed := uint64(0); valid < *networks; seed++ {
		o := circuittest.Options{NoDrive: seed%8 > 0, NoReadOut: seed%8 > 0, NoRefractory: seed%8 > 0, NoCurrent: seed%8 > 0, NoOnce: seed%2 > 0, FanIn: []int{0, 250, 120, 60}[seed%4], Neurons: []int{0, 0, 200, 300}[seed/4%4]}
		drawn++
		n := circuittest.Random(seed+1000, o)
		c := &n.Circuit
		x, reply := compiled(t, n, int(seed/3%5))
		if x == nil {
			if reply.Fits {
				t.Fatalf("%d: it fits, and there is no chip: %+v", seed, reply.Layers)
			}
			continue
		}
		valid++
		by[seed/3%5]++
		p := x.order[0]
		if err := validate.Check(c, &p.network, &p.legend, n.Weights); err != nil {
			t.Fatalf("%d: %v", seed, err)
		}
		for _, k := range reply.Cores {
			for _, name := range k.Layers {
				if !slices.ContainsFunc(c.Populations, func(p schema.Population) bool { return name == c.Name+": "+p.Name }) {
					t.Fatalf("%d: a core has the layer %q, which is none of the circuit", seed, name)
				}
			}
		}
		if valid%8 == 0 { // the same again
			again, _ := compiled(t, n, int(seed/3%5))
			if !reflect.DeepEqual(again.order[0].network, p.network) || !reflect.DeepEqual(again.order[0].legend, p.legend) {
				t.Fatalf("%d: compiled twice it is two networks", seed)
			}
		}
		if *networks > 100 { // how far the spikes agree
			block := n.Block(seed, 2)
			want, err := circuit.Run[float64](c, n.Weights, block)
			if err != nil {
				t.Fatal(err)
			}
			got, err := circuittest.RunChip(x, c, block, nil)
			if err != nil {
				t.Fatal(err)
			}
			name := "no leak"
			if slices.ContainsFunc(c.Populations, func(p schema.Population) bool { return p.Decay > 0 && p.Decay < 1 }) {
				name = "leaks"
			}
			bits := math.Inf(1)
			for _, l := range reply.Losses {
				bits = math.Min(bits, l.Bits)
			}
			name = fmt.Sprintf("%s, at least %.1f bits", name, bits)
			if tallies[name] == nil {
				tallies[name] = &tally{}
			}
			y := tallies[name]
			for i := range c.Populations {
				for k, s := range want.Spikes[i] {
					y.all++
					if got.Taps[i][k] == s {
						y.agree++
						y.both += float64(s)
					}
					y.spikes += float64(s)
				}
			}
		}
	}
	for axons, n := range by {
		if n < *networks/12 {
			t.Errorf("%d of %d networks have axons %d", n, valid, axons)
		}
	}
	if valid < drawn/4 {
		t.Errorf("%d of %d networks do not fit", drawn-valid, drawn)
	}
	t.Logf("%d networks of %d fit, by axons %v", valid, drawn, by)
	for _, name := range slices.Sorted(maps.Keys(tallies)) {
		y := tallies[name]
		t.Logf("%s: of %.0f neurons and time steps %.1f %% agree with the reference of real weights, of its %.0f spikes %.1f %%", name, y.all, 100*y.agree/y.all, y.spikes, 100*y.both/y.spikes)
	}
}

// The validator finds each thing that is changed in a network that is right.
func TestValidator(t *testing.T) {
	var n circuittest.Net
	var x *chip
	relays := func() bool {
		for _, core := range x.order[0].legend.Neurons {
			if slices.ContainsFunc(core, func(k validate.Neuron) bool { return k.Relay }) {
				return true
			}
		}
		return false
	}
	seed := uint64(1)
	for ; x == nil || len(x.order[0].network.Cores) < 2 || !relays(); seed++ {
		n = circuittest.Random(seed, circuittest.Options{FanIn: 60, Decays: []float64{1}, NoCurrent: true, NoDrive: true, NoReadOut: true, NoRefractory: true, NoOnce: true, NoStart: true, Neurons: 90})
		x, _ = compiled(t, n, 0)
	}
	// find returns the first neuron for which good holds.
	find := func(b *built, good func(core *emulator.Core, k *emulator.Neuron, tag validate.Neuron) bool) (*emulator.Core, *emulator.Neuron) {
		for i := range b.network.Cores {
			core := &b.network.Cores[i]
			for k := range core.Neurons {
				if good(core, &core.Neurons[k], b.legend.Neurons[i][k]) {
					return core, &core.Neurons[k]
				}
			}
		}
		t.Fatal("there is no such neuron")
		return nil, nil
	}
	wired := func(core *emulator.Core, k *emulator.Neuron) (axon int, connected bool) {
		for a := range emulator.Axons {
			if core.Connected(a, int(k.Place)) {
				return a, true
			}
		}
		return 0, false
	}
	toAxon := func(_ *emulator.Core, k *emulator.Neuron, _ validate.Neuron) bool { return k.Kind == emulator.ToAxon }
	for _, m := range []struct {
		says   string
		change func(b *built)
	}{
		{"", func(*built) {}},
		{"away from", func(b *built) { // a synapse less
			core, k := find(b, func(c *emulator.Core, k *emulator.Neuron, tag validate.Neuron) bool {
				a, ok := wired(c, k)
				return ok && !tag.Relay && b.network.Parameters[k.Parameters].S[c.Types[a]] != 0 && a < tag.To-4
			})
			a, _ := wired(core, k)
			core.Rows[a][k.Place/64] &^= 1 << (k.Place % 64)
		}},
		{"reaches it, and those for it are", func(b *built) { // a synapse of another layer
			core, k := find(b, func(_ *emulator.Core, _ *emulator.Neuron, tag validate.Neuron) bool {
				return !tag.Relay && tag.From > 0
			})
			core.Connect(0, int(k.Place))
		}},
		{"comes at tick", func(b *built) { // a tick late
			_, k := find(b, func(c *emulator.Core, k *emulator.Neuron, tag validate.Neuron) bool {
				if k.Kind != emulator.ToAxon || k.Delay > 1 {
					return false
				}
				many := 0 // of a neuron that takes in more than this
				to := &b.network.Cores[k.To]
				for _, q := range to.Neurons {
					if to.Connected(int(k.Axon), int(q.Place)) {
						for a := range emulator.Axons {
							if to.Connected(a, int(q.Place)) {
								many++
							}
						}
					}
				}
				return many > 2
			})
			k.Delay++
		}},
		{"is written to by", func(b *built) {
			_, one := find(b, toAxon)
			_, two := find(b, func(_ *emulator.Core, k *emulator.Neuron, _ validate.Neuron) bool {
				return k.Kind == emulator.ToAxon && k.Destination != one.Destination
			})
			two.To, two.Axon = one.To, one.Axon
		}},
		{"brings nothing", func(b *built) {
			_, k := find(b, func(c *emulator.Core, k *emulator.Neuron, _ validate.Neuron) bool {
				if k.Kind != emulator.ToAxon {
					return false
				}
				to := &b.network.Cores[k.To]
				return to.Rows[k.Axon] != [emulator.Neurons / 64]uint64{}
			})
			k.Kind = emulator.Nowhere
		}},
		{"with neuron", func(b *built) { // another scale
			for p := range b.legend.Units {
				for i := range b.legend.Units[p] {
					b.legend.Units[p][i] *= 3
				}
			}
		}},
		{"has a bias of", func(b *built) {
			for i := range b.network.Parameters {
				if p := &b.network.Parameters[i]; *p != relay {
					p.Lambda = min(p.Lambda+3, 254)
				}
			}
		}},
		{"parameters that do not repeat", func(b *built) {
			for i := range b.network.Parameters {
				if p := &b.network.Parameters[i]; *p == relay {
					p.Alpha = 2
				}
			}
		}},
		{"stochastic", func(b *built) { b.network.Parameters[0].TM = 3 }},
		{"output", func(b *built) {
			_, k := find(b, func(_ *emulator.Core, k *emulator.Neuron, _ validate.Neuron) bool { return k.Kind == emulator.ToOutput })
			k.Kind, k.To = emulator.Nowhere, 0
		}},
		{"tick", func(b *built) { b.legend.Ticks[0]++ }},
	} {
		x, _ := compiled(t, n, 0) // anew, as it is changed
		b := x.order[0].built
		m.change(b)
		err := validate.Check(&n.Circuit, &b.network, &b.legend, n.Weights)
		switch {
		case m.says == "" && err != nil:
			t.Errorf("what is right: %v", err)
		case m.says != "" && (err == nil || !strings.Contains(err.Error(), m.says)):
			t.Errorf("%s: %v", m.says, err)
		}
	}
}

// A membrane that decays is an approximation that says so. The less it decays the nearer the leak is to it.
func TestLeak(t *testing.T) {
	last := 0.0
	for _, decay := range []float64{0.99, 0.9, 0.5} {
		n := circuittest.Random(5, circuittest.Options{Populations: 1, Decays: []float64{decay}, NoCurrent: true, NoDrive: true, NoReadOut: true, NoRefractory: true, NoOnce: true, FanIn: 60, Resets: []schema.ResetKind{schema.ResetBy}})
		x, reply := compiled(t, n, 0)
		if x == nil {
			t.Fatalf("%+v", reply.Layers)
		}
		l := reply.Losses[0]
		if l.Decay <= last || l.Decay > 0.5 || l.Note == "" || len(reply.Notes) != 1 || !strings.Contains(reply.Notes[0], "is an approximation") {
			t.Errorf("decay %v: %+v, %q", decay, l, reply.Notes)
		}
		last = l.Decay
		for _, p := range x.order[0].network.Parameters {
			if p != relay && (!p.Epsilon || p.Lambda > 0 || p.Lambda == 0 && decay < 0.95) {
				t.Errorf("decay %v: no leak toward zero: %+v", decay, p)
			}
		}
	}
}

// Where the leak is taken and four axons bring each input, biases are multiples of the weights' step: what that loses is said. Three
// axons leave a type that has a weight of its own.
func TestBiasOfLeak(t *testing.T) {
	for _, x := range []struct {
		axons        int
		weights      []float32
		bias         float32
		lost, missed float64 // shares, at most 0.003 away
		spikes       bool
	}{
		{4, []float32{-8, -3, 2, 7}, 0.45, 1, 0, false},
		{4, []float32{-8, -3, 2, 7}, 2, 0, 0, true},
		{4, []float32{-8, -3, 2, 7}, 2.5, 1.0 / 15, 1.0 / 18, true}, // a step of 7/6, which is best for all of them
		{3, []float32{-4, -3, 2, 3}, 0.45, 0, 0, true},
	} {
		n := circuittest.Net{Arena: append(slices.Clone(x.weights), x.bias), Circuit: schema.Circuit{Name: "net", Network: "net", Steps: 40,
			Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: []int{4}}},
			Populations: []schema.Population{{Name: "a", Dims: []int{1}, Depth: 1, Gives: true, Bias: &schema.Tensor{Dims: []int{1}, Offset: 16},
				Dynamics: schema.Dynamics{Decay: 0.99, Threshold: 4, Reset: schema.Reset{Kind: schema.ResetBy, Value: 4}},
				Synapses: []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{4}, Dims: []int{4}}, Weights: schema.Tensor{Dims: []int{1, 4}}}}}}}}
		chip, reply := compiled(t, n, x.axons)
		if chip == nil {
			t.Fatalf("%+v", reply)
		}
		loss := reply.Losses[0]
		if math.Abs(loss.Bias-x.lost) > 3e-3 || math.Abs(loss.Weights-x.missed) > 3e-3 {
			t.Errorf("%+v: the loss is %+v", x, loss)
		}
		noted := slices.ContainsFunc(reply.Notes, func(s string) bool { return strings.Contains(s, "with axons = 3") })
		if noted != (x.lost > 0) {
			t.Errorf("%+v: %q", x, reply.Notes)
		}
		got, err := circuittest.RunChip(chip, &n.Circuit, circuit.Block{Steps: 40, Examples: 1, Inputs: [][]float32{make([]float32, 160)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if spikes := slices.Contains(got.Taps[0], 1); spikes != x.spikes {
			t.Errorf("%+v: it spikes: %v", x, spikes)
		}
	}
}

// A membrane stays in its range also where all inputs spike at all time steps, unless a note says that it may not: one that is not reset to
// a value rises for as long, with a leak and without.
func TestRange(t *testing.T) {
	const inputs, most = 60, 1<<19 - 1
	for _, x := range []struct {
		steps int
		decay float64
		reset schema.ResetKind
		noted bool
	}{
		{1100, 1, schema.ResetBy, false}, {1100, 0.9, schema.ResetBy, false}, {1100, 0.9, schema.ResetNone, false}, {1100, 0.9, schema.ResetTo, false},
		{20_000, 1, schema.ResetBy, true}, {20_000, 0.9, schema.ResetBy, true}, {20_000, 0.9, schema.ResetNone, true}, {20_000, 0.9, schema.ResetTo, false},
	} {
		n := circuittest.Net{Arena: slices.Repeat([]float32{1}, inputs), Circuit: schema.Circuit{Name: "net", Network: "net", Steps: x.steps,
			Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: []int{inputs}}},
			Populations: []schema.Population{{Name: "a", Dims: []int{1}, Depth: 1, Gives: true,
				Dynamics: schema.Dynamics{Decay: x.decay, Threshold: 1, Reset: schema.Reset{Kind: x.reset}},
				Synapses: []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{inputs}, Dims: []int{inputs}}, Weights: schema.Tensor{Dims: []int{1, inputs}}}}}}}}
		if d := &n.Circuit.Populations[0].Dynamics; x.reset == schema.ResetBy {
			d.Reset.Value = 1
		}
		chip, reply := compiled(t, n, 4)
		if chip == nil {
			t.Fatalf("%+v", reply)
		}
		noted := slices.ContainsFunc(reply.Notes, func(s string) bool { return strings.Contains(s, "could leave the range of a membrane") })
		b := chip.order[0]
		v, highest := int32(0), int32(0)
		for i := range b.network.Cores {
			core := &b.network.Cores[i]
			for k, neuron := range core.Neurons {
				if b.legend.Neurons[i][k].Relay {
					continue
				}
				p, up := &b.network.Parameters[neuron.Parameters], int32(0)
				for a := range emulator.Axons {
					if core.Connected(a, k) {
						up += p.S[core.Types[a]]
					}
				}
				for range x.steps {
					v += up
					highest = max(highest, v)
					if v = max(0, v+p.Lambda); v >= p.Alpha && p.Gamma == 0 {
						v = p.R
					} else if v >= p.Alpha && p.Gamma == 1 {
						v -= p.Alpha
					}
				}
			}
		}
		if noted != x.noted || !noted && highest > most || highest == 0 {
			t.Errorf("%+v: the membrane rises to %d of %d, and the notes are %q", x, highest, most, reply.Notes)
		}
	}
}

// A fast tick is 21 times as short, and nothing else changes but what time costs.
func TestFast(t *testing.T) {
	n := circuittest.Random(5, circuittest.Options{Populations: 1, Decays: []float64{1}, NoCurrent: true, NoDrive: true, NoReadOut: true, NoRefractory: true, NoOnce: true, FanIn: 60})
	var all [2]circuittest.Answer
	for i := range all {
		x, _, err := Compile(n.Request("truenorth", schema.Arguments{"fast": {Type: schema.Bool, Number: float64(i)}}), n.Weights)
		if err != nil {
			t.Fatal(err)
		}
		if all[i], err = circuittest.RunChip(x, &n.Circuit, n.Block(1, 2), nil); err != nil {
			t.Fatal(err)
		}
	}
	for k, slow := range all[0].Reply.Energy {
		fast := all[1].Reply.Energy[k]
		if times := 1e-3 / 47.6e-6; slow.Part == schema.Static && (math.Abs(slow.High-times*fast.High) > 1e-12*slow.High || !strings.Contains(fast.Note, "ticks of 1 ms")) || slow.Part != schema.Static && !reflect.DeepEqual(slow, fast) {
			t.Errorf("%+v, and fast %+v", slow, fast)
		}
	}
	if slow, fast := all[0].Reply.Time[0].Used, all[1].Reply.Time[0].Used; slow != all[0].Reply.Ticks*1e-3 || fast != all[0].Reply.Ticks*47.6e-6 || !reflect.DeepEqual(all[0].Taps, all[1].Taps) {
		t.Errorf("%v s, and fast %v s", slow, fast)
	}
}

// What cannot be compiled is said.
func TestCompileWrong(t *testing.T) {
	n := circuittest.Random(5, circuittest.Options{Populations: 1, Decays: []float64{1}, NoCurrent: true, NoDrive: true, NoReadOut: true, NoRefractory: true, NoOnce: true, FanIn: 60})
	x, _ := compiled(t, n, 0)
	if x == nil {
		t.Fatal("it does not fit")
	}
	b := n.Block(1, 1)
	b.Steps--
	for i := range b.Inputs {
		b.Inputs[i] = b.Inputs[i][:len(b.Inputs[i])*b.Steps/(b.Steps+1)]
	}
	if _, err := circuittest.RunChip(x, &n.Circuit, b, nil); err == nil || !strings.Contains(err.Error(), "it was compiled for") {
		t.Errorf("other time steps: %v", err)
	}
	if _, err := x.Emulate(&sdk.Block{Circuit: "other"}); err == nil || !strings.Contains(err.Error(), `no circuit "other"`) {
		t.Errorf("another circuit: %v", err)
	}
	n.Arena[0] = float32(math.NaN())
	if _, _, err := Compile(n.Request("truenorth", nil), n.Weights); err == nil || !strings.Contains(err.Error(), "is NaN") {
		t.Errorf("no number: %v", err)
	}
	n.Circuit.Populations[0].Refractory = 2
	if x, reply, err := Compile(n.Request("truenorth", nil), n.Weights); x != nil || err != nil || reply.Fits || !reply.Layers[0].Host {
		t.Errorf("refused: %v %+v %v", x, reply, err)
	}
}

// Two circuits lie on cores of their own; what is exported is read back, and its trace has the spikes that the host reads.
func TestExport(t *testing.T) {
	o := circuittest.Options{Decays: []float64{1}, NoCurrent: true, NoDrive: true, NoReadOut: true, NoRefractory: true, NoOnce: true, NoStart: true, FanIn: 60}
	one, two := circuittest.Random(3, o), circuittest.Random(8, o)
	two.Circuit.Name = "other"
	arena := append(slices.Clone(one.Arena), two.Arena...)
	move := func(x *schema.Tensor) { x.Offset += 4 * len(one.Arena) }
	for i := range two.Circuit.Populations {
		p := &two.Circuit.Populations[i]
		for k := range p.Synapses {
			move(&p.Synapses[k].Weights)
		}
		if p.Bias != nil {
			move(p.Bias)
		}
	}
	q := schema.CompileRequest{Circuits: []schema.Circuit{one.Circuit, two.Circuit}, Bytes: 4 * len(arena)}
	made, reply, err := Compile(q, sdk.Weights(circuit.In(arena)))
	if err != nil || made == nil {
		t.Fatalf("%v %+v", err, reply)
	}
	x := made.(*chip)
	if len(reply.Cores) != len(x.order[0].network.Cores)+len(x.order[1].network.Cores) || reply.Chips != 1 || len(reply.Programs) != 2 || len(reply.Constants) == 0 {
		t.Errorf("%+v", reply)
	}
	seen := map[[3]int]bool{}
	for _, c := range reply.Cores {
		if at := [3]int{c.Chip, c.X, c.Y}; seen[at] {
			t.Errorf("two cores at %v", at)
		} else {
			seen[at] = true
		}
	}
	b := two.Block(4, 1)
	text, data, err := x.Export(circuittest.Example(&two.Circuit, b, 0))
	if err != nil {
		t.Fatal(err)
	}
	tensors := map[string][]byte{}
	for i, d := range data {
		if n := reply.Tensors[i].Size(); n != len(d) {
			t.Errorf("tensor %s has %d bytes, not %d", reply.Tensors[i].Name, len(d), n)
		}
		tensors[reply.Tensors[i].Name] = d
	}
	f, err := emulator.Parse(text, reply.Tensors, tensors)
	if err != nil {
		t.Fatal(err)
	}
	// Time step t of the second circuit, and what the trace prints of it.
	p := x.order[1]
	traced, err := emulator.Trace(schema.TraceRequest{Text: text, Tensors: reply.Tensors}, tensors)
	if err != nil || traced.Error != "" {
		t.Fatal(err, traced.Error)
	}
	var rows [][]legendRow // by core: what its neurons are
	at := 0
	for _, core := range f.Cores {
		row := make([]legendRow, 256)
		for _, y := range core.Neurons {
			row[y.Place] = legendRow{int(y.Layer), int(f.Legend.Elements[at])}
			at++
		}
		rows = append(rows, row)
	}
	fired := map[[3]int]bool{} // layer, time step and element
	got := map[[2]int]bool{}   // output and time step
	for _, line := range strings.Split(traced.Lines, "\n") {
		var y struct {
			Tick, Core int
			Spikes     []int
			Outputs    []int
		}
		if !strings.HasPrefix(line, `{"tick"`) {
			continue // the totals
		}
		if err := json.Unmarshal([]byte(line), &y); err != nil {
			t.Fatal(err)
		}
		for _, place := range y.Spikes {
			if r := rows[y.Core][place]; r.element >= 0 {
				fired[[3]int{r.layer, y.Tick - f.Legend.Layers[r.layer].Tick, r.element}] = true
			}
		}
		for _, o := range y.Outputs {
			if o -= x.order[0].network.Outputs; o >= 0 {
				if step := y.Tick - p.legend.Ticks[o]; step >= 0 && step < b.Steps {
					got[[2]int{o, step}] = true
				}
			}
		}
	}
	want, err := circuittest.RunChip(x, &two.Circuit, b, nil)
	if err != nil {
		t.Fatal(err)
	}
	given, spikes := 0, 0
	for i := range two.Circuit.Populations {
		n := circuit.Size(two.Circuit.Populations[i].Dims)
		for k, s := range want.Taps[i] {
			if at := [3]int{len(one.Circuit.Populations) + i, k / n, k % n}; fired[at] != (s != 0) {
				t.Errorf("neuron %d of %s at time step %d: %v, and the chip gives %v", at[2], f.Layers[at[0]], at[1], fired[at], s)
			}
		}
		if !two.Circuit.Populations[i].Gives {
			continue
		}
		for k, s := range want.Outputs[given] {
			if at := [2]int{p.legend.Outputs[i] + k%n, k / n}; got[at] != (s != 0) {
				t.Errorf("output %d at time step %d: %v, and the chip gives %v", at[0], at[1], got[at], s)
			}
			spikes += int(s)
		}
		given++
	}
	if spikes == 0 {
		t.Error("nothing spikes")
	}
}

// legendRow is what a neuron of a core is.
type legendRow struct{ layer, element int }
