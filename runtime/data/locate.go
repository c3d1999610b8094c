package data

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data/stored"
)

// place is where the files of a data set are, and how they are read.
type place struct {
	where string
	open  func(Split) (*stored.Examples, error)
	whole bool // the parts of the set are one: every so-many-th example is held out
}

// torn reports whether a file ended early.
func torn(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }

// locate finds the files of the data set.
func (c *collection) locate(a arguments, folders []string) (*place, error) {
	switch c.kind {
	case embeddedKind:
		return &place{where: "part of snnc", open: c.embedded}, nil
	case arraysKind:
		return c.locateArrays(a, folders)
	case folderKind:
		return c.locateImages(a, folders)
	}
	look := map[kind]func(string) (*place, error){idxKind: c.idxFiles, cifarKind: c.cifarFiles, celebaKind: c.celebaFiles, lsunKind: func(where string) (*place, error) { return c.lsunFiles(where, a.category) }}[c.kind]
	for _, folder := range folders {
		for _, where := range []string{filepath.Join(folder, c.name), folder} {
			if p, err := look(where); p != nil || err != nil {
				return p, err
			}
		}
	}
	return nil, &Error{Set: c.name, Summary: "its files are not there (" + searched(folders) + ")", Help: c.get(), absent: true}
}

func searched(folders []string) string {
	if len(folders) == 0 {
		return "no folder was searched"
	}
	return "searched: " + strings.Join(folders, ", ")
}

// there reports whether there is a file, or a folder, of this path.
func there(folder bool, path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() == folder
}

// stems returns what the files of images and labels of a split are called, without `.gz`, in the order of preference: as
// published, and as unpacking programs of the nineties spelled it.
func (c *collection) stems(split Split) (images, labels []string) {
	prefix := c.prefixes[0]
	if split == Test {
		prefix = c.prefixes[1]
	}
	return []string{prefix + "-images-idx3-ubyte", prefix + "-images.idx3-ubyte"}, []string{prefix + "-labels-idx1-ubyte", prefix + "-labels.idx1-ubyte"}
}

// present returns the path of the first of the files that folder has, compressed or not; "" where it has none. Compressed
// ones come first: Fetch writes those, and so a fetch repairs what a torn file beside them would spoil.
func present(folder string, stems []string) string {
	for _, suffix := range []string{".gz", ""} {
		for _, stem := range stems {
			if path := filepath.Join(folder, stem+suffix); there(false, path) {
				return path
			}
		}
	}
	return ""
}

// idxFiles looks for files called as those of MNIST.
func (c *collection) idxFiles(where string) (*place, error) {
	for _, split := range []Split{Train, Test} {
		images, labels := c.stems(split)
		if present(where, images) != "" || present(where, labels) != "" {
			return &place{where: where, open: func(split Split) (*stored.Examples, error) { return c.readIDX(where, split) }}, nil
		}
	}
	return nil, nil
}

func (c *collection) readIDX(folder string, split Split) (*stored.Examples, error) {
	stemsOfImages, stemsOfLabels := c.stems(split)
	images, labels := present(folder, stemsOfImages), present(folder, stemsOfLabels)
	for i, path := range []string{images, labels} {
		if path == "" {
			return nil, &Error{Set: c.name, Summary: fmt.Sprintf("`%s.gz` is missing in %s", [][]string{stemsOfImages, stemsOfLabels}[i][0], folder), Help: c.get()}
		}
	}
	e, err := stored.Arrays(images, labels, func(l stored.Layout) (stored.Layout, error) {
		if l.Height != c.height || l.Width != c.width || l.Channels != c.channels {
			return l, fmt.Errorf("its images are %dx%d, and those of `%s` are %dx%d", l.Height, l.Width, c.name, c.height, c.width)
		}
		l.Transposed = c.transposed
		return l, nil
	})
	if err != nil {
		return nil, err
	}
	for i := range e.Labels {
		if e.Labels[i] -= int32(c.first); e.Labels[i] < 0 || int(e.Labels[i]) >= c.classes {
			e.Close()
			return nil, &stored.FileError{Path: labels, Err: fmt.Errorf("label %d is %d, and the classes are %d to %d", i+1, int(e.Labels[i])+c.first, c.first, c.first+c.classes-1)}
		}
	}
	// Where folders hold the files themselves, those of two data sets have the same names.
	if other := owner(collections(), e.Labels); other != "" && other != c.name {
		e.Close()
		return nil, &Error{Set: c.name, Summary: fmt.Sprintf("%s is a file of `%s`", labels, other),
			Help: fmt.Sprintf("put each data set into a folder of its own, such as %s", filepath.Join("DIR", c.name))}
	}
	return e, nil
}

// owner returns which of the data sets is published with these labels; "" where none is.
func owner(all []collection, labels []int32) string {
	n := len(labels)
	b := []byte{0, 0, 8, 1, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
	for _, l := range labels {
		b = append(b, byte(l))
	}
	sum := sha256.Sum256(b)
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

// cifarFiles looks for the binary version of CIFAR-10: its files, their folder or the tar file with it.
func (c *collection) cifarFiles(where string) (*place, error) {
	train := []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"}
	batches := func(at string) *place {
		return &place{where: at, open: func(split Split) (*stored.Examples, error) {
			if split == Test {
				return stored.Batches(at, "test_batch.bin")
			}
			return stored.Batches(at, train...)
		}}
	}
	for _, folder := range []string{where, filepath.Join(where, "cifar-10-batches-bin")} {
		if there(false, filepath.Join(folder, train[0])) || there(false, filepath.Join(folder, "test_batch.bin")) {
			return batches(folder), nil
		}
	}
	for _, name := range []string{"cifar-10-binary.tar.gz", "cifar-10-binary.tar"} {
		if file := filepath.Join(where, name); there(false, file) {
			return batches(file), nil
		}
	}
	if file := filepath.Join(where, "cifar10.npz"); there(false, file) {
		return &place{where: file, open: func(split Split) (*stored.Examples, error) {
			return stored.Arrays(filepath.Join(file, "x_"+string(split)), filepath.Join(file, "y_"+string(split)), func(l stored.Layout) (stored.Layout, error) {
				if l.Height != c.height || l.Width != c.width || l.Channels != c.channels {
					return l, fmt.Errorf("its images have %d channels of %dx%d, and those of `%s` %d of %dx%d", l.Channels, l.Height, l.Width, c.name, c.channels, c.height, c.width)
				}
				return l, nil
			})
		}}, nil
	}
	for _, name := range []string{"cifar-10-python.tar.gz", "cifar-10-batches-py", "data_batch_1"} {
		if file := filepath.Join(where, name); there(false, file) || there(true, file) {
			return nil, &Error{Set: c.name, Summary: fmt.Sprintf("%s is the version for Python, whose pickles could run a program and are not read", file), Help: c.get()}
		}
	}
	return nil, nil
}

// celebaFiles looks for the aligned faces of CelebA, in a folder or a zip file, where the archives that are published lie or what
// is in them.
func (c *collection) celebaFiles(where string) (*place, error) {
	const name = "img_align_celeba"
	for _, at := range []string{where, filepath.Join(where, "Img"), filepath.Join(where, "celeba")} {
		faces := filepath.Join(at, name)
		switch {
		case there(true, filepath.Join(faces, name)): // unpacked into a folder of its own
			faces = filepath.Join(faces, name)
		case there(true, faces):
		case there(false, faces+".zip"):
			faces += ".zip"
		default:
			continue
		}
		parts := ""
		for _, file := range []string{filepath.Join(at, "list_eval_partition"), filepath.Join(where, "list_eval_partition"), filepath.Join(where, "Eval", "list_eval_partition")} {
			for _, suffix := range []string{".txt", ".csv"} {
				if parts == "" && there(false, file+suffix) {
					parts = file + suffix
				}
			}
		}
		return &place{where: faces, open: func(split Split) (*stored.Examples, error) { return c.readFaces(faces, parts, split) }}, nil
	}
	return nil, nil
}

// The parts of CelebA, as its file list_eval_partition.txt numbers them; the second, for validation, is left out.
const (
	celebaTrain = 0
	celebaTest  = 2
)

// readFaces opens the faces of a part; parts is the path of the file that says which they are, "" where it is not there.
func (c *collection) readFaces(faces, parts string, split Split) (*stored.Examples, error) {
	part := map[Split]int{Train: celebaTrain, Test: celebaTest}[split]
	t, err := stored.OpenTree(faces)
	if err != nil {
		return nil, err
	}
	files, err := t.Files(".")
	if err == nil && len(files) == 0 {
		err = &stored.FileError{Path: faces, Err: errors.New("it holds no images")}
	}
	numbers := map[string]int{}
	if err == nil && parts != "" {
		numbers, err = readPartition(parts)
	}
	var chosen []string
	for _, f := range files {
		n, listed := numbers[path.Base(f)]
		if !listed && parts == "" {
			n, listed = c.published(path.Base(f))
		}
		if listed && n == part {
			chosen = append(chosen, f)
		}
		delete(numbers, path.Base(f))
	}
	missing := ""
	for name, n := range numbers {
		if n == part && (missing == "" || name < missing) {
			missing = name
		}
	}
	if err == nil && missing != "" {
		err = &stored.FileError{Path: faces, Err: fmt.Errorf("%s is missing, which %s lists", missing, parts)}
	}
	if err != nil {
		t.Close()
		return nil, err
	}
	e, err := t.Images(chosen, nil)
	if err != nil {
		t.Close()
	}
	return e, err
}

// published returns the part of a face by its number, as it is published: 162,770 are for training, 19,867 for validation.
func (c *collection) published(name string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSuffix(name, path.Ext(name)))
	switch {
	case err != nil || n < 1:
		return 0, false
	case n <= c.train:
		return celebaTrain, true
	case n <= c.train+celebaValidation:
		return 1, true
	}
	return celebaTest, true
}

const celebaValidation = 19_867

// readPartition reads list_eval_partition.txt: a line for each image, with its name and the number of its part, apart by spaces or
// commas. A line of headings is passed over.
func readPartition(file string) (map[string]int, error) {
	f, err := stored.OpenFile(file)
	if err != nil {
		return nil, &stored.FileError{Path: file, Err: err}
	}
	defer f.Close()
	out, err := parsePartition(f)
	if err != nil {
		return nil, &stored.FileError{Path: file, Err: err}
	}
	return out, nil
}

func parsePartition(r io.Reader) (map[string]int, error) {
	out := map[string]int{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		f := strings.FieldsFunc(lines.Text(), func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
		if len(f) == 0 || n == 1 && f[len(f)-1] == "partition" {
			continue
		}
		part, err := strconv.Atoi(f[len(f)-1])
		if len(f) != 2 || err != nil || part < 0 || part > 2 {
			return nil, fmt.Errorf("line %d is %.80q, and the name of an image and 0, 1 or 2 are wanted", n, lines.Text())
		}
		if _, twice := out[f[0]]; twice {
			return nil, fmt.Errorf("line %d names %s a second time", n, f[0])
		}
		out[f[0]] = part
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// lsunFiles looks for the exported images of a category of LSUN: the folders CATEGORY_train and CATEGORY_val, or zip files of them.
func (c *collection) lsunFiles(where, category string) (*place, error) {
	part := func(split Split) string {
		name := category + "_train"
		if split == Test {
			name = category + "_val"
		}
		for _, at := range []string{filepath.Join(where, name), filepath.Join(where, name+".zip")} {
			if there(true, at) || there(false, at) {
				return at
			}
		}
		return ""
	}
	for _, name := range []string{category + "_train", category + "_val"} {
		for _, at := range []string{filepath.Join(where, name+"_lmdb"), filepath.Join(where, name)} {
			if there(false, filepath.Join(at, "data.mdb")) {
				return nil, &Error{Set: c.name, Summary: fmt.Sprintf("%s is an LMDB database, which is not read", at), Help: c.get()}
			}
		}
	}
	if part(Train) == "" && part(Test) == "" {
		return nil, nil
	}
	return &place{where: where, open: func(split Split) (*stored.Examples, error) {
		at := part(split)
		if at == "" {
			return nil, &Error{Set: c.name, Summary: fmt.Sprintf("the %s part of `%s` is missing in %s", split, category, where), Help: c.get()}
		}
		t, err := stored.OpenTree(at)
		if err != nil {
			return nil, err
		}
		return imagesBelow(t, ".", nil)
	}}, nil
}

// labelling gives the labels of files, and the names of the classes.
type labelling func(files []string) (labels []int32, names []string, err error)

// imagesBelow opens the images below a folder of a tree, and closes the tree where that fails.
func imagesBelow(t *stored.Tree, folder string, label labelling) (*stored.Examples, error) {
	files, err := t.Files(folder)
	if err == nil && len(files) == 0 {
		err = &stored.FileError{Path: filepath.Join(t.Path, folder), Err: errors.New("it holds no images (.png, .jpg, .jpeg, .gif, .webp)")}
	}
	var labels []int32
	var names []string
	if err == nil && label != nil {
		labels, names, err = label(files)
	}
	var e *stored.Examples
	if err == nil {
		if e, err = t.Images(files, labels); err == nil {
			e.Names = names
		}
	}
	if err != nil {
		t.Close()
	}
	return e, err
}

// named returns the path of a file that a spec names: absolute, or below one of the folders or the folder that the command runs in.
func (c *collection) named(name string, folders []string) (string, error) {
	if found := stored.Resolve(name, append(slices.Clone(folders), ".")); found != "" {
		return found, nil
	}
	return "", &Error{Set: c.name, Summary: fmt.Sprintf("`%s` is not there (%s)", name, searched(append(slices.Clone(folders), "."))),
		Help: "write its path below one of these or the spec's folder, or from the root on, or say where it is: `--data DIR`; a file in a zip or npz file is ARCHIVE/NAME", Err: fs.ErrNotExist}
}

// Beside returns the arguments of a data set with the path below dir, the folder of a spec, of each file that they name and that is
// there, and neither below one of the folders nor where the command runs. Others are as they were.
func Beside(name string, args schema.Arguments, folders []string, dir string) schema.Arguments {
	c, err := find(name)
	if err != nil || c.kind != arraysKind && c.kind != folderKind {
		return args
	}
	out := maps.Clone(args)
	for _, p := range pathArguments(c.kind) {
		v := out[p]
		if v.Text == "" || stored.Resolve(v.Text, append(slices.Clone(folders), ".")) != "" {
			continue
		}
		if found := stored.Resolve(v.Text, []string{dir}); found != "" {
			if v.Text, err = filepath.Abs(found); err == nil {
				out[p] = v
			}
		}
	}
	return out
}

// pathArguments are the arguments that name files: images and labels of what is trained on, then of what is held out; "" where there
// is none.
func pathArguments(k kind) [4]string {
	if k == folderKind {
		return [4]string{"folder", "", "test", ""}
	}
	return [4]string{"images", "labels", "test_images", "test_labels"}
}

// locateArrays finds the files that a spec names for `idx` and `npy`.
func (c *collection) locateArrays(a arguments, folders []string) (*place, error) {
	var paths [4]string // images and labels of train, then of test
	for i, name := range a.paths {
		if name == "" {
			continue
		}
		var err error
		if paths[i], err = c.named(name, folders); err != nil {
			return nil, err
		}
		if strings.HasSuffix(strings.ToLower(paths[i]), ".npz") {
			members, err := stored.Members(paths[i])
			if err != nil {
				return nil, c.bad(err)
			}
			return nil, &Error{Set: c.name, Summary: fmt.Sprintf("`%s` holds several arrays: %s", name, strings.Join(members, ", ")), Help: fmt.Sprintf("name one, as in `%s/%s`", name, slices.Concat(members, []string{"NAME"})[0])}
		}
	}
	return &place{where: paths[0], whole: paths[2] == "", open: func(split Split) (*stored.Examples, error) {
		images, labels := paths[0], paths[1]
		if split == Test && paths[2] != "" {
			images, labels = paths[2], paths[3]
		}
		return stored.Arrays(images, labels, func(l stored.Layout) (stored.Layout, error) { return l, nil })
	}}, nil
}
