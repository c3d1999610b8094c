package loihi

import (
	_ "embed"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed loihi.md
var doc string

// Target returns the plugin component. Its parameters are cores, how many the chip or a system of chips has (128 in one),
// and weight_bits, the bits of a weight in synapse memory.
func Target() sdk.Target {
	one, many := 1.0, 4096.0*128
	most := 8.0
	return sdk.Target{
		Component: schema.Component{
			Kind: schema.Target, Name: "loihi", Version: "1.0", Doc: doc,
			Params: []schema.Param{
				{Name: "cores", Type: schema.Int, Default: "128", Min: &one, Max: &many, Doc: "cores that there are; one chip has 128"},
				{Name: "weight_bits", Type: schema.Int, Default: "8", Min: &one, Max: &most, Doc: "bits of a weight: 1 to 6, or 8"},
			},
		},
		Check: Check,
	}
}

// Check says how the networks of a request lie on the chip: all of them at once, each with cores of its own. It gives an
// error where a graph cannot be read.
func Check(r schema.TargetRequest) (schema.TargetReply, error) {
	c := chip{cores: 128, bits: 8}
	if r.Arguments.Has("cores") {
		c.cores = r.Arguments.Int("cores")
	}
	if r.Arguments.Has("weight_bits") {
		c.bits = r.Arguments.Int("weight_bits")
	}
	if bad := complaints(c); len(bad) > 0 {
		return schema.TargetReply{Complaints: bad}, nil
	}
	var reply schema.TargetReply
	reply.Fits = true
	var host []schema.Placement
	for _, n := range r.Networks {
		m, err := graph.Parse(n.Graph)
		if err != nil {
			return schema.TargetReply{}, fmt.Errorf("parse network %s: %w", n.Name, err)
		}
		f := m.Function(program.EvalFunction)
		if f == nil {
			return schema.TargetReply{}, fmt.Errorf("check network %s: it has no function %s", n.Name, program.EvalFunction)
		}
		layers, rest := find(n.Name, f, len(c.layers))
		c.layers = append(c.layers, layers...)
		for _, h := range rest {
			host = append(host, schema.Placement{Network: n.Name, Layer: h.layer, Host: true})
			reply.Notes = append(reply.Notes, fmt.Sprintf("%s of %s runs on the host: %s", h.layer, n.Name, h.reason))
		}
		if len(layers) == 0 {
			reply.Fits = false
			host = append(host, schema.Placement{Network: n.Name, Host: true,
				Problem: "no layer of it lies on the chip: that takes spikes, a conv, deconv or linear behind them, and a spiking neuron"})
		}
	}
	report(&reply, c)
	reply.Layers = append(reply.Layers, host...)
	return reply, nil
}

func complaints(c chip) []schema.Complaint {
	var bad []schema.Complaint
	if c.cores < 1 {
		bad = append(bad, schema.Complaint{Path: "cores", Summary: fmt.Sprintf("a chip with %d cores holds nothing", c.cores), Help: "one chip has 128"})
	}
	if !slices.Contains(widths(), c.bits) {
		bad = append(bad, schema.Complaint{Path: "weight_bits", Summary: fmt.Sprintf("synapse memory has no weights of %d bits", c.bits), Help: "write 8, 6, 5, 4, 3, 2 or 1"})
	}
	return bad
}

// report places the layers and says how they lie, and what would make those fit that do not.
func report(reply *schema.TargetReply, c chip) {
	if len(c.layers) == 0 {
		return
	}
	s := newSearch()
	p := s.place(c.layers, c.bits)
	if s.cut {
		reply.Notes = append(reply.Notes, "the layers are too large to try every tiling: fewer cores may do")
		s.cut = false
	}
	reply.Fits = reply.Fits && p.fits(c.cores)
	problems := 1
	for _, o := range p.over {
		if o.what != "" {
			problems++
		}
	}
	share := checkWork / problems
	for i := range c.layers {
		l := &c.layers[i]
		x := schema.Placement{Network: l.network, Layer: l.name, Used: used(l, p.tilings[i], p.slots[i])}
		if o := p.over[i]; o.what == "cores" {
			x.Problem = fmt.Sprintf("its %d neurons need at least %d cores, and the search for tiles ended before one was found", l.neurons(), o.needs)
		} else if o.what != "" {
			x.Problem = fmt.Sprintf("a core needs at least %d %s however it is cut, and the limit is %d", o.needs, o.what, o.limit)
			good := func(c chip) bool { return len(s.options(&c.layers[i], c.bits, false).tilings) > 0 }
			if len(s.options(l, c.bits, false).tilings) > 0 { // it is the layers together
				good = func(c chip) bool { return s.place(c.layers, c.bits).tilings[i] != nil }
			}
			s.work.left = share
			x.Change = say(l, s.changes(c, i, false, good))
		}
		reply.Layers = append(reply.Layers, x)
	}
	if p.cores > c.cores { // of all layers the largest is the one to change
		i := 0
		for j, t := range p.tilings {
			if t != nil && (p.tilings[i] == nil || t.cores > p.tilings[i].cores) {
				i = j
			}
		}
		s.work.left = share
		x, l := &reply.Layers[i], &c.layers[i]
		x.Problem = fmt.Sprintf("it takes %d of the %d cores that all layers need, and there are %d", p.tilings[i].cores, p.cores, c.cores)
		x.Change = say(l, s.changes(c, i, true, func(c chip) bool { return s.place(c.layers, c.bits).cores <= c.cores }))
	}
	if s.cut {
		reply.Notes = append(reply.Notes, "the search for changes was ended early: smaller ones may do")
	}
	reply.Used = total(c, p)
	if narrow := slices.ContainsFunc(c.layers, func(l layer) bool {
		return slices.ContainsFunc(l.groups, func(g group) bool { return g.delay > 0 })
	}); narrow {
		reply.Notes = append(reply.Notes, "a layer takes one step, so shorter paths wait: their synapses have the bits of a delay")
	}
}

// used lists what a layer takes: of the chip, and of its fullest core where that has a limit.
func used(l *layer, t *tiling, slots int) []schema.Amount {
	synapses, most := l.synapses()
	out := []schema.Amount{{Name: "neurons", Used: float64(l.neurons())}, {Name: "synapses", Used: synapses}, {Name: "fan-in", Used: most}}
	if t == nil {
		return out
	}
	return append([]schema.Amount{{Name: "cores", Used: float64(t.cores)}}, append(out,
		schema.Amount{Name: "synapse words", Used: float64(t.total)},
		schema.Amount{Name: "neurons per core", Used: float64(t.neurons()), Limit: maxCompartments},
		schema.Amount{Name: "synapse words per core", Used: float64(t.words), Limit: maxWords},
		schema.Amount{Name: "input axons per core", Used: float64(t.inputs), Limit: maxInputs},
		schema.Amount{Name: "output axons per core", Used: float64(slots), Limit: maxOutputs},
	)...)
}

// synapses returns how many there are, and the most onto one neuron.
func (l *layer) synapses() (all, most float64) {
	for i := range l.groups {
		g := &l.groups[i]
		switch g.kind {
		case denseGroup:
			all += float64(g.channels) * float64(l.channels)
			most += float64(g.channels)
			continue
		case sameGroup:
			all += float64(l.neurons())
			most++
			continue
		}
		rows, high := l.axis(g, true).connections()
		cols, wide := l.axis(g, false).connections()
		all += rows * cols * float64(g.channels) * float64(l.channels)
		most += high * wide * float64(g.channels)
	}
	return all, most
}

// connections returns how many pairs of input and output one side has, and the most for one output.
func (x axis) connections() (all, most float64) {
	change := make([]int, x.out+1)
	for i := range x.in {
		if from, to, _ := x.outputs(i, 0, x.out); from < to {
			change[from]++
			change[to]--
		}
	}
	n := 0
	for _, d := range change {
		n += d
		all += float64(n)
		most = max(most, float64(n))
	}
	return all, most
}

// total adds up what all layers take.
func total(c chip, p *placement) []schema.Amount {
	var neurons, synapses, stored float64
	for i := range c.layers {
		all, _ := c.layers[i].synapses()
		synapses += all
		neurons += float64(c.layers[i].neurons())
		if t := p.tilings[i]; t != nil {
			stored += float64(t.total)
		}
	}
	cores := float64(c.cores)
	return []schema.Amount{
		{Name: "cores", Used: float64(p.cores), Limit: cores},
		{Name: "neurons", Used: neurons, Limit: cores * maxCompartments},
		{Name: "synapses", Used: synapses},
		{Name: "synapse words", Used: stored, Limit: cores * maxWords},
	}
}
