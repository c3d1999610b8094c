package diffusion_test

import (
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/models/diffusion"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/train"
)

const levels = 200 // steps of the diffusion

// kept is the product of 1 - beta of the cosine schedule, from its definition (Nichol & Dhariwal 2021).
func kept() []float64 {
	f := func(t float64) float64 { return math.Pow(math.Cos((t/levels+0.008)/1.008*math.Pi/2), 2) }
	out, product := make([]float64, levels), 1.0
	for s := range out {
		product *= 1 - min(1-f(float64(s+1))/f(float64(s)), 0.999)
		out[s] = product
	}
	return out
}

// exact is the denoiser that no training can surpass: the mean of the noise in x at step s. x is distributed as a mixture with
// centres sqrt(kept) m and variance v = kept spread^2 + 1 - kept; with r the chance of each centre given x, the noise is
// sqrt(1 - kept) (x - sqrt(kept) sum r m) / v.
func exact(t *testing.T) *graph.Module {
	t.Helper()
	mixture := modeltest.Three()
	return modeltest.Network(t, false, func(b *graph.Builder) {
		x, s := b.Input("image", graph.Real(2)), b.Input("s", graph.Real().With(graph.I32))
		at := func(of func(kept float64) float64) graph.Value {
			var values []float64
			for _, k := range kept() {
				values = append(values, of(k))
			}
			return b.Op(graph.OpRows, nil, b.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{levels}}), s)
		}
		variance := func(k float64) float64 { return k*mixture.Spread*mixture.Spread + 1 - k }
		root := at(math.Sqrt)
		var logs []graph.Value
		for i, c := range mixture.Centres {
			centre := b.Op(graph.OpConstant, graph.Attrs{"values": c[:], "dims": []int{2}})
			away := b.Sub(x, b.Mul(b.Expand(centre, graph.Real(2)), root))
			far := b.Reduce("sum", b.Mul(away, away), 0)
			logs = append(logs, b.Add(b.Mul(far, at(func(k float64) float64 { return -0.5 / variance(k) })), b.Const(math.Log(mixture.Shares[i]))))
		}
		most := b.Op(graph.OpMax, nil, b.Op(graph.OpMax, nil, logs[0], logs[1]), logs[2])
		var sum graph.Value
		means := make([]graph.Value, 2)
		for i := range logs {
			p := b.Op(graph.OpExp, nil, b.Sub(logs[i], most))
			add := func(to, v graph.Value) graph.Value {
				if !to.Valid() {
					return v
				}
				return b.Add(to, v)
			}
			sum = add(sum, p)
			for k := range means {
				means[k] = add(means[k], b.Scale(p, mixture.Centres[i][k]))
			}
		}
		for k := range means {
			means[k] = b.Reshape(b.Op(graph.OpDiv, nil, means[k], sum), 1)
		}
		rest := b.Sub(x, b.Mul(b.Concat(0, means...), root))
		b.Output("noise", b.Mul(rest, at(func(k float64) float64 { return math.Sqrt(1-k) / variance(k) })))
	})
}

// inPlane builds the model of a spec for points in the plane, of three classes.
func inPlane(t *testing.T, text string) *modeltest.Model {
	t.Helper()
	return modeltest.Build(t, diffusion.Model(), text, modeltest.Images(graph.Real(2), 3))
}

// draw returns n samples of a sampler with options on the weights of a model; where it is given classes, these are 0, 1 and 2 in turn.
func draw(t *testing.T, m *modeltest.Model, weights *train.Model, n int, sampler string, options schema.Arguments) [][2]float64 {
	t.Helper()
	return modeltest.Points(m.Sampler(t, sampler, options).Draw(t, weights, n, 0))
}

func choice(name string) schema.Value { return schema.Value{Type: schema.OneOf, Text: name} }

func ddim(steps int, eta float64) schema.Arguments {
	o := some(steps)
	o["eta"] = schema.Value{Type: schema.Real, Number: eta}
	return o
}

// some are the options that samplers of some of the steps have in common.
func some(steps int) schema.Arguments {
	o := ddpm("small")
	o["steps"] = schema.Value{Type: schema.Int, Number: float64(steps)}
	return o
}

func ddpm(variance string) schema.Arguments {
	return schema.Arguments{"variance": choice(variance), "spacing": choice("trailing"), "guidance": {Type: schema.Real, Number: 1}}
}

const planarSpec = `snn 1
network net(image: real[2], s: step) -> real[2] {
    time = s -> sinusoid(32) -> linear(64)
    h = (image -> linear(64)) + time
    h = h + (h -> swish -> linear(64))
    h = h + (h -> swish -> linear(64))
    return h -> swish -> linear(2)
}
model m = diffusion(denoiser = net, steps = 200, beta = cosine, clip = none)
`

// With the exact denoiser the samplers draw from the mixture.
func TestMixtureExact(t *testing.T) {
	m := inPlane(t, planarSpec).With(t, "denoiser", exact(t))
	weights := m.Start(t)
	const n = 4096
	judge := func(what string, samples [][2]float64, bias float64) { modeltest.Three().Judge(t, what, samples, bias) }
	judge("ddpm, large", draw(t, m, weights, n, "ddpm", ddpm("large")), 0)
	ancestral := draw(t, m, weights, n, "ddpm", ddpm("small"))
	judge("ddpm, small", ancestral, 0)
	judge("ddim", draw(t, m, weights, n, "ddim", ddim(100, 0)), 0)
	judge("dpm", draw(t, m, weights, n, "dpm", some(40)), 0)
	// The variance of the posterior leaves out what is not known of the image, and the more so the longer a step is: what is
	// missing is of first order in its length, and a fifth where a hundred turns make half of 200 steps.
	judge("strided ddpm", draw(t, m, weights, n, "ddpm", some(100)), 0.2)
	// Through all steps, DDIM with eta = 1 is DDPM with the small variance (Song et al. 2021, section 4.1).
	for i, x := range draw(t, m, weights, n, "ddim", ddim(levels, 1)) {
		if d := math.Hypot(x[0]-ancestral[i][0], x[1]-ancestral[i][1]); d > 1e-3 { // some hundred roundings of float32, times up to 100
			t.Fatalf("sample %d is %v by ddim(eta = 1) and %v by ddpm", i, x, ancestral[i])
		}
	}
}

// A small denoiser that is trained for some seconds does.
func TestMixtureTrained(t *testing.T) {
	m := inPlane(t, strings.Replace(planarSpec, "cosine,", "cosine, predict = v,", 1))
	weights := m.Start(t)
	adam := modeltest.Adam(4e-3)
	adam.Schedule = "cosine"
	losses := modeltest.Train(t, weights, modeltest.Three().Examples(4096), train.Settings{Batch: 128, Iterations: 400, Average: 0.99, Seed: 3, Optimizers: map[string]train.Optimizer{"": adam}}, nil)
	t.Logf("loss %.4f", losses[len(losses)-1])
	const n = 2048
	modeltest.Three().Judge(t, "ddpm", draw(t, m, weights, n, "ddpm", ddpm("small")), 0.1)
	modeltest.Three().Judge(t, "ddim", draw(t, m, weights, n, "ddim", ddim(100, 0)), 0.1)
}
