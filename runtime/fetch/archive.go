package fetch

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// zip unpacks an archive of the form ZIP.
func (u *unpacking) zip(f io.ReaderAt, size int64) error {
	const entryBytes = 1 << 10 // of the table at the end, for an entry with a long name
	table := &bounded{f, int64(u.limits.Files+1) * entryBytes}
	r, err := zip.NewReader(table, size)
	if errors.Is(err, errTable) {
		return tooMuch("%d files", u.limits.Files)
	}
	if err != nil {
		return torn(err)
	}
	table.left = -1
	for _, e := range r.File {
		const encrypted = 1 // bit of the flags (APPNOTE.TXT 4.4.4)
		if e.Flags&encrypted != 0 {
			return fmt.Errorf("entry %.200q is encrypted", e.Name)
		}
		if err := u.zipped(e); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacking) zipped(e *zip.File) error {
	mode := e.Mode()
	if mode.IsDir() {
		return u.add(e.Name, mode, nil)
	}
	content, err := e.Open()
	if err != nil {
		return fmt.Errorf("entry %.200q: %w", e.Name, err)
	}
	defer content.Close()
	return u.add(e.Name, mode, content)
}

// bounded reads so many bytes and no more, or all where left is negative. The table of a ZIP is read before anything in it can be looked at.
type bounded struct {
	io.ReaderAt
	left int64
}

var errTable = errors.New("the table is too long")

// ReadAt implements io.ReaderAt.
func (b *bounded) ReadAt(p []byte, at int64) (int, error) {
	n, err := b.ReaderAt.ReadAt(p, at)
	if b.left >= 0 {
		if b.left -= int64(n); b.left < 0 {
			return 0, errTable
		}
	}
	return n, err
}

// tar unpacks an archive of the form tar, compressed or not.
func (u *unpacking) tar(f io.Reader, compressed bool) error {
	in := io.Reader(bufio.NewReader(f))
	if compressed {
		z, err := gzip.NewReader(in)
		if err != nil {
			return torn(err)
		}
		in = z
	}
	all := &io.LimitedReader{R: in, N: u.limits.archive()}
	r := tar.NewReader(all)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			err = torn(err)
		} else {
			err = u.tarred(h, r)
		}
		if all.N <= 0 {
			return tooMuch("%d bytes", u.limits.Bytes)
		}
		if err != nil {
			return err
		}
	}
	if _, err := io.Copy(io.Discard, all); err != nil { // the sum of what is compressed comes last
		return torn(err)
	}
	return nil
}

// torn is the error of an archive that cannot be read.
func torn(err error) error {
	return fmt.Errorf("it is torn, or of another form than its name says; get it again: %w", err)
}

func (u *unpacking) tarred(h *tar.Header, content io.Reader) error {
	mode := h.FileInfo().Mode() & (fs.ModePerm | fs.ModeType)
	switch h.Typeflag {
	case tar.TypeXGlobalHeader: // what git writes in front
		return nil
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeDir:
	case tar.TypeSymlink:
		content = strings.NewReader(h.Linkname)
	case tar.TypeLink:
		return fmt.Errorf("entry %.200q is a second name of %.200q: pack it as a file", h.Name, h.Linkname)
	default:
		mode = fs.ModeIrregular
	}
	return u.add(h.Name, mode, content)
}
