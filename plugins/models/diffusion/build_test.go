package diffusion_test

import (
	"flag"
	"fmt"
	"testing"

	"snnc.dev/snnc/plugins/models/diffusion"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/experiment"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

var plugins *modeltest.Host

func TestMain(m *testing.M) { modeltest.Main(m, &plugins) }

// fromSpec is the first model of a spec, which must be right.
func fromSpec(t testing.TB, text string, o experiment.Options) *modeltest.Model {
	t.Helper()
	return plugins.Model(t, diffusion.Model(), text, 0, o)
}

// Every mistake is told at the argument that is to blame, and a right model gives Programs. Lines of a case stand in the place
// of those of a right spec.
func TestBuild(t *testing.T) {
	modeltest.Golden(t, "testdata/build.txtar", *update, func(_, text string) string {
		spec := modeltest.Lines(text,
			"coder",
			"data d = optdigits(range = -1..1)",
			"network net(image: real[1, 8, 8], s: step) -> real[1, 8, 8] { return image + (s -> raw -> linear(1)) }",
			"model m = diffusion(denoiser = net)",
			"train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }",
			"sample m { sampler = ddim(steps = 2) }")
		x, _, said := plugins.Load(spec, experiment.Options{})
		if x == nil {
			return said
		}
		m := modeltest.Of(t, diffusion.Model(), x.Models[0])
		own := x.Spec.Actions[1].Settings["sampler"]
		return m.Program.Print() + "\nthe sampler's:\n" + m.Sampler(t, own.Text, own.Args).Program.Print()
	})
}

// What is no mistake of the user is an error; data without images are one.
func TestBuildFails(t *testing.T) {
	m := fromSpec(t, `snn 1
data d = optdigits(range = -1..1)
network net(image: real[1, 8, 8], s: step) -> real[1, 8, 8] { return image + (s -> raw -> linear(1)) }
model m = diffusion(denoiser = net)
train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
`, experiment.Options{})
	if _, complaints, err := diffusion.Model().Sampler(m.Request, "euler", schema.Arguments{}); err == nil || len(complaints) > 0 {
		t.Errorf("an unknown sampler: %v, %v", complaints, err)
	}
	bare, blind := m.Request, m.Request
	bare.Networks = nil
	blind.Fields = nil
	for name, call := range map[string]func(sdk.BuildRequest) (string, []schema.Complaint, error){
		"build": diffusion.Model().Build,
		"sampler": func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
			return diffusion.Model().Sampler(r, "ddpm", schema.Arguments{})
		},
	} {
		if _, complaints, err := call(bare); err == nil || len(complaints) > 0 {
			t.Errorf("%s without a denoiser: %v, %v", name, complaints, err)
		}
		if _, complaints, err := call(blind); err != nil || fmt.Sprint(complaints) != "[{ this model is trained on images, and the data have no field `image` train it on a data set of images}]" {
			t.Errorf("%s without images: %v, %v", name, complaints, err)
		}
	}
}

// The published sizes: SDDPM (Cao et al. 2024) with three channels and with one, DDPM (Ho et al. 2020), and the network without
// attention that SDDPM is compared with. All that is said of the specs is what this version cannot run.
func TestSpecs(t *testing.T) {
	for _, w := range []struct {
		spec, preset, set string
		parameters        int
		frozen            int
	}{
		{"sddpm", "", "", 66_568_413, 128_000},
		{"sddpm", "", "channels=1", 66_563_725, 128_000},
		{"sddpm", "small", "", 622_029, 16_000},
		{"ddpm-ann", "", "", 35_746_307, 128_000},
		{"ddpm-ann", "snn", "", 67_474_691, 128_000},
		{"ddpm-ann", "small", "", 619_697, 16_000},
	} {
		o := experiment.Options{Preset: w.preset}
		if w.set != "" {
			o.Sets = []string{w.set, "images=mnist(size = 32, range = -1..1)"}
		}
		plugins.CheckPublished(t, w.spec, o, [2]int{w.parameters, w.frozen})
	}
}
