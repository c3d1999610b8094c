package data

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

const (
	maxBytes = 4 << 30  // of pixels that a set keeps in memory
	maxAhead = 64 << 20 // of them, for which room is made by the number of labels alone
)

// Open reads one split of a data set with the arguments of a spec; what the arguments lack has its default. Files are looked
// for in the folders, in order, in a subfolder of the data set's name and in the folder itself. The first folder that has any
// of the files is the one. Train is the split that the argument `split` names, cut to the first `take` examples; Test is always the
// whole test part. Every file is read to its end and judged. An *Error tells what is wrong.
func Open(ctx context.Context, name string, args schema.Arguments, split Split, folders []string) (*Set, error) {
	c, err := find(name)
	if err != nil {
		return nil, err
	}
	return c.open(ctx, args, split, folders)
}

func (c *collection) open(ctx context.Context, args schema.Arguments, split Split, folders []string) (*Set, error) {
	if c.later {
		return nil, &Error{Set: c.name, Summary: "it cannot be read: not in this version", Help: fmt.Sprintf("the data sets that can are %s", readable())}
	}
	a, err := c.arguments(args)
	if err != nil {
		return nil, &Error{Set: c.name, Summary: err.Error()}
	}
	take := 0
	if split == Train {
		split, take = a.split, a.take
	}
	if c.drawn {
		return newRandom(c, a, split, take), nil
	}
	x := embedded
	if len(c.files) > 0 {
		where, err := c.locate(folders)
		if err != nil {
			return nil, err
		}
		x = func(c *collection, split Split) (*examples, error) { return c.read(where, split) }
	}
	e, err := x(c, split)
	if err != nil {
		return nil, err
	}
	defer e.close()
	s := newSet(c, a)
	if err := s.fill(ctx, e, take); err != nil {
		return nil, err
	}
	return s, nil
}

// readable lists the data sets that can be read.
func readable() string {
	var names []string
	for _, c := range collections() {
		if !c.later {
			names = append(names, "`"+c.name+"`")
		}
	}
	return strings.Join(names, ", ")
}

// examples are the examples of a split as they are stored.
type examples struct {
	labels []byte                    // each below the number of classes
	next   func(pixels []byte) error // reads the image of the next example
	end    func() error              // judges what follows the last one
	close  func()
}

// fill takes over the examples that the arguments choose.
func (s *Set) fill(ctx context.Context, e *examples, take int) error {
	c, a := s.collection, s.arguments
	fail := func(format string, args ...any) error {
		return &Error{Set: c.name, Summary: fmt.Sprintf(format, args...)}
	}
	keep := func(label byte) bool { return a.classes == nil || slices.Contains(a.classes, int(label)) }
	for _, l := range e.labels {
		if keep(l) {
			s.labels = append(s.labels, int32(l))
		}
	}
	if len(s.labels) == 0 {
		return fail("no example is of the classes %v", a.classes)
	}
	if take > len(s.labels) {
		return fail("`take` is %d, and there are %d examples", take, len(s.labels))
	}
	if take > 0 {
		s.labels = s.labels[:take]
	}
	size := s.image.Size()
	if len(s.labels) > maxBytes/size {
		return &Error{Set: c.name, Summary: fmt.Sprintf("%d images of %dx%d are more than memory should hold, %d GiB", len(s.labels), a.height, a.width, maxBytes>>30),
			Help: "make `size` smaller, or `take` fewer"}
	}
	stored := make([]byte, c.channels*c.height*c.width)
	s.pixels = make([]byte, 0, min(len(s.labels)*size, maxAhead))
	r := newResizer(c.height, c.width, a.height, a.width)
	for i, l := range e.labels {
		if i%1000 == 0 && ctx.Err() != nil {
			return fmt.Errorf("read data set `%s`: %w", c.name, context.Cause(ctx))
		}
		if err := e.next(stored); err != nil {
			return err
		}
		if !keep(l) || len(s.pixels) == len(s.labels)*size {
			continue
		}
		// Beyond that, images are there before room is made for them: a file that ends early costs no more than it holds.
		s.pixels = slices.Grow(s.pixels, size)[:len(s.pixels)+size]
		if to := s.pixels[len(s.pixels)-size:]; r == nil {
			copy(to, stored)
		} else {
			r.resize(to, stored)
		}
	}
	return e.end()
}

// stems returns what the files of images and labels of a split are called, without `.gz`, in the order of preference: as
// published, and as unpacking programs of the nineties spelled it.
func stems(split Split) (images, labels []string) {
	prefix := map[Split]string{Train: "train", Test: "t10k"}[split]
	return []string{prefix + "-images-idx3-ubyte", prefix + "-images.idx3-ubyte"}, []string{prefix + "-labels-idx1-ubyte", prefix + "-labels.idx1-ubyte"}
}

// present returns the path of the first of the files that folder has, compressed or not; "" where it has none. Compressed
// ones come first: Fetch writes those, and so a fetch repairs what a torn file beside them would spoil.
func present(folder string, stems []string) string {
	for _, suffix := range []string{".gz", ""} {
		for _, stem := range stems {
			path := filepath.Join(folder, stem+suffix)
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				return path
			}
		}
	}
	return ""
}

// locate returns the folder that has files of the data set.
func (c *collection) locate(folders []string) (string, error) {
	for _, folder := range folders {
		for _, where := range []string{filepath.Join(folder, c.name), folder} {
			for _, split := range []Split{Train, Test} {
				images, labels := stems(split)
				if present(where, images) != "" || present(where, labels) != "" {
					return where, nil
				}
			}
		}
	}
	searched := "no folder was searched"
	if len(folders) > 0 {
		searched = "searched: " + strings.Join(folders, ", ")
	}
	return "", &Error{Set: c.name, Summary: "its files are not there (" + searched + ")", Help: c.get()}
}

// get says how a data set that is not there can be had.
func (c *collection) get() string {
	return fmt.Sprintf("run `snnc data fetch %s`, or say where its files are: `--data DIR`", c.name)
}

// read opens the files of a split.
func (c *collection) read(folder string, split Split) (*examples, error) {
	stemsOfImages, stemsOfLabels := stems(split)
	missing := func(stem string) error {
		return &Error{Set: c.name, Summary: fmt.Sprintf("`%s.gz` is missing in %s", stem, folder), Help: c.get()}
	}
	paths := []string{present(folder, stemsOfImages), present(folder, stemsOfLabels)}
	if paths[0] == "" {
		return nil, missing(stemsOfImages[0])
	}
	if paths[1] == "" {
		return nil, missing(stemsOfLabels[0])
	}
	labels, err := c.readLabels(paths[1])
	if err != nil {
		return nil, err
	}
	f, err := os.Open(paths[0])
	if err != nil {
		return nil, c.bad(paths[0], err)
	}
	e, err := c.readImages(f, paths[0], labels)
	if err != nil {
		f.Close()
		return nil, err
	}
	return e, nil
}

// bad returns the error of a file that cannot be used.
func (c *collection) bad(path string, err error) error {
	summary := fmt.Sprintf("%s cannot be used", path)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		summary = fmt.Sprintf("%s is torn", path)
	}
	return &Error{Set: c.name, Summary: summary, Help: fmt.Sprintf("replace it, or run `snnc data fetch %s`", c.name), Err: err}
}

// readImages reads the header of a file of images.
func (c *collection) readImages(f io.ReadCloser, path string, labels []byte) (*examples, error) {
	x, err := readIDX(f, 3)
	switch {
	case err != nil:
	case x.dims[1] != c.height || x.dims[2] != c.width:
		err = fmt.Errorf("its images are %dx%d, and those of `%s` are %dx%d", x.dims[1], x.dims[2], c.name, c.height, c.width)
	case x.dims[0] != len(labels):
		err = fmt.Errorf("it holds %d images, and the file beside it %d labels", x.dims[0], len(labels))
	}
	if err != nil {
		return nil, c.bad(path, err)
	}
	read := 0
	return &examples{
		labels: labels,
		next: func(pixels []byte) error {
			if err := x.next(pixels); err != nil {
				return c.bad(path, fmt.Errorf("image %d of %d: %w", read+1, x.dims[0], err))
			}
			read++
			return nil
		},
		end: func() error {
			if err := x.end(); err != nil {
				return c.bad(path, err)
			}
			return nil
		},
		close: func() { f.Close() },
	}, nil
}

// readLabels reads a file of labels.
func (c *collection) readLabels(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, c.bad(path, err)
	}
	defer f.Close()
	x, err := readIDX(f, 1)
	if err != nil {
		return nil, c.bad(path, err)
	}
	labels, err := x.rest()
	if err != nil {
		return nil, c.bad(path, err)
	}
	for i, l := range labels {
		if int(l) >= c.classes {
			return nil, c.bad(path, fmt.Errorf("label %d is %d, and the classes are 0 to %d", i+1, l, c.classes-1))
		}
	}
	// Where folders hold the files themselves, those of two data sets have the same names.
	if other := owner(collections(), labels); other != "" && other != c.name {
		return nil, &Error{Set: c.name, Summary: fmt.Sprintf("%s is a file of `%s`", path, other),
			Help: fmt.Sprintf("put each data set into a folder of its own, such as %s", filepath.Join("DIR", c.name))}
	}
	return labels, nil
}

// owner returns which of the data sets is published with these labels; "" where none is.
func owner(all []collection, labels []byte) string {
	n := len(labels)
	head := []byte{0, 0, 8, 1, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	sum := sha256.Sum256(append(head, labels...))
	content := hex.EncodeToString(sum[:])
	for _, c := range all {
		for _, f := range c.files {
			if f.content == content {
				return c.name
			}
		}
	}
	return ""
}

// Folders returns where data sets are looked for: the folder of the flag --data, that of $SNNC_DATA, and the user's data
// folder ($XDG_DATA_HOME/snnc or ~/.local/share/snnc; ~/Library/Application Support/snnc on macOS; %LocalAppData%\snnc on
// Windows). Those that are not set are left out. Fetch puts data sets into the first.
func Folders(flag string) []string {
	var out []string
	for _, folder := range []string{flag, os.Getenv("SNNC_DATA"), userFolder()} {
		if folder != "" && !slices.Contains(out, folder) {
			out = append(out, folder)
		}
	}
	return out
}

// userFolder returns the user's data folder; "" where the system says of none.
func userFolder() string {
	home, _ := os.UserHomeDir()
	base, below := os.Getenv("XDG_DATA_HOME"), filepath.Join(".local", "share")
	switch runtime.GOOS {
	case "darwin":
		base, below = "", filepath.Join("Library", "Application Support")
	case "windows":
		base, below = os.Getenv("LocalAppData"), filepath.Join("AppData", "Local")
	}
	switch {
	case filepath.IsAbs(base): // the XDG base directory specification: relative paths are invalid and ignored
	case home != "":
		base = filepath.Join(home, below)
	default:
		return ""
	}
	return filepath.Join(base, "snnc")
}
