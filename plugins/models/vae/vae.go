// Package vae is the variational autoencoder: with a Gaussian latent (Kingma & Welling 2014), and with the autoregressive
// Bernoulli latent of FSVAE, the fully spiking one (Kamata et al., AAAI 2022).
package vae

import (
	_ "embed"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

//go:embed vae.md
var doc string

// Roles by attribute path.
const (
	encoder   = "encoder"
	decoder   = "decoder"
	posterior = "latent.posterior"
	prior     = "latent.prior"
)

// Model returns the plugin component.
func Model() sdk.Model {
	zero, one := 0.0, 1.0
	network := func(name, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.ARole, Required: true, Doc: doc,
			Role: &schema.Role{Name: name, Takes: "network", Steps: encoder}}
	}
	return sdk.Model{
		Component: schema.Component{
			Kind: schema.Model, Name: "vae", Version: "1.0", Doc: doc,
			Roles: []schema.Role{
				{Name: encoder, Takes: "network", Doc: "image to latent: spikes[c] for a Bernoulli latent, real[2 * n] (mean, then log-variance) for a Gaussian one"},
				{Name: decoder, Takes: "network", Steps: encoder, Doc: "latent to image"},
			},
			Params: []schema.Param{
				{Name: "latent", Type: schema.OneOf, Default: "gaussian", Doc: "the distribution of the latent", Choices: []schema.Choice{
					{Name: "gaussian", Doc: "a normal distribution with diagonal covariance"},
					{Name: "bernoulli", Doc: "spikes over time, each one of `choose` outputs picked at random", Params: []schema.Param{
						network("posterior", "(features, latent of the steps before) to choose * c spikes"),
						network("prior", "latent of the steps before to choose * c spikes"),
						{Name: "choose", Type: schema.Int, Required: true, Min: &one, Doc: "how many outputs stand for one latent channel"},
						{Name: "scheduled", Type: schema.Range, Doc: "probability, at the first and after the last epoch, that the prior is fed with its own sample in training; absent: never"},
						{Name: "first", Type: schema.Int, Default: "5", Min: &zero, Doc: "the first time step, counted from 0, whose latent the prior may be fed in its own version"},
					}},
				}},
				{Name: "loss", Type: schema.Terms, Default: "mse", Doc: "weighted sum of terms", Choices: []schema.Choice{
					{Name: "mse", Doc: "mean squared error of the reconstruction, over pixels"},
					{Name: "kl", Doc: "Kullback-Leibler divergence of posterior and prior: summed over the latent, mean over examples", Params: []schema.Param{
						{Name: "free", Type: schema.Real, Default: "0", Min: &zero, Doc: "free bits: what each latent number may tell, in nats and mean over examples, that costs the same as telling nothing (Kingma et al. 2016)"},
						{Name: "warmup", Type: schema.Real, Default: "0", Min: &zero, Max: &one, Doc: "share of the training over which the term grows from 0 to itself (Bowman et al. 2016)"},
					}},
					{Name: "mmd", Doc: "squared difference of the traces of posterior's and prior's firing probabilities (Bernoulli)", Params: []schema.Param{
						{Name: "trace", Type: schema.Time, Default: "2 steps", Min: &one, Doc: "time constant of the postsynaptic trace"},
						{Name: "over", Type: schema.OneOf, Default: "mean", Doc: "how latent and time are taken together", Choices: []schema.Choice{
							{Name: "mean", Doc: "the published code"}, {Name: "sum", Doc: "the paper: so many times as much as there are latent numbers"}}},
					}},
				}},
				sdk.LabelParam("which networks that take one parameter more are told in the last one"),
			},
			Samplers: []schema.Choice{{Name: "ancestral", Doc: "latent from the prior, then the decoder", Params: []schema.Param{sdk.LabelOption()}}},
			Exports:  []string{"generate", "reconstruct", "encode", "bound"},
		},
		Build: build, Sampler: sampler,
	}
}

// build returns the program for checked arguments.
func build(r sdk.BuildRequest) (string, []schema.Complaint, error) {
	v, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	b := v.b
	if v.args.Text("latent") == "gaussian" {
		v.gaussian()
	} else {
		v.bernoulli()
	}
	v.sampler(nil)
	b.Stream("images", v.label.Fields("image")...)
	b.Stage("train", "images", program.Step{Function: "step", Moves: v.moves})
	b.Export("generate", "generate")
	b.Export("reconstruct", "reconstruct")
	b.Export("encode", "encode")
	if v.args.Text("latent") == "gaussian" && v.variance() > 0 {
		b.Export("bound", "bound")
	}
	text, err := b.Finish()
	return text, nil, err
}

// sampler returns the program of the sampler for its options.
func sampler(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
	v, c, err := start(r)
	if err != nil || len(c) > 0 {
		return "", c, err
	}
	if name != "ancestral" {
		return "", nil, fmt.Errorf("build sampler: unknown sampler %q", name)
	}
	if c := v.label.CheckOptions(options); len(c) > 0 {
		return "", c, nil
	}
	v.sampler(options)
	text, err := v.b.Finish()
	return text, nil, err
}

// start judges what both calls are given.
func start(r sdk.BuildRequest) (*vae, []schema.Complaint, error) {
	b := sdk.NewProgram(r.Networks)
	if err := b.Err(); err != nil {
		return nil, nil, fmt.Errorf("build vae: %w", err)
	}
	image, c := r.Image()
	if len(c) > 0 {
		return nil, c, nil
	}
	enc, dec := b.Role(encoder), b.Role(decoder)
	latent := r.Arguments.Text("latent")
	if enc == nil || dec == nil || latent != "gaussian" && (b.Role(posterior) == nil || b.Role(prior) == nil) {
		return nil, nil, fmt.Errorf("build vae: a network is missing in the request")
	}
	v := &vae{b: b, image: image, args: r.Arguments, enc: enc, dec: dec, own: map[string]int{encoder: 1, decoder: 1, posterior: 2, prior: 1}}
	if c = v.classes(r); len(c) > 0 {
		return nil, c, nil
	}
	if c = v.borders(); len(c) > 0 {
		return nil, c, nil
	}
	if latent == "gaussian" {
		return v, v.checkGaussian(), nil
	}
	return v, v.checkBernoulli(), nil
}

type vae struct {
	b        *sdk.ProgramBuilder
	image    graph.Type
	args     schema.Arguments
	enc, dec *program.Role
	moves    []string
	label    sdk.Label
	own      map[string]int // how many inputs a role has besides the class
}

// told reports whether a role takes the class.
func (v *vae) told(role string) bool {
	r := v.b.Role(role)
	return r != nil && v.label.Told(r, v.own[role])
}

// inputs returns how many inputs a role has, the class not among them where it is told.
func (v *vae) inputs(r *program.Role) int {
	if v.told(r.Name) {
		return len(r.In) - 1
	}
	return len(r.In)
}

// classes judges what networks are told of the class.
func (v *vae) classes(r sdk.BuildRequest) (c []schema.Complaint) {
	if v.label, c = r.Label(); len(c) > 0 {
		return c
	}
	if v.label.Field != "" && !v.told(decoder) && !v.told(prior) {
		return sdk.Complain("label", fmt.Sprintf("give the decoder a parameter more, `y: real[%d]`", v.label.All), "no network that draws is told the class")
	}
	for _, n := range r.Networks {
		if c = v.label.Check(n, v.b.Role(n.Role), v.own[n.Role]); len(c) > 0 {
			return c
		}
	}
	return nil
}

// sampler adds the sampler with the functions that it runs.
func (v *vae) sampler(options schema.Arguments) {
	if v.args.Text("latent") == "gaussian" {
		v.sampleGaussian(options)
	} else {
		v.sampleBernoulli(options)
	}
}

// divergence is the term `kl`, of what each latent number of each example adds to it but for a factor. What a number adds,
// mean over examples, counts as no less than `free` (Kingma et al. 2016, appendix C8); in the first `warmup` of the training
// the term grows evenly.
func divergence(f *sdk.Function, each graph.Value, factor float64, a schema.Arguments) graph.Value {
	axes := []graph.Axis{0}
	if each.Type().Steps > 0 {
		axes = []graph.Axis{graph.TimeAxis, 0}
	}
	scaled := func(x graph.Value) graph.Value {
		if factor == 1 {
			return x
		}
		return f.Scale(x, factor)
	}
	var sum graph.Value
	if free := a.Real("free"); free > 0 {
		sum = f.Reduce("sum", f.Op(graph.OpMax, nil, scaled(f.Reduce("mean", each, graph.BatchAxis)), f.Const(free)), axes...)
	} else {
		sum = f.Reduce("mean", scaled(f.Reduce("sum", each, axes...)), graph.BatchAxis)
	}
	if warmup := a.Real("warmup"); warmup > 0 {
		sum = f.Mul(sum, f.Op(graph.OpMin, nil, f.Scale(f.Host("progress"), 1/warmup), f.Const(1)))
	}
	return sum
}

// borders judges what both latents share: one image in, one image out.
func (v *vae) borders() []schema.Complaint {
	var c []schema.Complaint
	image, enc, dec := v.image, v.enc, v.dec
	switch {
	case v.inputs(enc) != 1:
		c = append(c, sdk.Complain(encoder, fmt.Sprintf("leave it `image: %s`, or add the class by `label`", sdk.Wire(image)), "the encoder takes the image alone, and this one has %d parameters", len(enc.In))...)
	case !enc.In[0].Equal(image):
		c = append(c, sdk.Complain(encoder, "give the encoder's parameter the size of the images, or the data set the size of the network", "the encoder takes %s, the data have images %s", sdk.Wire(enc.In[0]), sdk.Wire(image))...)
	}
	switch {
	case v.inputs(dec) != 1:
		c = append(c, sdk.Complain(decoder, "leave it the latent, or add the class by `label`", "the decoder takes the latent alone, and this one has %d parameters", len(dec.In))...)
	case !dec.Out[0].Equal(image):
		c = append(c, sdk.Complain(decoder, "the decoder's result must be an image like those of the data", "the decoder gives %s, the data have images %s", sdk.Wire(dec.Out[0]), sdk.Wire(image))...)
	}
	return c
}
