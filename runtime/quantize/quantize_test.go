package quantize

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

const module = `graph 1

variable "1.weight" f32[4 2 3 3] parameter uniform(-1.0, 1.0)
variable "1.bias" f32[4] parameter uniform(-1.0, 1.0)
variable "2.weight" f32[4] parameter constant(1.0, 0.0)
variable "2.bias" f32[4] parameter constant(0.0, 0.0)
variable "2.running_mean" f32[4] state constant(0.0, 0.0)
variable "2.running_var" f32[4] state constant(1.0, 0.0)
variable "3.weight" f32[4 3 2 2] parameter uniform(-1.0, 1.0)
variable "4.weight" f32[5 192] parameter uniform(-1.0, 1.0)

function train(x: bit[T2 N 2 4 4]) {
  %0 = read var="1.weight" : f32[4 2 3 3]
  %1 = conv %x %0 pad=1 stride=1 : f32[T2 N 4 4 4]
  %2 = read var="1.bias" : f32[4]
  %3 = add %1 %2 : f32[T2 N 4 4 4]
  %4 = normalise %3 axes=[t n 1 2] epsilon=1e-05 : f32[T2 N 4 4 4] f32[4] f32[4]
  %5 = read var="2.weight" : f32[4]
  %6 = mul %4.0 %5 : f32[T2 N 4 4 4]
  %7 = read var="3.weight" : f32[4 3 2 2]
  %8 = conv-input-gradient %6 %7 height=8 pad=0 stride=2 width=8 : f32[T2 N 3 8 8]
  %9 = reshape %8 dims=[192] : f32[T2 N 192]
  %10 = read var="4.weight" : f32[5 192]
  %11 = matmul %9 %10 transpose=true : f32[T2 N 5]
  assign %4.1 var="2.running_mean"
  return y = %11
}
`

// whole draws a value of each variable.
func variables(m *graph.Module, r *rand.Rand) map[string]interp.Value {
	out := map[string]interp.Value{}
	for _, v := range m.Variables {
		x := interp.NewValue(v.Type, 1)
		for i := range x.Data {
			x.Data[i] = r.NormFloat64()
			if strings.HasSuffix(v.Name, varOf) {
				x.Data[i] = 0.1 + r.Float64()
			}
		}
		out[v.Name] = x
	}
	return out
}

// read computes the weight that the product of a variable takes.
func read(t *testing.T, m *graph.Module, name string, vars map[string]interp.Value) []float64 {
	t.Helper()
	for _, n := range m.Functions[0].Nodes {
		switch n.Op {
		case graph.OpMatmul, graph.OpConv, graph.OpConvInput:
		default:
			continue
		}
		if len(n.In[1].Node.In) > 0 && n.In[1].Node.In[0].Node.Text("var") == name {
			g := m.Functions[0].Clone()
			g.Outputs = []graph.Output{{Name: "w", Value: graph.Value{Node: g.Nodes[n.In[1].Node.Index()]}}}
			g.Prune()
			for _, in := range g.Inputs {
				in.Out[0].Batch = true
			}
			res, err := interp.Run(g, &interp.Env{N: 1, Variables: vars, Inputs: map[string]interp.Value{"x": interp.NewValue(g.Inputs[0].Out[0], 1)}})
			if err != nil {
				t.Fatal(err)
			}
			return res.Outputs["w"].Data
		}
	}
	t.Fatalf("no product takes a rounded %s", name)
	return nil
}

// Each weight lies on the grid of its layer or channel, next to what it was, with the batch norm folded in; the gradient goes through; what has no grid stays.
func TestWeights(t *testing.T) {
	m, err := graph.Parse(module)
	if err != nil {
		t.Fatal(err)
	}
	layer, channels := &schema.Grid{Low: -127, High: 127}, &schema.Grid{Low: -8, High: 7, Channel: true}
	grids := map[string]*schema.Grid{"1.weight": layer, "3.weight": channels}
	q, err := Weights(m, func(name string) Rule { return Rule{Grid: grids[name]} })
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	vars := variables(m, r)
	vars["2.weight"].Data[3] = 0 // a channel that the norm takes away
	if g := q.Functions[0].Nodes; len(g) <= len(m.Functions[0].Nodes) || !strings.Contains(q.Print(), `matmul`) {
		t.Fatal("nothing is rounded")
	}
	if m.Print() != strings.TrimLeft(module, "\n") {
		t.Error("the module itself has changed")
	}

	// One scale for the layer, of what the norm leaves of the weights.
	w, got := vars["1.weight"].Data, read(t, q, "1.weight", vars)
	factor := make([]float64, 4)
	largest := 0.0
	for c := range factor {
		factor[c] = vars["2.weight"].Data[c] / math.Sqrt(vars["2.running_var"].Data[c]+1e-5)
		for _, x := range w[c*18:][:18] {
			largest = max(largest, math.Abs(x*factor[c]))
		}
	}
	for i, x := range w {
		f := factor[i/18]
		want := x
		if f != 0 {
			want = math.RoundToEven(x*f/largest*127) * largest / 127 / f
		}
		if math.Abs(got[i]-want) > 1e-9 {
			t.Fatalf("1.weight[%d] = %v becomes %v, want %v", i, x, got[i], want)
		}
	}

	// A scale for each channel, which is the second dim of a transposed convolution's weight.
	w, got = vars["3.weight"].Data, read(t, q, "3.weight", vars)
	for c := range 3 {
		largest := 0.0
		for i := range w {
			if i/4%3 == c {
				largest = max(largest, math.Abs(w[i]))
			}
		}
		for i, x := range w {
			if i/4%3 != c {
				continue
			}
			code := math.Min(math.Max(math.RoundToEven(x/largest*8), -8), 7)
			if want := code * largest / 8; math.Abs(got[i]-want) > 1e-9 {
				t.Fatalf("3.weight[%d] = %v becomes %v, want %v", i, x, got[i], want)
			}
		}
	}

	// 4.weight has no grid.
	for _, n := range q.Functions[0].Nodes {
		if n.Op == graph.OpMatmul && n.In[1].Node.Op != graph.OpRead {
			t.Error("a weight without a grid is rounded")
		}
	}
}

// A negative factor of the norm turns the weights of its channel round, and so their grid. One that is mirrored has the largest weight on
// its longer side, and a scale that is shared is that of the largest weight of all products, with their norms.
func TestSigns(t *testing.T) {
	m, err := graph.Parse(module)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []schema.Grid{
		{Low: -8, High: 7, Channel: true},
		{Low: -8, High: 7, Channel: true, Mirrored: true},
		{Low: -1, High: 2, Channel: true, Mirrored: true},
		{Low: 0, High: 1, Channel: true, Mirrored: true},
		{Low: -4, High: 3, Channel: true, Mirrored: true, Shared: true},
		{Low: -7, High: 7, Shared: true},
	} {
		with := []string{"1.weight", "3.weight"}
		if g.Channel { // of as many channels; both are read by each function
			with = []string{"1.weight", "5.weight"}
		}
		m := m
		if g.Channel {
			if m, err = graph.Parse(strings.NewReplacer("f32[4 3 2 2]", "f32[4 4 2 2]", "3.weight", "5.weight", "N 3 8 8", "N 4 8 8", "192", "256").Replace(module)); err != nil {
				t.Fatal(err)
			}
		}
		q, err := Weights(m, func(name string) Rule { return Rule{&g, with} })
		if err != nil {
			t.Fatal(err)
		}
		vars := variables(m, rand.New(rand.NewPCG(5, 6)))
		vars["2.weight"].Data[1], vars["2.weight"].Data[2] = -0.5, 2
		factor := make([]float64, 4)
		for c := range factor {
			factor[c] = vars["2.weight"].Data[c] / math.Sqrt(vars["2.running_var"].Data[c]+1e-5)
		}
		// channel and folded weight of element i of the two.
		element := func(name string, i int) (channel int, v float64) {
			if v = vars[name].Data[i]; name == "1.weight" {
				return i / 18, v * factor[i/18]
			}
			return i / 4 % vars[name].Type.Dims[1], v
		}
		scales := func(names ...string) map[int]float64 { // by channel, 0 of all
			up, down := map[int]float64{}, map[int]float64{}
			for _, name := range names {
				for i := range vars[name].Data {
					c, v := element(name, i)
					if !g.Channel {
						c = 0
					}
					up[c], down[c] = max(up[c], v), max(down[c], -v)
				}
			}
			out := map[int]float64{}
			for c := range up {
				out[c] = max(up[c], down[c]) / float64(max(-g.Low, g.High))
				if g.Mirrored && (-g.Low > g.High) != (down[c] >= up[c]) {
					out[c] = -out[c]
				}
			}
			return out
		}
		for _, name := range with {
			unit := scales(name)
			if g.Shared {
				unit = scales(with...)
			}
			for i, x := range read(t, q, name, vars) {
				c, v := element(name, i)
				f := 1.0
				if name == "1.weight" {
					f = factor[c]
				}
				if !g.Channel {
					c = 0
				}
				want := math.Min(math.Max(math.RoundToEven(v/unit[c]), float64(g.Low)), float64(g.High)) * unit[c] / f
				if math.Abs(x-want) > 1e-9 {
					t.Fatalf("%+v: %s[%d] becomes %v, want %v", g, name, i, x, want)
				}
			}
		}
	}
}

// Weights whose numbers a product takes in another order are rounded in that order, with the product's channels, also where another's
// scale is theirs.
func TestOrder(t *testing.T) {
	m, err := graph.Parse(`graph 1

variable "1.weight" f32[3 2] parameter uniform(-1.0, 1.0)
variable "2.weight" f32[2 3] parameter uniform(-1.0, 1.0)

function eval(x: f32[N 3]) {
  %0 = read var="1.weight" : f32[3 2]
  %1 = transpose %0 axes=[1 0] : f32[2 3]
  %2 = matmul %x %1 transpose=true : f32[N 2]
  %3 = read var="2.weight" : f32[2 3]
  %4 = matmul %x %3 transpose=true : f32[N 2]
  return y = %2, z = %4
}
`)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Weights(m, func(name string) Rule {
		return map[string]Rule{"1.weight": {Grid: &schema.Grid{Low: -2, High: 2, Channel: true}}, "2.weight": {Grid: &schema.Grid{Low: -2, High: 2, Channel: true, Shared: true}, With: []string{"1.weight", "2.weight"}}}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	w := interp.NewValue(graph.Type{Dims: []int{3, 2}}, 1)
	copy(w.Data, []float64{1, 8, 0.4, -3, -0.7, 1})
	v := interp.NewValue(graph.Type{Dims: []int{2, 3}}, 1)
	copy(v.Data, []float64{0.3, 0.3, 0.3, -5, 0.3, 3})
	x := interp.NewValue(graph.Real(3), 3)
	copy(x.Data, []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
	res, err := interp.Run(q.Function("eval"), &interp.Env{N: 3, Inputs: map[string]interp.Value{"x": x}, Variables: map[string]interp.Value{"1.weight": w, "2.weight": v}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := res.Outputs["y"].Data, []float64{1, 8, 0.5, -4, -0.5, 0}; !slices.Equal(got, want) {
		t.Errorf("weights %v, want %v", got, want)
	}
	// The scale that is shared is by channel: 1 and 8, of the other's.
	if got, want := res.Outputs["z"].Data, []float64{0.5, -4, 0.5, 0, 0.5, 4}; !slices.Equal(got, want) {
		t.Errorf("weights beside them %v, want %v", got, want)
	}
}

// The derivative by a weight is that by its rounded value: that of a sum over a matrix product is the same sum of inputs.
func TestStraightThrough(t *testing.T) {
	m, err := graph.Parse("graph 1\n\nvariable \"1.weight\" f32[3 4] parameter uniform(-1.0, 1.0)\n\nfunction eval(x: f32[N 4]) {\n  %0 = read var=\"1.weight\" : f32[3 4]\n  %1 = matmul %x %0 transpose=true : f32[N 3]\n  return y = %1\n}\n")
	if err != nil {
		t.Fatal(err)
	}
	q, err := Weights(m, func(string) Rule { return Rule{Grid: &schema.Grid{Low: -1, High: 1, Channel: true}} })
	if err != nil {
		t.Fatal(err)
	}
	gradient := func(m *graph.Module, vars map[string]interp.Value) []float64 {
		f := m.Function("eval")
		b := graph.NewBuilder("grad", graph.ModuleEnv{Module: m})
		x := b.Input("x", f.Inputs[0].Out[0])
		y := b.Inline(f, []graph.Value{x}, nil)
		var w graph.Value
		for _, n := range b.Graph().Nodes {
			if n.Op == graph.OpRead {
				w = graph.Value{Node: n}
			}
		}
		loss := b.Reduce("sum", y[0], graph.AllAxes(y[0].Type())...)
		b.Output("g", graph.Gradient(b, loss, []graph.Value{w})[0])
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		in := interp.NewValue(x.Type(), 2)
		for i := range in.Data {
			in.Data[i] = float64(i + 1)
		}
		res, err := interp.Run(g, &interp.Env{N: 2, Inputs: map[string]interp.Value{"x": in}, Variables: vars})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs["g"].Data
	}
	vars := variables(m, rand.New(rand.NewPCG(3, 4)))
	plain, through := gradient(m, vars), gradient(q, vars)
	for i := range plain {
		if plain[i] != through[i] || plain[i] == 0 {
			t.Errorf("gradient %d: %v through the rounding, %v without", i, through[i], plain[i])
		}
	}
}

// The norm behind a sum is folded into the weights of each product of it, wherever a bias is added: all of them are rounded on the grid of
// what the chip gets.
func TestSum(t *testing.T) {
	for what, sum := range map[string]string{
		"products, then the bias": `  %5 = add %1 %3 : f32[T2 N 4 4 4]
  %6 = add %5 %4 : f32[T2 N 4 4 4]`,
		"the bias first": `  %5 = add %4 %1 : f32[T2 N 4 4 4]
  %6 = add %3 %5 : f32[T2 N 4 4 4]`,
		"a product, then a sum": `  %5 = add %3 %4 : f32[T2 N 4 4 4]
  %6 = add %1 %5 : f32[T2 N 4 4 4]`,
	} {
		text := `graph 1

variable "1.weight" f32[4 2 3 3] parameter uniform(-1.0, 1.0)
variable "1.bias" f32[4] parameter uniform(-1.0, 1.0)
variable "2.weight" f32[4] parameter constant(1.0, 0.0)
variable "2.running_mean" f32[4] state constant(0.0, 0.0)
variable "2.running_var" f32[4] state constant(1.0, 0.0)
variable "3.weight" f32[4 2 3 3] parameter uniform(-1.0, 1.0)

function train(x: bit[T2 N 2 4 4]) {
  %0 = read var="1.weight" : f32[4 2 3 3]
  %1 = conv %x %0 pad=1 stride=1 : f32[T2 N 4 4 4]
  %2 = read var="3.weight" : f32[4 2 3 3]
  %3 = conv %x %2 pad=1 stride=1 : f32[T2 N 4 4 4]
  %4 = read var="1.bias" : f32[4]
` + sum + `
  %7 = normalise %6 axes=[t n 1 2] epsilon=1e-05 : f32[T2 N 4 4 4] f32[4] f32[4]
  %8 = read var="2.weight" : f32[4]
  %9 = mul %7.0 %8 : f32[T2 N 4 4 4]
  return y = %9
}
`
		m, err := graph.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range []schema.Grid{{Low: -7, High: 7, Channel: true}, {Low: -7, High: 7, Channel: true, Shared: true}, {Low: -7, High: 7, Shared: true}} {
			names := []string{"1.weight", "3.weight"}
			q, err := Weights(m, func(string) Rule { return Rule{&g, names} })
			if err != nil {
				t.Fatal(err)
			}
			vars := variables(m, rand.New(rand.NewPCG(7, 8)))
			folded, largest := map[string][]float64{}, map[string][]float64{}
			factor := func(i int) float64 {
				return vars["2.weight"].Data[i/18] / math.Sqrt(vars["2.running_var"].Data[i/18]+1e-5)
			}
			for _, name := range names {
				largest[name] = make([]float64, 4)
				for i, x := range vars[name].Data {
					folded[name] = append(folded[name], x*factor(i))
					largest[name][i/18] = max(largest[name][i/18], math.Abs(folded[name][i]))
				}
				if !g.Channel {
					most := slices.Max(largest[name])
					largest[name] = slices.Repeat([]float64{most}, 4)
				}
			}
			if g.Shared {
				for c := range 4 {
					most := max(largest[names[0]][c], largest[names[1]][c])
					largest[names[0]][c], largest[names[1]][c] = most, most
				}
			}
			for _, name := range names {
				for i, x := range read(t, q, name, vars) {
					unit := largest[name][i/18] / 7
					if want := math.RoundToEven(folded[name][i]/unit) * unit / factor(i); math.Abs(x-want) > 1e-9 {
						t.Fatalf("%s, %+v: %s[%d] becomes %v, want %v", what, g, name, i, x, want)
					}
				}
			}
		}
	}
}
