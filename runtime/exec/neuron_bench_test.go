//go:build linux

package exec_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// neurons are a leaky one with the surrogate 1 / (1 + (pi u)^2), and one with a threshold that rises by spikes and falls back.
const neurons = `graph 1

equation "leaky" spikes {
  input x
  state v = 0.0
  %0 = sub %x %v : f32[]
  %1 = constant value=0.5 : f32[]
  %2 = mul %0 %1 : f32[]
  %3 = add %v %2 : f32[]
  %4 = constant value=1.0 : f32[]
  %5 = sub %3 %4 : f32[]
  %6 = constant value=3.1415927410125732 : f32[]
  %7 = mul %5 %6 : f32[]
  %8 = mul %7 %7 : f32[]
  %9 = add %8 %4 : f32[]
  %10 = div %4 %9 : f32[]
  %11 = spike %3 %4 %10 : bit[]
  %12 = stop %11 : bit[]
  %13 = constant value=0.0 : f32[]
  %14 = where %12 %13 %3 : f32[]
  emit %11
  next v %14
}

equation "adaptive" spikes {
  input x
  state v = 0.0
  state a = 0.0
  %0 = sub %x %v : f32[]
  %1 = constant value=0.5 : f32[]
  %2 = mul %0 %1 : f32[]
  %3 = add %v %2 : f32[]
  %4 = constant value=1.0 : f32[]
  %15 = add %4 %a : f32[]
  %5 = sub %3 %15 : f32[]
  %6 = constant value=3.1415927410125732 : f32[]
  %7 = mul %5 %6 : f32[]
  %8 = mul %7 %7 : f32[]
  %9 = add %8 %4 : f32[]
  %10 = div %4 %9 : f32[]
  %11 = spike %3 %15 %10 : bit[]
  %12 = stop %11 : bit[]
  %13 = constant value=0.0 : f32[]
  %14 = where %12 %13 %3 : f32[]
  %16 = constant value=0.9 : f32[]
  %17 = mul %a %16 : f32[]
  %18 = constant value=0.1 : f32[]
  %19 = where %12 %18 %13 : f32[]
  %20 = add %17 %19 : f32[]
  emit %11
  next v %14
  next a %20
}
`

// BenchmarkNeuron is a layer of 802,816 neurons alone, forward to spikes and backward from the gradient by them to that by
// the input, on one thread. It reports the median of the thread's own time, in ns for a neuron and step.
func BenchmarkNeuron(b *testing.B) {
	m, err := graph.Parse(neurons)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range m.Equations {
		for _, steps := range []int{4, 16, 64} {
			for _, op := range []graph.Op{graph.OpEquation, graph.OpEquationGrad} {
				name := map[graph.Op]string{graph.OpEquation: "forward", graph.OpEquationGrad: "backward"}[op]
				b.Run(fmt.Sprintf("%s/T%d/%s", e.Name, steps, name), func(b *testing.B) {
					x := graph.Signal(steps, 64, 28, 28)
					build := graph.NewBuilder("f", nil)
					args := []graph.Value{build.Input("x", x)}
					if op == graph.OpEquationGrad {
						args = append(args, build.Input("dy", x))
					}
					build.Output("y", build.Equation(op, e, graph.Attrs{"label": "n"}, args...)[0])
					g, err := build.Finish()
					if err != nil {
						b.Fatal(err)
					}
					const batch = 16
					p, err := plan.New(g, plan.Options{Batch: batch})
					if err != nil {
						b.Fatal(err)
					}
					pool := exec.NewPool(1)
					defer pool.Close()
					run, err := exec.New(p, pool)
					if err != nil {
						b.Fatal(err)
					}
					env := &exec.Env{Inputs: map[string]*tensor.Tensor{}}
					r := rand.New(rand.NewPCG(3, 4))
					for _, in := range g.Inputs {
						t := tensor.New(x, batch)
						for i := range t.F32 {
							t.F32[i] = r.Float32() * 2
						}
						env.Inputs[in.Text("name")] = t
					}
					runtime.LockOSThread()
					defer runtime.UnlockOSThread()
					var times []time.Duration
					for b.Loop() {
						start := threadTime(b)
						if err := run.Run(env); err != nil {
							b.Fatal(err)
						}
						times = append(times, threadTime(b)-start)
					}
					slices.Sort(times)
					b.ReportMetric(float64(times[len(times)/2])/float64(steps*batch*64*28*28), "ns/step")
				})
			}
		}
	}
}

// threadTime returns the processor time of the thread.
func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
