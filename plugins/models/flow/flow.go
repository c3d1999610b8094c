// Package flow is flow matching (Lipman et al. 2023) and rectified flow (Liu, Gong & Liu 2023): a network learns the velocity of
// points on their way from noise to an image, and a sampler follows it by a method for ordinary differential equations.
package flow

import (
	_ "embed"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed flow.md
var doc string

const velocity = "velocity" // the role

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, most := 0.0, 1.0, 10_000.0
	fraction := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: &zero, Max: &one, Doc: doc}
	}
	sampler := func(name, steps, doc string) schema.Choice {
		return schema.Choice{Name: name, Doc: doc, Params: []schema.Param{
			{Name: "steps", Type: schema.Int, Default: steps, Min: &one, Max: &most, Doc: "how many turns lead from noise to the image"},
			sdk.GuidanceOption("velocity"), sdk.LabelOption(),
		}}
	}
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "flow", Version: "1.0", Doc: doc,
			Roles: []schema.Role{{Name: velocity, Takes: "network", Doc: "(image on its way, time) to its velocity, of the image's shape; with `label` the class is its third parameter"}},
			Params: []schema.Param{
				{Name: "path", Type: schema.OneOf, Default: "straight", Doc: "the way from noise, at time 0, to the image, at time 1", Choices: []schema.Choice{
					{Name: "straight", Doc: "along a line, at one speed", Params: []schema.Param{
						fraction("rest", "0", "how much of the noise is left at the image")}},
					{Name: "cosine", Doc: "along a quarter of a circle: what has variance 1 keeps it"},
				}},
				{Name: "time", Type: schema.OneOf, Default: "uniform", Doc: "how times are drawn in training", Choices: []schema.Choice{
					{Name: "uniform", Doc: "all alike often"},
					{Name: "logit_normal", Doc: "the sigmoid of a normal number: those in the middle more often (Esser et al. 2024)", Params: []schema.Param{
						{Name: "mean", Type: schema.Real, Default: "0", Doc: "of the normal number: above 0 later times come more often"},
						{Name: "std", Type: schema.Real, Default: "1", Min: &zero, Doc: "its standard deviation"},
					}},
				}},
				{Name: "times", Type: schema.Int, Default: "1000", Min: &one, Max: &most, Doc: "how many times there are for a network that takes the time as a `step`"},
				sdk.DifferenceParam("the network's velocity and that of the path"),
				sdk.ClipParam("samples are held"),
				sdk.LabelParam("which the network is then told"), sdk.DropParam(),
			},
			Samplers: []schema.Choice{
				sampler("euler", "50", "asks for the velocity once a turn; errors of first order in its length"),
				sampler("midpoint", "25", "goes on with the velocity in the middle of the turn: asks twice, errors of second order"),
				sampler("heun", "25", "goes on with the mean of the velocities at both ends of the turn: asks twice, errors of second order"),
			},
			Exports: []string{"velocity"},
		},
		Build:   build,
		Sampler: sampling,
	}
}

// flow is a model under construction.
type flow struct {
	b     *sdk.ProgramBuilder
	args  schema.Arguments
	image graph.Type
	time  graph.Type // as the network takes it: its number, i32[N], or itself, f32[N 1]
	label sdk.Label
	clip  [2]float64
}

// stepped reports whether the network takes the number of a time.
func (m *flow) stepped() bool { return m.time.DType == graph.I32 }

// start judges what both calls are given.
func start(r sdk.BuildRequest) (*flow, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return nil, nil, fmt.Errorf("build flow: %w", err)
	}
	net := b.Role(velocity)
	if net == nil {
		return nil, nil, fmt.Errorf("build flow: the network is missing in the request")
	}
	image, c := r.Image()
	if len(c) > 0 {
		return nil, c, nil
	}
	m := &flow{b: b, args: r.Arguments, image: image}
	var cut []schema.Complaint
	m.label, c = r.Label()
	m.clip, cut = r.Clipping()
	if c = append(c, cut...); len(c) > 0 {
		return nil, c, nil
	}
	if m.args["path"].Args.Real("rest") == 1 {
		return nil, sdk.Complain("path.rest", "write `path = straight`", "with `rest = 1` all of the noise is left at the image"), nil
	}
	return m, m.borders(net, r.Networks[0]), nil
}

// borders judges the network: (image, time) -> image, or (image, time, class) -> image.
func (m *flow) borders(net *program.Role, n schema.Network) []schema.Complaint {
	image := sdk.Wire(m.image)
	takes, more, inputs := "an image and a time", "", 2
	if m.label.Field != "" {
		takes, more, inputs = "an image, a time and a class", fmt.Sprintf(", y: real[%d]", m.label.All), 3
	}
	signature := fmt.Sprintf("write `network %s(image: %s, t: real[1]%s) -> %s`", n.Name, image, more, image)
	switch {
	case len(net.In) == 3 && m.label.Field == "":
		return m.label.Check(n, net, 2)
	case len(net.In) != inputs:
		return sdk.Complain(velocity, signature, "the network takes %s, and this one has %d parameters", takes, len(net.In))
	case !net.In[0].Equal(m.image):
		return sdk.Complain(velocity, signature, "the network takes %s, the data have images %s", sdk.Wire(net.In[0]), image)
	case !net.In[1].Equal(sdk.Int()) && !net.In[1].Equal(graph.Real(1)):
		return sdk.Complain(velocity, "write `t: real[1]` or `s: step`", "the second parameter of the network is the time, and this one is %s", sdk.Wire(net.In[1]))
	case !net.Out[0].Equal(m.image):
		help := signature
		if net.Out[0].Steps > 0 {
			help = "end the network with `decode`"
		}
		return sdk.Complain(velocity, help, "the network gives %s, the data have images %s", sdk.Wire(net.Out[0]), image)
	}
	m.time = net.In[1]
	if times := m.args.Int("times"); m.stepped() {
		if rows := sdk.ShortestTable(n.Graph, 1); rows > 0 && rows < times {
			return sdk.Complain(velocity, fmt.Sprintf("write `count = %d` in its `sinusoid` or `embedding`, or `times = %d` in the model", times, rows),
				"the network has a table of %d times, and the model %d", rows, times)
		}
	}
	return m.label.Check(n, net, 2)
}

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	m, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	b := m.b
	b.Function("step", m.step)
	b.Function("velocity", func(f *sdk.Function) {
		f.Output("image", m.ask(f, sdk.Mode{Eval: true}, f.Input("image", m.image), f.Input("t", m.time), m.label.Input(f)))
	})
	b.Stream("images", m.label.Fields("image")...)
	b.Stage("train", "images", program.Step{Function: "step", Moves: []string{velocity}})
	b.Export("velocity", "velocity")
	// The sheets while it is trained; samplers with options are asked for one by one.
	sheets := schema.Arguments{"steps": {Type: schema.Int, Number: float64(sdk.SheetTurns)}}
	if m.stepped() {
		sheets["steps"] = schema.Value{Type: schema.Int, Number: float64(min(sdk.SheetTurns, m.args.Int("times")))}
	}
	m.sampler("euler", sheets)
	text, err := b.Finish()
	return text, nil, err
}

// sampling returns the program of one sampler for its options.
func sampling(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	m, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	if _, ok := solvers()[name]; !ok {
		return "", nil, fmt.Errorf("build sampler: unknown sampler %q", name)
	}
	if times := m.args.Int("times"); m.stepped() && options.Int("steps") > times {
		return "", sdk.Complain("sampler.steps", fmt.Sprintf("write `steps = %d`", times), "the network knows %d times, and the sampler wants %d turns", times, options.Int("steps")), nil
	}
	if c := m.label.CheckOptions(options); len(c) > 0 {
		return "", c, nil
	}
	m.sampler(name, options)
	text, err := m.b.Finish()
	return text, nil, err
}

// ask applies the network to an image, a time and the class.
func (m *flow) ask(f *sdk.Function, mode sdk.Mode, x, t, class graph.Value) graph.Value {
	return m.label.Apply(f, velocity, mode, class, x, t)[0]
}

// drawn returns a time in [0, 1) for each example.
func (m *flow) drawn(f *sdk.Function) graph.Value {
	if how := m.args["time"]; how.Text == "logit_normal" {
		return f.Op(graph.OpSigmoid, nil, f.Add(f.Scale(f.Normal("time", graph.Real()), how.Args.Real("std")), f.Const(how.Args.Real("mean"))))
	}
	return f.Uniform("time", graph.Real())
}

// step is the training function (Lipman et al. 2023, equation 23; Liu et al. 2023, equation 1): the velocity at a random point of
// the way from noise to an example.
func (m *flow) step(f *sdk.Function) {
	image, class := f.Input("image", m.image), m.label.Input(f)
	noise, t := f.Normal("noise", m.image), m.drawn(f)
	asked := f.Reshape(t, 1)
	if m.stepped() { // the time is that of the step below
		n := float64(m.args.Int("times"))
		// A product that rounds up to n would be no step.
		s := f.Op(graph.OpMin, nil, f.Op(graph.OpFloor, nil, f.Scale(t, n)), f.Const(n-1))
		asked, t = f.Int(s), f.Scale(s, 1/n)
	}
	x, aim := m.way(f, image, noise, t)
	y := m.ask(f, sdk.Mode{}, x, asked, m.label.Withheld(f, class))
	f.Difference(m.args["loss"], y, aim)
}

// way returns the point at time t of the way from noise to an image, and its velocity there:
//
//   - straight(rest): x = t image + (1 - (1 - rest) t) noise (Lipman et al. 2023, equation 22; Liu et al. 2023 for rest = 0)
//   - cosine: x = sin(pi t / 2) image + cos(pi t / 2) noise (Albergo & Vanden-Eijnden 2023)
func (m *flow) way(f *sdk.Function, image, noise, t graph.Value) (x, speed graph.Value) {
	if m.args.Text("path") == "cosine" {
		const quarter = math.Pi / 2
		angle := f.Scale(t, quarter)
		s, c := f.Op(graph.OpSin, nil, angle), f.Op(graph.OpCos, nil, angle)
		return f.Add(f.Mul(image, s), f.Mul(noise, c)), f.Scale(f.Sub(f.Mul(image, c), f.Mul(noise, s)), quarter)
	}
	faded := 1 - m.args["path"].Args.Real("rest")
	return f.Add(f.Mul(image, t), f.Mul(noise, f.Sub(f.Const(1), f.Scale(t, faded)))), f.Sub(image, f.Scale(noise, faded))
}

// sampler adds a sampler with its functions: from noise, one turn for each row of the table, to what the last turn leaves.
func (m *flow) sampler(name string, options schema.Arguments) {
	b, how, times := m.b, solvers()[name], 0
	if m.stepped() {
		times = m.args.Int("times")
	}
	b.Function("start", func(f *sdk.Function) { f.Output("x", f.Normal("start", m.image)) })
	b.Function("turn", func(f *sdk.Function) {
		x, class := f.Input("x", m.image), m.label.Drawn(f, options)
		c := map[string]graph.Value{}
		for _, name := range columns() {
			c[name] = f.Input(name, graph.Scalar())
		}
		speed := func(x, t graph.Value) graph.Value {
			if m.stepped() {
				t = f.Int(t)
			}
			t = f.Expand(t, m.time)
			return m.label.Guided(f, options, class, func(class graph.Value) graph.Value { return m.ask(f, sdk.Mode{Eval: true}, x, t, class) })
		}
		v := speed(x, c["t"])
		if how.at > 0 {
			then := speed(f.Add(x, f.Mul(v, f.Scale(c["h"], how.at))), c["u"])
			v = f.Add(f.Scale(v, how.before), f.Scale(then, how.after))
		}
		f.Output("x", f.Add(x, f.Mul(v, c["h"])))
	})
	b.Function("generate", func(f *sdk.Function) { f.Output("image", f.Clip(f.Input("x", m.image), m.clip)) })
	rows := how.table(options.Int("steps"), times)
	b.Sampler(program.Sampler{Name: name, Given: m.label.Given(options), Init: "start", Loop: "turn", Turns: len(rows), Result: "generate", Columns: columns(), Table: rows})
}
