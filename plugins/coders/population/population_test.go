package population_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/coders/population"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

func arguments(code string, steps, neurons int, low, high float64) schema.Arguments {
	number := func(x float64) schema.Value { return schema.Value{Type: schema.Real, Number: x} }
	return schema.Arguments{"steps": number(float64(steps)), "neurons": number(float64(neurons)), "sharpness": number(1.5), "code": {Type: schema.OneOf, Text: code},
		"range": {Type: schema.Range, Items: []schema.Value{number(low), number(high)}}}
}

type direction func(schema.Arguments, graph.Type) (string, []schema.Complaint, error)

// run runs a direction of the coder over n examples; training and evaluation do the same.
func run(t rapid.TB, d direction, args schema.Arguments, in graph.Type, n int, x []float64) interp.Value {
	t.Helper()
	text, complaints, err := d(args, in)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var out [2]interp.Value
	for i, mode := range []string{"train", "eval"} {
		random := rand.New(rand.NewPCG(3, 5))
		res, err := interp.Run(m.Function(mode), &interp.Env{N: n, Inputs: map[string]interp.Value{"x": {Type: in, N: n, Data: x}},
			Random: func(string, bool, uint64, uint64) float64 { return random.Float64() }})
		if err != nil {
			t.Fatal(err)
		}
		out[i] = res.Outputs["y"]
	}
	for i := range out[0].Data {
		if out[0].Data[i] != out[1].Data[i] {
			t.Fatal("training and evaluation differ")
		}
	}
	return out[0]
}

// Under latency every neuron spikes in the step next to the time that SpikingJelly gives it, and not at all where that is the end of the
// window; those of a value stand side by side.
func TestLatency(t *testing.T) {
	text, err := os.ReadFile("testdata/tuning.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Low, High      float64
		Neurons, Steps int
		X, Times       [][]float64
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	var x []float64
	for _, row := range want.X {
		x = append(x, row...)
	}
	n, width := len(want.X), 2*want.Neurons
	got := run(t, population.Coder().Encode, arguments("latency", want.Steps, want.Neurons, want.Low, want.High), graph.Real(2), n, x)
	if w := graph.Spikes(want.Steps, width); !got.Type.Equal(w) {
		t.Fatalf("the result is %v, want %v", got.Type, w)
	}
	silent := 0
	for e, row := range want.Times {
		for k, time := range row {
			step := math.Floor(time + 0.5)
			if step == float64(want.Steps) {
				silent++
			}
			for s := range want.Steps {
				if spike := got.Data[(s*n+e)*width+k] == 1; spike != (float64(s) == step) {
					t.Errorf("neuron %d of %v: spike %v at step %d, its time is %v", k, want.X[e], spike, s, time)
				}
			}
		}
	}
	if silent == 0 {
		t.Error("the test has no silent neurons")
	}
}

// An image becomes what its pixels become one by one.
func TestImage(t *testing.T) {
	const steps, neurons, channels, rest = 7, 4, 3, 5
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-0.5, 1.5), channels*rest, channels*rest).Draw(t, "image")
		args := arguments(rapid.SampledFrom([]string{"latency", "regular"}).Draw(t, "code"), steps, neurons, 0, 1)
		spikes := run(t, population.Coder().Encode, args, graph.Real(channels, 1, rest), 1, x)
		if w := graph.Spikes(steps, channels*neurons, 1, rest); !spikes.Type.Equal(w) {
			t.Fatalf("the result is %v, want %v", spikes.Type, w)
		}
		back := run(t, population.Coder().Decode, args, spikes.Type, 1, spikes.Data)
		if w := graph.Real(channels, 1, rest); !back.Type.Equal(w) {
			t.Fatalf("the result is %v, want %v", back.Type, w)
		}
		c, p := rapid.IntRange(0, channels-1).Draw(t, "channel"), rapid.IntRange(0, rest-1).Draw(t, "pixel")
		one := run(t, population.Coder().Encode, args, graph.Real(1), 1, x[c*rest+p:][:1])
		for s := range steps {
			for k := range neurons {
				if got, want := spikes.Data[(s*channels*neurons+c*neurons+k)*rest+p], one.Data[s*neurons+k]; got != want {
					t.Fatalf("channel %d, pixel %d, neuron %d: %v at step %d, and by itself %v", c, p, k, got, s, want)
				}
			}
		}
		if y := run(t, population.Coder().Decode, args, one.Type, 1, one.Data); math.Abs(y.Data[0]-back.Data[c*rest+p]) > 1e-12 {
			t.Fatalf("channel %d, pixel %d comes back as %v, and by itself as %v", c, p, back.Data[c*rest+p], y.Data[0])
		}
	})
}

// activity is that of neuron k of n at x in low..high.
func activity(x, low, high float64, k, n int) float64 {
	distance := (high - low) / float64(n-2)
	u := (x - (low + (2*float64(k+1)-3)/2*distance)) / (distance / 1.5)
	return math.Exp(-u * u / 2)
}

// Under regular a neuron has round(steps a) spikes, whose distances differ by 1 at most.
func TestRegular(t *testing.T) {
	const steps, neurons = 25, 5
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(2, 6).Draw(t, "x")
		spikes := run(t, population.Coder().Encode, arguments("regular", steps, neurons, 2, 6), graph.Real(1), 1, []float64{x})
		for k := range neurons {
			count, last, shortest, longest := 0, -1, steps, 0
			for s := range steps {
				if spikes.Data[s*neurons+k] == 0 {
					continue
				}
				if last >= 0 {
					shortest, longest = min(shortest, s-last), max(longest, s-last)
				}
				count, last = count+1, s
			}
			a := activity(x, 2, 6, k, neurons)
			if float64(count) < steps*a-0.5-1e-9 || float64(count) > steps*a+0.5+1e-9 {
				t.Fatalf("neuron %d has %d spikes at activity %v", k, count, a)
			}
			if count > 2 && longest > shortest+1 {
				t.Fatalf("neuron %d has distances %d to %d", k, shortest, longest)
			}
		}
	})
}

// Under poisson the rate of a neuron is its activity, to five deviations of a mean of so many spikes.
func TestPoisson(t *testing.T) {
	const steps, neurons, n = 50, 6, 200
	for _, x := range []float64{0, 0.2, 0.7} {
		values := make([]float64, n)
		for i := range values {
			values[i] = x
		}
		spikes := run(t, population.Coder().Encode, arguments("poisson", steps, neurons, 0, 1), graph.Real(1), n, values)
		for k := range neurons {
			var rate float64
			for i := k; i < len(spikes.Data); i += neurons {
				rate += spikes.Data[i] / (steps * n)
			}
			if a := activity(x, 0, 1, k, neurons); math.Abs(rate-a) > 5*math.Sqrt(a*(1-a)/(steps*n))+1e-9 {
				t.Errorf("neuron %d at %v: rate %v, activity %v", k, x, rate, a)
			}
		}
	}
}

// What is decoded is nearly as near to the value as what the best weights for these very spikes give, found by least squares: the
// errors of a population that is rounded are not quite independent, and 2,000 values favour the weights that are fitted to them by
// neurons / 2,000.
func TestDecode(t *testing.T) {
	const n = 2000
	for code, sizes := range map[string][][2]int{"latency": {{8, 16}, {3, 4}}, "poisson": {{8, 16}, {12, 20}}, "regular": {{8, 16}}} {
		for _, size := range sizes {
			neurons, steps := size[0], size[1]
			t.Run(fmt.Sprintf("%s of %d at %d steps", code, neurons, steps), func(t *testing.T) {
				args := arguments(code, steps, neurons, -1, 3)
				random := rand.New(rand.NewPCG(1, 2))
				x := make([]float64, n)
				for i := range x {
					x[i] = -1 + 4*random.Float64()
				}
				spikes := run(t, population.Coder().Encode, args, graph.Real(1), n, x)
				said, values := mat.NewDense(n, neurons, nil), mat.NewVecDense(n, nil)
				for i := range n {
					values.SetVec(i, x[i]-1) // from the middle
					for k := range neurons {
						for s := range steps {
							if spikes.Data[(s*n+i)*neurons+k] == 0 {
								continue
							}
							weight := 1 / float64(steps)
							if code == "latency" {
								weight = 1 - float64(s)/float64(steps)
							}
							said.Set(i, k, said.At(i, k)+weight)
						}
					}
				}
				var weights, left mat.VecDense
				if err := weights.SolveVec(said, values); err != nil {
					t.Fatal(err)
				}
				left.MulVec(said, &weights)
				left.SubVec(&left, values)
				best := mat.Dot(&left, &left) / n
				back := run(t, population.Coder().Decode, args, spikes.Type, n, spikes.Data)
				var got float64
				for i, y := range back.Data {
					got += (y - x[i]) * (y - x[i]) / n
				}
				t.Logf("root mean square %v, at best %v", math.Sqrt(got), math.Sqrt(best))
				if got > 1.1*best {
					t.Errorf("mean squared error %v, and the best weights give %v", got, best)
				}
			})
		}
	}
}

// Silence is the middle of the range, and of real numbers the weighted ones.
func TestDecodeSilence(t *testing.T) {
	in := graph.Signal(4, 16)
	for _, code := range []string{"latency", "poisson", "regular"} {
		y := run(t, population.Coder().Decode, arguments(code, 16, 8, 2, 5), in, 1, make([]float64, 4*16))
		if y.Data[0] != 3.5 || y.Data[1] != 3.5 {
			t.Errorf("%s: silence is %v", code, y.Data)
		}
	}
}

func TestComplaints(t *testing.T) {
	for path, x := range map[string]struct {
		d    direction
		args schema.Arguments
		in   graph.Type
	}{
		"range":   {population.Coder().Encode, arguments("latency", 4, 8, 1, 1), graph.Real(3)},
		"neurons": {population.Coder().Decode, arguments("latency", 4, 8, 0, 1), graph.Spikes(4, 12)},
	} {
		text, complaints, err := x.d(x.args, x.in)
		if err != nil || text != "" || len(complaints) != 1 || complaints[0].Path != path {
			t.Errorf("%s: %q, %v, %v", path, text, complaints, err)
		}
	}
}
