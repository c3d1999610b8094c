package absorbing_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// corner is a model of four steps on tokens 0 to 4 that are the pixels in the corner of an image; its denoiser has no statistics.
func corner(t *testing.T) *modeltest.Model {
	m := second(t, `snn 1
data d = optdigits(range = -1..1)
network to(x: real[1, 8, 8]) -> real[16, 2, 2] { return x -> reshape(16, 2, 2) }
network back(z: real[16, 2, 2]) -> real[1, 8, 8] { return z -> reshape(1, 8, 8) }
network net(c: tokens[2, 2], s: step) -> real[5, 2, 2] { return (c -> embedding(5, count = 6)) + (s -> embedding(5, count = 5) -> expand(2, 2)) }
model m = vqvae(encoder = to, decoder = back, codes = 5)
model p = absorbing(tokens = m, denoiser = net, steps = 4)
train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
train p { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
`)
	return m.With(t, "tokens.encode", modeltest.Network(t, false, func(b *graph.Builder) {
		x := b.Slice(b.Slice(b.Input("x", graph.Real(1, 8, 8)), 1, 0, 2), 2, 0, 2)
		b.Output("y", b.Op(graph.OpCast, graph.Attrs{"dtype": "i32"}, b.Reshape(x, 2, 2)))
	}))
}

// pictures are images of n times the numbers 0 to 4, and their corners.
func pictures(n int) (images, corners interp.Value) {
	images = modeltest.Fill(graph.Real(1, 8, 8), n, func(i int) float64 { return math.Floor(5 * modeltest.Uniform("tokens", uint64(i))) })
	corners = interp.NewValue(graph.Real(2, 2).With(graph.I32), n)
	for e := range n {
		for c := range 4 {
			corners.Data[4*e+c] = images.Data[64*e+8*(c/2)+c%2]
		}
	}
	return images, corners
}

// The bound of an image is what the training logs as `bits` of its tokens, in nats. Where the denoiser knows nothing of five tokens,
// its mean over steps and masks is that of four cells, each of log 5.
func TestBound(t *testing.T) {
	m := corner(t)
	nats := func(n int, variables map[string]interp.Value, random func(string, bool, uint64, uint64) float64) (sums []float64) {
		images, _ := pictures(n)
		out := m.Run(t, "bound", interp.Env{N: n, Variables: variables, Inputs: map[string]interp.Value{"image": images}, Random: random})["nats"]
		if !out.Type.Equal(graph.Real(2, 2)) {
			t.Fatalf("the bound is %v", out.Type)
		}
		for e := range n {
			sum := 0.0
			for _, v := range out.Data[4*e : 4*e+4] {
				sum += v
			}
			sums = append(sums, sum)
		}
		return sums
	}
	const few, many = 6, 4000
	variables := m.Values(func(v graph.Variable, i int) float64 { return 2*modeltest.Uniform(v.Name, uint64(i)) - 1 })
	_, codes := pictures(few)
	bits := m.Run(t, "step", interp.Env{N: few, Variables: variables, Inputs: map[string]interp.Value{"codes": codes}, Random: modeltest.UniformRandom})["bits"].Data[0]
	var mean float64
	for _, v := range nats(few, variables, modeltest.UniformRandom) {
		mean += v / few
	}
	modeltest.Near(t, "bits per cell", mean/(4*math.Ln2), bits)

	mean = 0
	var square float64
	for _, v := range nats(many, m.Values(func(graph.Variable, int) float64 { return 0 }), modeltest.UniformRandom) {
		mean, square = mean+v/many, square+v*v/many
	}
	if want := 4 * math.Log(5); math.Abs(mean-want) > 4*math.Sqrt((square-mean*mean)/many) {
		t.Errorf("the bound of four unknown cells is %v, want %v", mean, want)
	}
}
