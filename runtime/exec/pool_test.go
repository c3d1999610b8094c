package exec_test

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
)

// sums is a graph with enough work for many units.
func sums(t testing.TB) *graph.Graph {
	b := graph.NewBuilder("f", nil)
	x := b.Input("x", graph.Signal(4, 300))
	y := b.Op(graph.OpTanh, nil, b.Mul(x, x))
	b.Output("y", y)
	b.Output("sum", b.Reduce("sum", y, graph.TimeAxis, graph.BatchAxis, 0))
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestPool: programs that share a pool and run at the same time give what each gives alone; Close ends the workers.
func TestPool(t *testing.T) {
	before := runtime.NumGoroutine()
	g := sums(t)
	pool := exec.NewPool(4)
	w := filled(rand.New(rand.NewPCG(5, 5)), g, 33, 3)
	want := compiledOn(t, pool, g, 33)
	env, _ := w.env()
	if err := want.Run(env); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 3 {
		x := compiledOn(t, pool, g, 33)
		env, _ := w.env()
		wait.Go(func() {
			for range 50 {
				if err := x.Run(env); err != nil {
					t.Error(err)
				} else if !slices.Equal(bytes(x), bytes(want)) {
					t.Error("a shared pool gives other bytes")
				}
			}
		})
	}
	wait.Wait()
	time.Sleep(time.Millisecond) // long enough for the workers to park
	if err := want.Run(env); err != nil {
		t.Fatal(err)
	}
	pool.Close()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines are left, %d were there before", n, before)
	}
}

// TestTask: however many threads a pool has, a task's units are all done, each once, and doing them allocates nothing.
func TestTask(t *testing.T) {
	for _, threads := range []int{1, 2, 7} {
		pool := exec.NewPool(threads)
		done := make([]atomic.Int32, 1000)
		task := exec.NewTask(func(unit int) { done[unit].Add(1) })
		for _, units := range []int{0, 1, 3, len(done)} {
			for i := range done {
				done[i].Store(0)
			}
			pool.Do(task, units)
			for i := range done {
				if got := done[i].Load() == 1; got != (i < units) {
					t.Fatalf("%d threads, %d units: unit %d is done %d times", threads, units, i, done[i].Load())
				}
			}
		}
		if n := testing.AllocsPerRun(20, func() { pool.Do(task, 100) }); n != 0 {
			t.Errorf("%d threads: a task allocates %v times", threads, n)
		}
		pool.Close()
	}
}
