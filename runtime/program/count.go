package program

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/graph"
)

// Prefixes of the outputs of Counted, each followed by a place in a list of Counts: the share of ones in what a product of spikes
// takes ("count.input.3"), the spikes of a layer per neuron and time step ("count.rate.0"), and the share of its neurons that give
// no spike ("count.silent.0").
const (
	counted = "count."
	Input   = counted + "input."
	Spiked  = counted + "rate."
	Silent  = counted + "silent."
)

// IsCount reports whether an output of a graph that Counted gives is one of these and not one of the Program's.
func IsCount(output string) bool { return strings.HasPrefix(output, counted) }

// Counts are what Counted counts in a function.
type Counts struct {
	Products []Product
	Layers   []Layer
}

// Product is a product with weights in a function.
type Product struct {
	// Operations are the multiply-accumulates for one example: at all time steps, or at one where it takes the same real numbers
	// at each of them and is computed once.
	Operations int
	Spikes     bool // it takes 0 and 1: operations are additions, and only where there is a 1
}

// Layer is a spiking layer of a network that a function applies, in one of the applications.
type Layer struct {
	Name    string // as in firing rates: "encoder.1.fire"
	Neurons int
	Steps   int // time steps of this application
}

// Counted returns the flat graph of a function with what is counted when it runs besides, as outputs, and what they are about.
// What nothing needs does not run and is not counted.
func (l *Linker) Counted(name string) (*graph.Graph, Counts, error) {
	linked, err := l.Function(name)
	if err != nil {
		return nil, Counts{}, err
	}
	b := graph.NewBuilder(name, l)
	var in []graph.Value
	for _, n := range linked.Inputs {
		in = append(in, b.Input(n.Text("name"), n.Out[0]))
	}
	outs := b.Inline(linked, in, nil)
	for i, o := range linked.Outputs {
		b.Output(o.Name, outs[i])
	}
	var c Counts
	for _, n := range slices.Clone(b.Graph().Nodes) {
		switch n.Op {
		case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
			p := Product{Operations: n.MultiplyAccumulates(1), Spikes: n.In[0].Type().DType == graph.Bit}
			if t := n.In[0].Type(); p.Spikes {
				b.Output(Input+strconv.Itoa(len(c.Products)), b.Mean(n.In[0]))
			} else if t.Steps > 0 && steady(n.In[0]) {
				p.Operations /= t.Steps
			}
			c.Products = append(c.Products, p)
		case graph.OpEquation, graph.OpOpaque:
			if !n.Spiking() || n.Layer == "" {
				continue
			}
			v, place := graph.Value{Node: n}, strconv.Itoa(len(c.Layers))
			t := v.Type()
			c.Layers = append(c.Layers, Layer{Name: n.Layer, Neurons: t.Size(), Steps: max(t.Steps, 1)})
			b.Output(Spiked+place, b.Mean(v))
			if t.Steps > 0 {
				v = b.Reduce("max", v, graph.TimeAxis)
			}
			b.Output(Silent+place, b.Sub(b.Const(1), b.Mean(v)))
		}
	}
	g, err := b.Finish()
	if err != nil {
		return nil, Counts{}, fmt.Errorf("count what %s does: %w", name, err)
	}
	return g, c, nil
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
