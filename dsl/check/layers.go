package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// layerKind is a layer of the language: its parameters, in the order in which they may be given by position, and what it
// makes of a wire.
type layerKind struct {
	name   string
	doc    string
	params []schema.Param
	dims   bool // besides params it takes any number of ints, the dims of its result
	// apply returns the layer's result and how many numbers it holds; it may complete the arguments and change the kind.
	apply func(b *builder, l *layerUse) (Wire, Parameters, bool)
}

// layerUse is a use of a layer.
type layerUse struct {
	kind  string
	from  int // the layer that flows in
	in    Wire
	args  schema.Arguments
	given map[string]given
	dims  []int
	ref   *dsl.Ref
	meant string // what to write if the first number is meant as that of the inputs; "" where it cannot be
}

// at is the place of an argument, else of the whole use.
func (l *layerUse) at(name string) diag.Range {
	if g, ok := l.given[name]; ok {
		return g.at
	}
	return l.ref.Range
}

// wrong reports a wire of another kind, or a shape that does not fit, with what led there.
func (b *builder) wrong(code diag.Code, at diag.Range, from int, help, summary string, args ...any) {
	b.c.report(diag.Diagnostic{Code: code, Range: at, Summary: fmt.Sprintf(summary, args...), Help: help, Notes: b.chain(from)})
}

// values checks that the wire carries numbers, and returns what a layer that computes with them makes of it.
func (b *builder) values(l *layerUse) (WireKind, bool) {
	switch {
	case l.in.Timed():
		return SignalWire, true
	case l.in.Kind == RealWire:
		return RealWire, true
	case l.in.Kind == StepWire:
		b.wrong(diag.WrongWire, l.ref.Range, l.from, "put `sinusoid(n)`, `embedding(n, count)` or `raw` in front", "`%s` takes numbers, and this is a step", l.ref.Name.Text)
	default:
		b.wrong(diag.WrongWire, l.ref.Range, l.from, "put `embedding(n, count)` or `raw` in front", "`%s` takes numbers, and this is %v", l.ref.Name.Text, l.in)
	}
	return 0, false
}

// mapped is values for layers that work on maps, [channels, height, width].
func (b *builder) mapped(l *layerUse) (WireKind, bool) {
	k, ok := b.values(l)
	if ok && len(l.in.Dims) != 3 {
		help := "put `reshape(channels, height, width)` in front"
		side := int(math.Round(math.Sqrt(float64(l.in.Dims[0]))))
		switch {
		case len(l.in.Dims) == 1 && side*side == l.in.Dims[0] && side > 1:
			help = fmt.Sprintf("put `reshape(1, %d, %d) ->` in front, or use `linear`", side, side)
		case len(l.in.Dims) == 1:
			help += ", or use `linear`"
		case len(l.in.Dims) == 2:
			help = fmt.Sprintf("a map has a channel axis, one of a grey image too: put `reshape(1, %d, %d) ->` in front, or declare the shape so", l.in.Dims[0], l.in.Dims[1])
		}
		if from := b.n.Layers[l.from]; len(l.in.Dims) == 4 && from.Kind == "input" {
			help = fmt.Sprintf("a shape has no batch axis: write `%s`, if the first axis is one", Wire{Kind: l.in.Kind, Dims: l.in.Dims[1:]})
		}
		b.wrong(diag.ShapeMismatch, l.ref.Range, l.from, help, "`%s` takes [channels, height, width], and this is %v", l.ref.Name.Text, l.in)
		return 0, false
	}
	return k, ok
}

// same is an activation or dropout.
func same(b *builder, l *layerUse) (Wire, Parameters, bool) {
	k, ok := b.values(l)
	return Wire{Kind: k, Dims: l.in.Dims}, Parameters{}, ok
}

// setInt completes the arguments.
func (l *layerUse) setInt(name string, v int) {
	l.args[name] = schema.Value{Type: schema.Int, Number: float64(v)}
}

// weights counts the numbers of a weighted layer, capped above maxCount.
func (b *builder) weights(l *layerUse, bias int, factors ...int) (Parameters, bool) {
	n := float64(1)
	for _, f := range factors {
		n *= float64(f)
	}
	if n > maxCount {
		b.c.fail(diag.OutOfRange, l.ref.Range, "", "`%s` would have %.3g weights", l.ref.Name.Text, n)
		return Parameters{}, false
	}
	p := Parameters{Trainable: int(n)}
	if l.args.Bool("bias") {
		p.Trainable += bias
	}
	return p, true
}

// conv: output = floor((input + 2 pad - kernel) / stride) + 1.
func conv(b *builder, l *layerUse) (Wire, Parameters, bool) {
	kind, ok := b.mapped(l)
	if !ok || !b.pure(l) {
		return Wire{}, Parameters{}, false
	}
	c, k, stride := l.args.Int("c"), l.args.Int("kernel"), l.args.Int("stride")
	kernels := []int{k, k}
	if l.args.Has("width") {
		kernels[1] = l.args.Int("width")
	}
	for _, k := range kernels {
		if k%2 == 0 && !l.args.Has("pad") {
			help := cmp.Or(l.meant, padding(b.c.written(l.ref.Range), k, stride))
			if kernels[0] != kernels[1] {
				help = "take odd sides, which keep the size, or write `pad`"
			}
			b.c.fail(diag.BadArguments, l.ref.Range, help, "a conv with an even kernel needs `pad`")
			return Wire{}, Parameters{}, false
		}
	}
	out := []int{c, 0, 0}
	for i, k := range kernels {
		pad := (k - 1) / 2
		if l.args.Has("pad") {
			pad = l.args.Int("pad")
		}
		if room := l.in.Dims[1+i] + 2*pad - k; room >= 0 {
			out[1+i] = room/stride + 1
		} else {
			b.wrong(diag.ShapeMismatch, l.at("kernel"), l.from, "take a smaller kernel or a larger `pad`", "a kernel of %d does not fit into %v with a pad of %d", k, l.in, pad)
			return Wire{}, Parameters{}, false
		}
	}
	if kernels[0] == kernels[1] {
		delete(l.args, "width")
		if !l.args.Has("pad") {
			l.setInt("pad", (k-1)/2)
		}
	}
	n, ok := b.weights(l, c, l.in.Dims[0], c, kernels[0], kernels[1])
	return Wire{Kind: kind, Dims: out}, n, ok
}

// deconv: output = (input - 1) stride - 2 pad + kernel + extra; without pad and extra it is input x stride.
func deconv(b *builder, l *layerUse) (Wire, Parameters, bool) {
	kind, ok := b.mapped(l)
	if !ok || !b.pure(l) {
		return Wire{}, Parameters{}, false
	}
	c, k, stride := l.args.Int("c"), l.args.Int("kernel"), l.args.Int("stride")
	if !l.args.Has("pad") {
		pad := max(0, (k-stride+1)/2)
		l.setInt("pad", pad)
		if !l.args.Has("extra") {
			l.setInt("extra", stride+2*pad-k)
		}
	} else if !l.args.Has("extra") {
		l.setInt("extra", 0)
	}
	if extra := l.args.Int("extra"); extra >= stride {
		help := "take a smaller `extra`"
		if !l.given["extra"].at.IsZero() {
			help = fmt.Sprintf("`extra` is at most %d", stride-1)
		} else {
			help = cmp.Or(l.meant, fmt.Sprintf("write `pad` yourself, such as `pad = %d`, or take an odd kernel", k/2))
		}
		b.c.fail(diag.BadArguments, l.at("extra"), help, "a deconv with kernel %d and stride %d cannot have %d extra rows", k, stride, extra)
		return Wire{}, Parameters{}, false
	}
	out := []int{c, 0, 0}
	for i := 1; i <= 2; i++ {
		if out[i] = (l.in.Dims[i]-1)*stride - 2*l.args.Int("pad") + k + l.args.Int("extra"); out[i] < 1 {
			b.wrong(diag.ShapeMismatch, l.at("pad"), l.from, "take a smaller `pad`", "a pad of %d leaves nothing of %v", l.args.Int("pad"), l.in)
			return Wire{}, Parameters{}, false
		}
	}
	n, ok := b.weights(l, c, l.in.Dims[0], c, k, k)
	return Wire{Kind: kind, Dims: out}, n, ok
}

func linear(b *builder, l *layerUse) (Wire, Parameters, bool) {
	kind, ok := b.values(l)
	if ok && len(l.in.Dims) != 1 {
		help := "put `flatten` in front"
		if from := b.n.Layers[l.from]; len(l.in.Dims) == 2 && from.Kind == "input" {
			help = fmt.Sprintf("a shape has no batch axis: write `%s`, if the first axis is one; else put `flatten` in front", Wire{Kind: l.in.Kind, Dims: l.in.Dims[1:]})
		}
		b.wrong(diag.ShapeMismatch, l.ref.Range, l.from, help, "`linear` takes one axis, and this is %v", l.in)
		return Wire{}, Parameters{}, false
	}
	if !ok || !b.pure(l) {
		return Wire{}, Parameters{}, false
	}
	n := l.args.Int("n")
	p, ok := b.weights(l, n, l.in.Dims[0], n)
	return Wire{Kind: kind, Dims: []int{n}}, p, ok
}

// project is a conv of kernel 1 where the channels change, and nothing where they agree.
func project(b *builder, l *layerUse) (Wire, Parameters, bool) {
	kind, ok := b.mapped(l)
	if !ok {
		return Wire{}, Parameters{}, false
	}
	c := l.args.Int("c")
	if c == l.in.Dims[0] {
		l.kind = ""
		return l.in, Parameters{}, true
	}
	if !b.pure(l) {
		return Wire{}, Parameters{}, false
	}
	l.kind = "conv"
	l.setInt("kernel", 1)
	l.setInt("stride", 1)
	l.setInt("pad", 0)
	n, ok := b.weights(l, c, l.in.Dims[0], c)
	return Wire{Kind: kind, Dims: []int{c, l.in.Dims[1], l.in.Dims[2]}}, n, ok
}

func batchnorm(b *builder, l *layerUse) (Wire, Parameters, bool) {
	w, _, ok := same(b, l)
	if !ok {
		return w, Parameters{}, false
	}
	return w, Parameters{Trainable: 2 * w.Dims[0]}, true
}

func groupnorm(b *builder, l *layerUse) (Wire, Parameters, bool) {
	w, n, ok := batchnorm(b, l)
	if g := l.args.Int("groups"); ok && w.Dims[0]%g != 0 {
		b.wrong(diag.ShapeMismatch, l.at("groups"), l.from, divisors(w.Dims[0]), "%d channels do not go into %d groups", w.Dims[0], g)
		return w, n, false
	}
	return w, n, ok
}

// layernorm has a weight and a bias for each value of an example.
func layernorm(b *builder, l *layerUse) (Wire, Parameters, bool) {
	w, _, ok := same(b, l)
	return w, Parameters{Trainable: 2 * size(w.Dims)}, ok
}

// attention has the projections q, k, v and that of the result, each with bias.
func attention(b *builder, l *layerUse) (Wire, Parameters, bool) {
	w, _, ok := same(b, l)
	if ok && len(w.Dims) < 2 {
		b.wrong(diag.ShapeMismatch, l.ref.Range, l.from, "", "`attention` takes channels and places, and this is %v", l.in)
		ok = false
	}
	if !ok {
		return w, Parameters{}, false
	}
	c := w.Dims[0]
	if h := l.args.Int("heads"); c%h != 0 {
		b.wrong(diag.ShapeMismatch, l.at("heads"), l.from, divisors(c), "%d channels do not go into %d heads", c, h)
		return w, Parameters{}, false
	}
	n, ok := b.weights(l, 0, 4, c, c)
	n.Trainable += 4 * c
	return w, n, ok
}

// pool: output = floor((input + 2 pad - kernel) / stride) + 1. The largest of spikes is a spike, their mean is not.
func pool(b *builder, l *layerUse) (Wire, Parameters, bool) {
	kind, ok := b.mapped(l)
	if !ok {
		return Wire{}, Parameters{}, false
	}
	if l.kind == "maxpool" {
		kind = l.in.Kind
		if kind == TimesWire { // a window may spike more than once
			kind = SpikesWire
		}
	}
	k, pad := l.args.Int("kernel"), l.args.Int("pad")
	if !l.args.Has("stride") {
		l.setInt("stride", k)
	}
	if pad > k/2 {
		b.c.fail(diag.OutOfRange, l.at("pad"), fmt.Sprintf("take a `pad` of at most %d", k/2), "a pad of %d is more than half of a window of %d", pad, k)
		return Wire{}, Parameters{}, false
	}
	stride := l.args.Int("stride")
	h, w := l.in.Dims[1]+2*pad-k, l.in.Dims[2]+2*pad-k
	if h < 0 || w < 0 {
		b.wrong(diag.ShapeMismatch, l.ref.Range, l.from, "take a smaller window", "a window of %d does not fit into %v", k, l.in)
		return Wire{}, Parameters{}, false
	}
	h, w = h/stride+1, w/stride+1
	return Wire{Kind: kind, Dims: []int{l.in.Dims[0], h, w}}, Parameters{}, true
}

func upsample(b *builder, l *layerUse) (Wire, Parameters, bool) {
	_, ok := b.mapped(l)
	if !ok {
		return Wire{}, Parameters{}, false
	}
	f := l.args.Int("factor")
	out, ok := b.dims(l, l.in.Dims[0], l.in.Dims[1], f, l.in.Dims[2], f)
	if !ok {
		return out, Parameters{}, false
	}
	out.Dims = []int{l.in.Dims[0], l.in.Dims[1] * f, l.in.Dims[2] * f}
	return out, Parameters{}, true
}

// dims checks that factors are not too large together.
func (b *builder) dims(l *layerUse, factors ...int) (Wire, bool) {
	n := float64(1)
	for _, f := range factors {
		n *= float64(f)
	}
	if n > maxSize {
		b.wrong(diag.OutOfRange, l.ref.Range, l.from, "", "`%s` would give %.3g values", l.ref.Name.Text, n)
		return Wire{}, false
	}
	return Wire{Kind: l.in.Kind, Dims: factors}, true
}

func flatten(b *builder, l *layerUse) (Wire, Parameters, bool) {
	if _, ok := b.values(l); !ok {
		return Wire{}, Parameters{}, false
	}
	return Wire{Kind: l.in.Kind, Dims: []int{size(l.in.Dims)}}, Parameters{}, true
}

func reshape(b *builder, l *layerUse) (Wire, Parameters, bool) {
	if _, ok := b.values(l); !ok {
		return Wire{}, Parameters{}, false
	}
	if len(l.dims) == 0 {
		b.c.fail(diag.BadArguments, l.ref.Range, "write `reshape(channels, height, width)`", "`reshape` needs the new shape")
		return Wire{}, Parameters{}, false
	}
	w, ok := b.dims(l, l.dims...)
	if ok && size(w.Dims) != size(l.in.Dims) {
		b.wrong(diag.ShapeMismatch, l.ref.Range, l.from, reshaping(l.dims, b.n.Layers[l.from]), "%v has %d values, and %s has %d", l.in, size(l.in.Dims), Wire{Kind: l.in.Kind, Dims: l.dims}, size(w.Dims))
		return w, Parameters{}, false
	}
	return w, Parameters{}, ok
}

func expand(b *builder, l *layerUse) (Wire, Parameters, bool) {
	_, ok := b.values(l)
	if ok && len(l.in.Dims) != 1 {
		b.wrong(diag.ShapeMismatch, l.ref.Range, l.from, "put `flatten` in front", "`expand` repeats [channels] over a map, and this is %v", l.in)
		ok = false
	}
	if !ok {
		return Wire{}, Parameters{}, false
	}
	w, ok := b.dims(l, l.in.Dims[0], l.args.Int("h"), l.args.Int("w"))
	return w, Parameters{}, ok
}

// sinusoid looks a step up in a frozen table of count rows; entries 2i and 2i + 1 are sine and cosine of one frequency
// (Ho et al. 2020).
func sinusoid(b *builder, l *layerUse) (Wire, Parameters, bool) {
	n := l.args.Int("n")
	if l.in.Kind != StepWire {
		help := "declare a parameter `s: step` of the network"
		if from := b.n.Layers[l.from]; from.Kind == "input" {
			help = fmt.Sprintf("declare it as `%s: step`", b.n.Params[l.from].Name)
		}
		b.wrong(diag.WrongWire, l.ref.Range, l.from, help, "`sinusoid` takes a step, and this is %v", l.in)
		return Wire{}, Parameters{}, false
	}
	if n%2 != 0 {
		b.c.fail(diag.OutOfRange, l.at("n"), fmt.Sprintf("write %d", n+1), "`n` of `sinusoid` is even, a sine and a cosine for each frequency, and %d is odd", n)
		return Wire{}, Parameters{}, false
	}
	p, ok := b.weights(l, 0, n, l.args.Int("count"))
	return Wire{Kind: RealWire, Dims: []int{n}}, Parameters{Frozen: p.Trainable}, ok
}

// embedding is a trained table: tokens [h, w] give real [n, h, w], a step gives real [n].
func embedding(b *builder, l *layerUse) (Wire, Parameters, bool) {
	if l.in.Kind != StepWire && l.in.Kind != TokensWire {
		help := ""
		if l.in.Kind == RealWire && l.in.Steps == 0 && len(l.in.Dims) == 1 {
			help = "declare the parameter as a number, `NAME: step`, for a class or a time, or put `linear(n)` here"
		}
		b.wrong(diag.WrongWire, l.ref.Range, l.from, help, "`embedding` takes tokens or a step, and this is %v", l.in)
		return Wire{}, Parameters{}, false
	}
	n := l.args.Int("n")
	p, ok := b.weights(l, 0, n, l.args.Int("count"))
	return Wire{Kind: RealWire, Dims: slices.Concat([]int{n}, l.in.Dims)}, p, ok
}

// raw takes tokens or a step as one real channel.
func raw(b *builder, l *layerUse) (Wire, Parameters, bool) {
	if l.in.Kind != StepWire && l.in.Kind != TokensWire {
		b.wrong(diag.WrongWire, l.ref.Range, l.from, "leave `raw` out", "`raw` takes tokens or a step, and this is %v", l.in)
		return Wire{}, Parameters{}, false
	}
	return Wire{Kind: RealWire, Dims: slices.Concat([]int{1}, l.in.Dims)}, Parameters{}, true
}

// size is the product of dims.
func size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// layer adds a layer. What flows in may be poison: its arguments are judged all the same.
func (b *builder) layer(v value, r *dsl.Ref, k *layerKind, s *scope) value {
	l := &layerUse{kind: r.Name.Text, from: v.wire, ref: r}
	what := "layer `" + r.Name.Text + "`"
	var formals []string
	for _, p := range k.params {
		formals = append(formals, p.Name)
	}
	ok, wrong := true, diag.Range{}
	if l.meant, wrong = b.c.inferred(r, s); !wrong.IsZero() {
		b.c.fail(diag.BadArguments, wrong, l.meant, "%s is not told how many inputs it has", what)
		return value{}
	}
	if k.dims {
		for _, a := range r.Args {
			if i, is := integral(b.c.eval(a.Value, s)); is && i == -1 && repeatable(a.Value) {
				help := "write the number itself"
				if len(r.Args) == 1 {
					help = "write `flatten`"
				}
				b.c.fail(diag.OutOfRange, a.Range, help, "%s takes every number of the new shape, and -1 is none", what)
				ok = false
				continue
			}
			if a.Name.Text != "" {
				b.c.fail(diag.BadArguments, a.Name.Range, "write `reshape(channels, height, width)`", "%s takes its numbers by position", what)
				ok = false
				continue
			}
			one := 1.0
			d, fine := b.c.argument(&schema.Param{Name: "dim", Type: schema.Int, Min: &one}, given{a.Value, s, a.Range}, &owner{what: what}, "")
			l.dims, ok = append(l.dims, int(d.Number)), ok && fine
		}
		l.args = schema.Arguments{}
	} else {
		bound, fine := b.c.bind(what, formals, nil, r.Args, s)
		l.given = bound
		l.args, ok = b.c.fill(k.params, bound, &owner{what: what, partial: !fine}, "", r.Range)
	}
	for _, p := range k.params {
		if v := l.args[p.Name]; ok && p.Type == schema.Int && v.Number > maxSize {
			b.c.fail(diag.OutOfRange, l.at(p.Name), "", "`%s` is %v, it must be at most %d", p.Name, intOf(int64(v.Number)), maxSize)
			ok = false
		}
	}
	if !ok || v.kind == poison {
		return value{}
	}
	l.in = b.n.Layers[v.wire].Wire
	w, count, ok := k.apply(b, l)
	if ok && l.kind == "" {
		return v
	}
	if ok {
		_, ok = b.dims(l, w.Dims...)
	}
	if !ok {
		return value{}
	}
	b.unlikely(l)
	return b.add(&Layer{Kind: l.kind, In: []int{v.wire}, Wire: w, Args: l.args, count: count}, r.Name.Text, r.Range)
}
