package modeltest

import (
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// Gradient compares the gradient of step i of the Program's only stage with finite differences of its smoothed twin (interp.Base): the
// function in which every spike is the line through it with the slope of its surrogate, and every comparison, pick and stop keeps
// its value. It does so at so many places of each tensor that the step moves, which must be all parameters of the roles and variables
// that it names. It returns the tensors that are moved, and those of them without any derivative.
//
// env has the numbers at which it is done; its variables must be such that neurons fire and normalisations see their input vary.
func (m *Model) Gradient(t testing.TB, i, places int, env interp.Env) (moved, still []string) {
	t.Helper()
	s := m.Program.Stages[0].Steps[i]
	g, moved, err := m.Linker.Step(s)
	if err != nil {
		t.Fatal(err)
	}
	res, err := interp.Run(g, &env)
	if err != nil {
		t.Fatal(err)
	}
	loss, err := m.Linker.Function(s.Function)
	if err != nil {
		t.Fatal(err)
	}
	env.Base = &interp.Base{Record: true}
	at := func() float64 {
		r, err := interp.Run(loss, &env)
		if err != nil {
			t.Fatal(err)
		}
		return r.Outputs["total"].Data[0]
	}
	if a, b := at(), res.Outputs["total"].Data[0]; a != b {
		t.Fatalf("the loss of %s is %v alone and %v beside its gradient", s.Function, a, b)
	}
	env.Base.Record = false
	parameters := 0
	for owner, names := range m.Tensors(graph.Parameter) {
		if slices.Contains(s.Moves, owner) {
			parameters += len(names)
		}
	}
	if len(moved) != parameters || parameters == 0 {
		t.Errorf("%s moves %d tensors, %v have %d", s.Function, len(moved), s.Moves, parameters)
	}
	const h = 3e-7
	for _, name := range moved {
		x, gradient := env.Variables[name].Data, res.Outputs[program.Grad+name].Data
		if !slices.ContainsFunc(gradient, func(v float64) bool { return math.Abs(v) > 1e-9 }) {
			still = append(still, name)
		}
		last := -1
		for p := range places {
			k := (2*p + 1) * len(x) / (2 * places) // in the middles of so many parts
			if k == last {
				continue
			}
			last = k
			was := x[k]
			x[k] = was - h
			low := at()
			x[k] = was + h
			high := at()
			x[k] = was
			// Rounding of a loss of some units gives 1e-15 / h, the third derivative of a normalisation over few examples up to 1e-5 of the
			// value.
			if want := (high - low) / (2 * h); math.Abs(gradient[k]-want) > 1e-8+1e-5*math.Abs(want) {
				t.Errorf("derivative by %s[%d] is %v, finite differences give %v", name, k, gradient[k], want)
			}
		}
	}
	return moved, still
}
