package data

import (
	"errors"
	"math"
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/tensor"
)

// A mirrored image is the image with its columns in the other order, and whether it is mirrored follows from seed, epoch and number
// alone.
func TestFlip(t *testing.T) {
	plain := digits(t, schema.Arguments{"size": size(8, 7), "channels": number(3)}, Train)
	s := digits(t, schema.Arguments{"size": size(8, 7), "channels": number(3), "flip": truth(true)}, Train)
	const n = 1437
	all := make([]int, n)
	for i := range all {
		all[i] = n - 1 - i // not in the order of the set
	}
	size := s.image.Size()
	seen := func(seed uint64, epoch int) (out []bool) {
		x, y := tensor.New(s.Fields()["image"], n), tensor.New(s.Fields()["image"], n)
		if err := errors.Join(plain.Fill("image", all, x), s.FillVaried("image", all, seed, epoch, y)); err != nil {
			t.Fatal(err)
		}
		for k := range all {
			a, b := x.F32[k*size:(k+1)*size], slices.Clone(y.F32[k*size:(k+1)*size])
			same := slices.Equal(a, b)
			for row := range 8 {
				for col := range 3 {
					for c := range 3 {
						i, j := (row*7+col)*3+c, (row*7+6-col)*3+c
						b[i], b[j] = b[j], b[i]
					}
				}
			}
			if !same && !slices.Equal(a, b) {
				t.Fatalf("image %d is neither itself nor mirrored", all[k])
			}
			out = append(out, !same)
		}
		return out
	}
	first := seen(1, 0)
	count := func(x []bool) (n int) {
		for _, b := range x {
			if b {
				n++
			}
		}
		return n
	}
	// Half of them, to five standard deviations; no digit is its own mirror image.
	if got := count(first); math.Abs(float64(got)-n/2) > 5*math.Sqrt(n)/2 {
		t.Errorf("%d of %d are mirrored", got, n)
	}
	if !slices.Equal(first, seen(1, 0)) || slices.Equal(first, seen(1, 1)) || slices.Equal(first, seen(2, 0)) {
		t.Error("what is mirrored does not follow from seed and epoch")
	}
	one := tensor.New(s.Fields()["image"], 1)
	if err := s.FillVaried("image", []int{all[5]}, 1, 0, one); err != nil {
		t.Fatal(err)
	}
	whole := tensor.New(s.Fields()["image"], n)
	if err := s.FillVaried("image", all, 1, 0, whole); err != nil || !slices.Equal(one.F32, whole.F32[5*size:6*size]) {
		t.Error("what is mirrored depends on the batch")
	}
	// Evaluations see images as they are, and the hash knows that a training does not.
	if err := s.Fill("image", all, whole); err != nil {
		t.Fatal(err)
	}
	unvaried := tensor.New(s.Fields()["image"], n)
	if err := plain.FillVaried("image", all, 1, 0, unvaried); err != nil || !slices.Equal(whole.F32, unvaried.F32) || s.Hash() == plain.Hash() {
		t.Error("sets without `flip` differ, or those with it do not")
	}
	test := digits(t, schema.Arguments{"flip": truth(true)}, Test)
	if test.Hash() != digits(t, nil, Test).Hash() {
		t.Error("`flip` changes what is held out")
	}
	if got := testing.AllocsPerRun(3, func() { s.FillVaried("image", all, 1, 0, whole) }); got != 0 {
		t.Errorf("filling allocates %v times", got)
	}
}

func TestChannels(t *testing.T) {
	s := digits(t, schema.Arguments{"range": span(-1, 2), "channels": number(3)}, Train)
	x := fetched(t, s, "image")
	var sum, squares float64
	for i := 0; i < len(x.F32); i += 3 {
		sum, squares = sum+float64(x.F32[i]), squares+float64(x.F32[i])*float64(x.F32[i])
	}
	n := float64(len(x.F32) / 3)
	mean := sum / n
	for _, c := range s.Channels() {
		if math.Abs(c.Mean-mean) > 1e-6 || math.Abs(c.Deviation-math.Sqrt(squares/n-mean*mean)) > 1e-6 {
			t.Errorf("%+v, want %v and %v", c, mean, math.Sqrt(squares/n-mean*mean))
		}
	}
	if len(s.Channels()) != 3 {
		t.Error("not three channels")
	}
}
