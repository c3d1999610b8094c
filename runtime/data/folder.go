package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/data/stored"
)

// partNames are what people call the folders of the parts of a data set: first that of the training, then those that are held out,
// of which the first that is there is read.
func partNames() []string { return []string{string(Train), string(Test), "val", "valid", "validation"} }

// locateImages finds the folder that a spec names for `images`. Its parts are its subfolder train, where there is one, and the folder
// of the argument `test`, or its subfolder test, val, valid or validation; where it has no such part, some of the images are held out.
func (c *collection) locateImages(a arguments, folders []string) (*place, error) {
	where, err := c.named(a.paths[0], folders)
	if err != nil {
		return nil, err
	}
	test := ""
	if a.paths[2] != "" {
		if test, err = c.named(a.paths[2], folders); err != nil {
			return nil, err
		}
	}
	t, err := stored.OpenTree(where)
	if err != nil {
		return nil, c.bad(err)
	}
	defer t.Close()
	parts, err := c.parts(t, a.paths[0], test == "")
	if err != nil {
		return nil, err
	}
	return &place{where: where, whole: test == "" && parts[Test] == parts[Train], open: func(split Split) (*stored.Examples, error) {
		at, folder := where, parts[split]
		if split == Test && test != "" {
			at, folder = test, "."
		}
		t, err := stored.OpenTree(at)
		if err != nil {
			return nil, err
		}
		var label labelling
		if a.count > 0 {
			label = func(files []string) ([]int32, []string, error) {
				return c.classed(a.count, files, at, folder, where, parts[Train])
			}
		}
		return imagesBelow(t, folder, label)
	}}, nil
}

// parts returns the folders of the parts in the tree that a spec calls name; held says whether what is held out is in it too. A folder
// train with images beside it that are of no part could be a class as well as a part, and is refused.
func (c *collection) parts(t *stored.Tree, name string, held bool) (map[Split]string, error) {
	if !t.Has(string(Train)) {
		return map[Split]string{Train: ".", Test: "."}, nil
	}
	if held {
		for _, test := range partNames()[1:] {
			if t.Has(test) {
				return map[Split]string{Train: string(Train), Test: test}, nil
			}
		}
	}
	files, err := t.Files(".")
	if err != nil {
		return nil, c.bad(err)
	}
	for _, f := range files {
		if beside, _, _ := strings.Cut(f, "/"); !slices.Contains(partNames(), beside) {
			return nil, &Error{Set: c.name, Summary: fmt.Sprintf("%s has a folder `%s`, which is a part, and images beside it: `%s`", t.Path, Train, beside),
				Help: fmt.Sprintf("read that part alone, `\"%s/%s\"`, or call the folder something else if it is a class", name, Train)}
		}
	}
	return map[Split]string{Train: string(Train), Test: string(Train)}, nil
}

// classed returns the labels of the images of a folder, and what the classes are called. Classes are those of the training part, so that both parts number them alike;
// there are as many as the spec says.
func (c *collection) classed(count int, files []string, at, folder, train, trainFolder string) (labels []int32, names []string, err error) {
	fail := func(help, format string, args ...any) ([]int32, []string, error) {
		return nil, nil, &Error{Set: c.name, Summary: fmt.Sprintf(format, args...), Help: help}
	}
	const own = "put the images of each class into a folder of its own, or leave out `label_count`: images have no labels then"
	var known []string
	if at != train || folder != trainFolder {
		t, err := stored.OpenTree(train)
		if err != nil {
			return nil, nil, err
		}
		defer t.Close()
		first, err := t.Files(trainFolder)
		if err != nil {
			return nil, nil, err
		}
		if _, known, err = stored.Classes(trainFolder, first, nil); err != nil {
			return fail(own, "%s: %v", train, err)
		}
	}
	if labels, names, err = stored.Classes(folder, files, known); err != nil {
		return fail(own, "%s: %v", at, err)
	}
	for _, name := range names {
		if trainFolder == "." && slices.Contains(partNames(), name) {
			return fail(fmt.Sprintf("name the folder that the classes are in, such as `%s`, or call the folder something else if it is a class", filepath.Join(train, name)),
				"%s has a folder `%s`, which is a part and no class", train, name)
		}
	}
	if len(names) != count {
		shown := "`" + strings.Join(names[:min(len(names), 10)], "`, `") + "`"
		if len(names) > 10 {
			shown += " and more"
		}
		return fail(fmt.Sprintf("write `label_count = %d`", len(names)), "%s has images of %d classes, %s, and `label_count` is %d", filepath.Join(train, trainFolder), len(names), shown, count)
	}
	return labels, names, nil
}
