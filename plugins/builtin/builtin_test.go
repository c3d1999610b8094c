package builtin_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

func TestMain(m *testing.M) {
	builtin.Main()
	goleak.VerifyTestMain(m)
}

// start returns a host whose built-ins are served by this test binary.
func start(t testing.TB) *host.Host {
	t.Helper()
	argv, err := builtin.Argv()
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{Builtin: argv})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// networks reads the networks that fill the roles of a system written down beside package program.
func networks(t testing.TB, system string) []schema.Network {
	t.Helper()
	a, err := txtar.ParseFile("../../runtime/program/testdata/" + system + ".roles")
	if err != nil {
		t.Fatal(err)
	}
	var out []schema.Network
	for _, f := range a.Files {
		m, err := graph.Parse(string(f.Data))
		if err != nil {
			t.Fatal(err)
		}
		n := schema.Network{Role: f.Name, Name: strings.ReplaceAll(f.Name, ".", "_"), Graph: string(f.Data)}
		g := m.Function(program.TrainFunction)
		for _, in := range g.Inputs {
			n.Steps = max(n.Steps, in.Out[0].Steps)
		}
		for _, o := range g.Outputs {
			n.Steps = max(n.Steps, o.Value.Type().Steps)
		}
		out = append(out, n)
	}
	return out
}

func choice(name string, args schema.Arguments) schema.Value {
	return schema.Value{Type: schema.OneOf, Text: name, Args: args}
}

func terms(names ...string) schema.Value {
	v := schema.Value{Type: schema.Terms}
	for _, n := range names {
		v.Items = append(v.Items, schema.Value{Type: schema.OneOf, Text: n, Weight: 1,
			Args: schema.Arguments{"trace": {Type: schema.Time, Number: 2, Unit: "steps"}}})
	}
	return v
}

// The requests that the tests vary.
func gaussian(t testing.TB) schema.BuildRequest {
	return schema.BuildRequest{Component: "vae", Networks: networks(t, "vae-ann"), Fields: map[string]string{"image": "f32[N 1 2 2]", "label": "i32[N]"},
		Arguments: schema.Arguments{"encoder": {Type: schema.ARole, Text: "encoder"}, "decoder": {Type: schema.ARole, Text: "decoder"},
			"latent": choice("gaussian", nil), "loss": terms("mse", "kl")}}
}

func bernoulli(t testing.TB) schema.BuildRequest {
	return schema.BuildRequest{Component: "vae", Networks: networks(t, "fsvae"), Fields: map[string]string{"image": "f32[N 1 2 2]"},
		Arguments: schema.Arguments{"encoder": {Type: schema.ARole, Text: "encoder"}, "decoder": {Type: schema.ARole, Text: "decoder"},
			"latent": choice("bernoulli", schema.Arguments{"choose": {Type: schema.Int, Number: 3},
				"first":     {Type: schema.Int, Number: 5},
				"scheduled": {Type: schema.Range, Items: []schema.Value{{Type: schema.Real, Number: 0.1}, {Type: schema.Real, Number: 0.3}}}}),
			"loss": terms("mse", "mmd")}}
}

func supervised(t testing.TB) schema.BuildRequest {
	return schema.BuildRequest{Component: "supervised", Networks: networks(t, "classifier"), Fields: map[string]string{"image": "f32[N 1 2 2]", "label": "i32[N]"},
		Arguments: schema.Arguments{"network": {Type: schema.ARole, Text: "network"}, "loss": choice("cross_entropy", nil),
			"inputs": {Type: schema.List, Items: []schema.Value{{Type: schema.AField, Text: "image"}}}, "target": {Type: schema.AField, Text: "label"}}}
}

// Every component describes itself, with a first sentence that stands alone and, where it has equations, equations that parse.
func TestDescribe(t *testing.T) {
	h := start(t)
	p, err := h.Describe(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Components {
		got = append(got, fmt.Sprintf("%s %s", c.Kind, c.Name))
		if first, _, _ := strings.Cut(c.Doc, "."); len(first) < 20 || strings.Contains(first, "\n\n") {
			t.Errorf("%s %s: the doc begins %q", c.Kind, c.Name, first)
		}
		if c.Equations != "" {
			item, found := dsl.ParseEquations(c.Name, c.Equations)
			if found.HasErrors() {
				t.Errorf("%s %s: %v", c.Kind, c.Name, found)
				continue
			}
			name := ""
			switch x := item.(type) {
			case *dsl.Neuron:
				name = "neuron " + x.Name.Text
			case *dsl.Coder:
				name = "coder " + x.Name.Text
			}
			if want := fmt.Sprintf("%s %s", c.Kind, c.Name); name != want {
				t.Errorf("the equations of %s define %s", want, name)
			}
		}
	}
	want := strings.Split("neuron iaf,neuron lif,neuron plif,neuron iterative_lif,neuron izhikevich,neuron eif,neuron qif,neuron adex,neuron alif,neuron glif,neuron klif,"+
		"neuron cubalif,neuron resonate,neuron synaptic,neuron alpha,neuron once,neuron psp,coder direct,coder membrane,coder mean,coder rate,coder count,coder ttfs,"+
		"coder poisson,coder latency,coder phase,coder burst,coder delta,coder scoring,coder population,"+
		"model vae,model diffusion,model flow,model supervised,model gan,model vqvae,model absorbing,target loihi,target truenorth,target neurogrid", ",")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("components (-want +got)\n%s", d)
	}
}

// The models' Programs, built in the other process, link with the networks that they were built for: every training step
// has its gradients, and every export is a graph.
func TestBuild(t *testing.T) {
	h := start(t)
	described, err := h.Describe(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]schema.BuildRequest{"gaussian": gaussian(t), "bernoulli": bernoulli(t), "supervised": supervised(t)} {
		reply, err := h.Build(context.Background(), "", r)
		if err != nil || len(reply.Complaints) > 0 {
			t.Errorf("%s: %v %v", name, err, reply.Complaints)
			continue
		}
		p, err := program.Parse(reply.Program)
		if err != nil {
			t.Fatal(err)
		}
		if p.Print() != reply.Program {
			t.Errorf("%s: the program is not in its canonical form", name)
		}
		filled := map[string]*graph.Module{}
		for _, n := range r.Networks {
			if filled[n.Role], err = graph.Parse(n.Graph); err != nil {
				t.Fatal(err)
			}
		}
		l, err := program.NewLinker(p, filled)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		steps := 0
		for _, stage := range p.Stages {
			for _, s := range stage.Steps {
				if _, moved, err := l.Step(s); err != nil || len(moved) == 0 {
					t.Errorf("%s: step %s moves %d parameters: %v", name, s.Function, len(moved), err)
				}
				steps++
			}
		}
		if steps == 0 {
			t.Errorf("%s: the program trains nothing", name)
		}
		i := slices.IndexFunc(described.Components, func(c schema.Component) bool { return c.Kind == schema.Model && c.Name == r.Component })
		var exports []string
		for _, e := range p.Exports {
			exports = append(exports, e.Name)
			if _, err := l.Function(e.Function); err != nil {
				t.Errorf("%s: export %s: %v", name, e.Name, err)
			}
		}
		for _, s := range p.Samplers {
			if _, err := l.Function(s.Result); err != nil {
				t.Errorf("%s: sampler %s: %v", name, s.Name, err)
			}
		}
		for _, e := range exports {
			if !slices.Contains(described.Components[i].Exports, e) {
				t.Errorf("%s: export %s is not described", name, e)
			}
		}
	}
}

// What a model finds wrong comes back as complaints about the argument that is to be changed.
func TestComplaints(t *testing.T) {
	h := start(t)
	for _, x := range []struct {
		name   string
		r      schema.BuildRequest
		change func(*schema.BuildRequest)
		paths  string // of the complaints
	}{
		{"images of another size", gaussian(t), func(r *schema.BuildRequest) { r.Fields["image"] = "f32[N 1 3 3]" }, "encoder decoder"},
		{"no images", gaussian(t), func(r *schema.BuildRequest) { delete(r.Fields, "image") }, ""},
		{"mmd of numbers", gaussian(t), func(r *schema.BuildRequest) { r.Arguments["loss"] = terms("mse", "mmd") }, "loss"},
		{"a Gaussian of spikes", bernoulli(t), func(r *schema.BuildRequest) {
			r.Arguments["latent"], r.Arguments["loss"] = choice("gaussian", nil), terms("mse")
		}, "encoder"},
		{"no such field", supervised(t), func(r *schema.BuildRequest) {
			r.Arguments["target"] = schema.Value{Type: schema.AField, Text: "answer"}
		}, "target"},
		{"classes that are images", supervised(t), func(r *schema.BuildRequest) { r.Fields["label"] = "f32[N 1 2 2]" }, "target"},
	} {
		x.change(&x.r)
		reply, err := h.Build(context.Background(), "", x.r)
		if err != nil {
			t.Errorf("%s: %v", x.name, err)
			continue
		}
		var paths []string
		for _, c := range reply.Complaints {
			paths = append(paths, c.Path)
		}
		if len(paths) == 0 || strings.Join(paths, " ") != x.paths {
			t.Errorf("%s: complaints about %q, want %q: %v", x.name, paths, x.paths, reply.Complaints)
		}
	}
}

// A target says how circuits lie on it.
func TestCheck(t *testing.T) {
	h := start(t)
	c, err := circuittest.Parse("net", "steps 4\nx input 20\na 10 <- linear x\nb 5 <- linear a")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"loihi", "truenorth", "neurogrid"} {
		r := schema.TargetRequest{Component: name, Circuits: []schema.Circuit{c}}
		reply, err := h.Check(context.Background(), "", r)
		if err != nil || !reply.Fits || len(reply.Layers) != 2 || reply.Layers[0].Problem != "" || len(reply.Used) == 0 {
			t.Errorf("%s: %+v %v", name, reply, err)
		}
	}
}

// A build through the process, and the same text each time.
func BenchmarkBuild(b *testing.B) {
	h := start(b)
	r := gaussian(b)
	first, err := h.Build(context.Background(), "", r)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		reply, err := h.Build(context.Background(), "", r)
		if err != nil || reply.Program != first.Program {
			b.Fatal(err)
		}
	}
}

// Starting the process, the cost of the first call of a command.
func BenchmarkStart(b *testing.B) {
	argv, err := builtin.Argv()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		h := host.New(host.Options{Builtin: argv, Timeout: 10 * time.Second})
		if _, err := h.Describe(context.Background(), ""); err != nil {
			b.Fatal(err)
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// What the built-ins say of themselves, kept from an earlier call: the cost of reading the program and the description.
func BenchmarkDescribeKept(b *testing.B) {
	argv, err := builtin.Argv()
	if err != nil {
		b.Fatal(err)
	}
	cache := b.TempDir()
	for b.Loop() {
		h := host.New(host.Options{Builtin: argv, Cache: cache})
		if _, err := h.Describe(context.Background(), ""); err != nil {
			b.Fatal(err)
		}
		if err := h.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// Without a program behind the command there is a failure that says so, and nothing else happens.
func TestNoProgram(t *testing.T) {
	h := host.New(host.Options{Builtin: []string{t.TempDir() + "/snnc", builtin.Command}})
	defer h.Close()
	var f *host.Failure
	if _, err := h.Describe(context.Background(), ""); !errors.As(err, &f) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
