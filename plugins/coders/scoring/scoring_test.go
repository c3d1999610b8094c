package scoring_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/coders/scoring"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
)

// decode runs the coder over images, [step][example][pixel], with weights of its own.
func decode(t rapid.TB, width, reduce int, images [][][]float64, weight func(name string, i int) float64) [][]float64 {
	steps, n, size := len(images), len(images[0]), len(images[0][0])
	in := graph.Type{DType: graph.F32, Steps: steps, Batch: true, Dims: []int{1, 1, size}}
	text, complaints, err := scoring.Coder().Decode(schema.Arguments{"width": {Type: schema.Int, Number: float64(width)}, "reduce": {Type: schema.Int, Number: float64(reduce)}}, in)
	if err != nil || len(complaints) > 0 {
		t.Fatal(complaints, err)
	}
	m, err := graph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	x := interp.NewValue(in, n)
	for s := range images {
		for e := range images[s] {
			copy(x.Data[(s*n+e)*size:], images[s][e])
		}
	}
	variables := map[string]interp.Value{}
	for _, v := range m.Variables {
		w := interp.NewValue(v.Type, 1)
		for i := range w.Data {
			w.Data[i] = weight(v.Name, i)
		}
		variables[v.Name] = w
	}
	var out [2][][]float64
	for i, mode := range []string{"train", "eval"} {
		res, err := interp.Run(m.Function(mode), &interp.Env{N: n, Variables: variables, Inputs: map[string]interp.Value{"x": x}})
		if err != nil {
			t.Fatal(err)
		}
		y := res.Outputs["y"]
		if want := graph.Real(1, 1, size); !y.Type.Equal(want) {
			t.Fatalf("the result is %v, want %v", y.Type, want)
		}
		for e := range n {
			out[i] = append(out[i], y.Data[e*size:(e+1)*size])
		}
	}
	for e := range n {
		for k := range size {
			if out[0][e][k] != out[1][e][k] {
				t.Fatalf("training and evaluation differ")
			}
		}
	}
	return out[0]
}

// What is decoded is SGAD's mix, computed here as the paper writes it: with a softmax of two scores whose weights sum to 1, so that
// the result stays between the smallest and the largest value of each pixel.
func TestMix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		steps, n, size := rapid.IntRange(1, 5).Draw(t, "steps"), rapid.IntRange(1, 3).Draw(t, "examples"), rapid.IntRange(1, 4).Draw(t, "size")
		width, reduce := rapid.IntRange(1, 4).Draw(t, "width"), rapid.IntRange(0, 3).Draw(t, "reduce")
		number := rapid.Float64Range(-3, 3)
		images := make([][][]float64, steps)
		for s := range images {
			for range n {
				images[s] = append(images[s], rapid.SliceOfN(rapid.Float64Range(0, 1), size, size).Draw(t, "image"))
			}
		}
		weights := map[string][]float64{}
		got := decode(t, width, reduce, images, func(name string, i int) float64 {
			v := number.Draw(t, "weight")
			weights[name] = append(weights[name], v)
			return v
		})
		dense := func(name string, x []float64) []float64 {
			y := append([]float64(nil), weights[name+".bias"]...)
			for j := range y {
				for i := range x {
					y[j] += weights[name+".weight"][j*len(x)+i] * x[i]
				}
			}
			return y
		}
		seen := func(x []float64) []float64 {
			if reduce == 0 {
				return x
			}
			y := dense("reduce", x)
			for i := range y {
				y[i] = max(y[i], 0)
			}
			return y
		}
		for e := range n {
			v := images[0][e]
			for _, image := range images[1:] {
				x := image[e]
				q, score := dense("query", seen(v)), [2]float64{}
				for i, of := range [][]float64{v, x} {
					for j, k := range dense("key", seen(of)) {
						score[i] += q[j] * k / math.Sqrt(float64(width))
					}
				}
				top := max(score[0], score[1])
				a, b := math.Exp(score[0]-top), math.Exp(score[1]-top)
				mix := make([]float64, size)
				for i := range mix {
					mix[i] = a/(a+b)*v[i] + b/(a+b)*x[i]
				}
				v = mix
			}
			for i := range v {
				low, high := 1.0, 0.0
				for s := range images {
					low, high = min(low, images[s][e][i]), max(high, images[s][e][i])
				}
				// Scores are sums of up to some hundred products of up to 1e3: their rounding, and so that of the logarithm of a weight, is
				// below 1e-9.
				if math.Abs(got[e][i]-v[i]) > 1e-9 || got[e][i] < low-1e-12 || got[e][i] > high+1e-12 {
					t.Fatalf("pixel %d of example %d is %v, want %v, between %v and %v", i, e, got[e][i], v[i], low, high)
				}
			}
		}
	})
}

// What has more weights than a tensor may have is a complaint about the argument.
func TestTooManyWeights(t *testing.T) {
	in := graph.Type{DType: graph.F32, Steps: 2, Batch: true, Dims: []int{1, 8, 8}}
	whole := func(n float64) schema.Value { return schema.Value{Type: schema.Int, Number: n} }
	for path, args := range map[string]schema.Arguments{"width": {"width": whole(1<<25 + 1), "reduce": whole(0)}, "reduce": {"width": whole(1), "reduce": whole(1e15)}} {
		_, complaints, err := scoring.Coder().Decode(args, in)
		if err != nil || len(complaints) != 1 || complaints[0].Path != path || complaints[0].Help != "write `"+path+" = 33554432` or less" {
			t.Errorf("%s: %v, %v", path, complaints, err)
		}
	}
	if _, complaints, err := scoring.Coder().Decode(schema.Arguments{"width": whole(1 << 25), "reduce": whole(0)}, in); err != nil || len(complaints) > 0 {
		t.Error(complaints, err)
	}
}

// Equal images give that image, whatever the weights.
func TestEqualImages(t *testing.T) {
	image := []float64{0, 0.25, 1}
	got := decode(t, 3, 0, [][][]float64{{image}, {image}, {image}, {image}}, func(_ string, i int) float64 { return math.Sin(float64(i)) })
	for i, v := range image {
		if math.Abs(got[0][i]-v) > 1e-15 {
			t.Errorf("pixel %d is %v, want %v", i, got[0][i], v)
		}
	}
}
