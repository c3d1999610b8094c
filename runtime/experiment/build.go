package experiment

import (
	"context"
	"errors"
	"fmt"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// Built is a model with its networks as graphs and a Program that its plugin made of them.
type Built struct {
	Modules map[string]*graph.Module // what fills the roles
	Program *program.Program
	Linker  *program.Linker

	model   *check.Model
	others  []otherModel        // that fill roles
	request schema.BuildRequest // what the plugin was shown
}

// build lowers what fills the roles of a model and asks its plugin for the Program. built gives the models that fill roles.
func build(ctx context.Context, h *host.Host, m *check.Model, d *check.Data, built func(*check.Model) (*Model, diag.List)) (b *Built, found diag.List) {
	b = &Built{model: m, Modules: map[string]*graph.Module{}, request: schema.BuildRequest{Component: m.Component.Name, Arguments: m.Args,
		Fields: fields(d), Classes: map[string]int{labelField: data.Classes(d.Set, d.Args)}, Bounds: bounds(d)}}
	if found = b.fillRoles(ctx, h, d, built); found.HasErrors() {
		return b, found
	}
	reply, err := h.Build(ctx, m.Plugin, b.request)
	return b, append(found, b.take(reply, err, m.Definition.Value.Span(), b.place)...)
}

// Request returns what the plugin was asked for the Program.
func (b *Built) Request() schema.BuildRequest { return b.request }

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

// sampler asks the plugin for a sampler with options. What it answers is linked with the same networks; its variables are among
// those of the model.
func (b *Built) sampler(ctx context.Context, h *host.Host, a *check.Action) (*Built, diag.List) {
	v := a.Settings["sampler"]
	place := func(path string) (diag.Range, bool) {
		if at, ok := a.Places[path]; ok {
			return at, true
		}
		return b.place(path)
	}
	at, ok := a.Places["sampler"]
	if !ok {
		at = a.Range
	}
	own := &Built{model: b.model, Modules: b.Modules, others: b.others, request: b.request}
	reply, err := h.Sampler(ctx, b.model.Plugin, schema.SamplerRequest{Build: b.request, Sampler: v.Text, Options: v.Args})
	found := own.take(reply, err, at, place)
	if found.HasErrors() {
		return nil, found
	}
	for _, v := range own.Linker.Variables() {
		if t, ok := b.Linker.VariableType(v.Name); !ok || !t.Equal(v.Type) {
			found.Add(own.nonsense(at, fmt.Errorf("the Program of the sampler has a variable %s %v, which that of the model has not", v.Name, v.Type)))
		}
	}
	return own, found
}

// take judges and links the Program of a reply. at is the place in the spec of what was asked for, and place knows those of its
// attributes.
func (b *Built) take(r schema.BuildReply, err error, at diag.Range, place func(path string) (diag.Range, bool)) (found diag.List) {
	if err != nil {
		found.Add(pluginFailed(err, at))
		return found
	}
	m := b.model
	for _, c := range r.Complaints {
		where, notes := attributed(c.Path, place, at)
		found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: where, Summary: c.Summary, Help: c.Help,
			Notes: append(notes, diag.Note{Message: fmt.Sprintf("so says model `%s` (%s)", m.Component.Name, m.Component.Version)})})
	}
	if found.HasErrors() {
		return found
	}
	if b.Program, err = program.Parse(r.Program); err == nil {
		b.Linker, err = program.NewLinker(b.Program, b.Modules)
	}
	if err == nil {
		err = b.Linker.LinkAll()
	}
	var counts *program.TimeError
	switch {
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
