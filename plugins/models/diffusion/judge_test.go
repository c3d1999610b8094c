package diffusion_test

import (
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// What is executed of DDPM, the training step with its gradient and a turn of a sampler, is what the interpreter computes in
// float64, with the weights of the start and the same random numbers. A spiking denoiser cannot be compared as a whole: where
// rounding turns a spike over, all behind it is other.
func TestExecution(t *testing.T) {
	pool := exec.NewPool(2)
	defer pool.Close()
	s, m := begun(t, "ddpm-ann")
	step, _, err := m.Linker.Step(s.Program.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	turn, err := m.Linker.Function("turn")
	if err != nil {
		t.Fatal(err)
	}
	row := s.Program.Samplers[0]
	for _, v := range m.Variables { // the spec starts with layers whose weights are all but zero, which hide what is before them
		if u := rng.New(7, v.Name, 0); v.Kind == graph.Parameter && v.Init.Kind != "constant" {
			for i := range m.Weights[v.Name].F32 {
				m.Weights[v.Name].F32[i] = 0.6*u.Uniform(0, uint64(i)) - 0.3
			}
		}
	}
	for _, g := range []*graph.Graph{step, turn} {
		const n, seed, iteration = 3, 4, 5
		inputs, exact := map[string]*tensor.Tensor{}, map[string]interp.Value{}
		for _, in := range g.Inputs {
			name, x := in.Text("name"), tensor.New(in.Out[0], n)
			noise := rng.New(6, name, 0)
			for i := range x.F32 {
				x.F32[i] = noise.Normal(0, uint64(i))
			}
			for i, column := range row.Columns {
				if name == column {
					x.F32[0] = float32(row.Table[len(row.Table)/2][i])
				}
			}
			inputs[name], exact[name] = x, float64s(x)
		}
		weights := map[string]interp.Value{}
		for name, w := range m.Weights {
			weights[name] = float64s(w)
		}
		want, err := interp.Run(g, &interp.Env{N: n, Inputs: exact, Variables: weights, Random: func(label string, normal bool, index, element uint64) float64 {
			r := rng.New(seed, label, iteration)
			if normal {
				return r.Normal64(index, element)
			}
			return r.Uniform64(index, element)
		}})
		if err != nil {
			t.Fatal(err)
		}
		pl, err := plan.New(g, plan.Options{Batch: n})
		if err != nil {
			t.Fatal(err)
		}
		run, err := exec.New(pl, pool)
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Run(&exec.Env{Inputs: inputs, Variables: func(name string) *tensor.Tensor { return m.Weights[name] }, Seed: seed, Iteration: iteration}); err != nil {
			t.Fatal(err)
		}
		for _, name := range run.Outputs() {
			if strings.HasPrefix(name, program.Rate) {
				continue
			}
			got, want := run.Output(name).Logical(), want.Outputs[name].Data
			square, off := 0.0, 0.0
			for i, v := range want {
				square += v * v
				off += (v - got[i]) * (v - got[i])
			}
			// A hundred operations after each other, each off by 2^-24. Derivatives that are sums of what cancels, such as those by the
			// bias of an attention's keys, count beside one of 0.1.
			if math.Sqrt(off) > 100*0x1p-24*max(math.Sqrt(square), 0.1) {
				t.Errorf("%s: %s has norm %v and is off by %v", g.Name, name, math.Sqrt(square), math.Sqrt(off))
			}
		}
	}
}

func float64s(x *tensor.Tensor) interp.Value {
	return interp.Value{Type: x.Type, N: x.N, Data: x.Logical()}
}
