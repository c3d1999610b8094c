package picture

import (
	"fmt"
	"math"
	"slices"
)

// MaxSide is the most pixels that a side of a Change has. MaxPixels bounds the pictures that come in, before anything is allocated.
const (
	MaxSide   = 1024
	MaxPixels = 1 << 26
)

// Picture is an image of 8-bit pixels: row-major, the channels of a pixel side by side, which for 3 are red, green and blue.
type Picture struct {
	Height, Width, Channels int
	Pix                     []byte
}

// Reset gives p its dims, and room for so many pixels, whose values are undefined.
func (p *Picture) Reset(height, width, channels int) {
	n := height * width * channels
	p.Height, p.Width, p.Channels, p.Pix = height, width, channels, slices.Grow(p.Pix[:0], n)[:n]
}

// Filter is a way of resizing; see the package's text.
type Filter string

// The filters.
const (
	Area     Filter = "area"
	Bilinear Filter = "bilinear"
)

// Change says what becomes of pictures, in this order: something is cut out of the middle, channels are converted, a black frame
// is put around, and all is resized.
type Change struct {
	Crop                    [2]int // height and width of what is cut out of the middle; 0: nothing is cut off
	Cover                   bool   // without Crop: cuts the largest part out of the middle that has the proportions of the result
	Pad                     int    // pixels of the black frame on each side, before resizing
	Height, Width, Channels int    // of the result, 1 or 3 channels
	Filter                  Filter
}

// Framed returns height and width of a picture that has been cut and framed, before it is resized.
func (c Change) Framed(height, width int) (int, int) {
	h, w := c.cut(height, width)
	return h + 2*c.Pad, w + 2*c.Pad
}

// cut returns height and width of what is cut out of a picture.
func (c Change) cut(height, width int) (int, int) {
	switch {
	case c.Crop != [2]int{}:
		return c.Crop[0], c.Crop[1]
	case !c.Cover:
		return height, width
	case width*c.Height > height*c.Width:
		return height, max((2*height*c.Width+c.Height)/(2*c.Height), 1)
	}
	return max((2*width*c.Height+c.Width)/(2*c.Width), 1), width
}

// Changer changes pictures. It holds buffers: each goroutine has its own.
type Changer struct {
	change   Change
	from     [2]int // what resizer takes
	resizer  resizer
	assembly []byte
}

// NewChanger returns what makes a Change.
func NewChanger(c Change) *Changer { return &Changer{change: c} }

// Change writes what becomes of p to dst, which has the size of the result. A picture smaller than what is cut out of it is an
// error.
func (r *Changer) Change(dst []byte, p *Picture) error {
	c := r.change
	h, w := c.cut(p.Height, p.Width)
	if h > p.Height || w > p.Width {
		return fmt.Errorf("a picture of %dx%d is too small to cut %dx%d out of it", p.Height, p.Width, h, w)
	}
	fh, fw := h+2*c.Pad, w+2*c.Pad
	if from := [2]int{fh, fw}; r.from != from {
		r.from, r.resizer = from, newResizer(c.Filter, fh, fw, c.Height, c.Width, c.Channels)
	}
	to := dst
	if r.resizer != nil {
		n := fh * fw * c.Channels
		r.assembly = slices.Grow(r.assembly[:0], n)[:n]
		to = r.assembly
	}
	if c.Pad > 0 {
		clear(to)
	}
	top, left := middle(p.Height-h), middle(p.Width-w)
	for y := range h {
		at := ((top+y)*p.Width + left) * p.Channels
		start := ((y+c.Pad)*fw + c.Pad) * c.Channels
		convert(to[start:start+w*c.Channels], p.Pix[at:at+w*p.Channels], c.Channels, p.Channels)
	}
	if r.resizer != nil {
		r.resizer.resize(dst, to)
	}
	return nil
}

// middle returns how much of an excess is left off before the middle: half, rounded to even, as torchvision's CenterCrop has it.
func middle(excess int) int { return int(math.RoundToEven(float64(excess) / 2)) }

// convert writes a row with other channels. Grey is the luma of ITU-R BT.601 in 16 bits, rounded, as Pillow's mode L.
func convert(dst, src []byte, to, from int) {
	switch {
	case to == from:
		copy(dst, src)
	case to == 1:
		for x := range dst {
			p := src[3*x : 3*x+3]
			dst[x] = byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
		}
	default:
		for x, v := range src {
			dst[3*x], dst[3*x+1], dst[3*x+2] = v, v, v
		}
	}
}
