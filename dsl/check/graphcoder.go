package check

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/diag"
)

// graphCoder is a decode by a coder that its plugin gives as a graph, for a known number of time steps.
type graphCoder struct {
	layer  *Layer
	at     diag.Range  // of the coder
	in     Wire        // what flows in; without Steps where the network works at any number
	counts bool        // whether the layer has weights of its own
	chain  []diag.Note // of shapes that led to it
	uses   []diag.Note // of networks that it is in
}

// ask asks for the graphs of coders; where the network works at any number of steps they are asked for where that is known.
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

// graph asks for the graph of a coder at a number of steps, once.
func (c *checker) graph(g graphCoder, steps int, why ...diag.Note) {
	l, in := g.layer, g.in
	if in.Steps = steps; l.Graphs[steps] != "" {
		return
	}
	why = append(slices.Clone(g.uses), why...)
	made, found := c.cat.Graph(l.Coder, in, g.at)
	for _, d := range found {
		if d.Range == g.at {
			d.Notes = append(d.Notes, g.chain...)
		}
		d.Notes = append(d.Notes, why...)
		c.report(d)
	}
	if found.HasErrors() {
		return
	}
	if g.counts && len(l.Graphs) > 0 && made.Count != l.count {
		c.report(diag.Diagnostic{Code: diag.BadCoder, Range: g.at, Help: "let each network with this coder work at one number of steps", Notes: why,
			Summary: fmt.Sprintf("coder `%s` holds %d numbers at %d time steps and %d at another number: they cannot be shared", l.Coder.Name, made.Count.Trainable+made.Count.Frozen, steps, l.count.Trainable+l.count.Frozen)})
		return
	}
	if l.Graphs == nil {
		l.Graphs = map[int]string{}
	}
	if l.Graphs[steps] = made.Text; g.counts {
		l.count = made.Count
	}
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
