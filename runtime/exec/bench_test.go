package exec_test

import (
	"runtime"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/plan"
)

// BenchmarkUpdate is one training update, forward and backward, without the optimiser.
func BenchmarkUpdate(b *testing.B) {
	for _, c := range []struct {
		name, spec, preset string
		batch              int
	}{{"quickstart", "../../specs/quickstart.snn", "", 50}, {"small", "../../specs/fs*.snn", "small", 64}} {
		b.Run(c.name, func(b *testing.B) {
			m := fromSpec(b, c.spec, c.preset)
			g := m.step(b)
			w := m.world(g, c.batch)
			p, err := plan.New(g, plan.Options{Batch: c.batch})
			if err != nil {
				b.Fatal(err)
			}
			pool := exec.NewPool(runtime.GOMAXPROCS(0))
			defer pool.Close()
			x, err := exec.New(p, pool)
			if err != nil {
				b.Fatal(err)
			}
			env, _ := w.env()
			for b.Loop() {
				if err := x.Run(env); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(p.Bytes())/1e6, "MB")
			b.ReportMetric(float64(c.batch)*float64(b.N)/b.Elapsed().Seconds(), "examples/s")
		})
	}
}
