package interp

import (
	"fmt"
	"math"

	"snnc.dev/snnc/runtime/graph"
)

// layer is one use of an equation.
type layer struct {
	r    *run
	n    *graph.Node
	e    *graph.Equation
	in   []Value // inputs, parameters and, with `state`, states
	full Value   // of all steps; it holds no data, only says what elements there are
}

func (r *run) layer(n *graph.Node, in []Value) *layer {
	l := &layer{r: r, n: n, e: n.Equation, in: in}
	var t graph.Type
	for _, v := range in {
		t, _ = graph.Broadcast(t.With(graph.F32), v.Type)
	}
	if t.Steps == 0 {
		t.Steps = n.Int("steps")
	}
	l.full = Value{Type: t, N: which(t.Batch, r.env.N, 1)}
	return l
}

func (l *layer) steps() int { return l.full.Type.Steps }

// given returns how many inputs and parameters the equation takes.
func (l *layer) given() int { return len(l.e.Inputs) + len(l.e.Params) }

// places calls f for every example and element; index is the element's logical index in its example.
func (l *layer) places(f func(e, index int, d []int)) {
	size := l.full.Type.Size()
	NewValue(l.full.Type.WithSteps(0), l.full.N).each(func(i, _, e int, d []int) { f(e, i%size, d) })
}

// start returns the states of one element before the first step.
func (l *layer) start(e int, d []int) []float64 {
	s := make([]float64, len(l.e.States))
	for i, state := range l.e.States {
		s[i] = state.Start
		if l.n.Flag("state") {
			s[i] = l.in[l.given()+i].at(0, e, d)
		}
	}
	return s
}

// args returns what the step of one element takes at step t: inputs, parameters, states.
func (l *layer) args(t, e int, d []int, states []float64) []float64 {
	var a []float64
	for _, v := range l.in[:l.given()] {
		a = append(a, v.at(t, e, d))
	}
	return append(a, states...)
}

// program is a step graph with its values numbered by node.
type program struct {
	g      *graph.Graph
	in     [][]int
	number map[*graph.Node]int
	side   int // tells the places of a step and of its derivative apart in Base
}

func prepare(g *graph.Graph, side int) *program {
	p := &program{g: g, in: make([][]int, len(g.Nodes)), number: map[*graph.Node]int{}, side: side}
	for i, n := range g.Nodes {
		p.number[n] = i
		for _, v := range n.In {
			p.in[i] = append(p.in[i], p.number[v.Node])
		}
	}
	return p
}

// step runs p for one element at step t and returns its outputs.
func (l *layer) step(p *program, t, e, index int, args []float64) ([]float64, error) {
	value := make([]float64, len(p.g.Nodes))
	for i, n := range p.g.Inputs {
		value[p.number[n]] = args[i]
	}
	for i, n := range p.g.Nodes {
		x := make([]float64, len(n.In))
		for k, from := range p.in[i] {
			x[k] = value[from]
		}
		at := place{element: index, step: t, example: e, in: 1 + 2*i + p.side}
		switch n.Op {
		case graph.OpInput:
		case graph.OpConstant:
			value[i] = n.Real("value")
			if v := n.Reals("values"); len(v) == 1 {
				value[i] = v[0]
			}
		case graph.OpTime:
			value[i] = float64(t)
		case graph.OpSteps:
			value[i] = float64(l.steps())
		case graph.OpUniform, graph.OpNormal:
			if l.r.env.Random == nil {
				return nil, fmt.Errorf("no random numbers are given")
			}
			label := l.n.Text("label") + "/" + n.Text("label")
			value[i] = l.r.env.Random(label, n.Op == graph.OpNormal, uint64(e), uint64(t*l.full.Type.Size()+index))
		case graph.OpSpike:
			value[i] = l.spike(n, x, at)
		default:
			v, ok := l.r.element(n, x, at)
			if !ok {
				return nil, fmt.Errorf("%s has no place in the step of an equation", n.Op)
			}
			value[i] = v
		}
	}
	out := make([]float64, len(p.g.Outputs))
	for i, o := range p.g.Outputs {
		out[i] = value[p.number[o.Value.Node]]
	}
	return out, nil
}

// spike is 1 where x[0] >= x[1] (or > if strict), and over a recorded base the line of slope x[2] through that.
func (l *layer) spike(n *graph.Node, x []float64, at place) float64 {
	fires := x[0] >= x[1]
	if n.Flag("strict") {
		fires = x[0] > x[1]
	}
	s, u := truth(fires), x[0]-x[1]
	if l.r.env.Base == nil {
		return s
	}
	kept := [3]float64{s, x[2], u}
	for i := range kept {
		at.part = i
		kept[i] = l.r.frozen(at, kept[i])
	}
	if !l.r.replays() {
		return s
	}
	return kept[0] + kept[1]*(u-kept[2])
}

// equation runs the step over time: out[0] is what it emits (with `last` at the last step), the others the final states.
func equation(r *run, n *graph.Node, in, out []Value) (err error) {
	l := r.layer(n, in)
	p := prepare(l.e.Step, 0)
	l.places(func(e, index int, d []int) {
		states := l.start(e, d)
		for t := range l.steps() {
			res, bad := l.step(p, t, e, index, l.args(t, e, d, states))
			if bad != nil {
				err = bad
				return
			}
			out[0].Data[out[0].offset(t, e, d)] = res[0] // with `last` the last one stays
			states = res[1:]
		}
		for i, v := range out[1:] {
			v.Data[v.offset(0, e, d)] = states[i]
		}
	})
	return err
}

// equationGradient runs the step over time once more and then its derivative from the last step to the first. An input,
// parameter or state that was repeated gets the sum.
func equationGradient(r *run, n *graph.Node, in, out []Value) (err error) {
	dy := in[len(in)-1]
	l := r.layer(n, in[:len(in)-1])
	if l.e.Temporal != nil {
		return l.temporal(dy, out[0])
	}
	g, err := l.e.Backward()
	if err != nil {
		return err
	}
	forward, back := prepare(l.e.Step, 0), prepare(g, 1)
	l.places(func(e, index int, d []int) {
		if err != nil {
			return
		}
		before := [][]float64{l.start(e, d)}
		for t := range l.steps() {
			var res []float64
			if res, err = l.step(forward, t, e, index, l.args(t, e, d, before[t])); err != nil {
				return
			}
			before = append(before, res[1:])
		}
		states := make([]float64, len(l.e.States))
		for t := l.steps() - 1; t >= 0; t-- {
			args := append(l.args(t, e, d, before[t]), l.gradientAt(dy, t, e, d))
			var res []float64
			if res, err = l.step(back, t, e, index, append(args, states...)); err != nil {
				return
			}
			for i := range l.given() {
				out[i].Data[out[i].offset(t, e, d)] += res[i]
			}
			states = res[l.given():]
		}
		if n.Flag("state") {
			for i, v := range out[l.given():] {
				v.Data[v.offset(0, e, d)] += states[i]
			}
		}
	})
	return err
}

// gradientAt returns the gradient of what the element emits at step t; with `last` all but the last one are dropped.
func (l *layer) gradientAt(dy Value, t, e int, d []int) float64 {
	if l.n.Flag("last") && t != l.steps()-1 {
		return 0
	}
	return dy.at(t, e, d)
}

// temporal is the derivative in spike times of Spiking-GAN (after S4NN, Kheradpisheh & Masquelier 2020): the gradient g at
// the element's first spike, or at the last step if it is silent, divided by its norm over the layer per example if
// Normalize, goes to the first input of every step t: times [t < t_spike], or as it is if Open.
func (l *layer) temporal(dy, dx Value) (err error) {
	p := prepare(l.e.Step, 0)
	size := l.full.Type.Size()
	first := make([]int, l.full.N*size)
	square := make([]float64, l.full.N)
	l.places(func(e, index int, d []int) {
		states, at := l.start(e, d), -1
		for t := range l.steps() {
			res, bad := l.step(p, t, e, index, l.args(t, e, d, states))
			if bad != nil {
				err = bad
				return
			}
			if states = res[1:]; at < 0 && res[0] != 0 {
				at = t
			}
		}
		if at < 0 {
			at = l.steps() - 1
		}
		first[e*size+index] = at
		g := l.gradientAt(dy, at, e, d)
		square[e] += g * g
	})
	l.places(func(e, index int, d []int) {
		at := first[e*size+index]
		g := l.gradientAt(dy, at, e, d)
		if l.e.Temporal.Normalize && square[e] > 0 {
			g /= math.Sqrt(square[e])
		}
		for t := range l.steps() {
			if t < at || l.e.Temporal.Open {
				dx.Data[dx.offset(t, e, d)] += g
			}
		}
	})
	return err
}
