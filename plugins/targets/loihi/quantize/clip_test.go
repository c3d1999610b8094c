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

// What the weights are sampled by does not meet the same place of each kernel, and the registers lose what was reckoned with, whatever
// exponent the sums leave.
func TestClipRegisters(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, width := range []int{2, 3, 4} {
		for _, in := range []int{36, 288, 1152, 2304} { // 4 to 256 kernels of 3x3
			w := make([][]float32, 32)
			for i := range w {
				w[i] = make([]float32, in)
				for j := range w[i] {
					tap := []float64{0.3, 0.7, 0.3, 0.7, 1, 0.7, 0.3, 0.7, 0.3}[j%9]
					w[i][j] = float32(tap * r.NormFloat64())
				}
			}
			n := dense(schema.Dynamics{Decay: 0.5, Threshold: math.Sqrt(float64(in))}, w, nil)
			_, loss, problem := Population(&n.Circuit, 0, n.Weights, width)
			if problem != "" {
				t.Fatal(problem)
			}
			largest, shift := Mantissas(width)
			full, best, power := float64(largest>>shift), math.Inf(1), 0.0
			for _, v := range n.Arena {
				power += float64(v) * float64(v)
			}
			for top := 0.5; top < 5; top += 0.05 {
				sum := 0.0
				for _, v := range n.Arena {
					d := math.Abs(float64(v)) - top/full*math.Min(math.RoundToEven(math.Abs(float64(v))/(top/full)), full)
					sum += d * d
				}
				best = math.Min(best, math.Sqrt(sum/power))
			}
			if loss.Weights > 1.06*best {
				t.Errorf("%d bits, %d inputs: %.3f lost, and %.3f need be", width, in, loss.Weights, best)
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
