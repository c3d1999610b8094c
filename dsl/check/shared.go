package check

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// building is a network that is unrolled, and the place where it uses the next one.
type building struct {
	d  *def
	at diag.Range
}

// networkUse is a use of a network as a layer, for chains of shapes: a chain steps over it.
type networkUse struct {
	name string
	at   diag.Range
	from int // what flows in
}

// apart begins a network that may be wanted while another one is unrolled, whose uses and loops are not its own. The result
// ends it.
func (c *checker) apart(d *def) (end func()) {
	frames := c.frames
	c.frames = nil
	c.building = append(c.building, &building{d: d})
	return func() {
		c.frames = frames
		c.building = c.building[:len(c.building)-1]
	}
}

// network copies the layers of a network that is used as a layer. They keep their homes, by which all uses share weights.
func (b *builder) network(v value, r *dsl.Ref, d *def, s *scope) value {
	c := b.c
	x := d.item.(*dsl.Network)
	n := c.networkUsed(r, d)
	if len(x.Params) == 0 {
		c.report(diag.Diagnostic{Code: diag.BadArguments, Range: r.Range, Summary: fmt.Sprintf("nothing can flow into network `%s`", x.Name.Text),
			Help: "give it a parameter, such as `x: real[1, 28, 28]`", Notes: []diag.Note{{Message: "it is defined here", Range: x.Name.Range}}})
		return value{}
	}
	var named []string
	for _, p := range x.Params[1:] {
		named = append(named, p.Name.Text)
	}
	args, ok := c.bind("network `"+x.Name.Text+"`", nil, named, r.Args, s)
	in := []int{v.wire}
	places := []diag.Range{r.Range}
	var missing []string
	for _, name := range named {
		g, is := args[name]
		if !is {
			missing = append(missing, name)
			continue
		}
		y := c.eval(g.value, g.s)
		if y.kind != poison && y.kind != wireValue {
			c.fail(diag.BadType, g.at, "", "`%s` of network `%s` is a wire, and this is %s", name, x.Name.Text, y.describe())
		}
		ok = ok && y.kind == wireValue
		in, places = append(in, y.wire), append(places, g.value.Span())
	}
	if len(missing) > 0 && ok {
		c.report(diag.Diagnostic{Code: diag.BadArguments, Range: r.Range, Summary: fmt.Sprintf("network `%s` needs %s", x.Name.Text, quoted(missing)),
			Help: fmt.Sprintf("add `%s = WIRE` to its arguments", strings.Join(missing, " = WIRE, ")), Notes: []diag.Note{{Message: "it is defined here", Range: x.Name.Range}}})
		ok = false
	}
	if n == nil || !ok || v.kind == poison {
		return value{}
	}
	for i, p := range n.Params {
		ok = b.border(r, x, p, x.Params[i], in[i], places[i]) && ok
	}
	if !ok || !b.sameSteps(r, n) || !c.spend(len(n.Layers), r.Range) {
		return value{}
	}
	return b.copied(r, n, in)
}

// networkUsed returns the network of a use; nil where something was found in it, or where it leads back to itself.
func (c *checker) networkUsed(r *dsl.Ref, d *def) *Network {
	c.building[len(c.building)-1].at = r.Name.Range
	for i, u := range c.building {
		if u.d != d {
			continue
		}
		out := diag.Diagnostic{Code: diag.Recursive, Range: r.Name.Range, Summary: fmt.Sprintf("network `%s` leads back to itself", r.Name.Text), Help: "unroll it by `for` or `repeat`"}
		for k, u := range c.building[i : len(c.building)-1] {
			out.Notes = append(out.Notes, diag.Note{Message: fmt.Sprintf("network `%s` uses `%s` here", u.d.name.Text, c.building[i+k+1].d.name.Text), Range: u.at})
		}
		c.report(out)
		return nil
	}
	deep := func() *Network {
		c.fail(diag.TooMuchWork, r.Range, "let blocks take the place of networks whose weights are not shared", "networks use each other more than %d deep", maxUses)
		return nil
	}
	if d.state != done && len(c.building) > maxUses { // whatever is in it
		return deep()
	}
	n := c.network(d)
	if n != nil && n.depth >= maxUses {
		return deep()
	}
	return n
}

// border judges what flows into a parameter of a network that is used as a layer.
func (b *builder) border(r *dsl.Ref, x *dsl.Network, p Port, decl dsl.Parameter, from int, at diag.Range) bool {
	got, want := b.n.Layers[from].Wire, p.Wire
	same := slices.Equal(got.Dims, want.Dims)
	if same && (got.Kind == want.Kind || got.Kind == TimesWire && want.Kind == SpikesWire) {
		return true
	}
	code, help := diag.ShapeMismatch, fmt.Sprintf("write `%s: %v` in the head of network `%s`, if this is what is meant", p.Name, got, x.Name.Text)
	if same {
		code = diag.WrongWire
		switch {
		case got.Kind == RealWire && want.Timed():
			help = "put `encode(CODER)` in front"
		case got.Timed() && want.Kind == RealWire:
			help = "put `decode(CODER)` in front"
		case got.Kind == SignalWire && want.Timed():
			help = "put a neuron in front"
		}
	}
	b.c.report(diag.Diagnostic{Code: code, Range: at, Summary: fmt.Sprintf("`%s` of network `%s` is %v, and this is %v", p.Name, x.Name.Text, want, got), Help: help,
		Notes: append(b.chain(from), diag.Note{Message: "it is declared here", Range: decl.Range})})
	return false
}

// sameSteps sees to it that time steps at the border of a used network are those of this one. What it does inside is its own.
func (b *builder) sameSteps(r *dsl.Ref, n *Network) bool {
	if n.Steps == 0 || !n.Result.Timed() && !slices.ContainsFunc(n.Params, func(p Port) bool { return p.Wire.Timed() }) {
		return true
	}
	if b.n.Steps == 0 {
		b.n.Steps, b.encoded = n.Steps, r.Range
	}
	if b.n.Steps == n.Steps {
		return true
	}
	b.c.report(diag.Diagnostic{Code: diag.StepsDisagree, Range: r.Range, Summary: fmt.Sprintf("network `%s` has %d time steps at its border, and network `%s` has %d", n.Name, n.Steps, b.n.Name, b.n.Steps),
		Help:  fmt.Sprintf("encode with one number of steps, or end `%s` with `-> decode(CODER)`", n.Name),
		Notes: []diag.Note{{Message: fmt.Sprintf("%d steps come from here", b.n.Steps), Range: b.encoded}, {Message: fmt.Sprintf("network `%s` is defined here", n.Name), Range: n.Range}}})
	return false
}

// copied appends the layers of a used network and returns its result.
func (b *builder) copied(r *dsl.Ref, n *Network, in []int) value {
	name := n.Name
	b.n.depth = max(b.n.depth, n.depth+1)
	prefix := fmt.Sprintf("%s.%d.%s", b.n.Name, b.uses[name], name)
	b.uses[name]++
	used := diag.Note{Message: fmt.Sprintf("network `%s` is used here", n.Name), Range: r.Range}
	to := make([]int, len(n.Layers))
	for i, l := range n.Layers {
		if l.Kind == "input" {
			to[i] = in[i]
			continue
		}
		k := *l
		k.In = make([]int, len(l.In))
		for j, from := range l.In {
			k.In[j] = to[from]
		}
		k.Title = prefix + strings.TrimPrefix(l.Title, n.Name)
		k.Origin = slices.Clone(l.Origin)
		v := b.append(&k, r.Range)
		if v.kind == poison {
			return v
		}
		to[i] = v.wire
		b.straight[v.wire] = l.Kind == "encode"
		if l.Kind == "decode" && n.FreeSteps && n.Layers[l.In[0]].Wire.Steps == 0 && l.Coder.Component == nil && usesSteps(l.Coder.Definition.Decode.Body) {
			b.decodes = append(b.decodes, decode{l.Coder, l.Origin[0], []diag.Note{used}})
		}
		if g, free := n.graphOf(l); free {
			k.Graphs, k.count = nil, Parameters{}
			b.graphs = append(b.graphs, graphCoder{layer: &k, at: g.at, uses: append(slices.Clone(g.uses), used)})
		}
		b.pureCopy(r, n, &k)
	}
	out := value{kind: wireValue, wire: to[n.Output]}
	if !slices.Contains(in, out.wire) {
		b.networks[out.wire] = networkUse{name, r.Range, in[0]}
	}
	return out
}

// pureCopy checks what flows into a layer of a network that is used in a pure one.
func (b *builder) pureCopy(r *dsl.Ref, n *Network, l *Layer) {
	if !b.n.Pure || b.impure || !slices.Contains([]string{"conv", "deconv", "linear"}, l.Kind) || b.spiking(l.In[0]) {
		return
	}
	b.impure = true
	b.c.report(diag.Diagnostic{Code: diag.NotPure, Range: r.Range, Help: fmt.Sprintf("write `pure` in the head of network `%s` to see what it lacks, or leave it out of the head of `%s`", n.Name, b.n.Name),
		Summary: fmt.Sprintf("network `%s` is pure, and `%s` of network `%s` takes %v, which is not spikes", b.n.Name, l.Kind, n.Name, b.n.Layers[l.In[0]].Wire),
		Notes:   []diag.Note{{Message: "it stands here", Range: l.Origin[0]}}})
}

// sharing reports a network that fills several roles of a model, each with weights of its own, and is a layer of a network of
// the model besides: it is not said whose weights the layer has.
func (c *checker) sharing(m *Model) bool {
	roles := map[*Network][]string{}
	for _, r := range m.Roles {
		if r.Network != nil {
			roles[r.Network] = append(roles[r.Network], r.Path)
		}
	}
	for _, r := range m.Roles {
		if r.Network == nil {
			continue
		}
		for _, l := range r.Network.Layers {
			n := l.Home.Network
			if n == r.Network || len(roles[n]) < 2 {
				continue
			}
			c.report(diag.Diagnostic{Code: diag.BadModel, Range: m.Places[r.Path], Summary: fmt.Sprintf("network `%s` uses `%s`, which fills %s with weights of their own: it is not clear whose it has", r.Network.Name, n.Name, quoted(roles[n])),
				Help:  fmt.Sprintf("let a copy of `%s` under another name fill one of these roles or, if all are to share weights, a network that does nothing but `return x -> %s`", n.Name, n.Name),
				Notes: []diag.Note{{Message: fmt.Sprintf("`%s` is used here", n.Name), Range: l.Origin[len(l.Origin)-1]}}})
			return false
		}
	}
	return true
}
