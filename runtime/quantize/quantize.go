package quantize

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// The last parts of the names of a batch norm's variables.
const (
	scaleOf = ".weight"
	meanOf  = ".running_mean"
	varOf   = ".running_var"
)

// smallest is what a layer's largest weight is taken to be at least: one of nothing but zeros stays zeros.
const smallest = 1e-30

// Rule says how a variable is rounded. With are the variables whose products flow into the same population, of which the largest
// weight counts where the grid is Shared.
type Rule struct {
	Grid *schema.Grid // nil: not at all
	With []string
}

// Weights returns a module whose products take rounded weights where rule has a grid for the variable, in all functions: with w
// the weight, s the layer's or channel's scale and Q the grid,
//
//	w' = w + stop(s Q(w / s) - w)
//
// so that the gradient by w is that by w'. What a chip rounds is the weight with the batch norm behind it folded in: w is multiplied by
// the norm's factor of its channel, as running statistics have it, before it is rounded, and divided by it afterwards. Everything else of
// the module is as it was. Variables that no product of the module reads are an error of the caller and change nothing.
func Weights(m *graph.Module, rule func(variable string) Rule) (*graph.Module, error) {
	out := *m
	out.Functions = nil
	products := products(m)
	for _, f := range m.Functions {
		b := graph.NewBuilder(f.Name, graph.ModuleEnv{Module: m})
		in := make([]graph.Value, len(f.Inputs))
		for i, n := range f.Inputs {
			in[i] = b.Input(n.Text("name"), n.Out[0])
		}
		done := map[*graph.Node]graph.Value{} // by what is multiplied with
		results := b.Inline(f, in, func(n *graph.Node, in []graph.Value) []graph.Value {
			name := n.Weight()
			if name == "" {
				return nil
			}
			r := rule(name)
			if r.Grid == nil {
				return nil
			}
			w, ok := done[n.In[1].Node]
			if !ok {
				w = rounded(b, name, in[1], r, products)
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

// channel is the dim of a product's weight that counts its output channels.
func channel(n *graph.Node) int {
	if n.Op == graph.OpConvInput || n.Op == graph.OpMatmul && !n.Flag("transpose") {
		return 1
	}
	return 0
}

// rounded is the weight w, of a variable, on its grid.
func rounded(b *graph.Builder, variable string, w graph.Value, r Rule, products map[string]*product) graph.Value {
	p, g := products[variable], r.Grid
	folded, factor := p.fold(b, w)
	// The largest weights and minus the smallest ones, one number for each channel or one for all.
	up, down := p.largest(b, folded, g)
	for _, other := range r.With {
		o := products[other]
		if !g.Shared || other == variable || o == nil || g.Channel && o.channels() != p.channels() {
			continue
		}
		v, _ := o.fold(b, again(b, o.weight))
		a, c := o.largest(b, v, g)
		up, down = b.Op(graph.OpMax, nil, up, a), b.Op(graph.OpMax, nil, down, c)
	}
	unit := b.Scale(b.Op(graph.OpMax, nil, b.Op(graph.OpMax, nil, up, down), b.Const(smallest)), 1/float64(max(-g.Low, g.High)))
	if g.Mirrored {
		short, long := down, up
		if -g.Low > g.High {
			short, long = up, down
		}
		unit = b.Op(graph.OpWhere, nil, b.Op(graph.OpLess, nil, long, short), b.Scale(unit, -1), unit)
	}
	if g.Channel {
		unit = p.along(b, unit)
	}
	code := b.Op(graph.OpRound, nil, b.Div(folded, unit))
	code = b.Op(graph.OpMin, nil, b.Op(graph.OpMax, nil, code, b.Const(float64(g.Low))), b.Const(float64(g.High)))
	near := b.Mul(code, unit)
	if factor.Valid() {
		// A factor of 0 takes all of a channel: whatever its weights are, they stay.
		none := b.Op(graph.OpEqual, nil, factor, b.Const(0))
		near = b.Op(graph.OpWhere, nil, none, w, b.Div(near, b.Op(graph.OpWhere, nil, none, b.Const(1), factor)))
	}
	return b.Add(w, b.Stop(b.Sub(near, w)))
}

// product is what multiplies with a variable.
type product struct {
	weight  graph.Value // what is multiplied with: the variable, or its numbers in another order
	channel int         // the dim of it that counts the output channels
	norm    *norm       // behind it; nil: none
}

func (p *product) channels() int { return p.weight.Type().Dims[p.channel] }

// along has one number for each channel along the weight's dim.
func (p *product) along(b *graph.Builder, v graph.Value) graph.Value {
	if p.channel == 0 {
		return v
	}
	return b.Reshape(v, 1, p.channels())
}

// again adds to b what has a weight in another graph.
func again(b *graph.Builder, w graph.Value) graph.Value {
	in := make([]graph.Value, len(w.Node.In))
	for i, v := range w.Node.In {
		in[i] = again(b, v)
	}
	return b.Like(w.Node, w.Node.Attrs, in...)[w.Index]
}

// fold multiplies the weight with the factor of the norm behind it, which is not valid where there is none.
func (p *product) fold(b *graph.Builder, w graph.Value) (folded, factor graph.Value) {
	n := p.norm
	if n == nil || n.channels != p.channels() {
		return w, factor
	}
	variance := b.Add(b.Op(graph.OpRead, graph.Attrs{"var": n.name + varOf}), b.Const(n.epsilon))
	factor = p.along(b, b.Div(b.Op(graph.OpRead, graph.Attrs{"var": n.name + scaleOf}), b.Op(graph.OpSqrt, nil, variance)))
	return b.Mul(w, factor), factor
}

// largest returns the largest weights, and the largest of their negatives, of each channel or of all.
func (p *product) largest(b *graph.Builder, w graph.Value, g *schema.Grid) (up, down graph.Value) {
	var axes []graph.Axis
	for i := range p.weight.Type().Dims {
		if !g.Channel || i != p.channel {
			axes = append(axes, graph.Axis(i))
		}
	}
	return b.Reduce("max", w, axes...), b.Reduce("max", b.Scale(w, -1), axes...)
}

// products finds what multiplies with each variable, in any function: the first of them.
func products(m *graph.Module) map[string]*product {
	out := map[string]*product{}
	norms := norms(m)
	for _, f := range m.Functions {
		for _, n := range f.Nodes {
			if name := n.Weight(); name != "" && out[name] == nil {
				out[name] = &product{n.In[1], channel(n), norms[name]}
			}
		}
	}
	return out
}

// norm is the batch norm behind a product.
type norm struct {
	name     string // of its variables, before their last part
	channels int
	epsilon  float64
}

// norms finds the batch norms that stand behind products, by the variable of the product's weight, in any function that normalises
// by the batch. Between the two there may be a sum, of several products and of biases.
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
			behind := &norm{name, m.Variable(name + varOf).Type.Size(), n.Real("epsilon")}
			for _, w := range summands(n.In[0].Node) {
				if out[w] == nil {
					out[w] = behind
				}
			}
		}
	}
	return out
}

// summands returns the variables of the weights of the products that a value is a sum of, whatever else is added.
func summands(sum *graph.Node) (weights []string) {
	seen, next := map[*graph.Node]bool{}, []*graph.Node{sum}
	for len(next) > 0 {
		n := next[len(next)-1]
		next = next[:len(next)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		if n.Op == graph.OpAdd {
			next = append(next, n.In[0].Node, n.In[1].Node)
		} else if w := n.Weight(); w != "" {
			weights = append(weights, w)
		}
	}
	return weights
}
