package train

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// testdata/optimizers.json holds what PyTorch's optimisers do with the same gradients (testdata/optimizers.py).
func TestOptimizersArePyTorchs(t *testing.T) {
	text, err := os.ReadFile("testdata/optimizers.json")
	if err != nil {
		t.Fatal(err)
	}
	var oracle struct {
		Start     []float32
		Gradients [][]float32
		After     map[string][][]float64
	}
	if err := json.Unmarshal(text, &oracle); err != nil {
		t.Fatal(err)
	}
	adam := Optimizer{Kind: "adam", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
	with := func(o Optimizer, change func(*Optimizer)) Optimizer { change(&o); return o }
	cases := map[string]Optimizer{
		"sgd":                {Kind: "sgd", Rate: 0.1},
		"sgd momentum decay": {Kind: "sgd", Rate: 0.05, Momentum: 0.9, Decay: 0.01},
		"adam":               with(adam, func(o *Optimizer) { o.Rate = 5e-3 }),
		"adam betas decay":   {Kind: "adam", Rate: 0.02, Beta1: 0.5, Beta2: 0.99, Epsilon: 1e-6, Decay: 0.1},
		"adamw":              with(adam, func(o *Optimizer) { o.Kind, o.Rate, o.Decay = "adamw", 0.01, 0.01 }),
		"adamw decay":        with(adam, func(o *Optimizer) { o.Kind, o.Rate, o.Decay = "adamw", 0.01, 1e-3 }),
		"rmsprop":            {Kind: "rmsprop", Rate: 2e-3, Alpha: 0.99, Epsilon: 1e-8},
		"adam clip":          with(adam, func(o *Optimizer) { o.Rate, o.Clip = 0.01, 0.3 }),
		"adam warmup cosine": with(adam, func(o *Optimizer) { o.Rate, o.Warmup, o.Schedule = 0.01, 3, "cosine" }),
	}
	if len(cases) != len(oracle.After) {
		t.Errorf("%d cases, the oracle has %d", len(cases), len(oracle.After))
	}
	for name, o := range cases {
		want := oracle.After[name]
		w := append([]float32(nil), oracle.Start...)
		var moments [2][]float32
		for k := range o.slots() {
			moments[k] = make([]float32, len(w))
		}
		for i, g := range oracle.Gradients {
			length := 0.0
			for _, v := range g {
				length += float64(v) * float64(v)
			}
			o.move(w, g, moments, moving{rate: o.rate(i+1, float64(i)/6, 0), scale: o.clipping(math.Sqrt(length)), update: i + 1})
			for k := range w {
				// Both compute in float32: a few roundings of each of the updates so far.
				if d := math.Abs(float64(w[k]) - want[i][k]); d > 4e-7*float64(i+1)*math.Max(1, math.Abs(want[i][k])) {
					t.Errorf("%s, update %d, parameter %d: %v, PyTorch has %v", name, i+1, k, w[k], want[i][k])
				}
			}
		}
	}
}

func doubles(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func TestScheduleByEpochs(t *testing.T) {
	o := Optimizer{Rate: 1, Schedule: "step", Every: 2, Factor: 0.1}
	for epoch, want := range []float64{1, 1, 0.1, 0.1, 0.01} {
		if got := o.rate(1000, 0.5, epoch); math.Abs(got-want) > 1e-15 {
			t.Errorf("epoch %d: rate %v, want %v", epoch, got, want)
		}
	}
	o = Optimizer{Rate: 2, Schedule: "linear"}
	if got := o.rate(1, 0.75, 0); got != 0.5 {
		t.Errorf("linear at three quarters: %v, want 0.5", got)
	}
}

func TestClampKeepsWeights(t *testing.T) {
	w := []float32{0.5, -0.5}
	Optimizer{Kind: "sgd", Rate: 1, Clamp: 0.1}.move(w, []float32{0, 0}, [2][]float32{}, moving{rate: 1, scale: 1, update: 1})
	if w[0] != 0.1 || w[1] != -0.1 {
		t.Errorf("clamped to %v, want 0.1 and -0.1", w)
	}
}
