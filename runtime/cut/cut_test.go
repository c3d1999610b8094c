package cut_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/opaque"
)

var update = flag.Bool("update", false, "write testdata/specs.txt anew")

var plugins *modeltest.Host

func TestMain(m *testing.M) { modeltest.Main(m, &plugins) }

// reference is chips that are computed by the literal reference of package circuit in double precision. near counts the decisions that
// rounding the folded weights and the drives to single precision could have turned.
type reference struct {
	*cut.Result
	near int
}

// short reports whether numbers have so few binary digits that they have hardly been rounded to single precision: 20 of 24.
func short(x []float32) bool {
	return !slices.ContainsFunc(x, func(v float32) bool { return math.Float32bits(v)&15 != 0 })
}

func (r *reference) Run(g *graph.Chip, b opaque.Examples) error {
	i := slices.IndexFunc(r.Circuits, func(c schema.Circuit) bool { return c.Name == g.Circuit })
	c := &r.Circuits[i]
	out, err := circuit.Run[float64](c, circuit.In(r.Tensors), circuit.Block{Steps: b.Steps, Examples: b.Batch, Inputs: b.Inputs})
	if err != nil {
		return err
	}
	rounded := !short(r.Tensors)
	for i, in := range c.Inputs {
		rounded = rounded || in.Kind == schema.DriveInput && !short(b.Inputs[i])
	}
	k := 0
	for j, p := range c.Populations {
		if !p.Reads && rounded {
			for _, v := range out.Membranes[j] {
				if math.Abs(v-p.Threshold) < 2e-6*(1+math.Abs(p.Threshold)) {
					r.near++
				}
			}
		}
		if !p.Gives {
			continue
		}
		if k++; !p.Reads {
			copy(b.Outputs[k-1], out.Spikes[j])
			continue
		}
		for i, v := range out.ReadOuts[j] {
			b.Outputs[k-1][i] = float32(v)
		}
	}
	return nil
}

// failer is what tests and properties fail with.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// exact are random values of the variables of a module, by their names, of a few binary digits: sums and products of them are exact, and so
// are the square roots of what starts at 1.
func exact(m *graph.Module) func(name string) []float32 {
	drawn := weights(m, 1)
	known := map[string][]float32{}
	return func(name string) []float32 {
		if x := known[name]; x != nil {
			return x
		}
		x := slices.Clone(drawn(name))
		in := m.Variable(name).Init
		for i, v := range x {
			if in.Kind == "constant" && in.A == 1 {
				x[i] = []float32{0.25, 1, 1, 4}[int(v*1e4)%4]
			} else {
				x[i] = float32(math.Round(float64(v)*32) / 32)
			}
		}
		known[name] = x
		return x
	}
}

// weights are random values of the variables of a module, by their names: uniform ones times gain, and what starts at 1 near 1.
func weights(m *graph.Module, gain float64) func(name string) []float32 {
	known := map[string][]float32{}
	return func(name string) []float32 {
		if x := known[name]; x != nil {
			return x
		}
		v := m.Variable(name)
		h := fnv.New64()
		h.Write([]byte(name))
		r := rand.New(rand.NewPCG(h.Sum64(), 1))
		x := make([]float32, v.Type.Size())
		for i := range x {
			switch {
			case v.Init.Kind == "uniform" && v.Init.A < 0:
				x[i] = float32(gain * max(v.Init.B, 0.05) * (2*r.Float64() - 0.8))
			case v.Init.Kind == "uniform":
				x[i] = float32(v.Init.A + (v.Init.B-v.Init.A)*r.Float64())
			case v.Init.Kind == "constant" && v.Init.A == 1:
				x[i] = float32(0.7 + 0.6*r.Float64())
			default:
				x[i] = float32(r.NormFloat64() * 0.3)
			}
		}
		known[name] = x
		return x
	}
}

// environment is one for a function of a module, with random inputs.
func environment(m *graph.Module, g *graph.Graph, vars func(string) []float32, n int, seed uint64) *interp.Env {
	env := &interp.Env{N: n, Inputs: map[string]interp.Value{}, Variables: map[string]interp.Value{}, Random: func(label string, normal bool, index, element uint64) float64 {
		h := fnv.New64()
		fmt.Fprint(h, label, index, element)
		return float64(h.Sum64()%1000) / 1000
	}}
	for _, v := range m.Variables {
		x := interp.NewValue(v.Type, 1)
		for i, y := range vars(v.Name) {
			x.Data[i] = float64(y)
		}
		env.Variables[v.Name] = x
	}
	r := rand.New(rand.NewPCG(seed, 4))
	for _, in := range g.Inputs {
		x := interp.NewValue(in.Out[0], n)
		for i := range x.Data {
			switch in.Out[0].DType {
			case graph.Bit:
				x.Data[i] = float64(r.IntN(4) / 3)
			case graph.I32:
				x.Data[i] = float64(r.IntN(8))
			default:
				x.Data[i] = float64(r.IntN(33)-8) / 16
			}
		}
		env.Inputs[in.Text("name")] = x
	}
	return env
}

// judge runs a network and what was cut of it, and fails where they differ: spikes by more than decisions that rounding can turn, numbers by
// more than rounding. It returns the share of results that are not 0. Not decided: a neuron came so close to its threshold that rounding may
// have turned it, so nothing was compared.
func judge(t failer, m *graph.Module, r *cut.Result, vars func(string) []float32, n int, seed uint64) (active float64, decided bool) {
	t.Helper()
	if len(r.Circuits) > 0 {
		if err := circuit.VerifyAll(r.Circuits); err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Circuits {
			if err := circuit.Within(c, 4*len(r.Tensors)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := graph.Parse(r.Module.Print()); err != nil {
		t.Fatal(err)
	}
	ordered(t, r)
	g := m.Function("eval")
	env := environment(m, g, vars, n, seed)
	want, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	chips := &reference{Result: r}
	env.Chips = chips
	got, err := interp.Run(r.Module.Function("eval"), env)
	if err != nil {
		t.Fatalf("%v\n%s", err, r.Module.Print())
	}
	if chips.near > 0 {
		return 0, false
	}
	all := 0
	for name, w := range want.Outputs {
		y := got.Outputs[name]
		if !y.Type.Equal(w.Type) {
			t.Fatalf("%s is %v, not %v", name, y.Type, w.Type)
		}
		most := 1.0
		for _, v := range w.Data {
			most = max(most, math.Abs(v))
		}
		for i, v := range w.Data {
			if all++; v != 0 {
				active++
			}
			if math.Abs(v-y.Data[i]) > 1e-5*most {
				t.Fatalf("%s[%d] is %v, want %v\n%s", name, i, y.Data[i], v, r.Module.Print())
			}
		}
	}
	return active / float64(all), true
}

// ordered fails where a circuit takes what follows from a later one.
func ordered(t failer, r *cut.Result) {
	t.Helper()
	last := map[*graph.Node]int{} // the last circuit that a node follows from
	for _, n := range r.Module.Function("eval").Nodes {
		last[n] = -1
		for _, v := range n.In {
			last[n] = max(last[n], last[v.Node])
		}
		if n.Op != graph.OpChip {
			continue
		}
		k := slices.IndexFunc(r.Circuits, func(c schema.Circuit) bool { return c.Name == n.Chip.Circuit })
		if last[n] >= k {
			t.Fatalf("circuit %s takes from circuit %s\n%s", n.Chip.Circuit, r.Circuits[last[n]].Name, r.Module.Print())
		}
		last[n] = k
	}
}

// published are the specs of testdata/published.txt, small enough for the interpreter: networks keep their structure. A line has the name,
// the preset or -, the gain of weights, and settings.
func published(t testing.TB) (all []system) {
	t.Helper()
	text, err := os.ReadFile("testdata/published.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		x := system{name: words[0], preset: strings.Trim(words[1], "-"), set: words[3:]}
		if _, err := fmt.Sscan(words[2], &x.gain); err != nil {
			t.Fatal(err)
		}
		all = append(all, x)
	}
	return all
}

type system struct {
	name, preset string
	gain         float64
	set          []string
}

// networks returns the networks of the models of a spec, by spec, model and role, in order.
func networks(t testing.TB, name, preset string, set []string) (names []string, modules map[string]*graph.Module) {
	t.Helper()
	x, _, said := plugins.Load(modeltest.Published(t, name), experiment.Options{Preset: preset, Sets: set})
	if x == nil {
		t.Fatal(said)
	}
	modules = map[string]*graph.Module{}
	for _, m := range x.Models {
		for path, module := range m.OwnNetworks() {
			full := name + " " + m.Name + "." + path
			names = append(names, full)
			modules[full] = module
		}
	}
	slices.Sort(names)
	return names, modules
}

// Every network of every spec, cut: what lies on chips and what is left, in testdata/specs.txt, and the network that is left with its
// circuits gives what the whole network does.
func TestSpecs(t *testing.T) {
	var w strings.Builder
	for _, x := range published(t) {
		names, modules := networks(t, x.name, x.preset, x.set)
		for _, name := range names {
			m := modules[name]
			vars := weights(m, x.gain)
			r, err := cut.Network("net", m, vars, cut.Options{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			n := 2
			if r.Operations > 5e6 { // the interpreter takes a second or so
				n = 1
			}
			active, decided := 0.0, false
			for seed := uint64(0); !decided && seed < 5; seed++ {
				active, decided = judge(t, m, r, vars, n, seed)
			}
			if !decided || active < 0.02 {
				t.Errorf("%s: judged: %v; a share of %.3f of its results is not 0", name, decided, active)
			}
			fmt.Fprintf(&w, "%s\n%s", name, said(r))
			dims, err := cut.Network("net", m, nil, cut.Options{})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d := cmp.Diff(outline(r), outline(dims)); d != "" {
				t.Errorf("%s: with and without weights:\n%s", name, d)
			}
		}
	}
	const file = "testdata/specs.txt"
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

// making is a network in the making: a builder with variables.
type making struct {
	*graph.Builder
	m     *graph.Module
	types map[string]graph.Type
}

// weight reads a new variable: 0.weight, 1.weight and so on.
func (b *making) weight(dims ...int) graph.Value {
	name := fmt.Sprintf("%d.weight", len(b.m.Variables))
	b.m.Variables = append(b.m.Variables, graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Init: graph.Init{Kind: "uniform", A: -1, B: 1}})
	b.types[name] = graph.Type{Dims: dims}
	return b.Op(graph.OpRead, graph.Attrs{"var": name})
}

// conv is a convolution that keeps the size of maps, and linear a matrix, [out, in].
func (b *making) conv(x, w graph.Value) graph.Value {
	return b.Op(graph.OpConv, graph.Attrs{"stride": 1, "pad": w.Type().Dims[2] / 2}, x, w)
}

func (b *making) linear(x, w graph.Value) graph.Value {
	return b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, w)
}

// fire is neurons, which spike steps times where what flows in has no steps.
func (b *making) fire(x graph.Value, steps int) graph.Value {
	attrs := graph.Attrs{}
	if x.Type().Steps == 0 {
		attrs["steps"] = steps
	}
	return b.Equation(graph.OpEquation, b.m.Equation("leaky"), attrs, x)[0]
}

// built is a network of spikes, [T4 N 2 4 4], that are put through what build makes of them and then through neurons.
func built(t *testing.T, build func(b *making, x graph.Value) graph.Value) *graph.Module {
	t.Helper()
	m, err := graph.Parse(equations)
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]graph.Type{}
	b := &making{graph.NewBuilder("eval", graph.ModuleEnv{Module: m, Types: types}), m, types}
	b.Output("y", b.fire(build(b, b.Input("x", graph.Spikes(4, 2, 4, 4))), 4))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	m.Functions = []*graph.Graph{g}
	return m
}

// What is put in another shape between two products is on the chip only where it is back in its own before the second one: the windows of
// that are over the maps that it sees.
func TestShapes(t *testing.T) {
	const refused = "it is put in another shape between two products"
	for _, first := range []string{"conv", "deconv", "mean"} {
		for _, x := range []struct {
			shapes [][]int // one after the other, before the second product
			want   string  // in what said says
		}{
			{nil, " [3 4 4] depth 1: conv from input x"},
			{[][]int{{32}, {2, 4, 4}}, " [3 4 4] depth 1: conv from input x"},
			{[][]int{{2, 2, 8}}, refused},
			{[][]int{{4, 4, 2}}, refused},
			{[][]int{{2, 2, 8}, {32}, {8, 2, 2}}, refused},
		} {
			m := built(t, func(b *making, v graph.Value) graph.Value {
				switch first {
				case "conv":
					v = b.conv(v, b.weight(2, 2, 3, 3))
				case "deconv":
					v = b.Op(graph.OpConvInput, graph.Attrs{"stride": 1, "pad": 1, "height": 4, "width": 4}, v, b.weight(2, 2, 3, 3))
				case "mean":
					v = b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(1), "count": 2}, b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(2), "count": 2}, v))
					v = b.Reduce("mean", b.Reshape(v, 2, 4, 2, 4, 2), 2, 4)
				}
				for _, dims := range x.shapes {
					v = b.Reshape(v, dims...)
				}
				return b.conv(v, b.weight(3, v.Type().Dims[0], 1, 1))
			})
			vars := exact(m)
			r, err := cut.Network("net", m, vars, cut.Options{})
			if err != nil {
				t.Errorf("%s, %v: %v", first, x.shapes, err)
				continue
			}
			if _, decided := judge(t, m, r, vars, 2, 0); !decided {
				t.Errorf("%s, %v: rounding may decide", first, x.shapes)
			}
			want := x.want
			if first == "deconv" {
				want = strings.Replace(want, "conv from", "deconv from", 1)
			}
			if !strings.Contains(said(r), want) {
				t.Errorf("%s, %v:\n%swant %s", first, x.shapes, said(r), want)
			}
		}
	}
}

// Circuits are in an order in which each takes nothing from a later one, also where neurons of an image, which spike at each step alike
// whatever the input's time steps are, come together with neurons of spikes.
func TestCircuitOrder(t *testing.T) {
	m := built(t, func(b *making, x graph.Value) graph.Value {
		one := b.fire(b.linear(b.Reshape(x, 32), b.weight(4, 32)), 4)
		image := b.fire(b.linear(b.Input("z", graph.Real(3)), b.weight(4, 3)), 4)
		return b.linear(b.Concat(0, one, image), b.weight(3, 8))
	})
	vars := exact(m)
	r, err := cut.Network("net", m, vars, cut.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Circuits) != 2 || len(r.Circuits[0].Populations) != 1 || len(r.Circuits[1].Populations) != 2 {
		t.Errorf("circuits\n%s", said(r))
	}
	if _, decided := judge(t, m, r, vars, 3, 0); !decided {
		t.Error("rounding may decide")
	}
}

// Neurons without a state that see an image spike at each step alike, so what they give through weights is a current that the host computes
// once. They interrupt no chip: what takes that current is in one circuit with what spikes beside it.
func TestSteadyNeurons(t *testing.T) {
	m := built(t, func(b *making, x graph.Value) graph.Value {
		steady := b.Equation(graph.OpEquation, b.m.Equation("step"), graph.Attrs{"steps": 4}, b.Input("z", graph.Real(2, 4, 4)))[0]
		spikes := b.fire(b.conv(x, b.weight(2, 2, 3, 3)), 4)
		return b.Add(b.conv(steady, b.weight(3, 2, 3, 3)), b.conv(spikes, b.weight(3, 2, 3, 3)))
	})
	vars := exact(m)
	r, err := cut.Network("net", m, vars, cut.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Circuits) != 1 || len(r.Circuits[0].Populations) != 2 {
		t.Errorf("circuits\n%s", said(r))
	}
	if active, decided := judge(t, m, r, vars, 3, 0); !decided || active == 0 {
		t.Errorf("decided: %v; a share of %v of its results is not 0", decided, active)
	}
}

// Each population says from which variables its weights are, however many they are and whatever it is called.
func TestWeights(t *testing.T) {
	for _, x := range []struct {
		name  string
		build func(b *making, x graph.Value) graph.Value
		want  map[string][]cut.Weight
	}{
		{"a sum of many", func(b *making, x graph.Value) graph.Value {
			y := b.conv(x, b.weight(2, 2, 3, 3))
			for range 4 {
				y = b.Add(y, b.conv(x, b.weight(2, 2, 3, 3)))
			}
			return b.Add(y, b.conv(x, b.weight(2, 2, 1, 1)))
		}, map[string][]cut.Weight{"5.conv+4.conv+4 more": {{"0.weight", 0}, {"1.weight", 0}, {"2.weight", 0}, {"3.weight", 0}, {"4.weight", 0}, {"5.weight", 1}}}},
		{"a product of two", func(b *making, x graph.Value) graph.Value {
			return b.conv(b.conv(x, b.weight(2, 2, 3, 3)), b.weight(3, 2, 1, 1))
		}, map[string][]cut.Weight{"0.conv+1.conv": {{"0.weight", 0}, {"1.weight", 0}}}},
		{"weights in another order, and a factor", func(b *making, x graph.Value) graph.Value {
			w := b.Reshape(b.Op(graph.OpTranspose, graph.Attrs{"axes": graph.Axes{1, 0}}, b.weight(18, 2)), 2, 2, 3, 3)
			return b.Mul(b.conv(x, w), b.weight(2))
		}, map[string][]cut.Weight{"0.conv": {{"0.weight", 0}}}},
		{"computed weights", func(b *making, x graph.Value) graph.Value {
			return b.conv(x, b.Op(graph.OpTanh, nil, b.weight(2, 2, 3, 3)))
		}, map[string][]cut.Weight{}},
	} {
		m := built(t, x.build)
		r, err := cut.Network("net", m, exact(m), cut.Options{})
		if err != nil || len(r.Circuits) != 1 {
			t.Errorf("%s: %v, %v", x.name, err, r)
			continue
		}
		if d := cmp.Diff(x.want, r.Weights); d != "" {
			t.Errorf("%s: %s", x.name, d)
		}
	}
}

// A population that takes nothing but what the host sends has no weights, although it is called by those of the host's product.
func TestWeightsOfDrive(t *testing.T) {
	m := built(t, func(b *making, x graph.Value) graph.Value {
		y := b.linear(b.Input("z", graph.Real(3)), b.weight(4, 3))
		return b.linear(b.fire(y, 4), b.weight(5, 4))
	})
	r, err := cut.Network("net", m, exact(m), cut.Options{})
	if err != nil || len(r.Circuits) != 1 || len(r.Circuits[0].Populations) != 2 {
		t.Fatalf("%v, %+v", err, r)
	}
	if d := cmp.Diff(map[string][]cut.Weight{"1.linear": {{"1.weight", 0}}}, r.Weights); d != "" || r.Circuits[0].Populations[0].Name != "0.linear" {
		t.Errorf("%s: %s", said(r), d)
	}
}

// A further result of a node that is repeated over time is the same one wherever it is taken.
func TestFurtherResult(t *testing.T) {
	m := built(t, func(b *making, x graph.Value) graph.Value {
		mean := b.Ops(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{1, 2}, "epsilon": 1e-5}, b.Input("z", graph.Real(2, 4, 4)))[1]
		drive := b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": 4}, mean)
		flat := b.Reshape(x, 32)
		one := b.fire(b.Add(b.linear(flat, b.weight(2, 32)), drive), 4)
		other := b.fire(b.Add(b.linear(flat, b.weight(2, 32)), b.Scale(drive, 2)), 4)
		return b.linear(b.Concat(0, one, other), b.weight(3, 4))
	})
	vars := exact(m)
	r, err := cut.Network("net", m, vars, cut.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if active, decided := judge(t, m, r, vars, 3, 0); active == 0 || !decided || len(r.Circuits) != 1 || len(r.Circuits[0].Populations) != 3 {
		t.Errorf("%v, %v: %s", active, decided, said(r))
	}
}

// What is the same at all time steps goes through each operator that sums of spikes go through, in each of the parts that are joined: as a
// bias where it follows from variables, and as a drive where it differs from example to example.
func TestConstants(t *testing.T) {
	type operator struct {
		name  string
		apply func(b *making, x graph.Value) graph.Value // of [T4 N 4 4 4]
	}
	factor := func(op graph.Op, dims ...int) operator {
		return operator{fmt.Sprintf("%s %v", op, dims), func(b *making, x graph.Value) graph.Value {
			y := b.weight(dims...)
			b.m.Variables[len(b.m.Variables)-1].Init = graph.Init{Kind: "constant", A: 1}
			return b.Op(op, nil, x, y)
		}}
	}
	for _, x := range []operator{
		{"none", func(b *making, x graph.Value) graph.Value { return x }},
		{"conv", func(b *making, x graph.Value) graph.Value { return b.conv(x, b.weight(3, 4, 1, 1)) }},
		{"matrix", func(b *making, x graph.Value) graph.Value { return b.linear(b.Reshape(x, 64), b.weight(5, 64)) }},
		{"reshape", func(b *making, x graph.Value) graph.Value { return b.Reshape(x, 16, 4) }},
		{"flat", func(b *making, x graph.Value) graph.Value { return b.Reshape(x, 64) }},
		{"slice", func(b *making, x graph.Value) graph.Value { return b.Slice(x, 0, 1, 2) }},
		{"slice of a slice", func(b *making, x graph.Value) graph.Value { return b.Slice(b.Slice(x, 0, 1, 3), 0, 1, 2) }},
		{"joined twice", func(b *making, x graph.Value) graph.Value {
			return b.Concat(0, b.Slice(x, 0, 1, 2), x)
		}},
		{"negative", func(b *making, x graph.Value) graph.Value { return b.Neg(b.Scale(x, -1)) }},
		{"stop", func(b *making, x graph.Value) graph.Value { return b.Stop(x) }},
		{"twice", func(b *making, x graph.Value) graph.Value { return b.Add(x, x) }},
		{"difference", func(b *making, x graph.Value) graph.Value { return b.Sub(b.Scale(x, 2), b.Reshape(x, 4, 4, 4)) }},
		{"less a bias", func(b *making, x graph.Value) graph.Value { return b.Sub(x, b.weight(4)) }},
		{"less a bias for each", func(b *making, x graph.Value) graph.Value { return b.Sub(x, b.weight(4, 4, 4)) }},
		{"bias less", func(b *making, x graph.Value) graph.Value { return b.Sub(b.weight(1, 4, 1), x) }},
		factor(graph.OpMul, 4), factor(graph.OpDiv, 4), factor(graph.OpMul, 1), factor(graph.OpDiv),
		{"rows", func(b *making, x graph.Value) graph.Value {
			return b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(1), "count": 2}, x)
		}},
		{"mean", func(b *making, x graph.Value) graph.Value {
			return b.conv(b.Reduce("mean", b.Reshape(x, 4, 2, 2, 2, 2), 2, 4), b.weight(2, 4, 1, 1))
		}},
		{"sum", func(b *making, x graph.Value) graph.Value { return b.Reduce("sum", b.Reshape(x, 4, 2, 2, 2, 2), 2, 4) }},
	} {
		silent := 0
		for _, where := range []string{"first", "second", "both"} {
			for _, kind := range []string{"bias", "bias for each", "drive", "drive for each", "spikes"} {
				m := built(t, func(b *making, v graph.Value) graph.Value {
					given := 0
					input := func(dims ...int) graph.Value {
						given++
						return b.Input(fmt.Sprintf("z%d", given), graph.Real(dims...))
					}
					constant := func() graph.Value {
						switch kind {
						case "bias":
							return b.weight(2)
						case "bias for each":
							return b.weight(2, 4, 4)
						case "drive":
							return b.linear(input(3), b.weight(2, 3))
						case "spikes": // of the host, that are the same at all time steps
							y := b.Op(graph.OpGreater, nil, input(2, 4, 4), b.Const(0.25))
							return b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.TimeAxis, "count": 4}, y)
						}
						return input(2, 4, 4)
					}
					part := func(here bool) graph.Value {
						y := b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, v)
						if here {
							return b.Add(y, constant())
						}
						return y
					}
					return x.apply(b, b.Concat(0, part(where != "second"), part(where != "first")))
				})
				vars := exact(m)
				r, err := cut.Network("net", m, vars, cut.Options{})
				if err != nil {
					t.Errorf("%s, %s of %s: %v", x.name, kind, where, err)
					continue
				}
				active, decided := judge(t, m, r, vars, 3, 0)
				if !decided || len(r.Circuits) == 0 {
					t.Errorf("%s, %s of %s: judged: %v: %s", x.name, kind, where, decided, said(r))
				}
				if active == 0 {
					silent++
				}
			}
		}
		if silent > 3 {
			t.Errorf("%s: %d of 15 networks never spike", x.name, silent)
		}
	}
}

// Numbers that are not finite, or beyond single precision when all is folded, are an error that says where they are.
func TestFinite(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	// A convolution, a factor, a convolution of its sums, a bias, all of them on one channel but for the first; and neurons behind neurons.
	m := built(t, func(b *making, x graph.Value) graph.Value {
		y := b.conv(b.Div(b.conv(x, b.weight(1, 2, 1, 1)), b.weight(1)), b.weight(1, 1, 1, 1))
		y = b.fire(b.Add(b.Mul(y, b.weight(1)), b.weight(1)), 4)
		return b.linear(b.Reshape(y, 16), b.weight(2, 16))
	})
	for _, x := range []struct {
		set  map[string]float32 // the first number of variables; all others are 0.5
		want string
	}{
		{nil, ""},
		{map[string]float32{"0.weight": 3e38, "2.weight": 0.25}, ""},
		{map[string]float32{"0.weight": nan}, "cut net: circuit net: variable 0.weight has NaN among its numbers, and chips take finite ones: its training has diverged"},
		{map[string]float32{"5.weight": -inf}, "cut net: circuit net: variable 5.weight has -Inf among its numbers, and chips take finite ones: its training has diverged"},
		{map[string]float32{"4.weight": inf}, "cut net: circuit net: variable 4.weight has +Inf among its numbers, and chips take finite ones: its training has diverged"},
		{map[string]float32{"0.weight": -3e38, "3.weight": 8}, "cut net: circuit net: layer 0.conv+2.conv: one of its weights is -1.2e+39 once all is folded into it, such as a batch norm, and chips take numbers up to 3.4e+38: train it with smaller ones"},
		{map[string]float32{"0.weight": 1e-30, "1.weight": 0}, "cut net: circuit net: layer 0.conv+2.conv: one of its weights is +Inf once all is folded into it, such as a batch norm, and chips take numbers up to 3.4e+38: train it with smaller ones"},
		{map[string]float32{"0.weight": 0, "1.weight": 0}, "cut net: circuit net: layer 0.conv+2.conv: one of its weights is no number once all is folded into it, such as a batch norm: look for factors that are 0 or infinite"},
	} {
		_, err := cut.Network("net", m, func(name string) []float32 {
			y := slices.Repeat([]float32{0.5}, m.Variable(name).Type.Size())
			if v, ok := x.set[name]; ok {
				y[0] = v
			}
			return y
		}, cut.Options{})
		if got := fmt.Sprint(err); got != x.want && (err != nil || x.want != "") {
			t.Errorf("%v: %s\nwant %s", x.set, got, x.want)
		}
	}
	// A parameter of a neuron is a variable like any other.
	b := &making{m: &graph.Module{Equations: m.Equations}, types: map[string]graph.Type{}}
	b.Builder = graph.NewBuilder("eval", graph.ModuleEnv{Module: b.m, Types: b.types})
	y := b.linear(b.Input("x", graph.Spikes(4, 3)), b.weight(2, 3))
	b.Output("y", b.Equation(graph.OpEquation, m.Equation("late"), nil, y, b.weight())[0])
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	b.m.Functions = []*graph.Graph{g}
	if _, err := cut.Network("net", b.m, func(name string) []float32 { return slices.Repeat([]float32{nan}, b.m.Variable(name).Type.Size()) }, cut.Options{}); err == nil || !strings.HasPrefix(err.Error(), "cut net: variable 1.weight has NaN") {
		t.Errorf("a threshold that is no number: %v", err)
	}
}

// said says in words what lies on chips and what is left.
func said(r *cut.Result) string {
	var w strings.Builder
	for _, c := range r.Circuits {
		fmt.Fprintf(&w, "  circuit %s, %d time steps\n", c.Name, c.Steps)
		for _, in := range c.Inputs {
			once := ""
			if in.Once {
				once = ", once"
			}
			fmt.Fprintf(&w, "    %s %v from %s%s\n", in.Kind, in.Dims, in.Name, once)
		}
		for _, p := range c.Populations {
			fmt.Fprintf(&w, "    %s %v depth %d:", p.Name, p.Dims, p.Depth)
			for _, s := range p.Synapses {
				from := ""
				if s.Population >= 0 {
					from = c.Populations[s.Population].Name
				} else {
					from = "input " + c.Inputs[s.Input].Name
				}
				fmt.Fprintf(&w, " %s from %s", s.Kind, from)
				if s.Delay > 0 {
					fmt.Fprintf(&w, " delay %d", s.Delay)
				}
				fmt.Fprint(&w, ",")
			}
			for _, k := range p.Drive {
				fmt.Fprintf(&w, " drive %s,", c.Inputs[k].Name)
			}
			if p.Bias != nil {
				fmt.Fprint(&w, " biased,")
			}
			if p.Reads {
				fmt.Fprintf(&w, " read out,")
			} else if p.Gives {
				fmt.Fprintf(&w, " read,")
			}
			w.WriteString("\n")
		}
	}
	sum := 0
	for _, l := range r.Host {
		fmt.Fprintf(&w, "  host %s (%s), %d operations: %s\n", l.Name, l.Kind, l.Operations*l.Steps, l.Reason)
		sum += l.Operations * l.Steps
	}
	fmt.Fprintf(&w, "  the host has %d of %d operations\n", sum, r.Operations)
	return strings.ReplaceAll(w.String(), ",\n", "\n")
}

// outline is what a cut without weights has too.
func outline(r *cut.Result) string {
	var w strings.Builder
	for _, c := range r.Circuits {
		for _, p := range c.Populations {
			biased := p.Bias != nil
			p.Bias, p.Synapses = nil, slices.Clone(p.Synapses)
			for k := range p.Synapses {
				p.Synapses[k].Weights.Offset = 0
			}
			p.Dynamics = schema.Dynamics{Reads: p.Reads} // of trained parameters
			fmt.Fprintf(&w, "%+v %v\n", p, biased)
		}
		fmt.Fprintf(&w, "%+v\n", c.Inputs)
	}
	return w.String() + r.Module.Print() + fmt.Sprint(r.Host, r.Operations)
}
