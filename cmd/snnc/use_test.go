package main

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const useSpec = `snn 1

use "acme/adaptive" as adaptive, version "~> 0.3"

data digits = optdigits(range = 0..1)
neuron fire = adaptive(step = 0.2)

network net(image: real[1, 8, 8]) -> real[10] {
    return image -> encode(direct(steps = 4)) -> flatten -> linear(32) -> fire -> linear(10) -> decode(mean)
}
model m = supervised(network = net)
train m { data = digits, batch = 100, epochs = 1, optimizer = adam(rate = 5e-3) }
`

// builtPlugin builds a plugin of testdata in a folder of its own.
func builtPlugin(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(dir, name), "./testdata/"+name).CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// A neuron of a plugin that somebody develops trains like a built-in one.
func TestUse(t *testing.T) {
	dir := t.TempDir()
	plugin := builtPlugin(t, "adaptive")
	write(t, filepath.Join(dir, "a.snn"), useSpec)
	mustRun(t, snnc(t, dir, nil, "run", "a.snn", "--plugin-dev", "acme/adaptive="+plugin))
	text, err := os.ReadFile(filepath.Join(dir, "runs", "a", "events.jsonl"))
	if err != nil || !strings.Contains(string(text), `"network.0.fire":0`) {
		t.Errorf("the events have no firing rate of the plugin's neuron: %v", err)
	}
	out, err := snnc(t, dir, nil, "check", "a.snn").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--plugin-dev acme/adaptive=DIR") {
		t.Errorf("without the flag: %v\n%s", err, out)
	}
	// An imported file may use the plugin as well as the spec, and by the same name.
	use, rest, _ := strings.Cut(strings.TrimPrefix(useSpec, "snn 1\n\n"), "\n")
	neuron := regexp.MustCompile(`(?m)^neuron .*\n`).FindString(rest)
	write(t, filepath.Join(dir, "part.snn"), "snn 1\n"+use+"\n"+neuron)
	for name, text := range map[string]string{
		"apart.snn": "snn 1\nimport \"part.snn\"\n" + strings.Replace(rest, neuron, "", 1),
		"both.snn":  "snn 1\nimport \"part.snn\"\n" + use + "\n" + strings.Replace(rest, neuron, "neuron slow = adaptive(step = 0.2)\n", 1),
	} {
		write(t, filepath.Join(dir, name), text)
		if out, err := snnc(t, dir, nil, "check", name, "--plugin-dev", "acme/adaptive="+plugin).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	out, err = snnc(t, dir, nil, "run", "apart.snn", "--out", "runs/a", "--plugin-dev", "acme/adaptive="+plugin).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "train m: done already") {
		t.Errorf("the same spec in two files: %v\n%s", err, out)
	}
}

// A neuron that its plugin computes trains as the same neuron in equations does: its membrane is the same, and gradients that round in
// another order move losses and accuracy by less than two in a hundred. What it refuses is told.
func TestUseOpaque(t *testing.T) {
	dir, plugin := t.TempDir(), builtPlugin(t, "leap")
	text := strings.NewReplacer(`use "acme/adaptive" as adaptive`, `use "acme/leap" as leap`, "adaptive(step = 0.2)", "leap(tau = 2 steps)").Replace(useSpec) +
		"evaluate m { metrics = [accuracy] }\n"
	write(t, filepath.Join(dir, "a.snn"), text)
	write(t, filepath.Join(dir, "b.snn"), strings.NewReplacer(`use "acme/leap" as leap, version "~> 0.3"`, "", "leap(tau = 2 steps)", "lif(tau = 2 steps)").Replace(text))
	dev := []string{"--plugin-dev", "acme/leap=" + plugin}
	figures := func(name string, flags ...string) (numbers []float64) {
		out, err := snnc(t, dir, nil, append([]string{"run", name}, flags...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, m := range regexp.MustCompile(`(?m)(?:total|accuracy =) ([0-9.]+)`).FindAllStringSubmatch(string(out), -1) {
			v, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, v)
		}
		return numbers
	}
	got, want := figures("a.snn", dev...), figures("b.snn")
	if len(got) != 2 || len(want) != 2 {
		t.Fatalf("a loss and an accuracy: %v, and in equations %v", got, want)
	}
	for i, v := range want {
		if math.Abs(got[i]-v) > 0.02*v {
			t.Errorf("computed by its plugin %v, in equations %v", got, want)
		}
	}
	out, err := snnc(t, dir, nil, append([]string{"check", "a.snn", "--set", "fire=leap(tau = 0.5 steps)"}, dev...)...).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a membrane of less than a step overshoots") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A plugin is checked and tested; the status says whether something failed.
func TestPluginTest(t *testing.T) {
	dir, plugin := t.TempDir(), builtPlugin(t, "leap")
	out, err := snnc(t, dir, nil, "plugin", "test", plugin, "--use", "leap(tau = 3 steps)").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(out), "acme/leap 0.3.1\n  manifest     ok\n") || !strings.Contains(string(out), "neuron leap(tau = 3 steps)\n") ||
		!strings.HasSuffix(string(out), "\nnothing failed\n") {
		t.Errorf("%v\n%s", err, out)
	}
	if strings.Contains(said(t, snnc(t, dir, nil, "plugin", "check", plugin), 0), "gradient") {
		t.Error("check tests what the plugin computes")
	}
	write(t, filepath.Join(plugin, "snn-plugin.toml"), "name = \"acme/leap\"\nversion = \"0.4.0\"\ncommand = [\"./leap\"]\n")
	if out := said(t, snnc(t, dir, nil, "plugin", "check", plugin), 1); !strings.Contains(out, `version "0.3.1", and its manifest "0.4.0": write the same version`) || !strings.HasSuffix(out, "\n1 failure\n") {
		t.Error(out)
	}
	said(t, snnc(t, dir, nil, "plugin", "test", plugin, "--timeout", "0s"), 2)
}

// said runs a command that ends with a status, and returns what it prints.
func said(t *testing.T, c *exec.Cmd, status int) string {
	t.Helper()
	out, _ := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != status {
		t.Errorf("status %d, want %d:\n%s", got, status, out)
	}
	return string(out)
}

const coderSpec = `snn 1

use "acme/scoring" as scoring

param width: int = 8

data   digits = optdigits(range = 0..1)
neuron fire   = lif
coder  now    = direct(steps = 3)
coder  scored = scoring(width = width)

network encoder(image: real[1, 8, 8]) -> spikes[16] { return image -> encode(now) -> flatten -> linear(64) -> batchnorm -> fire -> linear(16) -> batchnorm -> fire }
network posterior(f: spikes[16], z: spikes[16]) -> spikes[64] { return concat(f, z) -> linear(64) -> batchnorm -> fire }
network prior(z: spikes[16]) -> spikes[64] { return z -> linear(64) -> batchnorm -> fire }
network shown(z: spikes[16]) -> real[64] { return z -> linear(64) -> sigmoid -> decode(scored) }
network decoder(z: spikes[16]) -> real[1, 8, 8] { return z -> shown -> reshape(1, 8, 8) }
model m = vae(encoder = encoder, decoder = decoder, latent = bernoulli(posterior = posterior, prior = prior, choose = 4))
train m { data = digits, batch = 100, epochs = 2, optimizer = adam(rate = 5e-3) }
sample m { count = 4, replace = [now(steps = 5)] }
`

// A coder of a plugin that is a graph is counted, trained and kept with its weights, at the steps of the role that it is in and
// at those that an action replaces them by. What its plugin complains of is shown at its argument.
func TestCoderPlugin(t *testing.T) {
	dir, plugin := t.TempDir(), builtPlugin(t, "scoring")
	write(t, filepath.Join(dir, "a.snn"), coderSpec)
	dev := "acme/scoring=" + plugin
	said := func(args ...string) string {
		out, err := snnc(t, dir, nil, append(args, "--plugin-dev", dev)...).CombinedOutput()
		if err != nil && args[0] != "check" {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	// Query and key are 8 times 64 numbers each, once in the decoder. The networks besides: 64 64 + 64 + 64 16 + 16, 32 64 + 64
	// and twice 16 64 + 64, and 2 208 of normalisations.
	if out := said("plan", "--json", "a.snn"); !strings.Contains(out, `"kind":"decode","shape":[64],"parameters":1024`) ||
		!strings.Contains(out, `"parameters":10928,"frozen":0`) {
		t.Errorf("plan: %s", out)
	}
	said("run", "a.snn", "--out", "whole")
	said("run", "a.snn", "--out", "parts", "--set", "train.m.epochs=1")
	said("run", "a.snn", "--out", "parts")
	saved := func(run, step string) string {
		text, err := os.ReadFile(filepath.Join(dir, run, "checkpoints", "m-"+step+".safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	const first, last = "000000000014", "000000000028"
	if saved("whole", last) != saved("parts", last) {
		t.Error("a training that is gone on with ends elsewhere")
	}
	for _, name := range []string{"query", "key"} {
		if a, b := tensor(t, saved("whole", first), "decoder.0.shown.0.scored."+name), tensor(t, saved("whole", last), "decoder.0.shown.0.scored."+name); len(a) != 4*8*64 || a == b {
			t.Errorf("%s, %d bytes, is not trained", name, len(a))
		}
	}
	want := `error[SNN0402]: ` + "`width`" + ` is 100, and there are only 64 values to score
  --> a.snn:10:25
   |
10 | coder  scored = scoring(width = width)
   |                         ^^^^^^^^^^^^^
   |
   = help: write ` + "`width = 64`, or less\n" + `   = note: so says coder ` + "`scoring` (1.2.0) of signal[64]\n"
	if out := said("check", "a.snn", "--set", "width=100"); !strings.HasPrefix(out, want) { // what holds plugins was told before
		t.Errorf("check says\n%s\nwant\n%s", out, want)
	}
}

// tensor returns the bytes of a tensor of a safetensors file: a length, a table of that length as JSON, the bytes.
func tensor(t *testing.T, file, name string) string {
	t.Helper()
	n := binary.LittleEndian.Uint64([]byte(file[:8]))
	var table map[string]struct {
		At [2]int `json:"data_offsets"`
	}
	text := strings.NewReader(file[8 : 8+n])
	if err := json.NewDecoder(text).Decode(&table); err != nil {
		t.Fatal(err)
	}
	at := table[name].At
	return file[8+n:][at[0]:at[1]]
}
