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

// sheetSteps is how many turns the sheets take that are drawn while the model is trained.
const sheetSteps = 50

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, most := 0.0, 1.0, 10_000.0
	fraction := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: &zero, Max: &one, Doc: doc}
	}
	sampler := func(name, steps, doc string) schema.Choice {
		return schema.Choice{Name: name, Doc: doc, Params: []schema.Param{
			{Name: "steps", Type: schema.Int, Default: steps, Min: &one, Max: &most, Doc: "how many turns lead from noise to the image"},
			{Name: "guidance", Type: schema.Real, Default: "1", Min: &zero, Doc: "how far the class leads: the velocity without it, and so many times what the class changes of it"},
			{Name: "label", Type: schema.Int, Min: &zero, Doc: "the class to draw; absent: each sample's is drawn at random"},
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
				{Name: "loss", Type: schema.Terms, Default: "mse", Doc: "weighted sum of terms, of the network's velocity and that of the path", Choices: []schema.Choice{
					{Name: "mse", Doc: "mean squared difference, over pixels"}, {Name: "mae", Doc: "mean absolute difference, over pixels"},
				}},
				{Name: "clip", Type: schema.OneOf, Default: "range(-1..1)", Doc: "where samples are held: the range of the data", Choices: []schema.Choice{
					{Name: "range", Doc: "within bounds", Params: []schema.Param{{Name: "bounds", Type: schema.Range, Required: true, Doc: "least and greatest value of a pixel"}}},
					{Name: "none", Doc: "for data without bounds"},
				}},
				{Name: "label", Type: schema.AField, Doc: "field of the data with the class of an image, which the network is then told"},
				fraction("drop", "0", "how often the network is told no class in training, as `guidance` wants it"),
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

func complain(path, help, format string, args ...any) []schema.Complaint {
	return []schema.Complaint{{Path: path, Summary: fmt.Sprintf(format, args...), Help: help}}
}

// flow is a model under construction.
type flow struct {
	b     *sdk.ProgramBuilder
	args  schema.Arguments
	image graph.Type
	time  graph.Type // as the network takes it: its number, i32[N], or itself, f32[N 1]
	label string     // the field with the class, "" where the network is not told
	class graph.Type
	count int // of classes
}

// stepped reports whether the network takes the number of a time.
func (m *flow) stepped() bool { return m.time.DType == graph.I32 }

// whole returns the number that stands for v, one for each example.
func (m *flow) whole(f *sdk.Function, v float64) graph.Value {
	return f.Expand(f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, f.Const(v)), number())
}

func number() graph.Type { return graph.Real().With(graph.I32) }

// start judges what both calls are given.
func start(r sdk.BuildRequest) (*flow, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return nil, nil, err
	}
	net := b.Role(velocity)
	if net == nil {
		return nil, nil, fmt.Errorf("the network is missing in the request")
	}
	image, ok := r.Fields["image"]
	if !ok {
		return nil, complain("", "train it on a data set of images", "a flow is trained on images, and the data have no field `image`"), nil
	}
	m := &flow{b: b, args: r.Arguments, image: image, label: r.Arguments.Text("label")}
	if c := m.classes(r); len(c) > 0 {
		return nil, c, nil
	}
	if m.args["path"].Args.Real("rest") == 1 {
		return nil, complain("path.rest", "write `path = straight`", "with `rest = 1` all of the noise is left at the image"), nil
	}
	return m, m.borders(net, r.Networks[0]), nil
}

// classes judges what the network is told of the class.
func (m *flow) classes(r sdk.BuildRequest) []schema.Complaint {
	if m.label == "" {
		if m.args.Real("drop") > 0 {
			return complain("drop", "write `label = label` as well", "`drop` is how often no class is told, and the model has no `label`")
		}
		return nil
	}
	var ok bool
	m.class, ok = r.Fields[m.label]
	m.count = r.Classes[m.label]
	switch {
	case !ok:
		return complain("label", "the usual name is `label`", "the data have no field `%s`", m.label)
	case !m.class.Equal(number()) || m.count < 1:
		return complain("label", "name a field that holds class numbers", "field `%s` is %s, no class number", m.label, sdk.Wire(m.class))
	}
	return nil
}

// borders judges the network: (image, time) -> image, or (image, time, class) -> image.
func (m *flow) borders(net *program.Role, n schema.Network) []schema.Complaint {
	image := sdk.Wire(m.image)
	takes, more, inputs := "an image and a time", "", 2
	if m.label != "" {
		takes, more, inputs = "an image, a time and a class", fmt.Sprintf(", y: real[%d]", m.count), 3
	}
	signature := fmt.Sprintf("write `network %s(image: %s, t: real[1]%s) -> %s`", n.Name, image, more, image)
	switch {
	case len(net.In) == 3 && m.label == "":
		return complain(velocity, "write `label = label` in the model for the class, or take the third parameter away", "the network takes 3 parameters, and the model is told of no label")
	case len(net.In) != inputs:
		return complain(velocity, signature, "the network takes %s, and this one has %d parameters", takes, len(net.In))
	case !net.In[0].Equal(m.image):
		return complain(velocity, signature, "the network takes %s, the data have images %s", sdk.Wire(net.In[0]), image)
	case !net.In[1].Equal(number()) && !net.In[1].Equal(graph.Real(1)):
		return complain(velocity, "write `t: real[1]` or `s: step`", "the second parameter of the network is the time, and this one is %s", sdk.Wire(net.In[1]))
	case inputs == 3 && !net.In[2].Equal(m.class) && !net.In[2].Equal(graph.Real(m.count)):
		return complain(velocity, fmt.Sprintf("write `real[%d]` or `step`", m.count), "the third parameter of the network is the class, one of %d, and this one is %s", m.count, sdk.Wire(net.In[2]))
	case !net.Out[0].Equal(m.image):
		help := signature
		if net.Out[0].Steps > 0 {
			help = "end the network with `decode`"
		}
		return complain(velocity, help, "the network gives %s, the data have images %s", sdk.Wire(net.Out[0]), image)
	}
	m.time = net.In[1]
	if times := m.args.Int("times"); m.stepped() {
		if rows := sdk.ShortestTable(n.Graph, 1); rows > 0 && rows < times {
			return complain(velocity, fmt.Sprintf("write `count = %d` in its `sinusoid` or `embedding`, or `times = %d` in the model", times, rows),
				"the network has a table of %d times, and the model %d", rows, times)
		}
	}
	if inputs == 3 {
		classes := m.count
		if m.args.Real("drop") > 0 {
			classes++ // where no class is told
		}
		if rows := sdk.ShortestTable(n.Graph, 2); rows > 0 && rows < classes {
			return complain(velocity, fmt.Sprintf("write `count = %d` in its `embedding`", classes), "the network has a table of %d classes, and is told of %d, one more than there are where `drop` is set", rows, classes)
		}
	}
	return nil
}

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	m, c, err := start(r)
	if err != nil || len(c) > 0 {
		if err != nil {
			err = fmt.Errorf("build flow: %w", err)
		}
		return "", c, err
	}
	b := m.b
	b.Function("step", m.step)
	b.Function("velocity", func(f *sdk.Function) {
		f.Output("image", m.ask(f, sdk.Mode{Eval: true}, f.Input("image", m.image), f.Input("t", m.time), m.told(f)))
	})
	fields := []string{"image"}
	if m.label != "" {
		fields = append(fields, m.label)
	}
	b.Stream("images", fields...)
	b.Stage("train", "images", program.Step{Function: "step", Moves: []string{velocity}})
	b.Export("velocity", "velocity")
	// The sheets while it is trained; samplers with options are asked for one by one.
	sheets := schema.Arguments{"steps": {Type: schema.Int, Number: float64(sheetSteps)}, "guidance": {Type: schema.Real, Number: 1}}
	if m.stepped() {
		sheets["steps"] = schema.Value{Type: schema.Int, Number: float64(min(sheetSteps, m.args.Int("times")))}
	}
	m.sampler("euler", sheets)
	text, err := b.Finish()
	return text, nil, err
}

// sampling returns the program of one sampler for its options.
func sampling(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	m, c, err := start(r)
	if err != nil || len(c) > 0 {
		if err != nil {
			err = fmt.Errorf("build sampler %s: %w", name, err)
		}
		return "", c, err
	}
	if _, ok := solvers()[name]; !ok {
		return "", nil, fmt.Errorf("build sampler: unknown sampler %q", name)
	}
	switch times := m.args.Int("times"); {
	case m.stepped() && options.Int("steps") > times:
		return "", complain("sampler.steps", fmt.Sprintf("write `steps = %d`", times), "the network knows %d times, and the sampler wants %d turns", times, options.Int("steps")), nil
	case m.label == "" && options.Has("label"):
		return "", complain("sampler.label", "write `label = label` in the model", "the model is told of no label, and the sampler draws one class"), nil
	case options.Int("label") >= max(m.count, 1):
		return "", complain("sampler.label", fmt.Sprintf("the classes are 0 to %d", m.count-1), "there is no class %d", options.Int("label")), nil
	case options.Real("guidance") != 1 && m.args.Real("drop") == 0:
		return "", complain("sampler.guidance", "train it with `label = label, drop = 0.1`", "guidance asks the network without a class, which it has never seen: the model has no `drop`"), nil
	}
	m.sampler(name, options)
	text, err := m.b.Finish()
	return text, nil, err
}

// told declares the class among a function's inputs, where the network is told.
func (m *flow) told(f *sdk.Function) graph.Value {
	if m.label == "" {
		return graph.Value{}
	}
	return f.Input(m.label, m.class)
}

// ask applies the network to an image, a time and the class.
func (m *flow) ask(f *sdk.Function, mode sdk.Mode, x, t, class graph.Value) graph.Value {
	in := []graph.Value{x, t}
	if m.label != "" {
		if m.b.Role(velocity).In[2].DType != graph.I32 {
			class = f.OneHot(class, m.count)
		}
		in = append(in, class)
	}
	return f.Apply(velocity, mode, in...)[0]
}

// drawn returns a time in [0, 1) for each example.
func (m *flow) drawn(f *sdk.Function) graph.Value {
	if how := m.args["time"]; how.Text == "logit_normal" {
		return f.Op(graph.OpSigmoid, nil, f.Add(f.Scale(f.Normal("time", graph.Real()), how.Args.Real("std")), f.Const(how.Args.Real("mean"))))
	}
	return f.Uniform("time", graph.Real())
}

// step is the training function (Lipman et al. 2023, equation 23; Liu et al. 2023, equation 1): the velocity at a random point of
// the way from noise to an example. With `drop` an example's class is withheld so often (Ho & Salimans 2022, algorithm 1).
func (m *flow) step(f *sdk.Function) {
	image, class := f.Input("image", m.image), m.told(f)
	noise, t := f.Normal("noise", m.image), m.drawn(f)
	asked := f.Reshape(t, 1)
	if m.stepped() { // the time is that of the step below
		n := float64(m.args.Int("times"))
		// A product that rounds up to n would be no step.
		s := f.Op(graph.OpMin, nil, f.Op(graph.OpFloor, nil, f.Scale(t, n)), f.Const(n-1))
		asked, t = f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, s), f.Scale(s, 1/n)
	}
	if p := m.args.Real("drop"); p > 0 {
		class = f.Op(graph.OpWhere, nil, f.Op(graph.OpLess, nil, f.Uniform("drop", graph.Real()), f.Const(p)), m.whole(f, float64(m.count)), class)
	}
	x, aim := m.way(f, image, noise, t)
	y := m.ask(f, sdk.Mode{}, x, asked, class)
	f.Loss(m.args["loss"], map[string]func(schema.Arguments) graph.Value{
		"mse": func(schema.Arguments) graph.Value { return f.MeanSquare(y, aim) },
		"mae": func(schema.Arguments) graph.Value { return f.Mean(f.Op(graph.OpAbs, nil, f.Sub(y, aim))) },
	})
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
	b.Function("start", func(f *sdk.Function) {
		f.Output("x", f.Normal("start", m.image))
		switch {
		case m.label == "":
		case options.Has("label"):
			f.Output(m.label, m.whole(f, options.Real("label")))
		default:
			f.Output(m.label, f.RandomInt("class", m.class, m.count))
		}
	})
	b.Function("turn", func(f *sdk.Function) {
		x, class := f.Input("x", m.image), m.told(f)
		c := map[string]graph.Value{}
		for _, name := range columns() {
			c[name] = f.Input(name, graph.Scalar())
		}
		// With guidance w it is (1 - w) of the velocity without the class and w of that with it.
		speed := func(x, t graph.Value) graph.Value {
			if m.stepped() {
				t = f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, t)
			}
			t = f.Expand(t, m.time)
			v := m.ask(f, sdk.Mode{Eval: true}, x, t, class)
			if w := options.Real("guidance"); w != 1 && m.label != "" {
				free := m.ask(f, sdk.Mode{Eval: true}, x, t, m.whole(f, float64(m.count)))
				v = f.Add(free, f.Scale(f.Sub(v, free), w))
			}
			return v
		}
		v := speed(x, c["t"])
		if how.at > 0 {
			then := speed(f.Add(x, f.Mul(v, f.Scale(c["h"], how.at))), c["u"])
			v = f.Add(f.Scale(v, how.before), f.Scale(then, how.after))
		}
		f.Output("x", f.Add(x, f.Mul(v, c["h"])))
		if m.label != "" {
			f.Output(m.label, class)
		}
	})
	b.Function("generate", func(f *sdk.Function) {
		x := f.Input("x", m.image)
		if bounds := m.args["clip"].Args["bounds"].Items; m.args.Text("clip") == "range" && len(bounds) == 2 {
			x = f.Op(graph.OpMin, nil, f.Op(graph.OpMax, nil, x, f.Const(bounds[0].Number)), f.Const(bounds[1].Number))
		}
		f.Output("image", x)
	})
	rows := how.table(options.Int("steps"), times)
	b.Sampler(program.Sampler{Name: name, Init: "start", Loop: "turn", Turns: len(rows), Result: "generate", Columns: columns(), Table: rows})
}
