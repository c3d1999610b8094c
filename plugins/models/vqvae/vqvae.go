// Package vqvae is the autoencoder with a codebook (VQ-VAE, van den Oord, Vinyals & Kavukcuoglu, NeurIPS 2017), of real
// numbers or of spikes: with a readout and a spiker it is the first stage of Spiking-Diffusion (Liu et al. 2023, arXiv
// 2308.10187).
//
// It is a component of the built-in plugin, which imports it; it knows the plugin kit alone.
package vqvae

import (
	_ "embed"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed vqvae.md
var doc string

// Roles by attribute path.
const (
	encoder = "encoder"
	readout = "readout"
	spiker  = "spiker"
	decoder = "decoder"
)

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one, two, million := 0.0, 1.0, 2.0, 1e6
	below := 1 - 1e-9
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "vqvae", Version: "1.0", Doc: doc,
			Roles: []schema.Role{
				{Name: encoder, Takes: "network", Doc: "image to features: spikes[d, h, w] where there is a readout, else real[d, h, w]"},
				{Name: readout, Takes: "network", Optional: true, Steps: encoder, Doc: "features to real[d, h, w]: a vector of d numbers for each of h * w places"},
				{Name: spiker, Takes: "network", Optional: true, Doc: "the chosen vectors, real[d, h, w], to spikes"},
				{Name: decoder, Takes: "network", Steps: spiker, Doc: "what the spiker gives, or the chosen vectors where there is none, to image"},
			},
			Params: []schema.Param{
				{Name: "codes", Type: schema.Int, Required: true, Min: &two, Max: &million, Doc: "vectors of the codebook; tokens are 0 to codes - 1"},
				{Name: "commit", Type: schema.Real, Default: "0.25", Min: &zero, Doc: "weight of the encoder's part in the distances between features and vectors"},
				{Name: "loss", Type: schema.Terms, Default: "mse", Doc: "weighted sum of terms", Choices: []schema.Choice{
					{Name: "mse", Doc: "mean squared error of the reconstruction, over pixels", Params: []schema.Param{
						{Name: "relative", Type: schema.Bool, Default: "false", Doc: "divided by the variance of all pixels of the training set"}}},
					{Name: "mae", Doc: "mean absolute error of the reconstruction, over pixels"},
					{Name: "psp", Doc: "squared difference of the postsynaptic traces of the spiker's and the encoder's spikes, mean over all of them, for the spiker; and times `commit` for the encoder", Params: []schema.Param{
						{Name: "tau", Type: schema.Time, Default: "2 steps", Min: &one, Doc: "time constant of the trace"}}},
				}},
				{Name: "codebook", Type: schema.OneOf, Default: "gradient", Doc: "how the vectors learn", Choices: []schema.Choice{
					{Name: "gradient", Doc: "by the optimizer, down the gradient of their mean squared distance to what they stand for"},
					{Name: "moving", Doc: "as moving averages of what they stand for", Params: []schema.Param{
						{Name: "decay", Type: schema.Real, Default: "0.99", Min: &zero, Max: &below, Doc: "share of the average that a batch leaves"}}},
				}},
				{Name: "revive", Type: schema.Int, Min: &one, Doc: "at the end of each epoch, vectors that stood for fewer places of its images than this are set to those of places of the last batch, drawn at random; absent: never"},
			},
			Exports: []string{"encode", "decode", "reconstruct"},
		},
		Build: build,
	}
}

// vqvae is a model under construction.
type vqvae struct {
	b        *sdk.ProgramBuilder
	args     schema.Arguments
	image    graph.Type
	features graph.Type // what the encoder gives
	vectors  graph.Type // real[d, h, w]: a vector for each place
}

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return "", nil, fmt.Errorf("build vqvae: %w", err)
	}
	if b.Role(encoder) == nil || b.Role(decoder) == nil {
		return "", nil, fmt.Errorf("build vqvae: a network is missing in the request")
	}
	image, c := r.Image()
	if len(c) > 0 {
		return "", c, nil
	}
	v := &vqvae{b: b, args: r.Arguments, image: image}
	if c := v.borders(); len(c) > 0 {
		return "", c, nil
	}
	if c := v.terms(); len(c) > 0 {
		return "", c, nil
	}
	v.codebook()
	steps := []program.Step{{Function: "step", Moves: v.moves()}}
	if v.args.Has("revive") {
		b.Function("revive", v.revive)
		steps = append(steps, program.Step{Function: "revive", Epoch: true})
	}
	b.Function("step", v.step)
	b.Function("encode", func(f *sdk.Function) { f.Output("tokens", f.Reshape(v.encode(f), v.places()...)) })
	b.Function("decode", func(f *sdk.Function) {
		tokens := f.Input("tokens", graph.Real(v.places()...).With(graph.I32))
		f.Output("image", v.decode(f, f.Reshape(tokens, v.cells())))
	})
	b.Function("reconstruct", func(f *sdk.Function) { f.Output("image", v.decode(f, v.encode(f))) })
	b.Stream("images", "image")
	b.Stage("train", "images", steps...)
	for _, name := range []string{"encode", "decode", "reconstruct"} {
		b.Export(name, name)
	}
	text, err := b.Finish()
	return text, nil, err
}

// moves are the roles and variables that a training step moves.
func (v *vqvae) moves() []string {
	var out []string
	for _, r := range []string{encoder, readout, spiker, decoder} {
		if v.b.Role(r) != nil {
			out = append(out, r)
		}
	}
	if !v.moving() {
		out = append(out, book)
	}
	return out
}

// borders judges the networks: image -> features -> vectors -> spikes -> image, each taking what the one before it gives.
func (v *vqvae) borders() []schema.Complaint {
	from, was := v.image, "the data have images"
	for _, name := range []string{encoder, readout, spiker, decoder} {
		r := v.b.Role(name)
		if r == nil {
			if name == readout {
				v.features, v.vectors = from, from
			}
			continue
		}
		if len(r.In) != 1 {
			return sdk.Complain(name, fmt.Sprintf("leave it one of the type `%s`", sdk.Wire(from)), "the %s takes one parameter, and this one has %d", name, len(r.In))
		}
		takes := r.In[0]
		if r.FreeSteps && takes.Steps > 0 {
			takes.Steps = from.Steps
		}
		if !takes.Equal(from) {
			return sdk.Complain(name, fmt.Sprintf("give its parameter the type `%s`, with as many time steps", sdk.Wire(from)), "the %s takes %s, %s %s", name, sdk.Wire(r.In[0]), was, sdk.Wire(from))
		}
		steps := from.Steps
		from, was = r.Out[0], "the "+name+" gives"
		if r.FreeSteps && from.Steps > 0 {
			from.Steps = steps
		}
		switch {
		case name == encoder && v.b.Role(readout) == nil && from.Steps > 0:
			return sdk.Complain(encoder, "add `readout = NETWORK`, one that ends with `decode`", "without a readout the encoder gives real[d, h, w], and this one gives %s", sdk.Wire(from))
		case name == encoder && v.b.Role(readout) == nil || name == readout:
			if from.Steps > 0 || from.DType != graph.F32 || len(from.Dims) < 2 {
				return sdk.Complain(name, "end it with a convolution, or `reshape` what it gives", "the %s gives a vector for each place, real[d, h, w], and this one gives %s", name, sdk.Wire(from))
			}
		case name == spiker && from.Steps == 0:
			return sdk.Complain(spiker, "let it `encode` the vectors, or leave the spiker out", "the spiker gives spikes, and this one gives %s", sdk.Wire(from))
		}
		switch name {
		case encoder:
			v.features = from
		case readout:
			v.vectors = from
		}
	}
	if !from.Equal(v.image) {
		return sdk.Complain(decoder, "the decoder's result must be an image like those of the data", "the decoder gives %s, the data have images %s", sdk.Wire(from), sdk.Wire(v.image))
	}
	return nil
}

// terms judges the loss.
func (v *vqvae) terms() []schema.Complaint {
	for _, t := range v.args["loss"].Items {
		if t.Text != "psp" {
			continue
		}
		s := v.b.Role(spiker)
		switch {
		case s == nil:
			return sdk.Complain("loss", "leave it out, or add `spiker = NETWORK`", "`psp` compares the spikes of the spiker with those of the encoder, and there is no spiker")
		case !s.Out[0].WithSteps(v.features.Steps).Equal(v.features):
			return sdk.Complain(spiker, "let both end in the same shape", "`psp` compares the spikes of the spiker with those of the encoder, and these are %s and %s", sdk.Wire(s.Out[0]), sdk.Wire(v.features))
		case s.Out[0].Steps != v.features.Steps:
			return sdk.Complain(spiker, "let both encode with one number of steps", "`psp` compares the spikes of the spiker with those of the encoder, which have %d and %d time steps", s.Out[0].Steps, v.features.Steps)
		}
	}
	return nil
}
