package mapping

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// search keeps what was found about single layers, and bounds the work of a check.
type search struct {
	known map[string]*options
	work  budget
	cut   bool // something was not searched to its end
}

// options are the tilings of one layer.
type options struct {
	tilings []*tiling
	over    overrun
	cut     bool
}

// The work that a check, and the tilings of one layer, may take: about a second and a tenth of one.
const (
	checkWork = 1 << 27
	layerWork = 1 << 23
)

// The partial placements that are kept beside each other, in a narrow and in a wide search.
const (
	narrowStates = 64
	wideStates   = 2048
)

func newSearch() *search { return &search{known: map[string]*options{}, work: budget{checkWork}} }

// options returns the tilings of a layer; single is whether its neurons have output axons of their own.
func (s *search) options(l *layer, r rules, single bool) *options {
	key := fmt.Sprint(l.Map, l.dense, r, single)
	for _, g := range l.groups {
		key += fmt.Sprint(" ", g.Geometry, g.delay)
	}
	o, ok := s.known[key]
	if !ok {
		work := budget{min(layerWork, s.work.left)}
		before := work.left
		o = &options{}
		o.tilings, o.over, o.cut = l.tilings(r, single, &work)
		s.work.spend(before - max(work.left, 0))
		if !o.cut || before == layerWork { // else another search may still have the time
			s.known[key] = o
		}
	}
	s.cut = s.cut || o.cut
	return o
}

// Placement is how all layers lie on the chip.
type Placement struct {
	tilings []*tiling // of each layer; nil where none keeps the limits of a core
	slots   []int     // output axon slots of the fullest core of each layer
	over    []overrun // of a layer without tiling: the limit that none keeps
	cores   int
}

// fits reports whether the layers fit a chip of so many cores.
func (p *Placement) fits(cores int) bool { return p.cores <= cores && !slices.Contains(p.tilings, nil) }

// state is a partial placement: tilings of the layers so far.
type state struct {
	cores int
	open  []opening // layers that later ones still read
	last  *tiling
	back  *state
}

// opening is a layer whose consumers are not all placed: its tiling and the slots that its fullest core uses so far.
type opening struct {
	layer, option, slots int
}

// place cuts all layers into cores: the fewest cores in total for which every core keeps its limits, output axons included.
// A narrow search finds a placement; a wide one, which leaves aside what cannot take fewer cores, looks for a better one.
func (s *search) place(layers []layer, r rules) *Placement {
	all := make([]*options, len(layers))
	single := make([]bool, len(layers))
	for _, l := range layers {
		for _, g := range l.groups {
			if g.source >= 0 {
				single[g.source] = single[g.source] || !g.aligned || g.Kind == schema.Dense || g.Kind == schema.Same
			}
		}
	}
	least := 0
	for j := range layers {
		all[j] = s.options(&layers[j], r, single[j])
		if len(all[j].tilings) > 0 {
			least += all[j].tilings[0].cores
		}
	}
	first, whole := s.run(layers, all, r, narrowStates, math.MaxInt)
	if first.cores == least || whole {
		return first
	}
	bound := first.cores - 1
	if slices.Contains(first.tilings, nil) { // it may have missed the only way
		bound = math.MaxInt
	}
	better, whole := s.run(layers, all, r, wideStates, bound)
	s.cut = s.cut || !whole
	if better != nil {
		return better
	}
	return first
}

// run goes through the layers in order and keeps, for each choice that later layers still see, the cheapest beginning, up to
// width of them; whole is whether that was all. It gives nil where no placement takes at most bound cores.
func (s *search) run(layers []layer, all []*options, r rules, width, bound int) (p *Placement, whole bool) {
	p = &Placement{tilings: make([]*tiling, len(layers)), slots: make([]int, len(layers)), over: make([]overrun, len(layers))}
	whole = true
	last := make([]int, len(layers)) // the last consumer
	rest := 0                        // cores that the layers from here on take at least
	for j, l := range layers {
		for _, g := range l.groups {
			if g.source >= 0 {
				last[g.source] = j
			}
		}
		if len(all[j].tilings) > 0 {
			rest += all[j].tilings[0].cores
		}
	}
	states := []*state{{}}
	for j := range layers {
		if len(all[j].tilings) > 0 {
			rest -= all[j].tilings[0].cores
		}
		next, over, ended := s.extend(states, layers, all, r, j, last, bound-rest)
		if len(all[j].tilings) == 0 {
			over = all[j].over
		}
		whole = whole && !ended
		if len(next) > width {
			next, whole = chosen(next, width), false
		}
		if len(next) > 0 {
			states = next
			continue
		}
		if bound < math.MaxInt {
			return nil, whole
		}
		if over.what == "" { // the search was ended before anything was found
			over = overrun{"cores", int64(ceilDiv(layers[j].Size(), r.limits().neurons)), 1}
		}
		p.over[j] = over
		states = pass(states, j, last)
	}
	best := slices.MinFunc(states, func(a, b *state) int { return a.cores - b.cores })
	p.cores = best.cores
	j := len(layers) - 1
	for st := best; st.back != nil; st, j = st.back, j-1 {
		p.tilings[j] = st.last
	}
	for j := range layers {
		for g := range layers[j].groups {
			if i := layers[j].groups[g].source; i >= 0 && p.tilings[i] != nil && p.tilings[j] != nil {
				p.slots[i] += s.demand(p.tilings[i], &layers[j].groups[g], g, p.tilings[j])
			}
		}
	}
	return p, whole
}

// chosen returns so many states: those with the fewest cores for the output axons that they leave to layers which are still read, evenly
// from few cores to few axons in use, and then those with the fewest cores. By cores alone a layer that many read could have no axons left
// for the last of these.
func chosen(all []*state, width int) []*state {
	slices.SortStableFunc(all, func(a, b *state) int { return cmp.Or(a.cores-b.cores, a.slots()-b.slots()) })
	var front, rest []*state
	for _, s := range all {
		if len(front) == 0 || s.slots() < front[len(front)-1].slots() {
			front = append(front, s)
		} else {
			rest = append(rest, s)
		}
	}
	out := make([]*state, 0, width)
	most := min(len(front), width/2)
	for k := range most {
		out = append(out, front[k*(len(front)-1)/max(most-1, 1)])
	}
	return append(out, rest[:width-len(out)]...)
}

// slots returns how many output axon slots of fullest cores are in use, of layers that later ones still read.
func (s *state) slots() (sum int) {
	for _, o := range s.open {
		sum += o.slots
	}
	return sum
}

// pass goes on without layer j.
func pass(states []*state, j int, last []int) []*state {
	out := make([]*state, len(states))
	for k, st := range states {
		n := &state{cores: st.cores, back: st}
		for _, o := range st.open {
			if last[o.layer] > j {
				n.open = append(n.open, o)
			}
		}
		out[k] = n
	}
	return out
}

// extend places layer j behind each state where that takes at most bound cores. Where nothing fits, over is the least that
// any choice needs; ended is set where not all were tried.
func (s *search) extend(states []*state, layers []layer, all []*options, r rules, j int, last []int, bound int) (next []*state, over overrun, ended bool) {
	at := map[string]int{}
	var key []byte
	var open []opening
	for _, st := range states {
		for k, t := range all[j].tilings {
			if !s.work.spend(8 * (1 + len(layers[j].groups))) {
				return next, over, true
			}
			cores := st.cores + t.cores
			if cores > bound {
				break // they come with the fewest cores first
			}
			fits := true
			key, open = key[:0], open[:0]
			own := 0
			for g := range layers[j].groups {
				if layers[j].groups[g].own {
					own += s.demand(t, &layers[j].groups[g], g, t)
				}
			}
			for _, o := range st.open {
				for g := range layers[j].groups {
					if layers[j].groups[g].source == o.layer {
						o.slots += s.demand(all[o.layer].tilings[o.option], &layers[j].groups[g], g, t)
					}
				}
				if o.slots > r.limits().outputs {
					over.lower("output axons of "+layers[o.layer].name, int64(o.slots), int64(r.limits().outputs))
					fits = false
				}
				if last[o.layer] > j {
					open = append(open, o)
					key = binary.AppendUvarint(binary.AppendUvarint(key, uint64(o.option)), uint64(o.slots))
				}
			}
			if !fits {
				continue
			}
			if last[j] > j {
				open = append(open, opening{layer: j, option: k, slots: own})
				key = binary.AppendUvarint(key, uint64(k))
			}
			i, ok := at[string(key)]
			if ok && cores >= next[i].cores {
				continue
			}
			n := &state{cores: cores, open: slices.Clone(open), last: t, back: st}
			if ok {
				next[i] = n
				continue
			}
			at[string(key)] = len(next)
			next = append(next, n)
		}
	}
	return next, over, false
}

// demand returns the output axon slots that the fullest core of a source needs to reach group i of a consumer: for each
// pixel, or for each neuron of a dense group, one axon to each core that reads it. It is more than that where the group takes in
// a part of the source alone.
func (s *search) demand(a *tiling, g *group, i int, b *tiling) int {
	each := g.tall * g.wide // rows and columns of one of the source
	switch {
	case g.Kind == schema.Dense:
		return a.neurons() * each * b.cores
	case g.Kind == schema.Same:
		return a.neurons() * each
	case !g.aligned:
		return min(a.neurons()*each, g.View.Height*g.View.Width) * b.rows.reached(i, 1, &s.work) * b.cols.reached(i, 1, &s.work) * b.parts * populationSlots
	}
	return b.rows.reached(i, a.h*g.tall, &s.work) * b.cols.reached(i, a.w*g.wide, &s.work) * b.parts * populationSlots
}
