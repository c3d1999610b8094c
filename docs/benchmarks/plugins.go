package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// plugged is what it costs that a neuron comes from a plugin: the same network with the same neuron from all of them.
func plugged() group {
	g := group{
		name: "plugins", title: "Neurons from plugins", unit: "ms", rounds: 5,
		about: "A training step of two layers of convolution, batch norm and leaky neurons, T = 4, batch 32, blocks of 12.8 MB: with the neuron " +
			"that snnc brings, with the same equations from a plugin, and with plugins that compute it by themselves, in Go and in numpy. Those " +
			"keep real numbers for the way back where equations keep less, and they work in a process of their own. The last columns are " +
			"quotients of runs of one round.",
		contenders: []contender{{name: ours, title: "built-in", command: func(s *session) program { return s.plugged("equations", "--set", "fire=lif()") }}},
		rows:       []row{{figure: "train", title: "training step"}},
	}
	for _, c := range pluginKinds {
		g.contenders = append(g.contenders, contender{name: c.name, title: c.title, command: func(s *session) program { return s.plugged(c.name) }})
	}
	return g
}

// pluginKind is a plugin of a leaky neuron: what its folder is called, and the command of its manifest.
type pluginKind struct {
	name, title string
	command     []string
}

var pluginKinds = []pluginKind{
	{"equations", "equations of a plugin", []string{"./leaky", "equations"}},
	{"go", "opaque, in Go", []string{"./leaky", "opaque"}},
	{"numpy", "opaque, in numpy", []string{"python", "opaque.py", "bench/leaky", "leaky"}},
}

func (k pluginKind) manifest() string {
	return fmt.Sprintf("name = \"bench/leaky\"\nversion = \"0.3.1\"\ncommand = [\"%s\"]\n", strings.Join(k.command, `", "`))
}

// plugged is `snnc bench` of the network with one of the plugins.
func (s *session) plugged(plugin string, args ...string) program {
	p := s.bench(filepath.Join("docs", "benchmarks", "leaky", "network.snn"), "", s.times(40))
	p.argv = append(append(p.argv, "--plugin-dev", "bench/leaky="+s.plugin(plugin)), args...)
	p.env = []string{"PATH=" + filepath.Join(s.plugin("python"), "bin") + string(os.PathListSeparator) + os.Getenv("PATH")}
	return p
}

// opaques is what the calls of opaque operators cost beside what the plugin computes. Its figures are those of a benchmark of runtime/host.
func opaques() group {
	g := group{
		name: "opaque", title: "A block of 16 MB through opaque neurons", unit: "ms", rounds: 1,
		about: "T = 16, 64 examples of 4096 neurons, in eight calls at the same time. `dry` adds two numbers, and so does little more than read " +
			"and write the block; `leaky` is a leaky neuron. A step is what a plan waits for: the calls, and of spikes that each is 0 or 1. The " +
			"plugin's own time is that from the begin of its function's first call to the end of the last, in its process; in turns with it the " +
			"same step runs where the Go code of the neuron is called without a process. Medians; the least and the greatest of the medians of all repeats.",
		contenders: []contender{{name: ours, title: "snnc", command: func(s *session) program {
			return program{
				argv: []string{
					filepath.Join(s.options.cache, "host.test"), "-test.run=^$", "-test.bench=^BenchmarkOpaque$",
					"-test.benchtime=60x", fmt.Sprintf("-test.count=%d", s.times(usual)),
				},
				env:   []string{"SNNC_TEST_NUMPY=" + filepath.Join(s.plugin("python"), "bin", "python") + " " + filepath.Join(s.plugin("numpy"), "timed.py")},
				parse: func(output []byte) (measured, error) { return parseOpaque(output, s.threads) },
			}
		}}},
	}
	for _, k := range opaqueKinds {
		for _, what := range opaqueFigures {
			r := row{figure: k.name + " " + what}
			if what == aboveOwn {
				r.title, r.most = "16 MB through "+k.title+", above the plugin's own time", 2
			}
			g.rows = append(g.rows, r)
		}
	}
	return g
}

var opaqueKinds = []struct{ name, title string }{
	{"dry/go", "`dry` in Go"}, {"dry/numpy", "`dry` in numpy"}, {"leaky/go", "`leaky` in Go"}, {"leaky/numpy", "`leaky` in numpy"},
}

const aboveOwn = "above-own-ms"

// opaqueFigures are what the benchmark reports of each.
var opaqueFigures = []string{"process-ms", "own-ms", aboveOwn, "above-here-ms", "at-once"}

// opaqueLine is a line of that benchmark: BenchmarkOpaque/dry/go-2   60   9 ns/op   1.8 above-here-ms   0.7 above-own-ms ...
var opaqueLine = regexp.MustCompile(`^BenchmarkOpaque/(\w+/\w+?)(?:-\d+)?\s+\d+\s(.*)$`)

func parseOpaque(output []byte, threads int) (measured, error) {
	all := map[string][]float64{}
	for _, line := range strings.Split(string(output), "\n") {
		m := opaqueLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		words := strings.Fields(m[2])
		for i := 0; i+1 < len(words); i += 2 {
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				return measured{}, fmt.Errorf("read %q: %w", line, err)
			}
			if slices.Contains(opaqueFigures, words[i+1]) {
				name := m[1] + " " + words[i+1]
				all[name] = append(all[name], v)
			}
		}
	}
	out, err := gather(all)
	out.Threads = threads
	return out, err
}

// plugin is the folder of a plugin of the benchmarks, or of the environment in Python that they run in.
func (s *session) plugin(name string) string {
	return filepath.Join(s.options.cache, "plugins", name)
}

// plugins makes the plugins of the benchmarks, and the benchmark of opaque operators.
func (s *session) plugins(ctx context.Context) error {
	if err := s.environment(ctx, "python3", s.plugin("python"), filepath.Join(s.folder, "leaky", "requirements.txt")); err != nil {
		return err
	}
	for _, k := range pluginKinds {
		dir := s.plugin(k.name)
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("make a plugin: %w", err)
		}
		var err error
		if k.name == "numpy" {
			python := filepath.Join(s.root, "plugins", "python")
			if err = os.CopyFS(dir, os.DirFS(filepath.Join(python, "tests", "plugins", "opaque"))); err == nil {
				err = os.CopyFS(filepath.Join(dir, "snnc"), os.DirFS(filepath.Join(python, "snnc")))
			}
		} else {
			_, err = s.output(ctx, "go", "build", "-o", filepath.Join(dir, "leaky"), "./docs/benchmarks/leaky")
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "snn-plugin.toml"), []byte(k.manifest()), 0o666)
		}
		if err != nil {
			return fmt.Errorf("make a plugin: %w", err)
		}
	}
	_, err := s.output(ctx, "go", "test", "-c", "-o", filepath.Join(s.options.cache, "host.test"), "./runtime/host")
	return err
}

// quotients returns a contender's time over that of the built-in neuron, round by round.
func quotients(runs []run, contender string) []float64 {
	var out []float64
	for _, r := range of(runs, "plugins", contender) {
		for _, b := range of(runs, "plugins", ours) {
			if b.Round == r.Round {
				out = append(out, r.Figures["train"].Median/b.Figures["train"].Median)
			}
		}
	}
	return out
}

// pluginVerdicts hold equations of a plugin to the speed of built-in ones.
func pluginVerdicts(runs []run) []verdict {
	v := verdict{row: "equations of a plugin, training step", unit: "times built-in ones", must: 1.02, limit: true}
	if q := quotients(runs, "equations"); len(q) > 0 {
		v.measured, v.there = median(q), true
	}
	return []verdict{v}
}

// plugs prints the group of neurons from plugins.
func plugs(w *bytes.Buffer, runs []run, g group) {
	fmt.Fprint(w, "| | training step, ms | min to max | times built-in | min to max of rounds | peak memory, GB | firing rates | others took |\n|---|---|---|---|---|---|---|---|\n")
	for _, c := range g.contenders {
		f, ok := together(runs, g.name, c.name, "train")
		if !ok {
			fmt.Fprintf(w, "| %s | not measured | | | | | | |\n", c.title)
			continue
		}
		peak, others, rounds := int64(0), 0.0, of(runs, g.name, c.name)
		for _, r := range rounds {
			peak, others = max(peak, r.PeakBytes), max(others, r.Others)
		}
		fmt.Fprintf(w, "| %s | %s | %s to %s |", c.title, number(f.Median), number(f.Min), number(f.Max))
		if q := quotients(runs, c.name); c.name != ours && len(q) > 0 {
			fmt.Fprintf(w, " %.3f | %.3f to %.3f |", median(q), slices.Min(q), slices.Max(q))
		} else {
			fmt.Fprint(w, " | |")
		}
		fmt.Fprintf(w, " %.2f | %s | %.0f %% |\n", float64(peak)/1e9, span(rounds[0].Rates), 100*others)
	}
	fmt.Fprint(w, "\n")
}

// calls prints the group of opaque operators.
func calls(w *bytes.Buffer, runs []run, g group) {
	fmt.Fprint(w, "| | step, ms | its own time | above that | min to max | above the Go code without a process | min to max | calls at work at once |\n|---|---|---|---|---|---|---|---|\n")
	for _, k := range opaqueKinds {
		fmt.Fprintf(w, "| %s |", k.title)
		for _, what := range opaqueFigures {
			f, ok := together(runs, g.name, ours, k.name+" "+what)
			switch ranged := strings.HasPrefix(what, "above"); {
			case !ok && ranged:
				fmt.Fprint(w, " | |")
			case !ok:
				fmt.Fprint(w, " |")
			case ranged:
				fmt.Fprintf(w, " %s | %s to %s |", number(f.Median), number(f.Min), number(f.Max))
			default:
				fmt.Fprintf(w, " %s |", number(f.Median))
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprint(w, "\n")
}
