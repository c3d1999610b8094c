package diffusion

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
)

// vectors is testdata/vectors.json: what diffusers computes in float64 (testdata/vectors.py).
type vectors struct {
	Schedules []struct {
		Beta        string
		Steps       int
		At          []int
		Betas, Kept []float64
	}
	DDPM []struct {
		Beta, Predict, Variance string
		Clip                    bool
		Rows                    []turn
	}
	DDIM []struct {
		Beta, Spacing, Predict string
		Steps, N               int
		Eta                    float64
		Clip                   bool
		Rows                   []turn
	}
	Strided []struct {
		Beta, Spacing, Predict, Variance string
		N                                int
		Clip                             bool
		Rows                             []turn
	}
	DPM []struct { // x after each turn
		Beta, Predict string
		N             int
		Rows          []turn
	}
	Spacings []struct {
		Spacing  string
		Steps, N int
		Levels   []int
	}
}

type turn struct {
	S int
	X []float64
}

func oracle(t *testing.T) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Schedules) == 0 || len(v.DDPM) == 0 || len(v.DDIM) == 0 || len(v.Strided) == 0 || len(v.DPM) == 0 || len(v.Spacings) == 0 {
		t.Fatal("the vectors lack a part")
	}
	return v
}

func beta(name string) schema.Value {
	args := schema.Arguments{}
	number := func(name string, v float64) { args[name] = schema.Value{Type: schema.Real, Number: v} }
	if name == "cosine" {
		number("offset", 0.008)
	} else {
		number("first", 1e-4)
		number("last", 0.02)
	}
	return schema.Value{Type: schema.OneOf, Text: name, Args: args}
}

func options(variance string, n int, eta float64, spacing string) schema.Arguments {
	o := schema.Arguments{"variance": {Type: schema.OneOf, Text: variance}, "eta": {Type: schema.Real, Number: eta}, "spacing": {Type: schema.OneOf, Text: spacing}}
	if n > 0 {
		o["steps"] = schema.Value{Type: schema.Int, Number: float64(n)}
	}
	return o
}

// near reports whether two numbers that were computed in another order are the same: some ten roundings of float64, of products
// whose factors, reciprocals of what is left of the image, go up to `factor`.
func near(a, b, factor float64) bool { return math.Abs(a-b) <= 1e-14*max(1, math.Abs(b), factor) }

func TestSchedules(t *testing.T) {
	for _, w := range oracle(t).Schedules {
		n := newSchedule(w.Steps, beta(w.Beta))
		for i, s := range w.At {
			// The products have up to a thousand factors of a rounding each, and near 1 the cosine's quotient cancels.
			if math.Abs(n.beta[s]-w.Betas[i]) > 1e-14 || math.Abs(n.kept[s]/w.Kept[i]-1) > 1e-11 {
				t.Errorf("%s, %d steps: at %d beta is %v and kept %v, diffusers has %v and %v", w.Beta, w.Steps, s, n.beta[s], n.kept[s], w.Betas[i], w.Kept[i])
			}
		}
	}
	if kept := newSchedule(1000, beta("linear")).kept[999]; math.Abs(kept-4.04e-5) > 0.005e-5 {
		t.Errorf("after 1,000 steps %v is kept, DDPM's schedule leaves 4.04e-5", kept)
	}
	for _, steps := range []int{1, 2, 10, 100, 10_000} {
		if c := newSchedule(steps, beta("cosine")).complaints(beta("cosine")); c != nil {
			t.Errorf("the cosine schedule in %d steps: %v", steps, c)
		}
	}
}

// numbers are the four that testdata/vectors.py takes for a purpose and a step.
func numbers(k, s int) [4]float64 {
	var out [4]float64
	for i := range out {
		out[i] = 1.5 * math.Sin(1+7*float64(k)+0.37*float64(s)+1.9*float64(i))
	}
	return out
}

// next is what a turn makes of x, the denoiser's output and noise.
func next(row []float64, x, y, noise float64, clip bool) float64 {
	x0 := row[1]*x + row[2]*y
	if clip {
		x0 = min(max(x0, -1), 1)
	}
	return row[3]*x0 + row[4]*x + row[5]*y + row[6]*noise
}

func compare(t *testing.T, what string, rows [][]float64, clip bool, want []turn) {
	t.Helper()
	for _, w := range want {
		i := slices.IndexFunc(rows, func(r []float64) bool { return r[0] == float64(w.S) })
		if i < 0 {
			t.Errorf("%s: no row for step %d", what, w.S)
			continue
		}
		x, y, noise := numbers(0, w.S), numbers(1, w.S), numbers(2, w.S)
		for k, want := range w.X {
			// What is kept has up to a thousand roundings, which the schedule's test allows 1e-11 for.
			if got := next(rows[i], x[k], y[k], noise[k], clip); math.Abs(got-want) > 1e-11*max(1, math.Abs(rows[i][1]), math.Abs(want)) {
				t.Errorf("%s: step %d makes %v of number %d, diffusers %v", what, w.S, got, k, want)
			}
		}
	}
}

func TestDDPM(t *testing.T) {
	for _, w := range oracle(t).DDPM {
		n := newSchedule(1000, beta(w.Beta))
		rows, c := n.table(w.Predict, "ddpm", options(w.Variance, 0, 0, "trailing"))
		if len(c) > 0 || len(rows) != 1000 {
			t.Fatal(len(rows), c)
		}
		// Near the image, the mean of a step is a mean of the estimated image and x: their shares sum to 1 but for what is lost.
		for _, row := range rows[990:999] {
			if lost := 1 - n.kept[int(row[0])]; w.Beta == "linear" && math.Abs(row[3]+row[4]-1) > lost {
				t.Errorf("at step %v the weights are %v and %v", row[0], row[3], row[4])
			}
		}
		compare(t, "ddpm "+w.Beta+" "+w.Predict+" "+w.Variance, rows, w.Clip, w.Rows)
	}
}

// Some of the steps: those that diffusers goes through, too. The turn to the image adds no noise here.
func TestStrided(t *testing.T) {
	for _, w := range oracle(t).Strided {
		n := newSchedule(1000, beta(w.Beta))
		rows, c := n.table(w.Predict, "ddpm", options(w.Variance, w.N, 0, w.Spacing))
		if last := rows[len(rows)-1]; len(c) > 0 || len(rows) != w.N || last[3] != 1 || last[4] != 0 || last[5] != 0 || last[6] != 0 {
			t.Fatal(len(rows), last, c)
		}
		compare(t, "ddpm "+w.Spacing+" "+w.Predict+" "+w.Variance, rows, w.Clip, w.Rows)
	}
	// The published code of SDDPM asks at its list of steps and at step 0 and adds the noise of one step at each.
	n := newSchedule(1000, beta("linear"))
	rows, c := n.table("eps", "ddpm", options("single", 8, 0, "sddpm"))
	if len(c) > 0 || len(rows) != 9 {
		t.Fatal(len(rows), c)
	}
	for i, s := range []int{999, 874, 749, 624, 499, 374, 249, 124, 0} {
		want := math.Sqrt(1e-4 + (0.02-1e-4)*float64(s)/999)
		if i == 8 {
			want = 0
		}
		if rows[i][0] != float64(s) || !near(rows[i][6], want, 1) {
			t.Errorf("turn %d is at step %v with noise %v, want %d with %v", i, rows[i][0], rows[i][6], s, want)
		}
	}
}

func TestDPM(t *testing.T) {
	for _, w := range oracle(t).DPM {
		n := newSchedule(1000, beta(w.Beta))
		rows, c := n.table(w.Predict, "dpm", options("", w.N, 0, "trailing"))
		if len(c) > 0 || len(rows) != w.N || len(w.Rows) != w.N {
			t.Fatal(len(rows), c)
		}
		for k, x := range numbers(0, 0) {
			before, size := 0.0, math.Abs(x)
			for i, row := range rows {
				if row[0] != float64(w.Rows[i].S) {
					t.Fatalf("turn %d is at step %v, that of diffusers at %d", i, row[0], w.Rows[i].S)
				}
				y := numbers(1, w.Rows[i].S)[k]
				x0 := row[1]*x + row[2]*y
				x = row[3]*x0 + row[4]*x + row[5]*y + row[7]*before
				before = x0
				// Each turn adds what the schedule's test allows, of what it sums up; what is not kept for long fades.
				size = max(size, math.Abs(row[1]), math.Abs(row[3]*x0), math.Abs(row[4]*x))
				if want := w.Rows[i].X[k]; math.Abs(x-want) > 1e-11*size*float64(i+1) {
					t.Errorf("dpm %s %s in %d: turn %d makes %v of number %d, diffusers %v", w.Beta, w.Predict, w.N, i, x, k, want)
				}
			}
		}
	}
}

func TestDDIM(t *testing.T) {
	for _, w := range oracle(t).DDIM {
		n := newSchedule(w.Steps, beta(w.Beta))
		rows, c := n.table(w.Predict, "ddim", options("", w.N, w.Eta, w.Spacing))
		if len(c) > 0 || len(rows) != w.N {
			t.Fatal(len(rows), c)
		}
		compare(t, "ddim "+w.Beta+" "+w.Predict+" "+w.Spacing, rows, w.Clip, w.Rows)
	}
}

func TestSpacings(t *testing.T) {
	levels := func(steps, n int, spacing string) []int {
		out, c := newSchedule(steps, beta("cosine")).levels(n, spacing)
		if len(c) > 0 {
			t.Fatal(c)
		}
		return out
	}
	for _, w := range oracle(t).Spacings {
		if got := levels(w.Steps, w.N, w.Spacing); !slices.Equal(got, append(w.Levels, -1)) {
			t.Errorf("%s, %d of %d: %v, diffusers has %v", w.Spacing, w.N, w.Steps, got, w.Levels)
		}
	}
	// By hand: floor(999 - 125 k) and floor(9 - 2.5 k), then step 0, on reaching which it stops.
	for _, w := range []struct {
		steps, n int
		want     []int
	}{
		{1000, 8, []int{999, 874, 749, 624, 499, 374, 249, 124, 0}},
		{10, 4, []int{9, 6, 4, 1, 0}},
		{10, 10, []int{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
		{5, 3, []int{4, 2, 0}},
		{1000, 1, []int{999, 0}},
	} {
		if got := levels(w.steps, w.n, "sddpm"); !slices.Equal(got, w.want) {
			t.Errorf("sddpm, %d of %d: %v, want %v", w.n, w.steps, got, w.want)
		}
	}
	if got := levels(1000, 50, "sddpm"); got[0] != 999 || got[1] != 979 || got[49] != 19 || got[50] != 0 || len(got) != 51 {
		t.Errorf("sddpm, 50 of 1000: %v", got)
	}
}

// Whatever the schedule and the options, a table goes down to the image: the weights of image, x and noise together bring the
// variance that an image of variance 1 has at one level to that which it has at the next.
func TestTablesKeepVariance(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		steps := rapid.IntRange(2, 400).Draw(r, "steps")
		n := newSchedule(steps, beta("cosine"))
		sampled := rapid.IntRange(2, steps).Draw(r, "sampled")
		spacing := rapid.SampledFrom([]string{"trailing", "leading", "linspace", "sddpm"}).Draw(r, "spacing")
		predict := rapid.SampledFrom([]string{"eps", "x0", "v"}).Draw(r, "predict")
		levels, c := n.levels(sampled, spacing)
		if len(c) > 0 {
			r.Fatal(c)
		}
		if !slices.IsSortedFunc(levels, func(a, b int) int { return b - a }) || len(slices.Compact(slices.Clone(levels))) != len(levels) {
			r.Fatalf("levels %v", levels)
		}
		sampler := rapid.SampledFrom([]string{"ddim", "ddpm"}).Draw(r, "sampler")
		if sampler == "ddpm" && levels[len(levels)-1] == 0 {
			levels = append(levels, -1)
		}
		rows, _ := n.table(predict, sampler, options("small", sampled, rapid.Float64Range(0, 1).Draw(r, "eta"), spacing))
		for i, row := range rows {
			s, to := levels[i], n.at(levels[i+1])
			// The exact denoiser of one image a and noise e: x = sqrt(kept) a + sqrt(1 - kept) e.
			image, noise := math.Sqrt(n.kept[s]), math.Sqrt(1-n.kept[s])
			of := func(a, e float64) float64 {
				x := image*a + noise*e
				y := map[string]float64{"eps": e, "x0": a, "v": image*e - noise*a}[predict]
				return next(row, x, y, 0, false)
			}
			a, e := of(1, 0), of(0, 1)
			if variance := e*e + row[6]*row[6]; !near(a, math.Sqrt(to), 10*max(math.Abs(row[1]), 1/(1-n.kept[s]))) || math.Abs(variance-(1-to)) > 1e-9 {
				r.Fatalf("%s: from %d to %d the image has weight %v, noise variance %v; want %v and %v", predict, s, levels[i+1], a, variance, math.Sqrt(to), 1-to)
			}
		}
	})
}
