package exec_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
)

// benches are the specs of specs/bench, at sizes that the interpreter can do and at their own.
var benches = []struct {
	name, spec string
	small      []string
	batch      int // at full size
}{
	{"stack", "stack", []string{"size=3", "steps=2"}, 32},
	{"neurons", "l*", []string{"size=4"}, 16},
	{"autoencoder", "fs*", []string{"steps=3", "widths=[3, 4, 5, 6]", "latent=7"}, 64},
	{"U-Net", "sd*", []string{"size=8", "width=4", "levels=[1, 2]", "steps=2"}, 8},
}

// TestWithout: each pass of the planner left out alone, and all that can be, a training step of the benchmarks computes what the
// interpreter does, which knows none. These weights and examples bring no membrane within rounding of its threshold. How much rounding
// grows on its way through normalisations of few numbers the interpreter tells itself: it runs with all weights off by up to 2^-24, as if
// every layer rounded once, and each rounds some sixteen times (see TestLayers); four times that is allowed. Gradients that ought to vanish,
// by a bias in front of batch norm, are sums of up to 384 rounded ones that do not; none of these is greater than the greatest gradient of
// the step by a weight, which sums them up times inputs that are 0 and 1 or of that order.
func TestWithout(t *testing.T) {
	did := map[string]bool{}
	for _, c := range benches {
		t.Run(c.name, func(t *testing.T) {
			m := fromSpec(t, "../../specs/bench/"+c.spec+".snn", "", c.small...)
			g := m.step(t)
			w := m.world(g, 3)
			want := w.interpret(t, g)
			off := *w
			off.variables = map[string]interp.Value{}
			r := rand.New(rand.NewPCG(1, 2))
			for _, name := range slices.Sorted(maps.Keys(w.variables)) {
				off.variables[name] = each(w.variables[name], func(v float64) float64 { return v * (1 + ulps(2*r.Float64()-1)) })
			}
			grown := off.interpret(t, g)
			greatest := 0.0
			for _, o := range g.Outputs {
				if strings.HasPrefix(o.Name, program.Grad) {
					for _, v := range want.Outputs[o.Name].Data {
						greatest = max(greatest, math.Abs(v))
					}
				}
			}
			pool := exec.NewPool(2)
			defer pool.Close()
			sets := [][]string{nil, plan.Passes()}
			for _, name := range plan.Passes() {
				sets = append(sets, []string{name})
			}
			for _, without := range sets {
				p, err := plan.New(g, plan.Options{Batch: w.n, Without: without})
				if err != nil {
					t.Fatal(err)
				}
				for _, pass := range p.Passes {
					if slices.Contains(without, pass.Name) {
						t.Errorf("%q is left out and was not", pass.Name)
					}
					did[pass.Name] = did[pass.Name] || len(pass.Places) > 0
				}
				x, err := exec.New(p, pool)
				if err != nil {
					t.Fatal(err)
				}
				env, variables := w.env()
				if err := x.Run(env); err != nil {
					t.Fatal(err)
				}
				compare := func(name string, got, want, grown []float64) {
					t.Helper()
					most, far := 0.0, 0.0
					for i, v := range want {
						most, far = max(most, math.Abs(v)), max(far, math.Abs(v-grown[i]))
					}
					for i, v := range want {
						if d := math.Abs(got[i] - v); !(d <= 64*far+max(ulps(64)*most, ulps(400)*greatest)) {
							t.Fatalf("without %q: %s[%d] = %v, want %v; rounded once in each layer it is off by %g", without, name, i, got[i], v, far)
						}
					}
				}
				for _, o := range g.Outputs {
					compare(o.Name, x.Output(o.Name).Logical(), want.Outputs[o.Name].Data, grown.Outputs[o.Name].Data)
				}
				for name, v := range want.Assigned {
					compare(name, variables[name].Logical(), v.Data, grown.Assigned[name].Data)
				}
			}
		})
	}
	for _, name := range plan.Passes() {
		if name != "fixed scales" && !did[name] { // which evaluation has
			t.Errorf("%q does nothing for any of them", name)
		}
	}
}
