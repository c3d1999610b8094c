package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// builder unrolls one network.
type builder struct {
	c        *checker
	n        *Network
	uses     map[string]int // how often a name stands in the network
	straight map[int]bool   // layers whose values come straight from encode
	encoded  diag.Range     // the first encode
	impure   bool           // a wire that is not pure has been reported
	decodes  []decode
	graphs   []graphCoder
	networks map[int]networkUse // uses of networks, by the layers that they give
	first    map[Place]int      // home of a layer -> the first layer of that home, whose weights the others use
}

// decode is a use of a coder whose equations count the steps of its own.
type decode struct {
	coder *Coder
	at    diag.Range
	notes []diag.Note
}

// network unrolls a network; nil where something was found.
func (c *checker) network(d *def) *Network {
	if d.state == done {
		return d.net
	}
	d.state = done
	x := d.item.(*dsl.Network)
	before := len(c.found)
	defer c.apart(d)()
	b := &builder{c: c, uses: map[string]int{}, straight: map[int]bool{}, networks: map[int]networkUse{}, first: map[Place]int{}, n: &Network{Name: x.Name.Text, Doc: x.Doc, Pure: x.Pure, Range: x.Range}}
	s := &scope{vars: map[string]value{}, own: x.Name.Text, b: b, stacks: map[string][]pushed{}}
	file := &scope{own: x.Name.Text}
	for _, p := range x.Params {
		if _, twice := s.vars[p.Name.Text]; twice {
			continue // reported by names
		}
		var v value
		if p.Type == nil {
			c.fail(diag.BadType, p.Range, fmt.Sprintf("write `%s: real[channels, height, width]`, or what it is", p.Name.Text), "parameter `%s` of a network needs a type", p.Name.Text)
		} else if w, ok := c.wireType(*p.Type, file); ok {
			v = b.add(&Layer{Kind: "input", Wire: w}, p.Name.Text, p.Range)
			b.n.Params = append(b.n.Params, Port{p.Name.Text, w})
		}
		if p.Default != nil || p.In != nil || p.Trainable != "" {
			c.fail(diag.BadType, p.Range, fmt.Sprintf("write `%s: TYPE` alone", p.Name.Text), "parameter `%s` of a network is a wire, it has no default and no range", p.Name.Text)
		}
		s.vars[p.Name.Text] = v
	}
	want, known := c.wireType(x.Result, file)
	b.n.Result = want
	result, at := b.run(x.Body, s)
	b.emptied(s)
	if result.kind == wireValue {
		got := b.n.Layers[result.wire].Wire
		b.n.Output = result.wire
		fits := got.Kind == want.Kind || got.Kind == TimesWire && want.Kind == SpikesWire
		if known && !c.loose[x] && (!fits || !slices.Equal(got.Dims, want.Dims)) {
			code, help := diag.ShapeMismatch, b.ending(got, want, b.n.Layers[result.wire])
			switch {
			case !fits && got.Timed() && want.Kind == RealWire:
				code, help = diag.WrongWire, fmt.Sprintf("end with `-> decode(%s)`", c.coderFor(false))
			case !fits:
				code, help = diag.WrongWire, fmt.Sprintf("write `-> %v` in the network's head, if this is what is meant", got)
				if got.Kind == SignalWire {
					help = fmt.Sprintf("end with a neuron, or write `-> %v` in the network's head", got)
				}
			}
			d := diag.Diagnostic{Code: code, Range: at, Help: help, Summary: fmt.Sprintf("network `%s` returns %v, and this is %v", b.n.Name, want, got), Notes: b.chain(result.wire)}
			d.Notes = append(d.Notes, diag.Note{Message: "its result is declared here", Range: x.Result.Range})
			c.report(d)
		}
	} else if result.kind != poison {
		c.fail(diag.BadType, at, "return what flows, such as `x -> linear(10)`", "a network returns a wire, and this is %s", result.describe())
	}
	b.finish()
	if result.kind != wireValue || !known || len(c.found) > before || c.work > maxWork {
		return nil
	}
	d.net = b.n
	return d.net
}

// finish gives the wires their number of time steps.
func (b *builder) finish() {
	n := b.n
	timed := false
	for _, l := range n.Layers {
		timed = timed || l.Wire.Timed() && l.Wire.Steps == 0
	}
	n.FreeSteps = timed && n.Steps == 0
	for _, l := range n.Layers {
		if l.Wire.Timed() && l.Wire.Steps == 0 {
			l.Wire.Steps = n.Steps
		}
		if l.Home.Network != n { // counted where it is written down
			continue
		}
		trainable := map[string]string{}
		if l.Neuron != nil {
			trainable = l.Neuron.Trainable
		} else if l.Coder != nil && l.Coder.Component == nil {
			trainable = l.Coder.Trainable
		}
		dims := l.Wire.Dims
		for _, p := range slices.Sorted(maps.Keys(trainable)) {
			switch trainable[p] {
			case "layer":
				l.count.Trainable++
			case "channel":
				l.count.Trainable += dims[0]
			case "neuron":
				l.count.Trainable += size(dims)
			case "step":
				if n.FreeSteps {
					b.c.fail(diag.StepsDisagree, l.Origin[0], "train it per layer, channel or neuron, or fix the steps by `encode`", "`%s` is trained per step, and network `%s` works at any number of steps", p, n.Name)
				}
				l.count.Trainable += n.Steps
			}
		}
	}
	for i := range n.Params {
		n.Params[i].Wire = n.Layers[i].Wire
	}
	b.ask()
	if n.Result.Timed() {
		n.Result.Steps = n.Steps
	}
	for _, d := range b.decodes {
		if n.Steps > 0 {
			b.c.steps(d.coder, n.Steps, d.at, d.notes)
		}
	}
}

// steps checks that a coder that counts steps of its own decodes as many.
func (c *checker) steps(k *Coder, steps int, at diag.Range, notes []diag.Note) {
	if own, counts := k.Params["steps"]; counts && int(own) != steps {
		help := fmt.Sprintf("write `decode(%s(steps = %d))`", k.Name, steps)
		if d := c.defs[k.Name]; c.standIns != nil && d != nil && d.kind == "coder" {
			help = fmt.Sprintf("add `%s(steps = %d)` to `replace`", k.Name, steps)
		}
		c.report(diag.Diagnostic{Code: diag.StepsDisagree, Range: at, Notes: notes, Help: help,
			Summary: fmt.Sprintf("coder `%s` counts %v steps, and its input has %d", k.Name, own, steps)})
	}
}

// add appends a layer and returns its wire.
func (b *builder) add(l *Layer, name string, at diag.Range) value {
	l.Title = fmt.Sprintf("%s.%d.%s", b.n.Name, b.uses[name], name)
	l.Home = Place{b.n, len(b.n.Layers)}
	v := b.append(l, at)
	b.uses[name]++
	return v
}

// append appends a layer that has its title and its home.
func (b *builder) append(l *Layer, at diag.Range) value {
	if b.c.used++; b.c.used > maxLayers {
		b.c.fail(diag.TooMuchWork, at, "use fewer turns of the loops around this place", "the spec has more than %d layers", maxLayers)
		b.c.work = maxWork + 1
		return value{}
	}
	l.Origin = append(l.Origin, at)
	for i := len(b.c.frames) - 1; i >= 0; i-- {
		l.Origin = append(l.Origin, b.c.frames[i].at)
	}
	i := len(b.n.Layers)
	if l.Weights = i; l.Home.Network != b.n {
		if first, again := b.first[l.Home]; again {
			l.Weights, l.count = first, Parameters{}
		} else {
			b.first[l.Home] = i
		}
	}
	b.n.Layers = append(b.n.Layers, l)
	return value{kind: wireValue, wire: i}
}

// run unrolls the statements of a body and returns what they return.
func (b *builder) run(body []dsl.Statement, s *scope) (result value, at diag.Range) {
	c := b.c
	for _, st := range body {
		if !c.spend(1, st.Span()) {
			b.lose(body, s)
			return value{}, at
		}
		switch st := st.(type) {
		case *dsl.Assign:
			v := c.eval(st.Value, s)
			if st.Name.Text != "" {
				s.vars[st.Name.Text] = v
			}
		case *dsl.Return:
			return c.eval(st.Value, s), st.Value.Span()
		case *dsl.If:
			v := c.eval(st.Cond, s)
			if v.kind != boolValue {
				if v.kind != poison {
					c.fail(diag.BadType, st.Cond.Span(), "compare it, such as `x > 0`", "`if` takes a bool, and this is %s", v.describe())
				}
				b.lose(st.Then, s)
				b.lose(st.Else, s)
				continue
			}
			if v.f != 0 {
				b.run(st.Then, s)
			} else {
				b.run(st.Else, s)
			}
		case *dsl.Repeat:
			v := c.eval(st.Count, s)
			n, ok := integral(v)
			switch {
			case v.kind == poison:
			case !ok || n < 0:
				c.fail(diag.BadType, st.Count.Span(), "write the number of turns, such as `repeat 2 { ... }`", "`repeat` takes an int of at least 0, and this is %s", v.describe())
			case n > maxLayers:
				c.fail(diag.TooMuchWork, st.Count.Span(), "", "%d turns are more than the %d layers that a spec may have", n, maxLayers)
			default:
				b.loop("repeat", int(n), st.Count.Span(), st.Body, s, func(int) {})
				continue
			}
			b.lose(st.Body, s)
		case *dsl.For:
			v := c.eval(st.List, s)
			if v.kind != listValue {
				if v.kind != poison {
					c.fail(diag.BadType, st.List.Span(), "write a list, such as `[1, 2, 4]`, or use `repeat N`", "`for` goes through a list, and this is %s", v.describe())
				}
				s.vars[st.Name.Text] = value{}
				b.lose(st.Body, s)
				continue
			}
			b.loop("for", len(v.items), st.Name.Range, st.Body, s, func(i int) { s.vars[st.Name.Text] = v.items[i] })
		}
	}
	return value{}, at
}

// loop unrolls the turns of a loop.
func (b *builder) loop(kind string, turns int, at diag.Range, body []dsl.Statement, s *scope, bind func(i int)) {
	first, hadFirst := s.vars["first"]
	last, hadLast := s.vars["last"]
	if len(b.c.frames) >= maxDepth {
		b.c.fail(diag.TooMuchWork, at, "", "blocks and loops stand in each other more than %d deep", maxDepth)
		b.lose(body, s)
		return
	}
	b.c.frames = append(b.c.frames, frame{loop: kind, at: at})
	for i := range turns {
		if !b.c.spend(1, at) {
			break
		}
		b.c.frames[len(b.c.frames)-1].turn = i + 1
		bind(i)
		s.vars["first"], s.vars["last"] = boolOf(i == 0), boolOf(i == turns-1)
		b.run(body, s)
	}
	b.c.frames = b.c.frames[:len(b.c.frames)-1]
	restore := func(name string, v value, had bool) {
		if delete(s.vars, name); had {
			s.vars[name] = v
		}
	}
	restore("first", first, hadFirst)
	restore("last", last, hadLast)
}

// lose gives up on statements that cannot be unrolled: what they would bind is poison.
func (b *builder) lose(body []dsl.Statement, s *scope) {
	s.guess = true
	names := assigned(body)
	b.c.spend(len(names), diag.Range{})
	for n := range names {
		s.vars[n] = value{}
	}
}

// assigned lists the names that statements bind.
func assigned(body []dsl.Statement) map[string]bool {
	out := map[string]bool{}
	dsl.InspectBody(body, func(st dsl.Statement) {
		switch st := st.(type) {
		case *dsl.Assign:
			if st.Name.Text != "" {
				out[st.Name.Text] = true
			}
		case *dsl.For:
			out[st.Name.Text] = true
		}
	})
	return out
}
