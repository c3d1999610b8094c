package plugintest

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// sum is a graph with a scalar, and its derivative: what a neuron or coder by equations gives, a coder's graph, or a step of a training.
// The interpreter computes it.
type sum struct {
	value  *graph.Graph // its first output is the scalar
	whole  *graph.Graph // the same outputs, and under program.Grad and its name the derivative by each of moved
	moved  []string     // inputs and variables
	env    interp.Env
	outer  Name   // the verdict where an output is no number
	author string // what makes derivatives that are no derivatives of what is computed; "" where nothing does
}

// heavy returns how many multiply-accumulates a batch takes, where these are too many for the interpreter; else 0.
func (c *sum) heavy() int {
	const most = 10_000_000 // it takes some ten nanoseconds for each
	n := 0
	for _, x := range c.whole.Nodes {
		n += x.MultiplyAccumulates(c.env.N)
	}
	if n <= most {
		return 0
	}
	return n
}

// finite computes everything once: no output and no derivative may be anything but a number.
func (c *sum) finite() (*interp.Result, error) {
	res, err := interp.Run(c.whole, &c.env)
	if err != nil {
		return nil, err
	}
	whole, n := c.whole.Outputs, len(c.value.Outputs)
	for _, o := range slices.Concat(whole[1:n], whole[:1], whole[n:]) { // the sum comes behind what it is of, and derivatives are the last
		bad := slices.IndexFunc(res.Outputs[o.Name].Data, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
		if bad < 0 {
			continue
		}
		f := &fault{c.outer, "the output " + o.Name, "look for a division by 0, a logarithm of 0, an exponential of much"}
		if by, ok := strings.CutPrefix(o.Name, program.Grad); ok && slices.Contains(c.moved, by) {
			f = &fault{Gradient, "the derivative by " + by, "look for a root of 0, a division by 0, a surrogate that is no number"}
		}
		f.found += fmt.Sprintf(" is %v at inputs of ordinary size", res.Outputs[o.Name].Data[bad])
		return nil, f
	}
	return res, nil
}

// slopes compares the derivative with central differences of the smoothed model (interp.Base), in a few directions of all that is moved at
// once. The error of these is what they differ by from differences of twice the step, and the rounding of the sum.
func (c *sum) slopes(res *interp.Result) (string, error) {
	const (
		directions = 3
		h          = 1e-5
		rounding   = 1e-13 // of a sum of some thousand numbers
	)
	if c.author != "" {
		return "", untested("not compared with differences: " + c.author)
	}
	if !slices.ContainsFunc(c.moved, func(name string) bool {
		return slices.ContainsFunc(res.Outputs[program.Grad+name].Data, func(v float64) bool { return v != 0 })
	}) {
		return "", untested("not compared with differences: the derivative is 0 everywhere")
	}
	env := c.env
	env.Base = &interp.Base{Record: true}
	if _, err := interp.Run(c.value, &env); err != nil {
		return "", err
	}
	env.Base.Record = false
	for k := range directions {
		towards := map[string][]float64{}
		says, size := 0.0, 0.0
		for _, name := range c.moved {
			g := res.Outputs[program.Grad+name].Data
			draw := drawing(name, uint64(k))
			d := make([]float64, len(g))
			for i := range d {
				d[i] = draw.NormFloat64()
				says, size = says+g[i]*d[i], size+math.Abs(g[i]*d[i])
			}
			towards[name] = d
		}
		at := func(step float64) (float64, error) {
			own := env
			own.Inputs, own.Variables = shifted(env.Inputs, towards, step), shifted(env.Variables, towards, step)
			res, err := interp.Run(c.value, &own)
			if err != nil {
				return 0, err
			}
			return res.Outputs[c.value.Outputs[0].Name].Data[0], nil
		}
		var y [4]float64
		for i, step := range []float64{h, -h, 2 * h, -2 * h} {
			var err error
			if y[i], err = at(step); err != nil {
				return "", err
			}
		}
		fine, coarse := (y[0]-y[1])/(2*h), (y[2]-y[3])/(4*h)
		if off := math.Abs(says-fine) - 2*math.Abs(fine-coarse) - rounding*(math.Abs(y[0])+math.Abs(y[1]))/h; off > 1e-5*size {
			return "", &fault{Gradient, fmt.Sprintf("it is %.6g in a direction in which the smoothed model changes by %.6g", says, fine),
				"make derivatives of your own those of what they stand for"}
		}
	}
	return fmt.Sprintf("as differences of the smoothed model say, in %d directions", directions), nil
}

// shifted returns values of which those with a direction are a step further.
func shifted(all map[string]interp.Value, towards map[string][]float64, step float64) map[string]interp.Value {
	out := map[string]interp.Value{}
	for name, v := range all {
		if d, ok := towards[name]; ok {
			v.Data = slices.Clone(v.Data)
			for i := range v.Data {
				v.Data[i] += step * d[i]
			}
		}
		out[name] = v
	}
	return out
}

// drawing returns random numbers of a name.
func drawing(name string, seed uint64) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(h.Sum64(), seed))
}

// environment returns what a graph of so many examples is computed with: values of its inputs, variables as they begin, random numbers.
func environment(n int, g *graph.Graph, variables []graph.Variable, input func(name string, t graph.Type) interp.Value) interp.Env {
	env := interp.Env{N: n, Inputs: map[string]interp.Value{}, Variables: map[string]interp.Value{}}
	for _, in := range g.Inputs {
		env.Inputs[in.Text("name")] = input(in.Text("name"), in.Out[0])
	}
	for _, v := range variables {
		env.Variables[v.Name] = begins(v)
	}
	env.Random = func(label string, normal bool, index, element uint64) float64 {
		draw := drawing(label, index<<32+element)
		if normal {
			return draw.NormFloat64()
		}
		return draw.Float64()
	}
	env.Host = func(what string) float64 {
		if what == program.HostVariance {
			return 0.25
		}
		return 0.5 // of the training, or an iteration
	}
	return env
}

// begins is a variable as a training begins with it.
func begins(v graph.Variable) interp.Value {
	x, draw := interp.NewValue(v.Type, 1), drawing(v.Name, 0)
	for i := range x.Data {
		switch v.Init.Kind {
		case "uniform":
			x.Data[i] = v.Init.A + (v.Init.B-v.Init.A)*draw.Float64()
		case "normal":
			x.Data[i] = v.Init.A + v.Init.B*draw.NormFloat64()
		case "sinusoid":
			x.Data[i] = v.Init.Sinusoid(i, v.Type.Dims[1])
		default:
			x.Data[i] = v.Init.A
		}
	}
	return x
}

// signals are numbers for an input of a type: for what has time steps numbers of several sizes, so that some make neurons fire and others do
// not, or spikes; else numbers from 0 to 1.
func signals(n int) func(string, graph.Type) interp.Value {
	return func(name string, t graph.Type) interp.Value {
		x, draw := interp.NewValue(t, n), drawing(name, 1)
		for i := range x.Data {
			switch example := i / t.Size() % n; {
			case t.DType == graph.Bit:
				x.Data[i] = float64(draw.IntN(2))
			case t.Steps > 0:
				x.Data[i] = math.Pow(4, float64(example%4-1)) * (0.5 + draw.NormFloat64())
			default:
				x.Data[i] = draw.Float64()
			}
		}
		return x
	}
}

// weighted returns the sum of what a function of a module gives in training, with random weights.
func weighted(m *graph.Module, n int, input func(string, graph.Type) interp.Value) (*sum, error) {
	f := m.Function(program.TrainFunction)
	build := func(derived bool) (*graph.Graph, []string, error) {
		b := graph.NewBuilder("sum", graph.ModuleEnv{Module: m})
		var in, by []graph.Value
		var names []string // of by: a variable is read in several places
		for _, x := range f.Inputs {
			in = append(in, b.Input(x.Text("name"), x.Out[0]))
			if x.Out[0].DType != graph.I32 {
				by, names = append(by, in[len(in)-1]), append(names, x.Text("name"))
			}
		}
		out := b.Inline(f, in, nil)
		total := b.Const(0)
		for i, y := range out {
			w := b.Input(fmt.Sprint("weight ", i), y.Type().With(graph.F32))
			total = b.Add(total, b.Reduce("sum", b.Mul(w, y), graph.AllAxes(w.Type())...))
		}
		b.Output("sum", total)
		for i, y := range out {
			b.Output(fmt.Sprint("y", i), y)
		}
		for _, n := range b.Graph().Nodes {
			if n.Op == graph.OpRead && slices.ContainsFunc(m.Variables, func(v graph.Variable) bool { return v.Name == n.Text("var") && v.Kind == graph.Parameter }) {
				by, names = append(by, graph.Value{Node: n}), append(names, n.Text("var"))
			}
		}
		all := slices.Compact(slices.Sorted(slices.Values(names)))
		if derived && len(by) > 0 {
			sums := map[string]graph.Value{}
			for i, g := range graph.Gradient(b, total, by) {
				if was, ok := sums[names[i]]; ok {
					g = b.Add(was, g)
				}
				sums[names[i]] = g
			}
			for _, name := range all {
				b.Output(program.Grad+name, sums[name])
			}
		}
		g, err := b.Finish()
		return g, all, err
	}
	value, _, err := build(false)
	if err != nil {
		return nil, err
	}
	whole, moved, err := build(true)
	if err != nil {
		return nil, err
	}
	return &sum{value: value, whole: whole, moved: moved, outer: Spikes, env: environment(n, whole, m.Variables, input)}, nil
}
