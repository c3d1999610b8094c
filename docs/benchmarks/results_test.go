package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// results.md and speed.svg are what the measurements in raw give.
func TestWritten(t *testing.T) {
	runs, err := readRuns("raw")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"results.md": results(runs), "speed.svg": plot(runs)} {
		have, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not what raw gives: go run ./docs/benchmarks --render", name)
		}
	}
}

// Every number of a row is where a reader looks for it; what was lost, disturbed or not measured is said.
func TestGolden(t *testing.T) {
	at := func(v float64) figure { return figure{Median: v, Min: v - 1, Max: v + 2, Repeats: 5} }
	make := func(group, contender string, round int, others float64, figures map[string]figure) run {
		return run{
			Group: group, Contender: contender, Round: round, PeakBytes: 1_500_000_000, Seconds: 9, Others: others,
			Processor: "A processor", Cores: 2, Revision: "0123abc", Date: "2026-01-02 03:04",
			measured: measured{Figures: figures, Rates: []float64{0.125, 0.25}, Threads: 2, Versions: map[string]string{"torch": "1"}},
		}
	}
	runs := []run{
		make("stack", ours, 1, 0.01, map[string]figure{"train": at(100), "forward": at(40)}),
		make("stack", ours, 2, 0.01, map[string]figure{"train": at(200), "forward": at(60)}),
		make("stack", eager, 1, 0.02, map[string]figure{"train": at(600), "forward": at(125)}),
		make("stack", "compile", 1, 0.5, map[string]figure{"train": at(400), "forward": at(90)}),
		make("stack", "compile-bf16", 1, 0, map[string]figure{"train": at(50), "forward": at(20)}),
		make("dense", ours, 1, 0, map[string]figure{"64@28x28 forward": at(180)}),
		make("dense", "onednn", 1, 0, map[string]figure{"64@28x28 forward": at(200)}),
		make("event", ours, 1, 0, map[string]figure{"64@28x28 forward 10%": at(600)}),
		make("neurons", ours, 1, 0, map[string]figure{
			"leaky T4 forward": at(1), "leaky T4 backward": at(1), "adaptive T4 forward": at(1), "adaptive T4 backward": at(3),
		}),
		make("plugins", ours, 1, 0, map[string]figure{"train": at(50)}),
		make("plugins", "equations", 1, 0, map[string]figure{"train": at(51)}),
		make("plugins", ours, 2, 0, map[string]figure{"train": at(100)}),
		make("plugins", "equations", 2, 0, map[string]figure{"train": at(104)}),
		make("opaque", ours, 1, 0, map[string]figure{
			"dry/go process-ms": at(8), "dry/go own-ms": at(7), "dry/go above-own-ms": at(0.5), "dry/go above-here-ms": at(2), "dry/go at-once": at(1.5),
			"leaky/go above-own-ms": at(2.5),
		}),
		make("trained", "start", 1, 0, map[string]figure{"start": at(0.25)}),
	}
	runs[len(runs)-1].Layers = []layer{{"network.0.fire", 0.1, 0.2}}
	runs = append(runs, make("loihi", ours, 1, 0, map[string]figure{"step": at(2)}), make("loihi", "lava", 1, 0, map[string]figure{"step": at(60)}))
	trained := make("trained", "classifier", 1, 0, map[string]figure{"classifier epoch": at(61)})
	trained.Layers = []layer{{"network.0.fire", 0.1, 0.2}}
	runs = append(runs, trained)
	for name, have := range map[string][]byte{"results.md": results(runs), "speed.svg": plot(runs)} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, have, 0o666); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not the golden one; have\n%s", name, have)
		}
	}
	verdict := func(row, against string) verdict {
		for _, v := range verdicts(runs) {
			if v.row == row && strings.HasPrefix(v.against, against) {
				return v
			}
		}
		t.Fatalf("no bar of %s", row)
		return verdict{}
	}
	for _, c := range []struct {
		row, against  string
		measured      float64
		there, must   bool
		name          string
		reachesTarget bool
	}{
		{"stack, training step", "SpikingJelly", 600.0 / 150, true, true, "", true},
		{"stack, training step", "best", 400.0 / 150, true, true, "torch.compile fp32", false}, // bf16 does not count
		{"stack, forward", "SpikingJelly", 125.0 / 50, true, false, "", false},
		{"dense 64@28x28 forward", "oneDNN AVX-512", 0.9, true, true, "", false},
		{"dense 64@28x28 dX", "oneDNN AVX-512", 0, false, false, "", false},
		{"event 64@28x28 forward, 10% set", "oneDNN AVX-512", 3, true, false, "", false},
		{"adaptive neuron of two states, forward and backward, T4", "", 2, true, false, "", false},
		{"adaptive neuron of two states, forward and backward, T16", "", 0, false, false, "", false},
		{"equations of a plugin, training step", "", 1.03, true, false, "", false},
		{"16 MB through `dry` in Go, above the plugin's own time", "", 0.5, true, true, "", false},
		{"16 MB through `leaky` in Go, above the plugin's own time", "", 2.5, true, false, "", false},
		{"16 MB through `dry` in numpy, above the plugin's own time", "", 0, false, false, "", false},
		{"quickstart, from the command to the end of the first update", "", 0.25, true, true, "", false},
		{"classifier, an epoch of 10,000 images", "", 61, true, false, "", false},
		{"Loihi, a step of 131,072 compartments at 5 %", "", 2, true, true, "", false},
		{"TrueNorth, a tick of a chip at 20 Hz, 1 ms on the chip", "", 0, false, false, "", false},
	} {
		v := verdict(c.row, c.against)
		if v.there != c.there || c.there && v.measured != c.measured || v.held(v.must) != c.must || v.held(v.target) != c.reachesTarget || !strings.Contains(v.against, c.name) {
			t.Errorf("%s against %s: %+v, want %v, held %v, target %v", c.row, c.against, v, c.measured, c.must, c.reachesTarget)
		}
	}
}

// What the command would run is there: specs with the parameters that the peers' networks have, and the peers' programs.
func TestGroups(t *testing.T) {
	s := &session{root: "../..", folder: ".", threads: 2, options: options{cache: t.TempDir(), repeat: 5}}
	snnc := filepath.Join(t.TempDir(), "snnc")
	if out, err := exec.Command("go", "build", "-o", snnc, "../../cmd/snnc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sameEquations(t, snnc)
	var names []string
	for _, g := range groups() {
		if slices.Contains(names, g.name) {
			t.Errorf("two groups are called %s", g.name)
		}
		names = append(names, g.name)
		for _, c := range g.contenders {
			argv := c.command(s).argv
			for _, a := range argv {
				if ext := filepath.Ext(a); ext == ".snn" {
					if _, err := os.Stat(filepath.Join(s.root, a)); err != nil {
						t.Errorf("%s: %v", g.name, err)
					}
				} else if ext == ".py" {
					if _, err := os.Stat(a); err != nil {
						t.Errorf("%s: %v", g.name, err)
					}
				}
			}
			if c.name != ours || g.parameters == 0 {
				continue
			}
			args := []string{"plan", "--json", argv[2]}
			for i, a := range argv {
				if a == "--set" {
					args = append(args, a, argv[i+1])
				}
			}
			cmd := exec.Command(snnc, args...)
			cmd.Dir = s.root
			out, err := cmd.Output()
			if err != nil {
				t.Errorf("%v: %v", args, err)
				continue
			}
			var plan struct{ Models []struct{ Parameters int } }
			if err := json.Unmarshal(out, &plan); err != nil {
				t.Fatal(err)
			}
			if len(plan.Models) != 1 || plan.Models[0].Parameters != g.parameters {
				t.Errorf("%s has the models %v, and its peers %d parameters", argv[2], plan.Models, g.parameters)
			}
		}
	}
}

// sameEquations: the equations of the benchmarks' plugin are those of the built-in neuron: the texts are the same but for the name, and so is everything
// that is planned of a training with either, step by step.
func sameEquations(t *testing.T, snnc string) {
	own, err := os.ReadFile(filepath.Join("leaky", "leaky.snn"))
	if err != nil {
		t.Fatal(err)
	}
	builtin, err := os.ReadFile(filepath.Join("..", "..", "plugins", "neurons", "lif", "lif.snn"))
	if err != nil {
		t.Fatal(err)
	}
	if string(own) != strings.Replace(string(builtin), "neuron lif(", "neuron leaky(", 1) {
		t.Errorf("leaky.snn has other equations than\n%s", builtin)
	}
	dir := t.TempDir()
	manifest := pluginKinds[0].manifest()
	if err := os.WriteFile(filepath.Join(dir, "snn-plugin.toml"), []byte(manifest), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, "leaky"), "./leaky").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var plans []string
	for _, set := range [][]string{nil, {"--set", "fire=lif()"}} {
		args := append([]string{"plan", "--steps", filepath.Join("leaky", "network.snn"), "--plugin-dev", "bench/leaky=" + dir}, set...)
		var errs bytes.Buffer
		cmd := exec.Command(snnc, args...)
		cmd.Stderr = &errs
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, errs.String())
		}
		plans = append(plans, string(out))
	}
	if plans[0] != plans[1] || !strings.Contains(plans[0], "equation") {
		t.Errorf("a training with equations of a plugin is planned as\n%s\nand with built-in ones as\n%s", plans[0], plans[1])
	}
}
