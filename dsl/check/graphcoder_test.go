package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// spread is a catalogue with a coder that makes spikes of two neurons of each value, with three weights, and decodes into half as many
// channels, or as `odd` says into as many as there are steps.
func spread() *check.Catalogue {
	least := 1.0
	return &check.Catalogue{
		Components: []schema.Component{{Kind: schema.Coder, Name: "spread", Version: "1.0", Directions: []schema.Direction{schema.Encode, schema.Decode},
			Params: []schema.Param{{Name: "steps", Type: schema.Int, Default: "4", Min: &least}, {Name: "odd", Type: schema.Bool, Default: "false"}}}},
		Graph: func(k *check.Coder, in check.Wire, at diag.Range) (check.CoderGraph, diag.List) {
			g := check.CoderGraph{Text: fmt.Sprintf("%v at %d", in, in.Steps), Out: check.Wire{Dims: []int{in.Dims[0] / 2}}}
			switch {
			case !in.Timed():
				g.Out = check.Wire{Kind: check.SpikesWire, Dims: []int{2 * in.Dims[0]}, Steps: k.Steps}
				g.Count.Trainable = 3
			case k.Args.Bool("odd"):
				g.Out.Dims[0] = in.Steps
			}
			return g, nil
		},
	}
}

// A coder that is a graph fixes the steps of its network and has shapes and weights of its own; where a network that works at any number of steps decodes, its shapes are known before its steps.
func TestGraphCoderShapes(t *testing.T) {
	text := `snn 1
coder two = spread(steps = 6)
network whole(x: real[5]) -> real[1] { return x -> encode(two) -> linear(2) -> decode(two) }
network head(s: spikes[10]) -> real[5] { return s -> decode(two) }
network used(x: real[5]) -> real[5] { return x -> encode(two) -> head }
network twice(x: real[5]) -> real[10] { y = x -> encode(two) -> decode(two)
    return concat(y, x -> encode(two) -> decode(two)) }
`
	f, found := dsl.Parse("spec", []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: spread()})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	var got []string
	for _, n := range s.Networks {
		for _, l := range n.Layers {
			got = append(got, fmt.Sprintf("%s %s %v at %d, %d weights, %v", n.Name, l.Kind, l.Wire, l.Wire.Steps, l.Count().Trainable, l.Graphs))
		}
	}
	want := strings.Split(`whole input real[5] at 0, 0 weights, map[]
whole encode spikes[10] at 6, 3 weights, map[0:real[5] at 0]
whole linear signal[2] at 6, 22 weights, map[]
whole decode real[1] at 0, 0 weights, map[6:signal[2] at 6]
head input spikes[10] at 0, 0 weights, map[]
head decode real[5] at 0, 0 weights, map[]
used input real[5] at 0, 0 weights, map[]
used encode spikes[10] at 6, 3 weights, map[0:real[5] at 0]
used decode real[5] at 0, 0 weights, map[6:spikes[10] at 6]`, "\n")
	if d := cmp.Diff(want, got[:len(want)]); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if twice := s.Networks[3]; twice.Count().Trainable != 6 {
		t.Errorf("two uses of a coder hold %d weights", twice.Count().Trainable)
	}
}

// A decoder whose shape changes with the number of steps is the plugin's mistake.
func TestGraphCoderKeepsItsShape(t *testing.T) {
	text := `snn 1
network head(s: spikes[4]) -> real[1] { return s -> decode(spread(odd = true)) }
network used(x: real[2]) -> real[1] { return x -> encode(spread) -> head }
`
	f, _ := dsl.Parse("spec", []byte(text))
	_, found := check.Check(f, check.Options{Catalogue: spread()})
	if len(found) != 1 || found[0].Code != diag.BadCoder || !strings.Contains(found[0].Summary, "to real[4] at 4 time steps and to real[1] at a single one") {
		t.Errorf("%v", found)
	}
}
