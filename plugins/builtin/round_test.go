package builtin

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/quantize"
)

// norm is a batch norm %to of %from, as training and inference have it; its numbers begin at n.
func norm(training bool, to, from string, channels, n int) string {
	read := func(i int, name string) string {
		return fmt.Sprintf("  %%%d = read var=\"%s.%s\"\n", n+i, to, name)
	}
	if training {
		return fmt.Sprintf("  %%%d = normalise %s axes=[t n 1 2] epsilon=0.00001\n", n, from) + read(1, "weight") + fmt.Sprintf("  %%%d = mul %%%d.0 %%%d\n", n+2, n, n+1) + read(3, "bias") +
			fmt.Sprintf("  %%%d = add %%%d %%%d\n", n+9, n+2, n+3)
	}
	return read(0, "running_mean") + fmt.Sprintf("  %%%d = sub %s %%%d\n", n+1, from, n) + read(2, "running_var") + fmt.Sprintf("  %%%d = constant value=0.00001\n  %%%d = add %%%d %%%d\n  %%%d = sqrt %%%d\n", n+3, n+4, n+2, n+3, n+5, n+4) +
		read(6, "weight") + fmt.Sprintf("  %%%d = div %%%d %%%d\n  %%%d = mul %%%d %%%d\n", n+7, n+6, n+5, n+8, n+1, n+7) + read(10, "bias") + fmt.Sprintf("  %%%d = add %%%d %%%d\n", n+9, n+8, n+10)
}

// network has a convolution, then a population of two products that share its scale, one of which skips a layer, each with its norm, then
// a transposed convolution and a linear layer.
func network(t *testing.T, decay float64) *graph.Module {
	var w strings.Builder
	w.WriteString("graph 1\n")
	for _, v := range []string{"1.weight\" f32[3 2 3 3]", "3.weight\" f32[4 3 3 3]", "5.weight\" f32[4 2 1 1]", "7.weight\" f32[4 2 2 2]", "9.weight\" f32[5 128]"} {
		w.WriteString("variable \"" + v + " parameter uniform(-1.0, 1.0)\n")
	}
	for name, channels := range map[string]int{"2": 3, "4": 4, "6": 4} {
		fmt.Fprintf(&w, "variable \"%s.weight\" f32[%d] parameter constant(1.0, 0.0)\nvariable \"%s.bias\" f32[%d] parameter constant(0.0, 0.0)\nvariable \"%s.running_mean\" f32[%d] state constant(0.0, 0.0)\nvariable \"%s.running_var\" f32[%d] state constant(1.0, 0.0)\n",
			name, channels, name, channels, name, channels, name, channels)
	}
	fmt.Fprintf(&w, "equation \"fire\" spikes {\n  input x\n  state v = 0.0\n  %%0 = constant value=%v\n  %%1 = mul %%v %%0\n  %%2 = add %%1 %%x\n  %%3 = constant value=1.0\n  %%4 = spike %%2 %%3 %%3\n  %%5 = cast %%4 dtype=\"f32\"\n  %%6 = sub %%3 %%5\n  %%7 = mul %%2 %%6\n  emit %%4\n  next v %%7\n}\n", decay)
	for _, training := range []bool{true, false} {
		name := map[bool]string{true: "train", false: "eval"}[training]
		fmt.Fprintf(&w, "function %s(x: bit[T3 N 2 4 4]) {\n  %%0 = read var=\"1.weight\"\n  %%1 = conv %%x %%0 pad=1 stride=1\n", name)
		w.WriteString(norm(training, "2", "%1", 3, 100))
		w.WriteString("  %20 = equation \"fire\" %109\n  %21 = read var=\"3.weight\"\n  %22 = conv %20 %21 pad=1 stride=1\n")
		w.WriteString(norm(training, "4", "%22", 4, 130))
		w.WriteString("  %40 = read var=\"5.weight\"\n  %41 = conv %x %40 pad=0 stride=1\n")
		w.WriteString(norm(training, "6", "%41", 4, 150))
		w.WriteString("  %60 = add %139 %159\n  %61 = equation \"fire\" %60\n  %62 = read var=\"7.weight\"\n  %63 = conv-input-gradient %61 %62 pad=0 stride=2 height=8 width=8\n  %64 = equation \"fire\" %63\n")
		w.WriteString("  %65 = reshape %64 dims=[128]\n  %66 = read var=\"9.weight\"\n  %67 = matmul %65 %66 transpose=true\n  %68 = equation \"fire\" %67\n  return y = %68\n}\n")
	}
	m, err := graph.Parse(w.String())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A network whose weights training has rounded as a target says loses nothing of them when it is cut and put on that chip: whatever the
// signs of norms' factors are, and where several products flow into a population.
func TestRoundedIsExact(t *testing.T) {
	number := func(n int) schema.Value { return schema.Value{Type: schema.Int, Number: float64(n)} }
	type choice struct {
		target string
		schema.Arguments
	}
	choices := []choice{{"truenorth", nil}}
	for n := 1; n <= 4; n++ {
		choices = append(choices, choice{"truenorth", schema.Arguments{"axons": number(n)}})
	}
	for _, n := range []int{2, 3, 4, 5, 6, 8} {
		choices = append(choices, choice{"loihi", schema.Arguments{"weight_bits": number(n)}})
	}
	targets := map[string]sdk.Target{}
	for _, target := range Plugin().Targets {
		targets[target.Component.Name] = target
	}
	for _, decay := range []float64{1, 0.5, 0} {
		m := network(t, decay)
		for _, x := range choices {
			target := targets[x.target]
			for seed := range uint64(4) {
				r := rand.New(rand.NewPCG(seed, 7))
				values := map[string][]float32{}
				for _, v := range m.Variables {
					list := make([]float32, v.Type.Size())
					for i := range list {
						list[i] = float32(r.NormFloat64())
						switch {
						case strings.HasSuffix(v.Name, "running_var"):
							list[i] = 0.1 + list[i]*list[i]
						case strings.HasSuffix(v.Name, "bias") || strings.HasSuffix(v.Name, "running_mean"):
							list[i] = 0 // what a bias loses is another matter
						}
					}
					values[v.Name] = list
				}
				vars := func(name string) []float32 { return values[name] }
				// As runtime/build does: the layers that the target takes are asked about again.
				allowed := func(string) bool { return true }
				if x.target == "truenorth" {
					allowed = func(name string) bool { return name != "9.linear" || x.Has("axons") && x.Int("axons") < 3 }
				}
				dims, err := cut.Network("net", m, nil, cut.Options{Allowed: allowed})
				if err != nil {
					t.Fatal(err)
				}
				reply, err := target.Check(schema.TargetRequest{Component: x.target, Arguments: x.Arguments, Circuits: dims.Circuits})
				if err != nil || !reply.Fits {
					t.Fatalf("%+v: %v %+v", x, err, reply)
				}
				rules := map[string]quantize.Rule{}
				for _, p := range dims.Circuits[0].Populations {
					var with []string
					for _, layer := range strings.Split(p.Name, "+") {
						with = append(with, strings.Split(layer, ".")[0]+".weight")
					}
					i := slices.IndexFunc(reply.Grids, func(g schema.Grid) bool { return g.Layer == p.Name || g.Layer == "" })
					for _, name := range with {
						rules[name] = quantize.Rule{Grid: &reply.Grids[i], With: with}
					}
				}
				rounded, err := quantize.Weights(m, func(name string) quantize.Rule { return rules[name] })
				if err != nil {
					t.Fatal(err)
				}
				for _, module := range []*graph.Module{m, rounded} {
					c, err := cut.Network("net", module, vars, cut.Options{Allowed: allowed})
					if err != nil {
						t.Fatal(err)
					}
					_, compiled, err := target.Compile(schema.CompileRequest{Component: x.target, Arguments: x.Arguments, Circuits: c.Circuits, Bytes: 4 * len(c.Tensors)}, sdk.Weights(circuit.In(c.Tensors)))
					if err != nil || len(compiled.Losses) != len(c.Circuits[0].Populations) {
						t.Fatalf("%+v: %v %+v", x, err, compiled)
					}
					for _, l := range compiled.Losses {
						if exact := math.Abs(l.Weights) < 1e-6; exact != (module == rounded) {
							t.Errorf("%s(%v), decay %v: the weights of %s, rounded %v, lose %v %s", x.target, x.Arguments, decay, l.Layer, module == rounded, l.Weights, l.Note)
						}
					}
				}
			}
		}
	}
}
