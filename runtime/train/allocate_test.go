package train

import "testing"

// An update allocates nothing once all steps of the stage have run: examples are read, losses and gradients computed,
// parameters moved, averages brought up, and what there is to tell is told.
func TestUpdateAllocatesNothing(t *testing.T) {
	adam := Optimizer{Kind: "adamw", Rate: 1e-3, Schedule: "cosine", Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Decay: 0.01, Clip: 1}
	rms := Optimizer{Kind: "rmsprop", Rate: 1e-3, Alpha: 0.99, Epsilon: 1e-8, Clamp: 1}
	one := func(o Optimizer) map[string]Optimizer { return map[string]Optimizer{"": o} }
	for _, c := range []struct {
		system   string
		settings Settings
	}{
		{"classifier", Settings{Optimizers: one(adam)}},
		{"classifier", Settings{Optimizers: one(Optimizer{Kind: "sgd", Rate: 1e-3, Momentum: 0.9}), Accumulate: 3}},
		{"ddpm", Settings{Optimizers: one(adam), Average: 0.99}},
		{"fsvae", Settings{Optimizers: one(rms)}},
		{"gan-ann", Settings{Optimizers: map[string]Optimizer{"generator": adam, "discriminator": rms}}},
		{"spiking-gan", Settings{Optimizers: map[string]Optimizer{"generator": adam, "discriminator": adam}}},
	} {
		t.Run(c.system, func(t *testing.T) {
			c.settings.Batch, c.settings.Iterations = 4, 1000
			tr := system(t, c.system).trainer(t, examples(400), c.settings)
			updates(t, tr, 4)
			n := testing.AllocsPerRun(5, func() {
				if _, err := tr.update(); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("an update allocates %v times", n)
			}
		})
	}
}
