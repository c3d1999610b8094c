package build

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// Model is a model of a spec with its networks as graphs and the Program that its plugin made of them.
type Model struct {
	*check.Model
	*Built
	Index int         // among the models of the spec
	Data  *check.Data // what it is trained on

	rounding func(*Built) diag.List // of its networks; nil: none
}

// Built is what a plugin was shown of a model and the Program that it made of that: of the model as it is trained, with what an
// action replaces, or with a sampler's options.
type Built struct {
	Modules map[string]*graph.Module // what fills the roles
	Program *program.Program
	Linker  *program.Linker
	Others  []Other // the models that fill roles

	model   *check.Model
	request schema.BuildRequest    // what the plugin was shown
	round   func(*Built) diag.List // rounds the networks as a chip does, once the Program is known; nil: they are not rounded
}

// Models builds the models of a spec that are trained, in file order. One that fills a role of another is built before it, wherever
// it is defined.
func Models(ctx context.Context, h *host.Host, spec *check.Spec) (models []*Model, found diag.List) {
	all := map[*check.Model]*Model{}
	var of func(m *check.Model) (*Model, diag.List)
	of = func(m *check.Model) (*Model, diag.List) {
		if model, done := all[m]; done {
			return model, nil
		}
		all[m] = nil
		j := slices.IndexFunc(spec.Actions, func(a *check.Action) bool { return a.Kind == "train" && a.Model == m })
		if j < 0 {
			return nil, nil
		}
		model := &Model{Model: m, Index: slices.Index(spec.Models, m), Data: spec.Actions[j].Data}
		var bad diag.List
		model.rounding = rounding(ctx, h, spec.Actions[j])
		if model.Built, bad = build(ctx, h, m, model.Data, model.rounding, of); !bad.HasErrors() {
			all[m] = model
		}
		return all[m], bad
	}
	for _, m := range spec.Models {
		_, bad := of(m)
		found = append(found, bad...)
		if all[m] != nil {
			models = append(models, all[m])
		}
	}
	return models, found
}

// build lowers what fills the roles of a model and asks its plugin for the Program. round, where it is not nil, rounds the networks. built
// gives the models that fill roles.
func build(ctx context.Context, h *host.Host, m *check.Model, d *check.Data, round func(*Built) diag.List, built func(*check.Model) (*Model, diag.List)) (*Built, diag.List) {
	b, found := filled(ctx, h, m, d, built)
	b.round = round
	if found.HasErrors() {
		return b, found
	}
	reply, err := h.Build(ctx, m.Plugin, b.request)
	return b, append(found, b.take(reply, err, m.Definition.Value.Span(), b.place)...)
}

func filled(ctx context.Context, h *host.Host, m *check.Model, d *check.Data, built func(*check.Model) (*Model, diag.List)) (b *Built, found diag.List) {
	b = &Built{model: m, Modules: map[string]*graph.Module{}, request: schema.BuildRequest{Component: m.Component.Name, Arguments: m.Args,
		Fields: fields(d), Classes: map[string]int{data.LabelField: data.Classes(d.Set, d.Args)}, Bounds: bounds(d)}}
	if all := data.AllClasses(d.Set, d.Args); all > b.request.Classes[data.LabelField] {
		b.request.All = map[string]int{data.LabelField: all}
	}
	return b, b.fillRoles(ctx, h, d, built)
}

// Filled returns a model whose roles are filled by networks and coders, for data that it is to be trained on, before its plugin is asked
// for the Program: for Request. Take takes the answer.
func Filled(ctx context.Context, h *host.Host, m *check.Model, d *check.Data) (*Built, diag.List) {
	return filled(ctx, h, m, d, func(*check.Model) (*Model, diag.List) { return nil, nil })
}

// Take judges and links the Program that the plugin answers with, or finds what it complains of.
func (b *Built) Take(r schema.BuildReply) diag.List {
	return b.take(r, nil, b.At(), b.place)
}

// At returns where the spec defines the model.
func (b *Built) At() diag.Range { return b.model.Definition.Value.Span() }

// Request returns what the plugin was asked for the Program.
func (b *Built) Request() schema.BuildRequest { return b.request }

// Mapped returns the streams of a stage that are computed before the training, in the order in which they are.
func (b *Built) Mapped(stage program.Stage) (streams []program.Stream) {
	for s := b.Program.Stream(stage.Stream); s != nil && s.From != ""; s = b.Program.Stream(s.From) {
		streams = append([]program.Stream{*s}, streams...)
	}
	return streams
}

// Size counts the numbers of the model's variables, each once.
func (b *Built) Size() (parameters, frozen int) {
	for _, v := range b.Linker.Variables() {
		switch v.Kind {
		case graph.Parameter:
			parameters += v.Type.Size()
		case graph.Frozen:
			frozen += v.Type.Size()
		}
	}
	return parameters, frozen
}

// fields are the fields of a data set by name.
func fields(d *check.Data) map[string]string {
	out := map[string]string{}
	for name, t := range data.Fields(d.Set, d.Args) {
		out[name] = t.String()
	}
	return out
}

// bounds are the least and the greatest number of each field of reals.
func bounds(d *check.Data) map[string][2]float64 {
	out := map[string][2]float64{}
	ends := d.Args["range"].Items
	for name, t := range data.Fields(d.Set, d.Args) {
		if t.DType == graph.F32 && len(ends) == 2 {
			out[name] = [2]float64{ends[0].Number, ends[1].Number}
		}
	}
	return out
}

// take judges and links the Program of a reply. at is the place in the spec of what was asked for, and place knows those of its
// attributes.
func (b *Built) take(r schema.BuildReply, err error, at diag.Range, place func(path string) (diag.Range, bool)) (found diag.List) {
	if err != nil {
		found.Add(PluginFailed(err, at))
		return found
	}
	m := b.model
	for _, c := range r.Complaints {
		where, notes := Attributed(c.Path, place, at)
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: where, Summary: c.Summary, Help: c.Help,
			Notes: append(notes, diag.Note{Message: fmt.Sprintf("so says model `%s` (%s)", m.Component.Name, m.Component.Version)})})
	}
	if found.HasErrors() {
		return found
	}
	more, err := b.link(r.Program)
	if found = append(found, more...); found.HasErrors() {
		return found
	}
	var counts *program.TimeError
	var steep *graph.NoDerivative
	switch {
	case errors.As(err, &steep):
		found.Add(b.noDerivative(steep, at))
	case errors.As(err, &counts):
		found.Add(b.countsTime(counts))
	case err != nil:
		found.Add(b.nonsense(at, err))
	}
	return found
}

// place returns where the spec sets an attribute of the model.
func (b *Built) place(path string) (diag.Range, bool) {
	at, ok := b.model.Places[path]
	return at, ok
}

// nonsense words that what a plugin answered does not hold.
func (b *Built) nonsense(at diag.Range, err error) diag.Diagnostic {
	return diag.Diagnostic{Code: diag.PluginFailed, Range: at, Summary: fmt.Sprintf("the Program of model `%s` does not hold: %s", b.model.Name, shortened(err.Error())), Help: "tell the plugin's author"}
}

// noDerivative words that the model trains through a component which its plugin gives without a derivative.
func (b *Built) noDerivative(e *graph.NoDerivative, at diag.Range) diag.Diagnostic {
	o := e.Node.Opaque
	d := diag.Diagnostic{Code: diag.BadModel, Range: at, Summary: fmt.Sprintf("`%s` has no derivative, and model `%s` trains what lies before layer `%s`", o.Component, b.model.Name, e.Node.Layer),
		Help: "put it where nothing before it is trained, or take another one"}
	if len(e.Node.Origin) > 0 {
		d.Range = e.Node.Origin[0]
		d.Notes = append(d.Notes, diag.Note{Message: "the model is defined here", Range: at})
	}
	return d
}

// countsTime words that a layer reads the time in a role whose sequences the model takes apart.
func (b *Built) countsTime(e *program.TimeError) diag.Diagnostic {
	m := b.model
	d := diag.Diagnostic{Code: diag.BadModel, Range: m.Places[e.Role], Summary: fmt.Sprintf("layer `%s` reads `t` or `steps`, and model `%s` applies its network, role `%s`, %s", e.Node.Layer, m.Name, e.Role, e.How),
		Help: "count steps in a state instead, such as `state age = 0` and `age += 1`: it goes on where the sequence does"}
	if len(e.Node.Equation.Params) > 0 {
		d.Help += "; a state that starts at a trained parameter counts too, and starts at a number instead"
	}
	if len(e.Node.Origin) > 0 {
		d.Range = e.Node.Origin[0]
		d.Notes = append(d.Notes, diag.Note{Message: "the network is this role", Range: m.Places[e.Role]})
	}
	return d
}
