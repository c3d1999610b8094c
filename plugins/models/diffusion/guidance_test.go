package diffusion_test

import (
	"math"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// classified says what an image is by its class alone, (t[class, 0], t[class, 1]) of a table; row 3 is that of no class.
const classified = `snn 1
network net(image: real[2], s: step, y: step) -> real[2] { return 0 * image + (y -> embedding(2, count = 4)) }
model m = diffusion(denoiser = net, steps = 20, beta = cosine, predict = x0, clip = none, label = label, drop = 0.3)
`

// oneHot does so with one number per class; without a class all are 0, and so is the image.
const oneHot = `snn 1
network net(image: real[2], s: step, y: real[3]) -> real[2] { return 0 * image + (y -> linear(2, bias = false)) }
model m = diffusion(denoiser = net, steps = 20, beta = cosine, predict = x0, clip = none, label = label, drop = 0.3)
`

// Guidance goes from the answer without a class so many times toward that with it; without `label` a sample is of the
// class that it is given.
func TestGuidance(t *testing.T) {
	for _, c := range []struct {
		spec   string
		answer func(w []float32, class, k int) float64 // class 3: without one
	}{
		{classified, func(w []float32, class, k int) float64 { return float64(w[2*class+k]) }},
		{oneHot, func(w []float32, class, k int) float64 {
			if class == 3 {
				return 0
			}
			return float64(w[3*k+class])
		}},
	} {
		m := inPlane(t, c.spec)
		p := m.Start(t)
		if len(p.Variables) != 1 {
			t.Fatal(p.Variables)
		}
		weights := p.Weights[p.Variables[0].Name].F32
		for _, sampler := range []string{"ddpm", "ddim", "dpm"} {
			for _, w := range []float64{0, 1, 2.5} {
				o := some(5)
				o["guidance"] = schema.Value{Type: schema.Real, Number: w}
				o["label"] = schema.Value{Type: schema.Int, Number: 2}
				// The last turn ends at the estimate.
				for _, x := range draw(t, m, p, 3, sampler, o) {
					for k := range x {
						free := c.answer(weights, 3, k)
						if want := free + w*(c.answer(weights, 2, k)-free); math.Abs(x[k]-want) > 1e-6*(1+math.Abs(want)) {
							t.Errorf("%s, guidance %v: number %d is %v, want %v", sampler, w, k, x[k], want)
						}
					}
				}
			}
		}
		// Without it each sample is of the class that is given.
		for i, x := range draw(t, m, p, 30, "ddim", ddim(2, 0)) {
			for k := range x {
				if want := c.answer(weights, i%3, k); math.Abs(x[k]-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("sample %d, of class %d: number %d is %v, want %v", i, i%3, k, x[k], want)
				}
			}
		}
	}
}

// ones are images of ones, of classes 0, 1 and 2 in turn.
type ones int

func (n ones) Len() int { return int(n) }

func (n ones) Fill(field string, examples []int, dst *tensor.Tensor) error {
	for i, e := range examples {
		if field == "label" {
			dst.I32[i] = int32(e % 3)
		} else {
			dst.F32[2*i], dst.F32[2*i+1] = 1, 1
		}
	}
	return nil
}

// In training no class is told as often as `drop` says. From rows of zeros, the derivative of the mean squared difference from
// ones by row k is minus the share of examples that are told class k, and that is where a step of rate 1 puts the row.
func TestDrop(t *testing.T) {
	p := inPlane(t, classified).Start(t)
	weights := p.Weights[p.Variables[0].Name].F32
	clear(weights)
	const n = 6000
	modeltest.Train(t, p, ones(n), train.Settings{Batch: n, Iterations: 1, Seed: 3,
		Optimizers: map[string]train.Optimizer{"": {Kind: "sgd", Rate: 1, Schedule: "constant"}}}, nil)
	for class, want := range []float64{0.7 / 3, 0.7 / 3, 0.7 / 3, 0.3} {
		for k := range 2 {
			if got := float64(weights[2*class+k]); math.Abs(got-want) > 5*math.Sqrt(want*(1-want)/n) {
				t.Errorf("class %d has a share of %v, want %v", class, got, want)
			}
		}
	}
}
