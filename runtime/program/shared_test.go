package program_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// sharedNet is net of another role, whose variables are those of the role "net".
var sharedNet = strings.NewReplacer(`"w" f32[2] parameter constant(3.0, 0.0)`, `"v" f32[2] parameter constant(3.0, 0.0) of "net.w"`,
	`state constant(1.0, 0.0)`, `state constant(1.0, 0.0) of "net.mean"`, `var="w"`, `var="v"`).Replace(net)

const sharedProgram = `function one(x: f32[N 2]) {
  %0 = apply %x role="net" mode="train"
  %1 = apply %0 role="other" mode="train"
  %2 = mul %1 %1
  %3 = reduce %2 axes=[n 0] kind="sum"
  return total = %3
}
`

// twoRoles are the roles in both orders: that of the program does not matter.
func twoRoles() []string {
	other := strings.ReplaceAll(netRole, "net\"", "other\"")
	return []string{netRole + other, other + netRole}
}

// Two roles that are to have one variable have one: it is listed once, moves where either role moves, gets the gradient of
// both applications, and what the first application assigns is what the second one goes on from.
func TestSharedVariables(t *testing.T) {
	for _, roles := range twoRoles() {
		own, other := module(t, net), module(t, sharedNet)
		for _, m := range []*graph.Module{own, other} {
			for i := range m.Variables {
				m.Variables[i].Title = "layer." + m.Variables[i].Name
			}
		}
		l, err := program.NewLinker(parsed(t, roles+sharedProgram), map[string]*graph.Module{"net": own, "other": other})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, v := range l.Variables() {
			if want := strings.Replace(v.Name, ".", ".layer.", 1); v.Title != want {
				t.Errorf("%s is called %s, and its own role says %s", v.Name, v.Title, want)
			}
			if v.Of != "" {
				t.Errorf("%s is still %s of another role", v.Name, v.Of)
			}
			names = append(names, v.Name)
		}
		if slices.Sort(names); !slices.Equal(names, []string{"net.mean", "net.w"}) {
			t.Errorf("variables %v", names)
		}
		for _, moves := range [][]string{{"net"}, {"other"}, {"net", "other"}} {
			g, moved, err := l.Step(program.Step{Function: "one", Moves: moves})
			if err != nil || !slices.Equal(moved, []string{"net.w"}) {
				t.Fatalf("a step that moves %v moves %v: %v", moves, moved, err)
			}
			x := interp.Value{Type: graph.Real(2), N: 2, Data: []float64{1, 2, 3, -4}}
			res, err := interp.Run(g, &interp.Env{N: 2, Inputs: map[string]interp.Value{"x": x}, Variables: start(l.Variables())})
			if err != nil {
				t.Fatal(err)
			}
			// y = w (w x), w = 3: the loss is w^4 times the sum of x^2, its derivative 4 w^3 of that.
			if d := cmp.Diff([]float64{4 * 27 * (1 + 9), 4 * 27 * (4 + 16)}, res.Outputs[program.Grad+"net.w"].Data); d != "" {
				t.Errorf("gradient (-want +got)\n%s", d)
			}
			// The means of x are 2 and -1, those of w x thrice that; each application moves by a tenth. The numbers are below
			// 10 and each of the few operations rounds by 2^-53 of that at most.
			for i, m := range []float64{2, -1} {
				want := (1*0.9+m*0.1)*0.9 + 3*m*0.1
				if got := res.Assigned["net.mean"].Data[i]; math.Abs(got-want) > 1e-14 || len(res.Assigned) != 1 {
					t.Errorf("assigned %v, want %v in net.mean", res.Assigned, want)
				}
			}
		}
	}
}

// What is to be one variable and cannot be is an error, and so is a variable of the program that is to be another's.
func TestSharedVariablesDiffer(t *testing.T) {
	for _, roles := range twoRoles() {
		for _, x := range [][2]string{
			{`f32[2] parameter constant(3.0, 0.0) of`, `f32[2] parameter constant(4.0, 0.0) of`},
			{`f32[2] parameter constant(3.0, 0.0) of`, `f32[1] parameter constant(3.0, 0.0) of`},
			{`f32[2] parameter constant(3.0, 0.0) of`, `f32[2] frozen constant(3.0, 0.0) of`},
		} {
			other := strings.Replace(sharedNet, x[0], x[1], 1)
			if other == sharedNet {
				t.Fatal("nothing is replaced")
			}
			_, err := program.NewLinker(parsed(t, roles+sharedProgram), map[string]*graph.Module{"net": module(t, net), "other": module(t, other)})
			if err == nil || !strings.Contains(err.Error(), "are to be one variable, and they differ") {
				t.Errorf("%s: %v", x[1], err)
			}
		}
	}
	_, err := program.Parse("program 1\nvariable \"a\" f32[2] parameter constant(0.0, 0.0) of \"net.w\"\n" + netRole)
	if err == nil || !strings.Contains(err.Error(), `variable "a" of the program is "net.w" of a role`) {
		t.Errorf("%v", err)
	}
}

// hidden is a network that works at any number of steps, with a part that has three steps of its own and reads them.
var hidden = func() string {
	body := `%0 = equation "sum" %x : f32[T4 N 2]
  %1 = equation "sum" %x last=true : f32[N 2]
  %2 = equation "hold" %1 steps=3 : f32[T3 N 2]
  %3 = equation "late" %2 last=true : f32[N 2]
  %4 = mul %0 %3 : f32[T4 N 2]
  return y = %4
}
`
	return `graph 1

equation "hold" {
  input x
  emit %x
}

equation "sum" {
  input x
  state v = 0.5
  %0 = add %v %x : f32[]
  emit %0
  next v %0
}

equation "late" {
  input x
  state v = 1.0
  %0 = time : f32[]
  %1 = mul %x %0 : f32[]
  %2 = add %v %1 : f32[]
  emit %2
  next v %2
}

function train(x: f32[T4 N 2]) free-steps {
  ` + body + `
function eval(x: f32[T4 N 2]) free-steps {
  ` + body
}()

// A part of a network that has time steps of its own begins anew in each application, also where that goes on with the states
// of the one before, and may count its steps.
func TestStepsOfItsOwn(t *testing.T) {
	text := strings.NewReplacer("-> (f32[T4 N 3])", "-> (f32[T4 N 2])").Replace(noisyProgram)
	l, err := program.NewLinker(parsed(t, text), map[string]*graph.Module{"net": module(t, hidden)})
	if err != nil {
		t.Fatal(err)
	}
	run := func(name string, inputs map[string]interp.Value) map[string]interp.Value {
		g, err := l.Function(name)
		if err != nil {
			t.Fatal(err)
		}
		res, err := interp.Run(g, &interp.Env{N: 1, Inputs: inputs})
		if err != nil {
			t.Fatal(err)
		}
		return res.Outputs
	}
	x := []float64{1, -1, 2, 0.5, -3, 1, 0.25, 2}
	state := run("start", nil)
	if len(state) != 2 {
		t.Fatalf("%d states, want those of the two sums", len(state))
	}
	sum := []float64{0.5, 0.5}
	for k := range 4 {
		state["x"] = interp.Value{Type: graph.Signal(1, 2), N: 1, Data: x[2*k : 2*k+2]}
		state = run("turn", state)
		for i, y := range state["y"].Data {
			// All numbers here are multiples of 1/64 below 64: nothing is rounded.
			sum[i] += x[2*k+i]
			if want := sum[i] * (1 + 0*sum[i] + 1*sum[i] + 2*sum[i]); y != want {
				t.Errorf("turn %d: %v, want %v", k, y, want)
			}
		}
		delete(state, "y")
	}
	whole := run("whole", map[string]interp.Value{"x": {Type: graph.Signal(4, 2), N: 1, Data: x}})["y"].Data
	for i, y := range whole[6:] {
		if want := sum[i] * (1 + 3*sum[i]); y != want {
			t.Errorf("the whole sequence ends with %v, want %v", y, want)
		}
	}
}
