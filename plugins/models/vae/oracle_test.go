package vae_test

import (
	"encoding/json"
	"hash/fnv"
	"math"
	"os"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// oracle is testdata/quickstart.json: what PyTorch computes in float64 (testdata/quickstart.py).
type oracle struct {
	Examples              int
	Loss, Rates           map[string]float64
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

// One training step of the quickstart's model, with given weights, images and picks, has the losses, firing rates, gradients
// and running statistics that PyTorch finds.
func TestQuickstartOracle(t *testing.T) {
	text, err := os.ReadFile("testdata/quickstart.json")
	if err != nil {
		t.Fatal(err)
	}
	var want oracle
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	spec, err := os.ReadFile("testdata/quickstart.snn")
	if err != nil {
		t.Fatal(err)
	}
	m := fromSpec(t, string(spec))
	variables := start(m.linker)
	tensors := map[string][]string{} // role -> its parameters
	running := map[string][]string{} // role -> its running statistics
	for _, r := range m.p.Roles {
		for _, v := range m.linker.Variables() {
			if len(v.Name) <= len(r.Name) || v.Name[:len(r.Name)+1] != r.Name+"." {
				continue
			}
			if v.Kind == graph.Statistic {
				running[r.Name] = append(running[r.Name], v.Name)
				continue
			}
			centre, spread := 0.0, 0.2
			if v.Init.Kind == "uniform" { // linear: +-1/sqrt(fan in)
				spread = v.Init.B
			} else { // normalisation: near 1 and 0
				centre = v.Init.A
			}
			name := r.Name + "/" + string(rune('0'+len(tensors[r.Name])))
			for i := range variables[v.Name].Data {
				variables[v.Name].Data[i] = centre + spread*(2*uniform(name, uint64(i))-1)
			}
			tensors[r.Name] = append(tensors[r.Name], v.Name)
		}
	}
	g, _, err := m.linker.Step(m.p.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	image := interp.NewValue(graph.Real(1, 8, 8), want.Examples)
	for i := range image.Data {
		image.Data[i] = 2*uniform("image", uint64(i)) - 1
	}
	res, err := interp.Run(g, &interp.Env{N: want.Examples, Variables: variables, Inputs: map[string]interp.Value{"image": image},
		Random: func(label string, _ bool, index, element uint64) float64 { return uniform(label, index<<32+element) }})
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
	for layer, v := range want.Rates {
		near("the rate of "+layer, res.Outputs[program.Rate+layer].Data[0], v)
	}
}
