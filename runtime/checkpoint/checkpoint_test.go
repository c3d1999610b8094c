package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// example holds one tensor of every type, out of order, with names and metadata that need care in JSON.
func example() *File {
	return &File{
		Tensors: []Tensor{
			Of("weights", []int{2, 3}, []float32{1, -2.5, 3e-8, 0, float32(math.Inf(1)), float32(math.Copysign(0, -1))}),
			Of("mean", nil, []float64{0.1}),
			Of("order", []int{2}, []int32{3, -1}),
			Of("offsets", []int{2}, []int64{math.MinInt64, math.MaxInt64}),
			Of("seed", []int{1}, []uint64{math.MaxUint64}),
			Of("bits", []int{3}, []uint8{0, 1, 255}),
			Of("empty", []int{0, 4}, []float32{}),
		},
		Metadata: map[string]string{"format": "np", "größe": `7 "µ"`},
	}
}

func write(t testing.TB, f *File) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f.safetensors")
	if err := Write(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

// byName compares Files as Read and Write see them.
var byName = cmp.Transformer("byName", func(f *File) any {
	m := map[string]Tensor{}
	for _, t := range f.Tensors {
		t.Shape = append([]int{}, t.Shape...)
		t.Data = append([]byte{}, t.Data...)
		m[t.Name] = t
	}
	metadata := map[string]string{}
	for k, v := range f.Metadata {
		metadata[k] = v
	}
	return []any{m, metadata}
})

// The file was written by the Python package safetensors 0.8 (testdata/make.py) from the tensors of example.
func TestReadForeignFile(t *testing.T) {
	f, err := Read("testdata/foreign.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), f, byName); diff != "" {
		t.Error(diff)
	}
}

func TestBytes(t *testing.T) {
	f := &File{
		Tensors:  []Tensor{Of("b", []int{1}, []uint8{7}), Of("a", []int{1, 2}, []float32{1, 2}), Of("c", nil, []float64{1})},
		Metadata: map[string]string{"step": "3"},
	}
	b, err := os.ReadFile(write(t, f))
	if err != nil {
		t.Fatal(err)
	}
	n := binary.LittleEndian.Uint64(b)
	want := `{"__metadata__":{"snnc.sha256":"9e26ab0335b76255f4b63f05693efc09703f422aecd153d045f288a1c1a70013","step":"3"},` +
		`"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},"b":{"dtype":"U8","shape":[1],"data_offsets":[16,17]},` +
		`"c":{"dtype":"F64","shape":[],"data_offsets":[0,8]}}`
	if got := strings.TrimRight(string(b[8:8+n]), " "); got != want {
		t.Errorf("header\n%s\nwant\n%s", got, want)
	}
	if n%8 != 0 {
		t.Errorf("header of %d bytes is not padded", n)
	}
	if got := fmt.Sprintf("%x", b[8+n:]); got != "000000000000f03f"+"0000803f00000040"+"07" {
		t.Errorf("data %s", got)
	}
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		f := &File{Metadata: rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "metadata")}
		delete(f.Metadata, digestName)
		names := rapid.SliceOfNDistinct(rapid.String(), 0, 5, rapid.ID[string]).Draw(t, "names")
		for _, name := range names {
			if name == metadataName {
				continue
			}
			x := Tensor{Name: name, DType: rapid.SampledFrom([]DType{F32, F64, I8, I16, I32, I64, U8, U16, U64}).Draw(t, "type")}
			x.Shape = rapid.SliceOfN(rapid.IntRange(0, 3), 0, 3).Draw(t, "shape")
			n, err := byteSize(x.DType, x.Shape)
			if err != nil {
				t.Fatal(err)
			}
			x.Data = rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "data")
			f.Tensors = append(f.Tensors, x)
		}
		path, again := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		if err := Write(path, f); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, got, byName); diff != "" {
			t.Fatal(diff)
		}
		if err := Write(again, got); err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(path)
		b, _ := os.ReadFile(again)
		if string(a) != string(b) {
			t.Fatal("the same file has other bytes the second time")
		}
	})
}

// Names that hold the entry of the digest must not be taken for it.
func TestDigestLookalikes(t *testing.T) {
	f := example()
	like := `,"snnc.sha256":"` + strings.Repeat("1", 64)
	f.Tensors = append(f.Tensors, Of(like, nil, []uint8{1}), Of(digestName, nil, []uint8{2}))
	f.Metadata = map[string]string{like: like, `"snnc.sha256`: strings.Repeat("2", 64), `!"snnc.sha256`: "3"}
	got, err := Read(write(t, f))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, got, byName); diff != "" {
		t.Error(diff)
	}
}

func TestValues(t *testing.T) {
	f := example()
	x, ok := f.Tensor("weights")
	if !ok {
		t.Fatal("no tensor weights")
	}
	v, err := Values[float32](x)
	if err != nil || len(v) != 6 || v[1] != -2.5 {
		t.Errorf("values %v, %v", v, err)
	}
	if _, err := Values[float64](x); err == nil {
		t.Error("F32 was read as float64")
	}
	x.Shape = []int{7}
	if _, err := Values[float32](x); err == nil {
		t.Error("a shape that does not fit the data was taken")
	}
	if _, ok := f.Tensor("absent"); ok {
		t.Error("an absent tensor was found")
	}
}

func TestWriteRefuses(t *testing.T) {
	one := Of("a", []int{1}, []float32{1})
	for name, c := range map[string]struct {
		file *File
		want string
	}{
		"names":    {&File{Tensors: []Tensor{one, one}}, `two tensors are named "a"`},
		"reserved": {&File{Tensors: []Tensor{Of(metadataName, []int{1}, []float32{1})}}, "cannot be named"},
		"utf8":     {&File{Tensors: []Tensor{Of("\xff", []int{1}, []float32{1})}}, "not valid UTF-8"},
		"metadata": {&File{Metadata: map[string]string{"a": "\xff"}}, "not valid UTF-8"},
		"shape":    {&File{Tensors: []Tensor{Of("a", []int{2}, []float32{1})}}, "takes 8 bytes, data has 4"},
		"negative": {&File{Tensors: []Tensor{Of("a", []int{-1, -1}, []float32{1})}}, "negative dimension"},
		"overflow": {&File{Tensors: []Tensor{Of("a", []int{1 << 31, 1 << 31, 4}, []float32{1})}}, "too large"},
		"type":     {&File{Tensors: []Tensor{{Name: "a", DType: "F16", Data: []byte{0, 0}}}}, `element type "F16"`},
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := Write(path, c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a file was left", name)
		}
	}
}

// Whatever single bit of a file flips and wherever it is cut, Read says that the file is damaged.
func TestDamage(t *testing.T) {
	path := write(t, example())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, err := decode(whole[:n]); err == nil {
			t.Fatalf("cut to %d of %d bytes: no error", n, len(whole))
		}
	}
	if _, err := decode(append(whole[:len(whole):len(whole)], 0)); err == nil {
		t.Error("one byte more: no error")
	}
	for i := range len(whole) * 8 {
		b := []byte(string(whole))
		b[i/8] ^= 1 << (i % 8)
		_, err := decode(b)
		if err == nil && !strings.Contains(string(b), digestName) {
			continue // the flip took away the name of the digest's entry, and with it the promise
		}
		if err == nil {
			t.Fatalf("bit %d of byte %d flipped: no error", i%8, i/8)
		}
	}
	if err := os.WriteFile(path, whole[:100], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want ErrDamaged with the path", err)
	}
	if _, err := Read(path + ".absent"); errors.Is(err, ErrDamaged) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want ErrNotExist alone", err)
	}
}

func TestLyingHeaders(t *testing.T) {
	tensor := func(dtype, shape, offsets string) string {
		return fmt.Sprintf(`{"dtype":%s,"shape":%s,"data_offsets":%s}`, dtype, shape, offsets)
	}
	a := `{"a":` + tensor(`"U8"`, `[8]`, `[0,8]`)
	for _, c := range []struct{ header, want string }{
		{a + `}`, ""},
		{a + "}   \n", ""},
		{`{"__metadata__":{},` + a[1:] + `}`, ""},
		{`{"a":` + tensor(`"U8"`, `[0,9223372036854775807]`, `[0,0]`) + `,"b":` + tensor(`"U8"`, `[8]`, `[0,8]`) + `}`, ""},
		{``, "unexpected EOF"},
		{`[]`, "[ where { should be"},
		{a, "unexpected EOF"},
		{a + `}{}`, "follow the header"},
		{a + `,"a":` + tensor(`"U8"`, `[0]`, `[8,8]`) + `}`, `"a" is there twice`},
		{`{"__metadata__":{"k":"1","k":"2"},` + a[1:] + `}`, `"k" is there twice`},
		{`{"__metadata__":{"k":1},` + a[1:] + `}`, `1 is not a string`},
		{`{"__metadata__":{"snnc.sha256":"00"},` + a[1:] + `}`, "not as it was written"},
		{`{"__metadata__":{"snnc.sha256":"` + noDigest + `"},` + a[1:] + `}`, "bytes were altered"},
		{`{"__metadata__":null,` + a[1:] + `}`, "<nil> where { should be"},
		{`{"a":7}`, "7 where { should be"},
		{`{"a":{"dtype":"U8","shape":[8]}}`, "dtype, shape and data_offsets"},
		{`{"a":{"dtype":"U8","shape":[8],"offsets":[0,8]}}`, "not an entry"},
		{`{"a":{"dtype":"U8","shape":[8],"shape":[8]}}`, `"shape" is there twice`},
		{`{"a":` + tensor(`8`, `[8]`, `[0,8]`) + `}`, "8 is not a string"},
		{`{"a":` + tensor(`"F16"`, `[4]`, `[0,8]`) + `}`, `element type "F16"`},
		{`{"a":` + tensor(`"U8"`, `[-8]`, `[0,8]`) + `}`, "-8 is not an integer"},
		{`{"a":` + tensor(`"U8"`, `[8.0]`, `[0,8]`) + `}`, "8.0 is not an integer"},
		{`{"a":` + tensor(`"U8"`, `[9223372036854775808]`, `[0,8]`) + `}`, "is not an integer"},
		{`{"a":` + tensor(`"U8"`, `["8"]`, `[0,8]`) + `}`, "8 is not an integer"},
		{`{"a":` + tensor(`"U8"`, `8`, `[0,8]`) + `}`, "8 where [ should be"},
		{`{"a":` + tensor(`"F32"`, `[4294967296,4294967296]`, `[0,8]`) + `}`, "too large"},
		{`{"a":` + tensor(`"U64"`, `[2305843009213693953]`, `[0,8]`) + `}`, "too large"},
		{`{"a":` + tensor(`"U8"`, `[9]`, `[0,8]`) + `}`, "takes 9 bytes, data has 8"},
		{`{"a":` + tensor(`"U8"`, `[8]`, `[0]`) + `}`, "want begin and end"},
		{`{"a":` + tensor(`"U8"`, `[8]`, `[0,8,8]`) + `}`, "want begin and end"},
		{`{"a":` + tensor(`"U8"`, `[9]`, `[0,9]`) + `}`, "truncated or altered"},
		{`{"a":` + tensor(`"U8"`, `[9000000000000000000]`, `[0,9000000000000000000]`) + `}`, "truncated or altered"},
		{`{"a":` + tensor(`"U8"`, `[7]`, `[1,8]`) + `}`, "begin at 1, those before end at 0"},
		{`{"a":` + tensor(`"U8"`, `[7]`, `[0,7]`) + `}`, "1 bytes follow the last tensor"},
		{`{"a":` + tensor(`"U8"`, `[0]`, `[8,0]`) + `}`, "begin at 8"},
		{a + `,"b":` + tensor(`"U8"`, `[8]`, `[0,8]`) + `}`, "begin at 0, those before end at 8"},
		{a + `,"b":` + tensor(`"U8"`, `[4]`, `[4,8]`) + `}`, "begin at 4, those before end at 8"},
		{"{\"\xff\":" + tensor(`"U8"`, `[8]`, `[0,8]`) + `}`, "not valid UTF-8"},
		{strings.Repeat(`{"a":`, 100), "not an entry"},
	} {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(c.header)))
		b = append(append(b, c.header...), "12345678"...)
		_, err := decode(b)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.header, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s\n got %v\nwant %s", c.header, err, c.want)
		}
	}
	for _, length := range []uint64{1, 1 << 20, 1 << 40, math.MaxUint64, math.MaxUint64 - 7} {
		if _, err := decode(binary.LittleEndian.AppendUint64(nil, length)); err == nil {
			t.Errorf("a header of %d bytes in a file of 8: no error", length)
		}
	}
}

// A short file with a great claim costs no memory to speak of.
func TestLyingHeaderAllocatesLittle(t *testing.T) {
	header := `{"a":{"dtype":"U8","shape":[9000000000000000000],"data_offsets":[0,9000000000000000000]}}`
	b := append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		decode(b)
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > 1<<14 {
		t.Errorf("%d bytes allocated", each)
	}
}

func FuzzRead(f *testing.F) {
	for _, file := range []*File{{}, example()} {
		b, err := os.ReadFile(write(f, file))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	foreign, err := os.ReadFile("testdata/foreign.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(foreign)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := decode(b)
		if err != nil {
			return
		}
		path := filepath.Join(dir, "f")
		if err := Write(path, first); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		second, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second, byName); diff != "" {
			t.Fatal(diff)
		}
	})
}
