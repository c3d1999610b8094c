package program_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// noisy is a network of two layers with states: two neurons that draw random numbers, and behind them three that draw none.
const noisy = `graph 1

variable "0.weight" f32[3 2] parameter constant(0.7, 0.0)

equation "e0" spikes {
  input x
  state v = 0.25
  state a = 0.5
  %0 = normal label="noise1" dims=[] : f32[]
  %1 = constant value=0.5 : f32[]
  %2 = mul %1 %0 : f32[]
  %3 = add %v %x : f32[]
  %4 = add %3 %2 : f32[]
  %5 = sub %4 %a : f32[]
  %6 = constant value=0.4 : f32[]
  %7 = spike %5 %6 %1 : bit[]
  %8 = cast %7 dtype="f32" : f32[]
  %9 = sub %5 %8 : f32[]
  %10 = mul %1 %a : f32[]
  %11 = add %10 %8 : f32[]
  emit %7
  next v %9
  next a %11
}

equation "e1" {
  input x
  state u = 2.0
  %0 = constant value=0.5 : f32[]
  %1 = mul %0 %u : f32[]
  %2 = add %1 %x : f32[]
  emit %2
  next u %2
}

function train(x: f32[T4 N 2]) free-steps {
  %0 = equation "e0" %x label="0" : bit[T4 N 2]
  %1 = read var="0.weight" : f32[3 2]
  %2 = matmul %0 %1 transpose=true : f32[T4 N 3]
  %3 = equation "e1" %2 : f32[T4 N 3]
  return y = %3
}

function eval(x: f32[T4 N 2]) free-steps {
  %0 = equation "e0" %x label="0" : bit[T4 N 2]
  %1 = read var="0.weight" : f32[3 2]
  %2 = matmul %0 %1 transpose=true : f32[T4 N 3]
  %3 = equation "e1" %2 : f32[T4 N 3]
  return y = %3
}
`

const noisyProgram = `role "net" network (f32[T4 N 2]) -> (f32[T4 N 3]) free-steps
function whole(x: f32[T4 N 2]) {
  %0 = apply %x role="net" mode="eval"
  return y = %0
}
function prefix(x: f32[T4 N 2]) {
  %0 = slice %x axis=t start=0 length=3
  %1 = apply %0 role="net" mode="eval"
  return y = %1
}
function start() {
  %0 = zero role="net"
  return state = %0
}
function turn(x: f32[T1 N 2], state: state[net]) {
  %0 = apply %x %state role="net" mode="eval" state=true
  return y = %0.0, state = %0.1
}
function learn(x: f32[T4 N 2]) {
  %0 = apply %x role="net" mode="train"
  %1 = apply %x role="net" mode="train"
  %2 = sub %0 %1
  %3 = mul %2 %2
  %4 = reduce %3 axes=[t n 0] kind="sum"
  return total = %4
}
`

// With random numbers in a layer, too, passing the states from step to step gives what a pass over the whole sequence gives,
// and a pass over a prefix gives its beginning: each layer gets its own part of the states. In step k a layer of n elements
// draws element i where the pass over the whole draws element k * n + i; the test hands out the numbers by that rule.
func TestNoiseFromStepToStep(t *testing.T) {
	l, err := program.NewLinker(parsed(t, noisyProgram), map[string]*graph.Module{"net": module(t, noisy)})
	if err != nil {
		t.Fatal(err)
	}
	const width, steps = 2, 4
	result := func(name string, at int, inputs map[string]interp.Value) map[string]interp.Value {
		g, err := l.Function(name)
		if err != nil {
			t.Fatal(err)
		}
		random := func(label string, normal bool, index, element uint64) float64 {
			if label != "net.0#0/noise1" || !normal {
				t.Errorf("numbers of %s, normal: %v", label, normal)
			}
			return draw(0)(label, normal, index, uint64(at*width)+element)
		}
		res, err := interp.Run(g, &interp.Env{N: examples, Inputs: inputs, Variables: start(l.Variables()), Random: random})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs
	}
	x := example("x", graph.Signal(steps, width))
	whole := result("whole", 0, map[string]interp.Value{"x": x})["y"].Data
	// The output of the second layer is 2 / 2^t where no neuron of the first one has fired.
	if !slices.ContainsFunc(whole[len(whole)*3/4:], func(y float64) bool { return y > 0.2 }) {
		t.Fatal("the neurons are silent")
	}
	if prefix := result("prefix", 0, map[string]interp.Value{"x": x})["y"].Data; !slices.Equal(prefix, whole[:len(prefix)]) || len(prefix) != 3*len(whole)/4 {
		t.Errorf("a pass over three steps gives\n%v, one over all\n%v", prefix, whole)
	}
	state := result("start", 0, nil)
	if len(state) != 3 {
		t.Fatalf("%d states, want two of the first layer and one of the second", len(state))
	}
	var joined []float64
	for i := range steps {
		n := len(x.Data) / steps
		state["x"] = interp.Value{Type: graph.Signal(1, width), N: examples, Data: x.Data[i*n : (i+1)*n]}
		state = result("turn", i, state)
		joined = append(joined, state["y"].Data...)
		delete(state, "y")
	}
	if d := cmp.Diff(whole, joined); d != "" {
		t.Errorf("(-whole +step by step)\n%s", d)
	}
}

// A layer that draws random numbers is like others: it has a firing rate, and each of its applications has its own numbers.
func TestNoisyLayerIsCounted(t *testing.T) {
	l, err := program.NewLinker(parsed(t, noisyProgram), map[string]*graph.Module{"net": layered(module(t, noisy))})
	if err != nil {
		t.Fatal(err)
	}
	g, _, err := l.Step(program.Step{Function: "learn", Moves: []string{"net"}})
	if err != nil {
		t.Fatal(err)
	}
	env := environment(l, g)
	labels := map[string]bool{}
	env.Random = func(label string, normal bool, index, element uint64) float64 {
		labels[label] = true
		return draw(0)(label, normal, index, element)
	}
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	if !labels["net.0#0/noise1"] || !labels["net.0#1/noise1"] || len(labels) != 2 {
		t.Errorf("random numbers of %v", labels)
	}
	if rate, ok := res.Outputs[program.Rate+"net.0.noisy"]; !ok || rate.Data[0] <= 0 || rate.Data[0] >= 1 {
		t.Errorf("firing rate %v", rate.Data)
	}
	if res.Outputs["total"].Data[0] == 0 {
		t.Error("two applications draw the same numbers")
	}
}

// layered gives the equations of a module the place "N.noisy", where N counts them.
func layered(m *graph.Module) *graph.Module {
	for _, f := range m.Functions {
		i := 0
		for _, n := range f.Nodes {
			if n.Op == graph.OpEquation {
				n.Layer = fmt.Sprintf("%d.noisy", i)
				i++
			}
		}
	}
	return m
}

// The gate of an application reaches a first-spike layer that draws random numbers.
func TestGateReachesNoise(t *testing.T) {
	net := strings.Replace(noisy, `equation "e0" spikes {`, `equation "e0" spikes temporal {`, 1)
	for _, gate := range []string{"open", "strict"} {
		text := strings.Replace(noisyProgram, `role="net" mode="train"`, fmt.Sprintf("role=%q mode=%q gate=%q", "net", "train", gate), 2)
		l, err := program.NewLinker(parsed(t, text), map[string]*graph.Module{"net": module(t, net)})
		if err != nil {
			t.Fatal(err)
		}
		g, err := l.Function("learn")
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, n := range g.Nodes {
			if n.Equation != nil && n.Equation.Temporal != nil {
				if seen++; n.Equation.Temporal.Open != (gate == "open") {
					t.Errorf("gate %s: the layer's is open: %v", gate, n.Equation.Temporal.Open)
				}
			}
		}
		if seen != 2 {
			t.Errorf("gate %s: %d first-spike layers", gate, seen)
		}
	}
}

// An export that starts its neurons itself keeps their states to itself where it fills a role of another program.
func TestInnerStateIsNotCarried(t *testing.T) {
	inner, err := program.NewLinker(parsed(t, `role "net" network (f32[T4 N 2]) -> (f32[T4 N 3]) free-steps
function last(x: f32[T4 N 2]) {
  %0 = zero role="net"
  %1 = apply %x %0 role="net" mode="eval" state=true
  return y = %1.0
}
export last = last
`), map[string]*graph.Module{"net": module(t, noisy)})
	if err != nil {
		t.Fatal(err)
	}
	m, err := inner.Module("last")
	if err != nil {
		t.Fatal(err)
	}
	outer, err := program.NewLinker(parsed(t, `role "model.last" model (f32[T4 N 2]) -> (f32[T4 N 3])
function twice(x: f32[T4 N 2]) {
  %0 = zero role="model.last"
  %1 = apply %x %0 role="model.last" mode="eval" state=true
  %2 = apply %x %1.1 role="model.last" mode="eval" state=true
  return a = %1.0, b = %2.0
}
`), map[string]*graph.Module{"model.last": m})
	if err != nil {
		t.Fatal(err)
	}
	g, err := outer.Function("twice")
	if err != nil {
		t.Fatal(err)
	}
	env := environment(outer, g)
	env.Random = func(string, bool, uint64, uint64) float64 { return 0.1 }
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(res.Outputs["a"], res.Outputs["b"]); d != "" {
		t.Errorf("(-first +second)\n%s", d)
	}
}

// In parts of a sequence `t` and `steps` would count anew, so no layer may read them there.
func TestTimeInParts(t *testing.T) {
	const head = `role "net" network (f32[T4 N 2]) -> (f32[T4 N 3]) free-steps` + "\n"
	const whole = "function whole(x: f32[T4 N 2]) {\n  %0 = apply %x role=\"net\" mode=\"eval\"\n  return y = %0\n}\n"
	const prefixes = `function prefixes(x: f32[T4 N 2]) {
  %0 = slice %x axis=t start=0 length=1
  %1 = apply %0 role="net" mode="train"
  %2 = slice %x axis=t start=0 length=2
  %3 = apply %2 role="net" mode="train"
  return a = %1, b = %3
}
`
	const turn = "function turn(x: f32[T4 N 2], state: state[net]) {\n  %0 = apply %x %state role=\"net\" mode=\"eval\" state=true\n  return y = %0.0, state = %0.1\n}\n"
	const short = "function short(x: f32[T2 N 2]) {\n  %0 = apply %x role=\"net\" mode=\"eval\"\n  return y = %0\n}\n"
	for _, x := range []struct{ program, op, want string }{
		{head + whole + prefixes + turn, "constant value=1.0", ""},
		{head + whole, "time", ""},
		{head + short, "steps", ""},
		{head + whole + prefixes, "time", "net is applied at 1, 2 and 4 time steps, and its layer 0.noisy counts time steps"},
		{head + whole + short, "steps", "net is applied at 2 and 4 time steps"},
		{head + turn, "time", "net is applied with its state carried, and its layer 0.noisy"},
		{strings.Replace(head, " free-steps", "", 1) + turn, "steps", "net is applied with its state carried"},
	} {
		net := strings.Replace(noisy, `constant value=0.4 : f32[]`, x.op+" : f32[]", 1)
		if !strings.Contains(x.program, " free-steps") {
			net = strings.ReplaceAll(net, " free-steps", "")
		}
		m := layered(module(t, net))
		_, err := program.NewLinker(parsed(t, x.program), map[string]*graph.Module{"net": m})
		if x.want == "" {
			if err != nil {
				t.Errorf("%s: %v", x.op, err)
			}
			continue
		}
		var where *program.TimeError
		if !errors.As(err, &where) || !strings.Contains(err.Error(), x.want) || where.Role != "net" || where.Node.Layer != "0.noisy" {
			t.Errorf("want %q, got %v", x.want, err)
		}
	}
}

// LinkAll finds what only linking finds, wherever the program would run it, and holds for all systems.
func TestLinkAll(t *testing.T) {
	for _, name := range names(t) {
		if err := linked(t, name).LinkAll(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	const steps = "function step(x: f32[N 2]) {\n  %0 = reduce %x axes=[n 0] kind=\"sum\"\n  return total = %0\n}\n" +
		"function fine() {\n  %0 = constant value=1.0\n  return y = %0\n}\nstream data = data(x)\n"
	deep := "function bad0() {\n  %0 = constant value=1.0\n  return y = %0\n}\n"
	for i := range 17 { // 2^17 constants
		deep += fmt.Sprintf("function bad%d() {\n  %%0 = call function=\"bad%d\"\n  %%1 = call function=\"bad%d\"\n  %%2 = add %%0 %%1\n  return y = %%2\n}\n", i+1, i, i)
	}
	// A derivative that does not exist is seen when the step is differentiated, and not before.
	const repeats = "function repeats(x: f32[N 2]) {\n  %0 = apply %x role=\"net\" mode=\"train\"\n  %1 = repeat %0 axis=t count=2\n  %2 = repeat %1 axis=t count=2\n" +
		"  %3 = reduce %2 axes=[t n 0] kind=\"sum\"\n  return total = %3\n}\n"
	for text, want := range map[string]string{
		"stage train data {\n  step step every 1 batch slot \"\" moves(\"net\")\n}\nsampler s {\n  result fine\n}\nexport e = fine\n": "",
		"stage train data {\n  step repeats every 1 batch slot \"\" moves(\"net\")\n}\n":                                              "cannot be differentiated",
		"sampler s {\n  init bad17\n  result fine\n}\n":                                                                               "nodes",
		"sampler s {\n  loop bad17 3\n  result fine\n}\n":                                                                             "nodes",
		"sampler s {\n  result bad17\n}\n":                                                                                            "nodes",
		"export e = bad17\n":                                                                                                          "nodes",
	} {
		l, err := program.NewLinker(parsed(t, netRole+steps+deep+repeats+text), map[string]*graph.Module{"net": module(t, net)})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.LinkAll(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: want an error with %q, got %v", text, want, err)
		}
	}
}
