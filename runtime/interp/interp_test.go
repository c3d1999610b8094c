package interp_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// one reads a module of one function.
func one(t *testing.T, text string) *graph.Graph {
	t.Helper()
	m, err := graph.Parse("graph 1\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	return m.Functions[0]
}

// values gives the inputs of g in order.
func values(g *graph.Graph, data [][]float64) map[string]interp.Value {
	in := map[string]interp.Value{}
	for i, n := range g.Inputs {
		v := interp.NewValue(n.Out[0], 2)
		v.Data = data[i]
		in[n.Text("name")] = v
	}
	return in
}

// TestOperators: what each operator gives for numbers that one can follow; a batch holds two examples.
func TestOperators(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		in, node string
		data     [][]float64
		want     []float64
	}{
		{"", `constant dims=[2] values=[1.5 -2.0]`, nil, []float64{1.5, -2}},
		{"", `constant dims=[3] dtype="bit" value=1.0`, nil, []float64{1, 1, 1}},
		{"", `iota steps=3`, nil, []float64{0, 1, 2}},
		{"", `iota dims=[2]`, nil, []float64{0, 1}},
		{"x: f32[T3 N 4]", `count %x axes=[t n]`, [][]float64{make([]float64, 24)}, []float64{6}},

		{"x: f32[2 3]", `reshape %x dims=[3 2]`, [][]float64{{1, 2, 3, 4, 5, 6}}, []float64{1, 2, 3, 4, 5, 6}},
		{"x: f32[2 3]", `transpose %x axes=[1 0]`, [][]float64{{1, 2, 3, 4, 5, 6}}, []float64{1, 4, 2, 5, 3, 6}},
		{"x: f32[N 2 1 2]", `transpose %x axes=[2 0 1]`, [][]float64{{1, 2, 3, 4, 5, 6, 7, 8}}, []float64{1, 3, 2, 4, 5, 7, 6, 8}},
		{"x: f32[N 3]", `slice %x axis=0 length=2 start=1`, [][]float64{{1, 2, 3, 4, 5, 6}}, []float64{2, 3, 5, 6}},
		{"x: f32[T3 N]", `slice %x axis=t length=1 start=2`, [][]float64{{1, 2, 3, 4, 5, 6}}, []float64{5, 6}},
		{"x: f32[2]", `pad %x after=1 axis=0 before=2`, [][]float64{{1, 2}}, []float64{0, 0, 1, 2, 0}},
		{"x: f32[T1 N]", `pad %x after=1 axis=t before=1`, [][]float64{{1, 2}}, []float64{0, 0, 1, 2, 0, 0}},
		{"x: f32[2 1], y: f32[2 2]", `concat %x %y axis=1`, [][]float64{{1, 2}, {3, 4, 5, 6}}, []float64{1, 3, 4, 2, 5, 6}},
		{"x: f32[T1 2], y: f32[T2 2]", `concat %x %y axis=t`, [][]float64{{1, 2}, {3, 4, 5, 6}}, []float64{1, 2, 3, 4, 5, 6}},
		{"x: f32[2]", `repeat %x axis=0 count=3`, [][]float64{{1, 2}}, []float64{1, 1, 1, 2, 2, 2}},
		{"x: f32[N]", `repeat %x axis=t count=2`, [][]float64{{1, 2}}, []float64{1, 2, 1, 2}},
		{"x: f32[T2]", `repeat %x axis=t count=2`, [][]float64{{1, 2}}, []float64{1, 1, 2, 2}},
		{"x: f32[T2]", `repeat %x axis=n`, [][]float64{{1, 2}}, []float64{1, 1, 2, 2}},
		{"x: f32[4]", `cast %x dtype="i32"`, [][]float64{{1.9, -1.9, 0.5, -0.5}}, []float64{1, -1, 0, 0}},
		{"x: f32[3]", `cast %x dtype="bit"`, [][]float64{{0.3, 0, -2}}, []float64{1, 0, 1}},
		{"x: bit[2]", `cast %x dtype="f32"`, [][]float64{{1, 0}}, []float64{1, 0}},

		{"x: f32[2 3]", `reduce %x axes=[0] kind="sum"`, [][]float64{{1, 2, 3, 4, 5, 6}}, []float64{5, 7, 9}},
		{"x: f32[T2 N 3]", `reduce %x axes=[t 0] kind="mean"`, [][]float64{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}}, []float64{5, 8}},
		{"x: f32[N 3]", `reduce %x axes=[n] kind="max"`, [][]float64{{1, 5, 3, 4, 2, 6}}, []float64{4, 5, 6}},
		{"x: f32[4]", `reduce %x axes=[0] kind="min"`, [][]float64{{3, -1, -1, 2}}, []float64{-1}},
		{"x: f32[4]", `reduce %x axes=[0] kind="argmin"`, [][]float64{{3, -1, -1, 2}}, []float64{1}},
		{"x: f32[T3 N]", `reduce %x axes=[t] kind="argmax"`, [][]float64{{1, 2, 3, 0, 3, 1}}, []float64{1, 0}},
		{"x: f32[N 3], i: i32[N]", `gather %x %i axis=0`, [][]float64{{1, 2, 3, 4, 5, 6}, {2, 0}}, []float64{3, 4}},
		{"x: f32[2 2], i: i32[N 2]", `gather %x %i axis=1`, [][]float64{{1, 2, 3, 4}, {0, 1, 1, 0}}, []float64{1, 4, 2, 3}},
		{"i: i32[N], y: f32[N]", `scatter %i %y axis=0 size=3`, [][]float64{{2, 0}, {7, 8}}, []float64{0, 0, 7, 8, 0, 0}},
		{"x: f32[3 2], i: i32[N]", `rows %x %i`, [][]float64{{1, 2, 3, 4, 5, 6}, {2, 0}}, []float64{5, 6, 1, 2}},
		{"i: i32[N], y: f32[N 2]", `scatter-add %i %y size=2`, [][]float64{{1, 1}, {1, 2, 3, 4}}, []float64{0, 0, 4, 6}},

		{"a: f32[N 2], w: f32[2 3]", `matmul %a %w`, [][]float64{{1, 2, 3, 4}, {1, 0, 1, 0, 1, 1}}, []float64{1, 2, 3, 3, 4, 7}},
		{"a: f32[2 2], w: f32[3 2]", `matmul %a %w transpose=true`, [][]float64{{1, 2, 3, 4}, {1, 0, 0, 1, 1, 1}}, []float64{1, 2, 3, 3, 4, 7}},
		{"a: f32[1 2], w: f32[N 2 1]", `matmul %a %w`, [][]float64{{1, 2}, {1, 1, 0, 3}}, []float64{3, 6}},
		{"a: f32[N 1], dy: f32[N 2]", `matmul-gradient %a %dy`, [][]float64{{1, 2}, {1, 2, 3, 4}}, []float64{7, 10}},
		{"a: f32[N 1], dy: f32[N 2]", `matmul-gradient %a %dy transpose=true`, [][]float64{{1, 2}, {1, 2, 3, 4}}, []float64{7, 10}},
		// A cross-correlation, as in every network library: the kernel is not mirrored.
		{"x: f32[1 2 3], w: f32[1 1 2 2]", `conv %x %w pad=0 stride=1`, [][]float64{{1, 2, 3, 4, 5, 6}, {1, 10, 100, 1000}}, []float64{5421, 6532}},
		{"x: f32[1 2 2], w: f32[1 1 1 1]", `conv %x %w pad=1 stride=2`, [][]float64{{1, 2, 3, 4}, {2}}, []float64{0, 0, 0, 8}},
		{"y: f32[1 1 2], w: f32[1 1 2 2]", `conv-input-gradient %y %w height=2 pad=0 stride=1 width=3`, [][]float64{{1, 2}, {1, 10, 100, 1000}}, []float64{1, 12, 20, 100, 1200, 2000}},
		{"x: f32[1 2 3], dy: f32[1 1 2]", `conv-weight-gradient %x %dy kernel=2 pad=0 stride=1`, [][]float64{{1, 2, 3, 4, 5, 6}, {1, 10}}, []float64{21, 32, 54, 65}},
		{"x: f32[1 2 5]", `max-pool %x kernel=2 stride=2`, [][]float64{{1, 2, 3, 4, 9, 5, 0, 3, 3, 9}}, []float64{5, 4}},
		{"x: f32[1 2 2], dy: f32[1 1 1]", `max-pool-gradient %x %dy kernel=2 stride=1`, [][]float64{{1, 4, 4, 4}, {7}}, []float64{0, 7, 0, 0}},

		{"x: f32[N 2], y: f32[T2]", `add %x %y`, [][]float64{{1, 2, 3, 4}, {10, 20}}, []float64{11, 12, 13, 14, 21, 22, 23, 24}},
		{"x: f32[2], y: f32[2 2]", `sub %x %y`, [][]float64{{10, 20}, {1, 2, 3, 4}}, []float64{9, 8, 17, 16}},
		{"x: f32[2 1], y: f32[1 2]", `mul %x %y`, [][]float64{{1, 2}, {3, 4}}, []float64{3, 4, 6, 8}},
		{"x: bit[2], y: f32[]", `div %x %y`, [][]float64{{1, 0}, {4}}, []float64{0.25, 0}},
		{"x: f32[2], y: f32[]", `pow %x %y`, [][]float64{{3, -2}, {2}}, []float64{9, 4}},
		{"x: f32[3], y: f32[]", `min %x %y`, [][]float64{{1, 3, nan}, {2}}, []float64{1, 2, 2}},
		{"x: f32[3], y: f32[]", `max %x %y`, [][]float64{{1, 3, 2}, {2}}, []float64{2, 3, 2}},
		{"x: f32[2]", `neg %x`, [][]float64{{1, -2}}, []float64{-1, 2}},
		{"x: f32[2]", `abs %x`, [][]float64{{1, -2}}, []float64{1, 2}},
		{"x: f32[3]", `sign %x`, [][]float64{{3, -2, 0}}, []float64{1, -1, 0}},
		{"x: f32[2]", `exp %x`, [][]float64{{0, math.Inf(-1)}}, []float64{1, 0}},
		{"x: f32[1]", `log %x`, [][]float64{{1}}, []float64{0}},
		{"x: f32[1]", `sqrt %x`, [][]float64{{9}}, []float64{3}},
		{"x: f32[2]", `tanh %x`, [][]float64{{0, 1000}}, []float64{0, 1}},
		{"x: f32[3]", `sigmoid %x`, [][]float64{{0, 1000, -1000}}, []float64{0.5, 1, 0}},
		{"x: f32[1]", `sin %x`, [][]float64{{0}}, []float64{0}},
		{"x: f32[1]", `cos %x`, [][]float64{{0}}, []float64{1}},
		{"x: f32[5]", `round %x`, [][]float64{{0.5, 1.5, 2.5, -0.6, 2.4}}, []float64{0, 2, 2, -1, 2}},
		{"x: f32[3]", `floor %x`, [][]float64{{0.5, -0.5, 2}}, []float64{0, -1, 2}},
		{"x: f32[3], y: f32[]", `lt %x %y`, [][]float64{{1, 2, 3}, {2}}, []float64{1, 0, 0}},
		{"x: f32[3], y: f32[]", `le %x %y`, [][]float64{{1, 2, 3}, {2}}, []float64{1, 1, 0}},
		{"x: f32[3], y: f32[]", `gt %x %y`, [][]float64{{1, 2, 3}, {2}}, []float64{0, 0, 1}},
		{"x: f32[3], y: f32[]", `ge %x %y`, [][]float64{{1, 2, 3}, {2}}, []float64{0, 1, 1}},
		{"x: f32[3], y: f32[]", `eq %x %y`, [][]float64{{1, 2, 3}, {2}}, []float64{0, 1, 0}},
		{"x: f32[3], y: f32[]", `ne %x %y`, [][]float64{{1, 2, 3}, {2}}, []float64{1, 0, 1}},
		{"x: bit[4], y: bit[4]", `and %x %y`, [][]float64{{0, 0, 1, 1}, {0, 1, 0, 1}}, []float64{0, 0, 0, 1}},
		{"x: bit[4], y: bit[4]", `or %x %y`, [][]float64{{0, 0, 1, 1}, {0, 1, 0, 1}}, []float64{0, 1, 1, 1}},
		{"x: bit[2]", `not %x`, [][]float64{{0, 1}}, []float64{1, 0}},
		{"c: bit[2], x: f32[2], y: f32[]", `where %c %x %y`, [][]float64{{1, 0}, {3, 4}, {5}}, []float64{3, 5}},
		{"x: f32[2]", `stop %x`, [][]float64{{1, 2}}, []float64{1, 2}},
	} {
		g := one(t, "function f("+c.in+") {\n  %0 = "+c.node+"\n  return y = %0\n}\n")
		res, err := interp.Run(g, &interp.Env{N: 2, Inputs: values(g, c.data)})
		if err != nil {
			t.Errorf("%s: %v", c.node, err)
			continue
		}
		if got := res.Outputs["y"]; fmt.Sprint(got.Data) != fmt.Sprint(c.want) || !got.Type.Equal(g.Output("y").Type()) {
			t.Errorf("%s of %s: %v, want %v", c.node, c.in, got.Data, c.want)
		}
	}
}

// TestNormalise: 1, 3 and 2, 6 have means 2 and 4 and biased variances 1 and 4, whose roots are exact.
func TestNormalise(t *testing.T) {
	g := one(t, `function f(x: f32[N 2], dy: f32[N 2]) {
  %0 = normalise %x axes=[n] epsilon=0.0
  %1 = normalise-gradient %dy %0.0 %0.2 axes=[n] epsilon=0.0
  return y = %0.0, mean = %0.1, variance = %0.2, dx = %1
}
`)
	res, err := interp.Run(g, &interp.Env{N: 2, Inputs: values(g, [][]float64{{1, 2, 3, 6}, {1, 0, 3, 0}})})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"y": "[-1 -1 1 1]", "mean": "[2 4]", "variance": "[1 4]",
		"dx": "[0 0 0 0]", // a norm over two examples has two constraints on two numbers: nothing moves it
	} {
		if got := fmt.Sprint(res.Outputs[name].Data); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// where is a random number that says where it was drawn.
func where(label string, normal bool, index, element uint64) float64 {
	v := float64(100*index + element)
	if normal {
		v = -v
	}
	if strings.HasSuffix(label, "/u") {
		v += 0.5
	}
	return v
}

// TestRandomPlaces: example and element of random numbers, inside equations and outside. An element is the step times the
// size of the example plus the logical index in it.
func TestRandomPlaces(t *testing.T) {
	g := one(t, `equation "e" {
  input x
  %0 = uniform dims=[] label="u"
  %1 = add %x %0
  emit %1
}
function f(x: f32[N 2]) {
  %0 = uniform batch=true dims=[2] label="a" steps=2
  %1 = normal dims=[3] label="a"
  %2 = equation "e" %x label="layer" steps=2
  return u = %0, z = %1, e = %2
}
`)
	res, err := interp.Run(g, &interp.Env{N: 2, Random: where, Inputs: values(g, [][]float64{make([]float64, 4)})})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"u": "[0 1 100 101 2 3 102 103]", "z": "[-0 -1 -2]", "e": "[0.5 1.5 100.5 101.5 2.5 3.5 102.5 103.5]",
	} {
		if got := fmt.Sprint(res.Outputs[name].Data); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestVariables: averages are read where asked for and given, and assignments take effect after the run.
func TestVariables(t *testing.T) {
	g := one(t, `variable "w" f32[] state constant(0.0, 0.0)
function f() {
  %0 = read var="w"
  %1 = read average=true var="w"
  %2 = host what="progress"
  %3 = add %0 %2
  assign %3 var="w"
  %5 = read var="w"
  return w = %0, average = %1, after = %5
}
`)
	scalar := func(v float64) map[string]interp.Value {
		return map[string]interp.Value{"w": {Type: graph.Scalar(), N: 1, Data: []float64{v}}}
	}
	env := &interp.Env{Variables: scalar(1), Averages: scalar(2), Host: func(what string) float64 { return float64(len(what)) }}
	for _, average := range []float64{2, 1} {
		res, err := interp.Run(g, env)
		if err != nil {
			t.Fatal(err)
		}
		got := []float64{res.Outputs["w"].Data[0], res.Outputs["average"].Data[0], res.Outputs["after"].Data[0], res.Assigned["w"].Data[0], env.Variables["w"].Data[0]}
		if want := []float64{1, average, 1, 9, 1}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %v, want %v", got, want)
		}
		env.Averages = nil
	}
}

// TestSequenceInParts: a sequence of 6 steps is one of 4 and then one of 2 from the states where it ended.
func TestSequenceInParts(t *testing.T) {
	const equation = `equation "e" {
  input x
  state v = 0.25
  %0 = constant value=0.5
  %1 = mul %v %0
  %2 = add %1 %x
  %3 = time
  emit %2
  next v %2
}
`
	whole := one(t, equation+"function f(x: f32[T6 N 2]) {\n  %0 = equation \"e\" %x\n  return y = %0\n}\n")
	parts := one(t, equation+`function f(x: f32[T6 N 2]) {
  %0 = constant dims=[2] value=0.25
  %1 = slice %x axis=t length=4 start=0
  %2 = equation "e" %1 %0 state=true
  %3 = slice %x axis=t length=2 start=4
  %4 = equation "e" %3 %2.1 last=true state=true
  return first = %2.0, end = %4.0, state = %4.1
}
`)
	x := make([]float64, 24)
	for i := range x {
		x[i] = float64(i%7) - 3
	}
	run := func(g *graph.Graph) map[string]interp.Value {
		res, err := interp.Run(g, &interp.Env{N: 2, Inputs: values(g, [][]float64{x})})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs
	}
	all, some := run(whole)["y"].Data, run(parts)
	if fmt.Sprint(all[:16]) != fmt.Sprint(some["first"].Data) || fmt.Sprint(all[20:]) != fmt.Sprint(some["end"].Data) || fmt.Sprint(all[20:]) != fmt.Sprint(some["state"].Data) {
		t.Errorf("%v, in parts %v", all, some)
	}
}

// TestErrors: what is missing or does not fit is said, with the node.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text string
		env  interp.Env
		want string
	}{
		{"function f(x: f32[2]) {\n  return y = %x\n}\n", interp.Env{}, "interpret f: node 0 (input): input x is not given"},
		{"function f(x: f32[2]) {\n  return y = %x\n}\n", interp.Env{Inputs: map[string]interp.Value{"x": {Data: []float64{1}}}}, "input x has 1 elements, want 2 for f32[2] and a batch of 1"},
		{"function f(x: f32[N 2]) {\n  return y = %x\n}\n", interp.Env{}, "a batch of 0 examples"},
		{"variable \"w\" f32[] state constant(0.0, 0.0)\nfunction f() {\n  %0 = read var=\"w\"\n  return y = %0\n}\n", interp.Env{}, "variable w is not given"},
		{"function f() {\n  %0 = normal dims=[] label=\"z\"\n  return y = %0\n}\n", interp.Env{}, "no random numbers are given"},
		{"function f() {\n  %0 = host what=\"progress\"\n  return y = %0\n}\n", interp.Env{}, "no numbers of the trainer are given"},
		{"equation \"e\" {\n  %0 = normal dims=[] label=\"z\"\n  emit %0\n}\nfunction f() {\n  %0 = equation \"e\" steps=2\n  return y = %0\n}\n", interp.Env{}, "no random numbers are given"},
		{"function f() {\n  %0 = constant dtype=\"i32\" value=3.0\n  %1 = iota dims=[3]\n  %2 = gather %1 %0 axis=0\n  return y = %2\n}\n", interp.Env{}, "index 3 is not among 0..2"},
		{"function f() {\n  %0 = time\n  return y = %0\n}\n", interp.Env{}, "node 0 (time): it is not linked"},
		{"function g() {\n  return\n}\nfunction f() {\n  call function=\"g\"\n  return\n}\n", interp.Env{}, "node 0 (call): it is not linked"},
		{"function f() {\n  %0 = constant value=1.0\n  %1 = sign %0\n  return y = %1\n}\n", interp.Env{Base: &interp.Base{}}, "the base has no record"},
	} {
		m, err := graph.Parse("graph 1\n" + c.text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := interp.Run(m.Function("f"), &c.env); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want an error with %q, got %v", c.want, err)
		}
	}
}

// TestBase: a twin follows its inputs where the graph is smooth, keeps what was picked, and goes along the surrogate's line.
func TestBase(t *testing.T) {
	g := one(t, `equation "e" spikes {
  input x
  %0 = constant value=1.0
  %1 = constant value=0.5
  %2 = spike %x %0 %1
  emit %2
}
function f(x: f32[T2]) {
  %0 = equation "e" %x
  %1 = reduce %x axes=[t] kind="max"
  %2 = stop %1
  %3 = constant value=1.5
  %4 = max %x %3
  %5 = floor %x
  %6 = gt %x %3
  %7 = where %6 %x %3
  return s = %0, top = %1, stop = %2, max = %4, floor = %5, where = %7
}
`)
	base := &interp.Base{Record: true}
	x := []float64{0.75, 2}
	run := func() string {
		res, err := interp.Run(g, &interp.Env{Base: base, Inputs: values(g, [][]float64{x})})
		if err != nil {
			t.Fatal(err)
		}
		var s []string
		for _, o := range g.Outputs {
			s = append(s, fmt.Sprint(o.Name, res.Outputs[o.Name].Data))
		}
		return strings.Join(s, " ")
	}
	const plain = "s[0 1] top[2] stop[2] max[1.5 2] floor[0 2] where[1.5 2]"
	if got := run(); got != plain {
		t.Errorf("recording: %s", got)
	}
	base.Record = false
	if got := run(); got != plain {
		t.Errorf("at the base: %s", got)
	}
	x[0], x[1] = 1.75, 1
	if got, want := run(), "s[0.5 0.5] top[1] stop[2] max[1.5 1] floor[0 2] where[1.5 1]"; got != want {
		t.Errorf("off the base: %s, want %s", got, want)
	}
}
