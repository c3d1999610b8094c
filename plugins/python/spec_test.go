//go:build python

package python_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// withOpaque is the argument that makes the test binary serve the built-ins and the opaque components of opaquetest.
const withOpaque = "serve-opaque"

func serveOpaque() {
	if len(os.Args) == 2 && os.Args[1] == withOpaque {
		p := builtin.Plugin()
		p.Opaque = opaquetest.Plugin().Opaque
		sdk.Serve(p)
		os.Exit(0)
	}
}

// silent is who watches a run and says nothing.
type silent struct{}

func (silent) Event(record.Event)           {}
func (silent) Step(experiment.Progress)     {}
func (silent) Say(string, string)           {}
func (silent) Warn(diag.List, diag.Sources) {}

// An autoencoder whose neurons and coders are computed by their plugin: the prior carries their states from turn to turn.
const autoencoder = `snn 1

data digits = optdigits(range = -1..1, take = 150)

neuron fire  = leaky(threshold = 0.25)
coder  shown = window(steps = 3)

network encoder(image: real[1, 8, 8]) -> spikes[8] {
    return image -> encode(shown) -> conv(2, kernel = 3, pad = 1) -> fire -> flatten -> linear(8) -> batchnorm -> fire
}
network posterior(f: spikes[8], z: spikes[8]) -> spikes[32] { return concat(f, z) -> linear(32) -> batchnorm -> fire }
network prior(z: spikes[8]) -> spikes[32] { return z -> linear(32) -> batchnorm -> fire }
network decoder(z: spikes[8]) -> real[1, 8, 8] { return z -> linear(24) -> fire -> linear(64) -> decode(shown) -> tanh -> reshape(1, 8, 8) }

model a = vae(encoder = encoder, decoder = decoder, latent = bernoulli(posterior = posterior, prior = prior, choose = 4))

train    a { data = digits, batch = 50, epochs = 2, optimizer = adam(rate = 0.01), seed = 3 }
sample   a { count = 12, sheet = 3x4, seed = 4 }
evaluate a { metrics = [mse], count = 100, seed = 5 }
`

// A model is trained, drawn from and evaluated with opaque neurons and coders in Python: its weights, samples and figures are those
// that come of the same components in Go.
func TestOpaqueModel(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(name, spec string, argv ...string) {
		t.Helper()
		h := host.New(host.Options{Builtin: append([]string{self}, argv...), Dev: map[string]string{"acme/leaky": "tests/plugins/leaky"}})
		defer h.Close()
		x, said := load(h, spec)
		if x == nil {
			t.Fatal(said)
		}
		if err := x.Run(context.Background(), experiment.RunOptions{Folder: filepath.Join(dir, name), Threads: 2, Watch: silent{}}); err != nil {
			t.Fatal(err)
		}
	}
	run("ours", autoencoder, withOpaque)
	theirs := strings.Replace(autoencoder, "snn 1\n", "snn 1\nuse \"acme/leaky\" as python\n", 1)
	theirs = strings.NewReplacer("leaky(", "python(", "window(", "python(").Replace(theirs)
	run("theirs", theirs, builtin.Command)
	compared := 0
	for _, pattern := range []string{"checkpoints/*.safetensors", "samples/*.npy", "metrics.json"} {
		files, err := filepath.Glob(filepath.Join(dir, "ours", pattern))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			a, err := os.ReadFile(f)
			b, bad := os.ReadFile(strings.Replace(f, "/ours/", "/theirs/", 1))
			if err != nil || bad != nil || !bytes.Equal(numbers(f, a), numbers(f, b)) {
				t.Errorf("%s: %d and %d bytes, %v %v", filepath.Base(f), len(a), len(b), err, bad)
			}
			compared++
		}
	}
	if compared < 3 {
		t.Errorf("%d files are compared", compared)
	}
}

// numbers is what a file holds: of safetensors all behind the header, which has the key of the run and so the names of its plugins.
func numbers(path string, file []byte) []byte {
	if filepath.Ext(path) == ".safetensors" && len(file) > 8 {
		return file[8+binary.LittleEndian.Uint64(file):]
	}
	return file
}
