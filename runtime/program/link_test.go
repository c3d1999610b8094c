package program_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// net is a network y = w x + (x - running mean) whose train mode moves the mean by a tenth of the way, with random numbers
// that it draws for itself.
const net = `graph 1

variable "w" f32[2] parameter constant(3.0, 0.0)
variable "mean" f32[2] state constant(1.0, 0.0)

function train(x: f32[N 2]) {
  %0 = read var="w"
  %1 = mul %x %0
  %2 = read var="mean"
  %3 = reduce %x axes=[n] kind="mean"
  %4 = constant value=0.9
  %5 = mul %2 %4
  %6 = constant value=0.1
  %7 = mul %3 %6
  %8 = add %5 %7
  assign %8 var="mean"
  return y = %1
}

function eval(x: f32[N 2]) {
  %0 = read var="w"
  %1 = mul %x %0
  %2 = read var="mean"
  %3 = sub %x %2
  %4 = add %1 %3
  %5 = uniform batch=true dims=[2] label="0"
  %6 = add %4 %5
  return y = %6
}
`

func module(t *testing.T, text string) *graph.Module {
	t.Helper()
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func parsed(t *testing.T, text string) *program.Program {
	t.Helper()
	p, err := program.Parse("program 1\n" + text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const netRole = `role "net" network (f32[N 2]) -> (f32[N 2])` + "\n"

// run links and runs a function whose role "net" is net.
func run(t *testing.T, text, function string, inputs map[string]interp.Value) *interp.Result {
	t.Helper()
	l, err := program.NewLinker(parsed(t, netRole+text), map[string]*graph.Module{"net": module(t, net)})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Function(function)
	if err != nil {
		t.Fatal(err)
	}
	averages := start(l.Variables())
	averages["net.w"] = interp.Value{Type: graph.Type{Dims: []int{2}}, N: 1, Data: []float64{5, 5}}
	res, err := interp.Run(g, &interp.Env{N: 2, Inputs: inputs, Variables: start(l.Variables()), Averages: averages, Random: draw(0)})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

var pair = map[string]interp.Value{"x": {Type: graph.Real(2), N: 2, Data: []float64{1, 2, 3, 6}}}

func TestApplications(t *testing.T) {
	u := func(label string, i int) float64 { return draw(0)(label, false, uint64(i/2), uint64(i%2)) }
	each := func(f func(i int, x float64) float64) []float64 {
		var out []float64
		for i, x := range pair["x"].Data {
			out = append(out, f(i, x))
		}
		return out
	}
	// The means of the columns are 2 and 4. One application moves 1 to 1.1 and 1.3, a second one to 1.19 and 1.57.
	mean := func(times, i int) float64 {
		to, m := []float64{2, 4}[i%2], 1.0
		for range times {
			m = 0.9*m + 0.1*to
		}
		return m
	}
	const y, z = "  return y = %0\n}\n", "  return y = %1\n}\n"
	for _, x := range []struct {
		name, body string
		want       []float64
		moves      int // applications that move the mean
	}{
		{"train", `%0 = apply %x role="net" mode="train"` + "\n" + y, each(func(_ int, x float64) float64 { return 3 * x }), 1},
		{"frozen", `%0 = apply %x role="net" mode="train" frozen=true` + "\n" + y, each(func(_ int, x float64) float64 { return 3 * x }), 1},
		{"average", `%0 = apply %x role="net" mode="train" average=true` + "\n" + y, each(func(_ int, x float64) float64 { return 5 * x }), 1},
		{"eval", `%0 = apply %x role="net" mode="eval"` + "\n" + y, each(func(i int, x float64) float64 { return 3*x + x - 1 + u("net.0#0", i) }), 0},
		{"train twice", `%0 = apply %x role="net" mode="train"` + "\n" + `%1 = apply %x role="net" mode="train" frozen=true` + "\n" + z,
			each(func(_ int, x float64) float64 { return 3 * x }), 2},
		{"eval after train sees what it moved", `%0 = apply %x role="net" mode="train"` + "\n" + `%1 = apply %x role="net" mode="eval"` + "\n" + z,
			each(func(i int, x float64) float64 { return 3*x + x - mean(1, i) + u("net.0#1", i) }), 1},
	} {
		res := run(t, "function f(x: f32[N 2]) {\n"+x.body, "f", pair)
		for i, want := range x.want {
			if got := res.Outputs["y"].Data[i]; math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: element %d is %v, want %v", x.name, i, got, want)
			}
		}
		moved, ok := res.Assigned["net.mean"]
		if ok != (x.moves > 0) {
			t.Errorf("%s: the mean moves: %v", x.name, ok)
		}
		for i, got := range moved.Data {
			if want := mean(x.moves, i); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: the mean of column %d goes to %v, want %v", x.name, i, got, want)
			}
		}
	}
}

// Every application draws its own numbers; equal labels of the program give the same ones.
func TestLabels(t *testing.T) {
	res := run(t, `function f(x: f32[N 2]) {
  %0 = apply %x role="net" mode="eval"
  %1 = apply %x role="net" mode="eval"
  %2 = uniform batch=true dims=[2] label="a"
  %3 = uniform batch=true dims=[2] label="a"
  return a = %0, b = %1, c = %2, d = %3
}
`, "f", pair)
	if slices.Equal(res.Outputs["a"].Data, res.Outputs["b"].Data) || !slices.Equal(res.Outputs["c"].Data, res.Outputs["d"].Data) {
		t.Error("two applications share their numbers, or two equal labels do not")
	}
}

// What an assignment gives is state: no gradient goes through the running mean that a train application moved.
func TestStateHasNoGradient(t *testing.T) {
	text := `function f(x: f32[N 2]) {
  %0 = apply %x role="net" mode="train"
  %1 = apply %0 role="net" mode="train"
  %2 = apply %0 role="net" mode="eval"
  %3 = reduce %2 axes=[n 0] kind="sum"
  return total = %3
}
`
	p := parsed(t, netRole+text)
	l, err := program.NewLinker(p, map[string]*graph.Module{"net": module(t, net)})
	if err != nil {
		t.Fatal(err)
	}
	g, moved, err := l.Step(program.Step{Function: "f", Moves: []string{"net"}})
	if err != nil || !slices.Equal(moved, []string{"net.w"}) {
		t.Fatal(moved, err)
	}
	res, err := interp.Run(g, &interp.Env{N: 2, Inputs: pair, Variables: start(l.Variables()), Random: draw(0)})
	if err != nil {
		t.Fatal(err)
	}
	// y = w (w x) + w x - mean: 2 w x + x, summed over the batch.
	for i, sum := range []float64{4, 8} {
		if got, want := res.Outputs[program.Grad+"net.w"].Data[i], 7*sum; math.Abs(got-want) > 1e-12 {
			t.Errorf("derivative %d is %v, want %v", i, got, want)
		}
	}
}

// A gradient inside a function is a value like others: here that of a sum of squares.
func TestInnerGradient(t *testing.T) {
	res := run(t, `function square(x: f32[N 2]) {
  %0 = mul %x %x
  return y = %0
}
function f(x: f32[N 2]) {
  %0 = call %x function="square"
  %1 = reduce %0 axes=[n 0] kind="sum"
  %2 = grad %1 %x
  return y = %2
}
`, "f", pair)
	if want := []float64{2, 4, 6, 12}; !slices.Equal(res.Outputs["y"].Data, want) {
		t.Errorf("gradient %v, want %v", res.Outputs["y"].Data, want)
	}
}

// In eval mode a pass over all steps equals passing the neurons' state from step to step.
func TestStateFromStepToStep(t *testing.T) {
	p, filled := system(t, "fsvae")
	const role = "latent.prior"
	steps := p.Role(role).In[0].Steps
	var b strings.Builder
	fmt.Fprintf(&b, "program 1\nrole %q network (bit[T%d N 2]) -> (bit[T%d N 6]) free-steps\n", role, steps, steps)
	fmt.Fprintf(&b, "function f(z: bit[T%d N 2]) {\n  %%0 = apply %%z role=%q mode=\"eval\"\n  return y = %%0\n}\n", steps, role)
	fmt.Fprintf(&b, "function start() {\n  %%0 = zero role=%q\n  return state = %%0\n}\n", role)
	fmt.Fprintf(&b, "function turn(z: bit[T1 N 2], state: state[%s]) {\n  %%0 = apply %%z %%state role=%q mode=\"eval\" state=true\n  return y = %%0.0, state = %%0.1\n}\n", role, role)
	q, err := program.Parse(b.String())
	if err != nil {
		t.Fatal(err)
	}
	l, err := program.NewLinker(q, map[string]*graph.Module{role: filled[role]})
	if err != nil {
		t.Fatal(err)
	}
	z := interp.NewValue(graph.Spikes(steps, 2), examples)
	for i := range z.Data {
		z.Data[i] = math.Round(draw(0)("z", false, 0, uint64(i)))
	}
	result := func(name string, inputs map[string]interp.Value) map[string]interp.Value {
		g, err := l.Function(name)
		if err != nil {
			t.Fatal(err)
		}
		res, err := interp.Run(g, &interp.Env{N: examples, Inputs: inputs, Variables: start(l.Variables())})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs
	}
	whole := result("f", map[string]interp.Value{"z": z})["y"].Data
	if !slices.Contains(whole, 1) || !slices.Contains(whole, 0) {
		t.Fatal("the prior is silent or always fires")
	}
	state := result("start", nil)
	if len(state) == 0 {
		t.Fatal("the prior has no state")
	}
	var joined []float64
	for i := range steps {
		n := len(z.Data) / steps
		state["z"] = interp.Value{Type: graph.Spikes(1, 2), N: examples, Data: z.Data[i*n : (i+1)*n]}
		state = result("turn", state)
		joined = append(joined, state["y"].Data...)
		delete(state, "y")
	}
	if d := cmp.Diff(whole, joined); d != "" {
		t.Errorf("(-whole +step by step)\n%s", d)
	}
}

// An export fills a role of another program: the module gives what the export gives, its parameters are frozen, and the two
// exports of one model share its variables.
func TestExportsFillRoles(t *testing.T) {
	l := linked(t, "vqsvae")
	for _, export := range []string{"encode", "decode", "reconstruct"} {
		m, err := l.Module(export)
		if err != nil {
			t.Fatal(err)
		}
		g, err := l.Function(export)
		if err != nil {
			t.Fatal(err)
		}
		env := environment(l, g)
		want, err := interp.Run(g, env)
		if err != nil {
			t.Fatal(err)
		}
		again := module(t, m.Print())
		for _, mode := range []string{program.TrainFunction, program.EvalFunction} {
			got, err := interp.Run(again.Function(mode), env)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want.Outputs, got.Outputs); d != "" {
				t.Errorf("%s in mode %s (-export +module)\n%s", export, mode, d)
			}
		}
		if slices.ContainsFunc(m.Variables, func(v graph.Variable) bool { return v.Kind == graph.Parameter }) {
			t.Errorf("%s: a variable of a trained model is a parameter", export)
		}
	}
	counts := map[string]int{}
	for _, v := range linked(t, "absorbing").Variables() {
		counts[v.Name]++
	}
	if counts["tokens.codebook"] != 1 || counts["denoiser.0.weight"] != 1 || counts["tokens.encoder.0.weight"] != 1 {
		t.Errorf("variables %v", counts)
	}
	if _, err := l.Module("generate"); err == nil {
		t.Error("an export that is not there fills a role")
	}
}

// The two directions of a coder share its variables, and a step moves the coder as a whole.
func TestCoderIsMovedAsAWhole(t *testing.T) {
	p := parsed(t, `role "code.encode" coder (f32[N 2]) -> (f32[N 2])
role "code.decode" coder (f32[N 2]) -> (f32[N 2])
function f(x: f32[N 2]) {
  %0 = apply %x role="code.encode" mode="train"
  %1 = apply %0 role="code.decode" mode="train"
  %2 = reduce %1 axes=[n 0] kind="sum"
  return total = %2
}
stream data = data(x)
stage train data {
  step f every 1 batch slot "" moves("code")
}
`)
	m := module(t, net)
	l, err := program.NewLinker(p, map[string]*graph.Module{"code.encode": m, "code.decode": m})
	if err != nil {
		t.Fatal(err)
	}
	g, moved, err := l.Step(p.Stages[0].Steps[0])
	if err != nil || !slices.Equal(moved, []string{"code.w"}) {
		t.Fatal(moved, err)
	}
	res, err := interp.Run(g, &interp.Env{N: 2, Inputs: pair, Variables: start(l.Variables()), Random: draw(0)})
	if err != nil {
		t.Fatal(err)
	}
	// y = w^2 x, with w = 3 and columns that sum up to 4 and 8.
	if got := res.Outputs[program.Grad+"code.w"].Data; !slices.Equal(got, []float64{24, 48}) {
		t.Errorf("derivative %v", got)
	}
}

func TestLinkRefuses(t *testing.T) {
	twice := "function f0(x: f32[N 2]) {\n  %0 = add %x %x\n  return y = %0\n}\n"
	for i := range 40 { // 2^40 additions
		twice += fmt.Sprintf("function f%d(x: f32[N 2]) {\n  %%0 = call %%x function=\"f%d\"\n  %%1 = call %%0 function=\"f%d\"\n  return y = %%1\n}\n", i+1, i, i)
	}
	custom := strings.NewReplacer("= call", "= custom", "function=", `backward="back" function=`).Replace(twice)
	custom = "function back(x: f32[N 2], y: f32[N 2], d: f32[N 2]) {\n  return dx = %d\n}\n" + custom
	change := func(old, new string) string {
		if !strings.Contains(net, old) {
			t.Fatalf("%q is not in the network", old)
		}
		return strings.Replace(net, old, new, 1)
	}
	for _, x := range []struct{ program, network, want string }{
		{netRole, net, ""},
		{netRole, "", "nothing fills the role net"},
		{netRole, change("function eval", "function test"), "no function eval"},
		{netRole, change("function eval(x: f32[N 2])", "function eval(x: f32[N 2], y: f32[])"), "not of its signature"},
		{netRole, change("function train(x: f32[N 2]) {", "function train(x: f32[N 2]) free-steps {"), "not of its signature"},
		{netRole, change("return y = %6", "return y = %2"), "result 1 of net is f32[N 2], what fills it gives f32[2]"},
		{strings.Replace(netRole, "(f32[N 2]) ->", "(bit[N 2]) ->", 1), net, "input 1 of net is bit[N 2], what fills it takes f32[N 2]"},
		{netRole, change("function eval", "function g(x: f32[N 2]) {\n  return y = %x\n}\nfunction eval(z: f32[N 2]) {\n  %0 = call %z function=\"g\"\n  return y = %0\n}\nfunction other"), "it must be flat"},
		{netRole + "variable \"net.w\" f32[] parameter constant(0.0, 0.0)\n", net, "two variables are called net.w"},
		{netRole + twice, net, "more than 65536 nodes"},
		{netRole + custom, net, "more than 65536 nodes"},
		{netRole + "function f40(x: f32[N 2]) {\n  %0 = zero role=\"none\"\n  return y = %x, state = %0\n}\n", net, "unknown role none"},
	} {
		filled := map[string]*graph.Module{}
		if x.network != "" {
			filled["net"] = module(t, x.network)
		}
		l, err := program.NewLinker(parsed(t, x.program), filled)
		if err == nil && strings.Contains(x.program, "f40(") {
			_, err = l.Function("f40")
		}
		if x.want == "" && err != nil || x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)) {
			t.Errorf("want an error with %q, got %v", x.want, err)
		}
	}
}

// Variables that cannot be started or saved are refused, the program's and those of what fills its roles, wherever they are from.
func TestOddVariables(t *testing.T) {
	for want, spoil := range map[string]func(v *graph.Variable){
		"unknown start":     func(v *graph.Variable) { v.Init.Kind = "zeros" },
		"a variable is f32": func(v *graph.Variable) { v.Type.DType = graph.I32 },
	} {
		p := parsed(t, netRole+"variable \"codes\" f32[4] state constant(0.0, 0.0)\n")
		spoil(&p.Variables[0])
		if err := p.Verify(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the program's: want an error with %q, got %v", want, err)
		}
		m := module(t, net)
		spoil(&m.Variables[1])
		if _, err := program.NewLinker(parsed(t, netRole), map[string]*graph.Module{"net": m}); err == nil || !strings.Contains(err.Error(), "what fills net: variable \"mean\"") || !strings.Contains(err.Error(), want) {
			t.Errorf("a role's: want an error with %q, got %v", want, err)
		}
	}
}
