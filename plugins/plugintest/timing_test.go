package plugintest

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	geometry "snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/host"
)

// ran is a timing as the reference runs it, in the form of a block of a chip.
func ran(t interface{ Fatalf(string, ...any) }, x timing, c circuit) host.Block {
	out, err := geometry.Run[float64](&c.Circuit, geometry.In(c.tensors), geometry.Block{Steps: c.Steps, Examples: 1, Inputs: x.inputs()})
	if err != nil {
		t.Fatalf("%s: %v", x.name, err)
	}
	var b host.Block
	for i, p := range c.Populations {
		if !p.Reads {
			b.Taps, b.Outputs = append(b.Taps, out.Spikes[i]), [][]float32{out.Spikes[i]}
			continue
		}
		var read []float32
		for _, v := range out.ReadOuts[i] {
			read = append(read, float32(v))
		}
		b.Outputs = [][]float32{read}
	}
	return b
}

// The tables are what the equations say.
func TestTimings(t *testing.T) {
	for _, x := range timings() {
		c := x.circuit()
		if err := geometry.Verify(c.Circuit); err != nil {
			t.Fatal(err)
		}
		if _, off := x.judge(ran(t, x, c)); off != "" {
			t.Errorf("%s of %+v: %s", x.name, x.layers[0].Dynamics, off)
		}
	}
}

// Chips whose numbers are as far off as is tolerated have the same trains, even where one weight has all of a layer's loss.
func TestTolerated(t *testing.T) {
	all := timings()
	rapid.Check(t, func(t *rapid.T) {
		x := all[rapid.IntRange(0, len(all)-1).Draw(t, "timing")]
		c := x.circuit()
		off := func(by float64) float64 { return rapid.SampledFrom([]float64{-by, 0, by}).Draw(t, "off") }
		c.tensors = slices.Clone(c.tensors)
		for i := range c.tensors {
			c.tensors[i] *= float32(1 + off(2*tolerated))
		}
		for i := range c.Populations {
			p := &c.Populations[i]
			p.Threshold *= 1 + off(tolerated)
			p.Reset.Value *= 1 + off(tolerated)
			p.Start *= 1 + off(tolerated)
			p.Decay = min(max(p.Decay+off(tolerated), 0), 1)
			if p.Current {
				p.CurrentDecay += off(tolerated)
			}
		}
		if _, off := x.judge(ran(t, x, c)); off != "" {
			t.Fatalf("%s: %s", x.name, off)
		}
	})
}
