package absorbing_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/record"
)

// both is the spec of both stages, spiking, for digits of 8x8 pixels.
const both = `snn 1
neuron fire   = lif(tau = 2 steps, integrate = euler, surrogate = atan(alpha = 2))
coder  direct = direct(steps = 4)
coder  leaky  = membrane(decay = 0.8)
data digits = optdigits(range = -0.5..0.5, take = 300)
block spiking(x, c: int, kernel: int = 3, stride: int = 1) { return x -> conv(c, kernel = kernel, stride = stride) -> batchnorm -> fire }
block grow(x, c: int) { return x -> deconv(c, kernel = 3, stride = 2) -> batchnorm -> fire }
network encoder(image: real[1, 8, 8]) -> spikes[6, 2, 2] pure { return image -> encode(direct) -> spiking(16, stride = 2) -> spiking(16, stride = 2) -> spiking(6, kernel = 1) }
network readout(z: spikes[6, 2, 2]) -> real[6, 2, 2] { return z -> decode(leaky) }
network spiker(code: real[6, 2, 2]) -> spikes[6, 2, 2] pure { return code -> encode(direct) -> spiking(6, kernel = 1) }
network decoder(z: spikes[6, 2, 2]) -> real[1, 8, 8] pure { return z -> grow(16) -> grow(16) -> deconv(1, kernel = 3) -> decode(mean) }
network sdid(cells: tokens[2, 2], s: step) -> real[12, 2, 2] {
    h = concat(cells -> embedding(12, count = 13), s -> raw -> expand(2, 2)) -> encode(direct) -> spiking(32)
    return concat(h -> spiking(32), h) -> conv(12, kernel = 3) -> decode(mean)
}
model book  = vqvae(encoder = encoder, readout = readout, spiker = spiker, decoder = decoder, codes = 12, loss = mse(relative = true) + psp, codebook = moving(decay = 0.9), revive = 4)
model prior = absorbing(tokens = book, denoiser = sdid, steps = 4, weight = elbo)
train book  { data = digits, batch = 50, epochs = 12, optimizer = adamw(rate = 4e-3, decay = 1e-3), seed = 3 }
train prior { data = digits, batch = 50, epochs = 12, optimizer = adamw(rate = 4e-3, decay = 1e-3), seed = 3 }
sample prior { count = 16, sampler = reveal(temperature = 0.8), sheet = 4x4 }
`

const epochs = 12 // of each stage

// watcher keeps the losses of epochs by action and term.
type watcher map[string]map[string][]float64

func (w watcher) Event(e record.Event) {
	for term, v := range e.Loss {
		if e.Kind != record.Epoch {
			continue
		}
		if w[e.Action] == nil {
			w[e.Action] = map[string][]float64{}
		}
		_, term, _ = strings.Cut("."+term, ".")
		if i := strings.LastIndexByte(term, '.'); i >= 0 {
			term = term[i+1:]
		}
		w[e.Action][term] = append(w[e.Action][term], v)
	}
}

func (watcher) Step(experiment.Progress) {}

func (watcher) Say(string, string)           {}
func (watcher) Warn(diag.List, diag.Sources) {}

// Both stages learn, one on the tokens of the other: the autoencoder's error falls while it uses many of its codes, the denoiser
// knows more of the tokens than that there are twelve of them, and the samples are images. All is the same for any number of
// threads.
func TestBothStages(t *testing.T) {
	x, _, said := plugins.Load(both, experiment.Options{})
	if x == nil {
		t.Fatal(said)
	}
	var left map[string]string
	for threads := 1; threads <= 3; threads += 2 {
		dir, w := filepath.Join(t.TempDir(), "run"), watcher{}
		if err := x.Run(context.Background(), experiment.RunOptions{Folder: dir, Threads: threads, Watch: w, Version: "test"}); err != nil {
			t.Fatal(err)
		}
		ends := func(action, term string) (first, last float64) {
			list := w[action][term]
			if len(list) != epochs {
				t.Fatalf("%d epochs of %s, %s: %v", len(list), action, term, w)
			}
			return list[0], list[epochs-1]
		}
		first, last := ends("train book", "mse")
		if _, p := ends("train book", "perplexity"); last > 0.6*first || p < 4 {
			t.Errorf("the first stage begins with an error of %.3f of the variance and ends with %.3f, and a perplexity of %.2f", first, last, p)
		}
		_, bits := ends("train prior", "bits")
		if _, total := ends("train prior", "total"); bits > 0.85*math.Log2(12) || math.Abs(bits-total) > 1e-6 {
			t.Errorf("after the second stage a cell takes %.3f bits, the loss is %.3f", bits, total)
		}
		files := map[string]string{}
		for _, pattern := range []string{"checkpoints/*", "samples/*", "programs/*"} {
			found, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil || len(found) == 0 {
				t.Fatalf("%s: %d files, %v", pattern, len(found), err)
			}
			for _, f := range found {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				files[filepath.Base(f)] = string(text)
			}
		}
		if left == nil {
			left = files
		} else if !cmp.Equal(left, files) {
			t.Error("the files of one and of three threads differ")
		}
	}
}
