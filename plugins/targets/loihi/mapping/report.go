package mapping

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// Report places the layers and says in a reply how they lie, and what would make those fit that do not. reply.Fits becomes false
// where a layer does not. The placement is nil where there are no layers.
func (c Chip) Report(reply *schema.TargetReply) *Placement {
	if len(c.layers) == 0 {
		return nil
	}
	s := newSearch()
	p := s.place(c.layers, c.rules())
	if s.cut {
		reply.Notes = append(reply.Notes, "the layers are too large to try every tiling: fewer cores may do")
		s.cut = false
	}
	reply.Fits = reply.Fits && p.fits(c.Cores)
	problems := 1
	for _, o := range p.over {
		if o.what != "" {
			problems++
		}
	}
	share := checkWork / problems
	for i := range c.layers {
		l := &c.layers[i]
		x := schema.Placement{Network: l.network, Layer: l.name, Used: used(l, c.rules(), p.tilings[i], p.slots[i])}
		if o := p.over[i]; o.what == "cores" {
			x.Problem = fmt.Sprintf("its %d neurons need at least %d cores, and the search for tiles ended before one was found", l.Size(), o.needs)
		} else if o.what != "" {
			x.Problem = fmt.Sprintf("a core needs at least %d %s however it is cut, and the limit is %d", o.needs, o.what, o.limit)
			x.Used = append(x.Used, schema.Amount{Name: o.what + " per core", Used: float64(o.needs), Limit: float64(o.limit)})
			good := func(c Chip) bool { return len(s.options(&c.layers[i], c.rules(), false).tilings) > 0 }
			if len(s.options(l, c.rules(), false).tilings) > 0 { // it is the layers together
				good = func(c Chip) bool { return s.place(c.layers, c.rules()).tilings[i] != nil }
			}
			s.work.left = share
			x.Change = say(l, s.changes(c, i, false, good))
		}
		reply.Layers = append(reply.Layers, x)
	}
	if p.cores > c.Cores { // of all layers the largest is the one to change
		i := 0
		for j, t := range p.tilings {
			if t != nil && (p.tilings[i] == nil || t.cores > p.tilings[i].cores) {
				i = j
			}
		}
		s.work.left = share
		x, l := &reply.Layers[i], &c.layers[i]
		x.Problem = fmt.Sprintf("all layers together need %d cores, and there are %d; this one takes the most, %d", p.cores, c.Cores, p.tilings[i].cores)
		x.Change = say(l, s.changes(c, i, true, func(c Chip) bool { return s.place(c.layers, c.rules()).cores <= c.Cores }))
	}
	if s.cut {
		reply.Notes = append(reply.Notes, "the search for changes was ended early: smaller ones may do")
	}
	reply.Used = total(c, p)
	if narrow := slices.ContainsFunc(c.layers, func(l layer) bool {
		return slices.ContainsFunc(l.groups, func(g group) bool { return g.delay > 0 && !g.own })
	}); narrow {
		reply.Notes = append(reply.Notes, "a layer takes one step, so shorter paths wait: their synapses have the bits of a delay")
	}
	return p
}

// used lists what a layer takes: of the chip, and of its fullest core where that has a limit.
func used(l *layer, r rules, t *tiling, slots int) []schema.Amount {
	synapses, most := l.synapses()
	out := []schema.Amount{{Name: "neurons", Used: float64(l.Size())}, {Name: "synapses", Used: synapses}, {Name: "fan-in", Used: most}}
	if t == nil {
		return out
	}
	return append([]schema.Amount{{Name: "cores", Used: float64(t.cores)}}, append(out,
		schema.Amount{Name: "synapse words", Used: float64(t.total)},
		schema.Amount{Name: "neurons per core", Used: float64(t.neurons()), Limit: float64(r.limits().neurons)},
		schema.Amount{Name: "synapse words per core", Used: float64(t.words), Limit: float64(r.limits().words)},
		schema.Amount{Name: "input axons per core", Used: float64(t.inputs), Limit: shown(r.limits().inputs)},
		schema.Amount{Name: "output axons per core", Used: float64(slots), Limit: shown(r.limits().outputs)},
	)...)
}

// synapses returns how many there are, and the most onto one neuron.
func (l *layer) synapses() (all, most float64) {
	for i := range l.groups {
		g := &l.groups[i]
		rows, high := g.Rows.Connections()
		cols, wide := g.Cols.Connections()
		in := float64(g.Channels(0).Len())
		all += float64(rows) * float64(cols) * in * float64(l.Channels)
		most += float64(high) * float64(wide) * in
	}
	return all, most
}

// total adds up what all layers take.
func total(c Chip, p *Placement) []schema.Amount {
	var neurons, synapses, stored float64
	for i := range c.layers {
		all, _ := c.layers[i].synapses()
		synapses += all
		neurons += float64(c.layers[i].Size())
		if t := p.tilings[i]; t != nil {
			stored += float64(t.total)
		}
	}
	cores := float64(c.Cores)
	return []schema.Amount{
		{Name: "cores", Used: float64(p.cores), Limit: cores},
		{Name: "neurons", Used: neurons, Limit: cores * float64(c.rules().limits().neurons)},
		{Name: "synapses", Used: synapses},
		{Name: "synapse words", Used: stored, Limit: cores * float64(c.rules().limits().words)},
	}
}
