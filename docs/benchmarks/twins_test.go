package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/interp"
	ir "snnc.dev/snnc/runtime/program"
)

func TestMain(m *testing.M) {
	builtin.Main() // the plugin process of the tests is this binary
	os.Exit(m.Run())
}

// twin is what testdata/twins.py says of one: tensors are "SHAPE NORM PROJECTION", by role and in the order of its layers.
type twin struct {
	Loss                  map[string]float64
	Gradients, Statistics map[string][]string
	Sample                string
}

// The networks of the peers at full size are those of the specs: at a tiny size, with the same weights and random numbers, an
// update and a sample of snnc are those of the peers' own code.
func TestTwins(t *testing.T) {
	text, err := os.ReadFile("testdata/twins.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct{ SDDPM, FSVAE twin }
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	argv, err := builtin.Argv()
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{Builtin: argv})
	t.Cleanup(func() { h.Close() })
	t.Run("sddpm", func(t *testing.T) {
		m := measure(t, h, "sddpm", "channels=1", "size=8", "width=4", "images=random(size=8,range=-1..1)",
			"sample.sddpm[0].sampler=ddim(steps=10)", "sample.sddpm[0].count=3")
		agree(t, m, want.SDDPM)
		sample(t, m, want.SDDPM.Sample)
	})
	t.Run("fsvae", func(t *testing.T) {
		m := measure(t, h, "fsvae", "steps=8", "widths=[4,4,6,8]", "latent=4", "choose=3", "images=random(size=32,range=-1..1)")
		agree(t, m, want.FSVAE)
	})
}

// measure prepares the training of a spec with settings.
func measure(t *testing.T, h *host.Host, name string, sets ...string) *experiment.Measured {
	t.Helper()
	path := "../../specs/" + name + ".snn"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, found, sources := experiment.Load(t.Context(), h, path, text, experiment.Options{Sets: sets})
	if x == nil {
		var w bytes.Buffer
		found.Text(&w, sources, false)
		t.Fatal(w.String())
	}
	pool := exec.NewPool(1)
	t.Cleanup(pool.Close)
	m, err := x.Measure(t.Context(), pool, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// examples is how many the batch of a twin has.
const examples = 3

// uniform is the i-th number of a name: SplitMix64 (Steele et al. 2014) of its FNV-1a hash. The twins compute the same bits.
func uniform(name string, i int) float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z := h.Sum64() + (uint64(i)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) * 0x1p-53
}

// around fills x with numbers of a name, evenly spread.
func around(centre, spread float64, name string, x []float64) {
	for i := range x {
		x[i] = centre + spread*(2*uniform(name, i)-1)
	}
}

// named returns a role's variables of a kind, in the order of its layers.
func named(m *experiment.Measured, role string, kind graph.VariableKind) []graph.Variable {
	return slices.DeleteFunc(m.Trainer.Model.Linker.Variables(), func(v graph.Variable) bool {
		return v.Kind != kind || !strings.HasPrefix(v.Name, role+".")
	})
}

// short is what the twins call a role.
func short(role string) string { return role[strings.LastIndexByte(role, '.')+1:] }

// environment has the weights, running statistics, images and random numbers that the twins have.
func environment(m *experiment.Measured) *interp.Env {
	model := m.Trainer.Model
	env := &interp.Env{
		N: examples, Variables: map[string]interp.Value{}, Inputs: map[string]interp.Value{},
		Host: func(string) float64 { return 3 }, // the progress with which the prior is fed with its own sample by a chance of 0.7
		Random: func(label string, normal bool, index, element uint64) float64 {
			u := uniform(label, int(index<<32+element))
			if normal {
				return 2*u - 1
			}
			return u
		},
	}
	count := map[string]int{} // of a role's parameters so far
	for _, v := range model.Linker.Variables() {
		x := interp.NewValue(v.Type, 1)
		env.Variables[v.Name] = x
		role := v.Name[:strings.LastIndexByte(v.Name[:strings.LastIndexByte(v.Name, '.')], '.')]
		n := count[role]
		name := fmt.Sprintf("%s/%d", short(role), n)
		norm := fmt.Sprintf("%s/%d", short(role), n-2) // of the normalisation whose weight and bias stand before its statistics
		switch {
		case v.Kind == graph.Frozen:
			for i := range x.Data {
				x.Data[i] = v.Init.Sinusoid(i, v.Type.Dims[1])
			}
		case v.Kind == graph.Statistic && strings.HasSuffix(v.Name, ".running_mean"):
			around(0, 0.2, norm+"/mean", x.Data)
		case v.Kind == graph.Statistic:
			around(1, 0.5, norm+"/variance", x.Data)
		case strings.HasSuffix(v.Name, ".bias"):
			around(0, 0.2, name, x.Data)
		case len(v.Type.Dims) == 1: // weight of a normalisation
			around(1, 0.2, name, x.Data)
		default:
			around(0, 1/math.Sqrt(float64(v.Type.Size()/v.Type.Dims[0])), name, x.Data)
		}
		if v.Kind == graph.Parameter {
			count[role]++
		}
	}
	return env
}

// near compares numbers: sums of some thousand products in another order, through fifty layers, differ by less than 1e-10 of the
// value; what is a sum of larger terms that cancel, by as little of those.
func near(t *testing.T, what string, have, want float64) {
	t.Helper()
	if math.Abs(have-want) > 1e-10*math.Abs(want)+1e-12 {
		t.Errorf("%s is %v, the twin has %v", what, have, want)
	}
}

// like compares a tensor with what a twin says of it: its shape, its norm, and how long it is along given numbers.
func like(t *testing.T, what string, dims []int, have []float64, want string) {
	t.Helper()
	along := make([]float64, len(have))
	around(0, 1, "along", along)
	square, length := 0.0, 0.0
	for i, v := range have {
		square += v * v
		length += v * along[i]
	}
	words := strings.Fields(want)
	if shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(dims), " ", "x"), "[]"); shape != words[0] {
		t.Errorf("%s has the shape %s, the twin's has %s", what, shape, words[0])
	}
	for i, v := range []float64{math.Sqrt(square), length} {
		number, err := strconv.ParseFloat(words[1+i], 64)
		if err != nil {
			t.Fatal(err)
		}
		near(t, what+", "+[]string{"the norm", "the projection"}[i], v, number)
	}
}

// agree compares an update: losses, gradients, and the running statistics that it leaves.
func agree(t *testing.T, m *experiment.Measured, want twin) {
	t.Helper()
	env, p := environment(m), m.Model.Program
	g, _, err := m.Trainer.Model.Linker.Step(p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	image := interp.NewValue(g.Input("image").Out[0], examples)
	around(0, 1, "image", image.Data)
	env.Inputs["image"] = image
	got, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range want.Loss {
		near(t, name, got.Outputs[name].Data[0], v)
	}
	if len(want.Gradients) != len(p.Roles) {
		t.Errorf("%d networks, the twin has %d", len(p.Roles), len(want.Gradients))
	}
	for _, r := range p.Roles {
		parameters, gradients := named(m, r.Name, graph.Parameter), want.Gradients[short(r.Name)]
		if len(parameters) != len(gradients) {
			t.Fatalf("%s has %d parameters, the twin %d", r.Name, len(parameters), len(gradients))
		}
		for i, v := range parameters {
			like(t, "the gradient by "+v.Name, v.Type.Dims, got.Outputs[ir.Grad+v.Name].Data, gradients[i])
		}
		running, statistics := named(m, r.Name, graph.Statistic), want.Statistics[short(r.Name)]
		if statistics != nil && len(running) != len(statistics) {
			t.Fatalf("%s has %d running statistics, the twin %d", r.Name, len(running), len(statistics))
		}
		for i, s := range statistics {
			like(t, running[i].Name, running[i].Type.Dims, got.Assigned[running[i].Name].Data, s)
		}
	}
}

// sample compares what the first sample action draws.
func sample(t *testing.T, m *experiment.Measured, want string) {
	t.Helper()
	d, err := m.Drawn()
	if err != nil {
		t.Fatal(err)
	}
	env, s := environment(m), d.Sampler
	run := func(function string) interp.Value {
		g, err := d.Model.Linker.Function(function)
		if err != nil {
			t.Fatal(err)
		}
		got, err := interp.Run(g, env)
		if err != nil {
			t.Fatal(err)
		}
		return got.Outputs[g.Outputs[0].Name]
	}
	env.Inputs["x"] = run(s.Init)
	for _, row := range s.Table {
		for i, name := range s.Columns {
			env.Inputs[name] = interp.Value{N: 1, Data: []float64{row[i]}}
		}
		env.Inputs["x"] = run(s.Loop)
	}
	x := run(s.Result)
	like(t, "the sample", append([]int{x.N}, x.Type.Dims...), x.Data, want)
}
