package experiment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
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
	Models  []*Model // those with a train action, in file order

	host    *host.Host
	plugins map[string]schema.Plugin // by name; "" is the built-in one
}

// Model is a model of a spec with its networks as graphs and the Program that its plugin made of them.
type Model struct {
	*check.Model
	Index   int         // among the models of the spec
	Data    *check.Data // what it is trained on
	Modules map[string]*graph.Module
	Program *program.Program
	Linker  *program.Linker

	networks []schema.Network // what the plugin was shown
}

// Load takes a spec through the stages that read no data: parse, check, lower, and Build in the plugins. The findings are those
// of the stage that found some; the experiment is nil where one of them is an error. What the spec imports is read from the
// folder of name. Sources holds the texts that they point into.
func Load(ctx context.Context, h *host.Host, name string, text []byte, o Options) (x *Experiment, found diag.List, sources diag.Sources) {
	sources = diag.Sources{name: text}
	file, found := dsl.Parse(name, text)
	found = append(found, resolve(file)...)
	for _, f := range file.Files() {
		sources[f.Name] = f.Text
	}
	var sets []dsl.Change
	for _, set := range o.Sets {
		label := "--set " + set
		change, bad := dsl.ParseChange(label, set)
		sources[label] = []byte(set)
		found = append(found, bad...)
		sets = append(sets, change)
	}
	builtin, used, bad := describe(ctx, h, file)
	found = append(found, bad...)
	if bad.HasErrors() {
		return nil, found, sources
	}
	spec, bad := check.Check(file, check.Options{Catalogue: catalogue(builtin, used), Preset: o.Preset, Sets: sets})
	for label, text := range spec.Sources {
		sources[label] = text
	}
	if found = append(found, bad...); found.HasErrors() {
		return nil, found, sources
	}
	x = &Experiment{Name: name, Text: text, Options: o, Spec: spec, host: h, plugins: used}
	x.plugins[""] = builtin
	for i, m := range spec.Models {
		j := slices.IndexFunc(spec.Actions, func(a *check.Action) bool { return a.Kind == "train" && a.Model == m })
		if j < 0 {
			continue
		}
		model := &Model{Model: m, Index: i, Data: spec.Actions[j].Data, Modules: map[string]*graph.Module{}}
		bad := model.lower()
		if !bad.HasErrors() {
			bad = append(bad, model.build(ctx, h)...)
		}
		found = append(found, bad...)
		x.Models = append(x.Models, model)
	}
	if found.HasErrors() {
		return nil, found, sources
	}
	for _, j := range x.jobs() {
		for _, d := range x.notYet(j) {
			if d.Code == diag.NotInVersion {
				d.Severity = diag.Warning // the spec is right; a run of this action is refused
			}
			found.Add(d)
		}
	}
	if found.HasErrors() {
		return nil, found, sources
	}
	return x, found, sources
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

// describe asks the built-in plugin and those that the file and its imports use what they have. A used plugin that was not named on the
// command line is left to the checker.
func describe(ctx context.Context, h *host.Host, file *dsl.File) (builtin schema.Plugin, used map[string]schema.Plugin, found diag.List) {
	builtin, err := h.Describe(ctx, "")
	if err != nil {
		found.Add(pluginFailed(err, diag.Range{}))
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
				found.Add(pluginFailed(err, use.Plugin.Range))
				continue
			}
			used[use.Plugin.Value] = p
		}
	}
	return builtin, used, found
}

// pluginFailed words the end of a plugin process.
func pluginFailed(err error, at diag.Range) diag.Diagnostic {
	d := diag.Diagnostic{Code: diag.PluginFailed, Range: at, Summary: err.Error()}
	var f *host.Failure
	if !errors.As(err, &f) {
		return d
	}
	name := "the built-in plugin"
	if f.Plugin != "" {
		name = fmt.Sprintf("plugin `%s`", f.Plugin)
	}
	d.Summary = fmt.Sprintf("%s failed in %s: %s", name, f.Call, shortened(f.Err.Error()))
	if f.Exit != "" {
		d.Summary += " (" + f.Exit + ")"
	}
	for _, line := range f.Stderr {
		d.Notes = append(d.Notes, diag.Note{Message: "it wrote: " + line})
	}
	d.Help = "run the command again; if it fails again, look at what the plugin wrote"
	return d
}

// shortened cuts a text of a plugin to what a person reads.
func shortened(text string) string {
	const most = 1000
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}

// lower turns what fills the model's roles into graphs.
func (m *Model) lower() (found diag.List) {
	for i := range m.Roles {
		r := &m.Roles[i]
		if r.Network == nil {
			found.Add(diag.Diagnostic{Code: diag.NotInVersion, Range: m.Places[r.Path], Summary: fmt.Sprintf("role `%s` of model `%s` is no network, which cannot be run in this version", r.Path, m.Name)})
			continue
		}
		module, bad := lower.Network(r.Network, r.Steps)
		if found = append(found, bad...); bad.HasErrors() {
			continue
		}
		m.Modules[r.Path] = module
		m.networks = append(m.networks, schema.Network{Role: r.Path, Name: r.Network.Name, Graph: module.Print(), Steps: r.Steps})
	}
	return found
}

// Fields are the fields of a data set by name.
func fields(d *check.Data) map[string]string {
	return map[string]string{
		"image": graph.Real(d.Channels, d.Height, d.Width).String(),
		"label": graph.Real().With(graph.I32).String(),
	}
}

// build asks the model's plugin for its Program.
func (m *Model) build(ctx context.Context, h *host.Host) (found diag.List) {
	at := m.Definition.Value.Span()
	r, err := h.Build(ctx, m.Plugin, schema.BuildRequest{Component: m.Component.Name, Arguments: m.Args, Networks: m.networks, Fields: fields(m.Data), Classes: map[string]int{"label": data.Classes(m.Data.Set, m.Data.Args)}})
	if err != nil {
		found.Add(pluginFailed(err, at))
		return found
	}
	for _, c := range r.Complaints {
		place, ok := m.Places[c.Path]
		if !ok {
			place = at
		}
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: place, Summary: c.Summary, Help: c.Help,
			Notes: []diag.Note{{Message: fmt.Sprintf("so says model `%s` (%s)", m.Component.Name, m.Component.Version)}}})
	}
	if found.HasErrors() {
		return found
	}
	nonsense := func(err error) {
		found.Add(diag.Diagnostic{Code: diag.PluginFailed, Range: at, Summary: fmt.Sprintf("the Program of model `%s` does not hold: %s", m.Component.Name, shortened(err.Error())), Help: "tell the plugin's author"})
	}
	if m.Program, err = program.Parse(r.Program); err != nil {
		nonsense(err)
		return found
	}
	m.Linker, err = program.NewLinker(m.Program, m.Modules)
	if err == nil {
		err = m.Linker.LinkAll()
	}
	var counts *program.TimeError
	switch {
	case errors.As(err, &counts):
		found.Add(m.countsTime(counts))
	case err != nil:
		nonsense(err)
	}
	return found
}

// countsTime words that a layer reads the time in a role whose sequences the model takes apart.
func (m *Model) countsTime(e *program.TimeError) diag.Diagnostic {
	d := diag.Diagnostic{Code: diag.BadModel, Range: m.Places[e.Role], Summary: fmt.Sprintf("layer `%s` reads `t` or `steps`, and model `%s` applies its network, role `%s`, %s", e.Node.Layer, m.Name, e.Role, e.How),
		Help: "count steps in a state instead, such as `state age = 0` and `age += 1`: it goes on where the sequence does"}
	if len(e.Node.Origin) > 0 {
		d.Range = e.Node.Origin[0]
		d.Notes = append(d.Notes, diag.Note{Message: "the network is this role", Range: m.Places[e.Role]})
	}
	return d
}
