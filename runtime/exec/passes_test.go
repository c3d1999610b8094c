package exec_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
)

// TestPasses: the graphs on which runtime/plan/pass shows what passes do, with their derivatives, compute what the interpreter
// does, which knows no pass. They are small: no result sums more than a few hundred products, each rounded by 2^-24.
func TestPasses(t *testing.T) {
	a, err := txtar.ParseFile("../plan/pass/testdata/passes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".after") {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			g, m := differentiated(t, string(f.Data))
			for _, n := range []int{1, 6, 9} {
				w := filled(r, g, n, 1)
				for _, v := range m.Variables {
					w.variables[v.Name] = grid(r, v.Type, 1, 1)
				}
				w.nearly(t, g, ulps(64), 0.1)
			}
		})
	}
}

// steps of equations of the property below: a neuron, and a readout that is linear.
const passEquations = `graph 1

equation "fire" spikes {
  input x
  state v = 0.0
  %0 = constant value=0.5 : f32[]
  %1 = mul %v %0 : f32[]
  %2 = add %1 %x : f32[]
  %3 = constant value=1.0 : f32[]
  %4 = sub %2 %3 : f32[]
  %5 = abs %4 : f32[]
  %6 = lt %5 %3 : bit[]
  %7 = cast %6 dtype="f32" : f32[]
  %8 = spike %2 %3 %7 : bit[]
  %9 = constant value=0.0 : f32[]
  %10 = where %8 %9 %2 : f32[]
  emit %8
  next v %10
}

equation "read" {
  input x
  state v = 0.0
  %0 = constant value=0.5 : f32[]
  %1 = mul %0 %v : f32[]
  %2 = add %1 %x : f32[]
  emit %2
  next v %2
}
`

// TestPassesProperty: layers of odd shapes, put together as the passes look for them: parts of channels, a neuron,
// upsampling, sums of convolutions or transposed ones, bias and scale, and a normalisation or a readout behind, with all
// derivatives. Their sums have at most a thousand terms, and what cancels in them is judged beside the greatest result.
func TestPassesProperty(t *testing.T) {
	m, err := graph.Parse(passEquations)
	if err != nil {
		t.Fatal(err)
	}
	pools := []*exec.Pool{exec.NewPool(1), exec.NewPool(2)}
	for _, p := range pools {
		defer p.Close()
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least, most int) int { return rapid.IntRange(least, most).Draw(t, name) }
		flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
		vars := variables{}
		b := graph.NewBuilder("f", vars)
		var by []graph.Value
		read := func(name string, dims ...int) graph.Value {
			vars[name] = graph.Type{Dims: dims}
			v := b.Op(graph.OpRead, graph.Attrs{"var": name})
			by = append(by, v)
			return v
		}
		steps, high, wide := draw("steps", 1, 3), draw("high", 1, 4), draw("wide", 1, 4)
		var parts []graph.Value
		channels := 0
		for i := range draw("parts", 1, 3) {
			c := draw("channels", 1, 5)
			x := graph.Signal(steps, c, high, wide)
			if flag("spikes") {
				x = graph.Spikes(steps, c, high, wide)
			}
			v := b.Input(fmt.Sprint("x", i), x)
			if x.DType == graph.F32 {
				v = b.Mul(v, read(fmt.Sprint("a", i), c))
			}
			parts, channels = append(parts, v), channels+c
		}
		x := parts[0]
		if len(parts) > 1 {
			x = b.Concat(0, parts...)
		}
		if x.Type().DType == graph.F32 && flag("neuron") {
			x = b.Equation(graph.OpEquation, m.Equation("fire"), graph.Attrs{}, x)[0]
		}
		f, k, stride := draw("factor", 1, 3), draw("kernel", 1, 3), draw("stride", 1, 2)
		pad, back := draw("pad", 0, k-1), flag("transposed")
		for axis := graph.Axis(1); f > 1 && axis <= 2; axis++ {
			x = b.Op(graph.OpRepeat, graph.Attrs{"axis": axis, "count": f}, x)
		}
		h, w := x.Type().Dims[1], x.Type().Dims[2]
		if h+2*pad < k || w+2*pad < k || back && (min(h, w)-1)*stride+k <= 2*pad {
			t.Skip()
		}
		out := draw("out", 1, 20)
		product := func(name string) graph.Value {
			if back {
				attrs := graph.Attrs{"stride": stride, "pad": pad, "height": (h-1)*stride + k - 2*pad, "width": (w-1)*stride + k - 2*pad}
				return b.Op(graph.OpConvInput, attrs, x, read(name, channels, out, k, k))
			}
			return b.Op(graph.OpConv, graph.Attrs{"stride": stride, "pad": pad}, x, read(name, out, channels, k, k))
		}
		y := product("w")
		if flag("sum") {
			y = b.Add(y, product("v"))
		}
		if flag("bias") {
			y = b.Add(y, b.Reshape(read("b", out), out, 1, 1))
		}
		if flag("scale") {
			y = b.Mul(y, b.Const(0.5))
		}
		switch rapid.SampledFrom([]string{"", "normalise", "read"}).Draw(t, "behind") {
		case "normalise":
			y = b.Op(graph.OpNormalise, graph.Attrs{"axes": graph.Axes{graph.TimeAxis, graph.BatchAxis, 1, 2}, "epsilon": 0.5}, y)
		case "read":
			y = b.Equation(graph.OpEquation, m.Equation("read"), graph.Attrs{"last": true}, y)[0]
		}
		loss := b.Mean(b.Mul(y, b.Add(y, b.Const(1))))
		b.Output("y", y)
		b.Output("loss", loss)
		for i, g := range graph.Gradient(b, loss, by) {
			b.Output("grad."+by[i].Node.Text("var"), g)
		}
		g, err := b.Finish()
		if err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		world := filled(r, g, draw("batch", 1, 9), 1)
		for name, v := range vars {
			world.variables[name] = grid(r, v, 1, 1)
		}
		want := world.interpret(t, g)
		for i, pool := range pools {
			p := compiledWithin(t, pool, g, world.n, i)
			env, _ := world.env()
			if err := p.Run(env); err != nil {
				t.Fatal(err)
			}
			for _, o := range g.Outputs {
				close(t, o.Name, p.Output(o.Name).Logical(), want.Outputs[o.Name].Data, ulps(1024), 0.1)
			}
		}
	})
}

// differentiated returns the function of a module, with its derivatives by the variables it reads where it has a loss.
func differentiated(t *testing.T, text string) (*graph.Graph, *graph.Module) {
	t.Helper()
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	f := m.Functions[0]
	loss := f.Output("loss")
	if !loss.Valid() {
		return f, m
	}
	b := graph.NewBuilder(f.Name, graph.ModuleEnv{Module: m})
	in := make([]graph.Value, len(f.Inputs))
	for i, n := range f.Inputs {
		in[i] = b.Input(n.Text("name"), n.Out[0])
	}
	for i, v := range b.Inline(f, in, nil) {
		if b.Output(f.Outputs[i].Name, v); f.Outputs[i].Name == "loss" {
			loss = v
		}
	}
	var by []graph.Value
	for _, n := range b.Graph().Nodes {
		if n.Op == graph.OpRead {
			by = append(by, graph.Value{Node: n})
		}
	}
	for i, g := range graph.Gradient(b, loss, by) {
		b.Output("grad."+by[i].Node.Text("var"), g)
	}
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g, m
}
