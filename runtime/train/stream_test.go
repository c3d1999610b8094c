package train

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// A step runs in the last update of every so many epochs, on its last batch alone, also where an update has several and where
// batches are left over; and steps that share an optimiser share what it keeps, which counts the moves of all of them.
func TestEpochSteps(t *testing.T) {
	s := fromText(t, "testdata/epochs")
	for _, accumulate := range []int{1, 2} {
		o := adam(0.01)
		tr := s.trainer(t, examples(31), Settings{Batch: 3, Accumulate: accumulate, Epochs: 5, Optimizers: map[string]Optimizer{"": o}})
		perEpoch := 10 / accumulate
		w, m, v, moves := 1.0, 0.0, 0.0, 0 // both elements are alike
		move := func(g float64) {
			moves++
			m = o.Beta1*m + (1-o.Beta1)*g
			v = o.Beta2*v + (1-o.Beta2)*g*g
			c1, c2 := 1-math.Pow(o.Beta1, float64(moves)), 1-math.Pow(o.Beta2, float64(moves))
			w -= o.Rate * m / c1 / (math.Sqrt(v/c2) + o.Epsilon)
		}
		for n := range tr.Total() {
			p := updates(t, tr, 1)[0]
			order, batch := tr.order, n%perEpoch*accumulate
			mean := func(batches int) (sum float64) {
				for _, e := range order[(batch+accumulate-batches)*3 : (batch+accumulate)*3] {
					sum += float64(e%3) / float64(3*batches)
				}
				return sum
			}
			before := w
			move(2 * w * mean(accumulate))
			if n%2 == 0 { // of the batches of an update all but the last see the weights before it
				move(3 * (before*before*float64(accumulate-1) + w*w) / float64(accumulate))
			}
			last := n%(2*perEpoch) == 2*perEpoch-1
			if last {
				move(3 * mean(1))
			}
			if _, ran := p.Loss["close.total"]; ran != last {
				t.Errorf("update %d tells %v", n, p.Loss)
			}
			// The moments are rounded at each move, of which the first ones are as large as the rate.
			if got := float64(tr.Model.Weights["w"].F32[1]); math.Abs(got-w) > float64(moves)*(1e-5*o.Rate+epsilon) {
				t.Fatalf("accumulate %d, update %d: w is %v, want %v", accumulate, n, got, w)
			}
			if got := tr.Model.Weights["count"].F32[0]; int(got) != (n+1)/(2*perEpoch) {
				t.Errorf("update %d: the count is %v", n, got)
			}
		}
	}
}

// What a step is told of the examples is the variance of the numbers that it takes, far from zero as well.
func TestVariance(t *testing.T) {
	s := fromText(t, "testdata/host")
	setHost(&s, "variance")
	for _, far := range []float32{0, 1000} {
		data := shifted{examples(331), far}
		x := tensor.New(graph.Real(1, 2, 2), 331)
		all := make([]int, 331)
		for i := range all {
			all[i] = i
		}
		if err := data.Fill("image", all, x); err != nil {
			t.Fatal(err)
		}
		mean, want := 0.0, 0.0
		for _, v := range x.F32 {
			mean += float64(v) / float64(len(x.F32))
		}
		for _, v := range x.F32 {
			want += (float64(v) - mean) * (float64(v) - mean) / float64(len(x.F32))
		}
		tr := s.trainer(t, data, Settings{Batch: 4, Iterations: 1, Optimizers: sgd(0.1)})
		if got := updates(t, tr, 1)[0].Loss["progress"]; math.Abs(got-want) > 2*epsilon*want {
			t.Errorf("the variance is %v, want %v", got, want)
		}
	}
}

// shifted are examples whose numbers are larger.
type shifted struct {
	examples
	by float32
}

func (s shifted) Fill(field string, numbers []int, dst *tensor.Tensor) error {
	err := s.examples.Fill(field, numbers, dst)
	for i := range dst.F32 {
		dst.F32[i] += s.by
	}
	return err
}

// A stream that another model computes holds for each example what the export gives for it, whatever the batches and threads
// are; random numbers are the example's.
func TestMap(t *testing.T) {
	inner, outer := system(t, "vqsvae"), system(t, "absorbing")
	tokens := inner.model(t, 5)
	for i := range tokens.Weights["codebook"].F32 { // small ones, each of which is the nearest to something
		tokens.Weights["codebook"].F32[i] *= 0.1
	}
	for _, name := range []string{"encode", "decode"} {
		m, err := tokens.Linker.Module(name)
		if err != nil {
			t.Fatal(err)
		}
		outer.filled["tokens."+name] = m
	}
	const n = 3*mapBatch + 5
	stream := *outer.p.Stream("codes")
	var first *tensor.Tensor
	for _, threads := range []int{1, 3} {
		p := exec.NewPool(threads)
		m, err := NewModel(outer.p, outer.filled, 7, p)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Take("tokens", tokens); err != nil {
			t.Fatal(err)
		}
		codes, err := m.Map(t.Context(), stream, examples(n), 1)
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
		if first == nil {
			first = codes
		}
		if !slices.Equal(first.I32, codes.I32) {
			t.Errorf("%d threads compute other codes", threads)
		}
	}
	// One by one, with the model itself.
	x := tensor.New(graph.Real(1, 4, 4), 1)
	mapped := &Mapped{examples(n), "codes", func() (*tensor.Tensor, error) { return first, nil }}
	got := tensor.New(first.Type, 1)
	seen := map[int32]bool{}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n)[:20] {
		if err := mapped.Fill("image", []int{i}, x); err != nil {
			t.Fatal(err)
		}
		want, err := tokens.Apply("encode", map[string]*tensor.Tensor{"image": x}, 1, 1, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := mapped.Fill("codes", []int{i}, got); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.I32, want.I32) {
			t.Errorf("example %d is %v, want %v", i, got.I32, want.I32)
		}
		for _, code := range got.I32 {
			seen[code] = true
		}
	}
	if len(seen) < 2 {
		t.Errorf("all codes are %v", seen)
	}
	if err := mapped.Fill("codes", []int{n}, got); err == nil {
		t.Error("there is an example too many")
	}
}
