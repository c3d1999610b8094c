package exec_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// chipText is a network of which a chip computes a part, twice with other seeds: maps, which lie channels last here, more spikes than
// a word has, numbers without time steps on both sides.
const chipText = `graph 1
chip "c" circuit="net" steps=2 {
  input bit[T2 N 5 3 5]
  input f32[N 3 1 2]
  input f32[N 2]
  output bit[T2 N 3 5 2]
  output f32[N 2 2 2]
  output bit[T2 N 70]
}
function f(x: f32[T3 N 5 3 5], d: f32[N 3 1 2], e: f32[N 2]) {
  %0 = constant value=0.5
  %1 = gt %x %0
  %2 = chip "c" %1 %d %e label="here"
  %3 = mul %2.1 %0
  %4 = chip "c" %1 %d %e
  return a = %2.0, b = %3, c = %2.2, d = %4.0, e = %4.1
}
`

// onChips returns the function f of chipText made ready on a pool with chips.
func onChips(t testing.TB, chips opaque.Chips, n, threads int) (*graph.Graph, *exec.Program, error) {
	t.Helper()
	m, err := graph.Parse(chipText)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(m.Functions[0], plan.Options{Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	pool := exec.NewPool(threads)
	t.Cleanup(pool.Close)
	pool.Chips = chips
	x, err := exec.New(p, pool)
	return m.Functions[0], x, err
}

// TestChip: executor and interpreter hand a chip the same numbers and take the same from it, at any batch and on any number of threads,
// and an example's seed is that of its number, not of its place in the batch.
func TestChip(t *testing.T) {
	for _, n := range []int{1, 3, 8, 13} {
		for _, threads := range []int{1, 3} {
			g, x, err := onChips(t, opaquetest.AnyChip{}, n, threads)
			if err != nil {
				t.Fatal(err)
			}
			w := dyadic(g, n)
			want, err := interp.Run(g, &interp.Env{N: n, Inputs: w.inputs, Random: w.random, Chips: opaquetest.AnyChip{}})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				env, _ := w.env()
				if err := x.Run(env); err != nil {
					t.Fatal(err)
				}
				for _, o := range g.Outputs {
					if got := x.Output(o.Name).Logical(); !slices.Equal(got, want.Outputs[o.Name].Data) {
						t.Fatalf("%d examples on %d threads: %s = %v, want %v", n, threads, o.Name, got, want.Outputs[o.Name].Data)
					}
				}
			}
			if n != 13 {
				continue
			}
			_, alone, err := onChips(t, opaquetest.AnyChip{}, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			env, _ := w.env()
			one := &exec.Env{Inputs: map[string]*tensor.Tensor{}, Seed: env.Seed, Iteration: env.Iteration, Examples: []uint64{9}}
			for name, in := range env.Inputs {
				one.Inputs[name] = tensor.New(in.Type, 1)
				one.Inputs[name].CopyExample(0, in, 9)
			}
			if err := alone.Run(one); err != nil {
				t.Fatal(err)
			}
			for _, o := range g.Outputs {
				whole := tensor.New(o.Value.Type(), 1)
				whole.CopyExample(0, x.Output(o.Name), 9)
				if !slices.Equal(whole.Logical(), alone.Output(o.Name).Logical()) {
					t.Errorf("%s of an example depends on those beside it", o.Name)
				}
			}
		}
	}
}

// broken is a chip that fails, or gives something else than spikes.
type broken struct{ err error }

func (c broken) Run(_ *graph.Chip, b opaque.Examples) error {
	for _, y := range b.Outputs {
		for i := range y {
			y[i] = 0.5
		}
	}
	return c.err
}

func TestChipFails(t *testing.T) {
	if _, _, err := onChips(t, nil, 2, 1); !errors.Is(err, opaque.ErrNoChips) {
		t.Errorf("without chips: %v", err)
	}
	for want, chip := range map[string]broken{"gives 0.5 in circuit \"net\" where it should spike": {}, "out of cores": {errors.New("out of cores")}} {
		g, x, err := onChips(t, chip, 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		w := dyadic(g, 2)
		env, _ := w.env()
		var call *exec.CallError
		if err := x.Run(env); !errors.As(err, &call) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if _, err := interp.Run(g, &interp.Env{N: 2, Inputs: w.inputs, Random: w.random, Chips: chip}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("interpreter: %v, want %s", err, want)
		}
	}
}
