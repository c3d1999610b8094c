package quantize

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// dense is a dense layer of the given weights, [out][in], behind inputs.
func dense(d schema.Dynamics, weights [][]float32, bias []float32) circuittest.Net {
	in, out := len(weights[0]), len(weights)
	n := circuittest.Net{Circuit: schema.Circuit{Name: "n", Network: "n", Steps: 16, Inputs: []schema.Input{{Kind: schema.SpikeInput, Dims: []int{in}}}}}
	for _, row := range weights {
		n.Arena = append(n.Arena, row...)
	}
	p := schema.Population{Name: "a", Dims: []int{out}, Dynamics: d, Depth: 1, Gives: true, Synapses: []schema.Synapses{{
		Population: -1, Kind: schema.Dense, View: schema.View{From: []int{in}, Dims: []int{in}}, Weights: schema.Tensor{Dims: []int{out, in}}}}}
	if !d.Reads {
		p.Reset = schema.Reset{Kind: schema.ResetTo}
	}
	if bias != nil {
		p.Bias = &schema.Tensor{Dims: []int{out}, Offset: 4 * len(n.Arena)}
		n.Arena = append(n.Arena, bias...)
	}
	n.Circuit.Populations = []schema.Population{p}
	return n
}

func repeated(w float32, out, in int) [][]float32 {
	rows := make([][]float32, out)
	for i := range rows {
		rows[i] = make([]float32, in)
		for j := range rows[i] {
			rows[i][j] = w
		}
	}
	return rows
}

// Decays are the registers nearest to them: of the membrane, and of the current with its hidden 1; a current or membrane that is gone in
// a step has the largest. 0.181269 and 0.048771 are 1 - exp(-1/5) and 1 - exp(-1/20).
func TestDecays(t *testing.T) {
	for _, x := range []struct {
		decay   float64
		current float64 // below 0: none
		u, v    int
	}{
		{1, -1, 4095, 0}, {0.5, -1, 4095, 2048}, {0, -1, 4095, 4095}, {1 - 0.048771, -1, 4095, 200}, {1 - 0.181269, 1 - 0.048771, 199, 742},
		{0.5, 0.75, 1023, 2048}, {0.5, 0, 4095, 2048}, {0.5, 1, 0, 2048},
	} {
		d := schema.Dynamics{Decay: x.decay, Threshold: 1}
		if x.current >= 0 {
			d.Current, d.CurrentDecay = true, x.current
		}
		n := dense(d, [][]float32{{1}}, nil)
		r, _, problem := Population(&n.Circuit, 0, n.Weights, 8)
		if r.DecayU != x.u || r.DecayV != x.v || problem != "" {
			t.Errorf("%+v: decay_u %d and decay_v %d, want %d and %d %s", x, r.DecayU, r.DecayV, x.u, x.v, problem)
		}
	}
}

// Biases in units of the state have the exponent and mantissa of nengo-loihi's discretize.py: of the largest of a layer.
func TestBias(t *testing.T) {
	for _, x := range []struct{ bias, mantissa, exponent int }{
		{1200, 1200, 0}, {4096, 2048, 1}, {5001, 2500, 1}, {-100001, -3125, 5}, {524160, 4095, 7},
	} {
		r := Registers{Scale: 1}
		y := numbers{p: &schema.Population{Dims: []int{1}, Bias: &schema.Tensor{}}, bias: []float32{float32(x.bias)}, s: 1, width: 8}
		r.bias = y.bias
		var loss schema.Loss
		if y.round(&r, &loss); r.BiasExponent != x.exponent || r.Bias[0] != x.mantissa {
			t.Errorf("%d: %d 2^%d, want %d 2^%d", x.bias, r.Bias[0], r.BiasExponent, x.mantissa, x.exponent)
		}
	}
}

// Mantissas are multiples of what a width keeps, of both signs alike.
func TestMantissas(t *testing.T) {
	for _, x := range []struct{ width, largest, shift int }{{8, 254, 1}, {6, 248, 3}, {5, 240, 4}, {4, 224, 5}, {3, 192, 6}, {2, 128, 7}, {1, 128, 7}} {
		if largest, shift := Mantissas(x.width); largest != x.largest || shift != x.shift {
			t.Errorf("%d bits: up to %d in steps of 2^%d, want %d and %d", x.width, largest, shift, x.largest, x.shift)
		}
		n := dense(schema.Dynamics{Decay: 1, Threshold: 3}, [][]float32{{1, 0.31, 0.017, 0.7}, {0.5, 0.011, 0.9, 0}}, nil)
		r, loss, _ := Population(&n.Circuit, 0, n.Weights, x.width)
		for i, m := range r.Groups[0].Mantissas {
			if int(m)%(1<<x.shift) != 0 || int(m) > x.largest || i == 0 && int(m) != x.largest {
				t.Errorf("%d bits: mantissas %v", x.width, r.Groups[0].Mantissas)
				break
			}
		}
		if loss.Bits != float64(x.width) || loss.Weights == 0 {
			t.Errorf("%d bits: %+v", x.width, loss)
		}
	}
	n := dense(schema.Dynamics{Decay: 1, Threshold: 3}, [][]float32{{1, -1}}, nil)
	if _, _, problem := Population(&n.Circuit, 0, n.Weights, 1); !strings.Contains(problem, "one sign") {
		t.Errorf("weights of both signs in 1 bit: %q", problem)
	}
}

// A group of smaller weights has a smaller exponent, and where that would be below 0 fewer bits.
func TestGroups(t *testing.T) {
	n := dense(schema.Dynamics{Decay: 1, Threshold: 1}, [][]float32{{1, -0.37}}, nil)
	p := &n.Circuit.Populations[0]
	second := p.Synapses[0]
	second.Weights.Offset = 4 * len(n.Arena)
	n.Arena = append(n.Arena, 0.0625, -0.011)
	p.Synapses = append(p.Synapses, second)
	r, loss, problem := Population(&n.Circuit, 0, n.Weights, 8)
	if problem != "" || r.Groups[0].Exponent != 6 || r.Groups[1].Exponent != 2 || r.Groups[1].Mantissas[0] != 254 || loss.Weights > 0.004 {
		t.Errorf("%+v %+v %s", r, loss, problem)
	}
}

// Whatever flows in, no sum leaves its width where nothing is noted.
func TestProved(t *testing.T) {
	proved := 0
	for seed := range uint64(100) {
		n := draw(seed, circuittest.Options{Neurons: 300, NoDrive: true})
		all, losses, _ := registers(t, n, 8)
		noted := false
		for _, l := range losses {
			noted = noted || strings.Contains(l.Note, "leave")
		}
		for kind := range 3 { // all the time, in the first half, now and then
			b := n.Block(seed, 1)
			for i := range b.Inputs {
				for k := range b.Inputs[i] {
					if kind == 0 || kind == 1 && k < len(b.Inputs[i])/2 {
						b.Inputs[i][k] = 1
					}
				}
			}
			for i, o := range run(&n.Circuit, all, b, 0) {
				if o.wraps > 0 && !noted {
					t.Errorf("seed %d, population %d: %d sums left their widths", seed, i, o.wraps)
				}
			}
		}
		if !noted {
			proved++
		}
	}
	if proved < 80 {
		t.Errorf("only %d networks are proved", proved)
	}
}

// Sums that can leave their widths are noted; where it is likely that they do, weights have fewer bits.
func TestWide(t *testing.T) {
	spiking := schema.Dynamics{Decay: 0.5, Threshold: 100}
	for _, x := range []struct {
		name     string
		net      circuittest.Net
		measured *schema.Measured
		note     string
		bits     string
	}{
		{"127 equal weights", dense(spiking, repeated(1, 2, 127), nil), nil, "", ""},
		{"random weights", random(spiking, 784), nil, "leaves 21 bits if more than", ""},
		{"4000 equal weights", dense(spiking, repeated(1, 2, 4000), nil), nil, "", ""}, // of one unit, which is made small
		{"a read-out", random(schema.Dynamics{Decay: 1, Reads: true, Scale: 1}, 784), nil, "would leave 23 bits", "bits less"},
		{"a read-out that was seen to stay small", random(schema.Dynamics{Decay: 1, Reads: true, Scale: 1}, 784), &schema.Measured{Examples: 1, Low: -20, High: 20}, "would leave 23 bits", ""},
		{"a read-out that was seen to come far", random(schema.Dynamics{Decay: 1, Reads: true, Scale: 1}, 784), &schema.Measured{Examples: 1, Low: -900, High: 20}, "would leave 23 bits", "bits less"},
	} {
		x.net.Circuit.Populations[0].Measured = x.measured
		r, loss, problem := Population(&x.net.Circuit, 0, x.net.Weights, 8)
		if problem != "" || (x.note == "") != (loss.Note == "") || !strings.Contains(loss.Note, x.note) || strings.Contains(loss.Note, "bits less") != (x.bits != "") {
			t.Errorf("%s: %q, want %q, scale %v %s", x.name, loss.Note, x.note, r.Scale, problem)
		}
	}
}

// random is a dense layer of 2 neurons with weights of both signs from -1 to 1.
func random(d schema.Dynamics, in int) circuittest.Net {
	rows := repeated(0, 2, in)
	for i := range rows {
		for j := range rows[i] {
			rows[i][j] = float32(math.Sin(float64(1 + i*in + j*j)))
		}
	}
	return dense(d, rows, nil)
}

// Numbers that the chip does not hold are problems, and no number is none.
func TestProblems(t *testing.T) {
	nan := float32(math.NaN())
	for _, x := range []struct {
		name string
		net  circuittest.Net
		want string
	}{
		{"a threshold that weights do not reach", dense(schema.Dynamics{Decay: 1, Threshold: 1e7}, [][]float32{{1, -0.123}}, nil), "times its largest weight"},
		{"no number", dense(schema.Dynamics{Decay: 1, Threshold: 1}, [][]float32{{1, nan}}, nil), "a weight is NaN"},
		{"no number as a bias", dense(schema.Dynamics{Decay: 1, Threshold: 1}, [][]float32{{1, 1}}, []float32{nan}), "a bias is NaN"},
		{"a start beyond the membrane", dense(schema.Dynamics{Decay: 1, Threshold: 1, Start: -1e9}, [][]float32{{1, 0.377}}, nil), "starts at"},
	} {
		if _, _, problem := Population(&x.net.Circuit, 0, x.net.Weights, 8); !strings.Contains(problem, x.want) {
			t.Errorf("%s: %q, want %q", x.name, problem, x.want)
		}
	}
}

// Biases that make a neuron always or never spike may be larger than the register, and change nothing.
func TestHuge(t *testing.T) {
	n := dense(schema.Dynamics{Decay: 0.5, Threshold: 1}, [][]float32{{1, -1}, {1, -1}, {1, -1}, {0.3, 0.3}}, []float32{1e9, -1e9, 0.25, 0.1})
	all, losses, _ := registers(t, n, 8)
	if losses[0].Clipped != 2 || losses[0].Weights > 0.01 {
		t.Errorf("%+v", losses[0])
	}
	b := n.Block(1, 2)
	ref, err := circuit.Run[float64](&n.Circuit, n.Weights, b)
	if err != nil {
		t.Fatal(err)
	}
	for e := range 2 {
		for step, row := range run(&n.Circuit, all, b, e)[0].spikes {
			for k, got := range row {
				if want := int(ref.Spikes[0][(step*2+e)*4+k]); got != want {
					t.Errorf("step %d, neuron %d: %d spikes, want %d", step, k, got, want)
				}
			}
		}
	}
}

// A membrane that should keep nothing keeps a 4096th of what it was. Where that can decide about a spike it is said, and where nothing is
// said the chip computes what the network does. The first is 100 weights of -127, which leave three units where the threshold is three.
func TestMemoryless(t *testing.T) {
	row := append(repeated(-127, 1, 100)[0], 1, 1, 1)
	n := dense(schema.Dynamics{Threshold: 3}, [][]float32{row}, nil)
	n.Circuit.Steps = 2
	r, loss, problem := Population(&n.Circuit, 0, n.Weights, 8)
	if problem != "" || !strings.Contains(loss.Note, "keeps a 4096th") {
		t.Fatalf("%s%s", problem, loss.Note)
	}
	in := make([]float32, 2*len(row)) // the negative weights at the first step, the positive ones at the second
	for i := range row {
		step := 0
		if row[i] > 0 {
			step = 1
		}
		in[step*len(row)+i] = 1
	}
	b := circuit.Block{Steps: 2, Examples: 1, Inputs: [][]float32{in}}
	if o := run(&n.Circuit, []Registers{r}, b, 0); o[0].spikes[1][0] != 0 {
		t.Error("what is left does not matter: nothing was to be said")
	}

	said, fired := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		negative, most := rapid.IntRange(0, 60).Draw(t, "negative"), rapid.IntRange(1, 127).Draw(t, "most")
		w := append(repeated(float32(-most), 1, negative+1)[0], 1, 1, 1, 1)
		for range rapid.IntRange(0, 3).Draw(t, "more") {
			w = append(w, float32(rapid.IntRange(-most/4, most).Draw(t, "w")))
		}
		d := schema.Dynamics{Threshold: float64(rapid.IntRange(1, min(4, most)).Draw(t, "threshold")), Strict: rapid.Bool().Draw(t, "strict")}
		n := dense(d, [][]float32{w}, nil)
		n.Circuit.Steps = 6
		r, loss, problem := Population(&n.Circuit, 0, n.Weights, 8)
		if problem != "" {
			t.Fatal(problem)
		}
		if strings.Contains(loss.Note, "4096th") {
			said++
			return
		}
		b := circuit.Block{Steps: 6, Examples: 1, Inputs: [][]float32{make([]float32, 6*len(w))}}
		for i := range b.Inputs[0] { // all that is negative, and behind it weights of 1 that may just meet the threshold
			switch step, v := i/len(w), w[i%len(w)]; {
			case step%2 == 0 && v < 0, step%2 == 1 && v == 1 && rapid.IntRange(0, 3).Draw(t, "on") > 0, v > 1 && rapid.IntRange(0, 9).Draw(t, "also") == 0:
				b.Inputs[0][i] = 1
			}
		}
		want, err := circuit.Run[float64](&n.Circuit, n.Weights, b)
		if err != nil {
			t.Fatal(err)
		}
		for step, s := range run(&n.Circuit, []Registers{r}, b, 0)[0].spikes {
			fired += s[0]
			if s[0] != int(want.Spikes[0][step]) {
				t.Fatalf("step %d: %d spikes of %v; %+v", step, s[0], want.Spikes[0], r)
			}
		}
	})
	t.Logf("said of %d, %d spikes of the others", said, fired)
	if said == 0 || fired == 0 {
		t.Errorf("said of %d networks, %d spikes of the others", said, fired)
	}
}

// A neuron that fires once, late, in an example of one step has nothing to be silent in.
func TestSilenceOfNothing(t *testing.T) {
	n := dense(schema.Dynamics{Decay: 1, Threshold: 1, Once: true}, repeated(0.5, 2, 3), nil)
	n.Circuit.Steps = 1
	p := &n.Circuit.Populations[0]
	p.Late = true
	p.Synapses = append(p.Synapses, schema.Synapses{Population: 0, Kind: schema.Same, View: schema.View{From: p.Dims, Dims: p.Dims}, Weights: schema.Tensor{Dims: []int{1}}})
	if _, _, problem := Population(&n.Circuit, 0, n.Weights, 8); problem != "" {
		t.Error(problem)
	}
}
