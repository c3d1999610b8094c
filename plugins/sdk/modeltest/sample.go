package modeltest

import (
	"context"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// Start returns the model with its first weights, ready to be trained and to draw; its pool of two threads ends with the test.
func (m *Model) Start(t testing.TB) *train.Model {
	t.Helper()
	pool := exec.NewPool(2)
	t.Cleanup(pool.Close)
	own, err := train.NewModel(m.Program, m.Modules, 1, pool)
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// Adam is the optimiser of many tests.
func Adam(rate float64) train.Optimizer {
	return train.Optimizer{Kind: "adam", Rate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Schedule: "constant"}
}

// Train trains a model on the Program's only stage and returns the loss of each update, after which it calls each unless that is nil.
func Train(t testing.TB, m *train.Model, on train.Examples, s train.Settings, each func()) (losses []float64) {
	t.Helper()
	tr, err := train.NewTrainer(m, m.Program.Stages[0], on, s)
	if err != nil {
		t.Fatal(err)
	}
	err = tr.Run(context.Background(), func(p train.Progress) error {
		if !p.EndOfEpoch {
			losses = append(losses, p.Loss["total"])
			if each != nil {
				each()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return losses
}

// Draw returns n samples, from the number first on, of the Program's first sampler on the weights of a model: of m itself or, where m
// is what Sampler has returned, of the model behind it. Where the sampler is given classes, these are every one in turn. The seed is
// always the same.
func (m *Model) Draw(t testing.TB, weights *train.Model, n, first int) *tensor.Tensor {
	t.Helper()
	own, err := weights.As(m.Program, m.Modules)
	if err != nil {
		t.Fatal(err)
	}
	s := &m.Program.Samplers[0]
	given := map[string]*tensor.Tensor{}
	for _, name := range s.Given {
		given[name] = tensor.New(sdk.Int(), n)
		for i := range n {
			given[name].I32[i] = int32((first + i) % m.Request.Classes[name])
		}
	}
	x, err := own.SampleGiven(s, given, n, 7, uint64(first))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// DrawsAlone judges samples as Draw returns them: each is a function of its number, whatever is drawn beside it, and no two are the
// same.
func (m *Model) DrawsAlone(t testing.TB, weights *train.Model) {
	t.Helper()
	together, alone := slices.Clone(m.Draw(t, weights, 3, 0).F32), m.Draw(t, weights, 1, 1).F32
	size := len(alone)
	if !slices.Equal(together[size:2*size], alone) {
		t.Errorf("%s: a sample depends on those beside it", m.Program.Samplers[0].Name)
	}
	if slices.Equal(together[:size], alone) {
		t.Errorf("%s: two samples are the same", m.Program.Samplers[0].Name)
	}
}

// Points returns samples real[2] as points in the plane.
func Points(x *tensor.Tensor) [][2]float64 {
	out := make([][2]float64, x.N)
	for i := range out {
		out[i] = [2]float64{float64(x.F32[2*i]), float64(x.F32[2*i+1])}
	}
	return out
}
