package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/foreign"
	"snnc.dev/snnc/plugins/schema"
)

// wireType returns the type of a wire at a border.
func (c *checker) wireType(t dsl.Type, s *scope) (Wire, bool) {
	kinds := map[string]WireKind{"real": RealWire, "signal": SignalWire, "spikes": SpikesWire, "times": TimesWire, "tokens": TokensWire, "step": StepWire}
	k, ok := kinds[t.Name.Text]
	if !ok || t.List {
		known := slices.Sorted(maps.Keys(kinds))
		if t.List {
			c.fail(diag.BadType, t.Range, fmt.Sprintf("a wire is written `%s[n]` or `real[channels, height, width]`", cmp.Or(foreign.Type(t.Name.Text, true), "real")), "a wire is no list")
			return Wire{}, false
		}
		help := "the kinds of wires are " + quoted(known)
		if here := foreign.Type(t.Name.Text, true); kinds[here] != 0 || here == "real" {
			help = fmt.Sprintf("here it is `%s`", here)
		} else if near := diag.Nearest(t.Name.Text, known); near != "" {
			help = fmt.Sprintf("did you mean `%s`?", near)
		}
		c.fail(diag.BadType, t.Name.Range, help, "unknown kind of wire `%s`", t.Name.Text)
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
		if c.noBatch(e) {
			c.fail(diag.BadType, e.Span(), "leave it out: a shape is that of one example, such as `real[1, 28, 28]`", "a shape has no batch axis")
			ok = false
			continue
		}
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

// chain says which shapes led to a layer: its result and the changes of shape or kind before it, at most six.
func (b *builder) chain(from int) []diag.Note {
	if b.c.silent(diag.Range{}) {
		return nil
	}
	const most = 7 // the newest, and what they come from
	var notes []diag.Note
	for {
		l := b.n.Layers[from]
		if use, ok := b.networks[from]; ok {
			notes = append(notes, diag.Note{Message: fmt.Sprintf("`%s` gives %v", use.name, l.Wire), Range: use.at})
			from = use.from
			continue
		}
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
	if between := len(notes) - most; between > 0 {
		first := notes[len(notes)-1]
		first.Message += fmt.Sprintf(", %d changes of shape further up", between+1)
		notes = append(notes[:most-1:most-1], first)
	}
	return notes
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
			b.c.report(diag.Diagnostic{Code: diag.ShapeMismatch, Range: r.Args[i].Range, Help: meeting(first, w, false),
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
		help := "wires are added, subtracted, multiplied and divided, and sent through layers"
		if e.Op == "^" && b.c.written(e.Right.Span()) == "2" {
			help = fmt.Sprintf("write `%s * %s`", b.c.written(e.Left.Span()), b.c.written(e.Left.Span()))
		}
		b.c.fail(diag.BadType, e.Range, help, "`%s` does not take a wire", e.Op)
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
				Help: meeting(first, w, true)}
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

// spiking reports whether a wire carries spikes, or what comes straight from encode, through flatten and reshape at most.
func (b *builder) spiking(from int) bool {
	if kind := b.n.Layers[from].Wire.Kind; kind == SpikesWire || kind == TimesWire {
		return true
	}
	for k := b.n.Layers[from]; k.Kind == "flatten" || k.Kind == "reshape"; k = b.n.Layers[from] {
		from = k.In[0]
	}
	return b.straight[from]
}

// pure checks what flows into a weighted layer of a pure network; the first wire that is not pure is reported.
func (b *builder) pure(l *layerUse) bool {
	if !b.n.Pure || b.impure || b.spiking(l.from) {
		return true
	}
	b.impure = true
	b.wrong(diag.NotPure, l.ref.Range, l.from, "put a neuron in front, or leave `pure` out of the network's head", "network `%s` is pure, and `%s` takes %v, which is not spikes", b.n.Name, l.ref.Name.Text, l.in)
	return true
}
