package lower_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/interp"
)

// tensor is a value of testdata/oracle.json: dims behind the axes of time and batch.
type tensor struct {
	Shape []int
	Data  []float64
}

// Layers give what numpy computes by other means (testdata/oracle.py), and move their running statistics as it says.
func TestOracle(t *testing.T) {
	data, err := os.ReadFile("testdata/oracle.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Spec, Mode                  string
		Inputs, Variables, Assigned map[string]tensor
		Y                           tensor
		Tolerance                   float64 // relative to the largest number
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	same := func(what string, got []float64, want tensor, tolerance float64) {
		t.Helper()
		largest := 1.0
		for _, v := range want.Data {
			largest = max(largest, math.Abs(v))
		}
		for i, v := range want.Data {
			if len(got) != len(want.Data) || !(math.Abs(got[i]-v) <= tolerance*largest) {
				t.Errorf("%s is %v, want %v", what, got, want.Data)
				return
			}
		}
	}
	for _, c := range cases {
		m := network(t, spec(t, "oracle", c.Spec+"\n"), "f", 3)
		g := m.Function(c.Mode)
		env := &interp.Env{N: 1, Inputs: map[string]interp.Value{}, Variables: map[string]interp.Value{}}
		for _, n := range g.Inputs {
			in, typ := c.Inputs[n.Text("name")], n.Out[0]
			env.N = in.Shape[len(in.Shape)-len(typ.Dims)-1]
			env.Inputs[n.Text("name")] = interp.Value{Type: typ, N: env.N, Data: in.Data}
		}
		for _, v := range m.Variables {
			x, ok := c.Variables[v.Name]
			if !ok && v.Init.Kind == "sinusoid" {
				x = tensor{v.Type.Dims, make([]float64, v.Type.Size())}
				for i := range x.Data {
					x.Data[i] = v.Init.Sinusoid(i, v.Type.Dims[1])
				}
			}
			if !slices.Equal(x.Shape, v.Type.Dims) {
				t.Fatalf("%s: %s is %v, want %v", c.Spec, v.Name, v.Type, x.Shape)
			}
			env.Variables[v.Name] = interp.Value{Type: v.Type, N: 1, Data: x.Data}
		}
		res, err := interp.Run(g, env)
		if err != nil {
			t.Fatalf("%s: %v", c.Spec, err)
		}
		_, what, _ := strings.Cut(c.Spec, "->")
		same(what+", "+c.Mode+" mode: y", res.Outputs["y"].Data, c.Y, c.Tolerance)
		if len(res.Assigned) != len(c.Assigned) {
			t.Errorf("%s changes %d variables, want %d", what, len(res.Assigned), len(c.Assigned))
		}
		for name, want := range c.Assigned {
			same(what+": "+name, res.Assigned[name].Data, want, c.Tolerance)
		}
	}
	if len(cases) < 20 {
		t.Errorf("only %d cases", len(cases))
	}
}

// Derivatives at the kinks: relu has none at 0, leaky_relu the slope below (as PyTorch has it), gelu one half.
func TestKinks(t *testing.T) {
	for _, x := range []struct {
		layer string
		want  [3]float64 // at -1, 0 and 1
		near  float64
	}{
		{"relu", [3]float64{0, 0, 1}, 0},
		{"leaky_relu(0.25)", [3]float64{0.25, 0.25, 1}, 0},
		{"gelu", [3]float64{-0.0833154705876863, 0.5, 1.0833154705876863}, 1e-6}, // P(X <= x) + x p(x)
	} {
		m := network(t, spec(t, x.layer, "network f(x: real[1]) -> real[1] { return x -> "+x.layer+" }\n"), "f", 1)
		_, dx := gradient(t, m, 3, []float64{-1, 0, 1}, []float64{1, 1, 1})
		for i, want := range x.want {
			if !(math.Abs(dx[i]-want) <= x.near) {
				t.Errorf("%s: derivative %v, want %v", x.layer, dx, x.want)
				break
			}
		}
	}
}

// Dropout scales what it keeps so that the mean stays, draws for each step, and does nothing in eval mode.
func TestDropout(t *testing.T) {
	s := spec(t, "dropout", "network f(x: real[2]) -> real[2] { return x -> dropout(0.25) }\nnetwork g(x: signal[2]) -> signal[2] { return x -> dropout(0.25) }\nnetwork h(x: real[2]) -> real[2] { return x -> dropout(1) }\n")
	for _, x := range []struct {
		network, mode string
		want          []float64
	}{
		{"f", "train", []float64{0, 4. / 3}},
		{"f", "eval", []float64{1, 1}},
		{"g", "train", []float64{0, 4. / 3, 4. / 3, 0}},
		{"g", "eval", []float64{1, 1, 1, 1}},
		{"h", "train", []float64{0, 0}},
	} {
		g := network(t, s, x.network, 2).Function(x.mode)
		in := interp.NewValue(g.Inputs[0].Out[0], 1)
		for i := range in.Data {
			in.Data[i] = 1
		}
		draws := []float64{0.2, 0.3, 0.9, 0.1} // by element: step times 2 plus channel
		res, err := interp.Run(g, &interp.Env{N: 1, Inputs: map[string]interp.Value{"x": in},
			Random: func(_ string, _ bool, _, element uint64) float64 { return draws[element] }})
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Outputs["y"].Data; !slices.Equal(got, x.want) {
			t.Errorf("%s, %s mode: %v, want %v", x.network, x.mode, got, x.want)
		}
	}
}
