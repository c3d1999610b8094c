package stored

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/data/picture"
)

// MaxExamples bounds what the header of a file may claim.
const MaxExamples = 10_000_000

// Examples are the pictures of one part of a data set, with their labels.
type Examples struct {
	Count  int
	Labels []int32  // of each example, not negative; nil where there are none
	Names  []string // of the classes, where the files tell; nil where they do not

	// Next reads the picture of the next example; End, after the last, judges what follows it. Both are nil where there is At.
	Next func(p *picture.Picture) error
	End  func() error

	// At reads the picture of an example, 0 <= i < Count, in any order and on any number of goroutines.
	At func(i int, p *picture.Picture) error

	// Stamp changes with the files: it holds their names, sizes and times. Costly says that reading an example takes much longer
	// than reading a copy of its pixels.
	Stamp  string
	Costly bool

	// Passed are pictures beside those of the examples, of formats that are not read.
	Passed []string

	// Close closes the files.
	Close func()
}

// FileError is what is wrong with a file.
type FileError struct {
	Path string
	Err  error
}

// Error returns the path and what is wrong.
func (e *FileError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *FileError) Unwrap() error { return e.Err }

// Resolve returns the first of the paths DIR/name, for the folders in order, whose file or folder is there; a name that is
// absolute stands for itself. The name may go into a zip or npz file, as in digits.npz/x_train. It is "" where there is none.
func Resolve(name string, folders []string) string {
	if filepath.IsAbs(name) {
		folders = []string{""}
	}
	for _, folder := range folders {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil {
			return path
		}
		if file, _ := inside(path); file != "" {
			return path
		}
	}
	return ""
}

// inside splits a path that goes into a zip file; the first result is "" where it does not.
func inside(path string) (file, member string) {
	for at := len(path); at > 0; {
		at = strings.LastIndexByte(path[:at], filepath.Separator)
		if at <= 0 {
			break
		}
		ext := strings.ToLower(filepath.Ext(path[:at]))
		if info, err := os.Stat(path[:at]); err == nil && info.Mode().IsRegular() && (ext == ".zip" || ext == ".npz") {
			return path[:at], filepath.ToSlash(path[at+1:])
		}
	}
	return "", ""
}

// Members returns the names of the arrays in an npz file, without their .npy.
func Members(path string) ([]string, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, &FileError{path, err}
	}
	defer z.Close()
	var out []string
	for _, f := range z.File {
		if name, ok := strings.CutSuffix(f.Name, ".npy"); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// array is an open file, unpacked.
type array struct {
	*bufio.Reader
	close []io.Closer
}

func (a *array) Close() {
	for _, c := range slices.Backward(a.close) {
		c.Close()
	}
}

// open opens a file, or a member of a zip file, and unpacks it if it is compressed by gzip, whatever its name says.
func open(path string) (*array, error) {
	a := &array{}
	var r io.Reader
	if file, member := inside(path); file != "" {
		z, err := zip.OpenReader(file)
		if err != nil {
			return nil, err
		}
		a.close = append(a.close, z)
		f, err := z.Open(member)
		if errors.Is(err, fs.ErrNotExist) {
			f, err = z.Open(member + ".npy")
		}
		if err != nil {
			a.Close()
			return nil, fmt.Errorf("find it in %s: %w", file, err)
		}
		a.close = append(a.close, f)
		r = f
	} else {
		f, err := OpenFile(path)
		if err != nil {
			return nil, err
		}
		a.close = append(a.close, f)
		r = f
	}
	b, err := unpacked(r)
	if err != nil {
		a.Close()
		return nil, err
	}
	a.Reader = b
	return a, nil
}

// OpenFile opens a regular file. Anything else is an error: opening a named pipe would wait for one who writes to it.
func OpenFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// regular reports an error unless what is there holds bytes.
func regular(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsDir():
		return errors.New("it is a folder, and a file is wanted")
	case !mode.IsRegular():
		return fmt.Errorf("it is no regular file (%s)", mode)
	}
	return nil
}

// unpacked returns what a reader yields, unpacked where it begins as gzip does, 0x1f 0x8b (RFC 1952).
func unpacked(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if head, err := b.Peek(2); err != nil || !bytes.Equal(head, []byte{0x1f, 0x8b}) {
		return b, nil
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return bufio.NewReaderSize(z, 1<<16), nil
}

// stamp returns the stamp of files; those in zip files have that of the zip file.
func stamp(paths ...string) (string, error) {
	var out strings.Builder
	for _, path := range paths {
		if path == "" {
			continue
		}
		file := path
		if zip, _ := inside(path); zip != "" {
			file = zip
		}
		info, err := os.Stat(file)
		if err != nil {
			return "", &FileError{path, err}
		}
		fmt.Fprintf(&out, "%q %d %d\n", path, info.Size(), info.ModTime().UnixNano())
	}
	return out.String(), nil
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
