package experiment

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/record"
)

// withPainter is the argument that makes the test binary serve the built-ins, the model painter and the coder odd.
const withPainter = "serve-painter"

func servePainter() {
	if len(os.Args) == 2 && os.Args[1] == withPainter {
		p := builtin.Plugin()
		p.Models = append(p.Models, painter(), halver(), guesser(), stamper())
		p.Coders = append(p.Coders, odd())
		sdk.Serve(p)
		os.Exit(0)
	}
}

// painters is a host with the model painter.
func painters(t testing.TB) *host.Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{Builtin: []string{self, withPainter}})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// painter is a model with a network from noise to images. Its sampler `plain` draws the network's image of noise; `shaded` adds
// up `turns` of them, each multiplied by `gain`, on a table of rows; with `own` it wants a weight that the model has not. A
// `clocked` painter has a weight of its own for each time step.
func painter() sdk.Model {
	one := 1.0
	return sdk.Model{
		Component: schema.Component{Kind: schema.Model, Name: "painter", Version: "1.0", Doc: "Paints.",
			Roles:  []schema.Role{{Name: "brush", Takes: "network"}},
			Params: []schema.Param{{Name: "clocked", Type: schema.Bool, Default: "false"}},
			Samplers: []schema.Choice{{Name: "plain"}, {Name: "shaded", Params: []schema.Param{
				{Name: "gain", Type: schema.Real, Default: "1"}, {Name: "turns", Type: schema.Int, Default: "2", Min: &one}, {Name: "own", Type: schema.Bool, Default: "false"}}}}},
		Build: func(r sdk.BuildRequest) (string, []schema.Complaint, error) {
			b := sdk.NewProgram(r.Networks)
			if r.Arguments.Bool("clocked") {
				weight(b, "clock", r.Networks[0].Steps)
			}
			paint(b, "draw", sdk.Mode{Eval: true})
			b.Function("step", func(f *sdk.Function) {
				image := f.Input("image", r.Fields["image"])
				in := b.Role("brush").In[0]
				f.Output("total", f.MeanSquare(f.Apply("brush", sdk.Mode{}, f.Normal("noise", in))[0], image))
			})
			b.Stream("images", "image")
			b.Stage("train", "images", program.Step{Function: "step", Moves: []string{"brush"}})
			b.Sampler(program.Sampler{Name: "plain", Result: "draw"})
			text, err := b.Finish()
			return text, nil, err
		},
		Sampler: func(r sdk.BuildRequest, name string, options schema.Arguments) (string, []schema.Complaint, error) {
			turns := options.Int("turns")
			if turns > 50 {
				return "", []schema.Complaint{{Path: "sampler.turns", Summary: "it has no patience for so many", Help: "write `turns = 50`"}}, nil
			}
			b := sdk.NewProgram(r.Networks)
			if options.Bool("own") {
				weight(b, "secret", 1)
			}
			image := b.Role("brush").Out[0]
			b.Function("blank", func(f *sdk.Function) { f.Output("image", f.Zeros(image)) })
			b.Function("turn", func(f *sdk.Function) {
				sum, gain := f.Input("image", image), f.Input("gain", graph.Scalar())
				y := f.Apply("brush", sdk.Mode{Eval: true}, f.Normal("noise", b.Role("brush").In[0]))[0]
				f.Output("image", f.Add(sum, f.Mul(f.Expand(gain, image), y)))
			})
			b.Function("show", func(f *sdk.Function) { f.Output("image", f.Input("image", image)) })
			var table [][]float64
			for range turns {
				table = append(table, []float64{options.Real("gain")})
			}
			b.Sampler(program.Sampler{Name: name, Init: "blank", Loop: "turn", Turns: turns, Result: "show", Columns: []string{"gain"}, Table: table})
			text, err := b.Finish()
			return text, nil, err
		},
	}
}

func weight(b *sdk.ProgramBuilder, name string, n int) {
	b.Variable(graph.Variable{Name: name, Type: graph.Type{Dims: []int{n}}, Init: graph.Init{Kind: "constant"}, Kind: graph.Parameter})
}

func paint(b *sdk.ProgramBuilder, name string, mode sdk.Mode) {
	b.Function(name, func(f *sdk.Function) {
		f.Output("image", f.Apply("brush", mode, f.Normal("noise", b.Role("brush").In[0]))[0])
	})
}

// Samplers with options are asked for, draw from the weights of the trained model, and are a part of what an action is.
func TestSamplerOptions(t *testing.T) {
	h := painters(t)
	text := spec(t, "painter")
	dir := t.TempDir()
	x := load(t, h, text)
	whole := filepath.Join(dir, "whole")
	mustRun(t, x, whole)
	one, two, none := samplesOf(t, whole, "sample-p[0]"), samplesOf(t, whole, "sample-p[1]"), samplesOf(t, whole, "sample-p[2]")
	if len(one) != 4*64 || len(two) != len(one) || len(none) != len(one) {
		t.Fatalf("%d, %d and %d numbers", len(one), len(two), len(none))
	}
	for i := range one {
		if two[i] != 4*one[i] { // four times the gain, a power of two, in the same turns of the same noise
			t.Fatalf("pixel %d is %v with a gain of 1 and %v with a gain of 4", i, one[i], two[i])
		}
	}
	if one[0] == none[0] {
		t.Error("two turns draw what one does")
	}
	for _, name := range []string{"sample-p[0].sampler.txt", "sample-p[1].sampler.txt", "evaluate-p.sampler.txt"} {
		text, err := os.ReadFile(filepath.Join(whole, "programs", name))
		if err != nil || !strings.Contains(string(text), "sampler shaded {") {
			t.Errorf("%s: %v\n%s", name, err, text)
		}
	}
	if _, err := os.Stat(filepath.Join(whole, "programs", "sample-p[2].sampler.txt")); !os.IsNotExist(err) {
		t.Errorf("a sampler without options has a Program of its own: %v", err)
	}
	// What the plugin has answered is a part: another answer to the same options is another action.
	actions, err := os.ReadFile(filepath.Join(whole, record.ActionFile))
	if err != nil {
		t.Fatal(err)
	}
	var done map[string]record.ActionRecord
	if err := json.Unmarshal(actions, &done); err != nil {
		t.Fatal(err)
	}
	for _, a := range done {
		file, err := os.ReadFile(filepath.Join(whole, "programs", fileName(a.Name)+".sampler.txt"))
		want := ""
		if err == nil {
			want = digest(string(file))
		}
		if got := a.Parts["sampler's program"]; got != want {
			t.Errorf("%s: the part of the sampler's Program is %q, want %q", a.Name, got, want)
		}
	}
	// An evaluation judges what its sampler draws.
	plain := filepath.Join(dir, "plain")
	mustRun(t, load(t, h, text, "evaluate.p.sampler=plain"), plain)
	if a, b := figure(t, whole, "evaluate p"), figure(t, plain, "evaluate p"); a == b {
		t.Errorf("two samplers have the distance %v", a)
	}
	// Another option is another action, and a default that is written out is not.
	_, err = run(t, load(t, h, text, "sample.p[0].sampler=shaded(gain = 2)"), whole)
	if err == nil || !strings.Contains(err.Error(), "sample p[0]: ") || strings.Contains(err.Error(), "sample p[1]: ") {
		t.Errorf("%v", err)
	}
	if w := mustRun(t, load(t, h, text, "sample.p[0].sampler=shaded(turns = 2, gain = 1.0)"), whole); strings.Count(strings.Join(w.said, "\n"), "done already") != 5 {
		t.Errorf("said %q", w.said)
	}
}

// figure is the distance that an evaluation has found.
func figure(t testing.TB, dir, action string) float64 {
	t.Helper()
	metrics := metricsOf(t, dir)
	if len(metrics[action]) != 1 {
		t.Fatalf("%v", metrics)
	}
	for _, f := range metrics[action] {
		return f.Value
	}
	return 0
}

// What the plugin says of an option is shown where the option stands, and what does not fit its declaration too.
func TestSamplerComplaints(t *testing.T) {
	h := painters(t)
	for sampler, want := range map[string]string{
		"shaded(gain = 2, turns = 51)": "turns = 51: it has no patience for so many",
		"shaded(gain = 2, turns = 0)":  "0: `turns` is 0, it must be at least 1",
		"shaded(gian = 2)":             "gian: `shaded` has no argument `gian`",
		"shaded(own = true)":           "shaded(own = true): the Program of model `p` does not hold: the Program of the sampler has a variable secret f32[1], which that of the model has not",
		"shadow":                       "shadow: `sampler` of `sample` cannot be `shadow`",
		"plain(gain = 2)":              "gain: `plain` has no argument `gain`",
	} {
		text := spec(t, "painter", "sampler = shaded, seed = 1", "sampler = "+sampler+", seed = 1")
		x, found, _ := Load(context.Background(), h, "a.snn", []byte(text), Options{})
		if x != nil || len(found) != 1 {
			t.Errorf("%s: %v", sampler, found)
			continue
		}
		if d := found[0]; pointed(text, d)+": "+d.Summary != want {
			t.Errorf("%s: %s: %s, want %s", sampler, pointed(text, d), d.Summary, want)
		}
	}
}

// pointed is the text that a finding points at.
func pointed(text string, d diag.Diagnostic) string {
	line := strings.Split(text, "\n")[d.Range.Start.Line-1]
	return line[d.Range.Start.Column-1 : d.Range.End.Column-1]
}

// Samples that are infinite or no number are not measured as the black and white that 8 bits would make of them; a sheet says so.
func TestBrokenSamples(t *testing.T) {
	text := spec(t, "painter", "shaded(gain = 4)", "shaded(gain = 3e38)", "shaded(turns = 3)", "shaded(gain = 3e38)")
	x := load(t, painters(t), text, "train.p.epochs=1", "train.p.optimizer.rate=1")
	w, err := run(t, x, filepath.Join(t.TempDir(), "run"))
	if err == nil || !strings.Contains(err.Error(), "metric frechet: sample ") || !strings.HasSuffix(err.Error(), calmer) {
		t.Errorf("%v", err)
	}
	if !w.says("sample p[1]: 4 of 4 samples have pixels that are infinite or no number") || w.says("sample p[2]: 4 of 4") {
		t.Errorf("%q", w.said)
	}
}
