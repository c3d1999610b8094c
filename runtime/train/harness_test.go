package train

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// source is a program with what fills its roles, from which any number of models are made.
type source struct {
	p      *program.Program
	filled map[string]*graph.Module
	roles  []check.Role // where it is of a spec
}

// fromText reads a program, and what fills its roles where there are some.
func fromText(t testing.TB, file string) source {
	t.Helper()
	text, err := os.ReadFile(file + ".txt")
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	s := source{p: p, filled: map[string]*graph.Module{}}
	if len(p.Roles) == 0 {
		return s
	}
	roles, err := txtar.ParseFile(file + ".roles")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range roles.Files {
		if s.filled[f.Name], err = graph.Parse(string(f.Data)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// system is one of the small published models that package program keeps as text. Their images are f32[N 1 2 2].
func system(t testing.TB, name string) source {
	t.Helper()
	return fromText(t, "../program/testdata/"+name)
}

// fromSpec takes the model of testdata/NAME.snn through checking, lowering and its component.
func fromSpec(t testing.TB, name string) source {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".snn")
	if err != nil {
		t.Fatal(err)
	}
	f, found := dsl.Parse(name, text)
	plugin := builtin.Plugin()
	spec, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: plugin.Components()}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	m := spec.Models[0]
	s := source{filled: map[string]*graph.Module{}, roles: m.Roles}
	request := sdk.BuildRequest{Arguments: m.Args, Fields: map[string]graph.Type{"image": graph.Real(1, 2, 2), "label": graph.Real().With(graph.I32)}}
	for _, r := range m.Roles {
		module, bad := lower.Network(r.Network, r.Steps)
		if bad.HasErrors() {
			t.Fatal(bad)
		}
		s.filled[r.Path] = module
	}
	lower.Share(m.Roles, s.filled)
	for _, r := range m.Roles {
		module := s.filled[r.Path]
		request.Networks = append(request.Networks, schema.Network{Role: r.Path, Name: r.Network.Name, Graph: module.Print(), Steps: r.Steps})
	}
	i := slices.IndexFunc(plugin.Models, func(c sdk.Model) bool { return c.Component.Name == m.Component.Name })
	built, complaints, err := plugin.Models[i].Build(request)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	if s.p, err = program.Parse(built); err != nil {
		t.Fatal(err)
	}
	return s
}

// fataler is a test, also one of rapid's.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// model starts a model on a pool of two threads, which lives as long as the process.
func (s source) model(t fataler, seed uint64) *Model {
	t.Helper()
	m, err := NewModel(s.p, s.filled, seed, pool)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var pool = exec.NewPool(2)

// trainer starts a training of a new model.
func (s source) trainer(t fataler, data Examples, o Settings) *Trainer {
	t.Helper()
	tr, err := NewTrainer(s.model(t, o.Seed), s.p.Stages[0], data, o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// examples are made up: images of three classes with noise. Every number is a function of the example's.
type examples int

func (n examples) Len() int { return int(n) }

func (n examples) Fill(field string, numbers []int, dst *tensor.Tensor) error {
	size := dst.Type.Size()
	noise := rng.New(1, "noise", 0)
	for i, e := range numbers {
		if e < 0 || e >= int(n) {
			return fmt.Errorf("example %d of %d", e, n)
		}
		if field == "label" {
			dst.I32[i] = int32(e % 3)
			continue
		}
		for k := range size {
			dst.F32[i*size+k] = noise.Uniform(uint64(e), uint64(k)) / 2
			if k == e%3 {
				dst.F32[i*size+k]++
			}
		}
	}
	return nil
}

// updates runs n updates and returns what was told.
func updates(t fataler, tr *Trainer, n int) []Progress {
	t.Helper()
	var all []Progress
	for range n {
		told, err := tr.update()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range told {
			all = append(all, copied(p))
		}
	}
	return all
}

// copied returns a copy of what was told, which would hold until the next update only.
func copied(p Progress) Progress {
	p.Loss, p.Rates = maps.Clone(p.Loss), maps.Clone(p.Rates)
	return p
}

// finish runs a training to its end and returns what was told.
func finish(t fataler, tr *Trainer) []Progress {
	t.Helper()
	var all []Progress
	err := tr.Run(context.Background(), func(p Progress) error {
		all = append(all, copied(p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// saved returns the state of a training as a file.
func saved(t fataler, tr *Trainer) *checkpoint.File {
	t.Helper()
	f, err := tr.Save()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// differ returns the name of something that two files do not have in common, "" where they are the same.
func differ(a, b *checkpoint.File) string {
	if len(a.Tensors) != len(b.Tensors) || len(a.Metadata) != len(b.Metadata) {
		return "number of entries"
	}
	for _, x := range a.Tensors {
		if y, ok := b.Tensor(x.Name); !ok || !slices.Equal(x.Shape, y.Shape) || !bytes.Equal(x.Data, y.Data) {
			return x.Name
		}
	}
	for k, v := range a.Metadata {
		if b.Metadata[k] != v {
			return fmt.Sprintf("%s: %s and %s", k, v, b.Metadata[k])
		}
	}
	return ""
}

// sgd is the plainest optimiser.
func sgd(rate float64) map[string]Optimizer {
	return map[string]Optimizer{"": {Kind: "sgd", Rate: rate}}
}

func adam(rate float64) Optimizer {
	return Optimizer{Kind: "adam", Rate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
}
