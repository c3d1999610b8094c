package gan_test

import (
	"flag"
	"testing"

	"snnc.dev/snnc/plugins/models/gan"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

var plugins *modeltest.Host

func TestMain(m *testing.M) { modeltest.Main(m, &plugins) }

// model returns the first model of a spec, which must be right.
func model(t testing.TB, text string, o experiment.Options) *modeltest.Model {
	t.Helper()
	return plugins.Model(t, gan.Model(), text, 0, o)
}

// Every mistake is told at the argument that is to blame, and a right model gives a Program. Lines of a case stand in the place
// of those of a right spec.
func TestBuild(t *testing.T) {
	modeltest.Golden(t, "testdata/build.txtar", *update, func(_, text string) string {
		x, _, said := plugins.Load(modeltest.Lines(text,
			"neuron",
			"coder",
			"data d = optdigits(range = 0..1)",
			"network draw(z: real[3]) -> real[1, 8, 8] { return z -> linear(64) -> reshape(1, 8, 8) }",
			"network judge(image: real[1, 8, 8]) -> real[1] { return image -> flatten -> linear(1) }",
			"model m = gan(generator = draw, discriminator = judge)",
			"train m { data = d, batch = 10, iterations = 10, optimizer = sgd(rate = 1) }",
			"sample"), experiment.Options{})
		if x == nil {
			return said
		}
		return x.Models[0].Program.Print()
	})
}

// The published sizes: SGAD with its scoring network (Feng et al. 2024), and the small ones; all that is said of the specs is
// what this version cannot run.
func TestSpecs(t *testing.T) {
	for _, w := range []struct {
		spec, preset             string
		sets                     []string
		generator, discriminator int
	}{
		{"spiking-gan", "", nil, 353_600, 314_400},
		{"gan-ann", "", nil, 354_784, 314_401},
		{"sgad", "", nil, 6_988_865, 1_102_913},
		{"sgad", "small", []string{"gain=0"}, 417_937 + 100_480, 144_929},
		{"sgad", "small", nil, 417_937 + 100_480, 144_929 - 32}, // without the first norm of the critic
	} {
		plugins.CheckPublished(t, w.spec, experiment.Options{Preset: w.preset, Sets: w.sets}, [2]int{w.generator}, [2]int{w.discriminator})
	}
}
