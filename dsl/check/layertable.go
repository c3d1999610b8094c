package check

import "snnc.dev/snnc/plugins/schema"

// Layers describes the layers of the language, in the order in which a reader looks for them: the doc of each says what it
// makes of a shape. `reshape` takes any number of ints by position besides.
func Layers() []schema.Choice {
	var out []schema.Choice
	for _, k := range layerList() {
		out = append(out, schema.Choice{Name: k.name, Params: k.params, Doc: k.doc})
	}
	return out
}

// layerTable has the layers by name.
func layerTable() map[string]*layerKind {
	out := map[string]*layerKind{}
	for _, k := range layerList() {
		out[k.name] = k
	}
	return out
}

// layerList lists the layers.
func layerList() []*layerKind {
	zero, one := 0.0, 1.0
	count := func(name, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Int, Required: true, Min: &one, Doc: doc}
	}
	number := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Doc: doc}
	}
	positive := func(name, value, doc string) schema.Param {
		return schema.Param{Name: name, Type: schema.Real, Default: value, Min: &zero, Doc: doc}
	}
	channels, kernel := count("c", "channels of the result"), count("kernel", "height and width of the window")
	pad := schema.Param{Name: "pad", Type: schema.Int, Min: &zero, Doc: "rows and columns of zeros on each side; absent: (kernel - 1) / 2, for an odd kernel"}
	padOut := schema.Param{Name: "pad", Type: schema.Int, Min: &zero, Doc: "rows and columns cut off on each side; absent, with `extra` absent too: so that the result is input x stride"}
	extra := schema.Param{Name: "extra", Type: schema.Int, Min: &zero, Doc: "rows and columns more, below and to the right; absent with `pad` given: 0"}
	stride := schema.Param{Name: "stride", Type: schema.Int, Default: "1", Min: &one, Doc: "step from window to window"}
	bias := schema.Param{Name: "bias", Type: schema.Bool, Default: "true", Doc: "whether a trained bias is added"}
	start := schema.Param{Name: "init", Type: schema.OneOf, Doc: "how weights begin, with biases at 0; absent: both uniform in ±1/sqrt(fan in)", Choices: []schema.Choice{
		{Name: "xavier", Doc: "uniform in ±gain sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010)", Params: []schema.Param{number("gain", "1", "factor of the bound")}},
		{Name: "uniform", Doc: "uniform in a range", Params: []schema.Param{{Name: "range", Type: schema.Range, Required: true, Doc: "from the lower to the upper end"}}},
		{Name: "normal", Doc: "normal around 0", Params: []schema.Param{{Name: "std", Type: schema.Real, Required: true, Min: &zero, Doc: "standard deviation"}}},
		{Name: "zeros", Doc: "all 0"},
	}}
	over := schema.Param{Name: "over", Type: schema.OneOf, Default: "sequence", Doc: "what the statistics are taken over", Choices: []schema.Choice{
		{Name: "sequence", Doc: "batch, space and all time steps (tdBN, Zheng et al. 2021)"}, {Name: "step", Doc: "batch and space, each time step by itself"}}}
	fraction := schema.Param{Name: "p", Type: schema.Real, Default: "0.5", Min: &zero, Max: &one, Doc: "probability of a 0"}
	momentum := schema.Param{Name: "momentum", Type: schema.Real, Default: "0.1", Min: &zero, Max: &one, Doc: "share of the newest batch in the running statistics"}
	epsilon := positive("epsilon", "1e-5", "added to the variance")
	width := schema.Param{Name: "width", Type: schema.Int, Min: &one, Doc: "width of the window, where it is not that of `kernel`; without `pad`, (width - 1) / 2 columns of zeros on each side"}
	hop := schema.Param{Name: "stride", Type: schema.Int, Min: &one, Doc: "step from window to window; absent: kernel"}
	around := schema.Param{Name: "pad", Type: schema.Int, Default: "0", Min: &zero, Doc: "how far the first and the last windows reach beyond the map, at most half of the kernel"}
	activation := func(name, doc string, params ...schema.Param) *layerKind {
		return &layerKind{name: name, doc: doc, params: params, apply: same}
	}
	list := func(params ...schema.Param) []schema.Param { return params }
	return []*layerKind{
		{name: "conv", doc: "A convolution: `[b, h, w]` becomes `[c, h', w']` with h' = floor((h + 2 pad - kernel) / stride) + 1. An even kernel needs `pad`.",
			params: list(channels, kernel, stride, pad, bias, start, width), apply: conv},
		{name: "deconv", doc: "A transposed convolution: `[b, h, w]` becomes `[c, h', w']` with h' = (h - 1) stride - 2 pad + kernel + extra; h x stride where neither `pad` nor `extra` is given.",
			params: list(channels, kernel, stride, padOut, extra, bias, start), apply: deconv},
		{name: "linear", doc: "A product with a matrix: `[m]` becomes `[n]`. It takes one axis: put `flatten` in front of a map.",
			params: list(count("n", "size of the result"), bias, start), apply: linear},
		{name: "project", doc: "A `conv` of kernel 1 where the channels are not c already, else nothing: the shortcut of a residual block.", params: list(channels, bias, start), apply: project},
		{name: "batchnorm", doc: "Normalises each channel over the batch, with a trained weight, times `scale`, and bias; evaluation uses running statistics (Ioffe and Szegedy 2015). The shape stays.",
			params: list(number("scale", "1", "factor of the trained weight: alpha x threshold for a threshold-dependent norm"), over, momentum, epsilon), apply: batchnorm},
		{name: "groupnorm", doc: "Normalises each example, at each time step, over groups of channels, with a trained weight and bias per channel (Wu and He 2018). The shape stays.",
			params: list(count("groups", "number of groups; it divides the channels"), epsilon), apply: groupnorm},
		{name: "layernorm", doc: "Normalises each example, at each time step, over all its values, with a trained weight and bias per value (Ba, Kiros and Hinton 2016). The shape stays.",
			params: list(epsilon), apply: layernorm},
		{name: "attention", doc: "Self-attention over the places of a map, with four projections with biases, and neither norm nor residual (Vaswani et al. 2017). The shape stays.",
			params: list(schema.Param{Name: "heads", Type: schema.Int, Default: "1", Min: &one, Doc: "number of heads; it divides the channels"}, number("gain", "1", "factor of the weights that the last projection begins with"), start), apply: attention},
		activation("dropout", "In training each value is 0 with probability p and else divided by 1 - p; in evaluation nothing happens (Srivastava et al. 2014).", fraction),
		{name: "maxpool", doc: "The largest of each window: `[c, h, w]` becomes `[c, h', w']` with h' = floor((h + 2 pad - kernel) / stride) + 1. Spikes stay spikes.", params: list(kernel, hop, around), apply: pool},
		{name: "avgpool", doc: "The mean of what of the map is in each window: `[c, h, w]` becomes `[c, h', w']` with h' = floor((h + 2 pad - kernel) / stride) + 1.", params: list(kernel, hop, around), apply: pool},
		{name: "upsample", doc: "Each pixel factor x factor times: `[c, h, w]` becomes `[c, factor h, factor w]`. Spikes stay spikes.", params: list(count("factor", "copies along an axis")), apply: upsample},
		{name: "flatten", doc: "All values on one axis, channels first: `[c, h, w]` becomes `[c h w]`.", apply: flatten},
		{name: "reshape", doc: "The same values under the dims given by position, row by row and channels first: `reshape(32, 7, 7)`.", dims: true, apply: reshape},
		{name: "expand", doc: "`[c]` repeated over a map: `[c, h, w]`.", params: list(count("h", "height of the map"), count("w", "width of the map")), apply: expand},
		{name: "sinusoid", doc: "Looks a step up in a frozen table: `[n]`, in pairs sin and cos of s exp(-(2i / n) ln 10000) (Vaswani et al. 2017).",
			params: list(count("n", "size of the result, even"), schema.Param{Name: "count", Type: schema.Int, Default: "1000", Min: &one, Doc: "rows of the table: steps from 0 to count - 1"}), apply: sinusoid},
		{name: "embedding", doc: "Looks tokens or a step up in a trained table: n channels in front of the dims of the tokens.", params: list(count("n", "channels of the result"), count("count", "rows of the table: tokens from 0 to count - 1")), apply: embedding},
		{name: "raw", doc: "Tokens or a step as numbers: one real channel in front of their dims.", apply: raw},
		activation("relu", "max(0, x)."),
		activation("leaky_relu", "x where x > 0, else slope x.", number("slope", "0.01", "slope below 0")),
		activation("swish", "x sigmoid(x) (Ramachandran, Zoph and Le 2017)."),
		activation("gelu", "x times the normal distribution function of x (Hendrycks and Gimpel 2016)."),
		activation("sigmoid", "1 / (1 + exp(-x))."),
		activation("tanh", "The hyperbolic tangent of x."),
		activation("softmax", "exp(x) divided by its sum over the channels."),
	}
}
