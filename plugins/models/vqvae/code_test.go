package vqvae_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/models/vqvae"
	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// plain is a model without weights but its codebook of vectors of 2 numbers: an image of 4 x 2 pixels is 2 x 2 places.
func plain(t testing.TB, arguments string) *modeltest.Model {
	return modeltest.Build(t, vqvae.Model(), `snn 1
network to(image: real[1, 4, 2]) -> real[2, 2, 2] { return image -> reshape(2, 2, 2) }
network back(z: real[2, 2, 2]) -> real[1, 4, 2] { return z -> reshape(1, 4, 2) }
model m = vqvae(encoder = to, decoder = back, codes = 5`+arguments+`)
`, modeltest.Images(graph.Real(1, 4, 2), 0))
}

const (
	cells = 4
	codes = 5
	many  = 7 // examples
)

// places are the vectors of all places of random images, and these.
func places(seed string) (out [][2]float64, images interp.Value) {
	images = interp.NewValue(graph.Real(1, 4, 2), many)
	for i := range images.Data {
		images.Data[i] = modeltest.Random(seed, true, 0, uint64(i))
	}
	for e := range many {
		for c := range cells {
			out = append(out, [2]float64{images.Data[e*8+c], images.Data[e*8+cells+c]})
		}
	}
	return out, images
}

// assign is the code of each place by the definition: the one of the least distance.
func assign(book []float64, of [][2]float64) []int {
	out := make([]int, len(of))
	for i, m := range of {
		least := math.Inf(1)
		for k := range codes {
			if d := math.Hypot(m[0]-book[2*k], m[1]-book[2*k+1]); d < least {
				least, out[i] = d, k
			}
		}
	}
	return out
}

func run(t testing.TB, g *graph.Graph, variables map[string]interp.Value, name string, input interp.Value) *interp.Result {
	t.Helper()
	res, err := interp.Run(g, &interp.Env{N: many, Variables: variables, Inputs: map[string]interp.Value{name: input}, Random: modeltest.Random, Host: func(string) float64 { return 1 }})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// close judges numbers that differ by the rounding of sums of some ten.
func close(t testing.TB, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d numbers, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if math.Abs(got[i]-want[i]) > 1e-12 {
			t.Errorf("%s: number %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// Tokens are the numbers of the nearest vectors, decoding puts these vectors there, and reconstruct is both in one. The losses
// and the codebook's gradient are the mean squared distance to the chosen vectors; the perplexity is that of their shares.
func TestCodes(t *testing.T) {
	m := plain(t, "")
	of, images := places("images")
	variables := m.Values(modeltest.Initial)
	book := variables["codebook"].Data
	book[4] = 50 // so that nothing is near code 2
	chosen := assign(book, of)
	function := func(name string) *graph.Graph {
		g, err := m.Linker.Function(name)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	tokens := run(t, function("encode"), variables, "image", images).Outputs["tokens"]
	var want, pixels, gradient []float64
	gradient = make([]float64, len(book))
	distance, counts := 0.0, make([]float64, codes)
	for e := range many {
		first, second := []float64{}, []float64{}
		for c := range cells {
			i := e*cells + c
			k := chosen[i]
			want = append(want, float64(k))
			first, second = append(first, book[2*k]), append(second, book[2*k+1])
			counts[k]++
			for j := range 2 {
				d := book[2*k+j] - of[i][j]
				distance += d * d / (2 * cells * many)
				gradient[2*k+j] += 2 * d / (2 * cells * many)
			}
		}
		pixels = append(append(pixels, first...), second...)
	}
	close(t, "tokens", tokens.Data, want)
	close(t, "decoded", run(t, function("decode"), variables, "tokens", tokens).Outputs["image"].Data, pixels)
	close(t, "reconstructed", run(t, function("reconstruct"), variables, "image", images).Outputs["image"].Data, pixels)
	g, moved, err := m.Linker.Step(m.Program.Stages[0].Steps[0])
	if err != nil || !slices.Equal(moved, []string{"codebook"}) {
		t.Fatal(moved, err)
	}
	res := run(t, g, variables, "image", images)
	entropy := 0.0
	for _, n := range counts {
		if n > 0 {
			entropy -= n / (cells * many) * math.Log(n/(cells*many))
		}
	}
	if counts[2] != 0 {
		t.Error("code 2 is chosen")
	}
	for name, want := range map[string]float64{"mse": distance, "codebook": distance, "commitment": distance, "total": 2.25 * distance, "perplexity": math.Exp(entropy)} {
		close(t, name, res.Outputs[name].Data, []float64{want})
	}
	close(t, "the gradient", res.Outputs[program.Grad+"codebook"].Data, gradient)
}

// The perplexity of codes that are all chosen alike often is their number, that of a single one is 1.
func TestPerplexity(t *testing.T) {
	m := plain(t, "")
	g, _, err := m.Linker.Step(m.Program.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	for used := range codes {
		used++
		variables := m.Values(modeltest.Initial)
		for k := range codes {
			variables["codebook"].Data[2*k], variables["codebook"].Data[2*k+1] = float64(k), 0
		}
		images := interp.NewValue(graph.Real(1, 4, 2), used) // as many places of each
		for e := range used {
			for c := range cells {
				images.Data[e*8+c] = float64((e*cells + c) % used)
			}
		}
		res, err := interp.Run(g, &interp.Env{N: used, Variables: variables, Inputs: map[string]interp.Value{"image": images}})
		if err != nil {
			t.Fatal(err)
		}
		close(t, fmt.Sprint(used, " codes"), res.Outputs["perplexity"].Data, []float64{float64(used)})
	}
}

// Moving vectors are, after some batches, the averages of what they stood for; a vector that never stood for anything is where
// it was. No gradient moves them, and none of the loss asks for it.
func TestMoving(t *testing.T) {
	const decay = 0.75
	m := plain(t, ", codebook = moving(decay = 0.75)")
	for _, r := range m.Program.Stages[0].Steps[0].Moves {
		if r == "codebook" {
			t.Error("the gradient moves a codebook of averages")
		}
	}
	g, _, err := m.Linker.Step(m.Program.Stages[0].Steps[0])
	if err != nil {
		t.Fatal(err)
	}
	variables := m.Values(modeltest.Initial)
	variables["codebook"].Data[4] = 50 // so that nothing is near code 2
	first := slices.Clone(variables["codebook"].Data)
	want := slices.Clone(first)
	count, sum := make([]float64, codes), make([]float64, 2*codes)
	for batch := range 3 {
		of, images := places(fmt.Sprint("batch ", batch))
		now, total := make([]float64, codes), make([]float64, 2*codes)
		for i, k := range assign(want, of) {
			now[k]++
			total[2*k] += of[i][0]
			total[2*k+1] += of[i][1]
		}
		for k := range codes {
			count[k] = decay*count[k] + (1-decay)*now[k]
			for j := range 2 {
				sum[2*k+j] = decay*sum[2*k+j] + (1-decay)*total[2*k+j]
				if count[k] > 0 {
					want[2*k+j] = sum[2*k+j] / count[k]
				}
			}
		}
		res := run(t, g, variables, "image", images)
		if _, ok := res.Outputs["codebook"]; ok {
			t.Error("the loss has a term for the codebook")
		}
		for name, v := range res.Assigned {
			variables[name] = v
		}
	}
	close(t, "the codebook", variables["codebook"].Data, want)
	if count[2] != 0 || !slices.Equal(want[4:6], first[4:6]) {
		t.Errorf("code 2 is chosen: %v", count)
	}
}

// At the end of an epoch the codes that stood for too few places of it, in all of its batches, become vectors of places of the
// last one; the others stay, and the next epoch is counted from zero.
func TestRevive(t *testing.T) {
	for _, moving := range []bool{false, true} {
		arguments := ", revive = 10"
		if moving {
			arguments += ", codebook = moving"
		}
		m := plain(t, arguments)
		steps := m.Program.Stages[0].Steps
		if len(steps) != 2 || !steps[1].Epoch || steps[1].Every != 1 || len(steps[1].Moves) > 0 {
			t.Fatalf("steps %+v", steps)
		}
		variables := m.Values(modeltest.Initial)
		counts := make([]float64, codes)
		var last [][2]float64
		for batch := range 3 {
			of, images := places(fmt.Sprint("batch ", batch))
			last = of
			if batch < 2 {
				for _, k := range assign(variables["codebook"].Data, of) {
					counts[k]++
				}
			}
			g, _, err := m.Linker.Step(steps[min(batch/2, 1)]) // the third batch is that of the step at the end
			if err != nil {
				t.Fatal(err)
			}
			if batch == 2 {
				close(t, "used", variables["used"].Data, counts)
			}
			before := variables["codebook"].Data
			res := run(t, g, variables, "image", images)
			for name, v := range res.Assigned {
				variables[name] = v
			}
			if batch < 2 {
				continue
			}
			dead := 0
			for k := range codes {
				now := [2]float64(variables["codebook"].Data[2*k : 2*k+2])
				if counts[k] >= 10 {
					close(t, fmt.Sprint("code ", k), now[:], before[2*k:2*k+2])
					continue
				}
				dead++
				if !slices.Contains(last, now) {
					t.Errorf("code %d is %v, which is no place of the batch", k, now)
				}
				if moving {
					close(t, "its averages", append(slices.Clone(variables["sum"].Data[2*k:2*k+2]), variables["count"].Data[k]), []float64{now[0], now[1], 1})
				}
			}
			if dead < 2 || dead == codes {
				t.Errorf("%d of %d codes are dead, which tests little: %v", dead, codes, counts)
			}
			close(t, "revived", res.Outputs["revived"].Data, []float64{float64(dead)})
			close(t, "used", variables["used"].Data, make([]float64, codes))
		}
	}
}
