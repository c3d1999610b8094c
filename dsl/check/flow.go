package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

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
			return b.network(v, r, d, s)
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
	c.flowName(r, s.own)
	if d == nil && !c.broken[name] && !c.blind { // what it is told to write judges the arguments, in the same run
		meant := *r
		if alias := c.alias(name, schema.Neuron); alias != "" {
			if meant.Name.Text = alias; c.plugged(schema.Neuron, alias) {
				b.neuron(value{}, &meant, s)
			}
		} else if k := c.proposed(name, s.own); k != nil {
			meant.Name.Text = k.name
			b.layer(value{}, &meant, k, s)
		}
	}
	return value{}
}

// proposed returns the layer that who writes an unknown name behind an arrow is told to write; nil where it is none.
func (c *checker) proposed(name, own string) *layerKind {
	if help := foreign.Layer(name); help != "" {
		layer, renamed := strings.CutPrefix(help, "here it is `")
		if !renamed { // it is written in another way altogether
			return nil
		}
		return c.layers[strings.TrimSuffix(layer, "`")]
	}
	at := [2]string{name, own}
	near, ok := c.nearest[at]
	if !ok { // a text may have a name very often, and very many names that it is compared with
		near = diag.Nearest(name, c.flowing(own))
		if c.nearest == nil {
			c.nearest = map[[2]string]string{}
		}
		c.nearest[at] = near
	}
	return c.layers[near]
}

func (c *checker) plugged(kind schema.Kind, name string) bool {
	return slices.ContainsFunc(c.cat.Components, func(x schema.Component) bool { return x.Kind == kind && x.Name == name })
}

// flowName reports a name behind an arrow that means nothing there.
func (c *checker) flowName(r *dsl.Ref, own string) {
	n := r.Name
	d := c.defs[n.Text]
	builtin := c.layers[n.Text] != nil || n.Text == "push" || n.Text == "encode" || n.Text == "decode" || c.plugged(schema.Neuron, n.Text)
	switch {
	case builtin || d != nil && n.Text != own && (d.kind == "neuron" || d.kind == "block" || d.kind == "network"):
	case d != nil && d.kind == "use":
		c.offers("neuron", d, n)
	case n.Text == own && d != nil:
		c.usesItself(d, n)
	case n.Text == "concat" || n.Text == "pop" || n.Text == "reverse":
		c.fail(diag.WrongKind, n.Range, fmt.Sprintf("write `%s(...)` in front of the first arrow", n.Text), "`%s` is a function, nothing flows into it", n.Text)
	case d != nil && d.kind == "coder" || d == nil && c.plugged(schema.Coder, n.Text):
		found := diag.Diagnostic{Code: diag.WrongKind, Range: r.Range, Summary: fmt.Sprintf("`%s` is a coder, and a %s is wanted here", n.Text, flowing), Help: c.wayOf(r)}
		if d != nil {
			found.Notes = []diag.Note{{Message: fmt.Sprintf("`%s` is defined here", n.Text), Range: d.name.Range}}
		}
		c.report(found)
	case !c.silent(n.Range):
		c.unknown(n, flowing, c.flowing(own))
	}
}

// usesItself reports a block or network that stands in its own body.
func (c *checker) usesItself(d *def, at dsl.Name) {
	c.fail(diag.Recursive, at.Range, "what repeats is unrolled by `for NAME in LIST { ... }` or `repeat N { ... }`", "%s `%s` uses itself", d.kind, at.Text)
}

// flowing lists what may stand behind an arrow in the body of own, which cannot use itself.
func (c *checker) flowing(own string) []string {
	known := slices.Concat(c.known("neuron", "block", "network"), c.aliases("neuron"), slices.Sorted(maps.Keys(c.layers)))
	for _, x := range c.cat.Components {
		if x.Kind == schema.Neuron {
			known = append(known, x.Name)
		}
	}
	return append(slices.DeleteFunc(known, func(name string) bool { return name == own }), "push", "encode", "decode")
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
		for _, name := range in.inputs()[1:] {
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
		help := fmt.Sprintf("write `encode(%s) -> %s`", c.coderFor(true), c.written(r.Range))
		if from := b.n.Layers[v.wire]; from.Kind == "decode" {
			help = fmt.Sprintf("put it in front of `decode(%s)`", from.Coder.Name)
		} else if w.Kind != RealWire {
			help = fmt.Sprintf("write `raw -> encode(%s) -> %s`", c.coderFor(true), c.written(r.Range))
		} else if name := b.root(v.wire); name != "" {
			help = fmt.Sprintf("write `%s -> encode(%s)`, where the flow begins", name, c.coderFor(true))
		}
		b.wrong(diag.WrongWire, r.Range, v.wire, help, "neuron `%s` takes a wire with time steps, and this is %v", r.Name.Text, w)
		return value{}
	}
	in := []int{v.wire}
	for _, name := range n.inputs()[1:] {
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
	l := &Layer{Kind: "neuron", In: in, Wire: out, Neuron: n, Args: schema.Arguments{}}
	if n.Opaque != nil {
		var ok bool
		if l.Opaque, ok = c.computed(n, w.Dims, r.Range); !ok {
			return value{}
		}
	}
	return b.add(l, r.Name.Text, r.Range)
}

// use is a neuron that its plugin computes, for examples of some dims.
type use struct {
	neuron *Neuron
	dims   string
}

// computed returns the declaration of a neuron that its plugin computes, and reports what the plugin says. It is asked once for each
// neuron and its dims; where nobody can be asked there is none.
func (c *checker) computed(n *Neuron, dims []int, at diag.Range) (text string, ok bool) {
	if c.cat.Opaque == nil {
		return "", true
	}
	key := use{n, fmt.Sprint(dims)}
	if text, ok = c.opaque[key]; ok {
		return text, text != ""
	}
	text, found := c.cat.Opaque(n, dims, at)
	for _, d := range found {
		c.report(d)
	}
	if found.HasErrors() {
		text = ""
	}
	c.opaque[key] = text
	return text, text != ""
}

// root returns the parameter of the network that a wire without time comes from through layers with one input, at least one of
// them; "" where it is another one.
func (b *builder) root(wire int) string {
	l := b.n.Layers[wire]
	if l.Kind == "input" {
		return ""
	}
	for len(l.In) == 1 && l.Kind != "decode" {
		wire = l.In[0]
		l = b.n.Layers[wire]
	}
	if l.Kind != "input" || l.Wire.Kind != RealWire || wire >= len(b.n.Params) {
		return ""
	}
	return b.n.Params[wire].Name
}

// coder adds an encode or decode.
func (b *builder) coder(v value, r *dsl.Ref, s *scope) value {
	c, encode := b.c, r.Name.Text == "encode"
	if help := c.barePort(r, encode); help != "" {
		c.fail(diag.BadArguments, r.Range, help, "`%s` takes a coder, and this is an argument of one", r.Name.Text)
		return value{}
	}
	args, ok := c.bind("`"+r.Name.Text+"`", []string{"coder"}, nil, r.Args, s)
	if !ok {
		return value{}
	}
	g, is := args["coder"]
	if !is {
		c.fail(diag.BadArguments, r.Range, fmt.Sprintf("write `%s(%s)`", r.Name.Text, c.coderFor(encode)), "`%s` needs a coder", r.Name.Text)
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
		help := fmt.Sprintf("it only decodes; one that encodes is `%s`", c.coderFor(true))
		if !encode {
			help = fmt.Sprintf("it only encodes; one that decodes is `%s`", c.coderFor(false))
		}
		c.fail(diag.BadCoder, g.at, help, "coder `%s` cannot %s", k.Name, r.Name.Text)
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
	case !encode && !w.Timed():
		b.wrong(diag.WrongWire, r.Range, v.wire, "leave this `decode` out", "`decode` takes a wire with time steps, and this is %v", w)
		return value{}
	case k.Component != nil:
		if !b.coded(l, g.at) {
			return value{}
		}
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
	default:
		l.Wire = Wire{Kind: RealWire, Dims: w.Dims}
		if usesSteps(k.Definition.Decode.Body) {
			b.decodes = append(b.decodes, decode{k, r.Range, nil})
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
	return slices.ContainsFunc(dsl.Expressions(body), func(e dsl.Expr) bool { return mentionsName(e, "steps") })
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
			if p.Type == nil && (v.numeric() || v.kind == boolValue) { // the same in every use: told at the declaration
				c.report(diag.Diagnostic{Code: diag.BadType, Range: p.Range, Help: fmt.Sprintf("write `%s: %s`", p.Name.Text, map[valueKind]string{intValue: "int", realValue: "real", boolValue: "bool"}[v.kind]),
					Summary: fmt.Sprintf("%s has no type, so it is a wire, and it is given %s", what, v.describe()), Notes: []diag.Note{{Message: "it is given here", Range: at}}})
				return value{}
			}
			help := ""
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
