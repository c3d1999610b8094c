// Package diffusion is the denoising diffusion model (Ho, Jain & Abbeel 2020), of which SDDPM (Cao et al., WACV 2024) is the one
// with a spiking denoiser. A schedule says how noise grows over the steps of the diffusion; a denoiser learns to tell the noise
// of an image at any of them; samplers go from noise to an image along a table that is computed in float64.
package diffusion

import (
	_ "embed"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed diffusion.md
var doc string

const denoiser = "denoiser" // the role

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, most := 0.0, 1.0, 10_000.0
	fraction := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: &zero, Max: &one, Doc: doc}
	}
	spacing := schema.Param{Name: "spacing", Type: schema.OneOf, Default: "trailing", Doc: "which steps", Choices: []schema.Choice{
		{Name: "trailing", Doc: "evenly back from the last"}, {Name: "leading", Doc: "evenly on from step 0"},
		{Name: "linspace", Doc: "evenly between the last and step 0, both among them"},
		{Name: "sddpm", Doc: "as trailing, ending at step 0 instead of at the image: the published code of SDDPM"},
	}}
	class := []schema.Param{sdk.GuidanceOption("denoiser's answer"), sdk.LabelOption()}
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "diffusion", Version: "1.0", Doc: doc,
			Roles: []schema.Role{{Name: denoiser, Takes: "network", Doc: "(noisy image, step) to what `predict` says, of the image's shape; with `label` the class is its third parameter"}},
			Params: []schema.Param{
				{Name: "steps", Type: schema.Int, Default: "1000", Min: &one, Max: &most, Doc: "how many steps lead from an image to noise"},
				{Name: "beta", Type: schema.OneOf, Default: "linear(1e-4, 0.02)", Doc: "the variance of the noise that each step adds", Choices: []schema.Choice{
					{Name: "linear", Doc: "rises evenly (Ho et al. 2020)", Params: []schema.Param{
						fraction("first", "1e-4", "of the first step"), fraction("last", "0.02", "of the last step")}},
					{Name: "cosine", Doc: "the image fades as a squared cosine; no step is above 0.999 (Nichol & Dhariwal 2021)", Params: []schema.Param{
						fraction("offset", "0.008", "keeps the first steps from being too small")}},
				}},
				{Name: "predict", Type: schema.OneOf, Default: "eps", Doc: "what the denoiser tells", Choices: []schema.Choice{
					{Name: "eps", Doc: "the noise"}, {Name: "x0", Doc: "the image"},
					{Name: "v", Doc: "sqrt(kept) noise - sqrt(1 - kept) image, kept being the share of the image's variance (Salimans & Ho 2022)"},
				}},
				sdk.DifferenceParam("the denoiser's result and what it is to be"),
				sdk.ClipParam("samplers hold their estimate of the image"),
				sdk.LabelParam("which the denoiser is then told"), sdk.DropParam(),
			},
			Samplers: []schema.Choice{
				{Name: "ddpm", Doc: "with fresh noise at each step (Ho et al. 2020)", Params: append([]schema.Param{
					{Name: "variance", Type: schema.OneOf, Default: "large", Doc: "of the fresh noise", Choices: []schema.Choice{
						{Name: "small", Doc: "that of the posterior, right where the data are a single image"},
						{Name: "large", Doc: "that which the step adds, right where the data are normal numbers"},
						{Name: "single", Doc: "`beta`, even where several steps are made in one: the published code of SDDPM"},
					}},
					{Name: "steps", Type: schema.Int, Min: &one, Max: &most, Doc: "how often the denoiser is asked; absent: at every step"},
					spacing,
				}, class...)},
				{Name: "ddim", Doc: "some of the steps, without fresh noise where `eta` is 0 (Song et al. 2021)", Params: append([]schema.Param{
					{Name: "steps", Type: schema.Int, Default: "50", Min: &one, Max: &most, Doc: "how often the denoiser is asked"},
					fraction("eta", "0", "share of the fresh noise of `ddpm(variance = small)`"),
					spacing,
				}, class...)},
				{Name: "dpm", Doc: "few steps, without fresh noise: DPM-Solver++ of second order in two steps (Lu et al. 2022)", Params: append([]schema.Param{
					{Name: "steps", Type: schema.Int, Default: "20", Min: &one, Max: &most, Doc: "how often the denoiser is asked"},
					spacing,
				}, class...)},
			},
			Exports: []string{"denoise", "bound"},
		},
		Build:   build,
		Sampler: sampler,
	}
}

// diffusion is a model under construction.
type diffusion struct {
	b     *sdk.ProgramBuilder
	args  schema.Arguments
	image graph.Type
	noise schedule
	label sdk.Label
	clip  [2]float64
}

// start judges what both calls are given.
func start(r sdk.BuildRequest) (*diffusion, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return nil, nil, fmt.Errorf("build diffusion: %w", err)
	}
	net := b.Role(denoiser)
	if net == nil {
		return nil, nil, fmt.Errorf("build diffusion: the denoiser is missing in the request")
	}
	image, c := r.Image()
	if len(c) > 0 {
		return nil, c, nil
	}
	d := &diffusion{b: b, args: r.Arguments, image: image, noise: newSchedule(r.Arguments.Int("steps"), r.Arguments["beta"])}
	var of, cut []schema.Complaint
	d.label, of = r.Label()
	d.clip, cut = r.Clipping()
	if c = slices.Concat(d.noise.complaints(r.Arguments["beta"]), of, cut); len(c) > 0 {
		return d, c, nil
	}
	return d, d.borders(net, r.Networks[0]), nil
}

// borders judges the denoiser: (image, step) -> image, or (image, step, class) -> image.
func (d *diffusion) borders(net *program.Role, n schema.Network) []schema.Complaint {
	step := sdk.Int()
	image := sdk.Wire(d.image)
	takes, more, inputs := "an image and a step", "", 2
	if d.label.Field != "" {
		takes, more, inputs = "an image, a step and a class", fmt.Sprintf(", y: real[%d]", d.label.All), 3
	}
	signature := fmt.Sprintf("write `network %s(image: %s, s: step%s) -> %s`", n.Name, image, more, image)
	switch {
	case len(net.In) == 3 && d.label.Field == "":
		return d.label.Check(n, net, 2)
	case len(net.In) != inputs:
		return sdk.Complain(denoiser, signature, "the denoiser takes %s, and this one has %s", takes, count(len(net.In), "parameter"))
	case net.In[0].Equal(step) && net.In[1].Equal(d.image):
		return sdk.Complain(denoiser, signature, "the denoiser takes the image first and then the step")
	case !net.In[0].Equal(d.image):
		return sdk.Complain(denoiser, signature, "the denoiser takes %s, the data have images %s", sdk.Wire(net.In[0]), sdk.Wire(d.image))
	case !net.In[1].Equal(step):
		return sdk.Complain(denoiser, signature, "the denoiser takes a step beside the image, and this one %s", sdk.Wire(net.In[1]))
	case !net.Out[0].Equal(d.image):
		help := signature
		if net.Out[0].Steps > 0 {
			help = "end the denoiser with `decode`"
		}
		return sdk.Complain(denoiser, help, "the denoiser gives %s, the data have images %s", sdk.Wire(net.Out[0]), sdk.Wire(d.image))
	}
	steps := len(d.noise.kept)
	if table := sdk.ShortestTable(n.Graph, 1); table > 0 && table < steps {
		return sdk.Complain(denoiser, fmt.Sprintf("write `count = %d` in its `sinusoid` or `embedding`, or `steps = %d` in the model", steps, table),
			"the denoiser has a table of %s, and the diffusion has %d", count(table, "step"), steps)
	}
	return d.label.Check(n, net, 2)
}

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	d, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	b := d.b
	b.Function("step", d.step)
	b.Function("denoise", func(f *sdk.Function) {
		x, s := f.Input("image", d.image), f.Input("s", sdk.Int())
		y := d.ask(f, sdk.Mode{Eval: true}, x, s, d.label.Input(f))
		f.Output("image", d.restored(f, x, y, s))
	})
	b.Stream("images", d.label.Fields("image")...)
	b.Stage("train", "images", program.Step{Function: "step", Moves: []string{denoiser}})
	b.Export("denoise", "denoise")
	b.Function("bound", d.bound)
	b.Export("bound", "bound")
	// The sheets while it is trained; samplers with options are asked for one by one.
	sheets := schema.Arguments{"steps": {Type: schema.Int, Number: float64(min(sdk.SheetTurns, len(d.noise.kept)))}, "spacing": {Type: schema.OneOf, Text: "trailing"}}
	rows, c := d.noise.table(d.args.Text("predict"), "ddim", sheets)
	if len(c) > 0 {
		return "", c, nil
	}
	d.sampler("ddim", rows, nil)
	text, err := b.Finish()
	return text, nil, err
}

// sampler returns the program of one sampler for its options.
func sampler(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	d, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	if name != "ddpm" && name != "ddim" && name != "dpm" {
		return "", nil, fmt.Errorf("build sampler: unknown sampler %q", name)
	}
	if c := d.label.CheckOptions(options); len(c) > 0 {
		return "", c, nil
	}
	rows, c := d.noise.table(d.args.Text("predict"), name, options)
	if len(c) > 0 {
		return "", c, nil
	}
	d.sampler(name, rows, options)
	text, err := d.b.Finish()
	return text, nil, err
}

// ask applies the denoiser to an image, a step and the class.
func (d *diffusion) ask(f *sdk.Function, m sdk.Mode, x, s, class graph.Value) graph.Value {
	return d.label.Apply(f, denoiser, m, class, x, s)[0]
}

// restored is the estimate of the image that follows from a noisy one, x, and the denoiser's answer y, held within its bounds.
func (d *diffusion) restored(f *sdk.Function, x, y, s graph.Value) graph.Value {
	of := func(i int) graph.Value {
		return d.at(f, s, func(s int) float64 { return d.noise.estimate(d.args.Text("predict"), s).image[i] })
	}
	return f.Clip(f.Add(f.Mul(x, of(0)), f.Mul(y, of(1))), d.clip)
}

// at returns, for a step of each example, a number that is a function of the step.
func (d *diffusion) at(f *sdk.Function, s graph.Value, of func(s int) float64) graph.Value {
	values := make([]float64, len(d.noise.kept))
	for i := range values {
		values[i] = of(i)
	}
	return f.Op(graph.OpRows, nil, f.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{len(values)}}), s)
}

// amplitudes are those of image and noise at a step.
func (d *diffusion) amplitudes(f *sdk.Function, s graph.Value) (keep, blur graph.Value) {
	keep = d.at(f, s, func(s int) float64 { return math.Sqrt(d.noise.kept[s]) })
	blur = d.at(f, s, func(s int) float64 { return math.Sqrt(1 - d.noise.kept[s]) })
	return keep, blur
}

// step is the training function, algorithm 1 of DDPM: each example at a step of its own, all of them alike likely.
func (d *diffusion) step(f *sdk.Function) {
	image := f.Input("image", d.image)
	s := f.RandomInt("s", sdk.Int(), len(d.noise.kept))
	noise := f.Normal("noise", d.image)
	keep, blur := d.amplitudes(f, s)
	class := d.label.Withheld(f, d.label.Input(f))
	y := d.ask(f, sdk.Mode{}, f.Add(f.Mul(image, keep), f.Mul(noise, blur)), s, class)
	aim := noise
	switch d.args.Text("predict") {
	case "x0":
		aim = image
	case "v":
		aim = f.Sub(f.Mul(noise, keep), f.Mul(image, blur))
	}
	f.Difference(d.args["loss"], y, aim)
}

// sampler adds a sampler with its functions: from noise, one turn for each row of the table, to what the last turn leaves.
func (d *diffusion) sampler(name string, rows [][]float64, options schema.Arguments) {
	b, back := d.b, twoStep(name)
	b.Function("start", func(f *sdk.Function) {
		f.Output("x", f.Normal("start", d.image))
		if back {
			f.Output("before", f.Zeros(d.image))
		}
	})
	b.Function("turn", func(f *sdk.Function) {
		x, class := f.Input("x", d.image), d.label.Drawn(f, options)
		c := map[string]graph.Value{}
		for _, name := range columns(back) {
			c[name] = f.Input(name, graph.Scalar())
		}
		s := f.Expand(f.Int(c["s"]), sdk.Int())
		y := d.label.Guided(f, options, class, func(class graph.Value) graph.Value { return d.ask(f, sdk.Mode{Eval: true}, x, s, class) })
		x0 := f.Clip(f.Add(f.Mul(x, c["a"]), f.Mul(y, c["b"])), d.clip)
		next := f.Add(f.Mul(x0, c["c"]), f.Mul(x, c["d"]))
		next = f.Add(next, f.Mul(y, c["e"]))
		if back {
			next = f.Add(next, f.Mul(f.Input("before", d.image), c["f"]))
			f.Output("before", x0)
		}
		f.Output("x", f.Add(next, f.Mul(f.Normal("noise", d.image), c["sigma"])))
	})
	b.Function("generate", func(f *sdk.Function) { f.Output("image", f.Input("x", d.image)) })
	b.Sampler(program.Sampler{Name: name, Given: d.label.Given(options), Init: "start", Loop: "turn", Turns: len(rows), Result: "generate", Columns: columns(back), Table: rows})
}
