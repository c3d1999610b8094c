package picture

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func oracle(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Cut, converted, framed and resized, every pixel is Pillow's (testdata/change.py).
func TestChangeIsPillows(t *testing.T) {
	lines := oracle(t, "change.txt")
	for i := 0; i+2 < len(lines); i += 3 {
		var h, w, channels int
		c := Change{Filter: Bilinear}
		if _, err := fmt.Sscan(lines[i], &h, &w, &channels, &c.Crop[0], &c.Crop[1], &c.Channels, &c.Pad, &c.Height, &c.Width); err != nil {
			t.Fatal(err)
		}
		want := unhex(t, lines[i+2])
		got := make([]byte, len(want))
		p := &Picture{Height: h, Width: w, Channels: channels, Pix: unhex(t, lines[i+1])}
		if err := NewChanger(c).Change(got, p); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s:\n%d, Pillow has\n%d", lines[i], got, want)
		}
	}
	if len(lines) != 33 {
		t.Errorf("%d lines, want 11 pictures of 3", len(lines))
	}
}

// PNG, GIF and WebP files give Pillow's pixels, on white where they are transparent. Of JPEG files, whose decoders may round an inverse transform and a change of colours
// differently (ISO/IEC 10918-2 allows the first 1), they differ by 3 at most.
func TestDecodeIsPillows(t *testing.T) {
	lines := oracle(t, "decode.txt")
	for _, line := range lines {
		f := strings.Fields(line)
		file, err := os.ReadFile(filepath.Join("testdata", f[0]))
		if err != nil {
			t.Fatal(err)
		}
		var p Picture
		if err := Decode(bytes.NewReader(file), &p); err != nil {
			t.Errorf("%s: %v", f[0], err)
			continue
		}
		if got, want := fmt.Sprint(p.Height, p.Width, p.Channels), strings.Join(f[1:4], " "); got != want {
			t.Errorf("%s is read as %s, want %s", f[0], got, want)
			continue
		}
		limit := 0
		if strings.HasSuffix(f[0], ".jpg") {
			limit = 3
		}
		for i, want := range unhex(t, f[4]) {
			if d := int(p.Pix[i]) - int(want); d > limit || -d > limit {
				t.Errorf("%s: byte %d is %d, Pillow has %d", f[0], i, p.Pix[i], want)
			}
		}
		for _, cut := range []int{0, 1, 7, 9, len(file) / 2} {
			if err := Decode(bytes.NewReader(file[:cut]), &p); err == nil {
				t.Errorf("%s: %d bytes of it are read as a picture", f[0], cut)
			}
		}
	}
	if len(lines) != 13 {
		t.Errorf("%d pictures, want 13", len(lines))
	}
}

// Whatever the proportions, what Cover leaves has those of the result, to half a pixel, and touches two opposite sides.
func TestCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 300).Draw(t, "height"), rapid.IntRange(1, 300).Draw(t, "width")
		c := Change{Cover: true, Height: side(t, "to height"), Width: side(t, "to width"), Channels: 1, Filter: Bilinear}
		ch, cw := c.Framed(h, w)
		if ch < 1 || cw < 1 || ch > h || cw > w || ch != h && cw != w {
			t.Fatalf("%dx%d is cut out of %dx%d", ch, cw, h, w)
		}
		high, wide := float64(w)*float64(c.Height)/float64(c.Width), float64(h)*float64(c.Width)/float64(c.Height)
		if ch < h && ch > 1 && max(float64(ch)-high, high-float64(ch)) > 0.5 || cw < w && cw > 1 && max(float64(cw)-wide, wide-float64(cw)) > 0.5 {
			t.Fatalf("%dx%d has not the proportions of %dx%d", ch, cw, c.Height, c.Width)
		}
		p := &Picture{Height: h, Width: w, Channels: 1, Pix: bytes.Repeat([]byte{200}, h*w)}
		got := make([]byte, c.Height*c.Width)
		if err := NewChanger(c).Change(got, p); err != nil || !bytes.Equal(got, bytes.Repeat([]byte{200}, len(got))) {
			t.Fatalf("a constant picture became %d, %v", got, err)
		}
	})
}

func TestTooSmall(t *testing.T) {
	p := &Picture{Height: 100, Width: 200, Channels: 1, Pix: make([]byte, 20000)}
	err := NewChanger(Change{Crop: [2]int{148, 148}, Height: 64, Width: 64, Channels: 1}).Change(make([]byte, 4096), p)
	if err == nil || err.Error() != "a picture of 100x200 is too small to cut 148x148 out of it" {
		t.Error(err)
	}
}

// A changer and a picture are used again and again: once their buffers are there, pictures of one size cost no memory.
func TestChangeAllocatesNothing(t *testing.T) {
	p := &Picture{Height: 218, Width: 178, Channels: 3, Pix: make([]byte, 218*178*3)}
	c := NewChanger(Change{Crop: [2]int{148, 148}, Height: 64, Width: 64, Channels: 3, Filter: Bilinear})
	dst := make([]byte, 64*64*3)
	if n := testing.AllocsPerRun(3, func() { c.Change(dst, p) }); n != 0 {
		t.Errorf("a change allocates %v times", n)
	}
}

// A file that claims more than may be read, or is of another format, is refused before anything is decoded.
func TestRefused(t *testing.T) {
	var huge bytes.Buffer
	if err := png.Encode(&huge, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	b := huge.Bytes()
	copy(b[16:], []byte{0, 1, 0, 0, 0, 1, 0, 0}) // width and height; the checksum behind them is wrong then
	for text, file := range map[string][]byte{
		"checksum":              b,
		"decode picture: ":      []byte("RIFF\x10\x00\x00\x00WEBPVP8 "),
		"it begins with 42 4d":  []byte("BM------------"),
		"it ends after 0 bytes": {},
		"decode picture":        []byte("\xff\xd8\xff\xe0----"),
	} {
		if err := Decode(bytes.NewReader(file), &Picture{}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
	var j bytes.Buffer
	if err := jpeg.Encode(&j, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	b = j.Bytes()
	at := bytes.Index(b, []byte{0xff, 0xc0})
	copy(b[at+5:], []byte{0xff, 0xff, 0xff, 0xff}) // height and width
	if err := Decode(bytes.NewReader(b), &Picture{}); err == nil || !strings.Contains(err.Error(), "it claims 65535x65535 pixels") {
		t.Error(err)
	}
}

// Whatever is read is a picture of the dims it claims, and no input makes Decode panic.
func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.[pjgw][npie][gfb]*")
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
		var p Picture
		if err := Decode(bytes.NewReader(file), &p); err == nil && (len(p.Pix) != p.Height*p.Width*p.Channels || p.Channels != 1 && p.Channels != 3) {
			t.Errorf("%dx%d of %d channels in %d bytes", p.Height, p.Width, p.Channels, len(p.Pix))
		}
	})
}
