package modeltest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// Uniform is the i-th number in [0, 1) of a name: SplitMix64 (Steele et al. 2014) of its FNV-1a hash, which oracles in other languages
// can compute to the same bits.
func Uniform(name string, i uint64) float64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	z := h.Sum64() + (i+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) * 0x1p-53
}

// UniformRandom gives uniform numbers alone, also where normal ones are asked for: Uniform of the label, by example and element. It is
// an interp.Env's Random whose numbers oracles know.
func UniformRandom(label string, _ bool, index, element uint64) float64 {
	return Uniform(label, index<<32+element)
}

// Random gives a number of its own for each label, example and element, uniform in [0, 1) or standard normal: an interp.Env's Random.
func Random(label string, normal bool, index, element uint64) float64 {
	h := fnv.New64a()
	fmt.Fprint(h, label, " ", index)
	r := rand.New(rand.NewPCG(h.Sum64(), element))
	if normal {
		return r.NormFloat64()
	}
	return r.Float64()
}

// Fill returns a value of n examples whose elements are numbers of their places.
func Fill(t graph.Type, n int, number func(i int) float64) interp.Value {
	x := interp.NewValue(t, n)
	for i := range x.Data {
		x.Data[i] = number(i)
	}
	return x
}

// Symmetric returns numbers in -1..1 of a name, by Random: an image, say.
func Symmetric(name string, t graph.Type, n int) interp.Value {
	return Fill(t, n, func(i int) float64 { return 2*Random(name, false, 0, uint64(i)) - 1 })
}

// Labels returns the classes 0 to classes-1 of n examples, in turn.
func Labels(n, classes int) interp.Value {
	return Fill(sdk.Int(), n, func(i int) float64 { return float64(i % classes) })
}

// Values returns values of the model's variables: number gives element i of v.
func (m *Model) Values(number func(v graph.Variable, i int) float64) map[string]interp.Value {
	out := map[string]interp.Value{}
	for _, v := range m.Linker.Variables() {
		out[v.Name] = Fill(v.Type, 1, func(i int) float64 { return number(v, i) })
	}
	return out
}

// Initial is a number as the variable starts with, drawn by Random.
func Initial(v graph.Variable, i int) float64 {
	switch v.Init.Kind {
	case "uniform":
		return v.Init.A + (v.Init.B-v.Init.A)*Random(v.Name, false, 0, uint64(i))
	case "normal":
		return v.Init.A + v.Init.B*Random(v.Name, true, 0, uint64(i))
	case "sinusoid":
		return v.Init.Sinusoid(i, v.Type.Dims[1])
	}
	return v.Init.A
}

// Tensors returns the names of the model's variables of a kind by their owners, roles and the model itself, in their order.
func (m *Model) Tensors(kind graph.VariableKind) map[string][]string {
	out := map[string][]string{}
	for _, v := range m.Linker.Variables() {
		if v.Kind == kind {
			owner := m.owner(v.Name)
			out[owner] = append(out[owner], v.Name)
		}
	}
	return out
}

// Places returns the names by which oracles know the model's parameters: "encoder/3" is the fourth of the encoder, and one of
// the model itself has its own name.
func (m *Model) Places() map[string]string {
	out := map[string]string{}
	for owner, names := range m.Tensors(graph.Parameter) {
		for i, name := range names {
			if out[name] = name; name != owner {
				out[name] = fmt.Sprint(owner, "/", i)
			}
		}
	}
	return out
}

// owner returns the role that a variable belongs to; its own name where it is the model's.
func (m *Model) owner(variable string) string {
	for _, r := range m.Program.Roles {
		if strings.HasPrefix(variable, r.Owner()+".") {
			return r.Owner()
		}
	}
	return variable
}

// Projection tells a tensor by two numbers: its norm, and its product with numbers that oracles know.
type Projection struct{ Norm, Along float64 }

// Project returns the projection of a tensor's elements: along is 2 Uniform("along", i) - 1.
func Project(x []float64) Projection {
	var p Projection
	for i, v := range x {
		p.Norm += v * v
		p.Along += v * (2*Uniform("along", uint64(i)) - 1)
	}
	p.Norm = math.Sqrt(p.Norm)
	return p
}

// Near compares numbers that are sums of some thousand products in float64: in another order they differ by far less than 1e-10 of
// their values.
func Near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-10*math.Abs(want)+1e-13 {
		t.Errorf("%s is %v, the oracle has %v", what, got, want)
	}
}

// Near compares the projections of two tensors, see Near.
func (p Projection) Near(t testing.TB, what string, want Projection) {
	t.Helper()
	Near(t, "the norm of "+what, p.Norm, want.Norm)
	Near(t, "a projection of "+what, p.Along, want.Along)
}

// SeeGradients compares the gradients that a step gives by the parameters of a role with those of an oracle, in their order.
func (m *Model) SeeGradients(t testing.TB, res *interp.Result, role string, want []Projection) {
	t.Helper()
	see(t, "the gradient by ", res.Outputs, program.Grad, m.Tensors(graph.Parameter)[role], want)
}

// SeeStatistics compares what a step leaves as the running statistics of a role with those of an oracle, in their order.
func (m *Model) SeeStatistics(t testing.TB, res *interp.Result, role string, want []Projection) {
	t.Helper()
	see(t, "", res.Assigned, "", m.Tensors(graph.Statistic)[role], want)
}

func see(t testing.TB, what string, values map[string]interp.Value, prefix string, names []string, want []Projection) {
	t.Helper()
	if len(names) != len(want) {
		t.Errorf("there are %v, the oracle has %d", names, len(want))
		return
	}
	for i, name := range names {
		Project(values[prefix+name].Data).Near(t, what+name, want[i])
	}
}

// Oracle reads a JSON file that holds what an oracle has computed.
func Oracle(t testing.TB, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}
