package data

import (
	"image"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

func random(t testing.TB, args schema.Arguments, split Split) *Set {
	t.Helper()
	s, err := Open(t.Context(), "random", args, split, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// spiking are the arguments of spikes at a rate.
func spiking(rate, steps float64) schema.Arguments {
	return schema.Arguments{"channels": number(5), "size": size(3, 7), "kind": {Type: schema.OneOf, Text: "spikes"}, "rate": number(rate), "steps": number(steps)}
}

func filled(t testing.TB, s *Set, field string, examples ...int) *tensor.Tensor {
	t.Helper()
	x := tensor.New(s.Fields()[field], len(examples))
	if err := s.Fill(field, examples, x); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRandomFields(t *testing.T) {
	images, spikes := random(t, nil, Train), random(t, spiking(0.2, 6), Test)
	if f := images.Fields(); len(f) != 2 || !f["image"].Equal(graph.Real(1, 28, 28)) || !f["target"].Equal(graph.Real(1, 28, 28)) {
		t.Errorf("images have the fields %v", f)
	}
	if f := spikes.Fields(); len(f) != 2 || !f["spikes"].Equal(graph.Spikes(6, 5, 3, 7)) || !f["target"].Equal(graph.Signal(6, 5, 3, 7)) {
		t.Errorf("spikes have the fields %v", f)
	}
	if images.Len() != 60_000 || spikes.Len() != 10_000 || random(t, schema.Arguments{"take": number(7)}, Train).Len() != 7 {
		t.Errorf("%d and %d examples", images.Len(), spikes.Len())
	}
	if images.Classes() != 0 || images.Mean("image") != nil {
		t.Error("random numbers have classes or a mean")
	}
	if err := images.Fill("label", []int{0}, tensor.New(label(), 1)); err == nil {
		t.Error("random numbers have labels")
	}
}

// Reals are even over their range, spikes come at their rate, and fields know nothing of each other: means of many, within
// five standard deviations of what is expected.
func TestRandomNumbers(t *testing.T) {
	examples := make([]int, 200)
	for i := range examples {
		examples[i] = 3 * i
	}
	images := random(t, schema.Arguments{"range": span(-1, 3)}, Train)
	x, y := filled(t, images, "image", examples...).F32, filled(t, images, "target", examples...).F32
	var sum, squares, both float64
	for i := range x {
		if x[i] < -1 || x[i] > 3 {
			t.Fatalf("%v is outside of the range", x[i])
		}
		u, v := (float64(x[i])-1)/2, (float64(y[i])-1)/2 // in -1..1
		sum, squares, both = sum+u, squares+u*u, both+u*v
	}
	n := float64(len(x))
	// The variances of u, u^2 and uv are 1/3, 1/5 - 1/9 and 1/9.
	for name, z := range map[string]float64{
		"mean": sum / math.Sqrt(n/3), "variance": (squares - n/3) / math.Sqrt(n*4/45), "covariance": both / math.Sqrt(n/9),
	} {
		if math.Abs(z) > 5 {
			t.Errorf("%s is %.1f standard deviations off", name, z)
		}
	}
	for _, rate := range []float64{0, 0.18, 0.5, 1} {
		s := filled(t, random(t, spiking(rate, 4), Train), "spikes", examples...).Logical()
		fired := 0.0
		for _, v := range s {
			fired += v
		}
		n := float64(len(s))
		if d := math.Abs(fired - n*rate); d > 5*math.Sqrt(n*rate*(1-rate)) {
			t.Errorf("%v of %v spikes at a rate of %v", fired, n, rate)
		}
	}
}

// An example is the same wherever in a batch it stands, and examples, steps, parts and fields differ from each other.
func TestRandomExamples(t *testing.T) {
	for _, args := range []schema.Arguments{nil, spiking(0.4, 3)} {
		s := random(t, args, Train)
		for field, ty := range s.Fields() {
			steps := max(ty.Steps, 1)
			row := func(x *tensor.Tensor, step, place int) []float64 {
				all, size := x.Logical(), ty.Size()
				at := (step*x.N + place) * size
				return all[at : at+size]
			}
			a, b := filled(t, s, field, 5, 9, 2), filled(t, s, field, 9, 5)
			other := filled(t, random(t, args, Test), field, 9)
			for step := range steps {
				if !slices.Equal(row(a, step, 1), row(b, step, 0)) || !slices.Equal(row(a, step, 0), row(b, step, 1)) {
					t.Errorf("%s: an example depends on its place", field)
				}
				if slices.Equal(row(a, step, 0), row(a, step, 1)) || step > 0 && slices.Equal(row(a, 0, 0), row(a, step, 0)) {
					t.Errorf("%s: two rows are the same", field)
				}
				if slices.Equal(row(other, step, 0), row(b, step, 0)) {
					t.Errorf("%s: the parts are the same", field)
				}
			}
			examples, x := []int{1, 2}, tensor.New(ty, 2)
			if n := testing.AllocsPerRun(10, func() { s.Fill(field, examples, x) }); n != 0 {
				t.Errorf("%s: filling allocates %v times", field, n)
			}
		}
	}
}

func TestRandomHash(t *testing.T) {
	seen := map[string]int{}
	for i, args := range []schema.Arguments{
		nil, {"channels": number(2)}, {"size": size(28, 27)}, {"range": span(0, 2)}, {"take": number(10)}, {"split": name(Test)},
		spiking(0.2, 4), spiking(0.3, 4), spiking(0.2, 5),
	} {
		h := random(t, args, Train).Hash()
		if j, twice := seen[h]; twice {
			t.Errorf("the hashes of %d and %d are the same", j, i)
		}
		seen[h] = i
		if h != random(t, args, Train).Hash() {
			t.Errorf("the hash of %d changes", i)
		}
	}
	// What an argument has no influence on is not in the hash.
	if random(t, nil, Train).Hash() != random(t, schema.Arguments{"rate": number(0.3), "steps": number(9)}, Train).Hash() {
		t.Error("images have another hash at another rate")
	}
}

// A person sees images, and spikes as their mean over time.
func TestRandomImage(t *testing.T) {
	s := random(t, schema.Arguments{"range": span(-1, 1)}, Train)
	x := filled(t, s, "image", 3).F32
	for j, p := range s.Image(3).(*image.Gray).Pix {
		if want := (float64(x[j]) + 1) / 2 * 255; math.Abs(float64(p)-want) > 0.51 {
			t.Fatalf("pixel %d looks like %d, want %v", j, p, want)
		}
	}
	s = random(t, spiking(0.5, 3), Train)
	all := filled(t, s, "spikes", 3).Logical()
	for j, p := range s.Image(3).(*image.Gray).Pix {
		if sum := all[j] + all[105+j] + all[210+j]; float64(p) != math.Round(sum/3*255) {
			t.Fatalf("pixel %d looks like %d after %v spikes", j, p, sum)
		}
	}
}
