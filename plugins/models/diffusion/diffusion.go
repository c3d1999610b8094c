// Package diffusion is the denoising diffusion model (Ho, Jain & Abbeel 2020), of which SDDPM (Cao et al., WACV 2024) is the one
// with a spiking denoiser. A schedule says how noise grows over the steps of the diffusion; a denoiser learns to tell the noise
// of an image at any of them; samplers go from noise to an image along a table that is computed in float64.
package diffusion

import (
	_ "embed"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed diffusion.md
var doc string

const denoiser = "denoiser" // the role

// sheetSteps is how many turns the sheets take that are drawn while the model is trained.
const sheetSteps = 50

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, most := 0.0, 1.0, 10_000.0
	fraction := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: &zero, Max: &one, Doc: doc}
	}
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "diffusion", Version: "1.0", Doc: doc,
			Roles: []schema.Role{{Name: denoiser, Takes: "network", Doc: "(noisy image, step) to what `predict` says, of the image's shape"}},
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
				{Name: "loss", Type: schema.Terms, Default: "mse", Doc: "weighted sum of terms, of the denoiser's result and what it is to be", Choices: []schema.Choice{
					{Name: "mse", Doc: "mean squared difference, over pixels"}, {Name: "mae", Doc: "mean absolute difference, over pixels"},
				}},
				{Name: "clip", Type: schema.OneOf, Default: "range(-1..1)", Doc: "where samplers hold their estimate of the image: the range of the data", Choices: []schema.Choice{
					{Name: "range", Doc: "within bounds", Params: []schema.Param{{Name: "bounds", Type: schema.Range, Required: true, Doc: "least and greatest value of a pixel"}}},
					{Name: "none", Doc: "for data without bounds"},
				}},
			},
			Samplers: []schema.Choice{
				{Name: "ddpm", Doc: "all steps, with fresh noise at each (Ho et al. 2020)", Params: []schema.Param{
					{Name: "variance", Type: schema.OneOf, Default: "large", Doc: "of the fresh noise", Choices: []schema.Choice{
						{Name: "small", Doc: "that of the posterior, right where the data are a single image"},
						{Name: "large", Doc: "that which the step adds, right where the data are normal numbers"},
					}},
				}},
				{Name: "ddim", Doc: "some of the steps, without fresh noise where `eta` is 0 (Song et al. 2021)", Params: []schema.Param{
					{Name: "steps", Type: schema.Int, Default: "50", Min: &one, Max: &most, Doc: "how often the denoiser is asked"},
					fraction("eta", "0", "share of the fresh noise of `ddpm(variance = small)`"),
					{Name: "spacing", Type: schema.OneOf, Default: "trailing", Doc: "which steps", Choices: []schema.Choice{
						{Name: "trailing", Doc: "evenly back from the last"}, {Name: "leading", Doc: "evenly on from step 0"},
						{Name: "linspace", Doc: "evenly between the last and step 0, both among them"},
						{Name: "sddpm", Doc: "as trailing, ending at step 0 with its noise instead of at the image: the published code of SDDPM"},
					}},
				}},
			},
			Exports: []string{"denoise"},
		},
		Build:   build,
		Sampler: sampler,
	}
}

func complain(path, help, format string, args ...any) []schema.Complaint {
	return []schema.Complaint{{Path: path, Summary: fmt.Sprintf(format, args...), Help: help}}
}

// diffusion is a model under construction.
type diffusion struct {
	b     *sdk.ProgramBuilder
	args  schema.Arguments
	image graph.Type
	noise schedule
}

// start judges what both calls are given.
func start(r sdk.BuildRequest) (*diffusion, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return nil, nil, err
	}
	net := b.Role(denoiser)
	if net == nil {
		return nil, nil, fmt.Errorf("the denoiser is missing in the request")
	}
	image, ok := r.Fields["image"]
	if !ok {
		return nil, complain("", "train it on a data set of images", "a diffusion model is trained on images, and the data have no field `image`"), nil
	}
	d := &diffusion{b: b, args: r.Arguments, image: image, noise: newSchedule(r.Arguments.Int("steps"), r.Arguments["beta"])}
	c := d.noise.complaints(r.Arguments["beta"])
	return d, append(c, d.borders(net, r.Networks[0])...), nil
}

// borders judges the denoiser: (image, step) -> image.
func (d *diffusion) borders(net *program.Role, n schema.Network) []schema.Complaint {
	step := graph.Real().With(graph.I32)
	image := sdk.Wire(d.image)
	signature := fmt.Sprintf("write `network %s(image: %s, s: step) -> %s`", n.Name, image, image)
	switch {
	case len(net.In) != 2:
		return complain(denoiser, signature, "the denoiser takes an image and a step, and this one has %s", count(len(net.In), "parameter"))
	case net.In[0].Equal(step) && net.In[1].Equal(d.image):
		return complain(denoiser, signature, "the denoiser takes the image first and then the step")
	case !net.In[0].Equal(d.image):
		return complain(denoiser, signature, "the denoiser takes %s, the data have images %s", sdk.Wire(net.In[0]), sdk.Wire(d.image))
	case !net.In[1].Equal(step):
		return complain(denoiser, signature, "the denoiser takes a step beside the image, and this one %s", sdk.Wire(net.In[1]))
	case !net.Out[0].Equal(d.image):
		help := signature
		if net.Out[0].Steps > 0 {
			help = "end the denoiser with `decode`"
		}
		return complain(denoiser, help, "the denoiser gives %s, the data have images %s", sdk.Wire(net.Out[0]), sdk.Wire(d.image))
	}
	steps := len(d.noise.kept)
	if table := shortest(n.Graph); table > 0 && table < steps {
		return complain(denoiser, fmt.Sprintf("write `count = %d` in its `sinusoid` or `embedding`, or `steps = %d` in the model", steps, table),
			"the denoiser has a table of %s, and the diffusion has %d", count(table, "step"), steps)
	}
	return nil
}

// shortest returns the length of the shortest table that a denoiser looks its step up in, 0 where there is none.
func shortest(text string) int {
	m, err := graph.Parse(text)
	if err != nil {
		return 0 // NewProgram has told
	}
	found := 0
	for _, g := range m.Functions {
		for _, n := range g.Nodes {
			if n.Op != graph.OpRows || n.In[1].Node != g.Inputs[1] {
				continue
			}
			if rows := n.In[0].Type().Dims[0]; found == 0 || rows < found {
				found = rows
			}
		}
	}
	return found
}

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	d, c, err := start(r)
	if err != nil || len(c) > 0 {
		if err != nil {
			err = fmt.Errorf("build diffusion: %w", err)
		}
		return "", c, err
	}
	b := d.b
	b.Function("step", d.step)
	b.Function("denoise", func(f *sdk.Function) {
		x, s := f.Input("image", d.image), f.Input("s", graph.Real().With(graph.I32))
		y := f.Apply(denoiser, sdk.Mode{Eval: true}, x, s)[0]
		of := func(i int) graph.Value {
			return d.at(f, s, func(s int) float64 { return d.noise.estimate(d.args.Text("predict"), s).image[i] })
		}
		f.Output("image", d.clip(f, f.Add(f.Mul(x, of(0)), f.Mul(y, of(1)))))
	})
	b.Stream("images", "image")
	b.Stage("train", "images", program.Step{Function: "step", Moves: []string{denoiser}})
	b.Export("denoise", "denoise")
	// The sheets while it is trained; samplers with options are asked for one by one.
	sheets := schema.Arguments{"steps": {Type: schema.Int, Number: float64(min(sheetSteps, len(d.noise.kept)))}, "spacing": {Type: schema.OneOf, Text: "trailing"}}
	rows, c := d.noise.table(d.args.Text("predict"), "ddim", sheets)
	if len(c) > 0 {
		return "", c, nil
	}
	d.sampler("ddim", rows)
	text, err := b.Finish()
	return text, nil, err
}

// sampler returns the program of one sampler for its options.
func sampler(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	d, c, err := start(r)
	if err != nil || len(c) > 0 {
		if err != nil {
			err = fmt.Errorf("build sampler %s: %w", name, err)
		}
		return "", c, err
	}
	if name != "ddpm" && name != "ddim" {
		return "", nil, fmt.Errorf("build sampler: unknown sampler %q", name)
	}
	rows, c := d.noise.table(d.args.Text("predict"), name, options)
	if len(c) > 0 {
		return "", c, nil
	}
	d.sampler(name, rows)
	text, err := d.b.Finish()
	return text, nil, err
}

// at returns, for a step of each example, a number that is a function of the step.
func (d *diffusion) at(f *sdk.Function, s graph.Value, of func(s int) float64) graph.Value {
	values := make([]float64, len(d.noise.kept))
	for i := range values {
		values[i] = of(i)
	}
	return f.Op(graph.OpRows, nil, f.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{len(values)}}), s)
}

// step is the training function, algorithm 1 of DDPM: each example at a step of its own, all of them alike likely.
func (d *diffusion) step(f *sdk.Function) {
	image := f.Input("image", d.image)
	s := f.RandomInt("s", graph.Real().With(graph.I32), len(d.noise.kept))
	noise := f.Normal("noise", d.image)
	keep := d.at(f, s, func(s int) float64 { return math.Sqrt(d.noise.kept[s]) })
	blur := d.at(f, s, func(s int) float64 { return math.Sqrt(1 - d.noise.kept[s]) })
	y := f.Apply(denoiser, sdk.Mode{}, f.Add(f.Mul(image, keep), f.Mul(noise, blur)), s)[0]
	aim := noise
	switch d.args.Text("predict") {
	case "x0":
		aim = image
	case "v":
		aim = f.Sub(f.Mul(noise, keep), f.Mul(image, blur))
	}
	f.Loss(d.args["loss"], map[string]func(schema.Arguments) graph.Value{
		"mse": func(schema.Arguments) graph.Value { return f.MeanSquare(y, aim) },
		"mae": func(schema.Arguments) graph.Value { return f.Mean(f.Op(graph.OpAbs, nil, f.Sub(y, aim))) },
	})
}

// clip holds an estimate of the image in the range of the data.
func (d *diffusion) clip(f *sdk.Function, x graph.Value) graph.Value {
	bounds := d.args["clip"].Args["bounds"].Items
	if d.args.Text("clip") != "range" || len(bounds) != 2 {
		return x
	}
	return f.Op(graph.OpMin, nil, f.Op(graph.OpMax, nil, x, f.Const(bounds[0].Number)), f.Const(bounds[1].Number))
}

// sampler adds a sampler with its functions: from noise, one turn for each row of the table, to what the last turn leaves.
func (d *diffusion) sampler(name string, rows [][]float64) {
	b := d.b
	b.Function("start", func(f *sdk.Function) { f.Output("x", f.Normal("start", d.image)) })
	b.Function("turn", func(f *sdk.Function) {
		x := f.Input("x", d.image)
		c := map[string]graph.Value{}
		for _, name := range columns() {
			c[name] = f.Input(name, graph.Scalar())
		}
		s := f.Expand(f.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, c["s"]), graph.Real().With(graph.I32))
		y := f.Apply(denoiser, sdk.Mode{Eval: true}, x, s)[0]
		x0 := d.clip(f, f.Add(f.Mul(x, c["a"]), f.Mul(y, c["b"])))
		next := f.Add(f.Mul(x0, c["c"]), f.Mul(x, c["d"]))
		next = f.Add(next, f.Mul(y, c["e"]))
		f.Output("x", f.Add(next, f.Mul(f.Normal("noise", d.image), c["sigma"])))
	})
	b.Function("generate", func(f *sdk.Function) { f.Output("image", f.Input("x", d.image)) })
	b.Sampler(program.Sampler{Name: name, Init: "start", Loop: "turn", Turns: len(rows), Result: "generate", Columns: columns(), Table: rows})
}
