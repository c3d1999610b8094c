package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
)

// stamper draws images that are their class everywhere.
func stamper() sdk.Model {
	return sdk.Model{
		Component: schema.Component{Kind: schema.Model, Name: "stamper", Version: "1.0", Doc: "Stamps.", Samplers: []schema.Choice{{Name: "plain"}}, Roles: []schema.Role{{Name: "network", Takes: "network"}}},
		Build: func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
			b := sdk.NewProgram(r.Networks)
			image := r.Fields["image"]
			b.Function("step", func(f *sdk.Function) {
				x := f.Input("image", image)
				f.Output("total", f.MeanSquare(f.Apply("network", sdk.Mode{}, x)[0], x))
			})
			b.Function("draw", func(f *sdk.Function) {
				y := f.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, f.Input("label", graph.Real().With(graph.I32)))
				f.Output("image", f.Expand(f.Reshape(y, 1, 1, 1), image))
			})
			b.Stream("images", "image")
			b.Stage("train", "images", program.Step{Function: "step", Moves: []string{"network"}})
			b.Sampler(program.Sampler{Name: "plain", Given: []string{"label"}, Result: "draw"})
			text, err := b.Finish()
			return text, nil, err
		},
	}
}

const stamps = `snn 1

data digits = optdigits(range = 0..1, take = 100)
network same(image: real[1, 8, 8]) -> real[1, 8, 8] { return image -> conv(1, kernel = 1) }
model s = stamper(network = same)

train    s { data = digits, batch = 50, epochs = 1, optimizer = sgd(rate = 0.01) }
sample   s { count = 12 }
sample   s { count = 5, labels = [7, 3] }
evaluate s { metrics = [frechet(features = pixels)], count = 40 }
evaluate s { metrics = [frechet(features = pixels)], count = 40, labels = [0, 1] }
`

// A model that is told classes draws every one in turn, or those that are chosen, whatever the batch; in an evaluation, those of
// the reference.
func TestLabels(t *testing.T) {
	h, dir := painters(t), filepath.Join(t.TempDir(), "run")
	x := load(t, h, stamps)
	mustRun(t, x, dir)
	classes := func(sheet string, n int) (out []int) {
		pixels := samplesOf(t, dir, sheet)
		for i := range n {
			image := pixels[i*64 : (i+1)*64]
			if slices.Min(image) != slices.Max(image) {
				t.Fatalf("sample %d is no stamp", i)
			}
			out = append(out, int(image[0]))
		}
		return out
	}
	if got := classes("sample-s[0]", 12); !slices.Equal(got, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1}) {
		t.Errorf("classes %v", got)
	}
	if got := classes("sample-s[1]", 5); !slices.Equal(got, []int{7, 3, 7, 3, 7}) {
		t.Errorf("classes %v", got)
	}
	if got := classes("s.epoch-0001", 64); got[63] != 3 {
		t.Errorf("the sheet of the epoch has classes %v", got)
	}
	j := x.jobs()[3]
	w, err := data.Open(t.Context(), j.Data.Set, j.Data.Args, data.Test, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if got := j.sampling(nil, w).class(i + w.Len()); got != w.Label(i) {
			t.Errorf("sample %d is of class %d, example %d of %d", i+w.Len(), got, i, w.Label(i))
		}
	}
	if j := x.jobs()[4]; j.sampling(nil, w).class(3) != 1 {
		t.Error("chosen classes are not drawn in an evaluation")
	}
	models, err := record.ReadModels(dir)
	if err != nil {
		t.Fatal(err)
	}
	figures, err := record.ReadMetrics(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i, labels := range []string{"", "[7, 3]", "", "[0, 1]"} { // a reader of the folder is told which are chosen
		d := models.Models[0].Draws[i]
		if d.Labels != labels {
			t.Errorf("`%s` is of the labels %q, not %q", d.Action, d.Labels, labels)
		}
		for _, f := range figures[d.Action] {
			if labels == "" && strings.Contains(f.Recipe, "labels") || labels != "" && !strings.HasSuffix(f.Recipe, "; samples of labels = "+labels) {
				t.Errorf("the recipe of `%s` is %q", d.Action, f.Recipe)
			}
		}
	}
	for says, change := range map[string][2]string{
		"there is no class 12":                      {"[7, 3]", "[7, 12]"},
		"`sample s[1]` draws no samples of a class": {"stamper(network = same)", "painter(brush = brush)"},
		"the examples of `digits` have no classes":  {"optdigits(range = 0..1, take = 100)", "random(size = 8, take = 100)"},
	} {
		text := strings.Replace(stamps, change[0], change[1], 1) + "\nnetwork brush(z: real[6]) -> real[1, 8, 8] { return z -> linear(64) -> reshape(1, 8, 8) }\n"
		y, found, _ := Load(context.Background(), h, "a.snn", []byte(text), Options{})
		if y != nil || !slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return strings.Contains(d.Summary, says) && d.Range.Start.Line > 0 }) {
			t.Errorf("%v, want %s at its place", found, says)
		}
	}
}

// Classes that may be there by their number, and that no example of the training is of, are not drawn.
func TestLabelsUnseen(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []struct{ name, head, body string }{
		{"a.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (60, 8, 8), }", strings.Repeat("x", 60*64)},
		{"b.npy", "{'descr': '|u1', 'fortran_order': False, 'shape': (60,), }", strings.Repeat("\x00\x02", 30)},
	} {
		head := file.head + "\n"
		text := "\x93NUMPY\x01\x00" + string([]byte{byte(len(head)), 0}) + head + file.body
		if err := os.WriteFile(filepath.Join(dir, file.name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	own := strings.NewReplacer("optdigits(range = 0..1, take = 100)", `npy("a.npy", labels = "b.npy", label_count = 3, size = 8)`, "[7, 3]", "[2]", "[0, 1]", "[0]").Replace(stamps)
	h := painters(t)
	few := strings.NewReplacer("range = -1..1", "range = -1..1, take = 5", "batch = 50", "batch = 5", "labels = [3, 7], sampler = ddim(steps = 5)", "sampler = ddim(steps = 5, label = 9)").Replace(spec(t, "labels"))
	var one *Refused
	if _, err := run(t, load(t, plugins, few), filepath.Join(t.TempDir(), "run")); !errors.As(err, &one) || !strings.HasPrefix(one.Found[0].Summary, "`sample digit` draws class 9, and model `digit` has seen none") || one.Found[0].Range.Start.Line != 9 {
		t.Errorf("the class of a sampler: %v", err)
	}
	seen := filepath.Join(t.TempDir(), "seen") // a run whose actions all name what there is
	text := strings.NewReplacer("sample   s { count = 12 }", "sample   s { count = 12, labels = [2, 0] }").Replace(own)
	mustRun(t, load(t, h, text), seen, func(o *RunOptions) { o.Data = []string{dir} })
	for labels, refused := range map[string]bool{"[0, 2]": false, "[2, 1]": true} {
		found, _, err := Sample(t.Context(), h, SampleOptions{Run: seen, Settings: map[string]string{"labels": labels}, Out: t.TempDir(), Threads: 1, Say: func(string) {}})
		if err != nil || found.HasErrors() != refused || refused && (found[0].Range.File != "--labels" || !strings.Contains(found[0].Summary, "draws class 1, and model `s` has seen none")) {
			t.Errorf("--labels %s: %v, %v", labels, err, found)
		}
	}
	for _, c := range []struct {
		change [2]string
		draws  string
		line   int
	}{
		{[2]string{"count = 12", "count = 12, labels = [0, 1]"}, "sample s[0]", 8},
		{[2]string{"count = 12", "count = 12"}, "sample s[0]", 3},
		{[2]string{"size = 8", "size = 8, classes = [0, 2]"}, "", 0},
	} {
		x := load(t, h, strings.Replace(own, c.change[0], c.change[1], 1))
		_, err := run(t, x, filepath.Join(t.TempDir(), "run"), func(o *RunOptions) { o.Data = []string{dir} })
		var refused *Refused
		switch {
		case c.draws == "" && err != nil:
			t.Errorf("%s: %v", c.change[1], err)
		case c.draws == "":
		case !errors.As(err, &refused):
			t.Errorf("%s: %v", c.change[1], err)
		default:
			d := refused.Found[0]
			if want := "`" + c.draws + "` draws class 1, and model `s` has seen none: no example of `digits` that it is trained on is of it"; d.Summary != want || d.Range.Start.Line != c.line || !strings.Contains(d.Help, "write `classes = [0, 2]`") {
				t.Errorf("%s: %+v", c.change[1], d)
			}
		}
	}
}

// Classes that an action names and cannot have are told with what stands against them: the sampler, the model or the data.
func TestLabelsRefused(t *testing.T) {
	for _, c := range []struct{ summary, help, old, new string }{
		{"there is no class 12", "the classes are 0 to 9", "[3, 7]", "[3, 12]"},
		{"the sampler of `sample digit` names the class of all samples, `label = 3`, and `labels` names classes as well", "leave one of the two out", "ddim(steps = 5", "ddim(steps = 5, label = 3"},
		{"`sample digit` draws no samples of a class: model `digit` is told none", "leave it out, or write `label = label` in model `digit`, whose networks are then told the class", ", label = label", ""},
		{"model `digit` has seen no class 3: it is trained on `classes = [7, 9]`", "name those", "range = -1..1", "range = -1..1, classes = [7, 9]"},
	} {
		text := strings.Replace(spec(t, "labels"), c.old, c.new, 1)
		if c.new == "" {
			text = strings.NewReplacer(", y: real[10]", "", ", y)", ")").Replace(text)
		}
		x, found, _ := Load(context.Background(), plugins, "a.snn", []byte(text), Options{})
		if x != nil || len(found) != 1 || found[0].Summary != c.summary || found[0].Help != c.help || found[0].Range.Start.Line != 9 {
			t.Errorf("%+v, want %s", found, c.summary)
		}
	}
}

// Nobody draws a class that the model has not seen by the option of the sampler either.
func TestUnseenOption(t *testing.T) {
	some := strings.NewReplacer("range = -1..1", "range = -1..1, classes = [7, 9]", "labels = [3, 7], ", "", "steps = 5)", "steps = 5, label = %)").Replace(spec(t, "labels"))
	for class, want := range map[string]string{"8": "model `digit` has seen no class 8: it is trained on `classes = [7, 9]`", "9": ""} {
		text := strings.Replace(some, "%", class, 1)
		_, found, _ := Load(context.Background(), plugins, "a.snn", []byte(text), Options{})
		if want == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Summary != want || !strings.HasPrefix(text[found[0].Range.Start.Offset:], "label = "+class) {
			t.Errorf("%+v, want %q", found, want)
		}
	}
}

// A network that is told one of ten classes may be trained on some of them, by its number or by that of the data set.
func TestLabelsOfSome(t *testing.T) {
	for _, width := range []string{"10", "8", "9"} {
		text := strings.NewReplacer("real[10]", "real["+width+"]", "range = -1..1", "range = -1..1, classes = [3, 7]").Replace(spec(t, "labels"))
		_, found, _ := Load(t.Context(), plugins, "a.snn", []byte(text), Options{})
		if found.HasErrors() != (width == "9") {
			t.Errorf("real[%s]: %v", width, found)
		}
		_, found, _ = Load(t.Context(), plugins, "a.snn", []byte(strings.Replace(text, "[3, 7], sampler", "[9], sampler", 1)), Options{})
		if width == "10" && (len(found) != 1 || found[0].Summary != "model `digit` has seen no class 9: it is trained on `classes = [3, 7]`") {
			t.Errorf("%v", found)
		}
	}
}

// A path without its quotes, which a shell takes away, is told as one.
func TestUnquoted(t *testing.T) {
	_, found, _ := Load(context.Background(), plugins, "a.snn", []byte(spec(t, "labels")), Options{Sets: []string{"train.digit.start=runs/other/weights"}})
	if len(found) != 1 || found[0].Summary != "`start` is a string, and this has no quotes" || !strings.HasSuffix(found[0].Help, "`--set 'start=\"...\"'`") {
		t.Errorf("%+v", found)
	}
}
