package stored

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/data/picture"
)

func pack(t testing.TB, plain []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(plain)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// unpackedWhole returns what a file holds.
func unpackedWhole(file []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return file
	}
	var b bytes.Buffer
	b.ReadFrom(z)
	return b.Bytes()
}

func write(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// reader is an array in memory.
func reader(t testing.TB, file []byte) *array {
	b, err := unpacked(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return &array{Reader: b}
}

func asIs(l Layout) (Layout, error) { return l, nil }

// all reads every picture.
func all(t testing.TB, e *Examples) (out []picture.Picture) {
	t.Helper()
	for i := range e.Count {
		var p picture.Picture
		var err error
		if e.At != nil {
			err = e.At(i, &p)
		} else {
			err = e.Next(&p)
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	if e.End != nil {
		if err := e.End(); err != nil {
			t.Fatal(err)
		}
	}
	e.Close()
	return out
}

// What NumPy writes is read as NumPy has it (testdata/arrays.py), in every layout, type and container.
func TestArraysAreNumPys(t *testing.T) {
	// Picture i of 2x4 pixels has the red, green and blue 40i + 3*(4y+x), and 1 and 2 more.
	grey := func(i, y, x int) []byte { return []byte{byte(40*i + 3*(4*y+x))} }
	colour := func(i, y, x int) []byte {
		v := grey(i, y, x)[0]
		return []byte{v, v + 1, v + 2}
	}
	truth := func(i, y, x int) []byte { return []byte{255 * byte((i+y+x)%2)} }
	for name, want := range map[string]func(i, y, x int) []byte{
		"grey.npy": grey, "last.npy": colour, "first.npy": colour, "truth.npy": truth, "version2.npy": grey, "all.npz/x_train": grey, "all.npz/x_train.npy": grey, "grey.idx.gz": grey,
	} {
		for _, labels := range []string{"", "labels-u1.npy", "labels-i8.npy", "labels-big.npy", "labels-column.npy", "all.npz/y_train"} {
			if labels != "" {
				labels = filepath.Join("testdata", labels)
			}
			e, err := Arrays(filepath.Join("testdata", filepath.FromSlash(name)), labels, asIs)
			if err != nil {
				t.Errorf("%s, %s: %v", name, labels, err)
				continue
			}
			if labels != "" && !slices.Equal(e.Labels, []int32{7, 0, 9}) || labels == "" && e.Labels != nil {
				t.Errorf("%s has the labels %d", labels, e.Labels)
			}
			for i, p := range all(t, e) {
				for y := range 2 {
					for x := range 4 {
						v := want(i, y, x)
						at := (4*y + x) * len(v)
						if p.Height != 2 || p.Width != 4 || p.Channels != len(v) || !bytes.Equal(p.Pix[at:at+len(v)], v) {
							t.Fatalf("%s: picture %d is %+v", name, i, p)
						}
					}
				}
			}
			if e.Count != 3 {
				t.Errorf("%s has %d examples", name, e.Count)
			}
		}
	}
	names, err := Members("testdata/all.npz")
	if want := []string{"x_train", "y_train"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("members %q, %v", names, err)
	}
}

// What is no array of pictures or labels is refused, and the error says what it is.
func TestArraysRefused(t *testing.T) {
	dir := t.TempDir()
	npy := func(header string, data ...byte) []byte {
		b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
		return append(append(b, header...), data...)
	}
	dict := func(descr, order, shape string) string {
		return fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
	}
	for want, file := range map[string][]byte{
		"it begins with 89 50 4e 47":              []byte("\x89PNG...."),
		"read header: unexpected EOF":             []byte("\x93NUM"),
		"the version 9.0":                         []byte("\x93NUMPY\x09\x00\x00\x00"),
		"claims 1048576 bytes for itself":         []byte("\x93NUMPY\x02\x00\x00\x00\x10\x00"),
		"one with descr, fortran_order and shape": npy("{}"),
		"in Fortran's order":                      npy(dict("|u1", "True", "(1, 1, 1)"), 0),
		"pickled objects":                         npy(dict("|O", "False", "(1,)"), 0),
		"of the type `<f4`":                       npy(dict("<f4", "False", "(1, 1, 1)"), 0, 0, 0, 0),
		"numbers have 2 bytes":                    npy(dict("<u2", "False", "(1, 1, 1)"), 0, 0),
		"claims the shape":                        npy(dict("|u1", "False", "(1, -1, 1)"), 0),
		"claims 0 examples":                       npy(dict("|u1", "False", "()"), 0),
		"claims 99999999 examples":                npy(dict("|u1", "False", "(99999999, 1, 1)"), 0),
		"its dims are [1 2 1 2]":                  npy(dict("|u1", "False", "(1, 2, 1, 2)"), 0, 0, 0, 0),
		"its pictures are 0x1":                    npy(dict("|u1", "False", "(1, 0, 1)")),
		"image 2 of 2: unexpected EOF":            npy(dict("|u1", "False", "(2, 1, 1)"), 0),
		"bytes follow the last example":           npy(dict("|u1", "False", "(1, 1, 1)"), 0, 0),
		"of the type 0x0d":                        {0, 0, 13, 3},
		"have 9 dims":                             {0, 0, 8, 9},
	} {
		path := write(t, dir, "x.npy", file)
		e, err := Arrays(path, "", asIs)
		if err == nil {
			for range e.Count {
				if err = errors.Join(err, e.Next(&picture.Picture{})); err != nil {
					break
				}
			}
			if err == nil {
				err = e.End()
			}
			e.Close()
		}
		var bad *FileError
		if !errors.As(err, &bad) || bad.Path != path || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	for want, file := range map[string][]byte{
		"label 2 is -3, and labels are 0 to 65535": npy(dict("|i1", "False", "(2,)"), 1, 0xfd),
		"label 1 is 65536":                         npy(dict(">i4", "False", "(1,)"), 0, 1, 0, 0),
		"its dims are [1 2]":                       npy(dict("|u1", "False", "(1, 2)"), 0, 0),
		"it ends after 2 of 3: unexpected EOF":     npy(dict("|u1", "False", "(3,)"), 0, 0),
		"bytes follow":                             npy(dict("|u1", "False", "(1,)"), 0, 0),
	} {
		if _, err := Labels(write(t, dir, "y.npy", file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	images := write(t, dir, "x.npy", npy(dict("|u1", "False", "(1, 1, 1)"), 0))
	labels := write(t, dir, "y.npy", npy(dict("|u1", "False", "(2,)"), 0, 0))
	if _, err := Arrays(images, labels, asIs); err == nil || !strings.Contains(err.Error(), "it holds 1 images, and the file beside it 2 labels") {
		t.Error(err)
	}
	if _, err := Arrays("testdata/all.npz/x_test", "", asIs); err == nil || !strings.Contains(err.Error(), "find it in testdata/all.npz") {
		t.Error(err)
	}
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	a := write(t, dir, "a/x.npy", nil)
	write(t, dir, "b/x.npy", nil)
	folders := []string{filepath.Join(dir, "nowhere"), filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	for name, want := range map[string]string{
		"x.npy": a, a: a, "y.npy": "", filepath.Join(dir, "y.npy"): "", "a": "",
	} {
		if got := Resolve(name, folders); got != want {
			t.Errorf("%s is found at %q, want %q", name, got, want)
		}
	}
	if got := Resolve("all.npz/nothing", []string{"testdata"}); got != filepath.Join("testdata", "all.npz", "nothing") {
		t.Errorf("a member is found at %q", got)
	}
}

// A header that claims more than the file holds costs no memory: reading it allocates little more than the buffers of bufio
// (64 KiB, twice) and gzip (about 44 KiB).
func TestClaimsCostNoMemory(t *testing.T) {
	labels := append([]byte{0, 0, 8, 1}, binary.BigEndian.AppendUint32(nil, MaxExamples)...)
	for _, file := range [][]byte{labels, pack(t, labels)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readLabels(reader(t, file))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 256<<10 {
			t.Errorf("%d bytes of memory for a file of %d, error %v", used, len(file), err)
		}
	}
}

// An IDX file of bytes that is read whole prints back to the same bytes, and nothing else is read.
func FuzzIDX(f *testing.F) {
	labels := []byte{0, 0, 8, 1, 0, 0, 0, 2, 7, 9}
	images := append([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2}, 1, 2, 3, 4)
	for _, b := range [][]byte{labels, images, pack(f, labels), pack(f, images), pack(f, labels)[:12], labels[:9], images[:15], {0x1f, 0x8b}, nil,
		append(pack(f, labels[:8]), pack(f, labels[8:])...), append(pack(f, labels), 0)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		b, err := unpacked(bytes.NewReader(file))
		if err != nil {
			return
		}
		h, err := readHeader(b)
		if err != nil || h.order != binary.BigEndian || h.kind != (kind{bytes: 1}) {
			return
		}
		back, n := []byte{0, 0, 8, byte(len(h.dims))}, 1
		for i, d := range h.dims {
			back = binary.BigEndian.AppendUint32(back, uint32(d))
			if n *= d; n > 1<<20 || i > 0 && d > 1<<20 {
				return
			}
		}
		body := make([]byte, n)
		if full(b, body) != nil || end(b) != nil {
			return
		}
		if back = append(back, body...); !bytes.Equal(back, unpackedWhole(file)) {
			t.Fatalf("read as % x, and the file holds % x", back, unpackedWhole(file))
		}
	})
}

// No NPY header makes the reader panic, and what it claims is as its text says.
func FuzzNPY(f *testing.F) {
	files, err := filepath.Glob("testdata/*.npy")
	if err != nil || len(files) < 5 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		labels, err := readLabels(reader(t, file))
		if err == nil && (len(labels) == 0 || slices.Min(labels) < 0 || len(labels) > len(file) && !bytes.HasPrefix(file, []byte{0x1f, 0x8b})) {
			t.Errorf("%d labels in %d bytes", len(labels), len(file))
		}
		h, err := readHeader(reader(t, file))
		if err != nil {
			return
		}
		if l, err := layoutOf(h.dims); err == nil && l.Height*l.Width*l.Channels > 3*picture.MaxPixels {
			t.Errorf("a picture of %+v", l)
		}
	})
}
