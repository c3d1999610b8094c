package loihi

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
	"snnc.dev/snnc/plugins/targets/internal/checktest"
	"snnc.dev/snnc/plugins/targets/loihi/emulator"
)

// spoken adds a dialect to arguments.
func spoken(a schema.Arguments, dialect string) schema.Arguments {
	a["dialect"] = schema.Value{Type: schema.OneOf, Text: dialect}
	return a
}

// In each dialect a circuit of whole numbers whose membranes keep all spikes as the network does, though inputs come later in lava, which
// has no refractory counter, and biases are synapses where the code has no place for them.
func TestDialects(t *testing.T) {
	for dialect, is := range map[string]emulator.Dialect{"lava": emulator.Lava, "brian2": emulator.Brian2, "chip": emulator.Chip} {
		fired, biased, late, refused, once := 0, 0, 0, 0, 0
		for seed := range uint64(*networks) {
			r := rand.New(rand.NewPCG(seed, 11))
			o := circuittest.Options{Whole: 1 + int(seed%31), Decays: []float64{1}, NoRefractory: dialect == "lava", NoDrive: true, NoCurrent: r.IntN(2) == 0}
			n := accepted(seed, o)
			for i := range n.Circuit.Populations {
				p := &n.Circuit.Populations[i]
				if p.Start = 0; p.Current { // others are rounded
					p.CurrentDecay = 0
				}
			}
			if slices.ContainsFunc(n.Circuit.Populations, func(p schema.Population) bool { return p.Bias != nil && !weighted(n, &p) }) {
				continue
			}
			chip, reply, err := Compile(n.Request("loihi", spoken(arguments(1024, 8), dialect)), n.Weights)
			if err != nil {
				t.Fatal(err)
			}
			if chip == nil {
				if text := checktest.Text(reply.TargetReply); !strings.Contains(text, "no inhibition that the chip has") {
					t.Errorf("%s, seed %d: %s", dialect, seed, text)
				}
				refused++
				continue
			}
			x := chip.(*onChip)
			if text, _, err := x.Export(); err != nil || !strings.Contains(text, `"dialect": "`+string(is)+`"`) {
				t.Errorf("%s: %v\n%s", dialect, err, text)
			}
			late += x.latency(&x.circuits[0])
			b := n.Block(seed, 2)
			_, _, f := agrees(t, fmt.Sprintf("%s, seed %d", dialect, seed), x, n, b)
			fired += f
			for i := range n.Circuit.Populations {
				if n.Circuit.Populations[i].Bias != nil {
					biased++
				}
				if n.Circuit.Populations[i].Once {
					once++
				}
			}
		}
		t.Logf("%s: %d spikes, %d biased populations, %d that fire once, %d circuits that begin later, %d refused", dialect, fired, biased, once, late, refused)
		if fired < 30**networks || biased < *networks/2 || once < *networks/5 || (late > *networks/2) != (dialect == "lava") || refused > *networks/5 {
			t.Errorf("%s: that is too few to say something", dialect)
		}
	}
}

// What a dialect has not is refused, and says so.
func TestDialectLacks(t *testing.T) {
	for _, x := range []struct{ dialect, text, want string }{
		{"lava", "x input 4\na 4 refractory=2 <- linear x", "no refractory counter"},
		{"lava", "x input 4\nd drive 4\na 4 drive=d\nb 4 <- linear a\nc 4 <- linear x", "has to wait 1 steps, and the neuron of lava"},
		{"lava", "x input 4\na 4 once decay=0 <- linear x", "fires once, and the neuron of lava without memory"},
		{"brian2", "d drive 4\na 4 drive=d", "brian2_loihi has no bias"},
	} {
		c, err := circuittest.Parse("n", x.text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Check(schema.TargetRequest{Arguments: spoken(arguments(128, 8), x.dialect), Circuits: []schema.Circuit{c}})
		if text := checktest.Text(r); err != nil || r.Fits || !strings.Contains(text, x.want) {
			t.Errorf("%s: %s: %v\n%s", x.dialect, x.text, err, text)
		}
		if r, err := Check(schema.TargetRequest{Arguments: arguments(128, 8), Circuits: []schema.Circuit{c}}); err != nil || !r.Fits {
			t.Errorf("the chip itself: %s: %v\n%s", x.text, err, checktest.Text(r))
		}
	}
	c, err := circuittest.Parse("n", "d drive 4\na 4 drive=d\nb 4 bias <- linear a")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Check(schema.TargetRequest{Arguments: spoken(arguments(128, 8), "lava"), Circuits: []schema.Circuit{c}}); err != nil || !r.Fits {
		t.Errorf("a drive that need not wait: %v\n%s", err, checktest.Text(r))
	}
	for _, a := range []schema.Arguments{spoken(arguments(128, 8), "nest"), spoken(second(arguments(128, 8)), "lava")} {
		if r, err := Check(schema.TargetRequest{Arguments: a}); err != nil || len(r.Complaints) != 1 || r.Complaints[0].Path != "dialect" {
			t.Errorf("%v: %+v %v", a, r, err)
		}
	}
}
