package main

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
)

var update = flag.Bool("update", false, "draw the picture anew")

// The picture is that of today's equations, and shows every built-in neuron. All that spike do so while current flows, and only then
// or soon after.
func TestGallery(t *testing.T) {
	got, err := gallery()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("../neurons.svg", got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("../neurons.svg")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/neurons.svg is not what the neurons do: run go run ./docs/gallery")
	}
	shown := map[string]bool{}
	for _, r := range responses() {
		name, _, _ := strings.Cut(r.neuron, "(")
		shown[name] = true
		out, _, err := r.trace()
		if err != nil {
			t.Fatal(err)
		}
		if r.wire != "signal" && (slices.Contains(out[:first], 1) || !slices.Contains(out[first:last], 1) || slices.Contains(out[last+5:], 1)) {
			t.Errorf("%s gives %v", r.neuron, out)
		}
	}
	for _, c := range builtin.Plugin().Equations {
		if c.Kind == schema.Neuron && !shown[c.Name] {
			t.Errorf("neuron %s is not shown", c.Name)
		}
	}
}
