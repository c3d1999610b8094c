package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/record"
)

// refused runs an experiment that must be refused and returns the finding, the only one.
func refused(t *testing.T, x *Experiment, dir string, change ...func(*RunOptions)) diag.Diagnostic {
	t.Helper()
	_, err := run(t, x, dir, change...)
	var no *Refused
	if !errors.As(err, &no) || len(no.Found) != 1 {
		t.Fatalf("%v %+v", err, no)
	}
	return no.Found[0]
}

// A training begins with the weights of a file or of a run, with averaged ones where there are some; these are a part of its
// key, wherever they lie.
func TestStart(t *testing.T) {
	text := spec(t, "images")
	t.Chdir(t.TempDir())
	for _, average := range []string{"0", "0.5"} {
		from := "from-" + average
		mustRun(t, load(t, plugins, text, "train.a.average="+average), from)
		f, err := checkpoint.Read(newest(t, from, "a"))
		if err != nil {
			t.Fatal(err)
		}
		prefix := map[string]string{"0": "", "0.5": "average/"}[average]
		// The rate is so small that float32 weights stay what they were.
		sets := []string{"train.a.optimizer=sgd(rate = 1e-30)", "train.a.seed=9"}
		bare := &checkpoint.File{}
		for _, x := range f.Tensors {
			if strings.HasPrefix(x.Name, "optimizer/") || strings.HasPrefix(x.Name, "average/") {
				continue
			}
			want, ok := f.Tensor(prefix + x.Name)
			if !ok {
				t.Fatalf("no %s", prefix+x.Name)
			}
			bare.Tensors = append(bare.Tensors, checkpoint.Tensor{Name: x.Name, DType: want.DType, Shape: want.Shape, Data: want.Data})
		}
		if err := checkpoint.Write("weights.safetensors", bare); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{from, "weights.safetensors", filepath.ToSlash(newest(t, from, "a"))} {
			x := load(t, plugins, text, append(sets, `train.a.start="`+path+`"`)...)
			to := "to-" + average
			mustRun(t, x, to) // the second and third time all is done already: it is the same training
			g, err := checkpoint.Read(newest(t, to, "a"))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range bare.Tensors {
				if got, ok := g.Tensor(want.Name); !ok || !slices.Equal(got.Data, want.Data) {
					t.Errorf("%s, average %s: %s is not what the training began with", path, average, want.Name)
				}
			}
			if w := mustRun(t, x, to); w.steps > 0 {
				t.Errorf("%d updates of a training that is done", w.steps)
			}
		}
		var changed *Changed
		if _, err := run(t, load(t, plugins, text, sets...), "to-"+average); !errors.As(err, &changed) {
			t.Errorf("without the start: %v", err)
		}
	}
	var changed *Changed
	if _, err := run(t, load(t, plugins, text, "train.a.optimizer=sgd(rate = 1e-30)", "train.a.seed=9", `train.a.start="from-0.5"`), "to-0"); !errors.As(err, &changed) {
		t.Errorf("from other weights: %v", err)
	}
}

// What does not fit is told before anything is run: all at once, at the setting.
func TestBadStart(t *testing.T) {
	plain, text := spec(t, "images"), spec(t, "images", "seed = 3", `seed = 3, start = "weights"`)
	other := spec(t, "images", "linear(24) -> tanh -> linear(8)", "linear(20) -> batchnorm -> tanh -> linear(8)")
	renamed := spec(t, "images", "model a", "model b", " a {", " b {")
	t.Chdir(t.TempDir())
	mustRun(t, load(t, plugins, other), "other")
	mustRun(t, load(t, plugins, renamed), "renamed")
	for _, f := range []func() error{
		func() error { return os.Mkdir("empty", 0o777) },
		func() error { return os.WriteFile("torn.safetensors", []byte("no tensors at all"), 0o666) },
		func() error { return os.Symlink(os.TempDir(), "link") },
		func() error { return os.MkdirAll("data/elsewhere", 0o777) },
		func() error { return os.Rename("renamed", "data/renamed") },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]string{
		"nowhere.safetensors": `"nowhere.safetensors" is not there`,
		"torn.safetensors":    "weights cannot be read: ",
		"empty":               "weights cannot be read: empty is a folder and no run",
		"link":                "weights cannot be read: ",
		"renamed":             "\"renamed\" has no checkpoint of a model `a`",
		"other":               "the weights in other/checkpoints/a-000000000006.safetensors are not those of model `a`",
		"run":                 `"run" is what this run itself writes`,
	} {
		sets := []string{`train.a.start="` + path + `"`}
		if path == "run" {
			mustRun(t, load(t, plugins, plain), "run")
		}
		d := refused(t, load(t, plugins, text, sets...), "run", func(o *RunOptions) { o.Data = []string{"data"} })
		if d.Code != diag.StartFailed || !strings.HasPrefix(d.Summary, want) {
			t.Errorf("%s: %s %s, want %s", path, d.Code, d.Summary, want)
		}
		if path == "other" {
			var lines []string
			for _, n := range d.Notes {
				lines = append(lines, n.Message)
			}
			if len(lines) != 7 { // four variables of batch norm, and what the 20 neurons have to do with
				t.Errorf("%q", lines)
			}
			all := strings.Join(lines, "\n")
			for _, want := range []string{"`encoder.0.linear.weight` is [24 64] in the model and [20 64] in the file", "`encoder.0.batchnorm.weight` [20] is not in the model"} {
				if !strings.Contains(all, want) {
					t.Errorf("no line %q in\n%s", want, all)
				}
			}
		}
	}
	if _, err := os.Stat(filepath.Join("nothing", record.ActionFile)); !os.IsNotExist(err) {
		t.Error(err)
	}
	// Paths that lead out of the folder are errors of the spec.
	for _, path := range []string{"../other", "/etc/weights.safetensors", "a/../../b"} {
		x, found, _ := Load(context.Background(), plugins, "a.snn", []byte(text), Options{Sets: []string{`train.a.start="` + path + `"`}})
		if x != nil || len(found) != 1 || found[0].Code != diag.StartFailed || !strings.Contains(found[0].Help, "--data") {
			t.Errorf("%s: %v", path, found)
		}
	}
}

// A training goes on from a network that has grown: what `new` names begins as it would without `start`, and all else is found by
// its name, whatever stands between.
func TestNew(t *testing.T) {
	text := spec(t, "replaced")
	grown := spec(t, "replaced", "coder  held", `neuron scale(p: real = 1 trainable per step) {
    input x
    output p * x
}
coder  held`, "flatten -> linear(24)", "flatten -> linear(24) -> scale", "linear(8)", "linear(8) -> scale",
		"adam(rate = 0.01)", "sgd(rate = 1e-30)", "seed = 3", `seed = 9, start = "base", new = [scale]`)
	t.Chdir(t.TempDir())
	mustRun(t, load(t, plugins, text), "base")
	x := load(t, plugins, grown)
	mustRun(t, x, "grown")
	weights := func(run string) *checkpoint.File {
		t.Helper()
		f, err := checkpoint.Read(newest(t, run, "a"))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	base, tuned := weights("base"), weights("grown")
	for _, want := range base.Tensors {
		if strings.HasPrefix(want.Name, "optimizer/") {
			continue
		}
		if got, ok := tuned.Tensor(want.Name); !ok || !slices.Equal(got.Data, want.Data) {
			t.Errorf("%s is not what the training began with", want.Name)
		}
	}
	for _, name := range []string{"encoder.0.scale.p", "encoder.1.scale.p"} {
		p, _ := tuned.Tensor(name)
		values, err := checkpoint.Values[float32](p)
		if want := []float32{1, 1, 1, 1}; err != nil || !slices.Equal(values, want) {
			t.Errorf("%s is %v, want %v: %v", name, values, want, err)
		}
	}
	// A factor of 1 changes no bit of what the model is worth.
	if sum(t, filepath.Join("base", record.MetricFile)) != sum(t, filepath.Join("grown", record.MetricFile)) {
		t.Error("the network that has grown is worth something else")
	}
	if w := mustRun(t, x, "grown"); w.steps > 0 {
		t.Errorf("%d updates of a training that is done", w.steps)
	}

	// A whole role may be new: the rest is taken.
	mustRun(t, load(t, plugins, grown, "train.a.new=[scale, decoder]"), "half")
	mustRun(t, load(t, plugins, strings.Replace(grown, `, start = "base", new = [scale]`, "", 1)), "random")
	half, random := weights("half"), weights("random")
	for name, from := range map[string]*checkpoint.File{"encoder.0.linear.weight": base, "decoder.0.linear.weight": random, "decoder.1.linear.bias": random} {
		want, _ := from.Tensor(name)
		if got, ok := half.Tensor(name); !ok || !slices.Equal(got.Data, want.Data) {
			t.Errorf("%s comes from elsewhere", name)
		}
	}
	var changed *Changed
	if _, err := run(t, load(t, plugins, grown, "train.a.new=[scale, decoder]"), "grown"); !errors.As(err, &changed) {
		t.Errorf("with other weights that are new: %v", err)
	}

	d := refused(t, load(t, plugins, grown, "train.a.new=[decoder]"), "other")
	if len(d.Notes) != 2 || d.Notes[0].Message != "`encoder.0.scale.p` [4] is missing" || !strings.HasSuffix(d.Help, "or say with `new` what of them is new, by a name in those of its weights: `new = [NAME]`") {
		t.Errorf("%s %v", d.Help, d.Notes)
	}
	for change, want := range map[string]struct {
		code diag.Code
		help string
	}{
		"train.a.new=[scal]":          {diag.UnknownName, "did you mean `scale`?"},
		"train.a.new=[late]":          {diag.UnknownName, "weights are called by role and layer"},
		`train.a.new=["scale"]`:       {diag.BadType, "write a neuron, coder, layer, network or role by its name"},
		"train.a.new=scale":           {diag.BadType, "write `[scale]`"},
		"train.a.new=[scale(p = 1)]":  {diag.BadType, "write a neuron, coder, layer, network or role by its name"},
		"train.a.new[0]=scale(p = 1)": {diag.BadType, "write a neuron, coder, layer, network or role by its name"},
	} {
		x, found, _ := Load(context.Background(), plugins, "a.snn", []byte(grown), Options{Sets: []string{change}})
		if x != nil || len(found) != 1 || found[0].Code != want.code || !strings.HasPrefix(found[0].Help, want.help) {
			t.Errorf("%s: %v", change, found)
		}
	}
	x, found, _ := Load(context.Background(), plugins, "a.snn", []byte(strings.Replace(grown, `start = "base", `, "", 1)), Options{})
	if x != nil || len(found) != 1 || found[0].Code != diag.BadAction {
		t.Errorf("new weights without others: %v", found)
	}
}

// A training that may take less memory than it needs does not begin, and is told what takes how much.
func TestMemory(t *testing.T) {
	x := load(t, plugins, spec(t, "images", "seed = 3", "seed = 3, memory = 20 KB, precision = single"))
	dir := filepath.Join(t.TempDir(), "run")
	d := refused(t, x, dir)
	if !strings.HasPrefix(d.Summary, "`train a` needs ") || !strings.HasSuffix(d.Summary, "and `memory` allows 20.0 KB") || len(d.Notes) != 3 {
		t.Errorf("%s\n%v", d.Summary, d.Notes)
	}
	// Enough is enough, and no part of what the training is.
	mustRun(t, load(t, plugins, spec(t, "images", "seed = 3", "seed = 3, memory = 1 GB")), dir)
	w := mustRun(t, load(t, plugins, spec(t, "images", "seed = 3", "seed = 3, memory = 20 KB")), dir)
	if w.steps > 0 || !w.says("done already") {
		t.Errorf("said %q", w.said)
	}
	for value, code := range map[string]diag.Code{"8": diag.MissingUnit, "2 ms": diag.WrongUnit, "0 B": diag.OutOfRange, "much": diag.UnknownName, "true": diag.BadType} {
		x, found, _ := Load(context.Background(), plugins, "a.snn", []byte(spec(t, "images")), Options{Sets: []string{"train.a.memory=" + value}})
		if x != nil || len(found) != 1 || found[0].Code != code {
			t.Errorf("memory = %s: %v", value, found)
		}
	}
}

// What does not fit is computed twice, to the same bytes; where that does not do, a batch is named that fits.
func TestMemoryHeld(t *testing.T) {
	text, err := os.ReadFile("../../specs/quickstart.snn")
	if err != nil {
		t.Fatal(err)
	}
	of := func(sets ...string) *Experiment {
		return load(t, plugins, string(text), append(sets, "train.digit.epochs=1", "evaluate.digit.count=50")...)
	}
	p, err := of().Plan()
	if err != nil {
		t.Fatal(err)
	}
	within := func(share float64, sets ...string) *Experiment {
		y := p.trainings[0]
		return of(append(sets, fmt.Sprintf("train.digit.memory=%d B", y.Weights+y.Sheets+int(share*float64(y.Steps))))...)
	}
	whole, tight := filepath.Join(t.TempDir(), "whole"), filepath.Join(t.TempDir(), "tight")
	mustRun(t, of(), whole)
	mustRun(t, within(0.85), tight)
	names, err := filepath.Glob(filepath.Join(tight, record.CheckpointFolder, "*"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range append(names, filepath.Join(tight, record.MetricFile)) {
		if other := filepath.Join(whole, strings.TrimPrefix(name, tight)); sum(t, name) != sum(t, other) {
			t.Errorf("%s within less memory is another", filepath.Base(name))
		}
	}
	// What is measured keeps to it as well.
	pool := exec.NewPool(1)
	defer pool.Close()
	m, err := within(0.85).Measure(t.Context(), pool, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	for _, s := range m.Trainer.Profile(nil).Steps {
		taken += s.Plan.Bytes()
	}
	if most := int(0.85 * float64(p.trainings[0].Steps)); taken > most {
		t.Errorf("%d bytes are measured where %d are allowed", taken, most)
	}
	if _, err := within(0.6).Measure(t.Context(), pool, nil, 1); !errors.As(err, new(*Refused)) {
		t.Errorf("what does not fit is measured: %v", err)
	}
	for share, over := range map[float64]bool{0.6: true, 0.85: false} {
		var w strings.Builder
		p, err := within(share).Plan()
		if err == nil {
			err = p.Text(&w, false)
		}
		if err != nil || strings.Contains(w.String(), " more than `memory` allows\n") != over {
			t.Errorf("within %v of the memory: %v\n%s", share, err, w.String())
		}
	}
	d := refused(t, within(0.6), filepath.Join(t.TempDir(), "small"))
	var batch int
	if _, err := fmt.Sscanf(d.Help, "write `batch = %d`, which fits", &batch); err != nil || batch < 1 {
		t.Fatalf("help %q", d.Help)
	}
	mustRun(t, within(0.6, fmt.Sprint("train.digit.batch=", batch)), filepath.Join(t.TempDir(), "fits"))
}
