package lower_test

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// row reads values: those of a time step are joined by commas. It returns how many steps there are and, in the order of a
// graph's values, the numbers with the digits behind their points.
func row(t *testing.T, words []string) (steps int, values []float64, digits []int) {
	t.Helper()
	for _, w := range words {
		for _, s := range strings.Split(w, ",") {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatal(err)
			}
			_, fraction, _ := strings.Cut(s, ".")
			values, digits = append(values, v), append(digits, len(fraction))
		}
	}
	return len(words), values, digits
}

// Neurons and coders do what is worked out by hand, run by the interpreter. A result that is written with digits behind the
// point holds to half of the last one, a whole number to rounding.
func TestTrains(t *testing.T) {
	a := archive(t, "trains.txtar")
	text := map[string]string{}
	for _, f := range a.Files {
		text[f.Name] = string(f.Data)
	}
	for _, f := range a.Files {
		name, ok := strings.CutSuffix(f.Name, ".snn")
		if !ok {
			continue
		}
		rows, ok := text[name+".rows"]
		if !ok {
			t.Errorf("%s has no rows", name)
		}
		s := spec(t, f.Name, string(f.Data))
		for _, part := range strings.Split(strings.TrimSpace(rows), "\n\n") {
			most := 0
			for _, line := range strings.Split(part, "\n") {
				most = max(most, len(strings.Fields(line))-1)
			}
			for _, mode := range []string{"train", "eval"} {
				g := network(t, s, "f", most).Function(mode)
				env := &interp.Env{N: 1, Inputs: map[string]interp.Value{}, Random: func(string, bool, uint64, uint64) float64 { return 0.75 }}
				for _, line := range strings.Split(part, "\n") {
					words := strings.Fields(line)
					steps, values, digits := row(t, words[1:])
					if words[0] != "y" {
						in := g.Input(words[0])
						if in == nil {
							t.Fatalf("%s: no input %s", name, words[0])
						}
						typ := in.Out[0]
						if typ.Steps != 0 && typ.Steps != steps {
							t.Fatalf("%s: %s has %d steps, want %d", name, words[0], steps, typ.Steps)
						}
						env.Inputs[words[0]] = interp.Value{Type: typ, N: 1, Data: values}
						continue
					}
					res, err := interp.Run(g, env)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					y := res.Outputs["y"]
					if len(y.Data) != len(values) || max(y.Type.Steps, 1) != steps {
						t.Fatalf("%s gives %v of type %v, want %v", name, y.Data, y.Type, values)
					}
					for i, v := range values {
						near := 1e-12
						if digits[i] > 0 {
							near = 0.5*math.Pow(10, -float64(digits[i])) + 1e-12
						}
						if !(math.Abs(y.Data[i]-v) <= near) {
							t.Errorf("%s, %s mode: y = %v, want %v", name, mode, y.Data, values)
							break
						}
					}
				}
			}
		}
	}
}

// A network that does not encode works at any number of steps, also in what it was not written down at.
func TestFreeSteps(t *testing.T) {
	seen := 0
	for _, f := range archive(t, "layers.txtar").Files {
		if strings.HasSuffix(f.Name, ".out") || f.Name == "batchnorm-step" { // its statistics move once a step
			continue
		}
		s := spec(t, f.Name, string(f.Data))
		for _, n := range s.Networks {
			m := network(t, s, n.Name, 3)
			for _, g := range m.Functions {
				if !g.FreeSteps {
					continue
				}
				seen++
				b := graph.NewBuilder("f", graph.ModuleEnv{Module: m})
				var in []graph.Value
				for _, x := range g.Inputs {
					typ := x.Out[0]
					if typ.Steps > 0 {
						typ.Steps = 5
					}
					in = append(in, b.Input(x.Text("name"), typ))
				}
				y := b.Inline(g, in, nil)[0]
				if b.Err() != nil {
					t.Errorf("%s: network %s: %v", f.Name, n.Name, b.Err())
					continue
				}
				if want := g.Output("y").Type(); want.Steps > 0 && !y.Type().Equal(want.WithSteps(5)) {
					t.Errorf("%s: network %s gives %v at 5 steps", f.Name, n.Name, y.Type())
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d functions", seen)
	}
}
