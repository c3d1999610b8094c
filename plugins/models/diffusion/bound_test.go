package diffusion_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/sdk/modeltest"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// scaling is a denoiser whose answer at step s is of(kept) times what it sees.
func scaling(t *testing.T, of func(kept float64) float64) *graph.Module {
	return modeltest.Network(t, false, func(b *graph.Builder) {
		x, s := b.Input("image", graph.Real(2)), b.Input("s", graph.Real().With(graph.I32))
		var values []float64
		for _, k := range kept() {
			values = append(values, of(k))
		}
		b.Output("y", b.Mul(x, b.Op(graph.OpRows, nil, b.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{levels}}), s)))
	})
}

// Of normal numbers of variance v everything is known. The exact denoiser's estimate of one has the variance 1 / (1/v + R) around
// it, where R = kept / (1 - kept), so that the bound is
//
//	log(2 pi / R(0)) / 2 + R(0) / 2 / (1/v + R(0)) + sum over s > 0 of (R(s - 1) - R(s)) / 2 / (1/v + R(s)) + (k (v - 1) - log(1 - k)) / 2
//
// with k what is kept at the end (after Kingma et al. 2021), whatever the denoiser predicts. It is above the entropy.
func TestBound(t *testing.T) {
	const n = 4000
	shares := kept()
	ratio := func(s int) float64 { return shares[s] / (1 - shares[s]) }
	for predict, v := range map[string]float64{"eps": 0.25, "v": 1, "x0": 3} {
		want := math.Log(2*math.Pi/ratio(0))/2 + ratio(0)/2/(1/v+ratio(0))
		for s := 1; s < levels; s++ {
			want += (ratio(s-1) - ratio(s)) / 2 / (1/v + ratio(s))
		}
		last := shares[levels-1]
		want += (last*(v-1) - math.Log1p(-last)) / 2
		if entropy := math.Log(2*math.Pi*math.E*v) / 2; want < entropy {
			t.Fatalf("variance %v: the formula gives %v, and the entropy is %v", v, want, entropy)
		}
		x := modeltest.Fill(graph.Real(2), n, func(i int) float64 { return math.Sqrt(v) * modeltest.Random("image", true, uint64(i), 0) })
		noise := func(k float64) float64 { return math.Sqrt(1-k) / (k*v + 1 - k) }
		image := func(k float64) float64 { return math.Sqrt(k) * v / (k*v + 1 - k) }
		answer := map[string]func(float64) float64{"eps": noise, "x0": image,
			"v": func(k float64) float64 { return math.Sqrt(k)*noise(k) - math.Sqrt(1-k)*image(k) }}[predict]
		m := inPlane(t, strings.Replace(planarSpec, "cosine,", "cosine, predict = "+predict+",", 1)).With(t, "denoiser", scaling(t, answer))
		out := m.Run(t, "bound", interp.Env{N: n, Inputs: map[string]interp.Value{"image": x}, Random: modeltest.Random})["density"]
		var mean, square float64
		for i := range n {
			each := (out.Data[2*i] + out.Data[2*i+1]) / 2
			mean, square = mean+each/n, square+each*each/n
		}
		err := math.Sqrt((square - mean*mean) / n)
		what := fmt.Sprintf("variance %v, %s: the bound is %.4f (standard error %.4f), want %.4f", v, predict, mean, err, want)
		if t.Log(what); math.Abs(mean-want) > 4*err {
			t.Error(what)
		}
	}
}
