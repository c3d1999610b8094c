package build

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// Bound is the export that takes inputs to numbers whose sum bounds the negative logarithm of the example's likelihood, in nats. It
// judges its model, and is of no use in another one.
const Bound = "bound"

// The functions of a coder that fills a role, which have a role each.
const (
	encodeRole = ".encode"
	decodeRole = ".decode"
)

// fillRoles turns what fills the roles into graphs, and shows them to the plugin: networks, the two directions of coders, the
// exports of other models.
func (b *Built) fillRoles(ctx context.Context, h *host.Host, d *check.Data, built func(*check.Model) (*Model, diag.List)) (found diag.List) {
	m := b.model
	for i := range m.Roles {
		r := &m.Roles[i]
		if r.Network == nil {
			continue
		}
		module, bad := lower.Network(r.Network, r.Steps)
		if found = append(found, bad...); !bad.HasErrors() {
			b.Modules[r.Path] = module
		}
	}
	if found.HasErrors() {
		return found
	}
	lower.Share(m.Roles, b.Modules)
	for i := range m.Roles {
		r := &m.Roles[i]
		switch {
		case r.Network != nil:
			b.show(schema.Network{Role: r.Path, Name: r.Network.Name, Steps: r.Steps}, b.Modules[r.Path])
		case r.Coder != nil:
			found = append(found, b.fillCoder(ctx, h, r, d)...)
		default:
			other, bad := built(r.Model)
			if found = append(found, bad...); other == nil || bad.HasErrors() {
				continue
			}
			b.Others = append(b.Others, Other{r.Path, other})
			for _, e := range other.Program.Exports {
				if e.Name == Bound {
					continue
				}
				module, err := other.Linker.Module(e.Name)
				if err != nil {
					continue // an export that moves statistics is of no use inside another model, which says so where it wants it
				}
				b.show(schema.Network{Role: r.Path + "." + e.Name, Kind: "model", Name: r.Model.Name}, module)
			}
		}
	}
	return found
}

// show adds a module to those of the model, and to what its plugin is shown.
func (b *Built) show(n schema.Network, m *graph.Module) {
	b.Modules[n.Role] = m
	n.Graph = m.Print()
	b.request.Networks = append(b.request.Networks, n)
}

// fillCoder shows both directions of a coder: it encodes what the data has as images, and decodes what comes of that.
func (b *Built) fillCoder(ctx context.Context, h *host.Host, r *check.Role, d *check.Data) (found diag.List) {
	image, ok := data.Fields(d.Set, d.Args)[data.ImageField]
	fail := func(format string, args ...any) diag.List {
		return diag.List{{Code: diag.BadModel, Range: b.model.Places[r.Path], Summary: fmt.Sprintf(format, args...)}}
	}
	switch {
	case !ok:
		return fail("coder `%s` of model `%s` has nothing to encode: the examples of `%s` are no images", r.Coder.Name, b.model.Name, d.Name)
	case r.Steps == 0:
		return fail("coder `%s` cannot be role `%s` of model `%s`: it does not encode", r.Coder.Name, r.Path, b.model.Name)
	}
	encode, decode, found := bothDirections(ctx, h, r.Coder, image, b.model.Places[r.Path])
	if found.HasErrors() {
		return found
	}
	b.show(schema.Network{Role: r.Path + encodeRole, Kind: "coder", Name: r.Coder.Name, Steps: r.Steps}, encode)
	if decode != nil {
		b.show(schema.Network{Role: r.Path + decodeRole, Kind: "coder", Name: r.Coder.Name, Steps: r.Steps}, decode)
	}
	return found
}

// Other is a model that fills a role of another one.
type Other struct {
	Role  string // its path
	Model *Model
}

// OwnNetworks returns what fills the roles but for other models, which are known by how they are trained.
func (b *Built) OwnNetworks() map[string]*graph.Module {
	out := maps.Clone(b.Modules)
	for _, o := range b.Others {
		maps.DeleteFunc(out, func(role string, _ *graph.Module) bool { return strings.HasPrefix(role, o.Role+".") })
	}
	return out
}

// Generates says which roles the samplers and exports of the model apply.
func (b *Built) Generates() map[string]bool {
	roles, seen := map[string]bool{}, map[string]bool{}
	var visit func(function string)
	visit = func(function string) {
		g := b.Program.Function(function)
		if g == nil || seen[function] {
			return
		}
		seen[function] = true
		for _, n := range g.Nodes {
			switch n.Op {
			case graph.OpApply:
				roles[n.Text("role")] = true
			case graph.OpCall, graph.OpCustom:
				visit(n.Text("function"))
			}
		}
	}
	for _, s := range b.Program.Samplers {
		visit(s.Init)
		visit(s.Loop)
		visit(s.Result)
	}
	for _, e := range b.Program.Exports {
		visit(e.Function)
	}
	return roles
}

// Part returns a network of the spec by itself, as what fills a role at so many time steps, and its type as such a role; its
// variables are called PLACE.PART, by the place of their layer in it.
func Part(n *check.Network, steps int) (*graph.Module, program.Role, error) {
	m, found := lower.Network(n, steps)
	if found.HasErrors() {
		return nil, program.Role{}, fmt.Errorf("lower network %s: %s", n.Name, found[0].Summary)
	}
	g := m.Function(program.EvalFunction)
	r := program.Role{Name: n.Name, Kind: "network", FreeSteps: g.FreeSteps, Out: []graph.Type{g.Outputs[0].Value.Type()}}
	for _, in := range g.Inputs {
		r.In = append(r.In, in.Out[0])
	}
	return m, r, nil
}
