package experiment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/train"
	"snnc.dev/snnc/specs/features"
)

// weightsArgument says which weights a feature network of this program has: the data set that they were trained on, or a file.
const weightsArgument = "weights"

// standard is a feature network that comes with this program, with its weights.
type standard struct {
	name    string
	hash    string // of the file of weights
	model   *build.Model
	weights train.Weights
	lo, hi  float64 // what black and white are for it
}

// loadStandard reads the spec of a feature network and finds its weights in a file whose bytes have a hash. The error is a
// *train.Misfit where the file has others.
func loadStandard(ctx context.Context, x *Experiment, name string, file *checkpoint.File, hash string) (*standard, error) {
	own, found, _ := Load(ctx, x.host, name+".snn", features.Text(name), Options{})
	if found.HasErrors() {
		return nil, fmt.Errorf("load feature network %s: %s", name, found[0].Summary)
	}
	s := &standard{name: name, hash: hash, model: own.Models[0]}
	limits := s.model.Data.Args["range"].Items
	s.lo, s.hi = limits[0].Number, limits[1].Number
	read, err := reads(s.model, featuresArgument, logits)
	if err != nil {
		return nil, fmt.Errorf("load feature network %s: %w", name, err)
	}
	s.weights, err = train.Find(read, file, nil)
	return s, err
}

// reads returns the variables that exports of a model read, those that it has.
func reads(m *build.Model, exports ...string) (out []graph.Variable, err error) {
	used := map[string]bool{}
	for _, export := range exports {
		f := m.Program.Export(export)
		if f == nil {
			continue
		}
		g, err := m.Linker.Function(f.Name)
		if err != nil {
			return nil, err
		}
		for _, n := range g.Nodes {
			if n.Op == graph.OpRead {
				used[n.Text("var")] = true
			}
		}
	}
	for _, v := range m.Linker.Variables() {
		if used[v.Name] {
			out = append(out, v)
		}
	}
	return out, nil
}

// standardFeatures finds the feature networks of this program that the metrics of an evaluation name, with their weights, and
// returns the hashes of these by what is to be said of them.
func (r *runner) standardFeatures(ctx context.Context, j *job) (hashes map[string]string, found diag.List) {
	hashes = map[string]string{}
	for i, v := range j.Settings["metrics"].Items {
		name, path := featuresOf(v), fmt.Sprintf("metrics[%d]", i)
		if v.Args.Has(featuresArgument) {
			path += "." + featuresArgument
		}
		if name.Type != schema.OneOf || features.Text(name.Text) == nil {
			continue
		}
		s, bad := r.standard(ctx, j, name, path)
		if found = append(found, bad...); s == nil {
			continue
		}
		hashes["features of "+render(name)] = s.hash
	}
	return hashes, found
}

// standard returns a feature network of this program for the images of an evaluation. What stands against it are findings at a
// path of the action.
func (r *runner) standard(ctx context.Context, j *job, v schema.Value, path string) (*standard, diag.List) {
	place, ok := j.Places[path+"."+weightsArgument]
	if !ok {
		if place, ok = j.Places[path]; !ok {
			place = j.Range
		}
	}
	fail := func(summary, help string, notes ...diag.Note) (*standard, diag.List) {
		return nil, diag.List{{Code: diag.StartFailed, Range: place, Summary: summary, Help: help, Notes: notes}}
	}
	id := v.Text + " " + cmp.Or(v.Args.Text(weightsArgument), j.Data.Set)
	if r.standards == nil {
		r.standards = map[string]*standard{}
	}
	s := r.standards[id]
	if s == nil {
		file, from, hash, err := r.standardWeights(j, v)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fail(fmt.Sprintf("%q is not there", from), "it is looked for in the folder of the spec, and in DIR with `--data DIR`; "+metric.Conversion)
		case err != nil:
			return fail(fmt.Sprintf("weights cannot be read: %v", err), "")
		}
		s, err = loadStandard(ctx, r.x, v.Text, file, hash)
		var bad *train.Misfit
		switch {
		case errors.As(err, &bad):
			return fail(fmt.Sprintf("the weights in %s are not those of the feature network `%s`", from, v.Text), "name a file that was made for it", diag.Note{Message: bad.Lines()[0]})
		case err != nil:
			return fail(err.Error(), "")
		}
		r.standards[id] = s
	}
	if err := fits(s.model.Program.Export(featuresArgument).Inputs[0].Out[0], data.Fields(j.Data.Set, j.Data.Args)[data.ImageField], v.Text); err != nil {
		return nil, diag.List{{Code: diag.BadAction, Range: place, Summary: err.Error(), Help: "take other features"}}
	}
	return s, nil
}

// standardWeights reads the weights of a feature network: those of this program for a data set, the judged one where none is
// named and it has some, else digits; or a file, which lies where weights that a training begins with do. from names them.
func (r *runner) standardWeights(j *job, v schema.Value) (f *checkpoint.File, from, hash string, err error) {
	w := v.Args[weightsArgument]
	if w.Type != schema.String {
		for _, set := range []string{w.Text, j.Data.Set, metric.DefaultWeights} {
			if b, hash := features.Weights(v.Text, set); b != nil {
				f, err := checkpoint.Decode(b)
				return f, set, hash, err
			}
		}
		return nil, v.Text, "", fs.ErrNotExist
	}
	path := filepath.FromSlash(w.Text)
	for _, folder := range append([]string{filepath.Dir(r.x.Name)}, r.o.Data...) {
		b, err := readIn(folder, path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, path, "", err
		}
		sum := sha256.Sum256(b)
		f, err := checkpoint.Decode(b)
		return f, filepath.Join(folder, path), hex.EncodeToString(sum[:]), err
	}
	return nil, w.Text, "", fs.ErrNotExist
}

// readIn reads a file in a folder; no path and no link leads out of that.
func readIn(folder, path string) ([]byte, error) {
	root, err := os.OpenRoot(cmp.Or(folder, "."))
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.ReadFile(path)
}

// apply returns the features of images of a type.
func (s *standard) apply(r *runner, images graph.Type) (*metric.Features, error) {
	m, err := train.NewModel(s.model.Program, s.model.Modules, 0, r.pool)
	if err != nil {
		return nil, fmt.Errorf("make feature network %s: %w", s.name, err)
	}
	m.Begin(s.weights)
	f, err := network(s.name, m, images, s.lo, s.hi)
	if err == nil {
		f.Weights = s.hash
	}
	return f, err
}
