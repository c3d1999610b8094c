package check_test

import (
	"fmt"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
)

func ptr(v float64) *float64 { return &v }

func choices(names ...string) []schema.Choice {
	var out []schema.Choice
	for _, n := range names {
		out = append(out, schema.Choice{Name: n})
	}
	return out
}

// catalogue declares what the built-in plugins do.
func catalogue() *check.Catalogue {
	equations := func(kind schema.Kind, name, text string) schema.Component {
		return schema.Component{Kind: kind, Name: name, Version: "1.0", Equations: text}
	}
	real := func(name, value string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value}
	}
	integer := func(name, value string, least float64) schema.Param {
		return schema.Param{Name: name, Type: schema.Int, Default: value, Min: ptr(least)}
	}
	rate := schema.Param{Name: "rate", Type: schema.Real, Required: true, Min: ptr(0)}
	common := []schema.Param{integer("warmup", "0", 0), {Name: "schedule", Type: schema.OneOf, Default: "constant", Choices: choices("constant", "cosine", "linear", "step")},
		{Name: "clip", Type: schema.Real, Min: ptr(0)}, real("decay", "0")}
	optimizer := func(name string, own ...schema.Param) schema.Choice {
		return schema.Choice{Name: name, Params: append(append([]schema.Param{rate}, own...), common...)}
	}
	network := func(name string) schema.Param {
		return schema.Param{Name: name, Type: schema.ARole, Required: true, Role: &schema.Role{Name: name, Takes: "network", Steps: "encoder"}}
	}
	features := schema.Param{Name: "features", Type: schema.OneOf, Required: true, Choices: choices("lenet", "autoencoder")}
	optional := features
	optional.Required = false
	sampling := []schema.Param{{Name: "replace", Type: schema.List}, {Name: "seed", Type: schema.Int, Default: "0"}}
	return &check.Catalogue{
		Components: []schema.Component{
			equations(schema.Neuron, "lif", "neuron lif(tau: time = 2 steps, threshold: real = 1, rest: real = 0) {\n    input x\n    state v = rest\n    v' = (x - (v - rest)) / tau\n    spike when v >= threshold\n    on spike { v = rest }\n}\n"),
			equations(schema.Neuron, "iaf", "neuron iaf(threshold: real = 1, rest: real = 0) {\n    input x\n    state v = rest\n    v = v + x\n    spike when v >= threshold\n    on spike { v = rest }\n}\n"),
			equations(schema.Neuron, "plif", "neuron plif(leak: real = 0 trainable per layer, threshold: real = 1, rest: real = 0) {\n    input x\n    state v = rest\n    v = v + (x - (v - rest)) * sigmoid(leak)\n    spike when v >= threshold\n    on spike { v = rest }\n}\n"),
			equations(schema.Neuron, "iterative_lif", "neuron iterative_lif(decay: real = 0.25 in 0..1, threshold: real = 0.2) {\n    input x\n    state v = 0, s = 0\n    v = decay * v * (1 - s) + x\n    spike s when v > threshold\n}\n"),
			equations(schema.Neuron, "broken", "neuron broken() {\n    input x\n    spike when y > 1\n}\n"),
			equations(schema.Coder, "direct", "coder direct(steps: int = 4 in 1..4096) {\n    encode x { output x }\n}\n"),
			equations(schema.Coder, "membrane", "coder membrane(decay: real = 0.8 in 0..1) {\n    decode x {\n        state v = 0\n        v = decay * v + x\n        output v\n    }\n}\n"),
			equations(schema.Coder, "mean", "coder mean() {\n    decode x {\n        state sum = 0\n        sum = sum + x\n        output sum / steps\n    }\n}\n"),
			equations(schema.Coder, "count", "coder count() {\n    decode s {\n        state sum = 0\n        sum = sum + s\n        output sum\n    }\n}\n"),
			equations(schema.Coder, "rate", "coder rate(steps: int = 16 in 1..4096) {\n    encode x { spike when bernoulli(x) }\n    decode s {\n        state sum = 0\n        sum = sum + s\n        output sum / steps\n    }\n}\n"),
			equations(schema.Coder, "ttfs", "coder ttfs(steps: int = 100 in 1..4096) {\n    encode x { spike when t == floor((1 - x) * steps + 0.001) }\n    decode s {\n        state first = steps\n        first = min(first, where(s, t, steps))\n        output 1 - first / steps\n    }\n}\n"),
			{Kind: schema.Coder, Name: "scoring", Version: "1.0", Params: []schema.Param{
				{Name: "width", Type: schema.Int, Required: true, Min: ptr(1)}, integer("reduce", "0", 0)}},
			{Kind: schema.Model, Name: "vae", Version: "1.0",
				Roles: []schema.Role{{Name: "encoder", Takes: "network"}, {Name: "decoder", Takes: "network", Steps: "encoder"}},
				Params: []schema.Param{
					{Name: "latent", Type: schema.OneOf, Default: "gaussian", Choices: []schema.Choice{{Name: "gaussian"}, {Name: "bernoulli", Params: []schema.Param{
						network("posterior"), network("prior"), {Name: "choose", Type: schema.Int, Required: true, Min: ptr(1)}, {Name: "scheduled", Type: schema.Range}}}}},
					{Name: "loss", Type: schema.Terms, Default: "mse", Choices: []schema.Choice{{Name: "mse"}, {Name: "kl"}, {Name: "activity"}, {Name: "mmd", Params: []schema.Param{
						{Name: "trace", Type: schema.Time, Default: "2 steps", Min: ptr(0.5)}}}}},
				},
				Samplers: choices("ancestral"), Exports: []string{"generate"}},
			{Kind: schema.Model, Name: "supervised", Version: "1.0", Roles: []schema.Role{{Name: "network", Takes: "network"}},
				Params: []schema.Param{
					{Name: "loss", Type: schema.OneOf, Default: "cross_entropy", Choices: choices("cross_entropy", "mse")},
					{Name: "inputs", Type: schema.List, Of: schema.AField, Default: "[image]"},
					{Name: "target", Type: schema.AField, Default: "label"}}},
			{Kind: schema.Target, Name: "loihi", Version: "1.0", Params: []schema.Param{integer("cores", "128", 1)}},
			{Kind: schema.Target, Name: "truenorth", Version: "1.0"},
		},
		Data: []schema.Choice{
			{Name: "optdigits", Params: []schema.Param{{Name: "range", Type: schema.Range, Default: "0..1"}}},
			{Name: "mnist", Params: []schema.Param{integer("size", "28", 1), {Name: "range", Type: schema.Range, Default: "0..1"}, {Name: "classes", Type: schema.List, Of: schema.Int}}},
			{Name: "cifar10", Later: true, Params: []schema.Param{integer("size", "32", 1), {Name: "range", Type: schema.Range, Default: "0..1"}, {Name: "flip", Type: schema.Bool, Default: "false"}}},
			{Name: "celeba", Later: true, Params: []schema.Param{integer("size", "64", 1), {Name: "range", Type: schema.Range, Default: "0..1"}, {Name: "flip", Type: schema.Bool, Default: "false"}}},
		},
		Settings: map[string][]schema.Param{
			"train": {{Name: "data"}, {Name: "batch", Type: schema.Int, Required: true, Min: ptr(1)}, {Name: "epochs", Type: schema.Int, Min: ptr(1)}, {Name: "iterations", Type: schema.Int, Min: ptr(1)},
				{Name: "optimizer", Type: schema.OneOf, Required: true, Choices: []schema.Choice{optimizer("sgd", real("momentum", "0")), optimizer("adam", real("beta1", "0.9"), real("beta2", "0.999"), real("epsilon", "1e-8")), optimizer("adamw", real("beta1", "0.9"), real("beta2", "0.999")), optimizer("rmsprop")}},
				{Name: "average", Type: schema.Real, Default: "0", Min: ptr(0), Max: ptr(1)}, integer("accumulate", "1", 1), {Name: "seed", Type: schema.Int, Default: "0"}},
			"sample": append([]schema.Param{integer("count", "64", 1), {Name: "sheet", Type: schema.Size}}, sampling...),
			"evaluate": append([]schema.Param{integer("count", "10000", 1), {Name: "metrics", Type: schema.List, Of: schema.OneOf, Required: true, Choices: []schema.Choice{{Name: "mse"}, {Name: "ssim"}, {Name: "active_pixels"}, {Name: "spike_counts"},
				{Name: "fid", Later: true}, {Name: "inception_score", Params: []schema.Param{optional}}, {Name: "frechet", Params: []schema.Param{features}}}},
				{Name: "reference", Type: schema.OneOf, Default: "test", Choices: choices("train", "test")}}, sampling...),
			"deploy": {{Name: "targets", Type: schema.List, Choices: []schema.Choice{{Name: "neurogrid", Later: true}}}, {Name: "network"}},
		},
		Shape: func(name string, args schema.Arguments) (int, int, int, error) {
			switch name {
			case "optdigits":
				return 1, 8, 8, nil
			case "mnist":
				if s := args.Int("size"); s == 28 || s == 32 || s == 16 {
					return 1, s, s, nil
				}
				return 0, 0, 0, fmt.Errorf("size %d is none of 16, 28 and 32", args.Int("size"))
			}
			return 0, 0, 0, fmt.Errorf("unknown")
		},
		// SGAD's scoring has two linear layers from an image, or a reduction of it, to its width.
		Weights: func(coder *schema.Component, args schema.Arguments, in check.Wire) (check.Parameters, error) {
			n, width := 1, args.Int("width")
			for _, d := range in.Dims {
				n *= d
			}
			var reduction int
			if r := args.Int("reduce"); r > 0 {
				n, reduction = r, (n+1)*r
			}
			return check.Parameters{Trainable: reduction + 2*(n+1)*width}, nil
		},
	}
}
