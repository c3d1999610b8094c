package vae

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

func (v *vae) checkGaussian() []schema.Complaint {
	var c []schema.Complaint
	head, z := v.enc.Out[0], v.dec.In[0]
	switch {
	case head.Steps > 0 || len(head.Dims) != 1 || head.Dims[0]%2 != 0:
		c = sdk.Complain(encoder, "end the encoder with `linear(2 * n)`, or write `latent = bernoulli(...)`", "with a Gaussian latent the encoder gives real[2 * n], mean and then log-variance; this one gives %s", sdk.Wire(head))
	case !z.Equal(head.WithDims(head.Dims[0] / 2)):
		c = sdk.Complain(decoder, fmt.Sprintf("give the decoder a parameter `z: real[%d]`", head.Dims[0]/2), "the encoder describes %d latent numbers, the decoder takes %s", head.Dims[0]/2, sdk.Wire(z))
	}
	for _, t := range v.args["loss"].Items {
		if t.Text == "mmd" {
			c = append(c, sdk.Complain("loss", "write `mse + kl`, or use `latent = bernoulli(...)`", "`mmd` compares spike trains, a Gaussian latent has none")...)
		}
	}
	return c
}

// gaussian: z = mean + exp(logvar / 2) * normal; KL = mean_N [ -1/2 sum (1 + lv - mean^2 - e^lv) ].
func (v *vae) gaussian() {
	b := v.b
	v.moves = []string{encoder, decoder}
	n := v.dec.In[0].Dims[0]
	halves := func(f *sdk.Function, m sdk.Mode, image, class graph.Value) (mean, logvar graph.Value) {
		h := v.label.Apply(f, encoder, m, class, image)[0]
		return f.Slice(h, 0, 0, n), f.Slice(h, 0, n, n)
	}
	// through returns what comes of an image through a latent that is drawn, and what tells of that: -2 times its divergence.
	through := func(f *sdk.Function, m sdk.Mode, image, class graph.Value) (y graph.Value, told func() graph.Value) {
		mean, logvar := halves(f, m, image, class)
		noise := f.Normal("latent", v.dec.In[0])
		z := f.Add(mean, f.Mul(f.Op(graph.OpExp, nil, f.Scale(logvar, 0.5)), noise))
		return v.label.Apply(f, decoder, m, class, z)[0], func() graph.Value {
			return f.Sub(f.Sub(f.Add(f.Const(1), logvar), f.Square(mean)), f.Op(graph.OpExp, nil, logvar))
		}
	}
	b.Function("step", func(f *sdk.Function) {
		image, class := f.Input("image", v.image), v.label.Input(f)
		y, told := through(f, sdk.Mode{}, image, class)
		f.Loss(v.args["loss"], map[string]func(schema.Arguments) graph.Value{
			"mse": func(schema.Arguments) graph.Value { return f.MeanSquare(image, y) },
			"kl":  func(a schema.Arguments) graph.Value { return divergence(f, told(), -0.5, a) },
		})
	})
	if variance := v.variance(); variance > 0 {
		b.Function("bound", func(f *sdk.Function) { // of the density, by pixel, each with an equal share of the divergence
			image, class := f.Input("image", v.image), v.label.Input(f)
			y, told := through(f, sdk.Mode{Eval: true}, image, class)
			far := f.Scale(f.Square(f.Sub(image, y)), 1/(2*variance))
			share := f.Scale(f.Reduce("sum", told(), 0), -0.5/float64(v.image.Size()))
			f.Output("density", f.Add(f.Add(far, f.Const(math.Log(2*math.Pi*variance)/2)), share))
		})
	}
	b.Function("reconstruct", func(f *sdk.Function) { // through the mean
		image, class := f.Input("image", v.image), v.label.Input(f)
		mean, _ := halves(f, sdk.Mode{Eval: true}, image, class)
		f.Output("image", v.label.Apply(f, decoder, sdk.Mode{Eval: true}, class, mean)[0])
	})
	b.Function("encode", func(f *sdk.Function) {
		image, class := f.Input("image", v.image), v.label.Input(f)
		mean, _ := halves(f, sdk.Mode{Eval: true}, image, class)
		f.Output("latent", mean)
	})
}

// variance is that of pixels around what the decoder draws under which the loss is the bound on the negative logarithm of the
// density, but for a factor and a constant: of a mse + b kl over n pixels it is b n / 2a. It is 0 where the loss has not both.
func (v *vae) variance() float64 {
	weights := map[string]float64{}
	for _, t := range v.args["loss"].Items {
		weights[t.Text] += t.Weight
	}
	if weights["mse"] <= 0 || weights["kl"] <= 0 {
		return 0
	}
	return weights["kl"] * float64(v.image.Size()) / (2 * weights["mse"])
}

// sampleGaussian draws a latent and decodes it.
func (v *vae) sampleGaussian(options schema.Arguments) {
	v.b.Function("generate", func(f *sdk.Function) {
		f.Output("image", v.label.Apply(f, decoder, sdk.Mode{Eval: true}, v.label.Drawn(f, options), f.Normal("sample", v.dec.In[0]))[0])
	})
	v.b.Sampler(program.Sampler{Name: "ancestral", Given: v.label.Given(options), Result: "generate"})
}
