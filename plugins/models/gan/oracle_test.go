package gan_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"testing"

	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// uniform is the i-th number of a name: SplitMix64 (Steele et al. 2014) of its FNV-1a hash. The oracles compute the same bits.
func uniform(name string, i uint64) float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z := h.Sum64() + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) * 0x1p-53
}

// projection tells a tensor by two numbers.
type projection struct{ Norm, Along float64 }

func project(x []float64) projection {
	var p projection
	for i, v := range x {
		p.Norm += v * v
		p.Along += v * (2*uniform("along", uint64(i)) - 1)
	}
	p.Norm = math.Sqrt(p.Norm)
	return p
}

// near compares sums of some thousand products in float64, which differ in their order by far less than 1e-10 of the values.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-10*math.Abs(want)+1e-13 {
		t.Errorf("%s is %v, the oracle has %v", what, got, want)
	}
}

func (p projection) near(t *testing.T, what string, want projection) {
	t.Helper()
	near(t, "the norm of "+what, p.Norm, want.Norm)
	near(t, "a projection of "+what, p.Along, want.Along)
}

func read(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// start gives the tensors of each role numbers between low and high of a variable, named by role and place; it returns them, and
// the names by role of parameters and of running statistics.
func start(m *experiment.Model, between func(graph.Variable) (low, high float64)) (variables map[string]interp.Value, parameters, running map[string][]string) {
	variables, parameters, running = map[string]interp.Value{}, map[string][]string{}, map[string][]string{}
	for _, role := range []string{"generator", "discriminator"} {
		for _, v := range m.Linker.Variables() {
			if len(v.Name) <= len(role) || v.Name[:len(role)+1] != role+"." {
				continue
			}
			x := interp.NewValue(v.Type, 1)
			if variables[v.Name] = x; v.Kind == graph.Statistic {
				for i := range x.Data {
					x.Data[i] = v.Init.A
				}
				running[role] = append(running[role], v.Name)
				continue
			}
			low, high := between(v)
			name := fmt.Sprint(role, "/", len(parameters[role]))
			for i := range x.Data {
				x.Data[i] = low + (high-low)*uniform(name, uint64(i))
			}
			parameters[role] = append(parameters[role], v.Name)
		}
	}
	return variables, parameters, running
}

func step(t *testing.T, m *experiment.Model, i int, env *interp.Env) *interp.Result {
	t.Helper()
	g, _, err := m.Linker.Step(m.Program.Stages[0].Steps[i])
	if err != nil {
		t.Fatal(err)
	}
	own := *env
	if g.Input("image") == nil {
		own.Inputs = nil
	}
	res, err := interp.Run(g, &own)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// One iteration of a small SGAD, with given weights, images and noise, has the losses, gradients and running statistics that
// PyTorch finds: attention over the steps, statistics of each step by itself, detached resets, the critic's membrane.
func TestSGADOracle(t *testing.T) {
	type side struct {
		Loss       map[string]float64
		Gradients  []projection
		Statistics map[string][]projection
	}
	var want struct {
		Examples              int
		Discriminate, Deceive side
	}
	read(t, "testdata/sgad.json", &want)
	m := model(t, published(t, "sgad"), experiment.Options{Sets: []string{
		"steps=4", "latent=5", "hidden=8", "maps=[3,2]", "views=[2,3]", "top=6", "score=4"}})
	variables, parameters, running := start(m, func(v graph.Variable) (float64, float64) {
		if v.Init.Kind == "uniform" { // of a product
			return 12 * v.Init.A, 12 * v.Init.B
		}
		if v.Init.A == 1 { // of a normalisation
			return 1.3, 1.7
		}
		return -0.2, 0.2
	})
	image := interp.NewValue(graph.Real(1, 28, 28), want.Examples)
	for i := range image.Data {
		image.Data[i] = uniform("image", uint64(i))
	}
	env := &interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"image": image},
		Random: func(label string, _ bool, index, element uint64) float64 {
			return 4*uniform(label, index<<32+element) - 2
		}}
	for i, w := range []struct {
		side
		role string
	}{{want.Discriminate, "discriminator"}, {want.Deceive, "generator"}} {
		res := step(t, m, i, env)
		for name, v := range w.Loss {
			near(t, w.role+"'s "+name, res.Outputs[name].Data[0], v)
		}
		if len(parameters[w.role]) != len(w.Gradients) {
			t.Fatalf("%s has %d parameters, PyTorch's %d", w.role, len(parameters[w.role]), len(w.Gradients))
		}
		for k, name := range parameters[w.role] {
			project(res.Outputs[program.Grad+name].Data).near(t, "the gradient by "+name, w.Gradients[k])
		}
		for role, names := range running {
			for k, name := range names {
				project(res.Assigned[name].Data).near(t, name, w.Statistics[role][k])
			}
		}
	}
}
