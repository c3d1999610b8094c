//go:build node

package examples_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What Node computes is trained to the same loss and accuracy, to the last digit, as the same neuron by equations in the spec: both round
// each number to single precision (accuracy 0.87 when this was written).
func TestNodeSoft(t *testing.T) {
	dir := taken(t, "soft")
	out := follow(t, dir, commands(t, "soft"))
	if got := figure(t, out, "accuracy"); got < 0.75 {
		t.Errorf("accuracy %v", got)
	}
	spec := filepath.Join(dir, "soft", "example.snn")
	text, err := os.ReadFile(spec)
	if err != nil {
		t.Fatal(err)
	}
	own := strings.NewReplacer("soft(keep = 0.5)", "own(keep = 0.5, surrogate = triangle)", "network classify", `neuron own(keep: real = 0.5) {
    input x
    state v = 0
    u = keep * v + x
    spike s when u >= 1
    v = u - s
}

network classify`).Replace(string(text))
	if err := os.WriteFile(spec, []byte(own), 0o666); err != nil {
		t.Fatal(err)
	}
	want := run(t, dir, "soft", "--out", "own")
	told := func(out string) (lines []string) {
		for line := range strings.Lines(out) {
			if strings.Contains(line, ": total ") || strings.Contains(line, "accuracy = ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if got, want := told(out), told(want); len(want) != 6 || strings.Join(got, "") != strings.Join(want, "") {
		t.Errorf("by Node\n%v\nby equations\n%v", got, want)
	}
}
