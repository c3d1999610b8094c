package stored

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/data/picture"
)

const (
	cifarSide   = 32
	cifarRecord = 1 + 3*cifarSide*cifarSide // a label, and red, green and blue of all pixels
	maxBatch    = 100_000 * cifarRecord     // bytes of a file of batches
)

// Batches opens files of the binary version of CIFAR-10 (Krizhevsky 2009), in the order of names: those of a folder, or of a tar
// file, plain or gzipped, in whose folders they are looked for by their base names. They are in memory then.
func Batches(where string, names ...string) (*Examples, error) {
	files := map[string][]byte{}
	read := readFolder
	if info, err := os.Stat(where); err == nil && !info.IsDir() {
		read = readTar
	}
	if err := read(where, names, files); err != nil {
		return nil, err
	}
	var all []byte
	e := &Examples{Close: func() {}}
	for _, name := range names {
		b, ok := files[name]
		if !ok {
			return nil, &FileError{where, fmt.Errorf("it has %s, and %s is wanted", strings.Join(slices.Sorted(maps.Keys(files)), ", "), name)}
		}
		if len(b) == 0 || len(b)%cifarRecord != 0 {
			return nil, &FileError{filepath.Join(where, name), fmt.Errorf("it has %d bytes, and a whole number of examples of %d each is wanted: %w", len(b), cifarRecord, io.ErrUnexpectedEOF)}
		}
		for i := 0; i < len(b); i += cifarRecord {
			e.Labels = append(e.Labels, int32(b[i]))
		}
		all = append(all, b...)
	}
	e.Count = len(e.Labels)
	var err error
	if e.Stamp, err = stamp(where); err != nil {
		return nil, err
	}
	e.At = func(i int, p *picture.Picture) error {
		p.Reset(cifarSide, cifarSide, 3)
		interleave(p.Pix, all[i*cifarRecord+1:(i+1)*cifarRecord], 3)
		return nil
	}
	return e, nil
}

func readFolder(where string, names []string, files map[string][]byte) error {
	for _, name := range names {
		file := filepath.Join(where, name)
		f, err := OpenFile(file)
		if err != nil {
			return &FileError{file, err}
		}
		b, err := readBatch(f)
		f.Close()
		if err != nil {
			return &FileError{file, err}
		}
		files[name] = b
	}
	return nil
}

func readTar(where string, names []string, files map[string][]byte) error {
	f, err := OpenFile(where)
	if err != nil {
		return &FileError{where, err}
	}
	defer f.Close()
	b, err := unpacked(f)
	if err == nil {
		err = untar(b, names, files)
	}
	if err != nil {
		return &FileError{where, err}
	}
	return nil
}

func untar(r io.Reader, names []string, files map[string][]byte) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			// What follows is read as well: it holds the checksum of a gzip file.
			_, err := io.Copy(io.Discard, r)
			return short(err)
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		name := path.Base(h.Name)
		if h.Typeflag != tar.TypeReg || !slices.Contains(names, name) {
			continue
		}
		if files[name], err = readBatch(t); err != nil {
			return fmt.Errorf("read %s: %w", h.Name, err)
		}
	}
}

func readBatch(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxBatch+1))
	if err != nil {
		return nil, short(err)
	}
	if len(b) > maxBatch {
		return nil, fmt.Errorf("it has more than %d bytes", maxBatch)
	}
	return b, nil
}
