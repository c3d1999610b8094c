package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// net is a circuit of dense layers behind an input of 30, and its weights: whole ones from -7 to 7, which four bits hold.
func net(sizes ...int) (schema.Circuit, sdk.Weights) {
	c := schema.Circuit{Name: "net", Network: "net", Steps: 6, Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: []int{30}}}}
	var arena []float32
	draw := rand.New(rand.NewPCG(1, 2))
	from := 30
	for i, size := range sizes {
		p := schema.Population{Name: string(rune('a' + i)), Dims: []int{size}, Depth: i + 1, Gives: i == len(sizes)-1,
			Dynamics: schema.Dynamics{Decay: 1, Threshold: 12, Reset: schema.Reset{Kind: schema.ResetTo}}, Bias: &schema.Tensor{Dims: []int{size}, Offset: 4 * len(arena)}}
		for range size {
			arena = append(arena, float32(draw.IntN(3)))
		}
		p.Synapses = []schema.Synapses{{Population: i - 1, Kind: schema.Dense, View: schema.View{From: []int{from}, Dims: []int{from}},
			Weights: schema.Tensor{Dims: []int{size, from}, Offset: 4 * len(arena)}}}
		for range size * from {
			arena = append(arena, float32(draw.IntN(15)-7))
		}
		arena[len(arena)-1] = 7
		c.Populations = append(c.Populations, p)
		from = size
	}
	return c, circuit.In(arena)
}

func arguments(cores, neurons float64) schema.Arguments {
	return schema.Arguments{"cores": {Type: schema.Int, Number: cores}, "neurons": {Type: schema.Int, Number: neurons}}
}

// A layer has whole cores to itself; the first that finds too few has the problem. Neurons that the chip has not stay on the host.
func TestCheck(t *testing.T) {
	for _, x := range []struct {
		sizes   []int
		used    float64
		fits    bool
		changes []string
	}{
		{[]int{64}, 1, true, []string{""}},
		{[]int{65, 1}, 3, true, []string{"", ""}},
		{[]int{128, 128}, 4, true, []string{"", ""}},
		{[]int{129, 128}, 5, false, []string{"", "a layer of 64 neurons"}},
		{[]int{256, 1}, 5, false, []string{"", "a chip with cores = 5"}},
	} {
		c, _ := net(x.sizes...)
		r := check(arguments(4, 64), []schema.Circuit{c})
		if r.Fits != x.fits || r.Used[0].Used != x.used || len(r.Layers) != len(x.changes) {
			t.Errorf("%v: %+v", x.sizes, r)
			continue
		}
		for i, p := range r.Layers {
			if p.Change != x.changes[i] || (p.Problem == "") != (p.Change == "") || p.Host {
				t.Errorf("%v: layer %d has %q and %q", x.sizes, i, p.Problem, p.Change)
			}
		}
	}
	c, _ := net(3, 3)
	c.Populations[1].Reset = schema.Reset{Kind: schema.ResetBy, Value: 12}
	if r := check(arguments(4, 64), []schema.Circuit{c}); r.Fits || r.Layers[0].Host || !r.Layers[1].Host {
		t.Errorf("%+v", r)
	}
}

// Where nothing is lost, the chip gives the spikes of the circuit's reference, and counts them.
func TestEmulate(t *testing.T) {
	c, w := net(20, 10)
	chip, r, err := compile(schema.CompileRequest{Arguments: arguments(4, 16), Circuits: []schema.Circuit{c}}, w)
	if err != nil || !r.Fits || len(r.Cores) != 3 || r.Programs[0].Ticks != 7 {
		t.Fatalf("%+v %v", r, err)
	}
	for _, l := range r.Losses {
		if l.Weights != 0 || l.Threshold != 0 || l.Decay != 0 || l.Zeroed != 0 {
			t.Errorf("%+v", l)
		}
	}
	const examples = 4
	in := make([]float32, c.Steps*examples*30)
	for i := range in {
		in[i] = float32(rand.New(rand.NewPCG(uint64(i), 3)).IntN(2))
	}
	want, err := circuit.Run[float64](&c, w, circuit.Block{Steps: c.Steps, Examples: examples, Inputs: [][]float32{in}})
	if err != nil {
		t.Fatal(err)
	}
	block := func(size int) ([]float32, sdk.Series) {
		x := make([]float32, c.Steps*examples*size)
		return x, sdk.NewSeries(x, c.Steps, examples*size)
	}
	out, given := block(10)
	first, tap := block(20)
	last, other := block(10)
	said, err := chip.Emulate(&sdk.Block{Circuit: "net", Steps: c.Steps, Examples: examples, Inputs: []sdk.Series{sdk.NewSeries(in, c.Steps, examples*30)},
		Outputs: []sdk.Series{given}, Taps: []sdk.Series{tap, other}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(first, want.Spikes[0]) || !slices.Equal(last, want.Spikes[1]) || !slices.Equal(out, last) {
		t.Error("the chip gives other spikes")
	}
	fired, events := 0.0, 0.0
	for t := range c.Steps {
		fired += said.Layers[0].Spikes[t]
	}
	for _, s := range first {
		events += float64(s)
	}
	if fired != events || fired == 0 || said.Ticks != 7*examples || said.Energy[0].Low <= 0 || math.Abs(said.Energy[1].Low-3*7*examples*5e-10) > 1e-20 {
		t.Errorf("%v spikes of %v, %+v", fired, events, said.Energy)
	}
	text, tensors, err := chip.Export()
	if err != nil || len(tensors) != len(r.Tensors) || len(tensors[0]) != r.Tensors[0].Size() || len(text) < 50 {
		t.Errorf("%s %d %v", text, len(tensors), err)
	}
}
