package vae_test

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/models/vae"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// zeros is a network that gives zeros, of a role's signature.
func zeros(t *testing.T, r program.Role) schema.Network {
	t.Helper()
	m := modeltest.Network(t, r.FreeSteps, func(b *graph.Builder) {
		for i, in := range r.In {
			b.Input(fmt.Sprint("x", i), in)
		}
		for i, out := range r.Out {
			v := b.Const(0)
			if out.DType != graph.F32 {
				v = b.Op(graph.OpCast, graph.Attrs{"dtype": out.DType.String()}, v)
			}
			b.Output(fmt.Sprint("y", i), b.Expand(v, out))
		}
	})
	return schema.Network{Role: r.Name, Name: r.Name, Graph: m.Print()}
}

// request reads a case of testdata: its name holds words such as latent=gaussian, its text role lines of a program. Roles and
// arguments that it does not say are those of a right model.
func request(t *testing.T, words []string, text string) sdk.BuildRequest {
	t.Helper()
	latent, choose, scheduled, terms, image := "bernoulli", 3.0, "", "mse+mmd", "f32[N 1 4 4]"
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			continue // a word of the case's name
		}
		switch key {
		case "latent":
			latent = value
		case "choose":
			choose, _ = strconv.ParseFloat(value, 64)
		case "scheduled":
			scheduled = value
		case "loss":
			terms = value
		case "image":
			image = strings.ReplaceAll(value, "_", " ")
		default:
			t.Fatalf("unknown word %q", w)
		}
	}
	parse := func(text string) []program.Role {
		p, err := program.Parse("program 1\n" + text)
		if err != nil {
			t.Fatal(err)
		}
		return p.Roles
	}
	right := `role "encoder" network (f32[N 1 4 4]) -> (bit[T4 N 2])
role "decoder" network (bit[T4 N 2]) -> (f32[N 1 4 4]) free-steps
role "latent.posterior" network (bit[T4 N 2], bit[T4 N 2]) -> (bit[T4 N 6]) free-steps
role "latent.prior" network (bit[T4 N 2]) -> (bit[T4 N 6]) free-steps
`
	if latent == "gaussian" {
		right = `role "encoder" network (f32[N 1 4 4]) -> (f32[N 6])
role "decoder" network (f32[N 3]) -> (f32[N 1 4 4])
`
	}
	args := schema.Arguments{}
	if latent == "bernoulli" {
		args["choose"] = schema.Value{Type: schema.Int, Number: choose}
		if low, high, ok := strings.Cut(scheduled, ".."); ok {
			a, _ := strconv.ParseFloat(low, 64)
			b, _ := strconv.ParseFloat(high, 64)
			args["scheduled"] = schema.Value{Type: schema.Range, Items: []schema.Value{{Number: a}, {Number: b}}}
			args["first"] = schema.Value{Type: schema.Int, Number: 5}
		}
	}
	r := sdk.BuildRequest{Fields: map[string]graph.Type{}, Arguments: schema.Arguments{"latent": {Type: schema.OneOf, Text: latent, Args: args}}}
	var sum schema.Value
	for _, name := range strings.Split(terms, "+") {
		v := schema.Value{Type: schema.OneOf, Text: name, Weight: 1}
		if name == "mmd" {
			v.Args = schema.Arguments{"trace": {Type: schema.Time, Number: 2, Unit: "steps"}}
		}
		sum.Items = append(sum.Items, v)
	}
	r.Arguments["loss"] = sum
	if image != "none" {
		r.Fields["image"] = parse(`role "i" network (` + image + ") -> (f32[])\n")[0].In[0]
	}
	own := parse(text)
	for _, role := range parse(right) {
		if i := slices.IndexFunc(own, func(x program.Role) bool { return x.Name == role.Name }); i >= 0 {
			role = own[i]
		}
		r.Networks = append(r.Networks, zeros(t, role))
	}
	return r
}

// Every wrong border is a complaint about the argument that is to blame; a right model is a program.
func TestBuild(t *testing.T) {
	for _, file := range []string{"testdata/complaints.txtar", "testdata/programs.txtar"} {
		modeltest.Golden(t, file, *update, func(name, text string) string {
			text, complaints, err := vae.Model().Build(request(t, strings.Fields(name), text))
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, c := range complaints {
				text += fmt.Sprintf("%s: %s\n", c.Path, c.Summary)
				if c.Help != "" {
					text += "    " + c.Help + "\n"
				}
			}
			return text
		})
	}
}

// What is no mistake of the user is an error: a request without a network, or with one that cannot be read.
func TestBuildFails(t *testing.T) {
	right := request(t, nil, "")
	for i := range right.Networks {
		r := right
		r.Networks = slices.Delete(slices.Clone(r.Networks), i, i+1)
		if _, complaints, err := vae.Model().Build(r); err == nil || len(complaints) > 0 {
			t.Errorf("without %s: %v, %v", right.Networks[i].Role, complaints, err)
		}
		r.Networks = slices.Clone(right.Networks)
		r.Networks[i].Graph = "graph 2\n"
		if _, complaints, err := vae.Model().Build(r); err == nil || len(complaints) > 0 {
			t.Errorf("with a broken %s: %v, %v", right.Networks[i].Role, complaints, err)
		}
		r.Networks[i].Graph = "graph 1\n\nfunction train() {\n  return\n}\n"
		if _, complaints, err := vae.Model().Build(r); err == nil && len(complaints) == 0 {
			t.Errorf("with %s that gives nothing: built", right.Networks[i].Role)
		}
	}
	r := request(t, []string{"loss=mse+elbo"}, "")
	if _, _, err := vae.Model().Build(r); err == nil || !strings.Contains(err.Error(), `unknown term "elbo"`) {
		t.Errorf("an unknown term: %v", err)
	}
	r = request(t, []string{"choose=0"}, "")
	if _, complaints, err := vae.Model().Build(r); err == nil && len(complaints) == 0 {
		t.Error("choose = 0 is built")
	}
}
