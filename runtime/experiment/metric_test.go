package experiment

import (
	"math"
	"math/cmplx"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// measured runs a spec and returns its figures, and its model as the newest checkpoint has it.
func measured(t *testing.T, text string, sets ...string) (map[string]record.Figure, *train.Model) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	x := load(t, plugins, text, sets...)
	mustRun(t, x, dir)
	pool := exec.NewPool(1)
	t.Cleanup(pool.Close)
	m, err := train.NewModel(x.Models[0].Program, x.Models[0].Modules, 99, pool)
	if err != nil {
		t.Fatal(err)
	}
	name := x.Models[0].Name
	f, err := checkpoint.Read(newest(t, dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Restore(f, x.Spec.Actions[0].Settings.Real("average") > 0); err != nil {
		t.Fatal(err)
	}
	return metricsOf(t, dir)["evaluate "+name], m
}

// split opens one split of digits in a range, and returns its images one behind the other.
func split(t *testing.T, which data.Split, low, high float64) (*data.Set, []float64) {
	t.Helper()
	x := load(t, plugins, spec(t, "images"))
	args := x.Models[0].Data.Args
	if low == 0 {
		args = load(t, plugins, spec(t, "classes")).Models[0].Data.Args
	}
	set, err := data.Open(t.Context(), "optdigits", args, which, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lo, hi := set.Range(); lo != low || hi != high {
		t.Fatalf("range %v..%v", lo, hi)
	}
	return set, all(t, set, "image").Logical()
}

// all returns a field of all examples.
func all(t *testing.T, set *data.Set, field string) *tensor.Tensor {
	t.Helper()
	numbers := make([]int, set.Len())
	for i := range numbers {
		numbers[i] = i
	}
	out := tensor.New(set.Fields()[field], set.Len())
	if err := set.Fill(field, numbers, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// The squared error is that of the model's reconstructions of the first test images, and the relative one divides it by that of
// the mean of these.
func TestSquaredError(t *testing.T) {
	const n = 100
	figures, m := measured(t, spec(t, "images"), "train.a.epochs=15")
	set, x := split(t, data.Test, -1, 1)
	in := tensor.New(set.Fields()["image"], n)
	copy(in.F32, all(t, set, "image").F32)
	out, err := m.Apply("reconstruct", map[string]*tensor.Tensor{"image": in}, n, 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	y := out.Logical()
	mean := make([]float64, 64)
	for i, v := range x[:n*64] {
		mean[i%64] += v / n
	}
	var mse, constant float64
	for i, v := range x[:n*64] {
		mse += (v - y[i]) * (v - y[i]) / (n * 64)
		constant += (v - mean[i%64]) * (v - mean[i%64]) / (n * 64)
	}
	// All of it is in float64 here and there; differences of equal sums of n terms.
	near(t, "mse", figures["mse"].Value, mse, 1e-12)
	near(t, "mse_relative", figures["mse_relative"].Value, mse/constant, 1e-11)
	if f := figures["mse"]; f.Count != n || f.Reference != "test" || f.Seed != 5 {
		t.Errorf("%+v", f)
	}
	if mse > constant {
		t.Errorf("nothing is learned: %v of %v", mse, constant)
	}
}

// pictures brings values in -1..1 to 0..1, clipped and rounded to 8 bits.
func pictures(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Floor(min(max((v+1)/2, 0), 1)*255+0.5) / 255
	}
	return out
}

// The Fréchet distance over pixels in 0..1 is |m1 - m2|^2 + Tr(S1 + S2 - 2 (S1 S2)^(1/2)), between as many samples as asked
// for and all of the test images; the trace of the root is the sum of the roots of the eigenvalues of S1 S2.
func TestFrechet(t *testing.T) {
	const n = 100
	figures, m := measured(t, spec(t, "images"))
	_, x := split(t, data.Test, -1, 1)
	out, err := m.Sample(&m.Program.Samplers[0], n, 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b := mat.NewDense(n, 64, pictures(out.Logical())), mat.NewDense(len(x)/64, 64, pictures(x))
	var s1, s2 mat.SymDense
	stat.CovarianceMatrix(&s1, a, nil)
	stat.CovarianceMatrix(&s2, b, nil)
	want := mat.Trace(&s1) + mat.Trace(&s2)
	for k := range 64 {
		d := stat.Mean(mat.Col(nil, k, a), nil) - stat.Mean(mat.Col(nil, k, b), nil)
		want += d * d
	}
	var product mat.Dense
	product.Mul(&s1, &s2)
	var e mat.Eigen
	if !e.Factorize(&product, mat.EigenNone) {
		t.Fatal("no eigenvalues")
	}
	for _, v := range e.Values(nil) {
		want -= 2 * real(cmplx.Sqrt(v))
	}
	// Eigenvalues that are 0 are found as rounding, 1e-16 of the largest, and enter by their roots: 64 of 1e-8. Pixels are float32.
	near(t, "frechet_pixels", figures["frechet_pixels"].Value, want, 2*64*1e-8)
	if f := figures["frechet_pixels"]; f.Count != n || f.Reference != "test" || f.Interval.Low >= f.Value || f.Interval.High <= f.Value {
		t.Errorf("%+v", f)
	}
}

// The accuracy is the share of the first test images whose class has the largest of the averaged network's outputs.
func TestAccuracy(t *testing.T) {
	const n = 200
	figures, m := measured(t, spec(t, "classes"), "train.m.epochs=12")
	set, _ := split(t, data.Test, 0, 1)
	in := tensor.New(set.Fields()["image"], n)
	copy(in.F32, all(t, set, "image").F32)
	out, err := m.Apply("logits", map[string]*tensor.Tensor{"image": in}, n, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	for i := range n {
		best := 0
		for k := range 10 {
			if out.F32[10*i+k] > out.F32[10*i+best] {
				best = k
			}
		}
		if best == set.Label(i) {
			right++
		}
	}
	if f := figures["accuracy"]; f.Value != float64(right)/n || f.Count != n {
		t.Errorf("%+v, want %d of %d", f, right, n)
	}
	if right < n/3 {
		t.Errorf("nothing is learned: %d of %d are right", right, n)
	}
}
