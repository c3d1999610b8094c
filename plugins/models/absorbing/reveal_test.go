package absorbing_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/models/absorbing"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// two is a model of two cells that hold one of `kinds` tokens, which an image shows: its first two pixels are the numbers of the
// tokens. The denoiser is that of the text.
func two(t *testing.T, kinds, steps int, denoiser string) *modeltest.Model {
	return second(t, fmt.Sprintf(`snn 1
data d = optdigits(range = -1..1)
network to(x: real[1, 8, 8]) -> real[32, 1, 2] { return x -> reshape(32, 1, 2) }
network back(z: real[32, 1, 2]) -> real[1, 8, 8] { return z -> reshape(1, 8, 8) }
network net(c: tokens[1, 2], s: step) -> real[%d, 1, 2] { return %s }
model m = vqvae(encoder = to, decoder = back, codes = %d)
model p = absorbing(tokens = m, denoiser = net, steps = %d)
train m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
train p { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }
`, kinds, denoiser, kinds, steps))
}

// shares draws n samples and returns how often the cells hold each pair of tokens.
func shares(t *testing.T, m *modeltest.Model, options schema.Arguments, n int, set func(name string, weights []float32)) map[[2]int]float64 {
	t.Helper()
	own := m.Start(t)
	for name, w := range own.Weights {
		if name == "tokens.codebook" {
			for i := range w.F32 {
				w.F32[i] = float32(i / 32)
			}
		} else {
			clear(w.F32)
			set(name, w.F32)
		}
	}
	sampler := m.Sampler(t, "reveal", options)
	out := map[[2]int]float64{}
	const batch = 4000
	for first := 0; first < n; first += batch {
		x := sampler.Draw(t, own, batch, first)
		for i := range batch {
			out[[2]int{int(x.F32[64*i]), int(x.F32[64*i+1])}] += 1 / float64(n)
		}
	}
	return out
}

func options(steps int, temperature float64, spacing string) schema.Arguments {
	o := schema.Arguments{"temperature": {Type: schema.Real, Number: temperature}, "spacing": {Type: schema.OneOf, Text: spacing}}
	if steps > 0 {
		o["steps"] = schema.Value{Type: schema.Int, Number: float64(steps)}
	}
	return o
}

// judge compares shares of n draws with probabilities. Four standard deviations are passed once in 16,000 draws.
func judge(t *testing.T, what string, got map[[2]int]float64, n int, want func(i, j int) float64, kinds int) {
	t.Helper()
	for i := range kinds {
		for j := range kinds {
			p := want(i, j)
			if d := got[[2]int{i, j}] - p; math.Abs(d) > 4*math.Sqrt(p*(1-p)/float64(n))+1e-9 { // rounding of a sum of shares
				t.Errorf("%s: %d and %d are drawn with frequency %.4f, want %.4f", what, i, j, p+d, p)
			}
			delete(got, [2]int{i, j})
		}
	}
	if len(got) > 0 {
		t.Errorf("%s: other tokens are drawn: %v", what, got)
	}
}

// With the exact denoiser of a joint distribution of two cells, sampling gives that distribution, but for the samples whose two
// cells are revealed in the same turn, one of n, which are drawn each from its own distribution. The step of a cell is uniform.
func TestJoint(t *testing.T) {
	joint := [2][2]float64{{0.10, 0.35}, {0.50, 0.05}}
	row := [2]float64{joint[0][0] + joint[0][1], joint[1][0] + joint[1][1]}
	column := [2]float64{joint[0][0] + joint[1][0], joint[0][1] + joint[1][1]}
	m := two(t, 2, 12, "c -> embedding(3, count = 3) -> flatten -> linear(4) -> reshape(2, 1, 2)")
	set := func(name string, w []float32) {
		switch {
		case len(w) == 9: // each token has a channel of its own
			for i := range 3 {
				w[4*i] = 1
			}
		case len(w) == 24: // [number of token k at cell i][channel j of cell i']
			for k := range 2 {
				for j := range 3 {
					first, second := row[k], column[k] // the other cell is hidden
					if j < 2 {
						first, second = joint[k][j]/column[j], joint[j][k]/row[j]
					}
					w[(2*k+0)*6+2*j+1] = float32(math.Log(first))
					w[(2*k+1)*6+2*j+0] = float32(math.Log(second))
				}
			}
		case len(w) != 4:
			t.Fatalf("weights %s of %d numbers", name, len(w))
		}
	}
	const n = 40_000
	for turns, spacing := range map[int]string{0: "even", 12: "last", 4: "even", 2: "last", 1: "even"} {
		same := 1 / float64(turns)
		if turns == 0 {
			same = 1.0 / 12
		}
		got := shares(t, m, options(turns, 1, spacing), n, set)
		judge(t, fmt.Sprint(turns, " turns"), got, n, func(i, j int) float64 { return (1-same)*joint[i][j] + same*row[i]*column[j] }, 2)
	}
}

// The temperature divides the logarithms of the probabilities; at 0 the likeliest token is drawn. The denoiser is told the step.
func TestTemperature(t *testing.T) {
	logits := []float64{0.3, -1, 1.2, 0}
	m := two(t, 4, 1, "(s -> embedding(4, count = 2) -> expand(1, 2)) + 0 * (c -> raw)")
	set := func(_ string, w []float32) {
		for i, l := range logits {
			w[4+i] = float32(l) // of step 1
		}
	}
	const n = 20_000
	for _, temperature := range []float64{0, 0.5, 1, 2.5} {
		p, sum := make([]float64, len(logits)), 0.0
		for i, l := range logits {
			p[i] = math.Exp((l - 1.2) / max(temperature, 1e-9))
			sum += p[i]
		}
		got := shares(t, m, options(0, temperature, "even"), n, set)
		judge(t, fmt.Sprint("temperature ", temperature), got, n, func(i, j int) float64 { return p[i] * p[j] / (sum * sum) }, 4)
	}
}

// Where there are as many turns as cells one cell is revealed in each on average; what is revealed stays, and none is hidden at
// the end.
func TestReveal(t *testing.T) {
	m, variables := small(t, "reweighted")
	const examples, hidden = 400, 5
	h := m.Run(t, "start", interp.Env{N: examples})["h"]
	for _, v := range h.Data {
		if v != hidden {
			t.Fatalf("a cell starts with token %v", v)
		}
	}
	for turn := range 4 {
		in := map[string]interp.Value{"h": h}
		for name, v := range map[string]float64{"s": float64(4 - turn), "reveal": 1 / float64(4-turn)} {
			in[name] = interp.Value{Type: graph.Scalar(), N: 1, Data: []float64{v}}
		}
		next, revealed := m.Run(t, "turn", interp.Env{N: examples, Variables: variables, Inputs: in, Random: func(label string, normal bool, index, element uint64) float64 {
			return modeltest.UniformRandom(fmt.Sprint(label, turn), normal, index, element)
		}})["h"], 0.0
		for i, v := range next.Data {
			switch {
			case h.Data[i] == hidden && v != hidden:
				revealed++
				if v < 0 || v > 4 {
					t.Fatalf("token %v is drawn", v)
				}
			case h.Data[i] != v:
				t.Fatalf("a revealed cell changes from %v to %v", h.Data[i], v)
			case turn == 3 && v == hidden:
				t.Fatal("a cell is hidden at the end")
			}
		}
		// Each of 4 cells has its turn, all alike likely: a mean of 1 and a variance of 3/4.
		if mean := revealed / examples; math.Abs(mean-1) > 4*math.Sqrt(0.75/examples) {
			t.Errorf("turn %d reveals %v cells on average", turn+1, mean)
		}
		h = next
	}
}

// A sampler's table begins with all cells hidden and leaves none: by even spacing the expected share of hidden cells behind each
// turn is that of the step which the next one tells the denoiser; the published code tells it the last steps, and the shares are
// those of a diffusion of as many steps as there are turns.
func TestTable(t *testing.T) {
	m := two(t, 2, 60, "(c -> embedding(2, count = 3)) + 0 * (s -> raw -> expand(1, 2))")
	rapid.Check(t, func(r *rapid.T) {
		all := rapid.IntRange(1, 60).Draw(r, "steps")
		turns := rapid.IntRange(1, all).Draw(r, "turns")
		spacing := rapid.SampledFrom([]string{"even", "last"}).Draw(r, "spacing")
		q := m.Request
		q.Arguments = schema.Arguments{"steps": {Number: float64(all)}}
		text, complaints, err := absorbing.Model().Sampler(q, "reveal", options(turns, 1, spacing))
		if err != nil || len(complaints) > 0 {
			r.Fatal(complaints, err)
		}
		p, err := program.Parse(text)
		if err != nil {
			r.Fatal(err)
		}
		s := p.Samplers[0]
		if s.Turns != turns || len(s.Table) != turns || strings.Join(s.Columns, " ") != "s reveal" {
			r.Fatalf("%+v", s)
		}
		of := float64(all)
		if spacing == "last" {
			of = float64(turns)
		}
		left := 1.0
		for i, row := range s.Table {
			if math.Abs(left-row[0]/of) > 1e-12 || row[1] <= 0 || row[1] > 1 {
				r.Fatalf("row %d is %v, and a share of %v is hidden", i, row, left)
			}
			left *= 1 - row[1]
		}
		if left != 0 {
			r.Fatalf("a share of %v is hidden at the end", left)
		}
	})
}
