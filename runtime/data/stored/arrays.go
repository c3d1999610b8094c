package stored

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"snnc.dev/snnc/runtime/data/picture"
)

// Layout is how the pictures of an array lie.
type Layout struct {
	Height, Width, Channels int
	ChannelsFirst           bool
	Transposed              bool // columns first, as the EMNIST files have them
	Peak                    int  // what a truth value of 1 becomes; other numbers stay
}

// layoutOf returns the layout of an array of dims [n, h, w], [n, h, w, c] or [n, c, h, w], where c is 1 or 3; of dims that can be
// read in both ways channels are last.
func layoutOf(dims []int) (Layout, error) {
	few := func(n int) bool { return n == 1 || n == 3 }
	var l Layout
	switch {
	case len(dims) == 3:
		l = Layout{Height: dims[1], Width: dims[2], Channels: 1}
	case len(dims) == 4 && few(dims[3]):
		l = Layout{Height: dims[1], Width: dims[2], Channels: dims[3]}
	case len(dims) == 4 && few(dims[1]):
		l = Layout{Height: dims[2], Width: dims[3], Channels: dims[1], ChannelsFirst: true}
	default:
		return l, fmt.Errorf("its dims are %v, and pictures have those of [n, h, w], [n, h, w, c] or [n, c, h, w], with 1 or 3 channels", dims)
	}
	if l.Height < 1 || l.Width < 1 || l.Height > picture.MaxPixels || l.Width > picture.MaxPixels/l.Height {
		return l, fmt.Errorf("its pictures are %dx%d, and between 1 and %d pixels are read", l.Height, l.Width, picture.MaxPixels)
	}
	l.Peak = 255
	return l, nil
}

// Arrays opens an array of pictures and, unless its path is "", one of labels beside it: IDX or NPY files, plain, gzipped or in a
// zip. Pictures are bytes, or truth values, which become 0 and 255. judge is asked for the layout that the pictures have by their
// dims, and may change or refuse it.
func Arrays(images, labels string, judge func(Layout) (Layout, error)) (*Examples, error) {
	e := &Examples{}
	if labels != "" {
		var err error
		if e.Labels, err = Labels(labels); err != nil {
			return nil, err
		}
	}
	var err error
	if e.Stamp, err = stamp(images, labels); err != nil {
		return nil, err
	}
	a, err := open(images)
	if err != nil {
		return nil, &FileError{images, err}
	}
	l, err := e.begin(a, judge)
	if err != nil {
		a.Close()
		return nil, &FileError{images, err}
	}
	raw := make([]byte, l.Height*l.Width*l.Channels)
	read := 0
	e.Next = func(p *picture.Picture) error {
		if err := full(a, raw); err != nil {
			return &FileError{images, fmt.Errorf("image %d of %d: %w", read+1, e.Count, err)}
		}
		read++
		l.put(p, raw)
		return nil
	}
	e.End = func() error {
		if err := end(a); err != nil {
			return &FileError{images, err}
		}
		return nil
	}
	e.Close = a.Close
	return e, nil
}

// begin reads the header of the pictures.
func (e *Examples) begin(a *array, judge func(Layout) (Layout, error)) (Layout, error) {
	h, err := readHeader(a)
	if err != nil {
		return Layout{}, err
	}
	if h.kind.bytes != 1 || h.kind.signed {
		return Layout{}, fmt.Errorf("its numbers have %d bytes, and pixels are unsigned bytes, 0 to 255", h.kind.bytes)
	}
	l, err := layoutOf(h.dims)
	if err != nil {
		return l, err
	}
	if l, err = judge(l); err != nil {
		return l, err
	}
	if !h.kind.truth {
		l.Peak = 0
	}
	if e.Count = h.dims[0]; e.Labels != nil && len(e.Labels) != e.Count {
		return l, fmt.Errorf("it holds %d images, and the file beside it %d labels", e.Count, len(e.Labels))
	}
	return l, nil
}

// put writes the pixels of an example to p.
func (l Layout) put(p *picture.Picture, raw []byte) {
	p.Reset(l.Height, l.Width, l.Channels)
	switch {
	case l.Transposed: // of one channel
		for y := range l.Height {
			for x := range l.Width {
				p.Pix[y*l.Width+x] = raw[x*l.Height+y]
			}
		}
	case l.ChannelsFirst:
		interleave(p.Pix, raw, l.Channels)
	default:
		copy(p.Pix, raw)
	}
	if l.Peak > 0 {
		for i, v := range p.Pix {
			p.Pix[i] = byte(min(int(v), 1) * l.Peak)
		}
	}
}

// interleave puts channels that lie one after the other side by side.
func interleave(dst, src []byte, channels int) {
	area := len(src) / channels
	for i := range area {
		for c := range channels {
			dst[i*channels+c] = src[c*area+i]
		}
	}
}

// Labels reads an array of labels whole: of dims [n] or [n, 1].
func Labels(path string) ([]int32, error) {
	a, err := open(path)
	if err != nil {
		return nil, &FileError{path, err}
	}
	defer a.Close()
	labels, err := readLabels(a)
	if err != nil {
		return nil, &FileError{path, err}
	}
	return labels, nil
}

func readLabels(a *array) ([]int32, error) {
	h, err := readHeader(a)
	if err != nil {
		return nil, err
	}
	if len(h.dims) == 2 && h.dims[1] == 1 {
		h.dims = h.dims[:1]
	}
	if len(h.dims) != 1 {
		return nil, fmt.Errorf("its dims are %v, and labels have one", h.dims)
	}
	const some = 1 << 12
	var out []int32
	buf := make([]byte, some*h.kind.bytes)
	for len(out) < h.dims[0] {
		part := buf[:min(some, h.dims[0]-len(out))*h.kind.bytes]
		if n, err := io.ReadFull(a, part); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, fmt.Errorf("it ends after %d of %d: %w", len(out)+n/h.kind.bytes, h.dims[0], io.ErrUnexpectedEOF)
			}
			return nil, err
		}
		for b := range slices.Chunk(part, h.kind.bytes) {
			v := h.integer(b)
			if v < 0 || v > MaxLabel {
				return nil, fmt.Errorf("label %d is %d, and labels are 0 to %d", len(out)+1, v, MaxLabel)
			}
			out = append(out, int32(v))
		}
	}
	return out, end(a)
}

// MaxLabel is the largest label.
const MaxLabel = 1<<16 - 1
