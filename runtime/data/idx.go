package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// maxExamples bounds what the header of a file may claim.
const maxExamples = 1_000_000

// errLonger tells of bytes behind the last example.
var errLonger = errors.New("bytes follow the last example")

// idx reads a file of unsigned bytes in the IDX format of the MNIST files: two bytes 0, the type 8, the number of dims, the
// dims as big-endian uint32, the bytes. Nothing is allocated by what the header claims.
type idx struct {
	r    io.Reader
	dims []int // of them the first counts examples
}

// readIDX reads the header of a file with so many dims, plain or compressed by gzip.
func readIDX(r io.Reader, dims int) (*idx, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	x := &idx{r: b}
	// A plain file begins with 0, a compressed one with 0x1f 0x8b (RFC 1952), whatever its name says.
	if head, err := b.Peek(2); err == nil && bytes.Equal(head, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(b)
		if err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
		x.r = z
	}
	var magic [4]byte
	if err := full(x.r, magic[:]); err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	if want := [4]byte{0, 0, 8, byte(dims)}; magic != want {
		return nil, fmt.Errorf("it begins with % x, not with % x: not an IDX file of bytes in %d dims", magic, want, dims)
	}
	for range dims {
		var n [4]byte
		if err := full(x.r, n[:]); err != nil {
			return nil, fmt.Errorf("read header: %w", err)
		}
		d := binary.BigEndian.Uint32(n[:])
		if d > math.MaxInt32 {
			return nil, fmt.Errorf("its header claims a dim of %d", d)
		}
		x.dims = append(x.dims, int(d))
	}
	if x.dims[0] < 1 || x.dims[0] > maxExamples {
		return nil, fmt.Errorf("its header claims %d examples, and a file holds between 1 and %d", x.dims[0], maxExamples)
	}
	return x, nil
}

// next reads the next bytes.
func (x *idx) next(buf []byte) error { return full(x.r, buf) }

// rest reads a whole file of one dim.
func (x *idx) rest() ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(x.r, int64(x.dims[0])))
	if err != nil {
		return nil, short(err)
	}
	if len(b) < x.dims[0] {
		return nil, fmt.Errorf("it ends after %d of %d: %w", len(b), x.dims[0], io.ErrUnexpectedEOF)
	}
	return b, x.end()
}

// end reports an error unless the file ends here, in a gzip file with the right checksum.
func (x *idx) end() error {
	var b [1]byte
	switch n, err := io.ReadFull(x.r, b[:]); {
	case n > 0:
		return errLonger
	case err != io.EOF:
		return short(err)
	}
	return nil
}

// full reads exactly buf.
func full(r io.Reader, buf []byte) error {
	_, err := io.ReadFull(r, buf)
	return short(err)
}

// short turns the end of the file into an unexpected one.
func short(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
