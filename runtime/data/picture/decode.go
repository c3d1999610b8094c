package picture

import (
	"bufio"
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"path"
	"strings"

	"golang.org/x/image/webp"
)

// Names reports whether a file of this name is one that Decode reads.
func Names(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".gif", ".webp":
		return true
	}
	return false
}

// Unread reports whether a file of this name is a picture of a format that Decode does not read.
func Unread(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".bmp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".jp2", ".jfif", ".jxl", ".pbm", ".pgm", ".ppm", ".pnm", ".tga", ".svg":
		return true
	}
	return false
}

// format is a format of images, told by how its files begin.
type format struct {
	magic  string
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

func formats() []format {
	return []format{
		{"\x89PNG\r\n\x1a\n", png.DecodeConfig, png.Decode},
		{"\xff\xd8", jpeg.DecodeConfig, jpeg.Decode},
		{"GIF8", gif.DecodeConfig, gif.Decode},
		{"RIFF", webp.DecodeConfig, webp.Decode},
	}
}

// Decode reads a PNG, JPEG, GIF or WebP file, told by how it begins, into p: the first image of a GIF, grey images
// with one channel and all others with three, 16-bit channels cut to 8, and what is transparent on white. A file that claims more than
// MaxPixels is an error, for which nothing is allocated.
func Decode(r io.Reader, p *Picture) error {
	b := bufio.NewReaderSize(r, 1<<12)
	head, err := b.Peek(8)
	if err != nil && len(head) < 2 {
		return fmt.Errorf("decode picture: it ends after %d bytes", len(head))
	}
	for _, f := range formats() {
		if !bytes.HasPrefix(head, []byte(f.magic)) {
			continue
		}
		var read bytes.Buffer
		config, err := f.config(io.TeeReader(b, &read))
		if err != nil {
			return fmt.Errorf("decode picture: %w", err)
		}
		if config.Width < 1 || config.Height < 1 || config.Width > MaxPixels/config.Height {
			return fmt.Errorf("decode picture: it claims %dx%d pixels, and at most %d are read", config.Height, config.Width, MaxPixels)
		}
		m, err := f.decode(io.MultiReader(&read, b))
		if err != nil {
			return fmt.Errorf("decode picture: %w", err)
		}
		if f.magic == "RIFF" {
			switch m := m.(type) {
			case *image.NYCbCrA:
				p.takeVP8(&m.YCbCr)
				for i := range p.Height * p.Width {
					onWhite(p.Pix[3*i:], m.A[i/p.Width*m.AStride+i%p.Width])
				}
				return nil
			case *image.YCbCr:
				p.takeVP8(m)
				return nil
			}
		}
		p.take(m)
		return nil
	}
	return fmt.Errorf("decode picture: it begins with % x, and PNG, JPEG, GIF and WebP files are read", head)
}

// take copies an image.
func (p *Picture) take(m image.Image) {
	b := m.Bounds()
	h, w := b.Dy(), b.Dx()
	switch m := m.(type) {
	case *image.Gray:
		p.Reset(h, w, 1)
		for y := range h {
			copy(p.Pix[y*w:(y+1)*w], m.Pix[y*m.Stride:])
		}
		return
	case *image.Gray16:
		p.Reset(h, w, 1)
		for i := range p.Pix {
			p.Pix[i] = m.Pix[i/w*m.Stride+i%w*2]
		}
		return
	}
	p.Reset(h, w, 3)
	to := p.Pix
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			switch m := m.(type) {
			case *image.YCbCr:
				c, l := m.COffset(x, y), m.YOffset(x, y)
				to[0], to[1], to[2] = color.YCbCrToRGB(m.Y[l], m.Cb[c], m.Cr[c])
			case *image.NRGBA:
				at := m.Pix[m.PixOffset(x, y):]
				copy(to[:3], at)
				onWhite(to, at[3])
			case *image.RGBA:
				copy(to[:3], m.Pix[m.PixOffset(x, y):])
			default:
				c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
				to[0], to[1], to[2] = c.R, c.G, c.B
				onWhite(to, c.A)
			}
			to = to[3:]
		}
	}
}

// onWhite puts a colour of three bytes, so much opaque, on white: a * c + (1 - a) * 255 by the exact mean, rounded.
func onWhite(colour []byte, opaque byte) {
	if opaque == 255 {
		return
	}
	a := int(opaque)
	for k, c := range colour[:3] {
		colour[k] = byte((a*int(c) + (255-a)*255 + 127) / 255)
	}
}
