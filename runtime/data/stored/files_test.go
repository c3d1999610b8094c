package stored

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/data/picture"
)

// batch makes a file of CIFAR-10: a record for each label, whose red, green and blue are 10, 20 and 30 times the label, and whose
// first pixel is brighter by one.
func batch(labels ...byte) (out []byte) {
	for _, l := range labels {
		out = append(out, l)
		for c := range 3 {
			plane := bytes.Repeat([]byte{byte(10*(c+1)) * l}, 1024)
			plane[0]++
			out = append(out, plane...)
		}
	}
	return out
}

// archive makes a tar file, with its files in an order of their own, as the published one has them.
func archive(t testing.TB, files ...any) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		body := files[i+1].([]byte)
		if err := w.WriteHeader(&tar.Header{Name: files[i].(string), Mode: 0o644, Size: int64(len(body)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		w.Write(body)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Batches are read in the order of names, whatever that of the archive, and alike out of folders and archives.
func TestBatches(t *testing.T) {
	dir := t.TempDir()
	one, two := batch(3, 1), batch(9)
	write(t, dir, "folder/one.bin", one)
	write(t, dir, "folder/two.bin", two)
	packed := archive(t, "x/two.bin", two, "x/readme.html", []byte("<p>"), "x/one.bin", one)
	for _, where := range []string{filepath.Join(dir, "folder"), write(t, dir, "x.tar", packed), write(t, dir, "x.tar.gz", pack(t, packed))} {
		e, err := Batches(where, "one.bin", "two.bin")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(e.Labels, []int32{3, 1, 9}) || e.Stamp == "" || e.Costly {
			t.Errorf("%s: %+v", where, e)
		}
		for i, p := range all(t, e) {
			l := byte(e.Labels[i])
			if want := []byte{10*l + 1, 20*l + 1, 30*l + 1, 10 * l, 20 * l, 30 * l}; !bytes.Equal(p.Pix[:6], want) || p.Height != 32 || p.Width != 32 || p.Channels != 3 {
				t.Errorf("%s: picture %d begins with %d, want %d", where, i, p.Pix[:6], want)
			}
		}
	}
	for want, where := range map[string]string{
		"it has one.bin, and two.bin is wanted": write(t, dir, "few.tar", archive(t, "one.bin", one)),
		"it has 6145 bytes":                     write(t, dir, "torn.tar", archive(t, "one.bin", one[:6145], "two.bin", two)),
		"it has 0 bytes":                        write(t, dir, "none.tar", archive(t, "one.bin", []byte{}, "two.bin", two)),
		"read tar: unexpected EOF":              write(t, dir, "cut.tar", packed[:300]),
		"unexpected EOF":                        write(t, dir, "cut.tar.gz", pack(t, packed)[:90]),
		"no such file":                          filepath.Join(dir, "nowhere"),
	} {
		var bad *FileError
		if _, err := Batches(where, "one.bin", "two.bin"); !errors.As(err, &bad) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", where, err, want)
		}
	}
}

// FuzzTar: no archive makes the reader panic, and what is read is a whole number of examples.
func FuzzTar(f *testing.F) {
	plain := archive(f, "x/one.bin", batch(1), "two.bin", batch(2))
	for _, b := range [][]byte{plain, pack(f, plain), plain[:600], nil} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		files := map[string][]byte{}
		b, err := unpacked(bytes.NewReader(file))
		if err == nil {
			err = untar(io.LimitReader(b, 1<<22), []string{"one.bin", "two.bin"}, files)
		}
		for name := range files {
			if name != "one.bin" && name != "two.bin" {
				t.Errorf("%s was read, %v", name, err)
			}
		}
	})
}

func dot(t testing.TB, v byte) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 2, 1))
	m.SetGray(0, 0, color.Gray{v})
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipped makes a zip file of a folder.
func zipped(t testing.TB, folder, to string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := w.AddFS(os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return write(t, filepath.Dir(to), filepath.Base(to), b.Bytes())
}

// Images of a folder and of a zip file of it are the same, in the order of names, without hidden files and those that are none.
func TestTree(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"b/2.png", "a/1.PNG", "a/sub/0.png", "b/1.png"} {
		write(t, dir, "tree/"+name, dot(t, byte(i+1)))
	}
	for _, name := range []string{"a/notes.txt", "b/.hidden.png", ".cache/x.png", "__MACOSX/a.png"} {
		write(t, dir, "tree/"+name, []byte("nothing"))
	}
	folder := filepath.Join(dir, "tree")
	zip := zipped(t, folder, filepath.Join(dir, "tree.zip"))
	stamps := map[string]bool{}
	for _, where := range []string{folder, zip} {
		tree, err := OpenTree(where)
		if err != nil {
			t.Fatal(err)
		}
		files, err := tree.Files(".")
		if want := []string{"a/1.PNG", "a/sub/0.png", "b/1.png", "b/2.png"}; err != nil || !slices.Equal(files, want) {
			t.Errorf("%s has %q, %v", where, files, err)
		}
		labels, names, err := Classes(".", files, nil)
		if err != nil || !slices.Equal(labels, []int32{0, 0, 1, 1}) || !slices.Equal(names, []string{"a", "b"}) {
			t.Errorf("%d %q %v", labels, names, err)
		}
		if !tree.Has("a") || tree.Has("c") || tree.Has("a/1.PNG") {
			t.Error("folders that are there are not, or the other way round")
		}
		e, err := tree.Images(files, labels)
		if err != nil {
			t.Fatal(err)
		}
		stamps[e.Stamp] = true
		var got []byte
		for _, p := range all(t, e) {
			got = append(got, p.Pix[0])
		}
		if !bytes.Equal(got, []byte{2, 3, 4, 1}) || !e.Costly {
			t.Errorf("%s: %d", where, got)
		}
	}
	below, err := OpenTree(filepath.Join(zip, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if files, err := below.Files("."); err != nil || !slices.Equal(files, []string{"1.png", "2.png"}) {
		t.Errorf("%q, %v", files, err)
	}
	below.Close()
	// A file that has been written since changes the stamp.
	if err := os.Chtimes(filepath.Join(folder, "b", "1.png"), time.Time{}, time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	tree, _ := OpenTree(folder)
	e, err := tree.Images([]string{"a/1.PNG", "a/sub/0.png", "b/1.png", "b/2.png"}, nil)
	if err != nil || stamps[e.Stamp] || len(stamps) != 2 {
		t.Errorf("a file of another time leaves the stamp, %v", err)
	}
	// So does another image of the same length and time in a zip file.
	stamp := func(pixel byte) string {
		one := filepath.Join(dir, "one")
		os.Chtimes(write(t, one, "1.png", dot(t, pixel)), time.Time{}, time.Unix(1e9, 0))
		tree, err := OpenTree(zipped(t, one, filepath.Join(dir, "one.zip")))
		if err != nil {
			t.Fatal(err)
		}
		e, err := tree.Images([]string{"1.png"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		e.Close()
		return e.Stamp
	}
	if stamp(1) != stamp(1) || stamp(1) == stamp(2) {
		t.Error("the stamp of an image in a zip file is not that of its bytes")
	}
	write(t, folder, "b/2.png", []byte("\x89PNG\r\n\x1a\n"))
	var bad *FileError
	if err := e.At(3, &picture.Picture{}); !errors.As(err, &bad) || bad.Path != filepath.Join(folder, "b", "2.png") {
		t.Error(err)
	}
	for _, where := range []string{filepath.Join(dir, "nowhere"), filepath.Join(zip, "c"), write(t, dir, "no.zip", []byte("PK"))} {
		if _, err := OpenTree(where); !errors.As(err, &bad) {
			t.Errorf("%s: %v", where, err)
		}
	}
}

func TestClassesThatAreUnknown(t *testing.T) {
	if _, _, err := Classes("test", []string{"test/c/1.png"}, []string{"a", "b"}); err == nil || !strings.Contains(err.Error(), "`c`, which the training part has not") {
		t.Error(err)
	}
	if _, _, err := Classes(".", []string{"1.png"}, nil); err == nil || !strings.Contains(err.Error(), "1.png is in no folder of a class") {
		t.Error(err)
	}
	labels, _, err := Classes("test", []string{"test/b/1.png", "test/a/2.png"}, []string{"a", "b"})
	if err != nil || !slices.Equal(labels, []int32{1, 0}) {
		t.Error(labels, err)
	}
}
