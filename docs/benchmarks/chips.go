package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// compartments are those of the group loihi: all of a chip.
const compartments = 131_072

// chips are the emulators of chips.
func chips() []group {
	return []group{
		{
			name: "loihi", title: "Emulated Loihi", unit: "ms", rounds: 2,
			about: "A step of 131,072 compartments, all of a chip, in the chip's integers: 5 % are made to spike, and each has synapses onto 64 " +
				"others anywhere. lava's LIF in fixed point and brian2-loihi emulate the same chip; brian2-loihi has its code run by Cython, which is " +
				"faster than numpy here. lava keeps no count of spikes that costs it nothing, so its rate is not shown.",
			contenders: []contender{
				{name: ours, title: "snnc", command: func(s *session) program { return s.chip("loihi", "^BenchmarkStep$/^workers=2$") }},
				{name: "lava", title: "lava, fixed-point LIF", best: true, command: func(s *session) program { return s.emulator("lava") }},
				{name: "brian2", title: "brian2-loihi, Cython", best: true, command: func(s *session) program { return s.emulator("brian2") }},
			},
			rows: []row{{figure: "step", title: "Loihi, a step of 131,072 compartments at 5 %", most: 1e3 * compartments / 50e6}},
		},
		{
			name: "truenorth", title: "Emulated TrueNorth", unit: "ms", rounds: 2,
			about: "A tick of one chip: 1,048,576 neurons that spike at 20 Hz, 128 active synapses each, random destinations. A tick is 1 ms on the " +
				"chip. No other emulator of it can be installed from a package.",
			contenders: []contender{{name: ours, title: "snnc", command: func(s *session) program { return s.chip("truenorth", "^BenchmarkChip$/^all$") }}},
			rows:       []row{{figure: "step", title: "TrueNorth, a tick of a chip at 20 Hz, 1 ms on the chip", most: 1}},
		},
	}
}

// chip is a Go benchmark of the emulator of a target.
func (s *session) chip(target, match string) program {
	return program{
		argv: []string{
			filepath.Join(s.options.cache, target+".test"), "-test.run=^$", "-test.bench=" + match,
			"-test.benchtime=2s", fmt.Sprintf("-test.count=%d", s.times(usual)),
		},
		parse: func(output []byte) (measured, error) { return parseChip(output, s.threads) },
	}
}

// emulator is a program of peers/chips, in an environment of its own.
func (s *session) emulator(name string) program {
	return program{
		argv:  []string{filepath.Join(s.options.cache, name, "bin", "python"), filepath.Join(s.folder, "peers", "chips", name+"_lif.py"), "--repeat", fmt.Sprint(s.times(usual))},
		env:   []string{"PYTHONDONTWRITEBYTECODE=1"},
		parse: lastLine,
	}
}

// chipLine is a line of these benchmarks: BenchmarkStep/workers=2-2   1309   1854231 ns/op   1.854 ms/step   0.0503 rate.
var chipLine = regexp.MustCompile(`^Benchmark(?:Step|Chip)/\S+\s.*?([\d.e+-]+) ms/step(?:\s.*?([\d.e+-]+) rate)?`)

func parseChip(output []byte, threads int) (measured, error) {
	all := map[string][]float64{}
	rate := 0.0
	for _, line := range strings.Split(string(output), "\n") {
		m := chipLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		v, err := strconv.ParseFloat(m[1], 64)
		if err == nil && m[2] != "" {
			rate, err = strconv.ParseFloat(m[2], 64)
		}
		if err != nil {
			return measured{}, fmt.Errorf("read %q: %w", line, err)
		}
		all["step"] = append(all["step"], v)
	}
	out, err := gather(all)
	if out.Threads = threads; rate > 0 {
		out.Rates = []float64{rate}
	}
	return out, err
}

// emulators builds the benchmarks of the targets, and the environments of their peers. lava has no release for Pythons after 3.10.
func (s *session) emulators(ctx context.Context) error {
	for _, target := range []string{"loihi", "truenorth"} {
		if _, err := s.output(ctx, "go", "test", "-c", "-o", filepath.Join(s.options.cache, target+".test"), "./plugins/targets/"+target+"/emulator"); err != nil {
			return err
		}
	}
	for _, name := range []string{"lava", "brian2"} {
		if err := s.environment(ctx, "python3.10", filepath.Join(s.options.cache, name), filepath.Join(s.folder, "peers", "chips", name+".txt")); err != nil {
			return err
		}
	}
	return nil
}

// emulations prints a group: a line for each contender.
func emulations(w *bytes.Buffer, runs []run, g group) {
	fmt.Fprint(w, "| | step, ms | min to max | snnc is faster | firing rate | peak memory, GB | processor | others took |\n|---|---|---|---|---|---|---|---|\n")
	mine, _ := together(runs, g.name, ours, "step")
	for _, c := range g.contenders {
		f, ok := together(runs, g.name, c.name, "step")
		if !ok {
			fmt.Fprintf(w, "| %s | not measured | | | | | | |\n", c.title)
			continue
		}
		faster, peak, others := "", int64(0), 0.0
		if c.name != ours && mine.Median > 0 {
			faster = factor(f.Median/mine.Median) + " x"
		}
		rounds := of(runs, g.name, c.name)
		for _, r := range rounds {
			peak, others = max(peak, r.PeakBytes), max(others, r.Others)
		}
		fmt.Fprintf(w, "| %s | %s | %s to %s | %s | %s | %.2f | %s | %.0f %% |\n", c.title, number(f.Median), number(f.Min), number(f.Max), faster,
			span(rounds[0].Rates), float64(peak)/1e9, rounds[0].Processor, 100*others)
	}
	fmt.Fprint(w, "\n")
}
