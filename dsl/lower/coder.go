package lower

import (
	"fmt"
	"strconv"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
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
		own := *n
		if e := n.Equation; e != nil {
			if known[e] == nil {
				known[e] = l.declared(e)
			}
			own.Equation = known[e]
		}
		if n.Opaque != nil {
			own.Opaque = l.outsourced(n.Opaque)
		}
		return b.Like(&own, attrs, in...)
	})
	return out[0], b.Err()
}

// Coder lowers both directions of a coder that is not a layer of a network: modules with the functions "train" and "eval" that
// encode a value of type in, and decode what comes of that. decode is nil where the coder does not decode. A trained parameter
// is one variable, of both.
func Coder(c *check.Coder, in graph.Type) (encode, decode *graph.Module, err error) {
	if encode, err = direction(c, "encode", in); err != nil || c.Definition.Decode == nil {
		return encode, nil, err
	}
	decode, err = direction(c, "decode", encode.Functions[0].Outputs[0].Value.Type())
	return encode, decode, err
}

func direction(c *check.Coder, kind string, in graph.Type) (*graph.Module, error) {
	layer := &check.Layer{Kind: kind, In: []int{0}, Coder: c, Title: c.Name + "." + kind, Wire: check.Wire{Steps: c.Steps}}
	m := &graph.Module{}
	env := graph.ModuleEnv{Module: m, Types: map[string]graph.Type{}}
	texts := map[string]*graph.Equation{}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		l := &lowering{m: m, n: &check.Network{Name: c.Name}, b: graph.NewBuilder(mode, env), train: mode == program.TrainFunction, types: env.Types, texts: texts, layer: layer}
		l.values = []graph.Value{l.b.Input("x", in)}
		l.b.Layer = kind
		y, err := l.port()
		if err != nil {
			return nil, err
		}
		l.b.Layer = ""
		l.b.Output("y", y)
		if err := l.b.Err(); err != nil {
			return nil, fmt.Errorf("lower coder `%s`: %w", c.Name, err)
		}
		g := l.b.Graph()
		g.Prune()
		m.Functions = append(m.Functions, g)
	}
	return m, nil
}
