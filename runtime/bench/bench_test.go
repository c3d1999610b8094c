package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	command "os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/train"
)

var plugins *host.Host

func TestMain(m *testing.M) {
	builtin.Main() // the plugin process of the tests is this binary
	argv, err := builtin.Argv()
	if err != nil {
		panic(err)
	}
	plugins = host.New(host.Options{Builtin: argv})
	code := m.Run()
	if err := plugins.Close(); err != nil && code == 0 {
		panic(err)
	}
	os.Exit(code)
}

// load loads a spec of the folder specs, the one that the pattern matches, with changes.
func load(t testing.TB, pattern string, sets ...string) *experiment.Experiment {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../specs", pattern))
	if err != nil || len(files) != 1 {
		t.Fatalf("%s matches %v: %v", pattern, files, err)
	}
	path := files[0]
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, found, sources := experiment.Load(context.Background(), plugins, path, text, experiment.Options{Sets: sets})
	if x == nil {
		var w bytes.Buffer
		found.Text(&w, sources, false)
		t.Fatal(w.String())
	}
	return x
}

// measured makes the first training of a spec ready.
func measured(t testing.TB, pool *exec.Pool, updates int, name string, sets ...string) *experiment.Measured {
	t.Helper()
	m, err := load(t, name, sets...).Measure(t.Context(), pool, nil, updates)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// small makes the specs of specs/bench a matter of milliseconds.
var small = map[string][]string{
	"bench/stack.snn":     {"batch=2", "steps=2", "size=6"},
	"bench/stack-t16.snn": {"longer.steps=3", "train.four.batch=2", "size=6"},
	"bench/l*.snn":        {"steps=3", "train.alone.batch=2", "size=6"},
	"bench/fsvae.snn":     {"steps=2", "batch=4", "widths=[4,4,8,8]", "latent=16"},
	"bench/sddpm.snn":     {"size=8", "width=8", "levels=[1,2]", "steps=2", "batch=4"},
}

// What is told of the small benchmarks hangs together: the parts of a step are the step, layers have their times and rates.
func TestRun(t *testing.T) {
	for name, sets := range small {
		t.Run(name, func(t *testing.T) {
			r, err := Run(t.Context(), load(t, name, sets...), Options{Train: true, Sample: true, Steps: 3, Threads: 2})
			if err != nil {
				t.Fatal(err)
			}
			x, s := r.Train, r.Sample
			if x.Step.Count != 3 || x.Step.Min > x.Step.Median || x.Step.Median > x.Step.Max || x.Step.Min <= 0 {
				t.Errorf("steps take %+v", x.Step)
			}
			if x.Forward <= 0 || x.Backward <= 0 || x.Optimiser <= 0 || x.Read <= 0 || x.Forward+x.Backward > x.Step.Max {
				t.Errorf("forward %v, backward %v, optimiser %v, reading %v", x.Forward, x.Backward, x.Optimiser, x.Read)
			}
			if want := float64(x.Batch) / x.Step.Median * 1e3; math.Abs(x.Examples-want) > 1e-9*want {
				t.Errorf("%v examples/s at %v ms", x.Examples, x.Step.Median)
			}
			if x.Bytes <= 0 || x.Processor < 0 || r.PeakBytes < x.Bytes || r.Threads != 2 || r.CPU.Model == "" {
				t.Errorf("%+v", r)
			}
			if s.Time.Count != 3 || s.Rate <= 0 || s.Batch != x.Batch {
				t.Errorf("%+v", s)
			}
			sum, fires := 0.0, 0
			for _, l := range r.Layers {
				sum += l.Forward + l.Backward
				if l.Rate != nil {
					fires++
					if *l.Rate < 0 || *l.Rate > 1 {
						t.Errorf("%s fires at a rate of %v", l.Name, *l.Rate)
					}
				}
			}
			if fires == 0 || sum > x.Step.Max {
				t.Errorf("%d layers fire; layers take %v of %v", fires, sum, x.Step.Max)
			}
			var text, again bytes.Buffer
			if err := r.Text(&text); err != nil || !strings.Contains(text.String(), "outside of layers") {
				t.Errorf("%v\n%s", err, text.String())
			}
			if err := json.NewEncoder(&again).Encode(r); err != nil || !strings.Contains(again.String(), `"step_ms":{"median":`) {
				t.Errorf("%v\n%s", err, again.String())
			}
		})
	}
}

// Samples are those of the first sample action with its own sampler, on the weights that the updates have left.
func TestDraw(t *testing.T) {
	sets := append([]string{"sample.sddpm.sampler=ddim(steps = 7)", "sample.sddpm.count=5", "train.sddpm.average=0.5"}, small["bench/sddpm.snn"]...)
	x := load(t, "bench/sddpm.snn", sets...)
	r, err := Run(t.Context(), x, Options{Draw: true, Steps: 2, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	d := r.Draw
	if r.Train != nil || r.Sample != nil || d.Action != "sample sddpm" || d.Count != 5 || d.Time.Count != 2 || d.Time.Min <= 0 {
		t.Errorf("%+v", d)
	}
	if want := 5 / d.Time.Median * 1e3; math.Abs(d.Rate-want) > 1e-9*want {
		t.Errorf("%v samples/s at %v ms", d.Rate, d.Time.Median)
	}
	pool := exec.NewPool(1)
	defer pool.Close()
	m, err := x.Measure(t.Context(), pool, nil, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := updates(t.Context(), m.Trainer, 2, func(train.Progress, time.Duration) {}); err != nil {
		t.Fatal(err)
	}
	drawn, err := m.Drawn()
	if err != nil || drawn.Sampler.Name != "ddim" || drawn.Sampler.Turns != 7 || drawn.Count != 5 {
		t.Fatalf("%+v, %v", drawn, err)
	}
	if own := m.Trainer.Model; own.Averages == nil || drawn.Model.Digest() != own.Digest() {
		t.Error("samples are not drawn with the averages of the training")
	}
	if _, err := Run(t.Context(), load(t, "bench/stack.snn", small["bench/stack.snn"]...), Options{Draw: true, Steps: 1, Threads: 1}); !errors.Is(err, experiment.ErrNoSamples) || !strings.HasSuffix(err.Error(), "measure without `draw`") {
		t.Errorf("a spec that draws nothing: %v", err)
	}
}

// The network that is evaluated is that of a sampler's loop, else a decoder; the decoder's weights are those that it has as a
// layer, so that it gives what the whole network gives for what the encoder gives.
func TestEvaluable(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	for name, want := range map[string]string{
		"quickstart.snn": "prior", "v*-ann.snn": "decoder", "bench/sddpm.snn": "denoiser", "bench/fsvae.snn": "decoder", "bench/stack.snn": "stack",
	} {
		sets := small[name]
		if name == "v*-ann.snn" {
			sets = []string{"images=optdigits(size=32)"}
		}
		m := measured(t, pool, 1, name, sets...)
		model, network, err := evaluable(m, pool)
		if err != nil || network != want {
			t.Errorf("%s: %q, %v; want %q", name, network, err, want)
			continue
		}
		g := model.Program.Export(evaluated)
		in, err := examples(m, g, 3)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := model.Apply(evaluated, in, 3, 0, 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, node := range g.Inputs {
			x := in[node.Text("name")]
			if d := x.Type.DType; d != graph.I32 && slices.Max(x.Logical()) == slices.Min(x.Logical()) {
				t.Errorf("%s: input %v is all %v", name, x.Type, x.Logical()[0])
			}
		}
		trained := m.Trainer.Model.Weights
		for own, w := range model.Weights {
			of, part := trained[own], own
			if name == "bench/fsvae.snn" { // as a layer, the decoder's own layers come behind those of the encoder
				part = strings.TrimPrefix(own, "decoder.")
				for whole, x := range trained {
					if slices.Equal(x.F32, w.F32) && strings.HasSuffix(whole, part[strings.LastIndexByte(part, '.'):]) {
						of = x
					}
				}
			}
			if of == nil || !slices.Equal(of.F32, w.F32) {
				t.Errorf("%s: weight %s is not that of the training", name, own)
			}
		}
	}
}

// What layers fire in evaluation is told of each; of the last layer it is the share of spikes in what the network gives.
func TestFired(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	m := measured(t, pool, 3, "bench/stack.snn", small["bench/stack.snn"]...)
	if _, _, err := training(t.Context(), m, 1); err != nil { // statistics that have seen nothing silence it
		t.Fatal(err)
	}
	out, err := evaluation(t.Context(), m, pool, 1)
	if err != nil {
		t.Fatal(err)
	}
	model, _, err := evaluable(m, pool)
	if err != nil {
		t.Fatal(err)
	}
	n := min(out.Batch, 4)
	in, err := examples(m, model.Program.Export(evaluated), n)
	if err != nil {
		t.Fatal(err)
	}
	y, err := model.Apply(evaluated, in, n, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	share := 0.0
	spikes := y.Logical()
	for _, s := range spikes {
		share += float64(s) / float64(len(spikes))
	}
	if last := out.Rates["network.3.fire"]; len(out.Rates) != 4 || share == 0 || math.Abs(last-share) > 1e-6 {
		t.Errorf("layers fire at %v, and %v of what comes out are spikes", out.Rates, share)
	}
}

// A product is two operations for each weight and pixel or row; counted by hand for a small network.
func TestOperations(t *testing.T) {
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Signal(3, 4, 9, 9))
	w := b.Input("w", graph.Type{Dims: []int{8, 4, 3, 3}})
	v := b.Input("v", graph.Type{Dims: []int{10, 200}})
	y := b.Op(graph.OpConv, graph.Attrs{"stride": 2, "pad": 1}, x, w) // 5x5
	dw := b.Op(graph.OpConvWeight, graph.Attrs{"stride": 2, "pad": 1, "kernel": 3}, x, y)
	dx := b.Op(graph.OpConvInput, graph.Attrs{"stride": 2, "pad": 1, "height": 9, "width": 9}, y, w)
	z := b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, b.Reshape(y, 200), v)
	dv := b.Op(graph.OpMatmulWeight, graph.Attrs{"transpose": true}, b.Reshape(y, 200), z)
	for name, o := range map[string]graph.Value{"y": y, "dw": dw, "dx": dx, "z": z, "dv": dv} {
		b.Output(name, o)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(g, plan.Options{Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	const rows = 3 * 2
	want := map[graph.Op]float64{
		graph.OpConv: 2 * rows * 25 * 8 * 36, graph.OpConvWeight: 2 * rows * 25 * 8 * 36, graph.OpConvInput: 2 * rows * 25 * 8 * 36,
		graph.OpMatmul: 2 * rows * 200 * 10, graph.OpMatmulWeight: 2 * rows * 200 * 10,
	}
	sum := 0.0
	for _, s := range p.Steps {
		if s.Node == nil {
			continue
		}
		if got := stepOperations(p, s); got != want[s.Node.Op] {
			t.Errorf("%s: %v operations, want %v", s.Node.Op, got, want[s.Node.Op])
		}
		sum += want[s.Node.Op]
		delete(want, s.Node.Op)
	}
	if len(want) > 0 || operations(p) != sum {
		t.Errorf("%v operations, want %v; %v not found", operations(p), sum, want)
	}
}

// What the loss needs is forward, whatever else needs it; what gradients alone need is backward.
func TestForward(t *testing.T) {
	pool := exec.NewPool(1)
	defer pool.Close()
	m := measured(t, pool, 1, "bench/stack.snn", small["bench/stack.snn"]...)
	p := m.Trainer.Profile(processorTime).Steps[0].Plan
	is := forward(p)
	count := map[string]int{}
	for i, s := range p.Steps {
		pass := "backward "
		if is[i] {
			pass = "forward "
		}
		switch {
		case s.Node != nil:
			count[pass+string(s.Node.Op)]++
		case s.Equation != nil && s.Equation.Gradient:
			count[pass+"gradient"]++
		case s.Equation != nil:
			count[pass+"equation"]++
		}
	}
	// Four layers; nothing asks for the derivative by the input of the first.
	for what, want := range map[string]int{
		"forward conv": 4, "backward conv": 0, "backward conv-weight-gradient": 4, "forward conv-weight-gradient": 0,
		"backward conv-input-gradient": 3, "forward equation": 4, "forward gradient": 0, "backward gradient": 4,
	} {
		if count[what] != want {
			t.Errorf("%d times %s, want %d", count[what], what, want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		times []float64
		want  Spread
	}{{nil, Spread{}}, {[]float64{3}, Spread{3, 3, 3, 1}}, {[]float64{4, 1}, Spread{2.5, 1, 4, 2}}, {[]float64{9, 1, 2}, Spread{2, 1, 9, 3}}} {
		if got := spread(c.times); got != c.want {
			t.Errorf("spread(%v) = %v, want %v", c.times, got, c.want)
		}
	}
}

// An update of the specs of specs/bench allocates nothing, once it has run, at any level that this processor has: the test runs again
// at the lower ones.
func TestUpdateAllocatesNothing(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	specs := map[string][]string{"quickstart.snn": {"train.digit.batch=8"}, "classifier.snn": {"digits=optdigits(size=28)", "train.digit.batch=2", "wide=[4,4]", "steps=2"}, "sddpm.snn": {"channels=1", "size=8", "width=4", "levels=[1,2]", "blocks=1", "batch=2", "images=optdigits(range=-1..1)"}}
	for name, sets := range small {
		specs[name] = sets
	}
	for name, sets := range specs {
		t.Run(name, func(t *testing.T) {
			m := measured(t, pool, 100, name, sets...)
			nothing := func(train.Progress, time.Duration) {}
			// testing.AllocsPerRun would count what a call of updates itself allocates: the difference of many and few does
			// not.
			count := func(n int) float64 {
				return testing.AllocsPerRun(2, func() {
					if err := updates(t.Context(), m.Trainer, n, nothing); err != nil {
						t.Fatal(err)
					}
				})
			}
			count(1)
			// What updates allocate they do every time. Once in a while the runtime allocates beside them, such as what threads wait
			// with, which a collection has thrown away.
			least := math.Inf(1)
			for range 5 {
				if least = min(least, count(8)-count(1)); least <= 0 {
					return
				}
			}
			t.Errorf("7 updates allocate %v times", least)
		})
	}
	if os.Getenv("SNNC_CPU") != "" {
		return
	}
	used, err := kernel.Used()
	if err != nil {
		t.Fatal(err)
	}
	for l := range used {
		run := command.Command(os.Args[0], "-test.run=^TestUpdateAllocatesNothing$")
		run.Env = append(os.Environ(), "SNNC_CPU="+l.String())
		if out, err := run.CombinedOutput(); err != nil {
			t.Errorf("%v: %v:\n%s", l, err, out)
		}
	}
}

// BenchmarkUpdate is an update of each of the specs of specs/bench as it stands, without reading examples.
func BenchmarkUpdate(b *testing.B) {
	for _, name := range []string{"stack.snn", "stack-t16.snn", "l*.snn", "fsvae.snn", "sddpm.snn"} {
		b.Run(name, func(b *testing.B) {
			pool := exec.NewPool(2)
			defer pool.Close()
			m := measured(b, pool, 1<<20, "bench/"+name)
			nothing := func(train.Progress, time.Duration) {}
			if err := updates(b.Context(), m.Trainer, 1, nothing); err != nil {
				b.Fatal(err)
			}
			profile := m.Trainer.Profile(processorTime)
			work := operations(profile.Steps[0].Plan)
			b.ReportAllocs()
			var step time.Duration
			n := 0
			for b.Loop() {
				err := updates(b.Context(), m.Trainer, 1, func(_ train.Progress, took time.Duration) { step += took - profile.Read })
				if err != nil {
					b.Fatal(err)
				}
				profile.Reset()
				n++
			}
			b.ReportMetric(ms(step)/float64(n), "ms/step")
			b.ReportMetric(float64(n*m.Trainer.Settings.Batch)/step.Seconds(), "examples/s")
			b.ReportMetric(work*float64(n)/step.Seconds()/1e9, "GFLOP/s")
		})
	}
}
