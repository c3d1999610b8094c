package stored

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// maxNPY bounds the text of the header of an NPY file.
const maxNPY = 1 << 16

// readNPY reads what follows the first four bytes of an NPY file (numpy.lib.format): the rest of its name, two bytes of version, the
// length of the header, little-endian in two bytes or from version 2 on in four, and the header, a dictionary as Python writes it.
func readNPY(r io.Reader) (header, error) {
	h := header{order: binary.LittleEndian}
	var rest [6]byte
	if err := full(r, rest[:]); err != nil {
		return h, fmt.Errorf("read header: %w", err)
	}
	if string(rest[:2]) != "PY" || rest[2] < 1 || rest[2] > 3 {
		return h, fmt.Errorf("its header has the version %d.%d, and 1.0 to 3.0 are read", rest[2], rest[3])
	}
	size := uint32(binary.LittleEndian.Uint16(rest[4:]))
	if rest[2] > 1 {
		var high [2]byte
		if err := full(r, high[:]); err != nil {
			return h, fmt.Errorf("read header: %w", err)
		}
		size |= uint32(binary.LittleEndian.Uint16(high[:])) << 16
	}
	if size > maxNPY {
		return h, fmt.Errorf("its header claims %d bytes for itself, and at most %d are read", size, maxNPY)
	}
	text := make([]byte, size)
	if err := full(r, text); err != nil {
		return h, fmt.Errorf("read header: %w", err)
	}
	return h, h.parse(string(text))
}

// parse reads the dictionary of an NPY header.
func (h *header) parse(text string) error {
	find := func(key, value string) string {
		if m := regexp.MustCompile(`['"]` + key + `['"]\s*:\s*` + value).FindStringSubmatch(text); m != nil {
			return m[1]
		}
		return ""
	}
	descr, order, shape := find("descr", `['"]([^'"]*)['"]`), find("fortran_order", `(True|False)`), find("shape", `(\([^)]*\))`)
	if descr == "" || order == "" || shape == "" {
		return fmt.Errorf("its header is %.80q, and one with descr, fortran_order and shape is wanted", text)
	}
	if order == "True" {
		return fmt.Errorf("its numbers are in Fortran's order: save numpy.ascontiguousarray of them")
	}
	if err := h.number(descr); err != nil {
		return err
	}
	for f := range strings.SplitSeq(strings.Trim(shape, "()"), ",") {
		if f = strings.TrimSpace(f); f == "" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSuffix(f, "L"), 10, 31)
		if err != nil {
			return fmt.Errorf("its header claims the shape %.80q", shape)
		}
		h.dims = append(h.dims, int(n))
	}
	return nil
}

// number reads how NumPy describes its numbers.
func (h *header) number(descr string) error {
	if descr[0] == '>' {
		h.order = binary.BigEndian
	}
	what := strings.TrimLeft(descr, "<>|=")
	if strings.HasPrefix(what, "O") {
		return fmt.Errorf("it holds pickled objects, which could run a program and are not read: save an array of numbers")
	}
	switch what {
	case "b1":
		h.kind = kind{bytes: 1, truth: true}
	case "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8":
		h.kind = kind{bytes: int(what[1] - '0'), signed: what[0] == 'i'}
	default:
		return fmt.Errorf("its numbers are of the type `%s`, and integers are read: pixels as uint8, labels as any", descr)
	}
	return nil
}

// integer returns the number that b begins with.
func (h *header) integer(b []byte) int64 {
	switch {
	case h.kind.bytes == 1 && h.kind.signed:
		return int64(int8(b[0]))
	case h.kind.bytes == 1:
		return int64(b[0])
	case h.kind.bytes == 2 && h.kind.signed:
		return int64(int16(h.order.Uint16(b)))
	case h.kind.bytes == 2:
		return int64(h.order.Uint16(b))
	case h.kind.bytes == 4 && h.kind.signed:
		return int64(int32(h.order.Uint32(b)))
	case h.kind.bytes == 4:
		return int64(h.order.Uint32(b))
	case h.kind.signed:
		return int64(h.order.Uint64(b))
	}
	return int64(min(h.order.Uint64(b), math.MaxInt64))
}
