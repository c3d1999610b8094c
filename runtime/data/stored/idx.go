package stored

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// errLonger tells of bytes behind the last example.
var errLonger = errors.New("bytes follow the last example")

// header is what an array of numbers says of itself.
type header struct {
	kind  kind
	order binary.ByteOrder // of its numbers
	dims  []int            // of them the first counts examples
}

// kind is how an array holds its numbers.
type kind struct {
	bytes  int
	signed bool
	truth  bool // 0 or 1
}

// readHeader reads the header of an IDX or an NPY file, told by how it begins. Nothing is allocated by what it claims.
func readHeader(r io.Reader) (header, error) {
	var magic [4]byte
	if err := full(r, magic[:]); err != nil {
		return header{}, fmt.Errorf("read header: %w", err)
	}
	h, err := header{}, error(nil)
	switch {
	case bytes.Equal(magic[:2], []byte{0, 0}):
		h, err = readIDX(r, magic)
	case string(magic[:]) == "\x93NUM":
		h, err = readNPY(r)
	default:
		return h, fmt.Errorf("it begins with % x, and neither IDX nor NPY files of numbers do", magic)
	}
	if err != nil {
		return h, err
	}
	if len(h.dims) == 0 || h.dims[0] < 1 || h.dims[0] > MaxExamples {
		n := 0
		if len(h.dims) > 0 {
			n = h.dims[0]
		}
		return h, fmt.Errorf("its header claims %d examples, and a file holds between 1 and %d", n, MaxExamples)
	}
	return h, nil
}

// readIDX reads what follows the first four bytes of an IDX file, the format of the MNIST files: two bytes 0, the type, the number
// of dims, the dims as big-endian uint32, the numbers, big-endian.
func readIDX(r io.Reader, magic [4]byte) (header, error) {
	h := header{order: binary.BigEndian}
	switch magic[2] {
	case 0x08:
		h.kind = kind{bytes: 1}
	case 0x09:
		h.kind = kind{bytes: 1, signed: true}
	case 0x0b:
		h.kind = kind{bytes: 2, signed: true}
	case 0x0c:
		h.kind = kind{bytes: 4, signed: true}
	default:
		return h, fmt.Errorf("it begins with % x: its numbers are of the type %#02x, and integers are read (0x08, 0x09, 0x0b, 0x0c)", magic, magic[2])
	}
	if n := magic[3]; n < 1 || n > 4 {
		return h, fmt.Errorf("it begins with % x: its examples have %d dims, and between 1 and 4 are read", magic, n)
	}
	for range magic[3] {
		var n [4]byte
		if err := full(r, n[:]); err != nil {
			return h, fmt.Errorf("read header: %w", err)
		}
		d := binary.BigEndian.Uint32(n[:])
		if d > math.MaxInt32 {
			return h, fmt.Errorf("its header claims a dim of %d", d)
		}
		h.dims = append(h.dims, int(d))
	}
	return h, nil
}

// end reports an error unless a file ends here, if compressed with the right checksum.
func end(r io.Reader) error {
	var b [1]byte
	switch n, err := io.ReadFull(r, b[:]); {
	case n > 0:
		return errLonger
	case err != io.EOF:
		return short(err)
	}
	return nil
}
