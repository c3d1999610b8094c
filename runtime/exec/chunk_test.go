package exec_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/plan"
)

// normalised is a batch norm in front of neurons, whose derivative takes the sums of the norm's along. The neurons give numbers
// that change little with what they take, so that no rounding becomes a spike.
const normalised = `graph 1

equation "trace" {
  input x
  param gain
  state v = 0.25
  state a = 0.0
  %0 = constant value=0.5 : f32[]
  %1 = mul %v %0 : f32[]
  %2 = tanh %x : f32[]
  %3 = add %1 %2 : f32[]
  %4 = mul %a %0 : f32[]
  %5 = sub %3 %4 : f32[]
  %6 = mul %5 %gain : f32[]
  emit %6
  next v %5
  next a %v
}

variable "gain" f32[ONES] parameter constant(1.0, 0.0)
variable "shift" f32[ONES] parameter constant(0.0, 0.0)
variable "scale" f32[ROW] parameter constant(1.0, 0.0)

function f(x: f32[SHAPE], t: f32[SHAPE]) {
  %0 = read var="gain" : f32[ONES]
  %1 = read var="shift" : f32[ONES]
  %2 = read var="scale" : f32[ROW]
  %3 = mul %x %2 : f32[SHAPE]
  %4 = normalise %3 axes=[AXES] epsilon=1e-05 : f32[SHAPE] f32[C] f32[C]
  %7 = add %4.0 %1 : f32[SHAPE]
  %8 = equation "trace" %7 %0 : f32[SHAPE]
  %9 = sub %8 %t : f32[SHAPE]
  %10 = mul %9 %9 : f32[SHAPE]
  %11 = reduce %10 axes=[ALL] kind="mean" : f32[]
  return loss = %11, y = %8
}
`

// TestChunks: loops, equations and derivatives over shapes whose rows are longer and shorter than a chunk, of multiples of
// a vector and not, over more and fewer steps than run in one go, agree with the interpreter, and on 1, 2 and 7 workers to
// the bit.
func TestChunks(t *testing.T) {
	for _, c := range []struct {
		shape, channels, ones, axes, all string
		steps                            int
	}{
		{"70", "70", "70", "t n", "t n 0", 20},
		{"64", "64", "64", "t n", "t n 0", 33},
		{"600", "600", "600", "t n", "t n 0", 3},
		{"3 5 7", "3", "3 1 1", "t n 1 2", "t n 0 1 2", 17},
		{"64 5 5", "64", "64 1 1", "t n 1 2", "t n 0 1 2", 4},
		{"96 4 4", "96", "96 1 1", "t n 1 2", "t n 0 1 2", 16},
	} {
		t.Run(fmt.Sprintf("%s T%d", c.shape, c.steps), func(t *testing.T) {
			text := strings.NewReplacer("ROW", c.shape, "SHAPE", fmt.Sprintf("T%d N %s", c.steps, c.shape), "f32[C]", "f32["+c.channels+"]", "ONES", c.ones, "AXES", c.axes, "ALL", c.all).Replace(normalised)
			g, m := differentiated(t, text)
			w := filled(rand.New(rand.NewPCG(1, 2)), g, 9, 1)
			for _, v := range m.Variables {
				w.variables[v.Name] = grid(rand.New(rand.NewPCG(3, 4)), v.Type, 1, 1)
			}
			p, err := plan.New(g, plan.Options{Batch: 9})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(p.Steps, func(s *plan.Step) bool { return s.Equation != nil && len(s.Equation.Sums) > 1 }) {
				t.Errorf("no derivative takes sums along:\n%s", p.Print())
			}
			// A chain of some 10 rounded operations a step, whose errors halve from step to step, and a norm of numbers
			// about 1.
			w.nearly(t, g, ulps(200), 0.01)
			var want []uint64
			for _, threads := range []int{1, 2, 7} {
				x := compiled(t, g, 9, threads)
				env, _ := w.env()
				if err := x.Run(env); err != nil {
					t.Fatal(err)
				}
				if got := bytes(x); want == nil {
					want = got
				} else if !slices.Equal(got, want) {
					t.Errorf("%d workers give other bytes than 1", threads)
				}
			}
		})
	}
}
