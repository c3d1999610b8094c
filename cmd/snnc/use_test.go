package main

import (
	"os"
	"os/exec"
	"path/filepath"
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

// A neuron of a plugin that somebody develops trains like a built-in one.
func TestUse(t *testing.T) {
	dir := t.TempDir()
	plugin := filepath.Join(dir, "plugin")
	if err := os.CopyFS(plugin, os.DirFS("testdata/adaptive")); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(plugin, "adaptive"), "./testdata/adaptive").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.snn"), []byte(useSpec), 0o666); err != nil {
		t.Fatal(err)
	}
	mustRun(t, snnc(t, dir, nil, "run", "a.snn", "--plugin-dev", "acme/adaptive="+plugin))
	text, err := os.ReadFile(filepath.Join(dir, "runs", "a", "events.jsonl"))
	if err != nil || !strings.Contains(string(text), `"network.0.fire":0`) {
		t.Errorf("the events have no firing rate of the plugin's neuron: %v", err)
	}
	out, err := snnc(t, dir, nil, "check", "a.snn").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--plugin-dev acme/adaptive=DIR") {
		t.Errorf("without the flag: %v\n%s", err, out)
	}
}
