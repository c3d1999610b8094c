package loihi

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
)

// second adds the generation to arguments.
func second(a schema.Arguments) schema.Arguments {
	a["generation"] = schema.Value{Type: schema.Int, Number: 2}
	return a
}

// On Loihi 2 a spike can take a number off the membrane: where all numbers are whole and membranes keep all, the spikes are those of the
// network.
func TestSecondSoft(t *testing.T) {
	fired, by, clipped := 0, 0, 0
	for seed := range uint64(80) {
		n := circuittest.Random(seed, circuittest.Options{Whole: 1 + int(seed%31), Decays: []float64{1}, NoCurrent: true, NoDrive: true, NoStart: true,
			NoRefractory: true, Resets: []schema.ResetKind{schema.ResetBy}})
		for i := range n.Circuit.Populations {
			n.Circuit.Populations[i].Start = 0
		}
		if slices.ContainsFunc(n.Circuit.Populations, func(p schema.Population) bool {
			return !p.Reads && p.Reset.Value <= 0 || p.Bias != nil && !weighted(n, &p)
		}) {
			continue
		}
		if _, r, err := Compile(n.Request("loihi", arguments(1024, 8)), n.Weights); err != nil || slices.ContainsFunc(n.Circuit.Populations, func(p schema.Population) bool { return !p.Reads && !p.Once }) == r.Fits {
			t.Fatalf("seed %d: the first generation: %v\n%s", seed, err, checktest.Text(r.TargetReply))
		}
		chip, r, err := Compile(n.Request("loihi", second(arguments(1024, 8))), n.Weights)
		if err != nil || chip == nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, checktest.Text(r.TargetReply))
		}
		if text, _, err := chip.Export(); err != nil || !strings.Contains(text, `"generation": 2`) {
			t.Errorf("seed %d: %v\n%s", seed, err, text)
		}
		b := n.Block(seed, 3)
		got, _, f := agrees(t, fmt.Sprintf("seed %d", seed), chip, n, b)
		fired += f
		for i := range n.Circuit.Populations {
			if p := &n.Circuit.Populations[i]; !p.Reads && !p.Once {
				by++
			}
		}
		for _, l := range got.Reply.Layers {
			clipped += int(l.Clipped)
		}
	}
	if fired < 3000 || by < 50 || clipped > 0 {
		t.Errorf("%d spikes of %d populations, %d clipped", fired, by, clipped)
	}
}

// What is said of Loihi 2: its energies are extrapolated, its steps shorter; a chip of another generation there is not.
func TestSecondSays(t *testing.T) {
	c, err := circuittest.Parse("n", "steps 8\nx input 2x16x16\na 16x16x16 <- conv x k=3 pad=1\nb 10 soft <- linear a")
	if err != nil {
		t.Fatal(err)
	}
	n := circuittest.Net{Circuit: c, Arena: slices.Repeat([]float32{0.25}, 50000)}
	chip, r, err := Compile(n.Request("loihi", second(arguments(128, 8))), n.Weights)
	if err != nil || chip == nil {
		t.Fatalf("%v\n%s", err, checktest.Text(r.TargetReply))
	}
	if text := checktest.Text(r.TargetReply); !strings.Contains(text, "2 cores; 4096 neurons") || !strings.Contains(text, "2048 neurons per core of 4095; 36 synapse words per core of 12000; 144 input axons per core;") {
		t.Error(text)
	}
	got, err := circuittest.RunChip(chip, &c, n.Block(1, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.Reply.Energy {
		if e.Profile != "loihi2.extrapolated" {
			t.Errorf("energy of %s", e.Profile)
		}
	}
	updates := 0.0
	for _, l := range got.Reply.Layers {
		updates += l.Active + l.Inactive
	}
	if e := got.Reply.Energy[0]; e.Low != 0 || e.High < updates*574e-12 || e.High > updates*576e-12 || !slices.ContainsFunc(r.Constants, func(c schema.Constant) bool { return c.Name == "loihi2.neuron_step" }) {
		t.Errorf("%+v of %v updates", e, updates)
	}
	a := second(arguments(128, 8))
	a["generation"] = schema.Value{Type: schema.Int, Number: 3}
	if r, err := Check(schema.TargetRequest{Arguments: a}); err != nil || len(r.Complaints) != 1 || r.Complaints[0].Path != "generation" {
		t.Errorf("generation 3: %+v %v", r, err)
	}
}
