package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var neuronSteps = []string{"T4", "T16", "T64"}

// neurons is what equations cost that a spec may have, beside those of a leaky neuron. Its rows are the benchmarks of
// runtime/exec by name.
func neurons() group {
	g := group{
		name: "neurons", title: "Neurons as equations", unit: "ns", rounds: 1,
		about: "Nanoseconds for each of 802,816 neurons and time steps, one thread, by the processor time of that thread: a leaky neuron of one " +
			"state, and one of two states whose threshold rises by spikes, both as equations. A neuron that snnc brings becomes such equations as well.",
		contenders: []contender{{name: ours, title: "snnc", command: func(s *session) program {
			return program{
				argv: []string{
					filepath.Join(s.options.cache, "exec.test"), "-test.run=^$", "-test.bench=^BenchmarkNeuron$",
					"-test.benchtime=100ms", fmt.Sprintf("-test.count=%d", s.times(usual)), "-test.cpu=1",
				},
				parse: parseNeurons,
			}
		}}},
	}
	for _, steps := range neuronSteps {
		for _, neuron := range []string{"leaky", "adaptive"} {
			for _, way := range []string{"forward", "backward"} {
				g.rows = append(g.rows, row{figure: neuron + " " + steps + " " + way})
			}
		}
	}
	return g
}

// neuronLine is a line of that benchmark: BenchmarkNeuron/leaky/T4/forward   12   9 ns/op   0.5 ns/step.
var neuronLine = regexp.MustCompile(`^BenchmarkNeuron/(\w+)/(T\d+)/(\w+?)(?:-\d+)?\s.*?([\d.e+-]+) ns/step`)

func parseNeurons(output []byte) (measured, error) {
	all := map[string][]float64{}
	for _, line := range strings.Split(string(output), "\n") {
		m := neuronLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v, err := strconv.ParseFloat(m[4], 64)
		if err != nil {
			return measured{}, fmt.Errorf("read %q: %w", line, err)
		}
		name := strings.Join(m[1:4], " ")
		all[name] = append(all[name], v)
	}
	return gather(all)
}

// gather makes figures of the lines of Go benchmarks, which are counted several times, on one thread.
func gather(all map[string][]float64) (measured, error) {
	if len(all) == 0 {
		return measured{}, fmt.Errorf("no benchmark ran")
	}
	out := measured{Threads: 1, Figures: map[string]figure{}}
	for name, values := range all {
		out.Figures[name] = figure{Median: median(values), Min: slices.Min(values), Max: slices.Max(values), Repeats: len(values)}
	}
	return out, nil
}

// buildNeurons builds the benchmarks of runtime/exec.
func (s *session) buildNeurons(ctx context.Context) error {
	_, err := s.output(ctx, "go", "test", "-c", "-o", filepath.Join(s.options.cache, "exec.test"), "./runtime/exec")
	return err
}

// both returns what a neuron takes forward and backward.
func both(runs []run, neuron, steps string) (float64, bool) {
	f, ok := together(runs, "neurons", ours, neuron+" "+steps+" forward")
	b, ok2 := together(runs, "neurons", ours, neuron+" "+steps+" backward")
	return f.Median + b.Median, ok && ok2
}

// neuronVerdicts compares the neuron of two states with that of one.
func neuronVerdicts(runs []run) []verdict {
	var out []verdict
	for _, steps := range neuronSteps {
		one, ok := both(runs, "leaky", steps)
		two, ok2 := both(runs, "adaptive", steps)
		out = append(out, verdict{
			row: "adaptive neuron of two states, forward and backward, " + steps, unit: "times a leaky one", must: 1.5, limit: true,
			measured: two / one, there: ok && ok2,
		})
	}
	return out
}

// equations prints the group.
func equations(w *bytes.Buffer, runs []run) {
	fmt.Fprint(w, "| ns | leaky, forward | backward | adaptive, forward | backward | times leaky |\n|---|---|---|---|---|---|\n")
	for _, steps := range neuronSteps {
		fmt.Fprintf(w, "| %s |", steps)
		for _, neuron := range []string{"leaky", "adaptive"} {
			for _, way := range []string{"forward", "backward"} {
				f, _ := together(runs, "neurons", ours, neuron+" "+steps+" "+way)
				fmt.Fprintf(w, " %.2f |", f.Median)
			}
		}
		one, _ := both(runs, "leaky", steps)
		two, _ := both(runs, "adaptive", steps)
		fmt.Fprintf(w, " %.2f |\n", two/one)
	}
	fmt.Fprint(w, "\n")
}
