package experiment

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/host"
)

// Options change a spec: a preset, then replacements such as `train.digit.epochs=2`, in order.
type Options struct {
	Preset string
	Sets   []string
}

// Experiment is a spec that is ready to be planned or run.
type Experiment struct {
	Name    string // of the spec's file, as the user writes it
	Text    []byte
	Options Options
	Spec    *check.Spec
	Models  []*build.Model // those with a train action, in file order

	host    *host.Host
	plugins map[string]schema.Plugin // by name; "" is the built-in one
	uses    map[*check.Action]*use   // of sample and evaluate
	sources diag.Sources             // the texts that findings point into
	asked   map[*check.Action][]answer
}

// Load takes a spec through the stages that read no data: parse, check, lower, and Build in the plugins. The findings are those
// of the stage that found some; the experiment is nil where one of them is an error. What the spec imports is read from the
// folder of name. Sources holds the texts that they point into.
func Load(ctx context.Context, h *host.Host, name string, text []byte, o Options) (*Experiment, diag.List, diag.Sources) {
	file, found, sources := parse(name, text)
	x, more := loadFile(ctx, h, file, text, o, nil, sources)
	if found = append(found, more...); found.HasErrors() { // what is unused, say, is known of a whole spec only
		found = slices.DeleteFunc(found, func(d diag.Diagnostic) bool { return d.Severity == diag.Warning })
		return nil, found, sources
	}
	return x, found, sources
}

// loadFile is Load behind the parser; extra are changes of the file that are made last.
func loadFile(ctx context.Context, h *host.Host, file *dsl.File, text []byte, o Options, extra []dsl.Change, sources diag.Sources) (*Experiment, diag.List) {
	sets, found := replacements(o.Sets, sources)
	sets = append(sets, extra...)
	builtin, used, bad := describe(ctx, h, file)
	found = append(found, bad...)
	if bad.HasErrors() {
		return nil, found
	}
	spec, bad := check.Check(file, check.Options{Catalogue: Catalogue(ctx, h, builtin, used), Preset: o.Preset, Sets: sets})
	for label, text := range spec.Sources {
		sources[label] = text
	}
	if found = append(found, bad...); found.HasErrors() {
		return nil, found
	}
	x := &Experiment{Name: file.Name, Text: text, Options: o, Spec: spec, sources: sources, host: h, plugins: used}
	x.plugins[""] = builtin
	x.Models, bad = build.Models(ctx, h, spec)
	found = append(found, traced(file, bad)...)
	if found.HasErrors() {
		return nil, found
	}
	if found = append(found, traced(file, x.prepare(ctx))...); found.HasErrors() {
		return nil, found
	}
	for _, j := range x.jobs() {
		for _, d := range x.notYet(j) {
			if d.Code == diag.NotInVersion {
				d.Severity = diag.Warning // the spec is right; a run of this action is refused
			}
			found = append(found, traced(file, diag.List{d})...)
		}
	}
	if found.HasErrors() {
		return nil, found
	}
	return x, found
}

// traced adds to findings in imported files where these are imported; the checker has done so for its own.
func traced(file *dsl.File, found diag.List) diag.List {
	for i := range found {
		for _, f := range file.Files() {
			if f.Name == found[i].Range.File {
				found[i].Notes = append(slices.Clone(found[i].Notes), f.Trail...)
			}
		}
	}
	return found
}

// parse reads a spec and what it imports.
func parse(name string, text []byte) (*dsl.File, diag.List, diag.Sources) {
	file, found := dsl.Parse(name, text)
	found = append(found, resolve(file)...)
	sources := diag.Sources{}
	for _, f := range file.Files() {
		sources[f.Name] = f.Text
	}
	return file, found, sources
}

// replacements reads changes such as `train.digit.epochs=2`, and adds their texts to sources.
func replacements(sets []string, sources diag.Sources) (out []dsl.Change, found diag.List) {
	for _, set := range sets {
		label := "--set " + set
		change, bad := dsl.ParseChange(label, set)
		sources[label] = []byte(set)
		found = append(found, bad...)
		out = append(out, change)
	}
	return out, found
}

// resolve reads what a file imports: plain files in its folder. Neither a path nor a link leads out of that.
func resolve(file *dsl.File) diag.List {
	return dsl.Resolve(file, func(path string) ([]byte, error) {
		root, err := os.OpenRoot(filepath.Dir(file.Name))
		if err != nil {
			return nil, err
		}
		defer root.Close()
		path = filepath.FromSlash(path)
		if info, err := root.Stat(path); err != nil {
			return nil, err
		} else if !info.Mode().IsRegular() { // a pipe would wait for its other end
			return nil, errors.New("it is no plain file")
		}
		f, err := root.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, dsl.MaxFile+1))
	})
}

// describe asks the built-in plugin and those that the file and its imports use what they have. A used plugin that was not named
// on the command line is left to the checker.
func describe(ctx context.Context, h *host.Host, file *dsl.File) (builtin schema.Plugin, used map[string]schema.Plugin, found diag.List) {
	builtin, err := h.Describe(ctx, "")
	if err != nil {
		found.Add(build.PluginFailed(err, diag.Range{}))
		return builtin, nil, found
	}
	used = map[string]schema.Plugin{}
	for _, f := range file.Files() {
		for _, item := range f.Items {
			use, ok := item.(*dsl.Use)
			if !ok || !slices.Contains(h.Plugins(), use.Plugin.Value) {
				continue
			}
			if _, known := used[use.Plugin.Value]; known {
				continue
			}
			p, err := h.Describe(ctx, use.Plugin.Value)
			if err != nil {
				found.Add(build.PluginFailed(err, use.Plugin.Range))
				continue
			}
			used[use.Plugin.Value] = p
		}
	}
	return builtin, used, found
}
