// Package population is the coder of a value by neurons with gaussian tuning curves.
package population

import (
	_ "embed"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed population.md
var doc string

// The codes of a neuron's activity.
const (
	latency = "latency"
	poisson = "poisson"
	regular = "regular"
)

// Coder returns the plugin component.
func Coder() sdk.Coder {
	one, three, longest, most, least, sharpest := 1.0, 3.0, 4096.0, 256.0, 0.1, 10.0
	return sdk.Coder{
		Component: schema.Component{Kind: schema.Coder, Name: "population", Version: "1.0", Doc: doc,
			Aliases: []string{"GaussianTuning", "GaussianTuningCurveEncoder", "gaussian_receptive_fields", "population_code"},
			Params: []schema.Param{
				{Name: "steps", Type: schema.Int, Default: "16", Min: &one, Max: &longest, Doc: "time steps that are encoded"},
				{Name: "neurons", Type: schema.Int, Default: "8", Min: &three, Max: &most, Doc: "for each value"},
				{Name: "range", Type: schema.Range, Default: "0..1", Doc: "of the values"},
				{Name: "code", Type: schema.OneOf, Default: latency, Doc: "what an activity becomes", Choices: []schema.Choice{
					{Name: latency, Doc: "one spike, the earlier the more active the neuron"},
					{Name: poisson, Doc: "a spike in each step with the activity as probability"},
					{Name: regular, Doc: "as many spikes, at equal distances"},
				}},
				{Name: "sharpness", Type: schema.Real, Default: "1.5", Min: &least, Max: &sharpest, Doc: "distance of two tuning curves over the deviation of one"},
			}},
		Encode: func(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
			p, complaints := newPopulation(args)
			if complaints != nil {
				return "", complaints, nil
			}
			return p.module(input, func(b *graph.Builder, x graph.Value) graph.Value { return p.encode(b, x) })
		},
		Decode: func(args schema.Arguments, input graph.Type) (string, []schema.Complaint, error) {
			p, complaints := newPopulation(args)
			if complaints != nil {
				return "", complaints, nil
			}
			if input.Dims[0]%p.neurons != 0 {
				return "", sdk.Complain("neurons", "", "the %d channels of what is decoded are no multiple of %d neurons", input.Dims[0], p.neurons), nil
			}
			p.steps = input.Steps // which may be of another coder
			return p.module(input, p.decode)
		},
	}
}

// population is the code with its arguments.
type population struct {
	steps, neurons int
	low, high      float64
	code           string
	step           *graph.Equation // of the encoder
	// Means and deviation of the tuning curves: those of S. M. Bohte, J. N. Kok, H. La Poutré, "Error-backpropagation in temporally
	// encoded networks of spiking neurons", Neurocomputing 48, 2002. The first mean and the last one lie half a distance outside of
	// the range.
	means     []float64
	deviation float64
}

func newPopulation(args schema.Arguments) (*population, []schema.Complaint) {
	p := &population{steps: args.Int("steps"), neurons: args.Int("neurons"), code: args.Text("code"),
		low: args["range"].Items[0].Number, high: args["range"].Items[1].Number}
	if p.low >= p.high {
		return nil, sdk.Complain("range", "", "no value is between %v and %v", p.low, p.high)
	}
	distance := (p.high - p.low) / float64(p.neurons-2)
	for i := range p.neurons {
		p.means = append(p.means, p.low+(float64(i)-0.5)*distance)
	}
	p.deviation = distance / args.Real("sharpness")
	return p, nil
}

// activities are the activities of all neurons at a value, in 0..1.
func (p *population) activities(x float64) []float64 {
	out := make([]float64, p.neurons)
	for i, mean := range p.means {
		u := (x - mean) / p.deviation
		out[i] = math.Exp(-u * u / 2)
	}
	return out
}

// module returns the text of a module whose functions, for training and evaluation, are one graph.
func (p *population) module(input graph.Type, build func(*graph.Builder, graph.Value) graph.Value) (string, []schema.Complaint, error) {
	m := &graph.Module{}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		b.Output("y", build(b, b.Input("x", input)))
		g, err := b.Finish()
		if err != nil {
			return "", nil, fmt.Errorf("build population: %w", err)
		}
		m.Functions = append(m.Functions, g)
	}
	if p.step != nil {
		m.Equations = []*graph.Equation{p.step}
	}
	return m.Print(), nil, nil
}

// perNeuron returns a constant with a value for each neuron, that meets values of dims [channels, neurons, rest].
func (p *population) perNeuron(b *graph.Builder, values []float64) graph.Value {
	return b.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{1, p.neurons, 1}})
}

// encode makes spikes of values: those of the neurons of channel c are channels c * neurons to c * neurons + neurons - 1.
func (p *population) encode(b *graph.Builder, x graph.Value) graph.Value {
	t := x.Type()
	channels, rest := t.Dims[0], t.Size()/t.Dims[0]
	u := b.Sub(b.Reshape(x, channels, 1, rest), p.perNeuron(b, p.means))
	activity := b.Op(graph.OpExp, nil, b.Scale(b.Mul(u, u), -1/(2*p.deviation*p.deviation)))
	activity = b.Reshape(activity, append([]int{channels * p.neurons}, t.Dims[1:]...)...)
	if p.step == nil {
		var err error
		if p.step, err = spiking(p.code, p.steps); err != nil {
			b.Fail(err)
			return graph.Value{}
		}
	}
	attrs := graph.Attrs{"steps": p.steps}
	if p.step.Random() {
		attrs["label"] = poisson
	}
	return b.Equation(graph.OpEquation, p.step, attrs, activity)[0]
}

// spiking returns the equation of a neuron that is so active:
//
//	latency: a spike at step round(steps (1 - a)), and none if that is behind the last one (Bohte et al. 2002); no derivative
//	poisson: a spike in each step with probability a; the derivative is that of the probability
//	regular: v = 1/2 at first; v += a; a spike where v >= 1; then v -= 1: round(steps a) spikes; the derivative is 1 in each step
//
// The last two are the probabilistic and the deterministic encoding of G. Tang, N. Kumar, R. Yoo, K. P. Michmizos, "Deep reinforcement
// learning with population-coded spiking neural network for continuous control", CoRL 2020, whose membrane begins at 0.
func spiking(code string, steps int) (*graph.Equation, error) {
	s := graph.NewBuilder("step", nil)
	e := &graph.Equation{Name: "e0", Inputs: []string{"a"}, Spikes: true}
	a := s.Input("a", graph.Scalar())
	switch code {
	case latency:
		e.Once = true
		at := s.Op(graph.OpFloor, nil, s.Add(s.Scale(s.Sub(s.Const(1), a), float64(steps)), s.Const(0.5)))
		s.Output("emit", s.Op(graph.OpEqual, nil, s.Op(graph.OpTime, nil), at))
	case poisson:
		s.Output("emit", s.Op(graph.OpSpike, nil, a, s.Op(graph.OpUniform, graph.Attrs{"label": "spike", "dims": []int{}}), s.Const(1)))
	case regular:
		e.States = []graph.EquationState{{Name: "v", Start: 0.5}}
		v := s.Add(s.Input("v", graph.Scalar()), a)
		spike := s.Op(graph.OpSpike, nil, v, s.Const(1), s.Const(1))
		s.Output("emit", spike)
		s.Output("v", s.Sub(v, s.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, spike)))
	default:
		return nil, fmt.Errorf("unknown code %q", code)
	}
	var err error
	if e.Step, err = s.Finish(); err != nil {
		return nil, err
	}
	return e, e.Verify()
}

// decode makes the value of each channel of what its neurons say their activities are: their rates or, under latency, 1 - t / steps of
// spikes at t.
func (p *population) decode(b *graph.Builder, x graph.Value) graph.Value {
	t := x.Type()
	if t.DType != graph.F32 {
		x = b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, x)
	}
	var said graph.Value
	if p.code == latency {
		time := b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, b.Op(graph.OpIota, graph.Attrs{"steps": p.steps}))
		early := b.Sub(b.Const(1), b.Scale(time, 1/float64(p.steps)))
		said = b.Reduce("sum", b.Mul(x, early), graph.TimeAxis)
	} else {
		said = b.Reduce("mean", x, graph.TimeAxis)
	}
	weights, err := p.weights()
	if err != nil {
		b.Fail(err)
		return graph.Value{}
	}
	channels, rest := t.Dims[0]/p.neurons, t.Size()/t.Dims[0]
	y := b.Reduce("sum", b.Mul(b.Reshape(said, channels, p.neurons, rest), p.perNeuron(b, weights)), 1)
	y = b.Add(y, b.Const((p.low+p.high)/2))
	return b.Reshape(y, append([]int{channels}, t.Dims[1:]...)...)
}
