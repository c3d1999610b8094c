package mapping

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// change is something that would make a layer fit.
type change struct {
	what     string // bits, cores, channels or inputs
	from, to int
}

// text says the change of a layer as a person would make it.
func (c change) text(l *layer) string {
	switch c.what {
	case "bits":
		return fmt.Sprintf("%d bits -> %d bits", c.from, c.to)
	case "cores":
		return fmt.Sprintf("`loihi(cores = %d)` instead of %d", c.to, c.from)
	case "channels":
		if l.dense {
			return fmt.Sprintf("%s with %d instead of %d outputs", l.kind, c.to, c.from)
		}
		return fmt.Sprintf("%s with %d instead of %d channels", l.kind, c.to, c.from)
	}
	return fmt.Sprintf("%s with %d instead of %d inputs", l.kind, c.to, c.from)
}

// apply returns the chip with a change of layer i; ok is false where the layers around it could not follow.
func (c Chip) apply(i int, x change) (out Chip, ok bool) {
	out = c
	switch x.what {
	case "bits":
		out.Bits = x.to
	case "cores":
		out.Cores = x.to
	case "channels":
		out.layers, ok = narrowed(c.layers, i, x.to)
		return out, ok
	case "inputs":
		out.layers = slices.Clone(c.layers)
		l := &out.layers[i]
		l.groups = slices.Clone(l.groups)
		g := &l.groups[widest(l)]
		if g.View.Channels += x.to - x.from; g.View.Channels < 1 {
			return c, false
		}
	}
	return out, true
}

// widest returns the group with the most input channels.
func widest(l *layer) int {
	best := 0
	for i := range l.groups {
		if !l.groups[i].own && l.groups[i].View.Channels > l.groups[best].View.Channels {
			best = i
		}
	}
	return best
}

// narrowed returns the layers with n channels in layer i; ok is false where those that read it cannot follow.
func narrowed(layers []layer, i, n int) ([]layer, bool) {
	out := slices.Clone(layers)
	old := out[i].Channels
	if slices.ContainsFunc(out[i].groups, func(g group) bool { return g.Kind == schema.Same && !g.own || g.Kind == schema.Pool }) {
		return nil, false
	}
	out[i].Channels = n
	for j := range out {
		out[j].groups = slices.Clone(out[j].groups)
		for k := range out[j].groups {
			g := &out[j].groups[k]
			g.Neurons.Channels = out[j].Channels
			if g.source != i {
				continue
			}
			if g.own {
				g.View.Channels = n
				continue
			}
			if g.Kind == schema.Same || g.Kind == schema.Pool || g.part || g.View.Channels*n%old != 0 {
				return nil, false
			}
			g.View.Channels = g.View.Channels * n / old
		}
	}
	return out, true
}

// changes returns, for each kind of change of layer i, the smallest that makes good: with cores set more cores, fewer bits, and fewer
// channels (or, where a layer breaks a limit of a core, fewer inputs).
func (s *search) changes(c Chip, i int, cores bool, good func(Chip) bool) []change {
	var found []change
	if cores { // which leaves the layers as they are, and so comes first
		if n := s.place(c.layers, c.rules()); !slices.Contains(n.tilings, nil) && n.cores <= MaxCores {
			found = append(found, change{"cores", c.Cores, n.cores})
		}
	}
	works := func(x change) bool {
		if s.work.left < 0 {
			s.cut = true
			return false
		}
		out, ok := c.apply(i, x)
		return ok && good(out)
	}
	for _, b := range Widths() {
		if x := (change{"bits", c.Bits, b}); b < c.Bits && works(x) {
			found = append(found, x)
			break
		}
	}
	l := &c.layers[i]
	step := l.Channels
	for n := 1; n < l.Channels; n++ { // the smallest number of channels that those who read it divide as they did
		if l.Channels%n != 0 {
			continue
		}
		if _, ok := narrowed(c.layers, i, n); ok {
			step = n
			break
		}
	}
	if x := (change{"channels", l.Channels, 0}); largest(&x, step, works) {
		found = append(found, x)
	}
	if slices.ContainsFunc(l.groups, func(g group) bool { return !g.own }) && !cores {
		in := 0
		for _, g := range l.groups {
			if !g.own {
				in += g.View.Channels
			}
		}
		step := 1
		if g := l.groups[widest(l)]; g.source >= 0 && g.View.Channels%c.layers[g.source].Channels == 0 {
			step = g.View.Channels / c.layers[g.source].Channels // what a channel of the layer before gives
		}
		if x := (change{"inputs", in, 0}); largest(&x, step, works) {
			found = append(found, x)
		}
	}
	return found
}

// largest sets x.to to the largest x.from - k step above 0 that works, by halving; fewer is taken to work where more does.
func largest(x *change, step int, works func(change) bool) bool {
	low, high := 0, ceilDiv(x.from, step) // low steps do not work, high leave nothing
	for high-low > 1 {
		middle := (low + high) / 2
		if x.to = x.from - middle*step; works(*x) {
			high = middle
		} else {
			low = middle
		}
	}
	x.to = x.from - high*step
	return x.to > 0
}

// say joins the changes of a layer to one sentence.
func say(l *layer, changes []change) string {
	var parts []string
	for _, c := range changes {
		parts = append(parts, c.text(l))
	}
	return strings.Join(parts, ", or ")
}
