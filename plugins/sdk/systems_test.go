package sdk_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/plugins/models/supervised"
	"snnc.dev/snnc/plugins/models/vae"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

var update = flag.Bool("update", false, "rewrite the goldens of the systems")

// system is a published model in small: the networks that fill its roles, by role, and its program.
type system struct {
	name    string
	roles   []filled
	program func(t *testing.T, networks []schema.Network) string
}

// filled is a network or coder that fills a role.
type filled struct {
	role string
	m    *graph.Module
}

// The kit can say every system of the literature. Their programs, and networks for them, stand in the test data of package
// program, where they are linked, run and differentiated.
func TestSystems(t *testing.T) {
	for _, s := range systems(t) {
		t.Run(s.name, func(t *testing.T) {
			var networks []schema.Network
			roles := &txtar.Archive{}
			for _, r := range s.roles {
				networks = append(networks, shown(r.role, r.m))
				roles.Files = append(roles.Files, txtar.File{Name: r.role, Data: []byte(r.m.Print())})
			}
			folder := filepath.Join("..", "..", "runtime", "program", "testdata")
			golden(t, filepath.Join(folder, s.name+".txt"), s.program(t, networks))
			golden(t, filepath.Join(folder, s.name+".roles"), string(txtar.Format(roles)))
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got)\n%s", file, d)
	}
}

// traced returns a program function from one that traces it.
func traced(build func(b *sdk.ProgramBuilder)) func(t *testing.T, networks []schema.Network) string {
	return func(t *testing.T, networks []schema.Network) string {
		t.Helper()
		b := sdk.NewProgram(networks)
		build(b)
		text, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// built returns a program function that asks a model component.
func built(m sdk.Model, args schema.Arguments, fields map[string]graph.Type) func(t *testing.T, networks []schema.Network) string {
	return func(t *testing.T, networks []schema.Network) string {
		t.Helper()
		text, complaints, err := m.Build(sdk.BuildRequest{Arguments: args, Networks: networks, Fields: fields})
		if err != nil || len(complaints) > 0 {
			t.Fatal(complaints, err)
		}
		return text
	}
}

func one(f func(n *net, x graph.Value) graph.Value) func(n *net, in []graph.Value) graph.Value {
	return func(n *net, in []graph.Value) graph.Value { return f(n, in[0]) }
}

func term(name string, weight float64, args schema.Arguments) schema.Value {
	return schema.Value{Type: schema.OneOf, Text: name, Weight: weight, Args: args}
}

func terms(items ...schema.Value) schema.Value { return schema.Value{Type: schema.Terms, Items: items} }

func systems(t *testing.T) []system {
	return []system{spikingGAN(t), sgad(t), plainGAN(t), fsvae(t), plainVAE(t), diffusion(t), vqsvae(t, false), vqsvae(t, true), absorbing(t), classifier(t)}
}

// fsvae has 8 steps: the prior's own samples come in from the sixth on.
func fsvae(t *testing.T) system {
	const steps, latent, choose = 8, 2, 3
	image := graph.Real(1, 2, 2)
	spikes := func(c int) graph.Type { return graph.Spikes(steps, c) }
	return system{
		name: "fsvae",
		roles: []filled{
			{"encoder", network(t, false, one(func(n *net, x graph.Value) graph.Value {
				return n.dense(n.dense(n.flat(n.encode("hold", x, steps)), 4), latent)
			}), input{"image", image})},
			{"decoder", network(t, true, one(func(n *net, z graph.Value) graph.Value {
				y := n.linear(n.dense(z, 4), 4)
				return n.Op(graph.OpTanh, nil, n.decode("leaky", n.Reshape(y, 1, 2, 2)))
			}), input{"z", spikes(latent)})},
			{"latent.posterior", network(t, true, func(n *net, in []graph.Value) graph.Value {
				return n.dense(n.dense(n.Concat(0, in...), 3), choose*latent)
			}, input{"features", spikes(latent)}, input{"z", spikes(latent)})},
			{"latent.prior", network(t, true, one(func(n *net, z graph.Value) graph.Value {
				return n.dense(n.dense(z, 3), choose*latent)
			}), input{"z", spikes(latent)})},
		},
		program: built(vae.Model(), schema.Arguments{
			"latent": {Type: schema.OneOf, Text: "bernoulli", Args: schema.Arguments{
				"choose":    {Type: schema.Int, Number: choose},
				"first":     {Type: schema.Int, Number: 5},
				"scheduled": {Type: schema.Range, Items: []schema.Value{{Type: schema.Real, Number: 0.1}, {Type: schema.Real, Number: 0.3}}},
			}},
			"loss": terms(term("mse", 1, nil), term("mmd", 1, schema.Arguments{"trace": {Type: schema.Time, Number: 2, Unit: "steps"}})),
		}, map[string]graph.Type{"image": image}),
	}
}

func plainVAE(t *testing.T) system {
	image := graph.Real(1, 2, 2)
	return system{
		name: "vae-ann",
		roles: []filled{
			{"encoder", network(t, false, one(func(n *net, x graph.Value) graph.Value {
				return n.linear(n.Op(graph.OpTanh, nil, n.norm(n.linear(n.flat(x), 4), false)), 4)
			}), input{"image", image})},
			{"decoder", network(t, false, one(func(n *net, z graph.Value) graph.Value {
				return n.Op(graph.OpTanh, nil, n.Reshape(n.linear(n.Op(graph.OpTanh, nil, n.linear(z, 4)), 4), 1, 2, 2))
			}), input{"z", graph.Real(2)})},
		},
		program: built(vae.Model(), schema.Arguments{
			"latent": {Type: schema.OneOf, Text: "gaussian"},
			"loss":   terms(term("mse", 1, nil), term("kl", 1.0/240, nil)),
		}, map[string]graph.Type{"image": image}),
	}
}

func classifier(t *testing.T) system {
	image := graph.Real(1, 2, 2)
	return system{
		name: "classifier",
		roles: []filled{{"network", network(t, false, one(func(n *net, x graph.Value) graph.Value {
			return n.decode("average", n.linear(n.dense(n.flat(n.encode("hold", x, 3)), 4), 3))
		}), input{"image", image})}},
		program: built(supervised.Model(), schema.Arguments{
			"loss":   {Type: schema.OneOf, Text: "cross_entropy"},
			"inputs": {Type: schema.List, Items: []schema.Value{{Type: schema.AField, Text: "image"}}},
			"target": {Type: schema.AField, Text: "label"},
		}, map[string]graph.Type{"image": image, "label": {DType: graph.I32, Batch: true}}),
	}
}
