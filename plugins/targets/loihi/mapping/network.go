package mapping

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/graph"
)

// AddGraph adds the layers of the eval function of a network, and returns what stays on the host and whether any layer does not.
func (c *Chip) AddGraph(network string, g *graph.Graph) (rest []Hosted, any bool) {
	layers, rest := find(network, g, len(c.layers))
	c.layers = append(c.layers, layers...)
	return rest, len(layers) > 0
}

// Hosted is work that stays on the host, and why.
type Hosted struct{ Layer, Reason string }

// find reads the layers of the chip, and what stays on the host, off the eval function of a network. The sources of groups
// count from base.
func find(network string, g *graph.Graph, base int) ([]layer, []Hosted) {
	f := &finder{network: network, base: base, varies: map[*graph.Node]bool{}, layers: map[*graph.Node]int{},
		used: map[*graph.Node]bool{}, refused: map[*graph.Node]string{}, names: map[string]int{}, ordinal: map[*graph.Node]string{}}
	count := map[graph.Op]int{}
	for _, n := range g.Nodes {
		switch n.Op {
		case graph.OpInput, graph.OpUniform, graph.OpNormal, graph.OpHost:
			f.varies[n] = true
		default:
			f.varies[n] = slices.ContainsFunc(n.In, func(v graph.Value) bool { return f.varies[v.Node] })
		}
		f.varies[n] = f.varies[n] || n.Equation != nil || n.Opaque != nil
		f.ordinal[n] = fmt.Sprintf("%s.%d", n.Op, count[n.Op])
		count[n.Op]++
		if n.Op == graph.OpEquation && n.Equation.Spikes {
			f.neuron(n)
		}
	}
	for _, n := range g.Nodes {
		if reason := f.hostReason(n); reason != "" {
			f.hosted = append(f.hosted, Hosted{f.nameOf(n), reason})
		}
	}
	return f.found, f.hosted
}

type finder struct {
	network string
	base    int
	varies  map[*graph.Node]bool // whether it depends on more than variables
	layers  map[*graph.Node]int  // equation nodes on the chip
	used    map[*graph.Node]bool // weighted nodes on the chip
	refused map[*graph.Node]string
	names   map[string]int
	ordinal map[*graph.Node]string
	found   []layer
	hosted  []Hosted

	// The neuron at work: what was found below it.
	steps   int
	groups  []group
	nodes   []*graph.Node
	shape   []int
	problem string
}

// maxWalk bounds how many nodes are looked at for one neuron: sums of sums have more paths than nodes.
const maxWalk = 4096

// maxSide bounds the sides of maps.
const maxSide = 1 << 16

// maxGroups bounds the sources of one layer.
const maxGroups = 64

// neuron makes a layer of a spiking equation if all that flows in is sums of weighted spikes.
func (f *finder) neuron(n *graph.Node) {
	f.steps, f.groups, f.nodes, f.problem = 0, nil, nil, ""
	f.shape = n.Out[0].Dims
	switch {
	case len(n.Equation.Inputs) != 1:
		f.fail("its neuron takes several inputs")
	case n.Flag("last") || n.Flag("state"):
		f.fail("its neuron gives its last step or its state")
	case slices.ContainsFunc(n.In[1:], func(v graph.Value) bool { return f.varies[v.Node] }):
		f.fail("a parameter of its neuron depends on the input")
	case n.In[0].Type().Steps != n.Out[0].Steps || !slices.Equal(n.In[0].Type().Dims, f.shape):
		f.fail("its neuron takes a value that is repeated")
	default:
		f.sum(n.In[0], nil)
	}
	l := layer{network: f.network, groups: f.groups}
	if f.problem == "" {
		f.outline(&l)
	}
	if f.problem != "" || len(f.groups) == 0 {
		f.refuse(n.In[0].Node, map[*graph.Node]bool{})
		return
	}
	var names []string
	for _, w := range f.nodes {
		f.used[w] = true
		names = append(names, f.nameOf(w))
		l.kind = kindOf(w.Op)
	}
	if len(names) == 0 {
		l.kind, names = "neuron", []string{"neuron." + strings.TrimPrefix(f.ordinal[n], string(n.Op)+".")}
	}
	slices.Sort(names)
	l.name = strings.Join(slices.Compact(names), "+")
	if f.names[l.name]++; f.names[l.name] > 1 { // weights that are used again
		l.name = fmt.Sprintf("%s, use %d", l.name, f.names[l.name])
	}
	for i := range l.groups {
		if s := l.groups[i].source; s >= 0 {
			l.depth = max(l.depth, f.found[s-f.base].depth)
		}
	}
	for i := range l.groups { // the host sends its spikes when they are due
		if s := l.groups[i].source; s >= 0 {
			l.groups[i].delay = min(bits.Len(uint(l.depth-f.found[s-f.base].depth)), 6)
		}
	}
	l.depth++
	f.layers[n] = f.base + len(f.found)
	f.found = append(f.found, l)
}

// refuse notes why the weights below a value are not on the chip.
func (f *finder) refuse(n *graph.Node, seen map[*graph.Node]bool) {
	if seen[n] || len(seen) > maxWalk || n.Equation != nil || n.Opaque != nil || f.problem == "" {
		return
	}
	seen[n] = true
	switch n.Op {
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		if f.refused[n] == "" {
			f.refused[n] = f.problem
		}
		return
	}
	for _, v := range n.In {
		f.refuse(v.Node, seen)
	}
}

// outline gives the layer the shape that its weights have; between them and the neuron it may be reshaped.
func (f *finder) outline(l *layer) {
	shape := f.shape
	for i, w := range f.nodes {
		if i > 0 && !slices.Equal(shape, w.Out[0].Dims) {
			f.fail("what it adds up has several shapes")
			return
		}
		shape = w.Out[0].Dims
	}
	if l.channels, l.height, l.width = 1, 1, 1; len(shape) == 3 {
		l.channels, l.height, l.width = shape[0], shape[1], shape[2]
	} else {
		l.dense = true
		for _, d := range shape {
			l.channels *= d
		}
	}
	for _, g := range f.groups {
		if l.dense && (g.kind == convGroup || g.kind == deconvGroup) || !l.dense && g.kind == denseGroup {
			f.fail("what it adds up has several shapes")
		}
	}
	if slices.ContainsFunc(append(f.groups, group{height: l.height, width: l.width}), func(g group) bool { return max(g.height, g.width) > maxSide }) {
		f.fail("its map has more than %d rows or columns", maxSide)
	}
	if len(f.groups) > maxGroups {
		f.fail("it adds up more than %d sources", maxGroups)
	}
}

func (f *finder) fail(format string, args ...any) {
	if f.problem == "" {
		f.problem = fmt.Sprintf(format, args...)
	}
}

// sum walks what a neuron adds up. factors are the types of the values that v is multiplied by on the way to the neuron.
func (f *finder) sum(v graph.Value, factors []graph.Type) {
	if f.steps++; f.steps > maxWalk {
		f.fail("what it adds up is too long")
	}
	if f.problem != "" {
		return
	}
	n, t := v.Node, v.Type()
	switch {
	case !f.varies[n] && t.Steps == 0: // a bias
		return
	case !f.varies[n]:
		f.fail("its bias changes from step to step")
		return
	case t.DType == graph.F32 && t.Steps == 0: // a bias that the host sets for each example
		return
	case t.DType == graph.Bit:
		f.same(v)
		return
	}
	switch n.Op {
	case graph.OpAdd, graph.OpSub:
		f.sum(n.In[0], factors)
		f.sum(n.In[1], factors)
	case graph.OpNeg, graph.OpStop, graph.OpCast:
		f.sum(n.In[0], factors)
	case graph.OpRepeat:
		if n.Axis() == graph.TimeAxis && n.In[0].Type().Steps == 0 {
			f.sum(n.In[0], factors)
			return
		}
		f.fail("`%s` stands between its weights and its neuron", n.Op)
	case graph.OpReshape:
		from := n.In[0].Type().Dims
		if len(factors) > 0 && !slices.Equal(from, t.Dims) { // its channels are others now
			factors = append(slices.Clone(factors), graph.Type{Dims: []int{0}})
		}
		f.sum(n.In[0], factors)
	case graph.OpMul:
		a, b := n.In[0], n.In[1]
		if f.varies[b.Node] {
			a, b = b, a
		}
		if f.varies[b.Node] || b.Type().Steps > 0 {
			f.fail("it multiplies two values that depend on the input")
			return
		}
		f.sum(a, append(slices.Clone(factors), b.Type()))
	case graph.OpDiv:
		if f.varies[n.In[1].Node] || n.In[1].Type().Steps > 0 {
			f.fail("it divides by a value that depends on the input")
			return
		}
		f.sum(n.In[0], append(slices.Clone(factors), n.In[1].Type()))
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		f.weighted(n, factors)
	case graph.OpInput:
		f.fail("its input is real values, not spikes")
	case graph.OpNormalise:
		f.fail("a norm over the values of one example cannot be folded into weights")
	default:
		f.fail("`%s` stands between its weights and its neuron", n.Op)
	}
}

// weighted adds the synapses of a convolution or matrix.
func (f *finder) weighted(n *graph.Node, factors []graph.Type) {
	f.nodes = append(f.nodes, n)
	in, out := n.In[0].Type(), n.Out[0]
	switch {
	case f.varies[n.In[1].Node]:
		f.fail("its weights depend on the input")
		return
	case in.DType != graph.Bit && !f.cast(n.In[0]):
		f.fail("its input is real values, not spikes")
		return
	case n.Op == graph.OpMatmul && len(in.Dims) != 1:
		f.fail("it multiplies matrices")
		return
	case out.Size() != size(f.shape):
		f.fail("its neuron takes a value that is repeated")
		return
	}
	if n.Op != graph.OpMatmul {
		for _, t := range factors {
			if len(t.Dims) > 0 && (t.Dims[0] == 0 || size(t.Dims) > t.Dims[0] || t.Dims[0] != 1 && t.Dims[0] != out.Dims[0]) {
				f.fail("a factor for each place cannot be folded into weights that all places share")
				return
			}
		}
	}
	for _, g := range f.sources(n.In[0]) {
		switch n.Op {
		case graph.OpMatmul:
			g.kind, g.channels, g.height, g.width = denseGroup, g.channels*g.height*g.width, 1, 1
		case graph.OpConv:
			g.kind = convGroup
		case graph.OpConvInput:
			g.kind = deconvGroup
		}
		if g.kind != denseGroup {
			g.kernel, g.stride, g.pad = n.In[1].Type().Dims[2], n.Int("stride"), n.Int("pad")
		}
		f.groups = append(f.groups, g)
	}
}

// cast reports whether v is spikes as numbers.
func (f *finder) cast(v graph.Value) bool {
	return v.Node.Op == graph.OpCast && v.Node.In[0].Type().DType == graph.Bit
}

// same adds spikes that are added without weights.
func (f *finder) same(v graph.Value) {
	if !slices.Equal(v.Type().Dims, f.shape) {
		f.fail("it adds spikes that are repeated")
		return
	}
	for _, g := range f.sources(v) {
		g.kind = sameGroup
		f.groups = append(f.groups, g)
	}
}

// sources returns where spikes come from, one group for each part of a concat.
func (f *finder) sources(v graph.Value) []group {
	n, t := v.Node, v.Type()
	if f.steps++; f.steps > maxWalk {
		f.fail("what it adds up is too long")
		return nil
	}
	host := group{source: -1, channels: 1, height: 1, width: 1, tall: 1, wide: 1}
	if len(t.Dims) == 3 {
		host.channels, host.height, host.width, host.aligned = t.Dims[0], t.Dims[1], t.Dims[2], true
	} else {
		host.channels = size(t.Dims)
	}
	if i, ok := f.layers[n]; ok {
		host.source = i
		l := &f.found[i-f.base]
		host.aligned = !l.dense && host.aligned && l.height == host.height && l.width == host.width
		return []group{host}
	}
	var in []group
	switch {
	case n.Op == graph.OpReshape || n.Op == graph.OpStop || n.Op == graph.OpCast:
		in = f.sources(n.In[0])
		if !slices.Equal(t.Dims, n.In[0].Type().Dims) {
			if len(in) > 1 { // the parts of a concat that are mixed: each is as large as before, in the shape of the whole
				for i := range in {
					if rest := in[i].channels * in[i].height * in[i].width; rest%(host.height*host.width) != 0 {
						return []group{host}
					}
				}
			}
			for i := range in {
				in[i].channels = in[i].channels * in[i].height * in[i].width / (host.height * host.width)
				in[i].height, in[i].width, in[i].aligned = host.height, host.width, false
			}
		}
	case n.Op == graph.OpConcat && n.Axis() == 0:
		for _, x := range n.In {
			if in = append(in, f.sources(x)...); len(in) > maxGroups {
				f.fail("it adds up more than %d sources", maxGroups)
				return nil
			}
		}
	case n.Op == graph.OpSlice && n.Axis() == 0:
		if in = f.sources(n.In[0]); len(in) != 1 {
			return []group{host}
		}
		in[0].channels, in[0].part = host.channels, true
	case n.Op == graph.OpRepeat && (n.Axis() == 1 || n.Axis() == 2) && len(t.Dims) == 3:
		in = f.sources(n.In[0])
		for i := range in {
			if n.Axis() == 1 {
				in[i].height, in[i].tall = host.height, in[i].tall*n.Int("count")
			} else {
				in[i].width, in[i].wide = host.width, in[i].wide*n.Int("count")
			}
		}
	default:
		in = []group{host}
	}
	return in
}

// hostReason says why a node is host work; "" where it is not, or is no work to speak of.
func (f *finder) hostReason(n *graph.Node) string {
	switch n.Op {
	case graph.OpConv, graph.OpConvInput, graph.OpMatmul:
		switch {
		case f.used[n]:
			return ""
		case f.varies[n.In[1].Node]:
			return "its weights depend on the input"
		case n.In[0].Type().DType != graph.Bit && !f.cast(n.In[0]):
			return "its input is real values, not spikes"
		case f.refused[n] != "":
			return f.refused[n]
		}
		return "no spiking neuron follows: its sums are read out"
	case graph.OpOpaque:
		return "its plugin computes it, and the chip runs no plugins"
	case graph.OpMaxPool:
		return "the largest value of a window has no form on the chip; a stride in the layer before has"
	}
	return ""
}

// kindOf is the language's name of a weighted operator.
func kindOf(op graph.Op) string {
	switch op {
	case graph.OpConv:
		return "conv"
	case graph.OpConvInput:
		return "deconv"
	case graph.OpMatmul:
		return "linear"
	}
	return string(op)
}

// nameOf is the structural name of a node: the position of its weight and its kind, or its operator and number.
func (f *finder) nameOf(n *graph.Node) string {
	if len(n.In) == 2 {
		for w := n.In[1].Node; ; w = w.In[0].Node {
			if position, _, ok := cutLast(w.Text("var")); w.Op == graph.OpRead && ok {
				return position + "." + kindOf(n.Op)
			}
			if len(w.In) == 0 {
				break
			}
		}
	}
	return f.ordinal[n]
}

func cutLast(name string) (before, after string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 1 {
		return name, "", false
	}
	return name[:i], name[i+1:], true
}

// size is the product of dims.
func size(dims []int) int { return graph.Type{Dims: dims}.Size() }
