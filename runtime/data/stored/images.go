package stored

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/data/picture"
)

// Tree is a folder of images, or a zip file of them.
type Tree struct {
	Path   string
	fs     fs.FS
	close  func() error
	passed []string // pictures of formats that are not read, which Files has met
}

// OpenTree opens a folder or a zip file, or a folder in a zip file.
func OpenTree(where string) (*Tree, error) {
	info, err := os.Stat(where)
	if err == nil && info.IsDir() {
		return &Tree{Path: where, fs: os.DirFS(where), close: func() error { return nil }}, nil
	}
	file, member := where, ""
	if err != nil {
		file, member = inside(where)
	} else if err := regular(info); err != nil {
		return nil, &FileError{where, err}
	}
	if file == "" {
		return nil, &FileError{where, err}
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		return nil, &FileError{file, err}
	}
	t := &Tree{Path: where, fs: z, close: z.Close}
	if member != "" {
		if t.fs, err = fs.Sub(z, member); err == nil {
			_, err = fs.ReadDir(t.fs, ".")
		}
		if err != nil {
			z.Close()
			return nil, &FileError{where, err}
		}
	}
	return t, nil
}

// Close closes it.
func (t *Tree) Close() { t.close() }

// Has reports whether there is a folder of this name.
func (t *Tree) Has(folder string) bool {
	info, err := fs.Stat(t.fs, folder)
	return err == nil && info.IsDir()
}

// Files returns the paths of all images below a folder, in the order of their names, folder by folder; hidden files are left out.
func (t *Tree) Files(folder string) ([]string, error) {
	var out []string
	t.passed = nil
	err := fs.WalkDir(t.fs, folder, func(name string, d fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(d.Name(), ".") && name != folder || d.Name() == "__MACOSX"
		switch {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case !hidden && !d.IsDir() && picture.Names(name):
			out = append(out, name)
		case !hidden && !d.IsDir() && picture.Unread(name):
			t.passed = append(t.passed, name)
		}
		return nil
	})
	if err != nil {
		return nil, &FileError{t.Path, err}
	}
	if len(out) > MaxExamples {
		return nil, &FileError{t.Path, fmt.Errorf("it holds %d images, and at most %d are read", len(out), MaxExamples)}
	}
	return out, nil
}

// Classes returns the label of each file below a folder: the number of its class, which is the folder right below that it is in,
// among the names known, or where these are none among those of the files in order, which are returned. A file that is in no
// folder, or in one that is not known, is an error.
func Classes(folder string, files, known []string) (labels []int32, names []string, err error) {
	names = known
	if folder == "." {
		folder = ""
	}
	for _, f := range files {
		class, _, found := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(f, folder), "/"), "/")
		if !found {
			return nil, nil, fmt.Errorf("%s is in no folder of a class", f)
		}
		k := slices.Index(names, class)
		if k < 0 && known != nil {
			return nil, nil, fmt.Errorf("%s is of the class `%s`, which the training part has not", f, class)
		}
		if k < 0 {
			k, names = len(names), append(names, class)
		}
		labels = append(labels, int32(k))
	}
	return labels, names, nil
}

// Images opens files of a tree, with their labels or nil. Closing them closes the tree.
func (t *Tree) Images(files []string, labels []int32) (*Examples, error) {
	h := sha256.New()
	for _, name := range files {
		info, err := fs.Stat(t.fs, name)
		if err == nil {
			err = regular(info)
		}
		if err != nil {
			return nil, &FileError{t.file(name), err}
		}
		fmt.Fprintf(h, "%q %d %d", t.file(name), info.Size(), info.ModTime().UnixNano())
		if z, ok := info.Sys().(*zip.FileHeader); ok { // many programs give all that they pack one time
			fmt.Fprintf(h, " %d", z.CRC32)
		}
		fmt.Fprintln(h)
	}
	return &Examples{
		Count: len(files), Labels: labels, Passed: t.passed, Stamp: hex.EncodeToString(h.Sum(nil)), Costly: true, Close: t.Close,
		At: func(i int, p *picture.Picture) error {
			f, err := t.fs.Open(files[i])
			if err != nil {
				return &FileError{t.file(files[i]), err}
			}
			defer f.Close()
			if err := picture.Decode(f, p); err != nil {
				return &FileError{t.file(files[i]), err}
			}
			return nil
		},
	}, nil
}

// file returns the path of a file as a person finds it.
func (t *Tree) file(name string) string { return filepath.Join(t.Path, path.Clean(name)) }
