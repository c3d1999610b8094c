package check

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
)

// graphCoder is an encode or decode by a coder that its plugin gives as a graph, for a known number of time steps.
type graphCoder struct {
	layer  *Layer
	at     diag.Range  // of the coder
	in     Wire        // what flows in; without Steps where the network works at any number
	counts bool        // whether the layer has weights of its own
	chain  []diag.Note // of shapes that led to it
	uses   []diag.Note // of networks that it is in
}

// made returns the graph of a coder at an input, and what its plugin says of that. It is asked for once at each place.
func (c *checker) made(k *Coder, in Wire, at diag.Range) (CoderGraph, diag.List) {
	q := question{k, in.String(), in.Steps, at}
	a, known := c.answers[q]
	if !known {
		a.made, a.found = c.cat.Graph(k, in, at)
		c.answers[q] = a
	}
	return a.made, a.found
}

// told is made for a coder at a number of steps, and reports what its plugin says. It returns whether there is a graph.
func (c *checker) told(g graphCoder, steps int, why ...diag.Note) (CoderGraph, bool) {
	g.in.Steps = steps
	made, found := c.made(g.layer.Coder, g.in, g.at)
	for _, d := range found {
		d.Notes = slices.Clone(d.Notes) // which are kept with the answer
		if d.Range == g.at {
			d.Notes = append(d.Notes, g.chain...)
		}
		d.Notes = append(d.Notes, why...)
		c.report(d)
	}
	return made, !found.HasErrors()
}

// question and answer are what the plugin of a coder is asked for, and what it says.
type question struct {
	coder *Coder
	in    string
	steps int
	at    diag.Range
}

type answer struct {
	made  CoderGraph
	found diag.List
}

// coded finds out what a coder that is a graph makes of a wire, and reports whether it makes something. Where the steps of a decode
// are not known, that is what it makes of a single step, since the shape is the same at any number.
func (b *builder) coded(l *Layer, at diag.Range) bool {
	from := l.In[0]
	g := graphCoder{layer: l, at: at, in: b.n.Layers[from].Wire, counts: true, chain: b.chain(from)}
	if l.Kind == "encode" || b.n.Steps > 0 {
		if l.Kind == "decode" {
			g.in.Steps = b.n.Steps
		}
		made, ok := b.c.graph(g, g.in.Steps)
		l.Wire = Wire{Kind: made.Out.Kind, Dims: made.Out.Dims}
		return ok
	}
	made, ok := b.c.told(g, 1)
	if l.Wire = (Wire{Kind: made.Out.Kind, Dims: made.Out.Dims}); ok {
		b.graphs = append(b.graphs, g)
	}
	return ok
}

// ask asks for the graphs of coders that decode before the steps were known; where the network works at any number of steps they are
// asked for where that is known.
func (b *builder) ask() {
	for _, g := range b.graphs {
		from := g.layer.In[0]
		g.in, g.counts, g.chain = b.n.Layers[from].Wire, b.n.Layers[g.layer.Weights] == g.layer, b.chain(from)
		if g.in.Steps == 0 {
			b.n.graphs = append(b.n.graphs, g)
			continue
		}
		b.c.graph(g, g.in.Steps)
	}
}

// graph asks for the graph of a coder at a number of steps, and gives it to the layer. It reports whether there is one.
func (c *checker) graph(g graphCoder, steps int, why ...diag.Note) (made CoderGraph, ok bool) {
	l := g.layer
	why = append(slices.Clone(g.uses), why...)
	if made, ok = c.told(g, steps, why...); !ok || l.Graphs[steps] != "" {
		return made, ok
	}
	if l.Kind == "decode" && l.Wire.Dims != nil && !slices.Equal(made.Out.Dims, l.Wire.Dims) {
		c.report(diag.Diagnostic{Code: diag.BadCoder, Range: g.at, Help: "tell the plugin's author", Notes: why,
			Summary: fmt.Sprintf("coder `%s` decodes %v to %v at %d time steps and to %v at a single one: the number of steps must not change the shape", l.Coder.Name, g.in, made.Out, steps, l.Wire)})
		return made, false
	}
	if g.counts && len(l.Graphs) > 0 && made.Count != l.count {
		c.report(diag.Diagnostic{Code: diag.BadCoder, Range: g.at, Help: "let each network with this coder work at one number of steps", Notes: why,
			Summary: fmt.Sprintf("coder `%s` holds %d numbers at %d time steps and %d at another number: they cannot be shared", l.Coder.Name, made.Count.Trainable+made.Count.Frozen, steps, l.count.Trainable+l.count.Frozen)})
		return made, false
	}
	if l.Graphs == nil {
		l.Graphs = map[int]string{}
	}
	if l.Graphs[steps] = made.Text; g.counts {
		l.count = made.Count
	}
	return made, true
}

// graphOf returns the decode of a layer by a coder that is a graph, where its number of steps is not known.
func (n *Network) graphOf(l *Layer) (graphCoder, bool) {
	for _, g := range n.graphs {
		if g.layer == l {
			return g, true
		}
	}
	return graphCoder{}, false
}

// Tied reports whether a network that works at any number of time steps is another one at each: coders that their plugins give
// as graphs are in it.
func (n *Network) Tied() bool { return len(n.graphs) > 0 }
