package record

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// numbered returns images whose element i is (i % 17 - 8) / 8, as testdata/npy.py has them.
func numbered(n, channels, height, width int) Images {
	m := Images{N: n, Channels: channels, Height: height, Width: width, Lo: -1, Hi: 1}
	for i := range n * channels * height * width {
		m.Pixels = append(m.Pixels, float32(i%17-8)/8)
	}
	return m
}

// TestNPY compares with files that NumPy wrote.
func TestNPY(t *testing.T) {
	f := open(t)
	for name, m := range map[string]Images{"grey": numbered(3, 1, 2, 3), "colour": numbered(2, 3, 4, 2)} {
		if err := f.WriteSheet(name, m, 0, 0); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(f.Path("samples/" + name + ".npy"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile("testdata/" + name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n%q\nNumPy writes\n%q", name, got, want)
		}
	}
}

func readPNG(t *testing.T, f *Folder, name string) image.Image {
	t.Helper()
	data, err := os.ReadFile(f.Path("samples/" + name + ".png"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// coarse writes a sheet as text: one mark for each run of equal rows and columns, `.` for gaps, letters for tiles by grey.
func coarse(m image.Image) string {
	row := func(y int) string {
		var b strings.Builder
		last := -1
		for x := range m.Bounds().Dx() {
			v, _, _, _ := m.At(x, y).RGBA()
			if v := int(v >> 8); v != last {
				fmt.Fprintf(&b, "%02x ", v)
				last = v
			}
		}
		return strings.TrimSpace(b.String())
	}
	var lines []string
	for y := range m.Bounds().Dy() {
		if r := row(y); len(lines) == 0 || lines[len(lines)-1] != r {
			lines = append(lines, r)
		}
	}
	return strings.Join(lines, "\n")
}

func TestSheet(t *testing.T) {
	f := open(t)
	// Five images of one pixel row of two; values below, in and above the range, and none at all.
	nan := float32(math.NaN())
	m := Images{N: 5, Channels: 1, Height: 1, Width: 2, Lo: 0, Hi: 1, Pixels: []float32{0, 1, 0.2, 0.4, 0.6, 0.8, nan, 7, -3, 0.5}}
	if err := f.WriteSheet("x", m, 2, 3); err != nil {
		t.Fatal(err)
	}
	got := readPNG(t, f, "x")
	const want = `70
70 00 ff 70 33 66 70 99 cc 70
70
70 00 ff 70 00 80 70
70`
	if s := coarse(got); s != want {
		t.Errorf("sheet:\n%s\nwant:\n%s", s, want)
	}
	if _, grey := got.(*image.Gray); !grey {
		t.Errorf("a grey sheet is %T", got)
	}
	// Two pixels make 64: 32 times; three tiles and four gaps of 4.
	if b := got.Bounds(); b.Dx() != 3*64+4*4 || b.Dy() != 2*32+3*4 {
		t.Errorf("the sheet is %v", b)
	}
	first, _ := os.ReadFile(f.Path("samples/x.png"))
	if err := f.WriteSheet("x", m, 2, 3); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(f.Path("samples/x.png")); !bytes.Equal(first, again) {
		t.Error("the same images gave another file")
	}
	// Fewer places than images.
	if err := f.WriteSheet("y", m, 1, 1); err != nil {
		t.Fatal(err)
	}
	if s := coarse(readPNG(t, f, "y")); s != "70\n70 00 ff 70\n70" {
		t.Errorf("one tile:\n%s", s)
	}
}

func TestSheetOfColours(t *testing.T) {
	f := open(t)
	m := Images{N: 1, Channels: 3, Height: 1, Width: 2, Lo: -1, Hi: 1, Pixels: []float32{1, -1, 0, 1, -1, -0.5}}
	if err := f.WriteSheet("c", m, 0, 0); err != nil {
		t.Fatal(err)
	}
	got := readPNG(t, f, "c")
	for x, want := range map[int][3]uint32{0: {0x70, 0x70, 0x70}, 4: {0xff, 0x80, 0}, 67: {0, 0xff, 0x40}} {
		r, g, b, a := got.At(x, 5).RGBA()
		if [3]uint32{r >> 8, g >> 8, b >> 8} != want || a != 0xffff {
			t.Errorf("pixel %d is %x %x %x, want %x", x, r>>8, g>>8, b>>8, want)
		}
	}
}

func TestPairs(t *testing.T) {
	f := open(t)
	images := func(values ...float32) Images {
		return Images{N: len(values), Channels: 1, Height: 1, Width: 1, Lo: 0, Hi: 255, Pixels: values}
	}
	if err := f.WritePairs("p", images(1, 2, 3), images(17, 18, 19), 2, 2); err != nil {
		t.Fatal(err)
	}
	got := readPNG(t, f, "p")
	const want = `70
70 01 70 11 70 02 70 12 70
70
70 03 70 13 70
70`
	if s := coarse(got); s != want {
		t.Errorf("sheet:\n%s\nwant:\n%s", s, want)
	}
	// Four tiles, a gap in each pair, a wider one between the two, and the border.
	if b := got.Bounds(); b.Dx() != 4*64+2*4+12+2*4 {
		t.Errorf("the sheet is %v", b)
	}
	data, err := os.ReadFile(f.Path("samples/p.npy"))
	if err != nil || !bytes.Contains(data, []byte("(6, 1, 1, 1)")) || len(data) != 128+6*4 {
		t.Errorf("%d bytes, %v: %q", len(data), err, data)
	}
}

// TestPairsByThemselves: 32 pairs make eight rows of four, a square of tiles.
func TestPairsByThemselves(t *testing.T) {
	f := open(t)
	m := numbered(32, 1, 64, 64)
	if err := f.WritePairs("p", m, m, 0, 0); err != nil {
		t.Fatal(err)
	}
	if b := readPNG(t, f, "p").Bounds(); b.Dy() != 8*64+9*4 || b.Dx() != 4*(2*64+4)+3*12+2*4 {
		t.Errorf("the sheet is %v", b)
	}
}

func TestEnlargement(t *testing.T) {
	for side, want := range map[int]int{1: 64, 8: 64, 16: 64, 28: 84, 32: 64, 33: 66, 64: 64, 100: 100} {
		m, err := draw(numbered(1, 1, side, side), 1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Bounds().Dx() - 8; got != want {
			t.Errorf("a tile of %d is %d wide, want %d", side, got, want)
		}
	}
	// A sheet that would be too wide is enlarged less.
	m, err := draw(numbered(400, 1, 8, 8), 1, 400, 1)
	if err != nil || m.Bounds().Dx() != 400*(4*8+4)+4 {
		t.Errorf("400 in a row: %v, %v", m, err)
	}
}

func TestRefusedSheets(t *testing.T) {
	f := open(t)
	good := numbered(2, 1, 2, 2)
	change := func(edit func(*Images)) Images {
		m := good
		edit(&m)
		return m
	}
	for what, m := range map[string]Images{
		"two channels":   change(func(m *Images) { m.Channels = 2; m.N = 1 }),
		"no image":       change(func(m *Images) { m.N, m.Pixels = 0, nil }),
		"no width":       change(func(m *Images) { m.Width = 0 }),
		"huge":           change(func(m *Images) { m.Width, m.Height = 1<<40, 1<<40 }),
		"a pixel short":  change(func(m *Images) { m.Pixels = m.Pixels[1:] }),
		"an empty range": change(func(m *Images) { m.Hi = m.Lo }),
		"no range":       change(func(m *Images) { m.Hi = math.NaN() }),
	} {
		if err := f.WriteSheet("x", m, 1, 1); err == nil {
			t.Errorf("%s was written", what)
		}
		if err := f.WritePairs("x", good, m, 1, 1); err == nil {
			t.Errorf("%s was written as a reconstruction", what)
		}
	}
	for _, name := range []string{"", "a/b", `a\b`, "..", ".hidden"} {
		if err := f.WriteSheet(name, good, 1, 1); err == nil {
			t.Errorf("a sheet %q was written", name)
		}
	}
	for _, size := range [][2]int{{-1, 2}, {0, 1}, {1, 1 << 40}, {1 << 13, 1 << 13}} {
		if err := f.WriteSheet("x", good, size[0], size[1]); err == nil {
			t.Errorf("a sheet of %v was written", size)
		}
	}
	if _, err := os.Stat(f.Path("samples")); !os.IsNotExist(err) {
		t.Errorf("refused sheets left a folder: %v", err)
	}
}

func TestGrid(t *testing.T) {
	for n, want := range map[int][2]int{0: {1, 1}, 1: {1, 1}, 2: {1, 2}, 3: {1, 3}, 5: {2, 3}, 6: {2, 3}, 7: {3, 3}, 32: {4, 8}, 64: {8, 8}, 65: {5, 13}, 67: {8, 9}} {
		if rows, cols := Grid(n); [2]int{rows, cols} != want {
			t.Errorf("%d tiles: %d rows, %d columns, want %v", n, rows, cols, want)
		}
	}
}

// A sheet has as many of the first images as there is room for, and all of them where there is.
func TestGridOfMany(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Images{N: rapid.IntRange(1, 10_000_000).Draw(t, "n"), Channels: 1, Height: rapid.IntRange(1, 400).Draw(t, "height"), Width: rapid.IntRange(1, 400).Draw(t, "width")}
		rows, cols := m.grid()
		if tileGap+rows*(m.Height+tileGap) > largestSide || tileGap+cols*(m.Width+tileGap) > largestSide {
			t.Fatalf("%d x %d images of %dx%d", rows, cols, m.Height, m.Width)
		}
		if side := max(m.Height, m.Width) + tileGap; 4*m.N < (largestSide/side-1)*(largestSide/side-1)/4 && rows*cols < m.N {
			t.Fatalf("%d x %d for %d images of %dx%d", rows, cols, m.N, m.Height, m.Width)
		}
	})
	if rows, cols := (&Images{N: 64, Channels: 1, Height: 28, Width: 28}).grid(); rows != 8 || cols != 8 {
		t.Errorf("%d x %d for 64", rows, cols)
	}
}

func TestSheetNames(t *testing.T) {
	for name, want := range map[string]struct {
		title string
		epoch int
	}{
		SheetName("digit", 7):      {"digit", 7},
		SheetName("digit", 12345):  {"digit", 12345},
		"digit":                    {"digit", 0},
		"digit.epoch-7":            {"digit.epoch-7", 0},
		"digit.epoch-0007x":        {"digit.epoch-0007x", 0},
		"a.epoch-0001.epoch-0002":  {"a.epoch-0001", 2},
		"digit reconstructions.x1": {"digit reconstructions.x1", 0},
	} {
		if title, epoch := sheetName(name); title != want.title || epoch != want.epoch {
			t.Errorf("%s: %q %d, want %v", name, title, epoch, want)
		}
	}
}
