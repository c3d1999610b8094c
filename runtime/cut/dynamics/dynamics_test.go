package dynamics_test

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/cut/dynamics"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/specs"
)

var update = flag.Bool("update", false, "write testdata/neurons.txt anew")

const steps = 24

// equation returns the equation of a neuron, or the coder of a read-out, that a spec defines or a plugin has, with its parameters as they
// start.
func equation(t failer, definitions, use string) (*graph.Equation, []float64) {
	t.Helper()
	result := "spikes[3]"
	if strings.HasPrefix(use, "decode") {
		result = "real[3]"
	}
	text := fmt.Sprintf("snn 1\n%s\ncoder input = direct(steps = %d)\nnetwork n(x: real[3]) -> %s { return x -> encode(input) -> %s }\n", definitions, steps, result, use)
	f, found := dsl.Parse("a.snn", []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: &check.Catalogue{Components: builtin.Plugin().Equations}})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(use, found)
	}
	m, bad := lower.Network(s.Networks[0], steps)
	if bad.HasErrors() {
		t.Fatal(bad)
	}
	var n *graph.Node
	for _, x := range m.Function("eval").Nodes {
		if x.Op == graph.OpEquation {
			n = x
		}
	}
	var params []float64
	for i, v := range n.In[1:] {
		p := math.NaN()
		if c := v.Node; c.Op == graph.OpConstant {
			p = c.Real("value")
		} else if c.Op == graph.OpRead && v.Type().Size() == 1 {
			p = m.Variable(c.Text("var")).Init.A
		}
		if math.IsNaN(p) {
			t.Logf("%s of %s is no number", n.Equation.Params[i], use)
		}
		params = append(params, p)
	}
	return n.Equation, params
}

// defined returns the spiking neurons that published specs define by equations, and their names.
func defined(t testing.TB) (definitions string, names []string) {
	t.Helper()
	for _, name := range []string{"spiking-gan", "sgad"} {
		inside := false
		for line := range strings.Lines(string(specs.Text(name))) {
			if strings.HasPrefix(line, "neuron ") && strings.HasSuffix(strings.TrimSpace(strings.Split(line, "#")[0]), "{") {
				own, _, _ := strings.Cut(strings.TrimPrefix(line, "neuron "), "(")
				line = strings.Replace(line, own, own+"_of_"+strings.ReplaceAll(name, "-", "_"), 1)
				names, inside = append(names, own+"_of_"+strings.ReplaceAll(name, "-", "_")), true
			}
			if inside {
				definitions += line
			}
			if line == "}\n" {
				inside = false
			}
		}
	}
	return definitions, names
}

// Each built-in neuron, those of the published specs, some written in other ways, and what reads out: which a chip has, or why not.
func TestNeurons(t *testing.T) {
	definitions, uses := defined(t)
	definitions += lines(t, "own.snn")
	for _, c := range builtin.Plugin().Equations {
		if c.Kind == schema.Neuron && regexp.MustCompile(`(?m)^ *spike `).MatchString(c.Equations) {
			uses = append(uses, c.Name)
		}
	}
	uses = append(uses, strings.Split(strings.TrimSpace(lines(t, "uses.txt")), "\n")...)
	slices.Sort(uses)
	var w strings.Builder
	for _, use := range uses {
		e, params := equation(t, definitions, use)
		if d, err := dynamics.Of(e, params, steps); err != nil {
			fmt.Fprintf(&w, "%s: %v\n", use, err)
		} else {
			fmt.Fprintf(&w, "%s\n    %s\n", use, said(d))
		}
	}
	const file = "testdata/neurons.txt"
	if *update {
		if err := os.WriteFile(file, []byte(w.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), w.String()); d != "" {
		t.Error(d)
	}
}

// lines returns a file of the test data.
func lines(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// said is dynamics in words.
func said(d dynamics.Dynamics) string {
	words := []string{fmt.Sprintf("decay %.6g", d.Decay)}
	if d.Current {
		words = append(words, fmt.Sprintf("current decay %.6g", d.CurrentDecay))
	}
	if d.Start != 0 {
		words = append(words, fmt.Sprintf("start %.6g", d.Start))
	}
	if d.Reads {
		words = append(words, fmt.Sprintf("read out times %.6g", d.Scale))
	} else {
		words = append(words, fmt.Sprintf("threshold %.6g", d.Threshold), fmt.Sprintf("reset %s %.6g", d.Reset.Kind, d.Reset.Value))
	}
	for word, is := range map[string]bool{"strict": d.Strict, "late": d.Late, "once": d.Once} {
		if is {
			words = append(words, word)
		}
	}
	slices.Sort(words[2:])
	if d.Refractory > 0 {
		words = append(words, fmt.Sprintf("refractory %d", d.Refractory))
	}
	if d.Gain != 1 || d.Offset != 0 || d.Rest != 0 {
		words = append(words, fmt.Sprintf("gain %.6g, offset %.6g, rest %.6g", d.Gain, d.Offset, d.Rest))
	}
	return strings.Join(words, ", ")
}

// What is recognised, run by the formulas of schema.Population, spikes when the interpreter of the equation does, and reads out the same.
func TestRuns(t *testing.T) {
	definitions, names := defined(t)
	definitions += lines(t, "own.snn")
	patterns := strings.Split(strings.TrimSpace(lines(t, "runs.txt")), "\n")
	rapid.Check(t, func(t *rapid.T) {
		real := func(name string, low, high float64) float64 {
			return math.Round(rapid.Float64Range(low, high).Draw(t, name)*1e4) / 1e4
		}
		use := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllStringFunc(rapid.SampledFrom(append(slices.Clone(names), patterns...)).Draw(t, "neuron"), func(s string) string {
			var low, high float64
			if _, err := fmt.Sscanf(s, "{%g to %g}", &low, &high); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(real(s, low, high))
		})
		e, params := equation(t, definitions, use)
		d, err := dynamics.Of(e, params, steps)
		if err != nil {
			t.Fatalf("%s: %v", use, err)
		}
		const inputs, neurons, examples = 7, 3, 4
		draw := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		scale := rapid.SampledFrom([]float64{0.2, 0.6, 1.5}).Draw(t, "scale")
		weights := make([]float32, inputs*neurons)
		for i := range weights {
			weights[i] = float32(scale * (draw.NormFloat64() + 0.3))
		}
		spikes := make([]float32, steps*examples*inputs)
		for i := range spikes {
			spikes[i] = float32(draw.IntN(3) / 2)
		}
		want, ran := run(t, e, params, weights, spikes, inputs, neurons, examples)
		c := schema.Circuit{Name: "c", Steps: steps, Inputs: []schema.Input{{Kind: schema.SpikeInput, Dims: []int{inputs}}}, Populations: []schema.Population{{Name: "n", Dims: []int{neurons},
			Dynamics: d.Dynamics, Bias: &schema.Tensor{Dims: []int{neurons}, Offset: 4 * len(weights)}, Depth: 1, Gives: true,
			Synapses: []schema.Synapses{{Population: -1, Kind: schema.Dense, View: schema.View{From: []int{inputs}, Dims: []int{inputs}}, Weights: schema.Tensor{Dims: []int{neurons, inputs}}}}}}}
		if d.Late {
			c.Populations[0].Depth = 0
		}
		if err := circuit.Verify(c); err != nil {
			t.Fatalf("%s: %v", use, err)
		}
		arena := make([]float32, len(weights)+neurons)
		exact := true // the folded weights are the exact products
		for i, w := range weights {
			arena[i] = float32(float64(w) * d.Gain)
			exact = exact && float64(arena[i]) == float64(w)*d.Gain
		}
		for i := range neurons {
			arena[len(weights)+i] = float32(d.Offset)
		}
		got, err := circuit.Run[float64](&c, circuit.In(arena), circuit.Block{Steps: steps, Examples: examples, Inputs: [][]float32{spikes}})
		if err != nil {
			t.Fatal(err)
		}
		if d.Reads {
			for i, v := range got.ReadOuts[0] {
				if y := v + d.Rest; math.Abs(y-want[i]) > 1e-6*(1+math.Abs(want[i])) {
					t.Fatalf("%s: read-out %d is %v, want %v", use, i, y, want[i])
				}
			}
			return
		}
		// Weights are folded in single precision: where a membrane comes so close to the threshold either outcome is right, and so is what
		// that neuron does later.
		off := map[int]bool{}
		for i, s := range got.Spikes[0] {
			k := i % (examples * neurons)
			if near := math.Abs(got.Membranes[0][i]-d.Threshold) < 1e-5*(1+math.Abs(d.Threshold)); near && !exact {
				off[k] = true
			}
			if !off[k] && float64(s) != want[i] {
				t.Fatalf("%s: %+v: spike %d of neuron %d is %v, want %v, at a membrane of %v (%v)", use, d, i/(examples*neurons), k, s, want[i], got.Membranes[0][i], ran)
			}
		}
	})
}

// run is the interpreter's run of an equation behind a matrix: what it gives at each step, or at the last where it has no spikes.
func run(t failer, e *graph.Equation, params []float64, weights, spikes []float32, inputs, neurons, examples int) (y []float64, text string) {
	t.Helper()
	b := graph.NewBuilder("f", nil)
	values := make([]float64, len(weights))
	for i, w := range weights {
		values[i] = float64(w)
	}
	x := b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, b.Input("s", graph.Spikes(steps, inputs)), b.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{neurons, inputs}}))
	in := []graph.Value{x}
	for _, p := range params {
		in = append(in, b.Const(p))
	}
	b.Output("y", b.Equation(graph.OpEquation, e, graph.Attrs{"last": !e.Spikes}, in...)[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	s := interp.NewValue(graph.Spikes(steps, inputs), examples)
	for i, v := range spikes {
		s.Data[i] = float64(v)
	}
	r, err := interp.Run(g, &interp.Env{N: examples, Inputs: map[string]interp.Value{"s": s}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Outputs["y"].Data, g.String()
}

// failer is what tests and properties fail with.
type failer interface {
	Helper()
	Fatal(args ...any)
	Logf(format string, args ...any)
}
