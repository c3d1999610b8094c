package dynamics

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// same reports whether two numbers are one but for rounding.
func same(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(a), math.Abs(b)) }

// equal reports whether two functions are one but for rounding.
func equal(a, b function) bool {
	return a.why == "" && b.why == "" && slices.EqualFunc(a.k, b.k, same)
}

// match finds the form of schema.Population in what explore has found.
func (m *machine) match() (Dynamics, error) {
	first := m.branches[0]
	from := first[0].emit
	if m.e.Spikes {
		if !first[0].tested {
			if first[0].emit.why != "" {
				return Dynamics{}, fmt.Errorf("%s", first[0].emit.why)
			}
			return Dynamics{}, fmt.Errorf("whether it spikes at its first step does not depend on what flows in")
		}
		from = first[0].test
	}
	states, err := m.relevant(from)
	if err != nil {
		return Dynamics{}, err
	}
	class := m.classes(states)
	d, v, err := m.membrane(states, from)
	if err != nil || !m.e.Spikes {
		if err == nil && (class[first[0].to] != class[0] || class[first[1].to] != class[0]) {
			err = fmt.Errorf("it does something else from step to step")
		}
		return d, err
	}
	for i, b := range first {
		if !b.emit.constant() || b.emit.k[0] != float64(i) {
			return Dynamics{}, fmt.Errorf("what it emits is not its test")
		}
	}
	if class[first[0].to] != class[0] {
		return Dynamics{}, fmt.Errorf("it does something else from step to step")
	}
	d.Strict = first[0].strict
	next := first[1].to
	if class[next] == class[0] {
		err = m.reset(&d, states, v, first[0], first[1])
		return d, err
	}
	if m.silent(next, states) {
		err = m.refractory(&d, states, v, class)
		return d, err
	}
	// The reset of a spike is made at the step behind it.
	later := m.branches[next]
	switch {
	case d.Late:
		return d, fmt.Errorf("it tests before it integrates, and is reset one step later")
	case class[later[0].to] != class[0] || class[later[1].to] != class[next] || !later[0].tested:
		return d, fmt.Errorf("a spike has an influence on more than the step behind it")
	}
	for i := range 2 {
		for _, s := range states {
			if !equal(m.branches[[]int{0, next}[i]][0].next[s], m.branches[[]int{0, next}[i]][1].next[s]) {
				return d, fmt.Errorf("a spike has an influence on its own step and on the one behind it")
			}
		}
		if b := later[i]; !b.emit.constant() || b.emit.k[0] != float64(i) || b.strict != d.Strict {
			return d, fmt.Errorf("what it emits behind a spike is not its test")
		}
	}
	if v < 0 {
		return d, fmt.Errorf("its test is another one behind a spike")
	}
	// The test is the same function of the membrane: test - kappa v[t] is the same number.
	kappa := from.k[1] / first[0].next[v].k[1]
	if rest := sum(later[0].test, scaled(later[0].next[v], func(x float64) float64 { return kappa * x }), -1); !rest.constant() || !same(rest.k[0], -kappa*d.Threshold) {
		return d, fmt.Errorf("its test is another one behind a spike")
	}
	err = m.resetLater(&d, states, v, first[0], later[0])
	return d, err
}

// relevant returns the states that are not discrete and that f depends on, directly or by the next values of others.
func (m *machine) relevant(f function) ([]int, error) {
	var states []int
	var need func(f function) error
	need = func(f function) error {
		if f.why != "" {
			return fmt.Errorf("%s", f.why)
		}
		for s := range m.e.States {
			if f.k[2+s] == 0 || slices.Contains(states, s) {
				continue
			}
			states = append(states, s)
			for _, both := range m.branches {
				for _, b := range both {
					if err := need(b.next[s]); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
	for _, both := range m.branches {
		for _, b := range both {
			f := b.emit
			if m.e.Spikes {
				if f.why != "" {
					return nil, fmt.Errorf("%s", f.why)
				}
				if f = b.test; !b.tested {
					continue
				}
			}
			if err := need(f); err != nil {
				return nil, err
			}
		}
	}
	if err := need(f); err != nil {
		return nil, err
	}
	slices.Sort(states)
	return states, nil
}

// classes returns for each combination of discrete states the number of its class: those of one class do the same now and later.
func (m *machine) classes(states []int) []int {
	class := make([]int, len(m.configs))
	text := func(f function) string {
		var s []string
		for _, v := range f.k {
			s = append(s, strconv.FormatFloat(v+0, 'g', 12, 64))
		}
		return strings.Join(s, " ")
	}
	local := make([]string, len(m.configs))
	for c, both := range m.branches {
		for _, b := range both {
			local[c] += text(b.emit) + "/"
			if b.tested {
				local[c] += text(b.test) + fmt.Sprint(b.strict)
			}
			for _, s := range states {
				local[c] += "/" + text(b.next[s])
			}
			local[c] += ";"
		}
	}
	for count := 0; ; {
		known := map[string]int{}
		next := make([]int, len(class))
		for c, both := range m.branches {
			key := fmt.Sprint(local[c], class[c], class[both[0].to], class[both[1].to])
			if _, ok := known[key]; !ok {
				known[key] = len(known)
			}
			next[c] = known[key]
		}
		class = next
		if len(known) == count {
			return class
		}
		count = len(known)
	}
}

// silent reports whether nothing is tested, or nothing follows from it, and nothing is emitted.
func (m *machine) silent(c int, states []int) bool {
	a, b := m.branches[c][0], m.branches[c][1]
	for _, s := range states {
		if !equal(a.next[s], b.next[s]) {
			return false
		}
	}
	return a.to == b.to && a.emit.constant() && b.emit.constant() && a.emit.k[0] == 0 && b.emit.k[0] == 0
}

// membrane finds decay, current, start and threshold, or scale, in the step without a spike; f is the test, or what is read out. v is
// the state that is the membrane, -1 where there is none.
func (m *machine) membrane(states []int, f function) (d Dynamics, v int, err error) {
	d.Gain, v = 1, -1
	step := m.branches[0][0].next
	current := -1
	switch len(states) {
	case 0:
	case 1:
		v = states[0]
	case 2:
		v, current = states[1], states[0]
		if step[current].k[2+v] != 0 {
			v, current = current, v
		}
		if step[current].k[2+v] != 0 {
			return d, v, fmt.Errorf("its states %s and %s depend on each other", m.e.States[v].Name, m.e.States[current].Name)
		}
		if step[v].k[2+current] == 0 {
			return d, v, fmt.Errorf("it has the states %s and %s, and neither flows into the other", m.e.States[v].Name, m.e.States[current].Name)
		}
	default:
		var names []string
		for _, s := range states {
			names = append(names, m.e.States[s].Name)
		}
		return d, v, fmt.Errorf("it has the states %s, and a chip's has a membrane and at most a current", strings.Join(names, ", "))
	}
	if v < 0 { // without memory
		kappa := math.Abs(f.k[1])
		if kappa == 0 {
			return d, v, fmt.Errorf("what it gives does not depend on what flows in")
		}
		if d.Reset.Kind = schema.ResetNone; m.e.Spikes {
			d.Gain, d.Threshold = f.k[1]/kappa, -f.k[0]/kappa
			return d, v, nil
		}
		d.Reads, d.Scale, d.Rest = true, f.k[1], f.k[0]
		return d, v, nil
	}
	membrane := step[v]
	d.Decay, d.Gain, d.Offset, d.Start = membrane.k[2+v], membrane.k[1], membrane.k[0], m.e.States[v].Start
	if current >= 0 {
		i := step[current]
		d.Current, d.CurrentDecay = true, i.k[2+current]
		if d.Gain == 0 || i.k[1] == 0 {
			return d, v, fmt.Errorf("its membrane %s takes the current %s of the step before", m.e.States[v].Name, m.e.States[current].Name)
		}
		h := d.Gain / i.k[1] // the membrane takes so many times the current
		if !same(membrane.k[2+current], h*i.k[2+current]) {
			return d, v, fmt.Errorf("its membrane %s takes more than its current %s", m.e.States[v].Name, m.e.States[current].Name)
		}
		if d.Offset = h * i.k[0]; !same(membrane.k[0], d.Offset) || m.e.States[current].Start != 0 {
			return d, v, fmt.Errorf("its current %s does not begin at 0, or its membrane has one of its own", m.e.States[current].Name)
		}
	}
	if d.Gain == 0 {
		return d, v, fmt.Errorf("what flows in does not reach its membrane %s", m.e.States[v].Name)
	}
	if x := d.Decay; x < 0 || x > 1 {
		return d, v, fmt.Errorf("the decay of its membrane is %v, and a chip's is 0 to 1", x)
	}
	if x := d.CurrentDecay; x < 0 || x > 1 {
		return d, v, fmt.Errorf("the decay of its current is %v, and a chip's is 0 to 1", x)
	}
	if m.e.Spikes && f.k[1] == 0 && (current < 0 || f.k[2+current] == 0) {
		alpha := f.k[2+v]
		if alpha <= 0 {
			return d, v, fmt.Errorf("it spikes where its membrane is low")
		}
		d.Late, d.Threshold = true, -f.k[0]/alpha
		return d, v, nil
	}
	kappa := f.k[1] / membrane.k[1]
	left := sum(f, scaled(membrane, func(x float64) float64 { return kappa * x }), -1) // f = kappa v[t] + left
	for i := 1; i < len(left.k); i++ {
		if !same(left.k[i], 0) {
			return d, v, fmt.Errorf("what it tests or gives is not its membrane %s", m.e.States[v].Name)
		}
	}
	switch {
	case !m.e.Spikes && kappa == 0:
		return d, v, fmt.Errorf("what it gives does not depend on what flows in")
	case !m.e.Spikes:
		d.Reads, d.Scale, d.Rest, d.Reset.Kind = true, kappa, left.k[0], schema.ResetNone
	case kappa <= 0:
		return d, v, fmt.Errorf("it spikes where its membrane is low")
	default:
		d.Threshold = -left.k[0] / kappa
	}
	return d, v, nil
}

// untouched returns an error where a spike changes another state than the membrane.
func (m *machine) untouched(states []int, v int, quiet, fired branch) error {
	for _, s := range states {
		if s != v && !equal(quiet.next[s], fired.next[s]) {
			return fmt.Errorf("a spike changes its state %s", m.e.States[s].Name)
		}
	}
	return nil
}

// reset finds the reset in what a spike makes of the membrane at its own step.
func (m *machine) reset(d *Dynamics, states []int, v int, quiet, fired branch) error {
	if v < 0 {
		return nil
	}
	if d.Late {
		return m.resetLater(d, states, v, quiet, fired)
	}
	if err := m.untouched(states, v, quiet, fired); err != nil {
		return err
	}
	change := sum(quiet.next[v], fired.next[v], -1)
	switch {
	case change.constant() && change.k[0] == 0:
		d.Reset = schema.Reset{Kind: schema.ResetNone}
	case change.constant():
		d.Reset = schema.Reset{Kind: schema.ResetBy, Value: change.k[0]}
	case fired.next[v].constant():
		d.Reset = schema.Reset{Kind: schema.ResetTo, Value: fired.next[v].k[0]}
	default:
		return fmt.Errorf("a spike resets its membrane %s neither to a value nor by one", m.e.States[v].Name)
	}
	return nil
}

// resetLater finds the reset in a step that begins with a membrane that is reset: that of quiet, with another value of the membrane.
func (m *machine) resetLater(d *Dynamics, states []int, v int, quiet, fired branch) error {
	if err := m.untouched(states, v, quiet, fired); err != nil {
		return err
	}
	a, b := quiet.next[v], fired.next[v]
	change := (a.k[0] - b.k[0])
	rest := sum(a, b, -1)
	rest.k[0], rest.k[2+v] = 0, 0
	decay, after := a.k[2+v], b.k[2+v]
	switch {
	case !slices.ContainsFunc(rest.k, func(x float64) bool { return !same(x, 0) }) && same(decay, after) && change == 0:
		d.Reset = schema.Reset{Kind: schema.ResetNone}
	case slices.ContainsFunc(rest.k, func(x float64) bool { return !same(x, 0) }) || decay == 0:
		return fmt.Errorf("a spike changes more than its membrane %s", m.e.States[v].Name)
	case same(decay, after):
		d.Reset = schema.Reset{Kind: schema.ResetBy, Value: change / decay}
	case after == 0:
		d.Reset = schema.Reset{Kind: schema.ResetTo, Value: -change / decay}
	default:
		return fmt.Errorf("a spike resets its membrane %s neither to a value nor by one", m.e.States[v].Name)
	}
	return nil
}

// refractory finds how long a neuron is silent behind a spike, with which outcome 1 of the start begins.
func (m *machine) refractory(d *Dynamics, states []int, v int, class []int) error {
	quiet, fired := m.branches[0][0], m.branches[0][1]
	c, steps, held := fired.to, 0, true
	seen := map[int]bool{}
	for m.silent(c, states) && !seen[class[c]] {
		seen[class[c]] = true
		steps++
		b := m.branches[c][0]
		for _, s := range states {
			want := quiet.next[s]
			if s == v {
				want = scaled(want, func(float64) float64 { return 0 })
				want.k[2+v] = 1
			}
			held = held && equal(b.next[s], want)
		}
		c = b.to
	}
	if seen[class[c]] { // for ever: what it does then is of no account
		if d.Once = true; len(seen) > 1 {
			return fmt.Errorf("it does something else from step to step")
		}
		d.Reset = schema.Reset{Kind: schema.ResetNone}
		return nil
	}
	switch {
	case class[c] != class[0]:
		return fmt.Errorf("behind its refractory time it does something else than before")
	case d.Late:
		return fmt.Errorf("it tests before it integrates, and has a refractory time")
	case !held:
		return fmt.Errorf("it goes on integrating in its refractory time")
	}
	d.Refractory = steps
	return m.reset(d, states, v, quiet, fired)
}
