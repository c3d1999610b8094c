package lower

import (
	"fmt"
	"strconv"

	"snnc.dev/snnc/runtime/graph"
)

// graphCoder puts the graph of a coder in the place of its layer. The graph's variables become the layer's, its random numbers
// are the layer's own.
func (l *lowering) graphCoder() (graph.Value, error) {
	name, b := l.layer.Coder.Name, l.b
	m, err := graph.Parse(l.layer.Graphs[l.in(0).Type().Steps])
	if err != nil {
		return graph.Value{}, fmt.Errorf("read the graph of coder `%s`: %w", name, err)
	}
	f := m.Function(b.Graph().Name)
	if f == nil || len(f.Outputs) != 1 {
		return graph.Value{}, fmt.Errorf("the graph of coder `%s` has no function %s of one result", name, b.Graph().Name)
	}
	read := func(v *graph.Variable) graph.Value { return l.variable(v.Name, v.Kind, v.Init, v.Type.Dims...) }
	for i := range m.Variables { // in the order of the graph, and those too that this mode does not read
		read(&m.Variables[i])
	}
	known := map[*graph.Equation]*graph.Equation{}
	out := b.Inline(f, []graph.Value{l.in(0)}, func(n *graph.Node, in []graph.Value) []graph.Value {
		switch n.Op {
		case graph.OpRead:
			return []graph.Value{read(m.Variable(n.Text("var")))}
		case graph.OpAssign:
			b.Ops(graph.OpAssign, graph.Attrs{"var": l.named(n.Text("var"))}, in[0])
			return []graph.Value{}
		}
		attrs := graph.Attrs{}
		for k, v := range n.Attrs {
			attrs[k] = v
		}
		if label := n.Text("label"); label != "" {
			attrs["label"] = strconv.Itoa(l.i) + "/" + label
		}
		e := n.Equation
		if e != nil {
			if known[e] == nil {
				known[e] = l.declared(e)
			}
			e = known[e]
		}
		return b.Equation(n.Op, e, attrs, in...)
	})
	return out[0], b.Err()
}
