package train

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

// epsilon is the largest relative error of a rounding to float32.
const epsilon = 1.0 / (1 << 24)

// weights copies the weights of a model.
func weights(m *Model) map[string][]float32 {
	out := map[string][]float32{}
	for name, w := range m.Weights {
		out[name] = slices.Clone(w.F32)
	}
	return out
}

// What moves a parameter is the derivative of the loss, also where a batch is a power of two, in whose means a division becomes
// a product.
func TestGradient(t *testing.T) {
	const h = 1.0 / 64
	s := system(t, "gan-ann")
	for _, batch := range []int{1, 3, 4, 8} {
		tr := s.trainer(t, examples(8), Settings{Batch: batch, Iterations: 1000, Optimizers: sgd(0)})
		st := tr.steps[0]
		loss := func() float64 {
			tr.State = State{Sums: map[string]Sum{}, Moments: tr.State.Moments}
			return updates(t, tr, 1)[0].Loss["d_step.total"]
		}
		loss()
		for _, x := range st.moved {
			name := x.name
			w := tr.Model.Weights[name].F32
			for k, g := range slices.Clone(x.gradient.F32) {
				old := w[k]
				w[k] = old + h
				up := loss()
				w[k] = old - h
				down := loss()
				w[k] = old
				loss()
				// The third derivative of a square of a hyperbolic tangent is below 10, the loss of order 1 and in float32.
				if d := math.Abs((up-down)/(2*h) - float64(g)); d > 10*h*h/6+10*epsilon/h {
					t.Errorf("batch %d, %s[%d]: %v, by differences %v", batch, name, k, g, (up-down)/(2*h))
				}
			}
		}
	}
}

// Two batches of b per update move like one of 2b, in a model in which an example knows nothing of the others and of chance.
func TestAccumulate(t *testing.T) {
	s := fromSpec(t, "plain")
	const b, rate = 5, 0.5
	data := examples(2 * b)
	one := s.trainer(t, data, Settings{Batch: 2 * b, Epochs: 1, Seed: 3, Optimizers: sgd(rate)})
	two := s.trainer(t, data, Settings{Batch: b, Accumulate: 2, Epochs: 1, Seed: 3, Optimizers: sgd(rate)})
	single := s.trainer(t, data, Settings{Batch: 1, Iterations: 2 * b, Seed: 3, Optimizers: sgd(0)})
	start := weights(one.Model)
	absolute := map[string][]float64{} // the sum over examples of the absolute derivative
	for range 2 * b {
		updates(t, single, 1)
		for _, x := range single.steps[0].moved {
			name := x.name
			g := x.gradient.F32
			if absolute[name] == nil {
				absolute[name] = make([]float64, len(g))
			}
			for k, v := range g {
				absolute[name][k] += math.Abs(float64(v))
			}
		}
	}
	p, q := updates(t, one, 1), updates(t, two, 1)
	if len(p) != 2 || len(q) != 2 || !p[1].EndOfEpoch || !q[1].EndOfEpoch {
		t.Fatalf("told %+v and %+v", p, q)
	}
	if d := math.Abs(p[0].Loss["total"] - q[0].Loss["total"]); d > 4*b*epsilon*p[0].Loss["total"] {
		t.Errorf("losses %v and %v", p[0].Loss, q[0].Loss)
	}
	for name, w := range one.Model.Weights {
		for k := range w.F32 {
			// Each term has been rounded some ten times on its way through the layers; both sums of 2b terms round each
			// partial sum; then there is the update itself.
			bound := rate*(10+2*2*b)*epsilon*absolute[name][k]/(2*b) + 2*epsilon*math.Abs(float64(w.F32[k]))
			if d := math.Abs(float64(w.F32[k] - two.Model.Weights[name].F32[k])); d > bound {
				t.Errorf("%s[%d]: %v and %v", name, k, w.F32[k], two.Model.Weights[name].F32[k])
			}
		}
		if slices.Equal(w.F32, start[name]) {
			t.Errorf("%s has not moved", name)
		}
	}
}

// Averages are a_n = d_n a_(n-1) + (1 - d_n) w_n with d_n = min(average, (1 + n) / (10 + n)), of weights and running
// statistics.
func TestAverage(t *testing.T) {
	const average = 0.6 // reached at n = 12.5
	tr := system(t, "classifier").trainer(t, examples(12), Settings{Batch: 4, Iterations: 20, Average: average, Optimizers: sgd(0.3)})
	want := map[string][]float64{}
	for name, w := range tr.Model.Weights {
		want[name] = doubles(w.F32)
	}
	largest := 0.0
	for n := 1; n <= 20; n++ {
		updates(t, tr, 1)
		d := min(average, float64(1+n)/float64(10+n))
		for name, w := range tr.Model.Weights {
			for k, v := range w.F32 {
				want[name][k] = d*want[name][k] + (1-d)*float64(v)
				largest = max(largest, math.Abs(float64(v)))
			}
		}
	}
	for name, a := range tr.Model.Averages {
		for k, v := range a.F32 {
			// An update rounds the decay, a difference, a product and a sum; what is left of it later is a share below 1.
			if d := math.Abs(float64(v) - want[name][k]); d > 20*5*epsilon*largest {
				t.Errorf("%s[%d]: %v, want %v", name, k, v, want[name][k])
			}
		}
		if strings.HasSuffix(name, "running_mean") && slices.Equal(a.F32, tr.Model.Weights[name].F32) {
			t.Errorf("%s is not averaged", name)
		}
	}
}

// loss is the cross-entropy of the classifier's logits on all examples, in eval mode and with the weights that sampling uses.
func loss(t *testing.T, m *Model, data examples) float64 {
	t.Helper()
	out := apply(t, m, "logits", data, sequence(0, data.Len()), 0)
	sum := 0.0
	for e := range data.Len() {
		z := out[3*e : 3*e+3]
		total := 0.0
		for _, v := range z {
			total += math.Exp(float64(v))
		}
		sum += math.Log(total) - float64(z[e%3])
	}
	return sum / float64(data.Len())
}

// The averaged network is as good as the live one after a short training with batch norm. With the constant decay from the
// initial weights on it is not: it still remembers the start.
func TestAveragedIsAsGood(t *testing.T) {
	const average, n = 0.999, 300
	data := examples(48)
	tr := system(t, "classifier").trainer(t, data, Settings{Batch: 16, Iterations: n, Average: average, Seed: 5, Optimizers: map[string]Optimizer{"": adam(0.01)}})
	constant := tr.Model.startAverages()
	begin := loss(t, tr.Model, data)
	for range n {
		updates(t, tr, 1)
		for name, w := range tr.Model.Weights {
			for k, v := range w.F32 {
				constant[name].F32[k] += (1 - average) * (v - constant[name].F32[k])
			}
		}
	}
	averages := tr.Model.Averages
	averaged := loss(t, tr.Model, data)
	tr.Model.Averages = nil
	live := loss(t, tr.Model, data)
	tr.Model.Averages = constant
	slow := loss(t, tr.Model, data)
	tr.Model.Averages = averages
	t.Logf("loss at first %.3f, then live %.3f, averaged %.3f, with a constant decay %.3f", begin, live, averaged, slow)
	if live > begin/2 {
		t.Fatalf("nothing is learned: %v, at first %v", live, begin)
	}
	// The average's memory is a ninth of the training: its loss is that of a little earlier.
	if averaged > live+0.1*(begin-live) {
		t.Errorf("loss %v averaged, %v live, %v at first", averaged, live, begin)
	}
	if slow < live+0.3*(begin-live) {
		t.Errorf("a constant decay gives %v: this test would not see it", slow)
	}
}

// A loss, a gradient or a weight that is not finite ends the training with the first layer that went bad; weights and state
// are those before the update, and the training can be gone on with when the cause is gone.
func TestNotFinite(t *testing.T) {
	set := func(name string, v float32) func(*Trainer) {
		return func(tr *Trainer) {
			for i := range tr.Model.Weights[name].F32 {
				tr.Model.Weights[name].F32[i] = v
			}
		}
	}
	settings := func(o Optimizer) Settings {
		return Settings{Batch: 4, Accumulate: 2, Epochs: 3, Average: 0.9, Optimizers: map[string]Optimizer{"": o}}
	}
	momentum := Optimizer{Kind: "sgd", Rate: 0.1, Momentum: 0.9}
	for _, x := range []struct {
		name   string
		source source
		o      Optimizer
		bad    func(*Trainer)
		layer  string
	}{
		{"a product overflows", fromSpec(t, "plain"), adam(0.01), set("network.3.weight", 3e38), "network.0.linear"},
		{"a later one", fromSpec(t, "plain"), momentum, func(tr *Trainer) {
			set("network.3.bias", 9)(tr) // spikes for sure
			set("network.5.weight", 3e38)(tr)
		}, "network.1.linear"},
		{"the logarithm of 0", fromSpec(t, "logarithm"), adam(0.01), func(tr *Trainer) {
			set("network.5.weight", 0)(tr)
			set("network.5.bias", -1)(tr)
		}, "network.0.late"},
		{"a derivative at 0", fromSpec(t, "root"), adam(0.01), func(tr *Trainer) {
			set("network.5.weight", 0)(tr)
			set("network.5.bias", 0)(tr)
		}, "network.0.root"},
		{"the loss alone", system(t, "gan-ann"), momentum, set("discriminator.1.bias", 1e25), ""},
		{"the update of a weight", fromSpec(t, "plain"), momentum, func(tr *Trainer) { tr.steps[0].opt.Rate = 1e39 }, "network.0.linear"},
	} {
		t.Run(x.name, func(t *testing.T) {
			tr := x.source.trainer(t, examples(24), settings(x.o))
			updates(t, tr, 4)
			good := saved(t, tr)
			rate := tr.steps[0].opt.Rate
			x.bad(tr)
			before := saved(t, tr)
			told := 0
			err := tr.Run(t.Context(), func(Progress) error { told++; return nil })
			var bad *NotFinite
			if !errors.As(err, &bad) || told > 0 {
				t.Fatalf("%v, %d told", err, told)
			}
			if bad.Layer != x.layer || bad.Step != 4 || bad.Epoch != 1 {
				t.Errorf("%+v, want layer %q", bad, x.layer)
			}
			if want := "update 5 (epoch 2)"; !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), x.layer) || !strings.HasSuffix(err.Error(), "train with a smaller `rate` or with `clip`") {
				t.Errorf("%v: want %q", err, want)
			}
			if d := differ(before, saved(t, tr)); d != "" {
				t.Errorf("%s is not what it was before the update", d)
			}
			tr.steps[0].opt.Rate = rate
			if err := tr.Restore(good); err != nil {
				t.Fatal(err)
			}
			finish(t, tr)
			other := x.source.trainer(t, examples(24), settings(x.o))
			finish(t, other)
			if d := differ(saved(t, other), saved(t, tr)); d != "" {
				t.Errorf("after that %s differs", d)
			}
		})
	}
}

// Where a later step of an update goes bad, what the earlier ones moved is put back too.
func TestNotFiniteInLaterStep(t *testing.T) {
	for _, accumulate := range []int{1, 2} {
		tr := system(t, "gan-ann").trainer(t, examples(16), Settings{Batch: 4, Accumulate: accumulate, Epochs: 4, Optimizers: map[string]Optimizer{
			"discriminator": {Kind: "sgd", Rate: 0.1, Momentum: 0.9}, "generator": adam(0.01)}})
		updates(t, tr, 1)
		before := saved(t, tr)
		tr.steps[0].opt.Rate = 1e30 // the discriminator's loss is finite, its weights are too; the square of what it says is not
		_, err := tr.update()
		var bad *NotFinite
		if !errors.As(err, &bad) {
			t.Fatal(err)
		}
		if d := differ(before, saved(t, tr)); d != "" {
			t.Errorf("accumulate %d: %s has changed", accumulate, d)
		}
	}
}

// Each step of a stage moves what is its own, with the optimiser of its slot, in its turn.
func TestSteps(t *testing.T) {
	const every = 3
	s := system(t, "gan-ann")
	s.p.Stages[0].Steps[1].Every = every
	for _, accumulate := range []int{1, 2} {
		g := adam(0.01)
		tr := s.trainer(t, examples(40), Settings{Batch: 4, Accumulate: accumulate, Epochs: 2, Optimizers: map[string]Optimizer{
			"discriminator": {Kind: "sgd", Rate: 0.1}, "generator": g}})
		owned := func(owner string, m map[string][]float32) (out []float32) {
			for _, name := range slices.Sorted(maps.Keys(m)) {
				if strings.HasPrefix(name, owner+".") {
					out = append(out, m[name]...)
				}
			}
			return out
		}
		perEpoch := 10 / accumulate
		means := map[string]Sum{}
		mean, square := map[string][]float64{}, map[string][]float64{}
		moves := 0
		for n := range tr.Total() {
			before := weights(tr.Model)
			told := updates(t, tr, 1)
			after := weights(tr.Model)
			runs := n%every == 0
			if slices.Equal(owned("discriminator", before), owned("discriminator", after)) {
				t.Errorf("update %d has not moved the discriminator", n)
			}
			if slices.Equal(owned("generator", before), owned("generator", after)) == runs {
				t.Errorf("update %d: the generator has moved, or has not", n)
			}
			p := told[0]
			if _, ok := p.Loss["g_step.total"]; ok != runs || len(p.Loss) != 1+map[bool]int{true: 1}[runs] {
				t.Errorf("update %d tells %v", n, p.Loss)
			}
			for k, v := range p.Loss {
				means[k] = means[k].and(v)
			}
			if ends := (n+1)%perEpoch == 0; ends != (len(told) == 2) {
				t.Fatalf("update %d tells %v", n, told)
			} else if ends {
				for k, sum := range means {
					if got := told[1].Loss[k]; got != sum.Total/float64(sum.Count) {
						t.Errorf("epoch %d: %s is %v, want the mean of its %d values", told[1].Epoch, k, got, sum.Count)
					}
				}
				means = map[string]Sum{}
			}
			if !runs {
				continue
			}
			// Adam counts the updates of its own.
			moves++
			st := tr.steps[1]
			for _, x := range st.moved {
				name := x.name
				if mean[name] == nil {
					mean[name], square[name] = make([]float64, len(before[name])), make([]float64, len(before[name]))
				}
				for k := range before[name] {
					var d float64
					if accumulate == 1 { // else the sum is cleared already
						d = float64(x.gradient.F32[k])
					} else {
						continue
					}
					m, v := &mean[name][k], &square[name][k]
					*m = g.Beta1**m + (1-g.Beta1)*d
					*v = g.Beta2**v + (1-g.Beta2)*d*d
					c1, c2 := 1-math.Pow(g.Beta1, float64(moves)), 1-math.Pow(g.Beta2, float64(moves))
					move := g.Rate * *m / c1 / (math.Sqrt(*v/c2) + g.Epsilon)
					got := float64(before[name][k] - after[name][k])
					// The moments have been rounded at each move, the difference by a rounding of the weight.
					if math.Abs(got-move) > 1e-5*g.Rate+2*epsilon*math.Abs(float64(before[name][k])) {
						t.Errorf("move %d of %s[%d]: %v, want %v", moves, name, k, got, move)
					}
				}
			}
		}
	}
}

// Progress, as a Program sees it, grows with whole epochs, and by updates where only these are counted.
func TestHost(t *testing.T) {
	s := fromText(t, "testdata/host")
	for _, x := range []struct {
		name                string
		o                   Settings
		progress, iteration []float64
	}{
		{"epochs", Settings{Epochs: 2}, []float64{0, 0, 0, 0.5, 0.5, 0.5}, []float64{0, 1, 2, 3, 4, 5}},
		{"iterations", Settings{Iterations: 5}, []float64{0, 0.2, 0.4, 0.6, 0.8}, []float64{0, 1, 2, 3, 4}},
		{"accumulated", Settings{Epochs: 4, Accumulate: 2}, []float64{0, 0.25, 0.5, 0.75}, []float64{0, 1, 2, 3}}, // the third batch is left out
	} {
		x.o.Batch, x.o.Optimizers = 4, sgd(0.1)
		tr := s.trainer(t, examples(14), x.o)
		var progress, iteration []float64
		for _, p := range finish(t, tr) {
			if !p.EndOfEpoch {
				progress, iteration = append(progress, math.Round(p.Loss["progress"]*1e6)/1e6), append(iteration, p.Loss["iteration"])
			}
		}
		if !slices.Equal(progress, x.progress) || !slices.Equal(iteration, x.iteration) {
			t.Errorf("%s: progress %v, iteration %v; want %v and %v", x.name, progress, iteration, x.progress, x.iteration)
		}
	}
}

// A read of the averaged weights sees the weights themselves where nothing is averaged.
func TestReadsAverage(t *testing.T) {
	for _, average := range []float64{0, 0.5} {
		s := fromText(t, "testdata/host")
		f := s.p.Function("step")
		for _, n := range f.Nodes {
			if n.Op == graph.OpRead {
				n.Attrs = graph.Attrs{"var": "w", "average": true}
			}
		}
		s.p.Stages[0].Steps[0].Moves = nil
		tr := s.trainer(t, examples(4), Settings{Batch: 4, Iterations: 1, Average: average, Optimizers: sgd(0.1)})
		copy(tr.Model.Weights["w"].F32, []float32{2, 3})
		mean := 0.0
		in := tensor.New(graph.Real(1, 2, 2), 4)
		if err := examples(4).Fill("image", []int{0, 1, 2, 3}, in); err != nil {
			t.Fatal(err)
		}
		for _, v := range in.F32 {
			mean += float64(v) / 16
		}
		want := 5.0 // of the weights
		if average > 0 {
			want = 2 // of the averages, which start as 1 and 1
		}
		if got := updates(t, tr, 1)[0].Loss["total"]; math.Abs(got-want*mean) > 20*epsilon*want*mean {
			t.Errorf("average %v: loss %v, want %v", average, got, want*mean)
		}
	}
}
