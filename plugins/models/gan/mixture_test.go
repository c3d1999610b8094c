package gan_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/models/gan"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/train"
)

// inPlane builds the model of a spec for points in the plane, of three classes.
func inPlane(t *testing.T, text string) *modeltest.Model {
	t.Helper()
	return modeltest.Build(t, gan.Model(), text, modeltest.Images(graph.Real(2), 3))
}

// draw returns n samples with options on the weights of a model; where the sampler is given classes, these are 0, 1 and 2 in turn.
func draw(t *testing.T, m *modeltest.Model, weights *train.Model, n int, options schema.Arguments) [][2]float64 {
	t.Helper()
	return modeltest.Points(m.Sampler(t, "once", options).Draw(t, weights, n, 0))
}

// exact is the generator that draws from the mixture: the first number of the noise chooses a centre, by what shares of its
// distribution lie below `first` and `second`, the others are added, shifted to mean 0 and scaled.
func exact(t *testing.T, first, second, shift, scale float64) *graph.Module {
	t.Helper()
	mixture := modeltest.Three()
	return modeltest.Network(t, false, func(b *graph.Builder) {
		z := b.Input("z", graph.Real(3))
		centre := func(i int) graph.Value {
			return b.Op(graph.OpConstant, graph.Attrs{"values": mixture.Centres[i][:], "dims": []int{2}})
		}
		below := func(x float64) graph.Value { return b.Op(graph.OpLess, nil, b.Slice(z, 0, 0, 1), b.Const(x)) }
		at := b.Op(graph.OpWhere, nil, below(first), centre(0), b.Op(graph.OpWhere, nil, below(second), centre(1), centre(2)))
		b.Output("image", b.Add(at, b.Scale(b.Sub(b.Slice(z, 0, 1, 2), b.Const(shift)), scale)))
	})
}

// With the exact generator the sampler draws from the mixture: its noise has the distribution that the model names.
func TestMixtureExact(t *testing.T) {
	const spec = `snn 1
network draw(z: real[3]) -> real[2] { return z -> linear(2) }
network judge(image: real[2]) -> real[1] { return image -> linear(1) }
model m = gan(generator = draw, discriminator = judge, noise = `
	const n = 4096
	mixture := modeltest.Three()
	judge := func(noise string, generator *graph.Module) {
		m := inPlane(t, spec+noise+")").With(t, "generator", generator)
		mixture.Judge(t, noise, draw(t, m, m.Start(t), n, nil), 0)
	}
	// Of a normal distribution 0.5 lies below 0, 0.8 below 0.8416; of numbers between -1 and 3, below 1 and 2.2.
	judge("normal", exact(t, 0, 0.8416212, 0, mixture.Spread))
	width := 4 / math.Sqrt(12)
	judge("uniform(-1..3)", exact(t, 1, 2.2, 1, mixture.Spread/width))
}

// A pair of small networks that are told the label learns the mixture in some seconds: where each class is and how wide, and that
// a class that is given or chosen is the one drawn.
func TestMixtureTrained(t *testing.T) {
	p := inPlane(t, `snn 1
network draw(z: real[2], y: real[3]) -> real[2] { return concat(z, y) -> linear(32) -> leaky_relu(0.2) -> linear(32) -> leaky_relu(0.2) -> linear(2) }
network judge(image: real[2], y: real[3]) -> real[1] { return concat(image, y) -> linear(64) -> leaky_relu(0.2) -> linear(64) -> leaky_relu(0.2) -> linear(1) }
model m = gan(generator = draw, discriminator = judge, loss = wasserstein(penalty = 0.1), critic_steps = 5, label = label)
`)
	weights := p.Start(t)
	adam := train.Optimizer{Kind: "adam", Rate: 2e-3, Beta1: 0.5, Beta2: 0.9, Epsilon: 1e-8, Schedule: "cosine"}
	mixture := modeltest.Three()
	modeltest.Train(t, weights, mixture.Examples(4096), train.Settings{Batch: 128, Iterations: 3000, Average: 0.995, Seed: 3,
		Optimizers: map[string]train.Optimizer{"generator": adam, "discriminator": adam}}, nil)
	// A pair circles around its equilibrium: half a standard deviation, half a variance. One that lost a class or its width is off
	// by a whole one.
	const n, off = 2048, 0.5
	third := 1.0 / 3
	all := draw(t, p, weights, 3*n, nil)
	mixture.Of([3]float64{third, third, third}).Judge(t, "all classes", all, off)
	p.DrawsAlone(t, weights)
	for class := range 3 {
		var shares [3]float64
		shares[class] = 1
		var given [][2]float64
		for i := class; i < len(all); i += 3 {
			given = append(given, all[i])
		}
		one := mixture.Of(shares)
		one.Judge(t, "the class that is given", given, off)
		one.Judge(t, "the class that is chosen", draw(t, p, weights, n, schema.Arguments{"label": {Type: schema.Int, Number: float64(class)}}), off)
	}
}
