package experiment

import (
	"context"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/metric"
)

// dataSetting names the data that a model is trained on, and those that an evaluation compares with.
const dataSetting = "data"

// Catalogue is all that a spec may name: the components of the built-in plugin and of those that it uses, data sets, and the
// settings of actions. Plugins are asked for the graphs of coders.
func Catalogue(ctx context.Context, h *host.Host, builtin schema.Plugin, used map[string]schema.Plugin) *check.Catalogue {
	return &check.Catalogue{
		Components: builtin.Components,
		Used:       used,
		Plugins:    h.Plugins(),
		Data:       data.Schemas(),
		Settings: map[string][]schema.Param{
			"train":    trainSettings(),
			"sample":   sampleSettings(),
			"evaluate": evaluateSettings(),
			"deploy":   deploySettings(),
		},
		Shape: data.Shape,
		Graph: func(k *check.Coder, in check.Wire, at diag.Range) (check.CoderGraph, diag.List) {
			return build.CoderGraph(ctx, h, k, in, at)
		},
		Opaque: func(n *check.Neuron, dims []int, at diag.Range) (string, diag.List) {
			return build.OpaqueNeuron(ctx, h, n, dims, at)
		},
	}
}

// Pool returns workers for programs of the experiment's models; its plugins compute their opaque operators. Close it after use.
func (x *Experiment) Pool(threads int) *exec.Pool {
	p := exec.NewPool(threads)
	p.Opaque = x.host.Opaque()
	return p
}

func at(v float64) *float64 { return &v }

func trainSettings() []schema.Param {
	return []schema.Param{
		{Name: dataSetting, Doc: "a data set of this file"},
		{Name: "batch", Type: schema.Int, Required: true, Min: at(1), Max: at(1 << 20), Doc: "examples per batch"},
		{Name: "epochs", Type: schema.Int, Min: at(1), Max: at(1e9), Doc: "passes over the data; or give `iterations`"},
		{Name: "iterations", Type: schema.Int, Min: at(1), Max: at(1e12), Doc: "updates of the parameters; or give `epochs`"},
		{Name: "optimizer", Type: schema.OneOf, Required: true, Choices: optimizers(), Doc: "what moves the parameters; `each(ROLE = ...)` where it differs per role"},
		{Name: "average", Type: schema.Real, Default: "0", Min: at(0), Max: at(1), Doc: "decay of the exponential average of weights and running statistics that sampling and evaluation use, at update n at most (1 + n) / (10 + n); 0: none"},
		{Name: "accumulate", Type: schema.Int, Default: "1", Min: at(1), Max: at(1 << 20), Doc: "batches per update, whose gradients are averaged"},
		{Name: "seed", Type: schema.Int, Default: "0", Min: at(0), Doc: "of initial weights, order of examples and random numbers"},
		{Name: "precision", Type: schema.OneOf, Default: "single", Choices: []schema.Choice{{Name: "single", Doc: "IEEE 754 binary32"}}, Doc: "of weights, states and gradients"},
		{Name: quantizeSetting, Type: schema.OneOf, Doc: "a target: weights of what lies on it are rounded as the chip rounds them in each forward pass, and trained straight through; absent: they are not"},
		{Name: memorySetting, Type: schema.Bytes, Min: at(1), Doc: "what the training may take, such as `8 GB`: results that do not fit are computed twice, and it does not begin where it needs more all the same; absent: what is free"},
		{Name: startSetting, Type: schema.String, Doc: "a safetensors file, or a run folder whose newest checkpoint of this model is taken: the weights that the training begins with; absent: random ones"},
		{Name: newSetting, Type: schema.List, Doc: "names of neurons, coders, layers, networks or roles whose weights begin as they would without `start`, whatever the file has of them"},
	}
}

// optimizers are PyTorch's, with its names and defaults.
func optimizers() []schema.Choice {
	rate := schema.Param{Name: "rate", Type: schema.Real, Required: true, Min: at(0), Doc: "learning rate"}
	share := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: at(0), Max: at(1), Doc: doc}
	}
	choice := func(name, doc, decay string, own ...schema.Param) schema.Choice {
		params := append([]schema.Param{rate}, own...)
		return schema.Choice{Name: name, Doc: doc, Params: append(params,
			schema.Param{Name: "decay", Type: schema.Real, Default: decay, Min: at(0), Doc: "weight decay"},
			schema.Param{Name: "warmup", Type: schema.Int, Default: "0", Min: at(0), Doc: "updates over which the rate grows linearly from 0"},
			schema.Param{Name: "schedule", Type: schema.OneOf, Default: "constant", Doc: "the rate over the training", Choices: []schema.Choice{
				{Name: "constant", Doc: "the same rate throughout"},
				{Name: "cosine", Doc: "falls to 0 along half a cosine (Loshchilov & Hutter 2017)"},
				{Name: "linear", Doc: "falls to 0 linearly"},
				{Name: "step", Doc: "multiplied by `factor` every so many epochs", Params: []schema.Param{
					{Name: "every", Type: schema.Int, Required: true, Min: at(1), Doc: "epochs"},
					{Name: "factor", Type: schema.Real, Default: "0.1", Min: at(0), Doc: "of the rate, each time"},
				}},
			}},
			schema.Param{Name: "clip", Type: schema.Real, Min: at(0), Doc: "largest L2 norm of the gradient of all parameters together; absent: any"},
			schema.Param{Name: "clamp", Type: schema.Real, Min: at(0), Doc: "matrices and kernels, but neither biases nor scales, are kept in -clamp..clamp; absent: anywhere"},
		)}
	}
	epsilon := schema.Param{Name: "epsilon", Type: schema.Real, Default: "1e-8", Min: at(0), Doc: "added to the root that the gradient is divided by"}
	beta1, beta2 := share("beta1", "0.9", "decay of the mean of gradients"), share("beta2", "0.999", "decay of the mean of their squares")
	return []schema.Choice{
		choice("sgd", "stochastic gradient descent, with momentum if asked for", "0", share("momentum", "0", "share of the last move that is added to the next")),
		choice("adam", "Kingma & Ba 2015; weight decay is added to the gradient", "0", beta1, beta2, epsilon),
		choice("adamw", "Adam with decoupled weight decay (Loshchilov & Hutter 2019)", "0.01", beta1, beta2, epsilon),
		choice("rmsprop", "the gradient divided by the root of the mean of its squares (Hinton 2012)", "0", share("alpha", "0.99", "decay of the mean of squares"), epsilon),
	}
}

func sampleSettings() []schema.Param {
	return []schema.Param{
		{Name: "count", Type: schema.Int, Default: "64", Min: at(1), Max: at(1e7), Doc: "how many samples"},
		{Name: "sampler", Doc: "how they are drawn: see the model"},
		{Name: labelsSetting, Type: schema.List, Of: schema.Int, Min: at(0), Doc: "the classes of samples, in turn, where the model is told them; absent: every class in turn"},
		{Name: "sheet", Type: schema.Size, Doc: "rows x columns of the picture"},
		{Name: "seed", Type: schema.Int, Default: "0", Min: at(0), Doc: "of the random numbers of samplers and coders"},
		{Name: "replace", Type: schema.List, Doc: "definitions with other arguments, such as `fire(threshold = 0.997)`"},
	}
}

func evaluateSettings() []schema.Param {
	return []schema.Param{
		{Name: "metrics", Type: schema.List, Of: schema.OneOf, Required: true, Choices: metric.Schemas(), Doc: "what is measured"},
		{Name: dataSetting, Doc: "a data set of this file: samples are brought to the size of its images, and compared with these; absent: that of the training"},
		{Name: "count", Type: schema.Int, Default: "10_000", Min: at(1), Max: at(1e9), Doc: "how many samples are drawn, and examples looked at, at most"},
		{Name: "reference", Type: schema.OneOf, Default: "test", Choices: []schema.Choice{{Name: "train", Doc: "those of the training"}, {Name: "test", Doc: "those held out"}}, Doc: "the examples that samples are compared with"},
		{Name: roundSetting, Type: schema.Bool, Default: "true", Doc: "whether the pixels of samples and of the reference are clipped to the data's range and rounded to 8 bits, as pictures keep them, before they are compared"},
		{Name: "sampler", Doc: "how samples are drawn: see the model"},
		{Name: labelsSetting, Type: schema.List, Of: schema.Int, Min: at(0), Doc: "the classes of samples, in turn, where the model is told them; absent: those of the reference's examples, in their order"},
		{Name: "seed", Type: schema.Int, Default: "0", Min: at(0), Doc: "of the random numbers of samplers and coders"},
		{Name: "replace", Type: schema.List, Doc: "definitions with other arguments, such as `fire(threshold = 0.997)`"},
	}
}

func deploySettings() []schema.Param {
	return []schema.Param{
		{Name: "targets", Type: schema.List, Required: true, Doc: "chips"},
		{Name: "network", Doc: "the network to deploy; absent: every network of the model that samples, or examples through its first export, go through"},
		{Name: "count", Type: schema.Int, Min: at(1), Max: at(1e9), Doc: "how many samples are drawn, and examples judged, in software and on the chip; absent: those of the first evaluation, at most 256"},
		{Name: "examples", Type: schema.Int, Default: "32", Min: at(1), Max: at(1 << 20), Doc: "how many of these rates are measured of, and the spikes of layers compared"},
		{Name: "metrics", Type: schema.List, Of: schema.OneOf, Choices: metric.Schemas(), Doc: "what is measured of both; absent: as the first evaluation says, as far as it tells of a chip"},
		{Name: "sampler", Doc: "how samples are drawn: see the model; absent: as in the first evaluation, or else the first sample action"},
		{Name: "seed", Type: schema.Int, Default: "0", Min: at(0), Doc: "of samplers and coders, and of what the chip itself draws once"},
		{Name: repeatsSetting, Type: schema.Int, Default: "1", Min: at(1), Max: at(1000), Doc: "on how many chips the metrics are measured, with seeds from `seed` on, where chips of a target are not alike"},
	}
}
