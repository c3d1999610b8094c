package data

import (
	"cmp"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data/picture"
)

const (
	maxPixel = 1e6 // largest absolute value of a pixel
	maxPad   = 512
	someHeld = 10 // every tenth example is held out where there are no others
)

// arguments are the arguments of a data set, judged.
type arguments struct {
	channels, height, width int
	low, high               float64
	change                  picture.Change
	classes                 []int // nil: all
	take                    int   // 0: all
	split                   Split // what is trained on
	balance, flip           bool

	// Of files that the spec names:
	paths    [4]string // images and labels of train, then of test
	category string
	count    int // of labels; 0: there are none
	held     int

	// Of random numbers:
	spikes bool
	rate   float64
	steps  int // 0 without spikes
}

// arguments judges arguments; what is absent has the default of the schema.
func (c *collection) arguments(args schema.Arguments) (arguments, error) {
	a := arguments{channels: c.channels, height: c.height, width: c.width, high: 1, split: Train, held: someHeld}
	steps := []func(*collection, schema.Arguments) error{a.files, a.frame, a.ends, a.choice}
	if c.kind == drawnKind {
		steps = []func(*collection, schema.Arguments) error{a.sides, a.randomArguments, a.ends, a.choice}
	}
	for _, judge := range steps {
		if err := judge(c, args); err != nil {
			return a, err
		}
	}
	return a, nil
}

// files judges which files the spec names.
func (a *arguments) files(c *collection, args schema.Arguments) error {
	if c.kind == arraysKind || c.kind == folderKind {
		for i, name := range pathArguments(c.kind) {
			a.paths[i] = args.Text(name)
		}
	}
	switch c.kind {
	case arraysKind:
		switch {
		case a.paths[0] == "":
			return fmt.Errorf("`images` names no file")
		case a.paths[2] == "" && a.paths[3] != "":
			return fmt.Errorf("`test_labels` is there without `test_images`")
		case a.paths[2] != "" && (a.paths[1] == "") != (a.paths[3] == ""):
			return fmt.Errorf("`labels` and `test_labels` are there both or not at all")
		}
		if a.paths[1] != "" {
			a.count = 10
			if v, ok := args["label_count"]; ok {
				a.count = int(v.Number)
			}
		}
	case folderKind:
		if a.paths[0] == "" {
			return fmt.Errorf("`folder` names no folder")
		}
		a.count = int(args["label_count"].Number)
	case lsunKind:
		a.category = cmp.Or(args.Text("category"), "bedroom")
	}
	if v, ok := args["held"]; ok {
		if a.held = int(v.Number); a.held < 2 {
			return fmt.Errorf("`held` is %d, and it must be at least 2", a.held)
		}
	}
	return nil
}

// sides reads height and width.
func (a *arguments) sides(_ *collection, args schema.Arguments) error {
	if size := args["size"].Items; len(size) == 2 {
		a.height, a.width = int(size[0].Number), int(size[1].Number)
	}
	if a.height < 1 || a.width < 1 || a.height > picture.MaxSide || a.width > picture.MaxSide {
		return fmt.Errorf("`size` is %dx%d, and images have between 1x1 and %dx%d pixels", a.height, a.width, picture.MaxSide, picture.MaxSide)
	}
	return nil
}

// frame judges what becomes of pictures.
func (a *arguments) frame(c *collection, args schema.Arguments) error {
	a.change = picture.Change{Crop: [2]int{c.crop, c.crop}, Cover: c.cover, Filter: cmp.Or(picture.Filter(args.Text("resize")), c.filter, picture.Area)}
	if crop := args["crop"].Items; len(crop) == 2 {
		a.change.Crop = [2]int{int(crop[0].Number), int(crop[1].Number)}
		if h, w := a.change.Crop[0], a.change.Crop[1]; h < 1 || w < 1 || c.height > 0 && (h > c.height || w > c.width) {
			return fmt.Errorf("`crop` is %dx%d, and there are %dx%d pixels", h, w, c.height, c.width)
		}
	}
	if v, ok := args["pad"]; ok {
		if a.change.Pad = int(v.Number); a.change.Pad < 0 || a.change.Pad > maxPad {
			return fmt.Errorf("`pad` is %d, and it is between 0 and %d", a.change.Pad, maxPad)
		}
	}
	if v, ok := args["channels"]; ok {
		if a.channels = int(v.Number); a.channels != 1 && a.channels != 3 {
			return fmt.Errorf("`channels` is %d, and images have 1 or 3", a.channels)
		}
	}
	if c.size > 0 {
		a.height, a.width = c.size, c.size
	} else if c.height == 0 && len(args["size"].Items) != 2 {
		return fmt.Errorf("`size` is missing: the height and width that images are brought to")
	}
	if err := a.sides(c, args); err != nil {
		return err
	}
	if c.height > 0 && a.height == c.height && a.width == c.width { // the default
		if a.height, a.width = a.change.Framed(c.height, c.width); max(a.height, a.width) > picture.MaxSide {
			return fmt.Errorf("with its frame an image has %dx%d pixels, and at most %dx%d are possible", a.height, a.width, picture.MaxSide, picture.MaxSide)
		}
	}
	a.change.Height, a.change.Width, a.change.Channels = a.height, a.width, a.channels
	return nil
}

// ends reads what black and white are.
func (a *arguments) ends(_ *collection, args schema.Arguments) error {
	ends := args["range"].Items
	if len(ends) != 2 {
		return nil
	}
	if ends[0].Type == schema.Time || ends[1].Type == schema.Time {
		return fmt.Errorf("the ends of `range` are numbers without a unit")
	}
	if a.low, a.high = ends[0].Number, ends[1].Number; a.low >= a.high || max(-a.low, a.high) > maxPixel {
		return fmt.Errorf("`range` is %v..%v, and it goes up, from at least -%v to at most %v", a.low, a.high, maxPixel, maxPixel)
	}
	return nil
}

// choice judges which examples are chosen, and whether they are mirrored.
func (a *arguments) choice(c *collection, args schema.Arguments) error {
	labels := c.labels(*a)
	if v, ok := args["classes"]; ok {
		if len(v.Items) == 0 {
			return fmt.Errorf("`classes` is empty, so no example would be left")
		}
		for _, x := range v.Items {
			k := int(x.Number)
			switch {
			case labels == 0:
				return fmt.Errorf("`classes` names %d, and the examples have no label", k)
			case k < 0 || k >= labels:
				return fmt.Errorf("`classes` names %d, and the classes are 0 to %d", k, labels-1)
			}
			if !slices.Contains(a.classes, k) {
				a.classes = append(a.classes, k)
			}
		}
	}
	if v, ok := args["take"]; ok {
		if a.take = int(v.Number); a.take < 1 {
			return fmt.Errorf("`take` is %d, and it must be at least 1", a.take)
		}
	}
	if v, ok := args["split"]; ok {
		if a.split = Split(v.Text); a.split != Train && a.split != Test {
			return fmt.Errorf("`split` is `%s`, and the parts are `train` and `test`", a.split)
		}
	}
	if most := c.most(a.split); a.take > most && most > 0 {
		return fmt.Errorf("`take` is %d, and there are %d examples", a.take, most)
	}
	a.flip, a.balance = args.Bool("flip"), args.Bool("balance")
	classes := labels
	if a.classes != nil {
		classes = len(a.classes)
	}
	switch {
	case a.balance && labels == 0:
		return fmt.Errorf("`balance` is asked for, and the examples have no label")
	case a.balance && a.take%classes != 0:
		return fmt.Errorf("`take` is %d, which `balance` cannot share out to %d classes", a.take, classes)
	}
	return nil
}
