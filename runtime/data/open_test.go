package data

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"snnc.dev/snnc/plugins/schema"
)

var update = flag.Bool("update", false, "rewrite what the golden files say")

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

// binaryFile makes the bytes that the lines of a golden file describe.
func binaryFile(t *testing.T, lines string) (out []byte) {
	for line := range strings.Lines(lines) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var n, v int
		fmt.Sscanf(rest, "%d %x", &n, &v)
		switch word {
		case "hex":
			b, err := hex.DecodeString(strings.ReplaceAll(rest, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, b...)
		case "fill":
			out = append(out, bytes.Repeat([]byte{byte(v)}, n)...)
		case "gzip":
			out = pack(t, out)
		case "cut":
			out = out[:len(out)-n]
		case "flip":
			out[len(out)-n] ^= 0xff
		default:
			t.Fatalf("no line %q", line)
		}
	}
	return out
}

func TestFiles(t *testing.T) {
	const golden = "testdata/files.txtar"
	archive, err := txtar.ParseFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	cases := 0
	for i := 0; i < len(archive.Files); {
		name, base, _ := strings.Cut(archive.Files[i].Name, "/")
		if base != "ask" {
			t.Fatalf("%s stands where the next case begins", archive.Files[i].Name)
		}
		ask, dir := strings.Fields(string(archive.Files[i].Data)), t.TempDir()
		for i++; i < len(archive.Files) && archive.Files[i].Name != name+"/said"; i++ {
			base := strings.TrimPrefix(archive.Files[i].Name, name+"/")
			path := filepath.Join(dir, filepath.FromSlash(base))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, binaryFile(t, string(archive.Files[i].Data)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		said := &archive.Files[i]
		i++
		cases++
		t.Run(name, func(t *testing.T) {
			args := schema.Arguments{}
			for _, a := range ask[2:] {
				key, text, _ := strings.Cut(a, "=")
				v, err := strconv.ParseFloat(text, 64)
				if err != nil {
					t.Fatal(err)
				}
				args[key] = map[string]schema.Value{"size": size(v, v), "classes": ints(v), "take": number(v)}[key]
			}
			got := answer(t, ask[0], args, Split(ask[1]), dir)
			if *update {
				said.Data = []byte(got)
			} else if diff := cmp.Diff(string(said.Data), got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if cases < 20 {
		t.Errorf("only %d cases", cases)
	}
	if *update {
		if err := os.WriteFile(golden, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// answer says what Open does, as text.
func answer(t *testing.T, set string, args schema.Arguments, split Split, dir string) string {
	s, err := Open(t.Context(), set, args, split, []string{filepath.Join(dir, "nowhere"), dir})
	if err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Set != set {
			t.Fatalf("error %v is no Error of %s", err, set)
		}
		return strings.ReplaceAll(fmt.Sprintf("%v\nhelp: %s\n", err, e.Help), dir, "DIR")
	}
	x, n := fetched(t, s, "image"), s.image.Size()
	var pixels, labels []string
	for i := range s.Len() {
		pixels = append(pixels, strconv.FormatFloat(float64(x.F32[i*n]), 'g', -1, 32))
		labels = append(labels, strconv.Itoa(s.Label(i)))
		if first := x.F32[i*n]; slices.ContainsFunc(x.F32[i*n:(i+1)*n], func(v float32) bool { return v != first }) {
			t.Error("an image of one grey became one of several")
		}
	}
	return fmt.Sprintf("%d images %v, labels %s, first pixels %s\n", s.Len(), s.image, strings.Join(labels, " "), strings.Join(pixels, " "))
}

// published makes a data set whose published files are small ones of 28x28 pixels, with their hashes.
func published(t testing.TB) (*collection, map[string][]byte) {
	t.Helper()
	c, err := find("mnist")
	if err != nil {
		t.Fatal(err)
	}
	c.name, c.train, c.test = "small", 3, 2
	files := map[string][]byte{}
	for i, n := range []byte{3, 3, 2, 2} {
		plain := []byte{0, 0, 8, 1, 0, 0, 0, n}
		if i%2 == 0 {
			plain = append([]byte{0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28}, bytes.Repeat([]byte{n}, int(n)*784)...)
		} else {
			plain = append(plain, []byte{1, 2, 3}[:n]...)
		}
		packed := pack(t, plain)
		files[c.files[i].name] = packed
		c.files[i].sha256 = hash(packed)
	}
	return c, files
}

// Published files have hashes of their own, and labels tell whose they are.
func TestFilesOfAnotherSet(t *testing.T) {
	all := collections()
	known := map[string]bool{}
	for _, c := range all {
		for _, f := range c.files {
			if len(f.sha256) != 64 || known[f.sha256] || known[f.content] && f.content != "" {
				t.Errorf("%s of %s has no hash of its own", f.name, c.name)
			}
			known[f.sha256], known[f.content] = true, true
		}
	}
	if got := owner(all, []int32{1, 2, 3}); got != "" {
		t.Errorf("three labels belong to %s", got)
	}
	all[2].files[3].content = hash([]byte{0, 0, 8, 1, 0, 0, 0, 3, 1, 2, 3})
	if got := owner(all, []int32{1, 2, 3}); got != all[2].name {
		t.Errorf("three labels of %s belong to %q", all[2].name, got)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	_, files := published(t)
	for name, b := range files {
		write(t, filepath.Join(dir, "mnist", name), b)
	}
	write(t, filepath.Join(dir, "fashion_mnist", "train-labels-idx1-ubyte"), []byte{0, 0, 8, 1, 0, 0})
	var got strings.Builder
	for _, s := range List([]string{filepath.Join(dir, "nowhere"), dir}) {
		fmt.Fprintf(&got, "%s: %dx%dx%d, %d + %d, found %q, help %q, %v\n", s.Name, s.Channels, s.Height, s.Width, s.Train, s.Test, s.Found, s.Help, s.Err)
	}
	for _, s := range List(nil)[1:2] {
		fmt.Fprintf(&got, "%s: %d + %d, found %q, help %q\n", s.Name, s.Train, s.Test, s.Found, s.Help)
	}
	text := strings.ReplaceAll(got.String(), dir, "DIR")
	const golden = "testdata/list.txt"
	if *update {
		write(t, golden, []byte(text))
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		t.Error(diff)
	}
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFolders(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("SNNC_DATA", "")
	t.Setenv("XDG_DATA_HOME", "relative/paths/are/ignored")
	own := filepath.Join(home, ".local", "share", "snnc")
	if runtime.GOOS == "darwin" {
		own = filepath.Join(home, "Library", "Application Support", "snnc")
	}
	if got := Folders(""); !slices.Equal(got, []string{own}) {
		t.Errorf("folders %q, want %q", got, own)
	}
	t.Setenv("SNNC_DATA", "/b")
	if got := Folders("/a"); !slices.Equal(got, []string{"/a", "/b", own}) {
		t.Errorf("folders %q", got)
	}
	if got := Folders("/b"); !slices.Equal(got, []string{"/b", own}) {
		t.Errorf("folders %q", got)
	}
	if runtime.GOOS == "linux" {
		t.Setenv("XDG_DATA_HOME", "/c")
		if got := Folders(""); !slices.Equal(got, []string{"/b", "/c/snnc"}) {
			t.Errorf("folders %q", got)
		}
	}
}
