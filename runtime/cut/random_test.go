package cut_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/graph"
)

// equations are neurons and read-outs of random networks, most of which a chip has.
const equations = `graph 1
equation "echo" {
  input x
  emit %x
}
equation "step" spikes {
  input x
  %0 = constant value=0.25
  %1 = spike %x %0 %0
  emit %1
}
equation "leaky" spikes {
  input x
  state v = 0.0
  %0 = sub %x %v
  %1 = constant value=2.0
  %2 = div %0 %1
  %3 = add %v %2
  %4 = constant value=0.3
  %5 = spike %3 %4 %4
  %6 = cast %5 dtype="f32"
  %7 = constant value=1.0
  %8 = sub %7 %6
  %9 = mul %8 %3
  emit %5
  next v %9
}
equation "later" spikes {
  input x
  state v = 0.125
  state s = 0.0
  %0 = constant value=0.75
  %1 = mul %v %0
  %2 = constant value=1.0
  %3 = sub %2 %s
  %4 = mul %1 %3
  %5 = add %4 %x
  %6 = constant value=0.4
  %7 = spike %5 %6 %6 strict=true
  %8 = cast %7 dtype="f32"
  emit %7
  next v %5
  next s %8
}
equation "late" spikes {
  input x
  param theta
  state v = 0.0
  %0 = spike %v %theta %v
  %1 = add %v %x
  %2 = cast %0 dtype="f32"
  %3 = mul %2 %theta
  %4 = sub %1 %3
  emit %0
  next v %4
}
equation "current" spikes {
  input x
  state i = 0.0
  state v = 0.0
  %0 = constant value=0.5
  %1 = mul %i %0
  %2 = add %1 %x
  %3 = mul %v %0
  %4 = add %3 %2
  %5 = spike %4 %0 %0
  %6 = where %5 %x %x
  %7 = cast %5 dtype="f32"
  %8 = mul %7 %0
  %9 = sub %4 %8
  emit %5
  next i %2
  next v %9
}
equation "odd" spikes {
  input x
  state v = 0.0
  %0 = mul %x %x
  %1 = add %0 %v
  %2 = constant value=0.5
  %3 = spike %1 %2 %2
  %4 = constant value=0.25
  %5 = mul %1 %4
  emit %3
  next v %5
}
equation "mean" {
  input x
  state sum = 0.0
  %0 = add %sum %x
  %1 = steps
  %2 = div %0 %1
  emit %2
  next sum %0
}
equation "leak" {
  input x
  state v = 0.5
  %0 = constant value=0.75
  %1 = mul %0 %v
  %2 = add %1 %x
  %3 = constant value=1.0
  %4 = add %2 %3
  emit %4
  next v %2
}
`

// drawn builds a random network: of three inputs, spikes, an image and a vector, by moves that take values so far.
func drawn(t *rapid.T, free bool) *graph.Module {
	m, err := graph.Parse(equations)
	if err != nil {
		t.Fatal(err)
	}
	const steps = 4
	types := map[string]graph.Type{}
	b := graph.NewBuilder("eval", graph.ModuleEnv{Module: m, Types: types})
	variable := func(kind string, a, c float64, dims ...int) graph.Value {
		name := fmt.Sprintf("%d.weight", len(m.Variables))
		m.Variables = append(m.Variables, graph.Variable{Name: name, Type: graph.Type{Dims: dims}, Init: graph.Init{Kind: kind, A: a, B: c}})
		types[name] = graph.Type{Dims: dims}
		return b.Op(graph.OpRead, graph.Attrs{"var": name})
	}
	weight := func(fan int, dims ...int) graph.Value {
		return variable("uniform", -3/float64(fan+2), 3/float64(fan+2), dims...)
	}
	bits := []graph.Value{b.Input("s", graph.Spikes(steps, 2, 4, 4))}
	image, vector := b.Input("x", graph.Real(2, 4, 4)), b.Input("z", graph.Real(5))
	reals := []graph.Value{b.Equation(graph.OpEquation, m.Equation("echo"), graph.Attrs{"steps": steps}, image)[0]}
	if free {
		reals = []graph.Value{b.Op(graph.OpCast, graph.Attrs{"dtype": "f32"}, bits[0])}
	}
	pick := func(name string, from []graph.Value) graph.Value {
		return from[len(from)-1-rapid.IntRange(0, min(len(from), 4)-1).Draw(t, name)]
	}
	small := func(v graph.Value) bool { return v.Type().Size() <= 160 }
	number := func(low, high int, name string) int { return rapid.IntRange(low, high).Draw(t, name) }
	for range number(6, 22, "moves") {
		s, r := pick("spikes", bits), pick("real", reals)
		x := s
		move := rapid.SampledFrom([]string{"conv", "conv", "conv", "point", "wide", "deconv", "linear", "linear", "neuron", "neuron", "neuron", "norm", "norm", "bias", "drive", "add", "spikes", "join", "fuse",
			"part", "flat", "shape", "large", "pool", "mean", "mean", "scale", "negative", "host", "blend"}).Draw(t, "move")
		maps := func(v graph.Value) bool {
			return len(v.Type().Dims) == 3 && min(v.Type().Dims[1], v.Type().Dims[2]) >= 2
		}
		switch move {
		case "conv":
			if maps(s) {
				out, k := number(1, 3, "channels"), number(1, 3, "kernel")
				x = b.Op(graph.OpConv, graph.Attrs{"stride": number(1, 2, "stride"), "pad": k / 2}, s, weight(s.Type().Dims[0]*k*k, out, s.Type().Dims[0], k, k))
			}
		case "point":
			if x = r; maps(r) {
				x = b.Op(graph.OpConv, graph.Attrs{"stride": number(1, 2, "stride"), "pad": 0}, r, weight(r.Type().Dims[0], number(1, 3, "channels"), r.Type().Dims[0], 1, 1))
			}
		case "wide": // of means, mostly: what else is no spikes takes no windows
			if x = r; maps(r) && small(r) {
				k := number(2, 3, "kernel")
				x = b.Op(graph.OpConv, graph.Attrs{"stride": number(1, 2, "stride"), "pad": 1}, r, weight(r.Type().Dims[0]*k*k, number(1, 3, "channels"), r.Type().Dims[0], k, k))
			}
		case "deconv":
			if maps(s) && small(s) {
				d := s.Type().Dims
				x = b.Op(graph.OpConvInput, graph.Attrs{"stride": 2, "pad": 1, "height": 2*d[1] - 1, "width": 2*d[2] - 1}, s, weight(d[0]*2, d[0], number(1, 3, "channels"), 3, 3))
			}
		case "linear":
			if x = s; number(0, 4, "of reals") == 0 {
				x = r
			}
			n := x.Type().Size()
			if x = b.Reshape(x, n); number(0, 1, "transposed") == 0 {
				x = b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, x, weight(n, number(2, 8, "out"), n))
			} else {
				x = b.Op(graph.OpMatmul, nil, x, weight(n, n, number(2, 8, "out")))
			}
		case "neuron":
			kind := rapid.SampledFrom([]string{"leaky", "leaky", "later", "late", "current", "step", "odd"}).Draw(t, "neuron")
			in := []graph.Value{r}
			if kind == "late" {
				in = append(in, variable("constant", 1, 0))
			}
			x = b.Equation(graph.OpEquation, m.Equation(kind), nil, in...)[0]
		case "norm":
			c := r.Type().Dims[0]
			x = b.Add(b.Mul(b.Sub(r, variable("constant", 0, 0, c)), b.Div(variable("constant", 1, 0, c), b.Op(graph.OpSqrt, nil, variable("constant", 1, 0, c)))), variable("constant", 0, 0, c))
		case "bias":
			x = b.Add(r, variable("constant", 0, 0, r.Type().Dims...))
		case "drive":
			d := r.Type().Dims
			x = b.Add(r, b.Op(graph.OpMatmul, graph.Attrs{"transpose": true}, vector, weight(5, d[0], 5)))
		case "add":
			if y := pick("other", reals); y.Type().Equal(r.Type()) {
				x = b.Op(rapid.SampledFrom([]graph.Op{graph.OpAdd, graph.OpSub}).Draw(t, "op"), nil, r, y)
			}
		case "spikes":
			if slices.Equal(s.Type().Dims, r.Type().Dims) {
				x = b.Add(s, r)
			}
		case "join":
			if y := pick("other", reals); slices.Equal(y.Type().Dims[1:], r.Type().Dims[1:]) && small(r) && small(y) {
				x = b.Concat(0, r, y)
			}
		case "fuse":
			if y := pick("other", bits); slices.Equal(y.Type().Dims[1:], s.Type().Dims[1:]) && small(s) && small(y) {
				x = b.Concat(0, s, y)
			}
		case "part":
			if number(0, 1, "of reals") == 0 {
				s = r
			}
			if n := s.Type().Dims[0]; n > 1 {
				lo := number(0, n-1, "from")
				x = b.Slice(s, 0, lo, number(1, n-lo, "length"))
			}
		case "flat":
			if number(0, 1, "of reals") == 0 {
				s = r
			}
			x = b.Reshape(s, s.Type().Size())
		case "shape":
			if number(0, 1, "of reals") == 0 {
				s = r
			}
			if x = s; maps(s) {
				d := s.Type().Dims
				shapes := [][]int{{d[1], d[2], d[0]}, {d[2], d[0], d[1]}, {d[0] * d[1], 1, d[2]}, {1, d[0] * d[1], d[2]}, {d[0], d[2], d[1]}}
				if d[1]%2 == 0 {
					shapes = append(shapes, []int{2 * d[0], d[1] / 2, d[2]}, []int{d[0], d[1] / 2, 2 * d[2]})
				}
				x = b.Reshape(s, rapid.SampledFrom(shapes).Draw(t, "dims")...)
			}
		case "large":
			if maps(s) && small(s) {
				x = b.Op(graph.OpRepeat, graph.Attrs{"axis": graph.Axis(number(1, 2, "axis")), "count": 2}, s)
			}
		case "pool":
			if maps(s) {
				x = b.Op(graph.OpMaxPool, graph.Attrs{"kernel": 2, "stride": number(1, 2, "stride")}, s)
			}
		case "mean":
			if d := s.Type().Dims; maps(s) && d[1]%2 == 0 && d[2]%2 == 0 {
				x = b.Reduce("mean", b.Reshape(s, d[0], d[1]/2, 2, d[2]/2, 2), 2, 4)
				switch e := x.Type().Dims; number(0, 3, "behind the mean") {
				case 0:
					if min(e[1], e[2]) > 1 {
						x = b.Op(graph.OpConv, graph.Attrs{"stride": 1, "pad": 1}, x, weight(e[0]*9, 2, e[0], 3, 3))
					}
				case 1:
					x = b.Slice(x, 0, e[0]/2, e[0]-e[0]/2)
				}
			}
		case "scale":
			x = rapid.SampledFrom([]graph.Value{b.Scale(r, 1.5), b.Div(r, b.Const(2)), b.Mul(b.Const(0.75), r), b.Mul(r, variable("constant", 1, 0, r.Type().Dims...)), b.Mul(s, variable("constant", 1, 0, s.Type().Dims[0]))}).Draw(t, "factor")
		case "negative":
			x = b.Neg(r)
		case "host": // what no chip does
			x = b.Op(graph.OpGreater, nil, b.Op(graph.OpTanh, nil, b.Add(r, b.Const(0.01))), b.Const(0.2))
		case "blend":
			x = b.Mul(r, b.Op(graph.OpMin, nil, r, b.Const(0.5)))
		}
		switch {
		case b.Err() != nil:
			t.Fatal(b.Err())
		case x.Type().DType == graph.Bit:
			bits = append(bits, x)
		default:
			reals = append(reals, x)
		}
	}
	b.Output("spikes", bits[len(bits)-1])
	b.Output("others", pick("others", bits))
	read := "leak"
	if !free && number(0, 1, "mean") == 0 {
		read = "mean"
	}
	b.Output("read", b.Equation(graph.OpEquation, m.Equation(read), graph.Attrs{"last": true}, reals[len(reals)-1])[0])
	b.Output("sum", pick("sum", reals))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	g.FreeSteps = free
	m.Functions = []*graph.Graph{g}
	return m
}

// Random networks, cut and cut again without some of the populations, and in free-steps form run at another number of time steps. Their
// numbers are such that sums are exact, so rounding decides nothing.
func TestRandom(t *testing.T) {
	populations, levels, again := 0, 0, 0
	judged, open := map[string]int{}, map[string]int{}
	property := func(t *rapid.T) {
		free := rapid.Bool().Draw(t, "free")
		m := drawn(t, free)
		vars := exact(m)
		r, err := cut.Network("net", m, vars, cut.Options{})
		if err != nil {
			t.Fatal(err)
		}
		compare := func(what string, m *graph.Module, r *cut.Result) {
			judged[what]++
			if _, decided := judge(t, m, r, vars, 2, 0); !decided {
				open[what]++
			}
		}
		compare("whole", m, r)
		dims, err := cut.Network("net", m, nil, cut.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := outline(r), outline(dims); a != b {
			t.Fatalf("with and without weights:\n%s\n%s", a, b)
		}
		levels = max(levels, len(r.Circuits))
		var names []string
		for _, c := range r.Circuits {
			for _, p := range c.Populations {
				names = append(names, p.Name)
				populations++
			}
		}
		if len(names) > 0 {
			refused := rapid.SliceOfDistinct(rapid.SampledFrom(names), func(s string) string { return s }).Draw(t, "refused")
			without, err := cut.Network("net", m, vars, cut.Options{Allowed: func(p string) bool { return !slices.Contains(refused, p) }})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range without.Circuits {
				for _, p := range c.Populations {
					if slices.Contains(refused, p.Name) {
						t.Fatalf("%s is on the chip and was refused", p.Name)
					}
				}
			}
			if again++; len(refused) > 0 {
				compare("without some", m, without)
			}
		}
		if free {
			long := *m
			long.Functions = []*graph.Graph{at(t, m, m.Functions[0], 6)}
			other := *r
			module := *r.Module
			module.Functions = []*graph.Graph{at(t, &module, r.Module.Functions[0], 6)}
			other.Module = &module
			compare("at other steps", &long, &other)
			at6, err := cut.Network("net", &long, vars, cut.Options{})
			if err != nil {
				t.Fatal(err)
			}
			host := slices.Clone(r.Host)
			for i := range host {
				if l := &host[i]; l.Free {
					l.Steps, l.Free = 6, false
				}
			}
			if !slices.Equal(host, at6.Host) {
				t.Fatalf("the host has %+v at 6 steps, where it should have %+v", at6.Host, host)
			}
		}
	}
	for k := 0; k == 0 || k < 5 && (levels < 2 || again == 0); k++ { // a hundred draws have circuits of two levels but for one time in a hundred
		rapid.Check(t, property)
	}
	for _, what := range []string{"whole", "without some", "at other steps"} {
		if t.Logf("%s: %d judged, %d of them open", what, judged[what], open[what]); 20*open[what] > judged[what] || judged[what] == 0 {
			t.Errorf("%s: rounding may decide %d of %d", what, open[what], judged[what])
		}
	}
	if populations == 0 || levels < 2 || again == 0 {
		t.Errorf("%d populations, at most %d circuits, %d cut again", populations, levels, again)
	}
}

// at is a function that works at any number of time steps at so many.
func at(t failer, m *graph.Module, g *graph.Graph, steps int) *graph.Graph {
	b := graph.NewBuilder(g.Name, graph.ModuleEnv{Module: m})
	var in []graph.Value
	for _, n := range g.Inputs {
		ty := n.Out[0]
		if ty.Steps > 0 {
			ty.Steps = steps
		}
		in = append(in, b.Input(n.Text("name"), ty))
	}
	for i, v := range b.Inline(g, in, nil) {
		b.Output(g.Outputs[i].Name, v)
	}
	out, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return out
}
