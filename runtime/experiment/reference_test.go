package experiment

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/metric"
)

// wide are data that a painter of 8x8 is judged by, and an evaluation by them.
const wide = `
data wide = optdigits(size = 13x11, range = -2..3, take = 150)
evaluate p { metrics = [frechet(features = pixels), nearest(features = pixels)], sampler = shaded(turns = 3), count = 40, data = wide }
`

// Samples are rounded as the pictures of the size at which they are drawn, then brought to the size of the reference. The range of
// the one and of the other count for themselves, and the recipe is that of samples which are drawn at that size.
func TestJudgedByOtherData(t *testing.T) {
	const n = 40
	dir := filepath.Join(t.TempDir(), "run")
	h := painters(t)
	x := load(t, h, spec(t, "painter")+wide)
	mustRun(t, x, dir)
	metrics := metricsOf(t, dir)
	j := x.jobs()[len(x.jobs())-1]
	_, drawn, err := j.use.as(restored(t, x, dir, "p", false))
	if err != nil {
		t.Fatal(err)
	}
	out, err := drawn.Sample(j.use.sampler, n, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	m := metric.Images{N: n, Channels: 1, Height: 8, Width: 8}
	for _, v := range out.Logical() { // the training's range is 0..1
		m.Pixels = append(m.Pixels, float32(math.Floor(min(max(v, 0), 1)*255+0.5)/255))
	}
	m = m.Fit(13, 11)
	m.Round()
	samples := metric.Vectors{N: n, Size: 143, Data: m.Pixels}
	open := func(split data.Split) (*data.Set, metric.Vectors) {
		set, err := data.Open(t.Context(), "optdigits", j.Data.Args, split, nil)
		if err != nil {
			t.Fatal(err)
		}
		v := metric.Vectors{N: set.Len(), Size: 143}
		for _, p := range all(t, set, "image").Logical() {
			v.Data = append(v.Data, float32(math.Floor(float64(float32((p+2)/5))*255+0.5)/255)) // 16 shades: some are halves of 255ths
		}
		return set, v
	}
	set, reference := open(data.Test)
	moments, err := metric.MomentsOf(reference)
	if err != nil {
		t.Fatal(err)
	}
	want, err := metric.Frechet(metric.Pixels(143), samples, moments, metric.Protocol{Reference: fmt.Sprintf("test of optdigits (data %s)", set.Pictures()[:12]), Rounded: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := metrics["evaluate p[1]"]["frechet_pixels"]; got.Value != want.Value || got.Recipe != want.Recipe {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	training, among := open(data.Train)
	if training.Len() != 150 {
		t.Fatal(training.Len())
	}
	var mean float64
	for i := range n {
		least := math.Inf(1)
		for k := range among.N {
			var sum float64
			for q, v := range samples.Vector(i) {
				d := float64(v) - float64(among.Vector(k)[q])
				sum += d * d
			}
			least = min(least, math.Sqrt(sum))
		}
		mean += least / n
	}
	near(t, "nearest", metrics["evaluate p[1]"]["nearest_pixels"].Value, mean, 1e-12)

	// The key has the examples and not the name; those of the training too, which `nearest` looks at. Without other data it is that of
	// before there were any.
	parts := func(change ...string) map[string]string {
		text := spec(t, "painter") + wide
		for i := 0; i < len(change); i += 2 {
			text = strings.ReplaceAll(text, change[i], change[i+1])
		}
		r := ready(t, load(t, h, text), t.TempDir(), false)
		defer r.folder.Close()
		return r.all[len(r.all)-1].parts
	}
	own := parts()
	if renamed := parts("wide", "tall"); !maps.Equal(own, renamed) {
		t.Errorf("under another name: %v, not %v", renamed, own)
	}
	if fewer := parts("take = 150", "take = 149"); len(changes(own, fewer)) != 1 || fewer["data of training"] == own["data of training"] {
		t.Errorf("of fewer examples: %v", changes(own, fewer))
	}
	if got := slices.Sorted(maps.Keys(parts(", data = wide", ""))); slices.Contains(got, "data") || slices.Contains(got, "data of training") {
		t.Errorf("without other data: %v", got)
	}
}

// Samples are brought to another size as the data set brings its own images to it: to half of what a byte of the set is.
func TestFitIsTheDataSets(t *testing.T) {
	pictures := func(size *schema.Value) metric.Images {
		args := schema.Arguments{}
		if size != nil {
			args["size"] = *size
		}
		set, err := data.Open(t.Context(), "optdigits", args, data.Test, nil)
		if err != nil {
			t.Fatal(err)
		}
		d := set.Fields()["image"].Dims
		m := metric.Images{N: set.Len(), Channels: d[0], Height: d[1], Width: d[2]}
		for _, v := range all(t, set, "image").Logical() {
			m.Pixels = append(m.Pixels, float32(v))
		}
		return m
	}
	own := pictures(nil)
	for _, side := range [][2]float64{{5, 5}, {4, 8}, {3, 13}, {16, 2}} {
		size := schema.Value{Type: schema.Size, Items: []schema.Value{{Number: side[0]}, {Number: side[1]}}}
		want, got := pictures(&size), own.Fit(int(side[0]), int(side[1]))
		if len(got.Pixels) != len(want.Pixels) {
			t.Fatalf("%v: %d pixels, want %d", side, len(got.Pixels), len(want.Pixels))
		}
		for i, p := range got.Pixels {
			if d := math.Abs(float64(p - want.Pixels[i])); d > 0.5/240+1e-6 { // the set's bytes are 0 to 240
				t.Fatalf("%v: pixel %d is %v, want %v", side, i, p, want.Pixels[i])
			}
		}
	}
}

// What cannot be compared is said where the data are named, before anything runs.
func TestCannotBeJudgedByOtherData(t *testing.T) {
	judged := func(name, set, metrics string) string {
		return spec(t, name) + fmt.Sprintf("\ndata other = %s\nevaluate %s { data = other, metrics = [%s] }\n", set, map[string]string{"classes": "m"}[name]+map[string]string{"images": "a"}[name], metrics)
	}
	painted := spec(t, "painter") + strings.Replace(wide, "optdigits(size = 13x11, range = -2..3, take = 150)", "SET", 1)
	of := func(set string) string { return strings.Replace(painted, "SET", set, 1) }
	labelled := stamps + "\ndata other = npy(images = \"a.npy\", labels = \"b.npy\", label_count = 26, size = 8, channels = 1)\nevaluate s { data = other, metrics = [frechet(features = pixels)], count = 40 }\n"
	few := strings.Replace(stamps, "optdigits(", "optdigits(classes = [1, 2], ", 1) + "\ndata other = SET\nevaluate s { data = other, metrics = [frechet(features = pixels)], count = 40 }\n"
	few = strings.NewReplacer("[7, 3]", "[2, 1]", "[0, 1]", "[1]").Replace(few)
	for _, c := range []struct{ text, want, help string }{
		{of("cifar10"), "samples of model `p` are grey, and the images of `wide` are in colour", "write `channels = 1` where `wide` is defined"},
		{of("random(kind = spikes, size = 8)"), "samples of model `p` are compared with images, and the examples of `wide` are none", "compare with images"},
		{judged("images", "optdigits(size = 9)", "mse"), "metric `mse` gives model `a` the examples of `other`, whose `image` is f32[N 1 9 9]; it takes f32[N 1 8 8]", "measure the answers"},
		{judged("images", "optdigits", "ssim, mse"), "metric `mse` gives model `a` the examples of `other`, whose `range` is 0..1; it is trained on `range = -1..1`", "measure the answers"},
		{judged("classes", "random(kind = spikes, size = 8)", "accuracy"), "metric `accuracy` gives model `m` the examples of `other`, and they have no field `image`: theirs are spikes and target", "measure the answers"},
		{labelled, "samples are of the classes that the examples of `other` have, and model `s` has seen no class 10", "name classes in `labels`"},
		{strings.Replace(labelled, "labels = \"b.npy\", label_count = 26, ", "", 1), "samples are of the classes that the examples of `other` have, and these have none", "name classes in `labels`"},
		{strings.Replace(few, "SET", "optdigits(size = 8)", 1), "samples are of the classes that the examples of `other` have, and model `s` has seen no class 0", "name classes in `labels`"},
	} {
		x, found, _ := Load(t.Context(), painters(t), "a.snn", []byte(c.text), Options{})
		i := slices.IndexFunc(found, func(d diag.Diagnostic) bool { return d.Summary == c.want })
		if x != nil || i < 0 {
			t.Errorf("%v, want %s", found, c.want)
			continue
		}
		name := "wide"
		if !strings.Contains(c.text, "data = wide") {
			name = "other"
		}
		at := found[i].Range
		if got := c.text[at.Start.Offset:at.End.Offset]; found[i].Code != diag.BadAction || got != name || !strings.HasPrefix(found[i].Help, c.help) {
			t.Errorf("%s: %v at %q, help %q", c.want, found[i].Code, got, found[i].Help)
		}
	}
	for _, text := range []string{strings.Replace(labelled, "count = 40 }\n", "count = 40, labels = [3, 9] }\n", -1),
		strings.Replace(few, "SET", "optdigits(size = 8, classes = [2])", 1)} {
		if _, found, _ := Load(t.Context(), painters(t), "a.snn", []byte(text), Options{}); found.HasErrors() {
			t.Errorf("with classes that the model knows: %v", found)
		}
	}
}
