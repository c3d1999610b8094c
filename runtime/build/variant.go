package build

import (
	"cmp"
	"context"
	"fmt"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
)

// Variant builds a model with what the setting `replace` of an action puts in, for the weights of the model as it is trained. Other
// weights than these are a finding.
func (m *Model) Variant(ctx context.Context, h *host.Host, a *check.Action) (*Built, diag.List) {
	at := a.Places["replace"]
	b, found := build(ctx, h, a.Variant, m.Data, m.rounding, m.other)
	for i := range found {
		found[i].Notes = append(found[i].Notes, diag.Note{Message: "with what `replace` puts in", Range: at})
	}
	if found.HasErrors() {
		return nil, found
	}
	var other []diag.Note
	for _, v := range b.Linker.Variables() {
		name := cmp.Or(v.Title, v.Name)
		switch t, ok := m.Linker.VariableType(v.Name); {
		case !ok:
			other = append(other, diag.Note{Message: fmt.Sprintf("weight `%s` is new", name)})
		case !t.Equal(v.Type):
			other = append(other, diag.Note{Message: fmt.Sprintf("weight `%s` is trained as %v and would be %v", name, t.Dims, v.Type.Dims)})
		}
	}
	if len(other) > 0 {
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: at, Summary: fmt.Sprintf("what `replace` puts in has other weights than model `%s` has learned", m.Name), Notes: other[:min(len(other), 5)],
			Help: "replace what leaves the shapes of weights as they are, or train a model of its own"})
	}
	return b, found
}

// other returns a model that fills a role of m: a variant is made of the same ones.
func (m *Model) other(of *check.Model) (*Model, diag.List) {
	for _, o := range m.Others {
		if o.Model.Model == of {
			return o.Model, nil
		}
	}
	return nil, nil
}

// WithSampler asks the plugin for the sampler that an action names with options. What it answers has that sampler and what it
// applies, and is linked with the same networks; its variables are among those of the model.
func (b *Built) WithSampler(ctx context.Context, h *host.Host, a *check.Action) (*Built, diag.List) {
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
	own := &Built{model: b.model, Modules: b.Modules, Others: b.Others, request: b.request}
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
