package program

import (
	"strconv"

	"snnc.dev/snnc/runtime/graph"
)

// Input is the prefix of the outputs of Counted that give the share of ones in what a product of spikes takes: "input.3", by the
// product's place in the list.
const Input = "input."

// Product is a product with weights in a function.
type Product struct {
	// Operations are the multiply-accumulates for one example: at all time steps, or at one where it takes the same real numbers
	// at each of them and is computed once.
	Operations int
	Spikes     bool // it takes 0 and 1: operations are additions, and only where there is a 1
}

// Counted returns the flat graph of a function with the share of ones in what every product of spikes takes besides, under Input,
// and the products.
func (l *Linker) Counted(name string) (*graph.Graph, []Product, error) {
	g, err := l.Function(name)
	if err != nil {
		return nil, nil, err
	}
	b := graph.NewBuilder(name, l)
	var in []graph.Value
	for _, n := range g.Inputs {
		in = append(in, b.Input(n.Text("name"), n.Out[0]))
	}
	outs := b.Inline(g, in, nil)
	for i, o := range g.Outputs {
		b.Output(o.Name, outs[i])
	}
	var products []Product
	for _, n := range b.Graph().Nodes {
		if n.Op != graph.OpMatmul && n.Op != graph.OpConv && n.Op != graph.OpConvInput {
			continue
		}
		p := Product{Operations: n.MultiplyAccumulates(1), Spikes: n.In[0].Type().DType == graph.Bit}
		if t := n.In[0].Type(); p.Spikes {
			b.Output(Input+strconv.Itoa(len(products)), b.Mean(n.In[0]))
		} else if t.Steps > 0 && steady(n.In[0]) {
			p.Operations /= t.Steps
		}
		products = append(products, p)
	}
	g, err = b.Finish()
	return g, products, err
}

// steady reports whether a value is the same at all time steps, as one is that is repeated for them, by itself or by a coder
// without states.
func steady(v graph.Value) bool {
	n := v.Node
	switch {
	case v.Type().Steps == 0 || n.Op == graph.OpRepeat && n.In[0].Type().Steps == 0:
		return true
	case n.Equation != nil && len(n.Equation.States) == 0:
		for _, in := range n.In {
			if !steady(in) {
				return false
			}
		}
		return true
	}
	return false
}
