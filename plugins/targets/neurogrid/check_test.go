package neurogrid

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// chain is dense layers of the given sizes, the first of which is the input; each with a decay.
func chain(sizes []int, decays []float64) schema.Circuit {
	c := schema.Circuit{Name: "net", Network: "net", Steps: 4, Inputs: []schema.Input{{Name: "in", Kind: schema.SpikeInput, Dims: []int{sizes[0]}}}}
	for i, n := range sizes[1:] {
		p := schema.Population{Name: fmt.Sprint(i), Dims: []int{n}, Depth: i + 1, Dynamics: schema.Dynamics{Decay: decays[i%len(decays)], Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}}}
		from := []int{sizes[i]}
		p.Synapses = []schema.Synapses{{Population: i - 1, Kind: schema.Dense, View: schema.View{From: from, Dims: from}, Weights: schema.Tensor{Dims: []int{n, sizes[i]}}}}
		c.Populations = append(c.Populations, p)
	}
	c.Populations[len(sizes)-2].Gives = true
	return c
}

// What does not fit, why, and what would.
func TestCheck(t *testing.T) {
	decays := make([]float64, 17)
	ones := make([]int, 18)
	for i := range ones {
		ones[i] = 1
	}
	for i := range decays {
		decays[i] = 0.5 + float64(i)/50
	}
	skip := chain([]int{4, 4, 4, 4}, []float64{0.5})
	from := []int{4}
	skip.Populations[2].Synapses = append(skip.Populations[2].Synapses, schema.Synapses{Population: 0, Kind: schema.Same, View: schema.View{From: from, Dims: from}, Weights: schema.Tensor{Dims: []int{1}}, Delay: 1})
	skips := skip
	skips.Populations = slices.Clone(skip.Populations)
	last := &skips.Populations[2]
	last.Synapses = append(slices.Clone(last.Synapses), schema.Synapses{Population: -1, Kind: schema.Same, View: schema.View{From: from, Dims: from}, Weights: schema.Tensor{Dims: []int{1}}, Delay: 2})
	measured := chain([]int{784, 512, 10}, []float64{0.5})
	for i := range measured.Populations {
		measured.Populations[i].Measured = &schema.Measured{Examples: 1, Rate: 0.2}
	}
	change := func(f func(*schema.Population)) schema.Circuit {
		c := chain([]int{4, 4, 4}, []float64{0.5})
		f(&c.Populations[1])
		return c
	}
	args := func(name string, v float64) schema.Arguments { return number(name, v) }
	for _, x := range []struct {
		name string
		c    schema.Circuit
		args schema.Arguments
		fits bool
		want string // in the reply
	}{
		{"two layers of a decay share a Neurocore", chain([]int{784, 512, 10}, []float64{0.5}), nil, true, "Neurocores 1/16; sets of parameters 1/16; neurons 522/1048576; softwires 406528/60000000"},
		// 401,408 softwires at 10 spikes/s of the inputs (0.1 of 10 ms), and 5,120 at 20/s
		{"rates are used", measured, args("step", 10), true, "Mevent/s 4.01408/80"},
		{"measured rates are used", measured, args("step", 10), true, "Mevent/s 0.1024/80"},
		{"sixteen sets fit", chain(ones[:17], decays[:16]), nil, true, "sets of parameters 16/16"},
		{"seventeen do not", chain(ones, decays), nil, false, "it lies on Neurocore 17 of 16: its set of parameters is number 17, and a set takes whole Neurocores of 65536 neurons; at most 16 sets"},
		{"too many neurons", chain([]int{1, 16*65536 + 1}, []float64{0.5}), nil, false, "it lies on Neurocore 17 of 16: its set of parameters is number 1, and a set takes whole Neurocores of 65536 neurons; at most 1048576 neurons in all layers of its decay"},
		{"too many softwires", chain([]int{8000, 8000}, []float64{0.5}), nil, false, "all layers take 64000000 softwires, this one 64000000, and the daughterboard holds 60000000; fewer connections"},
		// 3,000 * 3,000 * 0.5 in 40 ms are 112.5 Mevent/s; in 57 ms 78.9.
		{"too many spikes", chain([]int{3000, 3000}, []float64{0.5}), args("rate", 0.5), false, "the layers together take 112.5 Mevent/s over the link to the daughterboard (at measured rates, and 0.5 spikes per neuron and time step where there are none), this one 112.5, and the link carries 80; step = 57, in ms"},
		{"which are assumed", chain([]int{3000, 3000}, []float64{0.5}), args("rate", 0.5), false, "; Mevent/s 112.5/80 assumed\n"},
		{"or measured", measured, args("step", 10), true, "; Mevent/s 4.11648/80\n"},
		{"and with the change", chain([]int{3000, 3000}, []float64{0.5}), schema.Arguments{"rate": {Number: 0.5}, "step": {Number: 57}}, true, "Neurocores 1/16"},
		// A layer spikes 40.43 ms behind what drives it: the lag of a neuron whose synapses keep half in a step.
		{"a skip", skip, nil, true, "no delays to be programmed: where 1 skip ends, spikes come before those of the longest path, about 40.4 ms or 1.01 time steps at most (from 0 to 2 of net)"},
		{"skips", skips, nil, true, "where 2 skips end, spikes come before those of the longest path, about 80.9 ms or 2.02 time steps at most (from in to 2 of net)"},
		{"short steps", chain([]int{4, 4}, []float64{0.5}), args("step", 20), true, "a neuron takes 29.4 ms from a spike to the next at least, so it cannot spike in each time step of 20 ms"},
		{"a read-out", change(func(p *schema.Population) { p.Reads, p.Scale, p.Reset = true, 1, schema.Reset{} }), nil, false, "HOST its membrane is read"},
		{"once", change(func(p *schema.Population) { p.Once = true }), nil, false, "HOST it fires once"},
		{"charged", change(func(p *schema.Population) { p.Start = 0.5 }), nil, false, "HOST its membrane starts at 0.5"},
		{"threshold", change(func(p *schema.Population) { p.Threshold = -1 }), nil, false, "HOST its threshold of -1"},
		{"soft reset", change(func(p *schema.Population) { p.Reset = schema.Reset{Kind: schema.ResetBy, Value: 1} }), nil, false, "HOST a spike takes its threshold off the membrane (a soft reset)"},
		{"soft reset of nothing", change(func(p *schema.Population) { p.Reset, p.Decay = schema.Reset{Kind: schema.ResetBy, Value: 1}, 0 }), nil, true, "sets of parameters 2/16"},
		{"reset below rest", change(func(p *schema.Population) { p.Reset.Value = -1 }), nil, false, "HOST a spike resets its membrane to -1"},
		{"a step of no time", chain([]int{4, 4}, []float64{0.5}), args("step", 0), false, "COMPLAINT step"},
		{"integration", chain([]int{4, 4}, []float64{0.5}), args("tau", 2), false, "COMPLAINT integration: steps of 0.1 ms are too long for a membrane of 2 ms; integration = 0.04"},
	} {
		reply, err := Check(schema.TargetRequest{Component: "neurogrid", Arguments: x.args, Circuits: []schema.Circuit{x.c}})
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		if got := say(reply); reply.Fits != x.fits || !strings.Contains(got, x.want) {
			t.Errorf("%s: fits %v\n%swant %v and %q", x.name, reply.Fits, got, x.fits, x.want)
		}
	}
	// What does not hold together is an error.
	if _, err := Check(schema.TargetRequest{Circuits: []schema.Circuit{{}}}); err == nil {
		t.Error("an empty circuit is checked")
	}
}

func say(reply schema.TargetReply) string {
	var b strings.Builder
	amounts := func(list []schema.Amount) {
		for i, a := range list {
			if i > 0 {
				b.WriteString("; ")
			}
			fmt.Fprintf(&b, "%s %.8g/%.8g", a.Name, a.Used, a.Limit)
			if a.Assumed {
				b.WriteString(" assumed")
			}
		}
		b.WriteString("\n")
	}
	amounts(reply.Used)
	for _, l := range reply.Layers {
		if l.Host {
			b.WriteString("HOST ")
		}
		fmt.Fprintf(&b, "%s; %s %s ", l.Problem, l.Change, l.Layer)
		amounts(l.Used)
	}
	for _, c := range reply.Complaints {
		fmt.Fprintf(&b, "COMPLAINT %s: %s; %s\n", c.Path, c.Summary, c.Help)
	}
	b.WriteString(strings.Join(reply.Notes, "\n"))
	return b.String()
}

// Check takes whatever circuit there is, and what fits compiles.
func TestAny(t *testing.T) {
	fits, compiles := 0, 0
	for seed := range uint64(300) {
		n := circuittest.Random(seed, circuittest.Options{Neurons: 16, Steps: 2})
		q := n.Request("neurogrid", nil)
		reply, err := Check(schema.TargetRequest{Circuits: q.Circuits})
		if err != nil {
			t.Fatal(err)
		}
		if !reply.Fits {
			if !strings.Contains(say(reply), "HOST ") {
				t.Fatalf("seed %d: %s", seed, say(reply))
			}
			if chip, _, err := Compile(q, n.Weights); chip != nil || err != nil {
				t.Fatalf("seed %d: %v %v", seed, chip, err)
			}
			continue
		}
		if fits++; fits > 20 {
			continue
		}
		chip, _, err := Compile(q, n.Weights)
		if err != nil || chip == nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if _, err := circuittest.RunChip(chip, &n.Circuit, n.Block(seed, 1), nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		compiles++
	}
	if compiles < 10 {
		t.Errorf("only %d of %d circuits fit", fits, compiles)
	}
}

// A bias takes more spikes than Check can know where it is large beside the weights. What the link then carries is told by Compile, and a
// longer step is advised where there is one.
func TestLink(t *testing.T) {
	const n = 60_000
	for bias, fits := range map[float64]bool{0.01: true, 0.9: false} {
		net := single(0.01, bias, 0.5, n, 2)
		q := net.Request("neurogrid", nil)
		if reply, err := Check(schema.TargetRequest{Circuits: q.Circuits}); err != nil || !reply.Fits {
			t.Fatalf("%v %s", err, say(reply))
		}
		c, reply, err := Compile(q, net.Weights)
		if err != nil || reply.Fits != fits || (c != nil) != fits {
			t.Fatalf("bias %v: %v %s", bias, err, say(reply.TargetReply))
		}
		spikes := n * (0.1 + tonic)
		if !fits {
			spikes = n * (0.1 + busiest)
			if l := reply.Layers[0]; !strings.Contains(l.Problem, "80") || l.Change != "step = 49, in ms" {
				t.Errorf("%q, %q", l.Problem, l.Change)
			}
		}
		if got, want := reply.Used[4].Used, spikes/40*1e-3; math.Abs(got/want-1) > 1e-6 {
			t.Errorf("bias %v: the link carries %v Mevent/s, want %v", bias, got, want)
		}
	}
	// 890,000 neurons with 64 spikes each, and 25 million softwires at each time step, take more than a second.
	c := single(1, 1, 0.5, 890_000, 2).Circuit
	dense := single(1, 0, 0.5, 5_000, 2).Circuit.Populations[0]
	dense.Name = "dense"
	dense.Synapses = []schema.Synapses{{Population: -1, Input: 1, Kind: schema.Dense, View: schema.View{From: []int{5000}, Dims: []int{5000}}, Weights: schema.Tensor{Dims: []int{5000, 5000}}}}
	c.Inputs = append(c.Inputs, schema.Input{Name: "other", Kind: schema.SpikeInput, Dims: []int{5000}})
	c.Populations = append(c.Populations, dense)
	o := defaults(t, number("rate", 1))
	l := newLayout(o, []schema.Circuit{c}, func(where) bool { return false })
	l.tonics = map[where]int{{0, 0}: busiest}
	reply := schema.TargetReply{Fits: true}
	l.report(&reply, []schema.Circuit{c})
	if reply.Fits || reply.Layers[0].Change != fewer {
		t.Errorf("%s", say(reply))
	}
}
