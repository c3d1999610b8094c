package train

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/graph"
)

var errStop = errors.New("stop")

// settingsOf draws how a training goes.
func settingsOf(t *rapid.T) (Settings, examples) {
	o := Settings{
		Batch:      rapid.IntRange(2, 4).Draw(t, "batch"),
		Accumulate: rapid.IntRange(1, 3).Draw(t, "accumulate"),
		Average:    rapid.SampledFrom([]float64{0, 0.5, 0.999}).Draw(t, "average"),
		Seed:       rapid.Uint64Max(3).Draw(t, "seed"),
	}
	// Up to an update and a half more than whole epochs need.
	n := examples(o.Batch*o.Accumulate*rapid.IntRange(1, 3).Draw(t, "updates") + rapid.IntRange(0, o.Batch*o.Accumulate*3/2).Draw(t, "rest"))
	if rapid.Bool().Draw(t, "by epochs") {
		o.Epochs = rapid.IntRange(1, 3).Draw(t, "epochs")
	} else {
		o.Iterations = rapid.IntRange(1, 9).Draw(t, "iterations")
	}
	opt := rapid.SampledFrom([]Optimizer{
		{Kind: "sgd", Rate: 0.1},
		{Kind: "sgd", Rate: 0.1, Momentum: 0.9, Schedule: "step", Every: 1, Factor: 0.5},
		adam(0.01),
		{Kind: "adamw", Rate: 0.01, Beta1: 0.5, Beta2: 0.9, Epsilon: 1e-8, Decay: 0.01, Warmup: 3, Schedule: "cosine"},
		{Kind: "rmsprop", Rate: 0.01, Alpha: 0.9, Epsilon: 1e-8, Clip: 0.5, Schedule: "linear"},
	}).Draw(t, "optimizer")
	o.Optimizers = map[string]Optimizer{"": opt}
	return o, n
}

// A training that is stopped after any update and gone on with in a fresh trainer tells and ends up with the same, to the byte:
// weights, averages, moments and sums.
func TestStopAnywhere(t *testing.T) {
	sources := []source{system(t, "classifier"), system(t, "gan-ann"), fromSpec(t, "plain"), fromSpec(t, "shared"), system(t, "vqsvae-moving"), fromText(t, "testdata/epochs")}
	// In the second the two steps do not run equally often.
	sources[1].p.Stages[0].Steps[1].Every = 2
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(sources).Draw(t, "model")
		o, data := settingsOf(t)
		whole := s.trainer(t, data, o)
		want := finish(t, whole)
		stop := rapid.IntRange(1, whole.Total()).Draw(t, "stop after")
		first := s.trainer(t, data, o)
		var told []Progress
		err := first.Run(context.Background(), func(p Progress) error {
			told = append(told, copied(p))
			ends := p.EndOfEpoch || first.State.Batch > 0 // nothing more is told of this update
			if p.Step == stop && ends {
				return errStop
			}
			return nil
		})
		if err != nil && err != errStop {
			t.Fatal(err)
		}
		o.Seed++ // of weights that must not matter
		second := s.trainer(t, data, o)
		second.Settings.Seed--
		f := saved(t, first)
		if err := second.Restore(f); err != nil {
			t.Fatal(err)
		}
		if d := differ(f, saved(t, second)); d != "" {
			t.Fatalf("restored: %s differs", d)
		}
		told = append(told, finish(t, second)...)
		if d := differ(saved(t, whole), saved(t, second)); d != "" {
			t.Fatalf("at the end: %s differs", d)
		}
		if d := cmp.Diff(want, told); d != "" {
			t.Fatalf("told (-undisturbed +stopped)\n%s", d)
		}
	})
}

// A context that ends stops the training at the boundary of an update.
func TestCancel(t *testing.T) {
	s := system(t, "classifier")
	o := Settings{Batch: 4, Epochs: 3, Optimizers: sgd(0.1)}
	tr := s.trainer(t, examples(16), o)
	ctx, cancel := context.WithCancel(context.Background())
	err := tr.Run(ctx, func(p Progress) error {
		if p.Step == 6 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || tr.State.Updates != 6 || tr.State.Epoch != 1 || tr.State.Batch != 2 {
		t.Fatalf("%v, state %+v", err, tr.State)
	}
	finish(t, tr)
	other := s.trainer(t, examples(16), o)
	finish(t, other)
	if d := differ(saved(t, tr), saved(t, other)); d != "" {
		t.Errorf("%s differs", d)
	}
}

// half returns a training in the middle of its second epoch, and how to start another one.
func half(t testing.TB) (*Trainer, func(fataler, func(*Settings)) *Trainer) {
	s := system(t, "classifier")
	begin := func(t fataler, change func(*Settings)) *Trainer {
		o := Settings{Batch: 2, Accumulate: 2, Epochs: 4, Average: 0.9, Optimizers: map[string]Optimizer{"": adam(0.01)}}
		if change != nil {
			change(&o)
		}
		return s.trainer(t, examples(17), o)
	}
	tr := begin(t, nil)
	updates(t, tr, 6)
	return tr, begin
}

// A checkpoint of something else, or one that is torn, is refused with words, and changes nothing.
func TestRestoreRefuses(t *testing.T) {
	from, begin := half(t)
	state := func(f *checkpoint.File, change func(*State)) {
		var s State
		if err := json.Unmarshal([]byte(f.Metadata[metaState]), &s); err != nil {
			t.Fatal(err)
		}
		change(&s)
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		f.Metadata[metaState] = string(text)
	}
	drop := func(name string) func(*checkpoint.File) {
		return func(f *checkpoint.File) {
			n := len(f.Tensors)
			f.Tensors = slices.DeleteFunc(f.Tensors, func(x checkpoint.Tensor) bool { return x.Name == name })
			if len(f.Tensors) != n-1 {
				t.Fatalf("no tensor %s", name)
			}
		}
	}
	replace := func(x checkpoint.Tensor) func(*checkpoint.File) {
		return func(f *checkpoint.File) {
			drop(x.Name)(f)
			f.Tensors = append(f.Tensors, x)
		}
	}
	for name, x := range map[string]struct {
		file     func(*checkpoint.File)
		settings func(*Settings)
		says     string
	}{
		"a weight is missing": {file: drop("network.2.weight"), says: `no tensor "network.2.weight"`},
		"an average":          {file: drop("average/network.1.running_mean"), says: `no tensor "average/network.1.running_mean"`},
		"a moment":            {file: drop("optimizer/square/network.0.bias"), says: `no tensor "optimizer/square/network.0.bias"`},
		"another width":       {file: replace(checkpoint.Of("network.2.bias", []int{4}, make([]float32, 4))), says: `"network.2.bias" is [4], want [3]`},
		"transposed":          {file: replace(checkpoint.Of("network.2.weight", []int{4, 3}, make([]float32, 12))), says: `is [4 3], want [3 4]`},
		"other numbers":       {file: replace(checkpoint.Of("network.2.bias", []int{3}, make([]int32, 3))), says: `tensor "network.2.bias"`},
		"cut short":           {file: replace(checkpoint.Tensor{Name: "network.2.bias", DType: checkpoint.F32, Shape: []int{3}, Data: make([]byte, 8)}), says: `tensor "network.2.bias"`},
		"one too many": {file: func(f *checkpoint.File) {
			f.Tensors = append(f.Tensors, checkpoint.Of("network.3.bias", []int{1}, []float32{1}))
		}, says: `tensor "network.3.bias", which this training does not have`},
		"no names":             {file: func(f *checkpoint.File) { delete(f.Metadata, metaNames) }, says: "structural names"},
		"names of another":     {file: func(f *checkpoint.File) { f.Metadata[metaNames] = `{"network.0.weight": "decoder.0.weight"}` }, says: `no variable "network.0.weight"`},
		"names twice":          {file: func(f *checkpoint.File) { f.Metadata[metaNames] = `{"a": "x", "b": "x"}` }, says: "one structural name"},
		"names that are none":  {file: func(f *checkpoint.File) { f.Metadata[metaNames] = `["a"]` }, says: "structural names"},
		"no state":             {file: func(f *checkpoint.File) { delete(f.Metadata, metaState) }, says: "read its state"},
		"half a state":         {file: func(f *checkpoint.File) { f.Metadata[metaState] = f.Metadata[metaState][:20] }, says: "read its state"},
		"negative":             {file: func(f *checkpoint.File) { state(f, func(s *State) { s.Epoch, s.Updates, s.Batches = -1, -4, -16 }) }, says: "its state"},
		"counts that disagree": {file: func(f *checkpoint.File) { state(f, func(s *State) { s.Batches++ }) }, says: "its state"},
		"past the epoch":       {file: func(f *checkpoint.File) { state(f, func(s *State) { s.Batch = 8 }) }, says: "its state"},
		"a sum of nothing":     {file: func(f *checkpoint.File) { state(f, func(s *State) { s.Sums["total"] = Sum{1, 0} }) }, says: "sum"},
		"another optimiser":    {settings: func(o *Settings) { o.Optimizers = map[string]Optimizer{"": {Kind: "sgd", Momentum: 0.9}} }, says: `no tensor "optimizer/momentum/`},
		"one without moments":  {settings: func(o *Settings) { o.Optimizers = sgd(0.1) }, says: `"optimizer/mean/network.0.bias", which this training does not have`},
		"no averages":          {settings: func(o *Settings) { o.Average = 0 }, says: `"average/network.0.weight", which this training does not have`},
		"other batches":        {settings: func(o *Settings) { o.Batch = 4 }, says: "2 updates an epoch"},
	} {
		f := saved(t, from)
		if x.file != nil {
			x.file(f)
		}
		to := begin(t, x.settings)
		before := saved(t, to)
		err := to.Restore(f)
		if err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v, want %q", name, err, x.says)
		}
		if d := differ(before, saved(t, to)); d != "" {
			t.Errorf("%s: refused, and yet %s differs", name, d)
		}
		// It goes on as if nothing had been.
		if x.settings == nil {
			updates(t, to, 6)
			if d := differ(saved(t, from), saved(t, to)); d != "" {
				t.Errorf("%s: then %s differs", name, d)
			}
		}
	}
}

// Whatever the metadata are, Restore takes the state or refuses it; what it takes can be gone on from.
func FuzzRestore(f *testing.F) {
	from, begin := half(f)
	right := saved(f, from)
	for _, state := range []string{right.Metadata[metaState], "", "{}", "null", "[]", `{"epoch":1e9}`, `{"epoch":-1,"updates":-4}`, `{"updates":9223372036854775807}`,
		`{"epoch":1,"batch":2,"batches":10,"updates":5,"sums":{"total":{"total":1e308,"count":1}}}`, `{"sums":{"x":1}}`, `{"Moments":{"a":null}}`} {
		f.Add(state, right.Metadata[metaNames])
	}
	for _, names := range []string{"", "null", "{}", `{"":""}`, `{"network.0.weight":"network.0.weight"}`} {
		f.Add(right.Metadata[metaState], names)
	}
	f.Fuzz(func(t *testing.T, state, names string) {
		to := begin(t, nil)
		file := &checkpoint.File{Tensors: right.Tensors, Metadata: map[string]string{metaState: state, metaNames: names}}
		if err := to.Restore(file); err != nil {
			return
		}
		if s := to.State; s.Updates < 0 || s.Batch < 0 || s.Batch+2 > 8 || s.Sums == nil || len(s.Moments) == 0 {
			t.Fatalf("state %+v", s)
		}
		if !to.Done() {
			updates(t, to, 1)
		}
		saved(t, to)
	})
}

// Networks of other names take up the weights: the names in the file are for people, the structural ones count.
func TestRenamed(t *testing.T) {
	o := Settings{Batch: 4, Epochs: 2, Average: 0.9, Optimizers: map[string]Optimizer{"": adam(0.01)}}
	from := fromSpec(t, "plain").trainer(t, examples(12), o)
	updates(t, from, 2)
	file := filepath.Join(t.TempDir(), "a.safetensors")
	if err := checkpoint.Write(file, saved(t, from)); err != nil {
		t.Fatal(err)
	}
	f, err := checkpoint.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	to := fromSpec(t, "renamed").trainer(t, examples(12), o)
	if err := to.Restore(f); err != nil {
		t.Fatal(err)
	}
	finish(t, from)
	finish(t, to)
	for name, w := range from.Model.Weights {
		if !slices.Equal(w.F32, to.Model.Weights[name].F32) {
			t.Errorf("%s differs", name)
		}
	}
	// A model alone takes the same file, with averages or without.
	for _, average := range []bool{false, true} {
		m := fromSpec(t, "renamed").model(t, 9)
		if err := m.Restore(f, average); err != nil || (m.Averages != nil) != average {
			t.Errorf("%v, averages %v", err, m.Averages)
		}
	}
}

// Where a title would stand for two variables, or for one while it is another's structural name, the structural names stay.
func TestTitles(t *testing.T) {
	m := &Model{Variables: []graph.Variable{
		{Name: "a.0.w", Title: "a.first.w"}, {Name: "a.1.w", Title: "a.same.w"}, {Name: "a.2.w", Title: "a.same.w"},
		{Name: "a.3.w"}, {Name: "a.4.w", Title: "a.1.w"}, {Name: "a.5.w", Title: "a.5.w"},
	}}
	want := map[string]string{"a.0.w": "a.first.w", "a.1.w": "a.1.w", "a.2.w": "a.2.w", "a.3.w": "a.3.w", "a.4.w": "a.4.w", "a.5.w": "a.5.w"}
	got := Titles(m.Variables)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if n := len(slices.Compact(slices.Sorted(maps.Values(got)))); n != len(m.Variables) {
		t.Errorf("%d names for %d variables", n, len(m.Variables))
	}

	// In a network: both layers become `same`, and what is saved is restored.
	s := fromSpec(t, "plain")
	for i, v := range s.filled["network"].Variables {
		s.filled["network"].Variables[i].Title = "same." + v.Name[strings.LastIndex(v.Name, ".")+1:]
	}
	o := Settings{Batch: 4, Iterations: 2, Average: 0.9, Optimizers: map[string]Optimizer{"": adam(0.01)}}
	from, to := s.trainer(t, examples(12), o), s.trainer(t, examples(12), o)
	finish(t, from)
	f := saved(t, from)
	for _, v := range from.Model.Variables {
		if _, ok := f.Tensor(v.Name); !ok {
			t.Errorf("no tensor %s", v.Name)
		}
	}
	if err := to.Restore(f); err != nil {
		t.Fatal(err)
	}
	if d := differ(f, saved(t, to)); d != "" {
		t.Errorf("%s differs", d)
	}
}

// A stage that the trainer cannot run is an error at the start.
func TestNewTrainerRefuses(t *testing.T) {
	s := system(t, "classifier")
	right := Settings{Batch: 4, Epochs: 1, Optimizers: sgd(0.1)}
	for says, change := range map[string]func(*source, *Settings){
		"7 examples are fewer than the 8":  func(_ *source, o *Settings) { o.Batch = 8 },
		"7 examples are fewer than the 12": func(_ *source, o *Settings) { o.Accumulate = 3 },
		"batches of 0":                     func(_ *source, o *Settings) { o.Batch = 0 },
		"0 epochs or 0 iterations":         func(_ *source, o *Settings) { o.Epochs = 0 },
		"no optimiser is given for \"\"":   func(_ *source, o *Settings) { o.Optimizers = map[string]Optimizer{"other": {}} },
		"no step takes a field of real":    func(s *source, _ *Settings) { *s = fromText(t, "testdata/epochs"); setHost(s, "variance") },
	} {
		c := system(t, "classifier")
		o := right
		change(&c, &o)
		if _, err := NewTrainer(c.model(t, 0), c.p.Stages[0], examples(7), o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if _, err := NewTrainer(s.model(t, 0), s.p.Stages[0], examples(7), right); err != nil {
		t.Error(err)
	}
}

func setHost(s *source, what string) {
	for _, n := range s.p.Function("step").Nodes {
		if n.Op == graph.OpHost {
			n.Attrs = graph.Attrs{"what": what}
		}
	}
}
