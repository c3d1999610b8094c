package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// Images are N images of 1 (grey) or 3 (red, green, blue) channels. Pixels are channels first: [N, Channels, Height, Width],
// row-major. Lo is black, Hi is full.
type Images struct {
	N, Channels, Height, Width int
	Pixels                     []float32
	Lo, Hi                     float64
}

func (m *Images) check() error {
	switch size := m.Channels * m.Height * m.Width; {
	case m.Channels != 1 && m.Channels != 3:
		return fmt.Errorf("%d channels, can be 1 or 3", m.Channels)
	case m.N < 1 || m.Height < 1 || m.Width < 1 || m.Height > largestSide || m.Width > largestSide:
		return fmt.Errorf("%d images of %dx%d", m.N, m.Height, m.Width)
	case len(m.Pixels)/size != m.N || len(m.Pixels)%size != 0:
		return fmt.Errorf("%d numbers for %d images of %d", len(m.Pixels), m.N, size)
	case !(m.Lo < m.Hi):
		return fmt.Errorf("range %v..%v", m.Lo, m.Hi)
	}
	return nil
}

// grey returns a pixel as 0 to 255. What is out of range is cut; what is no number is black.
func (m *Images) grey(n, c, y, x int) uint8 {
	v := float64(m.Pixels[((n*m.Channels+c)*m.Height+y)*m.Width+x])
	v = (v - m.Lo) / (m.Hi - m.Lo)
	if !(v > 0) {
		return 0
	}
	return uint8(math.Floor(min(v, 1)*255 + 0.5))
}

const (
	tileSide    = 64      // an image is enlarged until its longer side has this many pixels
	tileGap     = 4       // between tiles and around the sheet
	pairGap     = 12      // between pairs
	gapLevel    = 0x70    // grey that neither a black nor a white tile vanishes in
	largestSide = 1 << 14 // of an image and of a sheet, in pixels
)

// Grid returns rows and columns of a sheet of n tiles: about a square and never more than twice as wide, without a gap at the
// end where that can be.
func Grid(n int) (rows, cols int) {
	n = max(n, 1)
	square := int(math.Ceil(math.Sqrt(float64(n))))
	for cols = square; cols <= n && cols*cols <= 4*n; cols++ {
		if n%cols == 0 {
			return n / cols, cols
		}
	}
	return (n + square - 1) / square, square
}

// MostTiles returns how many rows of images of that height a sheet has room for, or columns of images of that width.
func MostTiles(side int) int { return (largestSide - tileGap) / (side + tileGap) }

// grid returns the grid of all images, or of as many of the first as a sheet has room for.
func (m *Images) grid() (rows, cols int) {
	rows, cols = Grid(m.N)
	high, wide := MostTiles(m.Height), MostTiles(m.Width)
	if rows > high || cols > wide {
		half := min(high, wide) / 2 // Grid of its square is no wider than all of it
		rows, cols = Grid(max(1, half*half))
	}
	return rows, cols
}

// SheetName names the sheet of an epoch, counted from 1. Sheets of one title belong together in the report.
func SheetName(title string, epoch int) string { return fmt.Sprintf("%s.epoch-%04d", title, epoch) }

// sheetName takes SheetName apart; epoch is 0 for the name of a sheet that belongs to none.
func sheetName(name string) (title string, epoch int) {
	if i := strings.LastIndex(name, ".epoch-"); i >= 0 {
		if n, err := fmt.Sscanf(name[i:], ".epoch-%d", &epoch); n == 1 && err == nil && SheetName(name[:i], epoch) == name {
			return name[:i], epoch
		}
	}
	return name, 0
}

// WriteSheet writes samples/NAME.png, the first rows * cols images as tiles in reading order, each enlarged by the smallest
// whole factor that makes 64 pixels of its longer side, and samples/NAME.npy, all images as float32 of shape (N, Channels,
// Height, Width). Zero rows and cols mean those of Grid.
func (f *Folder) WriteSheet(name string, m Images, rows, cols int) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("write sheet %s: %w", name, err)
	}
	return f.writeSheet(name, m, rows, cols, 1)
}

// WritePairs writes a sheet of originals, each with its reconstruction at its right, cols pairs in a row. The numbers
// alternate likewise: (2N, Channels, Height, Width), originals at even places. Zero rows and cols mean those of Grid on its
// side, since a pair is twice as wide.
func (f *Folder) WritePairs(name string, originals, reconstructions Images, rows, cols int) error {
	o, r := originals, reconstructions
	err := o.check()
	if err == nil {
		err = r.check()
	}
	if err == nil && (o.N != r.N || len(o.Pixels) != len(r.Pixels) || o.Channels != r.Channels || o.Height != r.Height) {
		err = fmt.Errorf("%d originals of %dx%dx%d, %d reconstructions of %dx%dx%d",
			o.N, o.Channels, o.Height, o.Width, r.N, r.Channels, r.Height, r.Width)
	}
	if err != nil {
		return fmt.Errorf("write sheet %s: %w", name, err)
	}
	m := o
	m.N, m.Pixels = 2*o.N, make([]float32, 0, 2*len(o.Pixels))
	for size, i := len(o.Pixels)/o.N, 0; i < o.N; i++ {
		m.Pixels = append(m.Pixels, o.Pixels[i*size:(i+1)*size]...)
		m.Pixels = append(m.Pixels, r.Pixels[i*size:(i+1)*size]...)
	}
	return f.writeSheet(name, m, rows, cols, 2)
}

// HasSheet reports whether both files of a sheet are there.
func (f *Folder) HasSheet(name string) bool {
	return f.has(SampleFolder+"/"+name+".png") && f.has(SampleFolder+"/"+name+".npy")
}

// RemoveSheets removes the sheets of epochs that belong to one of the titles.
func (f *Folder) RemoveSheets(titles ...string) error {
	names, err := f.epochSheets(titles)
	if err != nil {
		return fmt.Errorf("remove sheets: %w", err)
	}
	for _, name := range names {
		if err := os.Remove(f.Path(name)); err != nil {
			return fmt.Errorf("remove sheets: %w", err)
		}
	}
	return nil
}

// epochSheets returns the names in the folder of the files of epochs' sheets that belong to one of the titles.
func (f *Folder) epochSheets(titles []string) (names []string, err error) {
	entries, err := os.ReadDir(f.Path(SampleFolder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		title, epoch := sheetName(strings.TrimSuffix(strings.TrimSuffix(e.Name(), ".png"), ".npy"))
		if epoch > 0 && slices.Contains(titles, title) {
			names = append(names, SampleFolder+"/"+e.Name())
		}
	}
	return names, nil
}

func (f *Folder) writeSheet(name string, m Images, rows, cols, group int) error {
	if name == "" || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") {
		return fmt.Errorf("write sheet: %q is not a name of a file", name)
	}
	if rows == 0 && cols == 0 {
		if rows, cols = m.grid(); group > 1 {
			cols, rows = Grid(m.N / group) // pairs are wide
		}
	}
	return writeSheet(f.Path(SampleFolder+"/"+name), m, rows, cols, group)
}

// WriteSheet writes PATH.png and PATH.npy, as WriteSheet of a Folder does, wherever that is.
func WriteSheet(path string, m Images, rows, cols int) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("write sheet %s: %w", path, err)
	}
	if rows == 0 && cols == 0 {
		rows, cols = m.grid()
	}
	return writeSheet(path, m, rows, cols, 1)
}

func writeSheet(path string, m Images, rows, cols, group int) error {
	sheet, err := draw(m, rows, cols*group, group)
	if err != nil {
		return fmt.Errorf("write sheet %s: %w", path, err)
	}
	if err := wholefile.Write(path+".npy", func(w io.Writer) error { return writeNPY(w, m) }); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	if err := wholefile.Write(path+".png", func(w io.Writer) error { return png.Encode(w, sheet) }); err != nil {
		return fmt.Errorf("write sheet: %w", err)
	}
	return nil
}

// draw lays images out in rows and columns; group columns stand closer together.
func draw(m Images, rows, cols, group int) (image.Image, error) {
	if rows < 1 || cols < 1 || rows > largestSide || cols > largestSide {
		return nil, fmt.Errorf("%d rows, %d columns", rows, cols/group)
	}
	factor := (tileSide + max(m.Height, m.Width) - 1) / max(m.Height, m.Width)
	var width, height int
	between := tileGap // groups
	if group > 1 {
		between = pairGap
	}
	left := func(c int) int { // edge of column c
		pitch := m.Width*factor + tileGap
		return tileGap + c/group*(group*pitch-tileGap+between) + c%group*pitch
	}
	for ; ; factor-- {
		width, height = left(cols-1)+m.Width*factor+tileGap, tileGap+rows*(m.Height*factor+tileGap)
		if width <= largestSide && height <= largestSide {
			break
		}
		if factor == 1 {
			return nil, fmt.Errorf("%d rows of %d images of %dx%d are over %d pixels wide or high", rows, cols, m.Height, m.Width, largestSide)
		}
	}

	area := image.Rect(0, 0, width, height)
	var set func(x, y int, c [3]uint8)
	var sheet image.Image
	if m.Channels == 1 {
		g := image.NewGray(area)
		sheet, set = g, func(x, y int, c [3]uint8) { g.Pix[y*g.Stride+x] = c[0] }
		for i := range g.Pix {
			g.Pix[i] = gapLevel
		}
	} else {
		rgb := image.NewNRGBA(area)
		sheet, set = rgb, func(x, y int, c [3]uint8) { rgb.SetNRGBA(x, y, color.NRGBA{c[0], c[1], c[2], 0xff}) }
		for i := range rgb.Pix {
			rgb.Pix[i] = gapLevel
			if i%4 == 3 {
				rgb.Pix[i] = 0xff
			}
		}
	}
	for n := range min(m.N, rows*cols) {
		x0, y0 := left(n%cols), tileGap+n/cols*(m.Height*factor+tileGap)
		for y := range m.Height * factor {
			for x := range m.Width * factor {
				var c [3]uint8
				for i := range m.Channels {
					c[i] = m.grey(n, i, y/factor, x/factor)
				}
				set(x0+x, y0+y, c)
			}
		}
	}
	return sheet, nil
}

// writeNPY writes NumPy's format NPY 1.0 (numpy.lib.format): magic and version, the length of the header, the header as a
// Python dictionary padded with spaces to a multiple of 64 bytes, the numbers.
func writeNPY(w io.Writer, m Images) error {
	const before = 10
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d, %d, %d), }", m.N, m.Channels, m.Height, m.Width)
	header += strings.Repeat(" ", (64-(before+len(header)+1)%64)%64) + "\n"
	buf := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	buf = append(buf, header...)
	for chunk := range slices.Chunk(m.Pixels, 1<<14) {
		for _, v := range chunk {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	return nil
}
