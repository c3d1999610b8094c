package dynamics

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Dynamics is an equation in the form of schema.Population.
type Dynamics struct {
	schema.Dynamics
	// What flows into the population is Gain times what flows into the equation, plus Offset.
	Gain, Offset float64
	Rest         float64 // what a read-out of the equation gives besides that of the population
}

// maxConfigs bounds the combinations of values that the discrete states of a neuron take: its refractory steps.
const maxConfigs = 1 << 10

// Of finds the dynamics of an equation from its step. params are its parameters, steps the number of time steps, NaN where
// that is open. The error says in words why it is of another form.
//
// The step is interpreted over functions of what flows in and of the states, with constant coefficients, once for each outcome of
// its test and for each combination of values of those states that depend on nothing but earlier spikes: a last spike, a count of
// refractory steps.
func Of(e *graph.Equation, params []float64, steps float64) (Dynamics, error) {
	for i, p := range params {
		if math.IsNaN(p) || math.IsInf(p, 0) {
			return Dynamics{}, fmt.Errorf("its parameter %s is %v", e.Params[i], p)
		}
	}
	discrete := make([]bool, len(e.States))
	for i := range discrete {
		discrete[i] = true
	}
	for {
		m := &machine{e: e, params: params, steps: steps, discrete: discrete}
		other := m.explore()
		if other < 0 {
			d, err := m.match()
			for _, x := range []*float64{&d.Decay, &d.CurrentDecay, &d.Start, &d.Threshold, &d.Reset.Value, &d.Scale, &d.Gain, &d.Offset, &d.Rest} {
				if *x += 0; err == nil && (math.IsNaN(*x) || math.IsInf(*x, 0)) { // + 0: no -0
					err = fmt.Errorf("its numbers are not finite")
				}
			}
			return d, err
		}
		discrete[other] = false
	}
}

// function is a function of what flows in and of the states: its constant, and the coefficients of x and of each state. why says
// where it is none with constant coefficients.
type function struct {
	k   []float64
	why string
}

// constant reports whether f is one number.
func (f function) constant() bool {
	return f.why == "" && !slices.ContainsFunc(f.k[1:], func(v float64) bool { return v != 0 })
}

// branch is a step from one combination of discrete states with one outcome of the test.
type branch struct {
	emit   function
	next   []function // of each state
	to     int        // the combination behind it
	tested bool       // there is a test with two outcomes, left - right of which is
	test   function
	strict bool
}

// machine is a step taken apart.
type machine struct {
	e        *graph.Equation
	params   []float64
	steps    float64
	discrete []bool
	configs  [][]float64 // values of the discrete states; the first is the start
	branches [][2]branch // of each, for the outcomes 0 and 1
}

// explore follows the discrete states from their start. It returns the index of a state that is none, -1 where all are.
func (m *machine) explore() int {
	start := make([]float64, len(m.e.States))
	for i, s := range m.e.States {
		start[i] = s.Start
	}
	known := map[string]int{}
	find := func(values []float64) int {
		key := fmt.Sprint(values)
		i, ok := known[key]
		if !ok {
			i = len(m.configs)
			known[key] = i
			m.configs = append(m.configs, values)
		}
		return i
	}
	find(start)
	for c := 0; c < len(m.configs); c++ {
		var both [2]branch
		for outcome := range both {
			b := m.run(m.configs[c], float64(outcome))
			to := slices.Clone(m.configs[c])
			for i, f := range b.next {
				if !m.discrete[i] {
					continue
				}
				if !f.constant() {
					return i
				}
				to[i] = f.k[0]
			}
			b.to = find(to)
			both[outcome] = b
		}
		m.branches = append(m.branches, both)
		if len(m.configs) > maxConfigs {
			return m.busiest()
		}
	}
	return -1
}

// busiest returns the discrete state with the most values.
func (m *machine) busiest() int {
	best, most := 0, -1
	for i, d := range m.discrete {
		if !d {
			continue
		}
		seen := map[float64]bool{}
		for _, c := range m.configs {
			seen[c[i]] = true
		}
		if len(seen) > most {
			best, most = i, len(seen)
		}
	}
	return best
}

// run interprets the step.
func (m *machine) run(config []float64, outcome float64) branch {
	e, g := m.e, m.e.Step
	var b branch
	values := make(map[*graph.Node]function, len(g.Nodes))
	number := func(v float64) function {
		k := make([]float64, 2+len(e.States))
		k[0] = v
		return function{k: k}
	}
	unit := func(i int) function {
		f := number(0)
		f.k[i] = 1
		return f
	}
	why := func(format string, args ...any) function { return function{why: fmt.Sprintf(format, args...)} }
	inputs := 0
	for i, n := range g.Inputs {
		switch {
		case i < len(e.Inputs):
			values[n] = unit(1)
			if inputs++; inputs > 1 {
				values[n] = why("it takes several inputs")
			}
		case i < len(e.Inputs)+len(e.Params):
			values[n] = number(m.params[i-len(e.Inputs)])
		default:
			s := i - len(e.Inputs) - len(e.Params)
			if values[n] = unit(2 + s); m.discrete[s] {
				values[n] = number(config[s])
			}
		}
	}
	var tested *graph.Node
	for _, n := range g.Nodes {
		in := make([]function, len(n.In))
		bad := ""
		for i, v := range n.In {
			in[i] = values[v.Node]
			if bad == "" && (n.Op != graph.OpSpike || i < 2) && (n.Op != graph.OpWhere || i == 0) { // the derivative of a spike is for training
				bad = in[i].why
			}
		}
		if bad != "" {
			values[n] = function{why: bad}
			continue
		}
		switch n.Op {
		case graph.OpInput:
		case graph.OpConstant:
			v := n.Real("value")
			if many := n.Reals("values"); len(many) == 1 {
				v = many[0]
			}
			values[n] = number(v)
		case graph.OpTime:
			values[n] = why("it counts time steps")
		case graph.OpSteps:
			if values[n] = number(m.steps); math.IsNaN(m.steps) {
				values[n] = why("it depends on the number of time steps, which is open")
			}
		case graph.OpUniform, graph.OpNormal:
			values[n] = why("it draws random numbers")
		case graph.OpAdd, graph.OpSub:
			sign := 1.0
			if n.Op == graph.OpSub {
				sign = -1
			}
			values[n] = sum(in[0], in[1], sign)
		case graph.OpNeg:
			values[n] = sum(number(0), in[0], -1)
		case graph.OpStop:
			values[n] = in[0]
		case graph.OpMul, graph.OpDiv:
			a, by := in[0], in[1]
			if n.Op == graph.OpMul && a.constant() {
				a, by = by, a
			}
			switch {
			case !by.constant():
				values[n] = why("it multiplies or divides by what depends on its input or its states")
			case n.Op == graph.OpDiv && by.k[0] == 0:
				values[n] = why("it divides by 0")
			case n.Op == graph.OpDiv:
				values[n] = scaled(a, func(v float64) float64 { return v / by.k[0] })
			default:
				values[n] = scaled(a, func(v float64) float64 { return v * by.k[0] })
			}
		case graph.OpSpike:
			d := sum(in[0], in[1], -1)
			switch {
			case d.constant():
				values[n] = number(truth(d.k[0] > 0 || d.k[0] == 0 && !n.Flag("strict")))
			case tested != nil:
				values[n] = why("it tests twice")
			default:
				tested, b.tested, b.test, b.strict = n, true, d, n.Flag("strict")
				values[n] = number(outcome)
			}
		case graph.OpWhere:
			switch {
			case !in[0].constant():
				values[n] = why("it chooses by what depends on its input or its states")
			case in[0].k[0] != 0:
				values[n] = in[1]
			default:
				values[n] = in[2]
			}
		default:
			if n.Op == graph.OpCast && n.Out[0].DType == graph.F32 {
				values[n] = in[0]
				continue
			}
			if slices.ContainsFunc(in, func(f function) bool { return !f.constant() }) {
				values[n] = why("`%s` of what depends on its input or its states", n.Op)
				continue
			}
			x := make([]float64, len(in))
			for i, f := range in {
				x[i] = f.k[0]
			}
			if v := calculate(n, x); math.IsNaN(v) || math.IsInf(v, 0) {
				values[n] = why("`%s` of %v is no number", n.Op, x)
			} else {
				values[n] = number(v)
			}
		}
		if f := values[n]; slices.ContainsFunc(f.k, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
			values[n] = why("its numbers are not finite")
		}
	}
	b.emit = values[g.Outputs[0].Value.Node]
	for _, o := range g.Outputs[1:] {
		b.next = append(b.next, values[o.Value.Node])
	}
	return b
}

func sum(a, b function, sign float64) function {
	k := slices.Clone(a.k)
	for i, v := range b.k {
		k[i] += sign * v
	}
	return function{k: k}
}

func scaled(a function, f func(float64) float64) function {
	k := slices.Clone(a.k)
	for i := range k {
		k[i] = f(k[i])
	}
	return function{k: k}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// calculate computes an operator of numbers.
func calculate(n *graph.Node, x []float64) float64 {
	switch n.Op {
	case graph.OpPow:
		return math.Pow(x[0], x[1])
	case graph.OpMin:
		return min(x[0], x[1])
	case graph.OpMax:
		return max(x[0], x[1])
	case graph.OpAbs:
		return math.Abs(x[0])
	case graph.OpSign:
		return truth(x[0] > 0) - truth(x[0] < 0)
	case graph.OpExp:
		return math.Exp(x[0])
	case graph.OpLog:
		return math.Log(x[0])
	case graph.OpSqrt:
		return math.Sqrt(x[0])
	case graph.OpTanh:
		return math.Tanh(x[0])
	case graph.OpSigmoid:
		return 1 / (1 + math.Exp(-x[0]))
	case graph.OpSin:
		return math.Sin(x[0])
	case graph.OpCos:
		return math.Cos(x[0])
	case graph.OpRound:
		return math.RoundToEven(x[0])
	case graph.OpFloor:
		return math.Floor(x[0])
	case graph.OpLess:
		return truth(x[0] < x[1])
	case graph.OpLessEq:
		return truth(x[0] <= x[1])
	case graph.OpGreater:
		return truth(x[0] > x[1])
	case graph.OpGreatEq:
		return truth(x[0] >= x[1])
	case graph.OpEqual:
		return truth(x[0] == x[1])
	case graph.OpUnequal:
		return truth(x[0] != x[1])
	case graph.OpAnd:
		return truth(x[0] != 0 && x[1] != 0)
	case graph.OpOr:
		return truth(x[0] != 0 || x[1] != 0)
	case graph.OpNot:
		return truth(x[0] == 0)
	case graph.OpCast:
		if n.Out[0].DType == graph.I32 {
			return math.Trunc(x[0])
		}
		return truth(x[0] != 0)
	}
	return math.NaN()
}
