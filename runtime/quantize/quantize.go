package quantize

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// The functions of a module that are trained and applied.
const (
	scaleOf = ".weight" // of a batch norm
	meanOf  = ".running_mean"
	varOf   = ".running_var"
)

// smallest is what a layer's largest weight is taken to be at least: one of nothing but zeros stays zeros.
const smallest = 1e-30

// Weights returns a module whose products take rounded weights where grid has a grid for the variable, in all functions: with w
// the weight, s the layer's or channel's scale and Q the grid,
//
//	w' = w + stop(s Q(w / s) - w)
//
// so that the gradient by w is that by w'. What a chip rounds is the weight with the batch norm behind it folded in: where all
// channels share a scale, w is multiplied by the norm's factor of its channel, as running statistics have it, before it is rounded,
// and divided by it afterwards. Everything else of the module is as it was. Variables that no product of the module reads are an
// error of the caller and change nothing.
func Weights(m *graph.Module, grid func(variable string) *schema.Grid) (*graph.Module, error) {
	out := *m
	out.Functions = nil
	norms := norms(m)
	for _, f := range m.Functions {
		b := graph.NewBuilder(f.Name, graph.ModuleEnv{Module: m})
		in := make([]graph.Value, len(f.Inputs))
		for i, n := range f.Inputs {
			in[i] = b.Input(n.Text("name"), n.Out[0])
		}
		done := map[*graph.Node]graph.Value{} // by the read
		results := b.Inline(f, in, func(n *graph.Node, in []graph.Value) []graph.Value {
			name := weightOf(n)
			if name == "" {
				return nil
			}
			g := grid(name)
			if g == nil {
				return nil
			}
			w, ok := done[n.In[1].Node]
			if !ok {
				w = rounded(b, in[1], channel(n), g, norms[name])
				done[n.In[1].Node] = w
			}
			return b.Like(n, n.Attrs, in[0], w)
		})
		for i, o := range f.Outputs {
			b.Output(o.Name, results[i])
		}
		g, err := b.Finish()
		if err != nil {
			return nil, fmt.Errorf("round weights: %w", err)
		}
		g.FreeSteps = f.FreeSteps
		out.Functions = append(out.Functions, g)
	}
	return &out, nil
}

// weightOf is the variable that a product multiplies with; "" where n is none, or multiplies with something else.
func weightOf(n *graph.Node) string {
	switch n.Op {
	case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
		if w := n.In[1].Node; w.Op == graph.OpRead {
			return w.Text("var")
		}
	}
	return ""
}

// channel is the dim of a product's weight that counts its output channels.
func channel(n *graph.Node) int {
	if n.Op == graph.OpConvInput || n.Op == graph.OpMatmul && !n.Flag("transpose") {
		return 1
	}
	return 0
}

// rounded is the weight w on a grid.
func rounded(b *graph.Builder, w graph.Value, channel int, g *schema.Grid, n *norm) graph.Value {
	dims := w.Type().Dims
	along := func(v graph.Value) graph.Value { // one number per channel, along the weight's dim
		if channel == 0 {
			return v
		}
		return b.Reshape(v, 1, dims[channel])
	}
	folded := w
	var factor graph.Value
	if n != nil && !g.Channel && n.channels == dims[channel] {
		variance := b.Add(b.Op(graph.OpRead, graph.Attrs{"var": n.name + varOf}), b.Const(n.epsilon))
		factor = along(b.Div(b.Op(graph.OpRead, graph.Attrs{"var": n.name + scaleOf}), b.Op(graph.OpSqrt, nil, variance)))
		folded = b.Mul(w, factor)
	}
	var axes []graph.Axis
	for i := range dims {
		if !g.Channel || i != channel {
			axes = append(axes, graph.Axis(i))
		}
	}
	largest := b.Reduce("max", b.Op(graph.OpAbs, nil, folded), axes...)
	if g.Channel {
		largest = along(largest)
	}
	step := max(g.Step, 1)
	unit := b.Scale(b.Op(graph.OpMax, nil, largest, b.Const(smallest)), float64(step)/float64(max(-g.Low, g.High)))
	code := b.Op(graph.OpRound, nil, b.Div(folded, unit))
	code = b.Op(graph.OpMin, nil, b.Op(graph.OpMax, nil, code, b.Const(float64(g.Low/step))), b.Const(float64(g.High/step)))
	near := b.Mul(code, unit)
	if factor.Valid() {
		// A factor of 0 takes all of a channel: whatever its weights are, they stay.
		none := b.Op(graph.OpEqual, nil, factor, b.Const(0))
		near = b.Op(graph.OpWhere, nil, none, w, b.Div(near, b.Op(graph.OpWhere, nil, none, b.Const(1), factor)))
	}
	return b.Add(w, b.Stop(b.Sub(near, w)))
}

// norm is the batch norm behind a product.
type norm struct {
	name     string // of its variables, before their last part
	channels int
	epsilon  float64
}

// norms finds the batch norms that stand behind products, by the variable of the product's weight, in any function that normalises
// by the batch. Between the two there may be a bias.
func norms(m *graph.Module) map[string]*norm {
	out := map[string]*norm{}
	for _, f := range m.Functions {
		scales := map[*graph.Node]string{} // normalising nodes: the variable that they are multiplied by
		for _, n := range f.Nodes {
			if n.Op != graph.OpMul {
				continue
			}
			for i := range 2 {
				if x, by := n.In[i], n.In[1-i].Node; x.Node.Op == graph.OpNormalise && x.Index == 0 && by.Op == graph.OpRead {
					scales[x.Node] = by.Text("var")
				}
			}
		}
		for _, n := range f.Nodes {
			name, ok := strings.CutSuffix(scales[n], scaleOf)
			if !ok || m.Variable(name+varOf) == nil || m.Variable(name+meanOf) == nil {
				continue
			}
			of := n.In[0].Node
			if of.Op == graph.OpAdd && weightOf(of) == "" {
				of = of.In[0].Node
			}
			if w := weightOf(of); w != "" && out[w] == nil {
				out[w] = &norm{name, m.Variable(name + varOf).Type.Size(), n.Real("epsilon")}
			}
		}
	}
	return out
}
