//go:build linux

package exec_test

import (
	"runtime"
	"slices"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
)

// BenchmarkWithout is a training step of the benchmarks on one thread with all passes, and with each that does something there left out;
// docs/performance.md has its table.
func BenchmarkWithout(b *testing.B) {
	for _, c := range benches {
		b.Run(c.name, func(b *testing.B) {
			m := fromSpec(b, "../../specs/bench/"+c.spec+".snn", "")
			g := m.step(b)
			w := m.world(g, c.batch)
			names := []string{""}
			all, err := plan.New(g, plan.Options{Batch: c.batch})
			if err != nil {
				b.Fatal(err)
			}
			for _, pass := range all.Passes {
				if len(pass.Places) > 0 && slices.Contains(plan.Passes(), pass.Name) {
					names = append(names, pass.Name)
				}
			}
			for _, name := range names {
				b.Run("without "+name, func(b *testing.B) { step(b, g, w, name) })
			}
		})
	}
}

// step measures a training step without a pass, "" for none.
func step(b *testing.B, g *graph.Graph, w *world, without string) {
	o := plan.Options{Batch: w.n}
	if without != "" {
		o.Without = []string{without}
	}
	p, err := plan.New(g, o)
	if err != nil {
		b.Fatal(err)
	}
	pool := exec.NewPool(1)
	defer pool.Close()
	x, err := exec.New(p, pool)
	if err != nil {
		b.Fatal(err)
	}
	env, _ := w.env()
	if err := x.Run(env); err != nil { // memory is there now
		b.Fatal(err)
	}
	runtime.LockOSThread() // the one worker is the caller
	defer runtime.UnlockOSThread()
	var times []time.Duration
	for b.Loop() {
		begin := threadTime(b)
		if err := x.Run(env); err != nil {
			b.Fatal(err)
		}
		times = append(times, threadTime(b)-begin)
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)/2].Seconds()*1e3, "thread-ms/op")
	b.ReportMetric(float64(p.Bytes())/1e6, "MB")
}
