package experiment

import (
	"context"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/train"
)

// What an action draws with replaced definitions is what the model would draw that the file defines so, with the weights that are
// trained without.
func TestReplace(t *testing.T) {
	h := painters(t)
	text := spec(t, "painter", "evaluate p", "#")
	pool := exec.NewPool(1)
	defer pool.Close()
	for _, c := range []struct{ replace, was, is string }{
		{"fire(threshold = 0.5)", "threshold = 1", "threshold = 0.5"},
		{"held(steps = 7)", "steps = 4", "steps = 7"},
		{"fire(tau = 3 steps), held(steps = 2)", "tau = 2 steps", "tau = 3 steps"},
	} {
		dir := t.TempDir()
		mustRun(t, load(t, h, text, "sample.p.replace=["+c.replace+"]"), dir)
		other := strings.Replace(text, c.was, c.is, 1)
		if strings.Contains(c.replace, "steps = 2") {
			other = strings.Replace(other, "steps = 4", "steps = 2", 1)
		}
		x := load(t, h, other)
		m, err := train.NewModel(x.Models[0].Program, x.Models[0].Modules, 0, pool)
		if err != nil {
			t.Fatal(err)
		}
		f, err := checkpoint.Read(newest(t, dir, "p"))
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Restore(f, false); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"sample-p[0]", "sample-p[1]", "sample-p[2]"} {
			a := slices.IndexFunc(x.jobs(), func(j *job) bool { return j.Kind == "sample" && j.Number == i })
			j := x.jobs()[a]
			_, drawn, err := j.use.as(m)
			if err != nil {
				t.Fatal(err)
			}
			want, err := drawn.Sample(j.use.sampler, 4, 1, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := samplesOf(t, dir, name); !slices.Equal(got, appendPixels(nil, want)) {
				t.Errorf("replace = [%s]: %s is something else than with `%s` in the file", c.replace, name, c.is)
			}
		}
	}
}

// What an action replaces is a part of its key, and of no other's; what the file calls it is not.
func TestReplaceInKey(t *testing.T) {
	base := spec(t, "replaced")
	was := keys(t, base)
	for _, c := range []struct {
		what, old, new string
		changes        bool
	}{
		{"another value", "threshold = 0.9", "threshold = 0.8", true},
		{"another parameter", "fire(threshold = 0.9)", "fire(threshold = 0.9, rest = 0.1)", true},
		{"nothing", ", replace = [fire(threshold = 0.9)]", "", true},
		{"another name", "fire", "flame", false},
		{"another writing", "[fire(threshold = 0.9)]", "[(fire)(threshold = 9 / 10)]", false},
		{"a default written out", "threshold = 0.9", "threshold = 0.9, tau = 2 steps", false},
	} {
		text := strings.ReplaceAll(base, c.old, c.new)
		if c.what == "another writing" {
			text = strings.ReplaceAll(text, "(fire)(", "fire(")
		}
		is := keys(t, text)
		if changed := was["sample"] != is["sample"]; changed != c.changes {
			t.Errorf("%s changes the key of what replaces: %v", c.what, changed)
		}
		if was["train"] != is["train"] || was["evaluate"] != is["evaluate"] {
			t.Errorf("%s changes the keys of other actions", c.what)
		}
	}
}

// What is put in must have the weights that are there.
func TestReplaceOtherWeights(t *testing.T) {
	text := spec(t, "painter", "brush = brush", "brush = brush, clocked = true", "count = 4, seed", "count = 4, replace = [held(steps = 5)], seed")
	x, found, _ := Load(context.Background(), painters(t), "a.snn", []byte(text), Options{})
	if x != nil || len(found) != 1 {
		t.Fatalf("%v", found)
	}
	d := found[0]
	if want := "[held(steps = 5)]"; pointed(text, d) != want {
		t.Errorf("points at %q, want %q", pointed(text, d), want)
	}
	if len(d.Notes) != 1 || !strings.Contains(d.Notes[0].Message, "weight `clock` is trained as [4] and would be [5]") {
		t.Errorf("%s\n%v", d.Summary, d.Notes)
	}
}

// An evaluation with replaced definitions finds what it finds of a model that has them in the file and begins, and ends, with the
// weights of the first.
func TestReplaceEvaluates(t *testing.T) {
	text := spec(t, "replaced", ", replace = [fire(threshold = 0.9)]", "")
	t.Chdir(t.TempDir())
	mustRun(t, load(t, plugins, text, "evaluate.a.metrics=[mse]", "evaluate.a.replace=[fire(threshold = 0.05), held(steps = 6)]"), "first")
	mustRun(t, load(t, plugins, text, "fire.threshold=0.05", "held.steps=6", "evaluate.a.metrics=[mse]", "train.a.optimizer=sgd(rate = 1e-30)", `train.a.start="first"`), "second")
	mustRun(t, load(t, plugins, text, "evaluate.a.metrics=[mse]"), "plain")
	of := func(dir string) float64 { return metricsOf(t, dir)["evaluate a"]["mse"].Value }
	if of("first") != of("second") || of("first") == of("plain") {
		t.Errorf("mse %v with replaced definitions, %v with them in the file, %v without", of("first"), of("second"), of("plain"))
	}
}
