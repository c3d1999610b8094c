package exec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	plugins "snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
)

// model is a model on its way from a spec to graphs.
type model struct {
	p      *program.Program
	linker *program.Linker
	filled map[string]*graph.Module
	data   []*check.Data // that the spec defines
}

// fromSpec takes the first model of a spec through checking, lowering, its component and the linker. Only definitions are
// read: actions, from the first line that begins with `train` on, are left out, unless the data are random ones. pattern matches one
// file; set are values of its params.
func fromSpec(t testing.TB, pattern, preset string, set ...string) model {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) != 1 {
		t.Fatalf("%s matches %v: %v", pattern, files, err)
	}
	name := files[0]
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	catalogue := &check.Catalogue{Components: builtin.Plugin().Components(), Data: data.Schemas(), Shape: data.Shape}
	random := strings.Contains(string(text), "= random(")
	if random {
		catalogue = experiment.Catalogue(t.Context(), plugins.New(plugins.Options{}), schema.Plugin{Components: catalogue.Components}, nil)
	}
	var lines []string
	skipped := false // a preset of several lines
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "train") && !random {
			break
		}
		if skipped {
			skipped = line != "}"
			continue
		}
		if strings.HasPrefix(line, "preset ") && !strings.HasPrefix(line, "preset "+preset+" ") {
			skipped = strings.HasSuffix(line, "{")
			continue
		}
		if at := strings.Index(line, ", evaluate."); at > 0 {
			line = line[:at] + " }"
		}
		lines = append(lines, line)
	}
	f, found := dsl.Parse(name, []byte(strings.Join(lines, "\n")))
	var sets []dsl.Change
	for _, text := range set {
		c, bad := dsl.ParseChange(text, text)
		found = append(found, bad...)
		sets = append(sets, c)
	}
	plugin := builtin.Plugin()
	spec, more := check.Check(f, check.Options{Preset: preset, Sets: sets, Catalogue: catalogue})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	m := spec.Models[0]
	request := sdk.BuildRequest{Arguments: m.Args}
	filled := map[string]*graph.Module{}
	for _, r := range m.Roles {
		module, bad := lower.Network(r.Network, r.Steps)
		if bad.HasErrors() {
			t.Fatal(bad)
		}
		filled[r.Path] = module
	}
	lower.Share(m.Roles, filled)
	for _, r := range m.Roles {
		module := filled[r.Path]
		request.Networks = append(request.Networks, schema.Network{Role: r.Path, Name: r.Network.Name, Graph: module.Print(), Steps: r.Steps})
		if in := r.Network.Params[0]; in.Name == "image" {
			request.Fields = map[string]graph.Type{"image": lower.Type(in.Wire, 0), "label": graph.Real().With(graph.I32)}
		}
	}
	if random {
		d := spec.Actions[0].Data
		request.Fields = data.Fields(d.Set, d.Args)
	}
	for _, c := range plugin.Models {
		if c.Component.Name != m.Component.Name {
			continue
		}
		text, complaints, err := c.Build(request)
		if err != nil || len(complaints) > 0 {
			t.Fatal(complaints, err)
		}
		p, err := program.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		l, err := program.NewLinker(p, filled)
		if err != nil {
			t.Fatal(err)
		}
		return model{p, l, filled, spec.Data}
	}
	t.Fatalf("no component %s", m.Component.Name)
	return model{}
}

// step returns the flat graph of the model's training step.
func (m model) step(t testing.TB) *graph.Graph {
	t.Helper()
	g, _, err := m.linker.Step(m.p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// function returns the flat graph of a function.
func (m model) function(t testing.TB, name string) *graph.Graph {
	t.Helper()
	g, err := m.linker.Function(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// world returns the model's variables as they start, and images in -1..1.
func (m model) world(g *graph.Graph, n int) *world {
	w := &world{n: n, seed: 5, inputs: map[string]interp.Value{}, variables: map[string]interp.Value{}}
	for _, v := range m.linker.Variables() {
		s := rng.New(1, v.Name, 0)
		x := interp.NewValue(v.Type, 1)
		for i := range x.Data {
			switch v.Init.Kind {
			case "uniform":
				x.Data[i] = float64(float32(v.Init.A + (v.Init.B-v.Init.A)*s.Uniform64(0, uint64(i))))
			case "normal":
				x.Data[i] = float64(float32(v.Init.A + v.Init.B*s.Normal64(0, uint64(i))))
			default:
				x.Data[i] = float64(float32(v.Init.A))
			}
		}
		w.variables[v.Name] = x
	}
	for _, in := range g.Inputs {
		s := rng.New(2, in.Text("name"), 0)
		x := interp.NewValue(in.Out[0], n)
		for i := range x.Data {
			x.Data[i] = 2*s.Uniform64(0, uint64(i)) - 1
			if in.Out[0].DType == graph.Bit {
				x.Data[i] = float64(i * 7 % 5 / 4)
			}
		}
		w.inputs[in.Text("name")] = x
	}
	return w
}
