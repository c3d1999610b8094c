package diffusion_test

import (
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// blobs are images of a bright spot on black, each at a place of its own.
type blobs int

func (n blobs) Len() int { return int(n) }

func (n blobs) Fill(_ string, examples []int, dst *tensor.Tensor) error {
	at := rng.New(2, "blobs", 0)
	side := dst.Type.Dims[1]
	for i, e := range examples {
		y, x := 1+float64(side-3)*at.Uniform64(uint64(e), 0), 1+float64(side-3)*at.Uniform64(uint64(e), 1)
		for p := range side * side {
			dy, dx := float64(p/side)-y, float64(p%side)-x
			dst.F32[i*side*side+p] = float32(2*math.Exp(-(dy*dy+dx*dx)/2) - 1)
		}
	}
	return nil
}

// updates trains for n updates and returns the loss of each.
func updates(t *testing.T, m *train.Model, n int, average float64, tell func()) []float64 {
	t.Helper()
	adam := modeltest.Adam(2e-3)
	adam.Warmup, adam.Clip = 20, 1
	return modeltest.Train(t, m, blobs(512), train.Settings{Batch: 16, Iterations: n, Average: average, Seed: 1, Optimizers: map[string]train.Optimizer{"": adam}}, tell)
}

func mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v / float64(len(x))
	}
	return sum
}

// begun is a small version of a published spec's model, and its weights before training.
func begun(t *testing.T, spec string, sets ...string) (*modeltest.Model, *train.Model) {
	t.Helper()
	m := fromSpec(t, modeltest.Published(t, spec), tiny(spec, 8, append(sets, "images=optdigits(range = -1..1)")...))
	return m, m.Start(t)
}

// Small versions of the published networks learn, and both of DDPM's and DDIM's samplers draw images from them, each a function
// of its number alone, whatever is drawn beside it.
func TestSpecsTrain(t *testing.T) {
	for _, spec := range []string{"sddpm", "ddpm-ann"} {
		m, weights := begun(t, spec)
		losses := updates(t, weights, 60, 0.9, nil)
		if first, last := mean(losses[:5]), mean(losses[55:]); last > 0.8*first { // a denoiser that says 0 stays at 1
			t.Errorf("%s: the loss of the first updates is %.3f, of the last %.3f", spec, first, last)
		}
		for name, options := range map[string]schema.Arguments{"ddpm": some(20), "ddim": ddim(10, 0)} {
			sampler := m.Sampler(t, name, options)
			sampler.DrawsAlone(t, weights)
			pixels := sampler.Draw(t, weights, 3, 0).F32
			if low, high := slices.Min(pixels), slices.Max(pixels); !(low >= -1 && high <= 1 && high-low > 0.1) {
				t.Errorf("%s, %s: pixels from %v to %v", spec, name, low, high)
			}
		}
	}
}

// The averaged network, weights and running statistics, is as good as the live one already after some hundred updates, for its
// memory is short at the start. With the decay of 0.999 from the first update on it would mostly be the network before training.
func TestAverage(t *testing.T) {
	const decay = 0.999
	_, m := begun(t, "sddpm", "width=8", "sddpm.clip=none")
	constant := map[string]*tensor.Tensor{}
	for name, w := range m.Weights {
		constant[name] = w.Clone()
	}
	updates(t, m, 120, decay, func() {
		for name, a := range constant {
			for i, w := range m.Weights[name].F32 {
				a.F32[i] += (1 - decay) * (w - a.F32[i])
			}
		}
	})
	averaged := m.Averages
	live, short, long := heldOut(t, m, nil), heldOut(t, m, averaged), heldOut(t, m, constant)
	t.Logf("held-out loss: live %.4f, averaged %.4f, averaged with a constant decay %.4f", live, short, long)
	if short > 1.2*live { // after so few updates their ratio moves by a tenth with the rounding of sums
		t.Errorf("the averaged network has a loss of %.4f, the live one of %.4f", short, live)
	}
	if long < 1.5*live {
		t.Errorf("a constant decay gives %.4f and the live network %.4f: the test cannot tell them apart", long, live)
	}
}

// heldOut is the mean squared error of the noise of images that were not trained on, in eval mode, with the weights `averages` or,
// where these are nil, with the live ones. The model must not clip.
func heldOut(t *testing.T, m *train.Model, averages map[string]*tensor.Tensor) float64 {
	t.Helper()
	m.Averages = averages
	const n = 256
	g := m.Program.Export("denoise")
	in := map[string]*tensor.Tensor{"image": tensor.New(g.Input("image").Out[0], n), "s": tensor.New(g.Input("s").Out[0], n)}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = 1000 + i
	}
	image := in["image"]
	if err := (blobs(2000)).Fill("image", numbers, image); err != nil {
		t.Fatal(err)
	}
	noise := rng.New(3, "held out", 0)
	size := image.Type.Size()
	left := linear()
	var want []float64
	for i := range n {
		in["s"].I32[i] = int32(i * len(left) / n)
		for p := range size {
			e := noise.Normal64(uint64(i), uint64(p))
			want = append(want, e)
			k := left[in["s"].I32[i]]
			image.F32[i*size+p] = float32(math.Sqrt(k)*float64(image.F32[i*size+p]) + math.Sqrt(1-k)*e)
		}
	}
	y, err := m.Apply("denoise", in, n, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for i, e := range want {
		k := left[in["s"].I32[i/size]]
		told := (float64(image.F32[i]) - math.Sqrt(k)*float64(y.F32[i])) / math.Sqrt(1-k)
		sum += (told - e) * (told - e)
	}
	return sum / float64(len(want))
}

// linear is what is left of an image's variance after each of DDPM's thousand steps.
func linear() []float64 {
	out, product := make([]float64, 1000), 1.0
	for s := range out {
		product *= 1 - (1e-4 + (0.02-1e-4)*float64(s)/999)
		out[s] = product
	}
	return out
}
