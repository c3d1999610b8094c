package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/deploy"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// What a target says of a layer that is used several times is told once, with how often.
func TestPlacedOnce(t *testing.T) {
	w := &watcher{}
	r := &runner{o: RunOptions{Watch: w}}
	r.told(&job{name: "deploy m"}, "chip", &answer{placed: &deploy.Placed{Circuits: []schema.Circuit{{}}}}, schema.TargetReply{Notes: []string{"query is on the host", "key is on the host", "query is on the host"}}, &record.Deployment{})
	want := []string{"deploy m: does not fit chip", "deploy m:     query is on the host (2 times)", "deploy m:     key is on the host"}
	if !slices.Equal(w.said, want) {
		t.Errorf("%q, want %q", w.said, want)
	}
}

// coarse is a chip with room for populations of so many neurons, whose weights have so many bits and that computes by the reference of
// package circuit. Populations of 13 neurons it does not want, and of those of 17 it finds out when it compiles that it has room for 16. It
// does not come with 7 bits.
func coarse() sdk.Target {
	one, most := 2.0, 16.0
	t := circuittest.Ideal()
	t.Component = schema.Component{Kind: schema.Target, Name: "coarse", Version: "1.0", Doc: "A chip of few bits.", Params: []schema.Param{
		{Name: "neurons", Type: schema.Int, Default: "1000", Doc: "of a population"},
		{Name: "bits", Type: schema.Int, Default: "6", Min: &one, Max: &most, Doc: "of a weight"}}}
	ideal, compile := t.Check, t.Compile
	t.Check = func(q schema.TargetRequest) (schema.TargetReply, error) {
		if q.Arguments.Int("bits") == 7 {
			return schema.TargetReply{Complaints: []schema.Complaint{{Path: "bits", Summary: "there is none of 7 bits"}}}, nil
		}
		r, err := ideal(q)
		for _, c := range q.Circuits {
			for _, p := range c.Populations {
				switch n := circuit.Size(p.Dims); {
				case n == 13:
					r.Fits = false
					r.Layers = append(r.Layers, schema.Placement{Network: c.Network, Layer: p.Name, Host: true, Problem: "13 is unlucky"})
				case n > q.Arguments.Int("neurons"):
					r.Fits = false
					r.Layers = append(r.Layers, schema.Placement{Network: c.Network, Layer: p.Name, Problem: "it has too many", Change: fmt.Sprintf("neurons = %d", n), Used: []schema.Amount{{Name: "neurons", Used: float64(n), Limit: q.Arguments.Real("neurons")}}})
				}
			}
		}
		return r, err
	}
	t.Compile = func(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
		var r schema.CompileReply
		for _, c := range q.Circuits {
			for _, p := range c.Populations {
				if circuit.Size(p.Dims) == 17 {
					r.Layers = append(r.Layers, schema.Placement{Network: c.Name, Layer: p.Name, Host: true, Problem: "17 are too many", Used: []schema.Amount{{Name: "neurons", Used: 17, Limit: 16}}})
				}
			}
		}
		if len(r.Layers) > 0 {
			return nil, r, nil
		}
		high := math.Exp2(q.Arguments.Real("bits")-1) - 1
		return compile(q, func(t schema.Tensor) []float32 {
			x := slices.Clone(w(t))
			largest := 0.0
			for _, v := range x {
				largest = max(largest, math.Abs(float64(v)))
			}
			for i, v := range x {
				if largest > 0 {
					x[i] = float32(math.Round(float64(v)/largest*high) / high * largest)
				}
			}
			return x
		})
	}
	return t
}

// unlike is a chip whose weights are each wrong by three tenths, up or down or not at all, as the seed has it.
func unlike() sdk.Target {
	t := circuittest.Ideal()
	t.Component = schema.Component{Kind: schema.Target, Name: "unlike", Version: "1.0", Doc: "A chip that is not like another one.", Seeded: true}
	compile := t.Compile
	t.Compile = func(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
		r := rand.New(rand.NewPCG(q.Seed, 1))
		return compile(q, func(t schema.Tensor) []float32 {
			x := slices.Clone(w(t))
			for i := range x {
				x[i] *= 1 + 0.3*float32(r.IntN(3)-1)
			}
			return x
		})
	}
	return t
}

// chips returns a host whose plugin has the chips of the tests, which testdata/deployed*.snn use.
func chips(t *testing.T) *host.Host {
	t.Helper()
	plugin, dir := opaquetest.Plugin().Name, t.TempDir()
	pluginFolder(t, dir)
	return folderHost(t, host.Options{Dev: map[string]string{plugin: dir}})
}

// A classifier on a chip that loses nothing does what it does in software; on one of few bits it does otherwise, and what that is is told.
func TestDeployClassifier(t *testing.T) {
	h, text := chips(t), spec(t, "deployed", "targets = [ideal]", "targets = [ideal, coarse(bits = 3)], count = 100, examples = 40")
	dir := filepath.Join(t.TempDir(), "run")
	w := mustRun(t, load(t, h, text), dir)
	ideal, low := timeless(t, filepath.Join(dir, "deploy/m-ideal.json")), timeless(t, filepath.Join(dir, "deploy/m-coarse.json"))
	for _, d := range []record.Deployment{ideal, low} {
		if !d.Fits || d.Chips != 1 || d.Examples != 40 || d.Count != 100 || d.Counted != 40 || len(d.Circuits) != 1 || len(d.Figures) != 1 || len(d.Baselines) < 2 || d.Chip != "" {
			t.Fatalf("%+v", d)
		}
		c := d.Circuits[0]
		if c.Neurons != 34 || c.Runs != 1 || c.Steps != 3 || c.Synapses != 240 {
			t.Errorf("%+v", c)
		}
		if d.HostOperations != 64*24 || len(d.Totals) == 0 {
			t.Errorf("the host does %v operations; energy %v", d.HostOperations, d.Totals)
		}
		if b := d.Baselines[0]; math.Abs(b.Low-4.6e-12*(64*24+24*10)) > 1e-18 || len(b.Ratios) != len(d.Totals) {
			t.Errorf("%+v", b)
		}
		synops := 0.0
		for _, l := range d.Layers {
			switch {
			case l.Where == record.OnHost && l.Reason == "":
				t.Errorf("nobody says why %s is on the host", l.Layer)
			case l.Where == record.OnChip && (l.Loss == nil || l.Activity == nil || l.Software == nil || l.Measured == nil || l.Measured.Low > l.Measured.High):
				t.Errorf("%+v", l)
			case l.Where == record.OnChip:
				synops += l.Activity.Synops
				if p := l.Software; d.Target == "ideal" && (p.Synops != l.Activity.Synops || len(l.Activity.Spikes) > 0 && !slices.Equal(p.Spikes, l.Activity.Spikes)) {
					t.Errorf("%s has other spikes on a chip that loses nothing: %v, %v", l.Layer, p.Spikes, l.Activity.Spikes)
				}
			}
		}
		if synops == 0 {
			t.Error("no synapse is ever reached")
		}
	}
	right := func(d record.Deployment) (software, chip, both float64) {
		for _, l := range d.Agreement {
			for _, s := range l.Steps {
				software, chip, both = software+s.Software, chip+s.Chip, both+s.Both
			}
		}
		return software, chip, both
	}
	if s, c, b := right(ideal); s == 0 || s != c || s != b || ideal.Figures[0].Software != ideal.Figures[0].Chip {
		t.Errorf("spikes %v, %v, both %v; figures %+v", s, c, b, ideal.Figures)
	}
	// The first layer gets its current from the host and has no weights to round.
	if f := low.Figures[0]; f.Chip == f.Software || f.Name != "accuracy" {
		t.Errorf("rounding to 3 bits does nothing to the accuracy: %+v; said %q", low.Figures, w.said)
	}
	if w := mustRun(t, load(t, h, text), dir); !w.says("deploy m: done already") {
		t.Errorf("%q", w.said)
	}
}

// Of a target whose chips are not alike figures are those of several, with the seeds that follow each other; of another one, or
// without figures, that is not so, which is said.
func TestDeployRepeats(t *testing.T) {
	h := chips(t)
	run := func(to string) (*watcher, string) {
		dir := filepath.Join(t.TempDir(), "run")
		return mustRun(t, load(t, h, spec(t, "deployed", "targets = [ideal]", to)), dir), dir
	}
	w, dir := run("targets = [unlike, ideal], count = 100, examples = 10, seed = 5, repeats = 3")
	d := timeless(t, filepath.Join(dir, "deploy/m-unlike.json"))
	f := d.Figures[0].Chips
	if f == nil || !slices.Equal(f.Seeds, []uint64{5, 6, 7}) || len(f.Values) != 3 || f.Values[0] != d.Figures[0].Chip || f.Deviation == 0 {
		t.Fatalf("%+v, said %q", d.Figures, w.said)
	}
	if want := fmt.Sprintf("accuracy = %.4g ± %.2g on 3 chips, ", f.Mean, f.Deviation); !strings.HasPrefix(d.Figures[0].String(), want) {
		t.Errorf("%s, want %s", d.Figures[0], want)
	}
	mean := (f.Values[0] + f.Values[1] + f.Values[2]) / 3
	square := 0.0
	for _, v := range f.Values {
		square += (v - mean) * (v - mean)
	}
	if math.Abs(f.Mean-mean) > 1e-12 || math.Abs(f.Deviation-math.Sqrt(square/2)) > 1e-12 {
		t.Errorf("%+v", f)
	}
	for _, line := range []string{
		fmt.Sprintf("deploy m:     unlike, chip 3 of 3: accuracy = %.4g", f.Values[2]),
		fmt.Sprintf("deploy m:     unlike: %s", d.Figures[0]),
		"deploy m:     repeats = 3 does nothing: chips of ideal are alike",
	} {
		if !slices.Contains(w.said, line) {
			t.Errorf("%q is not among %q", line, w.said)
		}
	}
	if d := timeless(t, filepath.Join(dir, "deploy/m-ideal.json")); d.Figures[0].Chips != nil || len(d.Notes) == 0 {
		t.Errorf("%+v", d)
	}
	// Each is what a deployment with its seed alone gives.
	_, dir = run("targets = [unlike], count = 100, examples = 10, seed = 6")
	d = timeless(t, filepath.Join(dir, "deploy/m-unlike.json"))
	if d.Figures[0].Chip != f.Values[1] || d.Figures[0].Chips != nil || !slices.ContainsFunc(d.Notes, func(n string) bool { return strings.Contains(n, "`repeats = 10`") }) {
		t.Errorf("%+v %q", d.Figures, d.Notes)
	}
	w, _ = run("targets = [unlike], count = 10, examples = 10, metrics = [], repeats = 2")
	if !w.says("repeats = 2 does nothing: no metric is measured") {
		t.Errorf("%q", w.said)
	}
}

// What does not fit is told with need, limit and what would mend it, and the other targets go on; where nothing lies on a chip that is a finding
// at the target.
func TestDeployDoesNotFit(t *testing.T) {
	h, text := chips(t), spec(t, "deployed", "targets = [ideal]", "targets = [coarse(neurons = 20), ideal, chip], examples = 8, metrics = []")
	dir := filepath.Join(t.TempDir(), "run")
	w := mustRun(t, load(t, h, text), dir)
	d := timeless(t, filepath.Join(dir, "deploy/m-coarse.json"))
	if d.Fits || len(d.Problems) != 1 || d.Problems[0].Change != "neurons = 24" || len(d.Totals) > 0 || !w.says("    a.snn:16: layer `3.linear` of role `network` needs 24 neurons, and target `coarse` has 20; neurons = 24") {
		t.Errorf("%+v; said %q", d, w.said)
	}
	// It is known before the training, and a warning: two targets take the network. It is told once.
	if len(w.warned) != 1 || w.warned[0].Code != diag.BeyondLimit || w.warned[0].Severity != diag.Warning {
		t.Errorf("%+v", w.warned)
	}
	if at := w.warned[0].Range; text[at.Start.Offset:at.End.Offset] != "linear(n)" {
		t.Errorf("it is at %+v", at)
	}
	if d := timeless(t, filepath.Join(dir, "deploy/m-ideal.json")); !d.Fits || len(d.Figures) > 0 || len(d.Agreement) == 0 {
		t.Errorf("%+v", d)
	}
	if d := timeless(t, filepath.Join(dir, "deploy/m-chip.json")); !d.Fits || len(d.Agreement) > 0 {
		t.Errorf("a target that emulates nothing: %+v", d)
	}
	text = spec(t, "deployed", "targets = [ideal]", "targets = [coarse, ideal], examples = 8, count = 8", "n: int = 24", "n: int = 13")
	dir = filepath.Join(t.TempDir(), "run")
	x := load(t, h, text)
	mustRun(t, x, dir)
	d = timeless(t, filepath.Join(dir, "deploy/m-coarse.json"))
	i := slices.IndexFunc(d.Layers, func(l record.DeployedLayer) bool { return l.Reason == "13 is unlucky" })
	if i < 0 || d.Layers[i].Where != record.OnHost {
		t.Errorf("%+v", d.Layers)
	}
	if len(d.Totals) == 0 || d.Counted != 8 {
		t.Errorf("the rest is not emulated: %+v", d)
	}
}

// What a target refuses when it compiles goes to the host as what it refuses when it is asked, and the rest lies on the chip.
func TestDeployRefusedLate(t *testing.T) {
	h, text := chips(t), spec(t, "deployed", "targets = [ideal]", "targets = [coarse], examples = 8, count = 8", "n: int = 24", "n: int = 17")
	dir := filepath.Join(t.TempDir(), "run")
	w := mustRun(t, load(t, h, text), dir)
	d := timeless(t, filepath.Join(dir, "deploy/m-coarse.json"))
	i := slices.IndexFunc(d.Layers, func(l record.DeployedLayer) bool { return l.Reason == "17 are too many" })
	if i < 0 || d.Layers[i].Where != record.OnHost || !d.Fits || len(d.Circuits) != 1 || d.Circuits[0].Neurons != 10 || len(d.Totals) == 0 {
		t.Errorf("%+v", d)
	}
	if n := strings.Count(strings.Join(w.said, "\n"), "fits coarse"); n != 1 || w.says("does not fit") {
		t.Errorf("said %q", w.said)
	}
	if len(w.warned) != 1 || w.warned[0].Severity != diag.Warning || w.warned[0].Summary != "layer `3.linear` of role `network` needs 17 neurons, and target `coarse` has 16: the host computes it" {
		t.Errorf("%+v", w.warned)
	}
}

// What no target takes is told by the check, and refused before anything is trained.
func TestDeployInVain(t *testing.T) {
	h := chips(t)
	for name, c := range map[string]struct {
		text string
		want []string // the errors of a run
		more string   // in what is told of them
	}{
		"limits":  {spec(t, "deployed", "targets = [ideal]", "targets = [coarse(neurons = 20), coarse(neurons = 22)]"), []string{"SNN0501 linear(n) layer `3.linear` of role `network` needs 24 neurons, and target `coarse` has 20"}, "also, layer `3.linear` of role `network` needs 24 neurons, and target `coarse` has 22; neurons = 24"},
		"nothing": {spec(t, "deployed-images", "fire ->", "tanh ->", "targets = [ideal, coarse(bits = 2)]", "targets = [ideal, chip]"), []string{"SNN0502 ideal nothing of model `a` lies on target `ideal`", "SNN0502 chip nothing of model `a` lies on target `chip`"}, "its input is real values, not spikes"},
		"a typo":  {spec(t, "deployed", "targets = [ideal]", "targets = [coarse(bits = 7)]"), nil, ""},
	} {
		x := load(t, h, c.text)
		found := x.Targets(t.Context())
		if c.want == nil {
			if !found.HasErrors() {
				t.Errorf("%s: %+v", name, found)
			}
			continue
		}
		if len(found) != len(c.want) {
			t.Fatalf("%s: %+v", name, found)
		}
		w, err := run(t, x, filepath.Join(t.TempDir(), "run"))
		var refused *Refused
		if !errors.As(err, &refused) || len(refused.Found) != len(c.want) || w.steps > 0 {
			t.Fatalf("%s: %v %v", name, err, refused)
		}
		for i, d := range refused.Found {
			if got := fmt.Sprintf("%s %s %s", d.Code, c.text[d.Range.Start.Offset:d.Range.End.Offset], d.Summary); got != c.want[i] || found[i].Summary != d.Summary || found[i].Severity != diag.Warning {
				t.Errorf("%s: %s, warned of %s, want %s", name, got, found[i].Summary, c.want[i])
			}
		}
		if said := fmt.Sprint(refused.Found); !strings.Contains(said, c.more) {
			t.Errorf("%s: no %q in %s", name, c.more, said)
		}
		if _, err := run(t, x, filepath.Join(t.TempDir(), "run"), func(o *RunOptions) { o.Only = only(t, "train") }); err != nil {
			t.Errorf("%s: without the deployment: %v", name, err)
		}
	}
}

// Targets that are there several times, and further actions of a model, have numbers, and are told of as the spec has them. What chips are
// loaded with is never written over.
func TestDeployNames(t *testing.T) {
	h, text := chips(t), spec(t, "deployed", "targets = [ideal]", "targets = [coarse(bits = 3), ideal, coarse], count = 8, examples = 8, metrics = []")
	dir, loaded := filepath.Join(t.TempDir(), "run"), t.TempDir()
	mustRun(t, load(t, h, text), dir)
	for i, x := range [][2]string{{"coarse-1", "coarse(bits = 3)"}, {"ideal", "ideal"}, {"coarse-2", "coarse"}} {
		if d := timeless(t, filepath.Join(dir, "deploy/m-"+x[0]+".json")); d.Written != x[1] || d.Place != i || d.Model != "m" {
			t.Errorf("%q at %d of %q, want %q at %d", d.Written, d.Place, d.Model, x[1], i)
		}
	}
	if got := (&runner{}).deployName(&job{name: "deploy m[1]"}, "ideal"); got != "m.2-ideal" {
		t.Error(got)
	}
	for _, target := range []string{"ideal", "ideal"} {
		if found, _, err := Deploy(t.Context(), h, DeployOptions{Run: dir, Targets: []string{target}, Export: loaded, Threads: 2, Watch: &watcher{}}); err != nil || found.HasErrors() {
			t.Fatal(err, found)
		}
	}
	entries, err := os.ReadDir(loaded)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := "ideal.2.example.json ideal.2.json ideal.2.safetensors ideal.example.json ideal.json ideal.safetensors"; strings.Join(names, " ") != want || err != nil {
		t.Errorf("%v, want %s; %v", names, want, err)
	}
}

// Samples are drawn on the chip and in software with the same seeds, and both are shown; a chip that loses nothing draws the same.
func TestDeploySampler(t *testing.T) {
	h, text := chips(t), spec(t, "deployed-images")
	dir := filepath.Join(t.TempDir(), "run")
	mustRun(t, load(t, h, text), dir)
	png := func(name string) string { return sum(t, filepath.Join(dir, record.DeployFolder, name)) }
	d := timeless(t, filepath.Join(dir, "deploy/a-ideal.json"))
	if d.Software != "deploy/a.software.png" || d.Chip != "deploy/a-ideal.png" || d.Counted != 20 || len(d.Figures) < 2 {
		t.Errorf("%+v", d)
	}
	for _, f := range d.Figures {
		if math.Abs(f.Software-f.Chip) > 1e-6*math.Abs(f.Software) {
			t.Errorf("%+v", f)
		}
	}
	if png("a.software.png") != png("a-ideal.png") || png("a.software.png") == png("a-coarse.png") {
		t.Error("the sheets are not what they should be")
	}
	for _, l := range d.Layers {
		if l.Network != "decoder" {
			t.Errorf("%s of %s is deployed, which no sample goes through", l.Layer, l.Network)
		}
	}
}

// A deployment ends when its context does.
func TestDeployEnds(t *testing.T) {
	h, text := chips(t), spec(t, "deployed", "targets = [ideal]", "targets = [ideal]")
	x, dir := load(t, h, text), filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	w := &watcher{}
	err := x.Run(ctx, RunOptions{Folder: dir, Threads: 2, Watch: ending{w, cancel}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// ending ends a run when a target has said that all fits.
type ending struct {
	*watcher
	end func()
}

func (e ending) Say(action, words string) {
	if e.watcher.Say(action, words); strings.HasPrefix(words, "fits ") {
		e.end()
	}
}
