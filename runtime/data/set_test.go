package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/tensor"
)

func size(h, w float64) schema.Value {
	return schema.Value{Type: schema.Size, Items: []schema.Value{{Type: schema.Int, Number: h}, {Type: schema.Int, Number: w}}}
}

func span(low, high float64) schema.Value {
	return schema.Value{Type: schema.Range, Items: []schema.Value{{Type: schema.Real, Number: low}, {Type: schema.Real, Number: high}}}
}

func ints(list ...float64) schema.Value {
	v := schema.Value{Type: schema.List}
	for _, x := range list {
		v.Items = append(v.Items, schema.Value{Type: schema.Int, Number: x})
	}
	return v
}

func number(n float64) schema.Value { return schema.Value{Type: schema.Int, Number: n} }

func text(s string) schema.Value { return schema.Value{Type: schema.String, Text: s} }

func truth(b bool) schema.Value {
	v := schema.Value{Type: schema.Bool}
	if b {
		v.Number = 1
	}
	return v
}

func name(s Split) schema.Value { return schema.Value{Type: schema.OneOf, Text: string(s)} }

func digits(t testing.TB, args schema.Arguments, split Split) *Set {
	t.Helper()
	s, err := Open(t.Context(), "optdigits", args, split, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fetched is a field of all examples of a set.
func fetched(t testing.TB, s *Set, field string) *tensor.Tensor {
	t.Helper()
	all := make([]int, s.Len())
	for i := range all {
		all[i] = i
	}
	dst := tensor.New(s.Fields()[field], s.Len())
	if err := s.Fill(field, all, dst); err != nil {
		t.Fatal(err)
	}
	return dst
}

// The counts per class are those that the data set's description gives for its test set: 178, 182, 177, 183, 181, 182, 181,
// 179, 174 and 180. The hash is that of the file in the Python package.
func TestOptdigits(t *testing.T) {
	sum := sha256.Sum256([]byte(optdigits))
	if got := hex.EncodeToString(sum[:]); got != "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22" {
		t.Errorf("optdigits.csv.gz has the SHA-256 %s", got)
	}
	train, test := digits(t, nil, Train), digits(t, nil, Test)
	if train.Len() != 1437 || test.Len() != 360 || train.Classes() != 10 {
		t.Errorf("%d and %d examples of %d classes", train.Len(), test.Len(), train.Classes())
	}
	var counts [10]int
	for _, l := range append(fetched(t, train, "label").I32, fetched(t, test, "label").I32...) {
		counts[l]++
	}
	if want := [10]int{178, 182, 177, 183, 181, 182, 181, 179, 174, 180}; counts != want {
		t.Errorf("counts %v, want %v", counts, want)
	}
	if fields := train.Fields(); !fields["image"].Equal(graph.Real(1, 8, 8)) || !fields["label"].Equal(graph.Type{DType: graph.I32, Batch: true}) || len(fields) != 2 {
		t.Errorf("fields %v", fields)
	}
	// The first digit, a 0, as the file has it.
	first := []float64{0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0, 0, 3, 15, 2, 0, 11, 8, 0, 0, 4, 12, 0, 0, 8, 8, 0,
		0, 5, 8, 0, 0, 9, 8, 0, 0, 4, 11, 0, 1, 12, 7, 0, 0, 2, 14, 5, 10, 12, 0, 0, 0, 0, 6, 13, 10, 0, 0, 0}
	signed := digits(t, schema.Arguments{"range": span(-1, 1)}, Train)
	a, b := fetched(t, train, "image"), fetched(t, signed, "image")
	for i, v := range first {
		if a.F32[i] != float32(v/16) || b.F32[i] != float32(v/8-1) {
			t.Fatalf("pixel %d is %v and %v, want %v and %v", i, a.F32[i], b.F32[i], v/16, v/8-1)
		}
		if got, want := train.Image(0).(*image.Gray).Pix[i], math.Round(v/16*255); float64(got) != want {
			t.Errorf("pixel %d looks like %d, want %v", i, got, want)
		}
	}
	if train.Label(0) != 0 || train.Label(1) != 1 {
		t.Errorf("the first labels are %d and %d", train.Label(0), train.Label(1))
	}
}

func TestFillAsAsked(t *testing.T) {
	s := digits(t, nil, Test)
	images, labels := fetched(t, s, "image"), fetched(t, s, "label")
	rapid.Check(t, func(t *rapid.T) {
		examples := rapid.SliceOfN(rapid.IntRange(0, s.Len()-1), 1, 5).Draw(t, "examples")
		x, y := tensor.New(s.Fields()["image"], len(examples)), tensor.New(s.Fields()["label"], len(examples))
		if err := errors.Join(s.Fill("image", examples, x), s.Fill("label", examples, y)); err != nil {
			t.Fatal(err)
		}
		for k, i := range examples {
			if !slices.Equal(x.F32[k*64:(k+1)*64], images.F32[i*64:(i+1)*64]) || y.I32[k] != labels.I32[i] {
				t.Fatalf("place %d is not example %d", k, i)
			}
		}
	})

	x := tensor.New(s.Fields()["image"], 2)
	for _, bad := range []error{
		s.Fill("images", []int{0, 1}, x), s.Fill("label", []int{0, 1}, x), s.Fill("image", []int{0}, x),
		s.Fill("image", []int{0, 360}, x), s.Fill("image", []int{-1, 0}, x),
	} {
		if bad == nil {
			t.Error("what cannot be filled was filled")
		}
	}
	examples := []int{3, 7}
	if n := testing.AllocsPerRun(10, func() { s.Fill("image", examples, x) }); n != 0 {
		t.Errorf("filling allocates %v times", n)
	}
}

func TestArgumentsChoose(t *testing.T) {
	for _, split := range []Split{Train, Test} {
		all := digits(t, schema.Arguments{"split": name(split)}, Train)
		if all.Hash() != digits(t, nil, split).Hash() {
			t.Errorf("split = %s is not the %s part", split, split)
		}
		if digits(t, schema.Arguments{"split": name(split), "take": number(9)}, Test).Hash() != digits(t, nil, Test).Hash() {
			t.Errorf("split = %s, or take, changes what is held out", split)
		}
	}
	all, some := digits(t, nil, Train), digits(t, schema.Arguments{"classes": ints(8, 3), "take": number(7)}, Train)
	var want []int
	for i := range all.Len() {
		if l := all.Label(i); (l == 3 || l == 8) && len(want) < 7 {
			want = append(want, i)
		}
	}
	x := tensor.New(all.Fields()["image"], 7)
	if err := all.Fill("image", want, x); err != nil {
		t.Fatal(err)
	}
	if got := fetched(t, some, "image"); some.Len() != 7 || !slices.Equal(got.F32, x.F32) {
		t.Errorf("%d examples, want the first 7 of the threes and eights", some.Len())
	}
	for k, i := range want {
		if some.Label(k) != all.Label(i) {
			t.Errorf("example %d has label %d, want %d", k, some.Label(k), all.Label(i))
		}
	}
}

func TestMean(t *testing.T) {
	s := digits(t, schema.Arguments{"range": span(-1, 2), "size": size(4, 16)}, Test)
	x := fetched(t, s, "image")
	mean := s.Mean("image")
	for j := range 64 {
		sum := 0.0
		for i := range s.Len() {
			sum += float64(x.F32[i*64+j])
		}
		// Each float32 pixel is off by at most 2^-24 of 2.
		if d := math.Abs(sum/360 - mean[j]); d > 2*0x1p-24 {
			t.Errorf("mean of pixel %d is off by %v", j, d)
		}
	}
	if s.Mean("label") != nil {
		t.Error("labels have a mean")
	}
	if low, high := s.Range(); low != -1 || high != 2 {
		t.Errorf("range %v..%v", low, high)
	}
}

// Equal examples have equal hashes, and whatever changes an example changes the hash.
func TestHash(t *testing.T) {
	same := []schema.Arguments{
		nil, {"size": size(8, 8)}, {"range": span(0, 1)}, {"classes": ints(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)}, {"take": number(1437)}, {"split": name(Train)},
	}
	for _, args := range same {
		if got := digits(t, args, Train).Hash(); got != digits(t, nil, Train).Hash() {
			t.Errorf("%v changes the hash", args)
		}
	}
	other := []schema.Arguments{
		nil, {"size": size(4, 16)}, {"size": size(16, 4)}, {"range": span(0, 2)}, {"range": span(-1, 1)}, {"classes": ints(1, 2, 3, 4, 5, 6, 7, 8, 9)}, {"take": number(1436)}, {"split": name(Test)},
	}
	seen := map[string]int{}
	for i, args := range other {
		h := digits(t, args, Train).Hash()
		if j, is := seen[h]; is || len(h) != 64 {
			t.Errorf("%v and %v have the hash %q", args, other[j], h)
		}
		seen[h] = i
	}
	// A label that changes, with the images as they were.
	s := digits(t, schema.Arguments{"take": number(3)}, Train)
	before := s.digest()
	s.labels[1]++
	if s.digest() == before {
		t.Error("labels are not in the hash")
	}
}

func TestWrongArguments(t *testing.T) {
	for _, c := range []struct {
		set, want string
		args      schema.Arguments
	}{
		{"mnist", "`size` is 1025x8", schema.Arguments{"size": size(1025, 8)}},
		{"mnist", "`size` is 0x0", schema.Arguments{"size": size(0, 0)}},
		{"mnist", "`range` is 1..0", schema.Arguments{"range": span(1, 0)}},
		{"mnist", "`range` is 0..1e+300", schema.Arguments{"range": span(0, 1e300)}},
		{"mnist", "without a unit", schema.Arguments{"range": {Items: []schema.Value{{Type: schema.Time}, {Type: schema.Time, Number: 1}}}}},
		{"mnist", "`classes` is empty", schema.Arguments{"classes": ints()}},
		{"mnist", "`classes` names 10", schema.Arguments{"classes": ints(1, 10)}},
		{"mnist", "`classes` names -1", schema.Arguments{"classes": ints(-1)}},
		{"mnist", "`take` is 0", schema.Arguments{"take": number(0)}},
		{"mnist", "`split` is `all`", schema.Arguments{"split": name("all")}},
		{"mnist", "`crop` is 29x28, and there are 28x28 pixels", schema.Arguments{"crop": size(29, 28)}},
		{"mnist", "`pad` is -1", schema.Arguments{"pad": number(-1)}},
		{"mnist", "an image has 1052x1052 pixels", schema.Arguments{"pad": number(512)}},
		{"mnist", "`channels` is 2, and images have 1 or 3", schema.Arguments{"channels": number(2)}},
		{"mnist", "`take` is 95, which `balance` cannot share out to 10 classes", schema.Arguments{"take": number(95), "balance": truth(true)}},
		{"celeba", "`balance` is asked for, and the examples have no label", schema.Arguments{"balance": truth(true)}},
		{"idx", "`images` names no file", nil},
		{"idx", "`size` is missing", schema.Arguments{"images": text("x")}},
		{"npy", "`test_labels` is there without `test_images`", schema.Arguments{"images": text("x"), "test_labels": text("y")}},
		{"npy", "`labels` and `test_labels` are there both or not at all", schema.Arguments{"images": text("x"), "labels": text("x"), "test_images": text("y")}},
		{"npy", "`held` is 1", schema.Arguments{"images": text("x"), "held": number(1)}},
		{"images", "`folder` names no folder", nil},
		{"images", "`classes` names 1, and the examples have no label", schema.Arguments{"folder": text("x"), "size": size(8, 8), "classes": ints(1)}},
		{"random", "`size` is 0x8", schema.Arguments{"size": size(0, 8)}},
		{"random", "68719476736", schema.Arguments{"channels": number(65536), "size": size(1024, 1024)}},
		{"random", "`take` is 60001", schema.Arguments{"take": number(60001)}},
		{"mnits", "no such data set", nil},
	} {
		_, _, _, _, err := Shape(c.set, c.args)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want %q", c.set, c.args, err, c.want)
		}
		var e *Error
		if _, err := Open(t.Context(), c.set, c.args, Train, nil); !errors.As(err, &e) || !strings.Contains(e.Summary, c.want) || e.Set != c.set {
			t.Errorf("open %s %v: %v, want %q", c.set, c.args, err, c.want)
		}
	}
	for want, args := range map[string]schema.Arguments{
		"`take` is 1438, and there are 1437": {"take": number(1438)},
	} {
		var e *Error
		if _, err := Open(t.Context(), "optdigits", args, Train, nil); !errors.As(err, &e) || !strings.Contains(e.Summary, want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}

func TestSchemas(t *testing.T) {
	var got []string
	for _, x := range Schemas() {
		if x.Doc == "" || x.Later {
			t.Errorf("%s: %q, later %v", x.Name, x.Doc, x.Later)
		}
		got = append(got, x.Name+": "+paramNames(x))
	}
	want := []string{
		"optdigits: size range classes take split flip channels crop pad resize balance",
		"mnist: size range classes take split flip channels crop pad resize balance",
		"fashion_mnist: size range classes take split flip channels crop pad resize balance",
		"kmnist: size range classes take split flip channels crop pad resize balance",
		"emnist_letters: size range classes take split flip channels crop pad resize balance",
		"cifar10: size range classes take split flip channels crop pad resize balance",
		"celeba: size range take split flip channels crop pad resize",
		"lsun: category size range take split flip channels crop pad resize",
		"idx: images labels test_images test_labels size range classes take split flip channels crop pad resize balance label_count held",
		"npy: images labels test_images test_labels size range classes take split flip channels crop pad resize balance label_count held",
		"images: folder test size range classes take split flip channels crop pad resize balance label_count held",
		"random: channels size kind rate steps range take split",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestShape(t *testing.T) {
	for _, c := range []struct {
		set     string
		args    schema.Arguments
		want    [3]int
		classes int
	}{
		{"optdigits", nil, [3]int{1, 8, 8}, 10},
		{"mnist", schema.Arguments{"pad": number(2)}, [3]int{1, 32, 32}, 10},
		{"mnist", schema.Arguments{"pad": number(2), "size": size(28, 28)}, [3]int{1, 32, 32}, 10},
		{"mnist", schema.Arguments{"pad": number(2), "size": size(16, 16)}, [3]int{1, 16, 16}, 10},
		{"mnist", schema.Arguments{"crop": size(20, 24), "pad": number(1), "channels": number(3)}, [3]int{3, 22, 26}, 10},
		{"emnist_letters", schema.Arguments{"classes": ints(0, 4)}, [3]int{1, 28, 28}, 5},
		{"cifar10", nil, [3]int{3, 32, 32}, 10},
		{"celeba", nil, [3]int{3, 64, 64}, 0},
		{"celeba", schema.Arguments{"size": size(32, 48)}, [3]int{3, 32, 48}, 0},
		{"lsun", schema.Arguments{"channels": number(1)}, [3]int{1, 64, 64}, 0},
		{"idx", schema.Arguments{"images": text("x"), "size": size(5, 6)}, [3]int{1, 5, 6}, 0},
		{"npy", schema.Arguments{"images": text("x"), "labels": text("y"), "size": size(5, 6)}, [3]int{1, 5, 6}, 10},
		{"images", schema.Arguments{"folder": text("x"), "size": size(5, 6), "label_count": number(3)}, [3]int{3, 5, 6}, 3},
		{"random", schema.Arguments{"channels": number(5)}, [3]int{5, 28, 28}, 0},
	} {
		ch, h, w, _, err := Shape(c.set, c.args)
		if got := [3]int{ch, h, w}; got != c.want || err != nil || Classes(c.set, c.args) != c.classes {
			t.Errorf("%s has the shape %v and %d classes, want %v and %d, %v", c.set, got, Classes(c.set, c.args), c.want, c.classes, err)
		}
		if _, labelled := Fields(c.set, c.args)[LabelField]; labelled != (c.classes > 0) {
			t.Errorf("%s has labels: %v", c.set, labelled)
		}
	}
}

func paramNames(x schema.Choice) string {
	var out []string
	for _, p := range x.Params {
		out = append(out, p.Name)
	}
	return strings.Join(out, " ")
}

func TestOpenStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, "optdigits", nil, Train, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}

func BenchmarkFill(b *testing.B) {
	s := digits(b, schema.Arguments{"size": size(28, 28)}, Train)
	examples := make([]int, 64)
	dst := tensor.New(s.Fields()["image"], len(examples))
	for b.Loop() {
		if err := s.Fill("image", examples, dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(examples))/b.Elapsed().Seconds(), "images/s")
}
