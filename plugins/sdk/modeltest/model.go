package modeltest

import (
	"maps"
	"slices"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// Model is a model as its plugin has built it, or with one of its samplers.
type Model struct {
	Program *program.Program
	Linker  *program.Linker
	Modules map[string]*graph.Module // what fills the roles
	Request sdk.BuildRequest         // what the plugin was asked
	plugin  sdk.Model
}

// Data are the fields of the data that a model is built for; those of class numbers are below Classes, and those of real numbers
// within Bounds.
type Data struct {
	Fields  map[string]graph.Type
	Classes map[string]int
	Bounds  map[string][2]float64
}

// Images are data with the field `image`, in -1..1, and, where there are classes, the field `label`.
func Images(image graph.Type, classes int) Data {
	d := Data{Fields: map[string]graph.Type{"image": image}, Classes: map[string]int{}, Bounds: map[string][2]float64{"image": {-1, 1}}}
	if classes > 0 {
		d.Fields["label"], d.Classes["label"] = sdk.Int(), classes
	}
	return d
}

// Request checks a spec and lowers the networks of its first model: it returns what the plugin is to be asked, and the networks. The
// spec may name the built-ins and the plugin's model; its roles are networks.
func Request(t testing.TB, plugin sdk.Model, spec string, d Data) (sdk.BuildRequest, map[string]*graph.Module) {
	t.Helper()
	components := builtin.Plugin().Components()
	own := func(c schema.Component) bool { return c.Kind == schema.Model && c.Name == plugin.Component.Name }
	if !slices.ContainsFunc(components, own) {
		components = append(components, plugin.Component)
	}
	f, found := dsl.Parse("test.snn", []byte(spec))
	checked, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: components}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	m := checked.Models[0]
	r := sdk.BuildRequest{Arguments: m.Args, Fields: d.Fields, Classes: d.Classes, Bounds: d.Bounds}
	modules := map[string]*graph.Module{}
	for _, role := range m.Roles {
		if role.Network == nil {
			t.Fatalf("role %s is no network", role.Path)
		}
		module, bad := lower.Network(role.Network, role.Steps)
		if bad.HasErrors() {
			t.Fatal(bad)
		}
		modules[role.Path] = module
	}
	lower.Share(m.Roles, modules)
	for _, role := range m.Roles {
		r.Networks = append(r.Networks, schema.Network{Role: role.Path, Name: role.Network.Name, Graph: modules[role.Path].Print(), Steps: role.Steps})
	}
	return r, modules
}

// Build builds the first model of a spec, which must be right, as Request reads it.
func Build(t testing.TB, plugin sdk.Model, spec string, d Data) *Model {
	t.Helper()
	r, modules := Request(t, plugin, spec, d)
	return built(t, plugin, r, modules)
}

// Ask asks a plugin for the Program of networks and links it, or returns what it complains of.
func Ask(t testing.TB, plugin sdk.Model, r sdk.BuildRequest, modules map[string]*graph.Module) (*Model, []schema.Complaint) {
	t.Helper()
	r.Arguments = plugin.Component.Declare(r.Arguments)
	text, complaints, err := plugin.Build(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(complaints) > 0 {
		return nil, complaints
	}
	m := &Model{Modules: modules, Request: r, plugin: plugin}
	m.link(t, text)
	return m, nil
}

// built is Ask for what must be right.
func built(t testing.TB, plugin sdk.Model, r sdk.BuildRequest, modules map[string]*graph.Module) *Model {
	t.Helper()
	m, complaints := Ask(t, plugin, r, modules)
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	return m
}

// link takes the text of a Program for the model's, with those of its modules that have a role there.
func (m *Model) link(t testing.TB, text string) {
	t.Helper()
	p, err := program.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	modules := map[string]*graph.Module{}
	for _, r := range p.Roles {
		modules[r.Name] = m.Modules[r.Name]
	}
	l, err := program.NewLinker(p, modules)
	if err == nil {
		err = l.LinkAll()
	}
	if err != nil {
		t.Fatal(err)
	}
	m.Program, m.Linker, m.Modules = p, l, modules
}

// With returns the model with another network in a role, such as one that is known to be exact.
func (m *Model) With(t testing.TB, role string, network *graph.Module) *Model {
	t.Helper()
	r, modules := m.Request, maps.Clone(m.Modules)
	modules[role] = network
	r.Networks = slices.Clone(r.Networks)
	for i := range r.Networks {
		if r.Networks[i].Role == role {
			r.Networks[i].Graph = network.Print()
		}
	}
	return built(t, m.plugin, r, modules)
}

// Sampler returns the model with the sampler NAME for options: its Program holds that alone.
func (m *Model) Sampler(t testing.TB, name string, options schema.Arguments) *Model {
	t.Helper()
	text, complaints, err := m.plugin.Sampler(m.Request, name, m.plugin.Component.DeclareOptions(options))
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	own := *m
	own.link(t, text)
	return &own
}

// Run runs a function of the Program.
func (m *Model) Run(t testing.TB, function string, env interp.Env) map[string]interp.Value {
	t.Helper()
	g, err := m.Linker.Function(function)
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &env)
	if err != nil {
		t.Fatal(err)
	}
	return res.Outputs
}

// Step runs step i of the Program's only stage with its gradient.
func (m *Model) Step(t testing.TB, i int, env interp.Env) *interp.Result {
	t.Helper()
	g, _, err := m.Linker.Step(m.Program.Stages[0].Steps[i])
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &env)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// Network returns a network that is written down as a graph, the same in training and evaluation, with these variables. free says
// that it takes any number of time steps.
func Network(t testing.TB, free bool, build func(b *graph.Builder), variables ...graph.Variable) *graph.Module {
	t.Helper()
	m := &graph.Module{Variables: variables}
	for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
		b := graph.NewBuilder(mode, graph.ModuleEnv{Module: m})
		build(b)
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		g.FreeSteps = free
		for _, n := range g.Nodes {
			if n.Equation != nil && m.Equation(n.Equation.Name) == nil {
				m.Equations = append(m.Equations, n.Equation)
			}
		}
		m.Functions = append(m.Functions, g)
	}
	return m
}
