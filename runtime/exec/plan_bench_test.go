package exec_test

import (
	"runtime"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/plan/pass"
)

// TestFullSize: the step of SDDPM's 66.6 million parameters with the batch of its paper is planned within 16 GB, nothing
// computed twice, and planning it takes no more memory than its weights do.
func TestFullSize(t *testing.T) {
	g := fromSpec(t, "../../specs/sddpm.snn", "").step(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err := plan.New(g, plan.Options{Batch: 128, Memory: 16e9})
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if p.Bytes() > 16e9 || slices.ContainsFunc(p.Passes, func(x pass.Pass) bool { return x.Name == "recomputation" }) {
		t.Errorf("the step takes %d bytes, or computes something twice", p.Bytes())
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 66_568_413*4 {
		t.Errorf("planning takes %d bytes", took)
	}
}

// BenchmarkPlan plans training steps of specs at full size with batches of 128.
func BenchmarkPlan(b *testing.B) {
	for _, spec := range []string{"sddpm", "fsvae", "bench/sddpm"} {
		b.Run(spec, func(b *testing.B) {
			g := fromSpec(b, "../../specs/"+spec+".snn", "").step(b)
			b.ReportAllocs()
			for b.Loop() {
				p, err := plan.New(g, plan.Options{Batch: 128})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(p.Bytes())/1e6, "planned-MB")
			}
		})
	}
}
