package check

import (
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
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
}

// decode is a use of a coder whose equations count the steps of its own.
type decode struct {
	coder *Coder
	at    diag.Range
}

// pushed is a wire on a stack; poison where it is not known.
type pushed struct {
	value value
	at    diag.Range
}

// network unrolls a network; nil where something was found.
func (c *checker) network(d *def) *Network {
	if d.state == done {
		return d.net
	}
	d.state = done
	x := d.item.(*dsl.Network)
	before := len(c.found)
	b := &builder{c: c, uses: map[string]int{}, straight: map[int]bool{}, n: &Network{Name: x.Name.Text, Doc: x.Doc, Pure: x.Pure, Range: x.Range}}
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
		if known && (!fits || !slices.Equal(got.Dims, want.Dims)) {
			code, help := diag.ShapeMismatch, ""
			switch {
			case !fits && got.Timed() && want.Kind == RealWire:
				code, help = diag.WrongWire, "end with `-> decode(CODER)`"
			case !fits:
				code, help = diag.WrongWire, fmt.Sprintf("write `-> %v` in the network's head, if this is what is meant", got)
			}
			d := diag.Diagnostic{Code: code, Range: at, Help: help, Summary: fmt.Sprintf("network `%s` returns %v, and this is %v", b.n.Name, want, got), Notes: b.chain(result.wire)}
			d.Notes = append(d.Notes, diag.Note{Message: "its result is declared here", Range: x.Result.Range})
			c.report(d)
		}
	} else if result.kind != poison {
		c.fail(diag.BadType, at, "", "a network returns a wire, and this is %s", result.describe())
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
		timed = timed || l.Wire.Timed()
	}
	n.FreeSteps = timed && n.Steps == 0
	for _, l := range n.Layers {
		if l.Wire.Timed() {
			l.Wire.Steps = n.Steps
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
	if n.Result.Timed() {
		n.Result.Steps = n.Steps
	}
	for _, d := range b.decodes {
		if n.Steps > 0 {
			b.c.steps(d.coder, n.Steps, d.at, nil)
		}
	}
}

// steps checks that a coder that counts steps of its own decodes as many.
func (c *checker) steps(k *Coder, steps int, at diag.Range, notes []diag.Note) {
	if own, counts := k.Params["steps"]; counts && int(own) != steps {
		c.report(diag.Diagnostic{Code: diag.StepsDisagree, Range: at, Notes: notes, Help: fmt.Sprintf("write `decode(%s(steps = %d))`", k.Name, steps),
			Summary: fmt.Sprintf("coder `%s` counts %v steps, and its input has %d", k.Name, own, steps)})
	}
}

// wireType returns the type of a wire at a border.
func (c *checker) wireType(t dsl.Type, s *scope) (Wire, bool) {
	kinds := map[string]WireKind{"real": RealWire, "signal": SignalWire, "spikes": SpikesWire, "times": TimesWire, "tokens": TokensWire, "step": StepWire}
	k, ok := kinds[t.Name.Text]
	if !ok || t.List {
		known := slices.Sorted(maps.Keys(kinds))
		help := "the kinds of wires are " + quoted(known)
		if near := diag.Nearest(t.Name.Text, known); near != "" && !t.List {
			help = fmt.Sprintf("did you mean `%s`?", near)
		}
		c.fail(diag.BadType, t.Range, help, "a wire has no type like this")
		return Wire{}, false
	}
	w := Wire{Kind: k}
	if k == StepWire && len(t.Dims) > 0 || k != StepWire && len(t.Dims) == 0 {
		if k == StepWire {
			c.fail(diag.BadType, t.Range, "write `step`", "a step has no shape")
		} else {
			c.fail(diag.BadType, t.Range, fmt.Sprintf("write `%s[n]` or `%s[channels, height, width]`", k, k), "`%s` needs the shape of one example", k)
		}
		return Wire{}, false
	}
	n := float64(1)
	for _, e := range t.Dims {
		v := c.eval(e, s)
		if v.kind == poison {
			ok = false
			continue
		}
		i, fine := integral(v)
		n *= float64(i)
		if !fine || i < 1 || n > maxSize {
			c.fail(diag.BadType, e.Span(), "", "a dim is an int of at least 1, and this is %s", v.describe())
			ok = false
			continue
		}
		w.Dims = append(w.Dims, int(i))
	}
	return w, ok
}

// add appends a layer and returns its wire.
func (b *builder) add(l *Layer, name string, at diag.Range) value {
	if b.c.used++; b.c.used > maxLayers {
		b.c.fail(diag.TooMuchWork, at, "use fewer turns of the loops around this place", "the spec has more than %d layers", maxLayers)
		b.c.work = maxWork + 1
		return value{}
	}
	l.Title = fmt.Sprintf("%s.%d.%s", b.n.Name, b.uses[name], name)
	b.uses[name]++
	l.Origin = append(l.Origin, at)
	for i := len(b.c.frames) - 1; i >= 0; i-- {
		l.Origin = append(l.Origin, b.c.frames[i].at)
	}
	b.n.Layers = append(b.n.Layers, l)
	return value{kind: wireValue, wire: len(b.n.Layers) - 1}
}

// chain says which shapes led to a layer: its result and the changes of shape or kind before it, at most six.
func (b *builder) chain(from int) []diag.Note {
	if b.c.silent(diag.Range{}) {
		return nil
	}
	var notes []diag.Note
	for len(notes) < 6 {
		l := b.n.Layers[from]
		if len(notes) > 0 && len(l.In) > 0 {
			if w := b.n.Layers[l.In[0]].Wire; w.Kind == l.Wire.Kind && slices.Equal(w.Dims, l.Wire.Dims) {
				from = l.In[0]
				continue
			}
		}
		name := l.Title[len(b.n.Name)+1:]
		for name[0] != '.' {
			name = name[1:]
		}
		verb := "gives"
		if l.Kind == "input" {
			verb = "is"
		}
		notes = append(notes, diag.Note{Message: fmt.Sprintf("`%s` %s %v", name[1:], verb, l.Wire), Range: l.Origin[0]})
		if len(l.In) == 0 {
			break
		}
		from = l.In[0]
	}
	return notes
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
				c.fail(diag.BadType, st.Count.Span(), "", "`repeat` takes an int of at least 0, and this is %s", v.describe())
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
	var walk func([]dsl.Statement)
	walk = func(body []dsl.Statement) {
		for _, st := range body {
			switch st := st.(type) {
			case *dsl.Assign:
				if st.Name.Text != "" {
					out[st.Name.Text] = true
				}
			case *dsl.For:
				out[st.Name.Text] = true
				walk(st.Body)
			case *dsl.Repeat:
				walk(st.Body)
			case *dsl.If:
				walk(st.Then)
				walk(st.Else)
			}
		}
	}
	walk(body)
	return out
}

// step sends a value through one step of a flow.
func (b *builder) step(v value, r *dsl.Ref, s *scope, from diag.Range) value {
	c := b.c
	if !c.spend(1, r.Range) {
		return value{}
	}
	if v.kind != poison && v.kind != wireValue {
		c.fail(diag.BadType, from, "", "a wire flows, and this is %s", v.describe())
		v = value{}
	}
	name := r.Name.Text
	d := c.defs[name]
	if d != nil && name != s.own {
		switch d.kind {
		case "neuron":
			return b.neuron(v, r, s)
		case "use":
			if len(d.offered("neuron")) > 0 {
				return b.neuron(v, r, s)
			}
		case "block":
			return b.block(v, r, d, s)
		case "network":
			c.fail(diag.NotInVersion, r.Range, "write a `block`; its uses have weights of their own", "network `%s` is used as a layer, and this version cannot do that", name)
			return value{}
		}
	}
	switch name {
	case "push":
		return b.push(v, r, s)
	case "encode", "decode":
		return b.coder(v, r, s)
	}
	if k := c.layers[name]; k != nil {
		return b.layer(v, r, k, s)
	}
	if c.plugged(schema.Neuron, name) {
		return b.neuron(v, r, s)
	}
	c.flowName(r.Name, s.own)
	return value{}
}

func (c *checker) plugged(kind schema.Kind, name string) bool {
	return slices.ContainsFunc(c.cat.Components, func(x schema.Component) bool { return x.Kind == kind && x.Name == name })
}

// flowName reports a name behind an arrow that means nothing there.
func (c *checker) flowName(n dsl.Name, own string) {
	d := c.defs[n.Text]
	builtin := c.layers[n.Text] != nil || n.Text == "push" || n.Text == "encode" || n.Text == "decode" || c.plugged(schema.Neuron, n.Text)
	switch {
	case builtin || d != nil && n.Text != own && (d.kind == "neuron" || d.kind == "block" || d.kind == "network"):
	case d != nil && d.kind == "use":
		c.offers("neuron", d, n)
	case n.Text == own && d != nil:
		c.fail(diag.Recursive, n.Range, "", "%s `%s` uses itself", d.kind, n.Text)
	case n.Text == "concat" || n.Text == "pop" || n.Text == "reverse":
		c.fail(diag.WrongKind, n.Range, fmt.Sprintf("write `%s(...)` in front of the first arrow", n.Text), "`%s` is a function, nothing flows into it", n.Text)
	case !c.silent(n.Range):
		known := slices.Concat(c.known("neuron", "block"), c.aliases("neuron"), slices.Sorted(maps.Keys(c.layers)))
		for _, x := range c.cat.Components {
			if x.Kind == schema.Neuron {
				known = append(known, x.Name)
			}
		}
		c.unknown(n, flowing, append(known, "push", "encode", "decode"))
	}
}

// neuron adds a neuron. The first of its inputs flows in, the others are arguments.
func (b *builder) neuron(v value, r *dsl.Ref, s *scope) value {
	c := b.c
	var n *Neuron
	others := map[string]given{}
	if d := c.defs[r.Name.Text]; d != nil && d.kind == "neuron" && r.Name.Text != s.own && len(r.Args) == 0 {
		n = c.neuronOf(d)
	}
	if n != nil {
	} else if in := c.instance("neuron", r, s); in != nil {
		for _, name := range inputs(in.neuron.Body)[1:] {
			if g, ok := in.args[name]; ok {
				others[name] = g
				delete(in.args, name)
			}
		}
		n = c.neuron(r.Name.Text, in)
	}
	if n == nil || v.kind == poison {
		return value{}
	}
	w := b.n.Layers[v.wire].Wire
	if !w.Timed() {
		help := fmt.Sprintf("write `-> encode(CODER) -> %s`, with a coder such as `direct`", r.Name.Text)
		if w.Kind != RealWire {
			help = fmt.Sprintf("write `-> raw -> encode(CODER) -> %s`", r.Name.Text)
		}
		b.wrong(diag.WrongWire, r.Range, v.wire, help, "neuron `%s` takes a wire with time steps, and this is %v", r.Name.Text, w)
		return value{}
	}
	in := []int{v.wire}
	for _, name := range inputs(n.Definition.Body)[1:] {
		g, ok := others[name]
		if !ok {
			c.fail(diag.BadArguments, r.Range, fmt.Sprintf("write `%s(%s = WIRE)`", r.Name.Text, name), "neuron `%s` needs its input `%s`", r.Name.Text, name)
			return value{}
		}
		x := c.eval(g.value, g.s)
		if x.kind == poison {
			return value{}
		}
		if x.kind != wireValue {
			c.fail(diag.BadType, g.at, "", "input `%s` is a wire, and this is %s", name, x.describe())
			return value{}
		}
		if y := b.n.Layers[x.wire].Wire; !(y.Timed() || y.Kind == RealWire) || !slices.Equal(y.Dims, w.Dims) {
			b.wrong(diag.ShapeMismatch, g.at, x.wire, "", "input `%s` has the shape of the first, %v, and this is %v", name, w, y)
			return value{}
		}
		in = append(in, x.wire)
	}
	out := Wire{Kind: SpikesWire, Dims: w.Dims}
	switch {
	case !n.Spikes:
		out.Kind = SignalWire
	case n.Once:
		out.Kind = TimesWire
	}
	return b.add(&Layer{Kind: "neuron", In: in, Wire: out, Neuron: n, Args: schema.Arguments{}}, r.Name.Text, r.Range)
}

// coder adds an encode or decode.
func (b *builder) coder(v value, r *dsl.Ref, s *scope) value {
	c, encode := b.c, r.Name.Text == "encode"
	args, ok := c.bind("`"+r.Name.Text+"`", []string{"coder"}, nil, r.Args, s)
	if !ok {
		return value{}
	}
	g, is := args["coder"]
	if !is {
		c.fail(diag.BadArguments, r.Range, fmt.Sprintf("write `%s(CODER)`", r.Name.Text), "`%s` needs a coder", r.Name.Text)
		return value{}
	}
	var k *Coder
	ref := reference(g.value)
	if d := c.refDef(ref); d != nil && d.kind == "coder" && ref.Name.Text != s.own && len(ref.Args) == 0 {
		k = c.coderOf(d)
	}
	if k != nil {
	} else if in := c.instance("coder", g.value, s); in != nil {
		k = c.coder(ref.Name.Text, in)
	}
	if k == nil {
		return value{}
	}
	if !c.port(k, encode) {
		c.fail(diag.BadCoder, g.at, map[bool]string{true: "it only decodes: take a coder that encodes", false: "it only encodes: take a coder that decodes"}[encode], "coder `%s` cannot %s", k.Name, r.Name.Text)
		return value{}
	}
	if encode {
		if n := b.n; n.Steps == 0 {
			n.Steps, b.encoded = k.Steps, r.Range
		} else if n.Steps != k.Steps {
			c.report(diag.Diagnostic{Code: diag.StepsDisagree, Range: r.Range, Summary: fmt.Sprintf("this encodes %d steps, and the network has %d", k.Steps, n.Steps),
				Help: "encode with one number of steps", Notes: []diag.Note{{Message: fmt.Sprintf("%d steps are encoded here", n.Steps), Range: b.encoded}}})
			return value{}
		}
	}
	if v.kind == poison {
		return v
	}
	w := b.n.Layers[v.wire].Wire
	l := &Layer{Kind: r.Name.Text, In: []int{v.wire}, Coder: k, Args: schema.Arguments{}}
	switch {
	case encode && w.Timed():
		b.wrong(diag.WrongWire, r.Range, v.wire, "leave this `encode` out", "`encode` takes a real, and this is %v, which has time steps already", w)
		return value{}
	case encode && w.Kind != RealWire:
		b.wrong(diag.WrongWire, r.Range, v.wire, "put `raw` or `embedding(n, count)` in front", "`encode` takes a real, and this is %v", w)
		return value{}
	case encode:
		l.Wire = Wire{Kind: SignalWire, Dims: w.Dims}
		for _, q := range k.Definition.Encode.Body {
			switch q := q.(type) {
			case *dsl.SpikeWhen:
				if l.Wire.Kind == SignalWire {
					l.Wire.Kind = SpikesWire
				}
			case *dsl.Refractory:
				if q.Forever {
					l.Wire.Kind = TimesWire
				}
			}
		}
	case !w.Timed():
		b.wrong(diag.WrongWire, r.Range, v.wire, "leave this `decode` out", "`decode` takes a wire with time steps, and this is %v", w)
		return value{}
	default:
		l.Wire = Wire{Kind: RealWire, Dims: w.Dims}
		if k.Component != nil {
			count, err := c.cat.Weights(k.Component, k.Args, w)
			if err != nil {
				b.wrong(diag.BadCoder, g.at, v.wire, "", "coder `%s`: %v", k.Name, err)
				return value{}
			}
			l.count = count
		} else if usesSteps(k.Definition.Decode.Body) {
			b.decodes = append(b.decodes, decode{k, r.Range})
		}
	}
	out := b.add(l, k.Name, r.Range)
	b.straight[out.wire] = encode && out.kind == wireValue
	return out
}

func (c *checker) refDef(ref *dsl.Ref) *def {
	if ref == nil {
		return nil
	}
	return c.defs[ref.Name.Text]
}

// usesSteps reports whether equations read `steps`.
func usesSteps(body []dsl.Equation) bool {
	for _, q := range body {
		switch q := q.(type) {
		case *dsl.State:
			for _, v := range q.Values {
				if mentionsName(v, "steps") {
					return true
				}
			}
		case *dsl.Update:
			if mentionsName(q.Value, "steps") {
				return true
			}
		case *dsl.Derivative:
			if mentionsName(q.Value, "steps") {
				return true
			}
		case *dsl.Output:
			if mentionsName(q.Value, "steps") {
				return true
			}
		}
	}
	return false
}

// block copies a block.
func (b *builder) block(v value, r *dsl.Ref, d *def, s *scope) value {
	c := b.c
	x := d.item.(*dsl.Block)
	for _, f := range c.frames {
		if f.block == x.Name.Text {
			c.fail(diag.Recursive, r.Name.Range, "unroll it by `for` or `repeat`", "block `%s` leads back to itself", x.Name.Text)
			return value{}
		}
	}
	if len(c.frames) >= maxDepth {
		c.fail(diag.TooMuchWork, r.Range, "", "blocks and loops stand in each other more than %d deep", maxDepth)
		return value{}
	}
	if len(x.Params) == 0 {
		return value{}
	}
	var formals []string
	for _, p := range x.Params[1:] {
		formals = append(formals, p.Name.Text)
	}
	args, ok := c.bind("block `"+x.Name.Text+"`", formals, nil, r.Args, s)
	inner := &scope{vars: map[string]value{}, own: x.Name.Text, b: b, stacks: map[string][]pushed{}}
	file := &scope{own: x.Name.Text}
	var missing []string
	for i, p := range x.Params {
		var y value
		at := r.Range
		if i == 0 {
			y = v
		} else if g, is := args[p.Name.Text]; is {
			y, at = c.eval(g.value, g.s), g.value.Span()
		} else if p.Default != nil {
			y, at = c.eval(p.Default, file), p.Default.Span()
		} else {
			missing = append(missing, p.Name.Text)
			continue
		}
		if y.kind != poison {
			y = b.fits(y, p, at, file)
		}
		ok = ok && y.kind != poison
		inner.vars[p.Name.Text] = y
	}
	if len(missing) > 0 && ok {
		c.report(diag.Diagnostic{Code: diag.BadArguments, Range: r.Range, Summary: fmt.Sprintf("block `%s` needs %s", x.Name.Text, quoted(missing)),
			Help: fmt.Sprintf("write `%s(%s = ...)`", x.Name.Text, missing[0]), Notes: []diag.Note{{Message: "the block is defined here", Range: x.Name.Range}}})
		ok = false
	}
	if !ok {
		return value{}
	}
	c.frames = append(c.frames, frame{block: x.Name.Text, at: r.Range})
	result, at := b.run(x.Body, inner)
	b.emptied(inner)
	if result.kind != poison && result.kind != wireValue {
		c.fail(diag.BadType, at, "", "a block returns a wire, and this is %s", result.describe())
		result = value{}
	}
	c.frames = c.frames[:len(c.frames)-1]
	return result
}

// fits checks an argument of a block: without a type it is a wire.
func (b *builder) fits(v value, p dsl.Parameter, at diag.Range, file *scope) value {
	c := b.c
	what := "`" + p.Name.Text + "`"
	if p.Type == nil || isWire(*p.Type) {
		if v.kind != wireValue {
			help := ""
			if p.Type == nil && (v.numeric() || v.kind == boolValue) {
				help = fmt.Sprintf("declare its type, such as `%s: %s`, if it is a value", p.Name.Text, map[valueKind]string{intValue: "int", realValue: "real", boolValue: "bool"}[v.kind])
			}
			c.report(diag.Diagnostic{Code: diag.BadType, Range: at, Help: help, Summary: fmt.Sprintf("%s is a wire, and this is %s", what, v.describe()),
				Notes: []diag.Note{{Message: "it is declared here", Range: p.Range}}})
			return value{}
		}
		if p.Type == nil {
			return v
		}
		want, ok := c.wireType(*p.Type, file)
		if !ok {
			return value{}
		}
		if got := b.n.Layers[v.wire].Wire; got.Kind != want.Kind || !slices.Equal(got.Dims, want.Dims) {
			b.wrong(diag.ShapeMismatch, at, v.wire, "", "%s is %v, and this is %v", what, want, got)
			return value{}
		}
		return v
	}
	t, ok := c.paramType(*p.Type)
	if !ok {
		return value{}
	}
	if v, ok = c.convert(v, t, what, at); !ok {
		return value{}
	}
	if p.In != nil && !c.within(v, c.eval(p.In, file), what, at, p.In.Span()) {
		return value{}
	}
	return v
}

// isWire reports whether a type of a block's parameter is that of a wire: `x: real[3]`, not `gain: real`.
func isWire(t dsl.Type) bool {
	return !t.List && (len(t.Dims) > 0 || slices.Contains([]string{"signal", "spikes", "times", "tokens", "step"}, t.Name.Text))
}

// stack returns the name of the stack that push and pop are given.
func (b *builder) stack(r *dsl.Ref) (string, bool) {
	if len(r.Args) == 1 && r.Args[0].Name.Text == "" {
		if ref := reference(r.Args[0].Value); ref != nil && !ref.Called {
			return ref.Name.Text, true
		}
	}
	b.c.fail(diag.BadArguments, r.Range, fmt.Sprintf("write `%s(skips)`", r.Name.Text), "`%s` takes the name of a stack", r.Name.Text)
	return "", false
}

func (b *builder) push(v value, r *dsl.Ref, s *scope) value {
	name, ok := b.stack(r)
	if !ok {
		s.guess = true
		return v
	}
	s.stacks[name] = append(s.stacks[name], pushed{v, r.Range})
	return v
}

func (b *builder) pop(r *dsl.Ref, s *scope) value {
	name, ok := b.stack(r)
	if !ok {
		s.guess = true
		return value{}
	}
	stack := s.stacks[name]
	if len(stack) == 0 {
		if !s.guess {
			help := "push as often as you pop"
			if len(s.stacks) > 0 {
				if near := diag.Nearest(name, slices.Sorted(maps.Keys(s.stacks))); near != "" && near != name {
					help = fmt.Sprintf("did you mean `%s`?", near)
				}
			}
			b.c.fail(diag.BadStack, r.Range, help, "stack `%s` is empty here", name)
		}
		s.guess = true
		return value{}
	}
	s.stacks[name] = stack[:len(stack)-1]
	return stack[len(stack)-1].value
}

// emptied checks that the stacks of a body are empty at its end.
func (b *builder) emptied(s *scope) {
	if s.guess || b.c.work > maxWork {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.stacks)) {
		if stack := s.stacks[name]; len(stack) > 0 {
			b.c.fail(diag.BadStack, stack[len(stack)-1].at, fmt.Sprintf("take it by `pop(%s)`, or leave this `push` out", name), "stack `%s` is not empty at the end of its body, %d left", name, len(stack))
		}
	}
}

// concat joins wires along the channel axis.
func (b *builder) concat(r *dsl.Ref, s *scope) value {
	l := &Layer{Kind: "concat", Args: schema.Arguments{}}
	bad := false
	if len(r.Args) == 0 {
		b.c.fail(diag.BadArguments, r.Range, "write `concat(a, b)`", "`concat` joins wires, and there are none")
		return value{}
	}
	for _, a := range r.Args {
		v := b.c.eval(a.Value, s)
		if v.kind != poison && v.kind != wireValue {
			b.c.fail(diag.BadType, a.Range, "", "`concat` joins wires, and this is %s", v.describe())
		}
		bad = bad || v.kind != wireValue
		l.In = append(l.In, v.wire)
	}
	if bad {
		return value{}
	}
	first := b.n.Layers[l.In[0]].Wire
	channels := 0
	kinds := map[WireKind]bool{}
	for i, in := range l.In {
		w := b.n.Layers[in].Wire
		if w.Kind == TokensWire || w.Kind == StepWire {
			b.wrong(diag.WrongWire, r.Args[i].Range, in, "put `raw` in front", "`concat` joins numbers, and this is %v", w)
			return value{}
		}
		if len(w.Dims) != len(first.Dims) || !slices.Equal(w.Dims[1:], first.Dims[1:]) {
			b.c.report(diag.Diagnostic{Code: diag.ShapeMismatch, Range: r.Args[i].Range, Help: "all but the channels must agree",
				Summary: fmt.Sprintf("`concat` cannot join %v and %v", first, w), Notes: append(b.chain(l.In[0]), b.chain(in)...)})
			return value{}
		}
		kinds[w.Kind] = true
		channels += w.Dims[0]
	}
	kind := SignalWire
	switch {
	case len(kinds) == 1:
		kind = first.Kind
	case len(kinds) == 2 && kinds[SpikesWire] && kinds[TimesWire]:
		kind = SpikesWire
	}
	l.Wire = Wire{Kind: kind, Dims: slices.Concat([]int{channels}, first.Dims[1:])}
	if size(l.Wire.Dims) > maxSize {
		b.c.fail(diag.OutOfRange, r.Range, "", "`concat` would give %d values", size(l.Wire.Dims))
		return value{}
	}
	return b.add(l, "concat", r.Range)
}

// operand returns the wire of an operand of arithmetic.
func (b *builder) operand(v value, e dsl.Expr, op string) (Wire, bool) {
	w := b.n.Layers[v.wire].Wire
	if w.Kind == TokensWire || w.Kind == StepWire {
		b.wrong(diag.WrongWire, e.Span(), v.wire, "send it through `embedding(n, count)` or `raw` first", "`%s` takes numbers, and this is %v", op, w)
		return w, false
	}
	return w, true
}

// arithmetic adds an element-wise operator; one side may be a number.
func (b *builder) arithmetic(e *dsl.Binary, l, r value) value {
	kinds := map[string]string{"+": "add", "-": "sub", "*": "mul", "/": "div"}
	layer := &Layer{Kind: kinds[e.Op], Args: schema.Arguments{}}
	if layer.Kind == "" {
		b.c.fail(diag.BadType, e.Range, "", "`%s` does not take a wire", e.Op)
		return value{}
	}
	var dims []int
	kind := RealWire
	for i, v := range []value{l, r} {
		side := []dsl.Expr{e.Left, e.Right}[i]
		if v.numeric() {
			if i == 1 && e.Op == "/" && v.number() == 0 {
				b.c.fail(diag.BadArithmetic, side.Span(), "", "division by zero")
				return value{}
			}
			layer.Args["value"] = schema.Value{Type: schema.Real, Number: v.number()}
			layer.Args["left"] = schema.Value{Type: schema.Bool, Number: boolOf(i == 0).f}
			continue
		}
		if v.kind != wireValue {
			b.c.fail(diag.BadType, side.Span(), "", "`%s` takes wires and numbers, and this is %s", e.Op, v.describe())
			return value{}
		}
		w, ok := b.operand(v, side, e.Op)
		if !ok {
			return value{}
		}
		if w.Timed() {
			kind = SignalWire
		}
		layer.In = append(layer.In, v.wire)
		if dims, ok = align(dims, w.Dims); !ok {
			first := b.n.Layers[l.wire].Wire
			d := diag.Diagnostic{Code: diag.ShapeMismatch, Range: e.Range, Summary: fmt.Sprintf("`%s` cannot align %v and %v", e.Op, first, w),
				Help: "shapes align from the channel axis, the first, unlike in NumPy: [8] meets [8, 16, 16]; axes that both have must agree or be 1"}
			d.Notes = append(append(d.Notes, b.chain(l.wire)...), b.chain(r.wire)...)
			b.c.report(d)
			return value{}
		}
	}
	layer.Wire = Wire{Kind: kind, Dims: dims}
	if size(dims) > maxSize {
		b.c.fail(diag.OutOfRange, e.Range, "", "`%s` would give %d values", e.Op, size(dims))
		return value{}
	}
	return b.add(layer, layer.Kind, e.Range)
}

// align returns the shape of two that meet, from the first axis on.
func align(a, b []int) ([]int, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		if out[i] != d && out[i] != 1 && d != 1 {
			return nil, false
		}
		out[i] = max(out[i], d)
	}
	return out, true
}

func (b *builder) negate(v value, e *dsl.Unary) value {
	w, ok := b.operand(v, e.Of, e.Op)
	if !ok {
		return value{}
	}
	if w.Timed() {
		w.Kind = SignalWire
	}
	return b.add(&Layer{Kind: "neg", In: []int{v.wire}, Wire: w, Args: schema.Arguments{}}, "neg", e.Range)
}

// pure checks what flows into a weighted layer of a pure network; the first wire that is not pure is reported.
func (b *builder) pure(l *layerUse) bool {
	from := l.from
	for k := b.n.Layers[from]; k.Kind == "flatten" || k.Kind == "reshape"; k = b.n.Layers[from] {
		from = k.In[0]
	}
	if !b.n.Pure || b.impure || b.straight[from] || l.in.Kind == SpikesWire || l.in.Kind == TimesWire {
		return true
	}
	b.impure = true
	b.wrong(diag.NotPure, l.ref.Range, l.from, "put a neuron in front, or leave `pure` out of the network's head", "network `%s` is pure, and `%s` takes %v, which is not spikes", b.n.Name, l.ref.Name.Text, l.in)
	return true
}
