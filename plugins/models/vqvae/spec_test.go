package vqvae_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"testing"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/models/vqvae"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// model is a model on its way from a spec to graphs.
type model struct {
	p      *program.Program
	linker *program.Linker
}

func fromFile(t testing.TB, name string) model {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return fromSpec(t, string(text))
}

// fromSpec takes the model of a spec through checking, lowering, the plugin and the linker.
func fromSpec(t testing.TB, text string) model {
	t.Helper()
	f, found := dsl.Parse("test.snn", []byte(text))
	spec, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Components()}})
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
		request.Networks = append(request.Networks, schema.Network{Role: r.Path, Name: r.Network.Name, Graph: module.Print(), Steps: r.Steps})
		if r.Path == "encoder" {
			request.Fields = map[string]graph.Type{"image": lower.Type(r.Network.Params[0].Wire, 0)}
		}
	}
	answer, complaints, err := vqvae.Model().Build(request)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	p, err := program.Parse(answer)
	if err != nil {
		t.Fatal(err)
	}
	l, err := program.NewLinker(p, filled)
	if err != nil {
		t.Fatal(err)
	}
	return model{p, l}
}

// draw is a number of its own for each label, example and element.
func draw(label string, normal bool, index, element uint64) float64 {
	h := fnv.New64a()
	fmt.Fprint(h, label, " ", index)
	r := rand.New(rand.NewPCG(h.Sum64(), element))
	if normal {
		return r.NormFloat64()
	}
	return r.Float64()
}

// start returns the first values of a model's variables.
func start(l *program.Linker) map[string]interp.Value {
	out := map[string]interp.Value{}
	for _, v := range l.Variables() {
		x := interp.NewValue(v.Type, 1)
		for i := range x.Data {
			switch v.Init.Kind {
			case "uniform":
				x.Data[i] = v.Init.A + (v.Init.B-v.Init.A)*draw(v.Name, false, 0, uint64(i))
			case "normal":
				x.Data[i] = v.Init.A + v.Init.B*draw(v.Name, true, 0, uint64(i))
			default:
				x.Data[i] = v.Init.A
			}
		}
		out[v.Name] = x
	}
	return out
}
