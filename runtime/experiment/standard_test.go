package experiment

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/specs/features"
)

// hashed returns n numbers in [0, 1) as specs/features/testdata/inception.py makes them: SplitMix64 of seed * 2^32 + place, its
// upper 24 bits.
func hashed(seed uint64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		z := (seed<<32 + uint64(i)) * 0x9E3779B97F4A7C15
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		out[i] = float64((z^z>>31)>>40) / (1 << 24)
	}
	return out
}

// inceptionWeights are the random weights that the vectors were recorded with.
func inceptionWeights(t *testing.T, m *build.Model) *checkpoint.File {
	t.Helper()
	dims := map[string][]int{}
	for _, v := range m.Linker.Variables() {
		dims[v.Title] = v.Type.Dims
	}
	var names []string
	for i := range 94 {
		names = append(names, fmt.Sprintf("features.%d.conv.weight", i))
		for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
			names = append(names, fmt.Sprintf("features.%d.batchnorm.%s", i, part))
		}
	}
	names = append(names, "network.0.linear.weight", "network.0.linear.bias")
	if len(names) != len(dims) {
		t.Fatalf("the network has %d variables, want %d", len(dims), len(names))
	}
	f := &checkpoint.File{}
	for seed, name := range names {
		shape, size := dims[name], 1
		for _, d := range shape {
			size *= d
		}
		u := hashed(uint64(seed), size)
		values := make([]float32, size)
		for i, u := range u {
			switch {
			case strings.HasSuffix(name, "conv.weight") || strings.HasSuffix(name, "linear.weight"):
				u = (2*u - 1) * math.Sqrt(6/float64(size/shape[0]))
			case strings.HasSuffix(name, "batchnorm.weight") || strings.HasSuffix(name, "running_var"):
				u += 0.5
			default:
				u -= 0.5
			}
			values[i] = float32(u)
		}
		f.Tensors = append(f.Tensors, checkpoint.Of(name, shape, values))
	}
	return f
}

// Inception gives, from random weights, what the FID network of pytorch-fid gives, resizing and grey images included.
func TestInception(t *testing.T) {
	text, err := os.ReadFile("../../specs/features/testdata/inception.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Seed             uint64
		Shape            []int
		Features, Logits []float64
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	x := load(t, plugins, spec(t, "judged"))
	own, found, _ := Load(context.Background(), x.host, "inception.snn", features.Text("inception"), Options{})
	if found.HasErrors() {
		t.Fatal(found)
	}
	s, err := loadStandard(context.Background(), x, "inception", inceptionWeights(t, own.Models[0]), "hash")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{x: x, pool: exec.NewPool(2)}
	defer r.pool.Close()
	for _, c := range cases {
		f, err := s.apply(r, graph.Real(c.Shape...))
		if err != nil {
			t.Fatal(err)
		}
		m := metric.Images{N: 1, Channels: c.Shape[0], Height: c.Shape[1], Width: c.Shape[2]}
		for _, u := range hashed(c.Seed, m.Size()) {
			m.Pixels = append(m.Pixels, float32(math.Floor(256*u)/255))
		}
		vectors, classes, err := f.Apply(context.Background(), m)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []struct {
			name string
			got  []float32
			want []float64
		}{{"features", vectors, c.Features}, {"logits", classes, c.Logits}} {
			if len(x.got) != len(x.want) {
				t.Fatalf("%d %s, want %d", len(x.got), x.name, len(x.want))
			}
			square, worst := 0.0, 0.0
			for i, v := range x.want {
				square += v * v / float64(len(x.want))
				worst = max(worst, math.Abs(float64(x.got[i])-v))
			}
			// Both sides round to float32, in another order: 50 layers one behind the other, sums of up to 4,608 products whose
			// errors of 2^-24 add up like a random walk, root of the sum of squares: 2^-24 * 68 * 7 = 3e-5 of the typical value.
			t.Logf("image %v: %s off by %.2g of their root mean square", c.Shape, x.name, worst/math.Sqrt(square))
			if !(worst <= 2e-4*math.Sqrt(square)) {
				t.Errorf("image %v: %s are off by %v, their root mean square is %v", c.Shape, x.name, worst, math.Sqrt(square))
			}
		}
	}
}

// The figures over a feature network of this program have recipes with the hash of the file of its weights, which are those of
// the data that is judged, those that are named, or digits.
func TestStandardFeatures(t *testing.T) {
	const metrics = "frechet(features = lenet), kid(features = lenet(weights = fashion_mnist)), frechet(features = autoencoder), inception_score(features = lenet)"
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, load(t, plugins, spec(t, "standard", "METRICS]", metrics+"]")), dir)
	raw, err := os.ReadFile(filepath.Join(dir, "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var written map[string]map[string]struct{ Recipe string }
	if err := json.Unmarshal(raw, &written); err != nil {
		t.Fatal(err)
	}
	figures := written["evaluate a"]
	for name, w := range map[string][2]string{
		"frechet_lenet": {"lenet", "mnist"}, "kid_lenet": {"lenet", "fashion_mnist"}, "frechet_autoencoder": {"autoencoder", "mnist"}, "inception_score_lenet": {"lenet", "mnist"},
	} {
		if _, hash := features.Weights(w[0], w[1]); hash == "" || !strings.Contains(figures[name].Recipe, hash[:12]) {
			t.Errorf("the recipe of %s is %q, the weights have the hash %s", name, figures[name].Recipe, hash)
		}
	}
}

// What stands against a feature network is found before anything is trained, at its place in the spec.
func TestStandardFeaturesRefused(t *testing.T) {
	folder := t.TempDir()
	if err := checkpoint.Write(filepath.Join(folder, "other.safetensors"), &checkpoint.File{Tensors: []checkpoint.Tensor{checkpoint.Of("x", []int{1}, []float32{0})}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ metric, want string }{
		{"fid", `"inception.safetensors" is not there`},
		{"inception_score", `"inception.safetensors" is not there`},
		{`frechet(features = inception(weights = "a.safetensors"))`, `"a.safetensors" is not there`},
		{`fid(weights = "other.safetensors")`, "are not those of the feature network `inception`"},
		{`fid(weights = "../other.safetensors")`, "weights cannot be read"},
	} {
		x := load(t, plugins, spec(t, "standard", "METRICS]", c.metric+"]"))
		err := x.Run(context.Background(), RunOptions{Folder: filepath.Join(t.TempDir(), "run"), Data: []string{folder}, Threads: 1, Watch: &watcher{}})
		refused, ok := err.(*Refused)
		if !ok || len(refused.Found) != 1 || refused.Found[0].Code != diag.StartFailed || !strings.Contains(refused.Found[0].Summary, c.want) {
			t.Errorf("%s: %v, want %s", c.metric, err, c.want)
		}
	}
}
