package quantize

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// Few bits are spent on many weights rather than on the largest, and none where weights are whole multiples already.
func TestClip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	normal := make([]float32, 5000)
	for i := range normal {
		normal[i] = float32(r.NormFloat64())
	}
	ternary := make([]float32, 5000)
	for i := range ternary {
		ternary[i] = float32(r.IntN(3)-1) * 0.37
	}
	for width, most := range map[int]float64{2: 0.4362, 3: 0.2165, 4: 0.1135, 5: 0.0608, 6: 0.0327} { // the least of a normal distribution, by quadrature
		for name, lists := range map[string][][]float32{"normal": {normal}, "two groups": {normal, smaller(normal)}, "ternary": {ternary}, "none": {}, "zeros": {make([]float32, 3)}} {
			x := numbers{p: &schema.Population{Dynamics: schema.Dynamics{Threshold: 1}}, width: width, weights: lists}
			if problem := x.signs(); problem != "" {
				t.Fatal(problem)
			}
			before := slices.Clone(x.most)
			x.clip()
			switch name {
			case "normal", "two groups":
				largest, shift := Mantissas(width)
				full := float64(largest >> shift)
				for g, list := range lists {
					per := x.most[g] / full
					exponent := math.Log2(x.largest / x.most[g])
					if got := math.Sqrt(lost(list, per, full) / lost(list, math.Inf(1), 0)); got > 1.1*most || x.most[g] < before[g] && math.Abs(exponent-math.Round(exponent)) > 1e-9 {
						t.Errorf("%d bits, %s, group %d: %.3f lost, exponent %v", width, name, g, got, exponent)
					}
				}
			default:
				if !slices.Equal(before, x.most) {
					t.Errorf("%d bits, %s: %v became %v", width, name, before, x.most)
				}
			}
		}
	}
}

func smaller(list []float32) (out []float32) {
	for _, v := range list {
		out = append(out, v/5)
	}
	return out
}
