package vqvae_test

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// oracle is testdata/small.json: what PyTorch computes in float64 (testdata/small.py).
type oracle struct {
	Examples              int
	Variance              float64
	Tokens                []float64
	Loss                  map[string]float64
	Gradients, Statistics map[string][]struct{ Norm, Along float64 } // by role, in the order of its tensors
}

// uniform is the i-th number of a name: SplitMix64 (Steele et al. 2014) of its FNV-1a hash. The oracle computes the same bits.
func uniform(name string, i uint64) float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z := h.Sum64() + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) * 0x1p-53
}

// One training step, with given weights and images, chooses the codes and has the losses, gradients and running statistics that
// PyTorch finds with the published loss.
func TestOracle(t *testing.T) {
	text, err := os.ReadFile("testdata/small.json")
	if err != nil {
		t.Fatal(err)
	}
	var want oracle
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	m := fromFile(t, "testdata/small.snn")
	variables := map[string]interp.Value{}
	tensors, running := map[string][]string{}, map[string][]string{} // role -> its parameters, its running statistics
	for _, v := range m.linker.Variables() {
		role, _, _ := strings.Cut(v.Name, ".")
		x := interp.NewValue(v.Type, 1)
		variables[v.Name] = x
		if v.Kind == graph.Statistic {
			for i := range x.Data {
				x.Data[i] = v.Init.A
			}
			running[role] = append(running[role], v.Name)
			continue
		}
		centre, spread, name := v.Init.A, 0.2, role+"/"+strconv.Itoa(len(tensors[role]))
		if centre == 1 { // the gain of a normalisation: with twice the usual one there are spikes enough to tell codes apart
			centre = 2
		}
		switch v.Init.Kind {
		case "uniform": // a layer: +-1/sqrt(fan in)
			centre, spread = 0, v.Init.B
		case "normal": // the codebook
			centre, spread, name = 0.6, 0.6, role
		}
		for i := range x.Data {
			x.Data[i] = centre + spread*(2*uniform(name, uint64(i))-1)
		}
		tensors[role] = append(tensors[role], v.Name)
	}
	g, _, err := m.linker.Step(m.p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	image := interp.NewValue(graph.Real(1, 8, 8), want.Examples)
	for i := range image.Data {
		image.Data[i] = uniform("image", uint64(i)) - 0.5
	}
	env := &interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"image": image},
		Host: func(string) float64 { return want.Variance }}
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	// Sums of some thousand products in another order differ by far less than 1e-10 of the values.
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-10*math.Abs(want)+1e-13 {
			t.Errorf("%s is %v, PyTorch has %v", what, got, want)
		}
	}
	for name, v := range want.Loss {
		near(name, res.Outputs[name].Data[0], v)
	}
	seen := func(what string, got []float64, want struct{ Norm, Along float64 }) {
		t.Helper()
		square, along := 0.0, 0.0
		for i, v := range got {
			square += v * v
			along += v * (2*uniform("along", uint64(i)) - 1)
		}
		near("the norm of "+what, math.Sqrt(square), want.Norm)
		near("a projection of "+what, along, want.Along)
	}
	for role, gradients := range want.Gradients {
		if len(tensors[role]) != len(gradients) || len(running[role]) != len(want.Statistics[role]) {
			t.Fatalf("%s has %d parameters and %d statistics, PyTorch's %d and %d", role, len(tensors[role]), len(running[role]), len(gradients), len(want.Statistics[role]))
		}
		for i, name := range tensors[role] {
			seen("the gradient by "+name, res.Outputs[program.Grad+name].Data, gradients[i])
		}
		for i, name := range running[role] {
			seen(name, res.Assigned[name].Data, want.Statistics[role][i])
		}
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(want.Tokens)))); n < 3 {
		t.Errorf("the oracle chooses only %d codes, which tells little", n)
	}
}
