package circuittest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Request returns what a host would ask a target to compile, under a handle; its tensors are read with Weights.
func (n Net) Request(component string, arguments schema.Arguments) schema.CompileRequest {
	return schema.CompileRequest{Handle: "net", Component: component, Arguments: arguments, Circuits: []schema.Circuit{n.Circuit}, Bytes: 4 * len(n.Arena)}
}

// Answer is what a chip gives for a block.
type Answer struct {
	Outputs [][]float32 // of each population that gives: [steps][examples][dims], or [examples][dims] of a read-out
	Taps    [][]float32 // of each population that has spikes: [steps][examples][dims]
	Reply   schema.EmulateReply
}

// Example is a block of one example as sdk.Chip.Export takes it.
func Example(c *schema.Circuit, b circuit.Block, seed uint64) *sdk.Block {
	out := &sdk.Block{Circuit: c.Name, Steps: b.Steps, Examples: 1, Seeds: []uint64{seed}}
	for i, in := range c.Inputs {
		steps := b.Steps
		if in.Kind == schema.DriveInput {
			steps = 0
		}
		out.Inputs = append(out.Inputs, sdk.NewSeries(b.Inputs[i], steps, circuit.Size(in.Dims)))
	}
	return out
}

// RunChip runs a block on a chip, with taps. Seeds may be nil.
func RunChip(chip sdk.Chip, c *schema.Circuit, b circuit.Block, seeds []uint64) (Answer, error) {
	block := &sdk.Block{Circuit: c.Name, Steps: b.Steps, Examples: b.Examples, Seeds: seeds}
	for i, in := range c.Inputs {
		steps := b.Steps
		if in.Kind == schema.DriveInput {
			steps = 0
		}
		block.Inputs = append(block.Inputs, sdk.NewSeries(b.Inputs[i], steps, b.Examples*circuit.Size(in.Dims)))
	}
	var a Answer
	for _, p := range c.Populations {
		steps := b.Steps
		if p.Reads {
			steps = 0
		}
		row := b.Examples * circuit.Size(p.Dims)
		memory := func() []float32 { // nothing is 0 that a chip forgets to write
			return slices.Repeat([]float32{-12345}, max(steps, 1)*row)
		}
		if p.Gives {
			a.Outputs = append(a.Outputs, memory())
			block.Outputs = append(block.Outputs, sdk.NewSeries(a.Outputs[len(a.Outputs)-1], steps, row))
		}
		if !p.Reads {
			a.Taps = append(a.Taps, memory())
			block.Taps = append(block.Taps, sdk.NewSeries(a.Taps[len(a.Taps)-1], steps, row))
		}
	}
	var err error
	a.Reply, err = chip.Emulate(block)
	return a, err
}

// Part returns some examples of a block, in the order given.
func Part(c *schema.Circuit, b circuit.Block, examples ...int) circuit.Block {
	part := circuit.Block{Steps: b.Steps, Examples: len(examples)}
	for i, in := range c.Inputs {
		part.Inputs = append(part.Inputs, pick(b.Inputs[i], circuit.Size(in.Dims), b.Examples, examples))
	}
	return part
}

// pick returns some examples of each time step of a series, whose examples have so many numbers.
func pick(x []float32, size, of int, examples []int) []float32 {
	var out []float32
	for ; len(x) > 0; x = x[of*size:] {
		for _, e := range examples {
			out = append(out, x[e*size:][:size]...)
		}
	}
	return out
}

// Independent fails where what a chip gives for an example depends on the others of its block: it runs the block at once, each example
// alone, and all of them in the opposite order. What a reply counts has to add up over the examples.
func Independent(t testing.TB, chip sdk.Chip, c *schema.Circuit, b circuit.Block, seeds []uint64) {
	t.Helper()
	if seeds == nil {
		seeds = make([]uint64, b.Examples)
	}
	whole, err := RunChip(chip, c, b, seeds)
	if err != nil {
		t.Fatal(err)
	}
	compare := func(what string, examples ...int) Answer {
		own := make([]uint64, len(examples))
		for i, e := range examples {
			own[i] = seeds[e]
		}
		part, err := RunChip(chip, c, Part(c, b, examples...), own)
		if err != nil {
			t.Fatal(err)
		}
		given, spiking := 0, 0
		for _, p := range c.Populations {
			size := circuit.Size(p.Dims)
			if p.Gives {
				if !slices.Equal(part.Outputs[given], pick(whole.Outputs[given], size, b.Examples, examples)) {
					t.Fatalf("%s: the output of population %s is another one than in the whole block", what, p.Name)
				}
				given++
			}
			if !p.Reads {
				if !slices.Equal(part.Taps[spiking], pick(whole.Taps[spiking], size, b.Examples, examples)) {
					t.Fatalf("%s: the spikes of population %s are other ones than in the whole block", what, p.Name)
				}
				spiking++
			}
		}
		return part
	}
	var back []int
	sums := map[string]float64{}
	for e := range b.Examples {
		back = append([]int{e}, back...)
		for _, l := range compare(fmt.Sprintf("example %d alone", e), e).Reply.Layers {
			for name, v := range counts(l) {
				sums[name] += v
			}
		}
	}
	compare("all in the opposite order", back...)
	want := map[string]float64{}
	for _, l := range whole.Reply.Layers {
		for name, v := range counts(l) {
			want[name] += v
		}
	}
	if diff := cmp.Diff(sums, want); diff != "" {
		t.Fatalf("the counts of examples alone and of the whole block (-alone +whole):\n%s", diff)
	}
}

func counts(l schema.Activity) map[string]float64 {
	out := map[string]float64{}
	for name, v := range map[string]float64{"synops": l.Synops, "active": l.Active, "inactive": l.Inactive, "messages": l.Messages, "hops": l.Hops, "clipped": l.Clipped} {
		out[l.Layer+": "+name] = v
	}
	for _, s := range l.Spikes {
		out[l.Layer+": spikes"] += s
	}
	return out
}
