package main

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Shapes of the kernels that are compared: channels in and out, height and width, 3x3, stride 1.
var kernelShapes = []string{"32@32x32", "64@28x28", "64@32x32", "128@16x16", "256@8x8"}

var densities = []string{"5%", "10%", "20%", "40%"}

// The instruction sets that kernels are compared with: what each side calls it, and the contenders.
var instructions = []struct{ title, snnc, oneDNN, ours, peer string }{
	{"AVX-512", "avx512", "AVX512_CORE", "snnc", "onednn"},
	{"AVX2", "avx2", "AVX2", "snnc-avx2", "onednn-avx2"},
}

// dense is the kernels of real numbers, whose bars are shares of oneDNN's speed.
func dense() group {
	g := group{
		name: "dense", title: "Dense kernels", unit: "GFLOP/s", rounds: 1,
		about: "Convolutions of 3x3, fp32, one thread, by the processor time of that thread, on 128 images; oneDNN as Debian packages it. " +
			"dX of snnc is not timed apart: it is the kernel of forward on mirrored weights, and has its figure.",
	}
	for _, i := range instructions {
		g.contenders = append(g.contenders,
			contender{name: i.ours, title: "snnc, " + i.title, command: func(s *session) program {
				return s.kernel("^BenchmarkDense/^3x3@/^"+i.snnc+"$", i.snnc)
			}},
			contender{name: i.peer, title: "oneDNN, " + i.title, command: func(s *session) program { return s.oneDNN(i.oneDNN) }})
	}
	for _, shape := range kernelShapes {
		for _, what := range []string{"forward", "dX", "dW"} {
			r := row{figure: shape + " " + what, title: "dense " + shape + " " + what, must: against{best: 0.85}, target: against{best: 0.95}}
			if what == "dW" {
				r.must.best, r.target.best = 0.75, 0.90
			}
			g.rows = append(g.rows, r)
		}
	}
	return g
}

// events is the kernels of spikes, whose bars are multiples of the speed of oneDNN's dense ones, which the group dense has.
func events() group {
	g := group{
		name: "event", title: "Event kernels", unit: "GFLOP/s", rounds: 1,
		about: "The same convolutions of spikes, by how many of them are set, in operations that the dense product would have; spikes are " +
			"independent and random. Against oneDNN's dense convolution of the same instructions.",
	}
	for _, i := range instructions {
		g.contenders = append(g.contenders, contender{name: i.ours, title: "snnc, " + i.title, command: func(s *session) program {
			return s.kernel("^BenchmarkEvent/^3x3$/@/^"+i.snnc+"$", i.snnc)
		}})
	}
	bars := map[string][4]against{ // must and target of C >= 64, then of C = 32
		"forward 10%": {{best: 3.5}, {best: 4.5}, {best: 2}, {best: 2.6}},
		"forward 20%": {{best: 2.2}, {best: 2.8}, {best: 1.5}, {best: 1.8}},
		"dW 10%":      {{best: 3}, {best: 4}, {}, {}},
		"dW 20%":      {{best: 1.8}, {best: 2.2}, {}, {}},
	}
	for _, shape := range kernelShapes {
		for _, what := range []string{"forward", "dW"} {
			for _, density := range densities {
				r := row{figure: shape + " " + what + " " + density, title: "event " + shape + " " + what + ", " + density + " set"}
				bar := bars[what+" "+density]
				r.must, r.target = bar[0], bar[1]
				if strings.HasPrefix(shape, "32@") {
					r.must, r.target = bar[2], bar[3]
				}
				g.rows = append(g.rows, r)
			}
		}
	}
	return g
}

// kernels builds the benchmarks of runtime/kernel and the program of oneDNN.
func (s *session) kernels(ctx context.Context) error {
	if _, err := s.output(ctx, "go", "test", "-c", "-o", filepath.Join(s.options.cache, "kernel.test"), "./runtime/kernel"); err != nil {
		return err
	}
	_, err := s.output(ctx, "g++", "-O2", "-std=c++17", "-fopenmp", filepath.Join(s.folder, "peers", "onednn.cpp"), "-ldnnl",
		"-o", filepath.Join(s.options.cache, "onednn"))
	if err != nil {
		return fmt.Errorf("build peers/onednn.cpp (Debian: apt-get install g++ libdnnl-dev): %w", err)
	}
	return nil
}

func (s *session) oneDNN(isa string) program {
	return program{
		argv:  []string{filepath.Join(s.options.cache, "onednn"), fmt.Sprint(s.times(usual))},
		env:   []string{"OMP_NUM_THREADS=1", "ONEDNN_MAX_CPU_ISA=" + isa, "DNNL_MAX_CPU_ISA=" + isa},
		parse: lastLine,
	}
}

// kernel is the Go benchmarks whose names match, at a level.
func (s *session) kernel(match, level string) program {
	return program{
		argv: []string{
			filepath.Join(s.options.cache, "kernel.test"), "-test.run=^$", "-test.bench=" + match,
			"-test.benchtime=100ms", fmt.Sprintf("-test.count=%d", s.times(usual)), "-test.cpu=1",
		},
		env:   []string{"SNNC_CPU=" + level},
		parse: parseKernels,
	}
}

// kernelLine is a line of a benchmark of runtime/kernel:
//
//	BenchmarkDense/3x3@64x28/avx512                      12   9 ns/op   170 GFLOP/s
//	BenchmarkEventProduct/3x3/64@28x28/avx512/10%        12   9 ns/op   900 GFLOP/s
var kernelLine = regexp.MustCompile(`^Benchmark(\w+)/3x3(?:@(\d+)x(\d+)/\w+|/(\d+)@(\d+)x\d+/\w+/(\d+%))(?:-\d+)?\s.*?([\d.e+]+) GFLOP/s`)

// products are what the benchmarks compute, by name. The gradient of a dense product's operand is the same kernel on
// mirrored weights.
var products = map[string][]string{
	"Dense": {"forward", "dX"}, "DenseSums": {"dW"},
	"EventProduct": {"forward"}, "EventSums": {"dW"},
}

// parseKernels reads the output of Go benchmarks, several lines for each where they were counted several times.
func parseKernels(output []byte) (measured, error) {
	all := map[string][]float64{}
	for _, line := range strings.Split(string(output), "\n") {
		m := kernelLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		rate, err := strconv.ParseFloat(m[7], 64)
		if err != nil {
			return measured{}, fmt.Errorf("read %q: %w", line, err)
		}
		for _, what := range products[m[1]] {
			name := strings.TrimSpace(fmt.Sprintf("%s@%[2]sx%[2]s %s %s", m[2]+m[4], m[3]+m[5], what, m[6]))
			all[name] = append(all[name], rate)
		}
	}
	return gather(all)
}

// dense returns the row of the group dense that a row of kernels is compared with: without the density.
func (r row) dense() string {
	words := strings.Fields(r.figure)
	return strings.Join(words[:2], " ")
}
