package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data/stored"
)

// Open reads one split of a data set with the arguments of a spec; what the arguments lack has its default. Files are looked
// for in the folders, in order, in a subfolder of the data set's name and in the folder itself. The first folder that has any
// of the files is the one. Train is the split that the argument `split` names, cut to the first `take` examples; Test is always the
// whole test part. Every file is read to its end and judged. What has to be decoded, or is more than memory should hold, is kept in
// a file of the user's cache and mapped from there. An *Error tells what is wrong.
func Open(ctx context.Context, name string, args schema.Arguments, split Split, folders []string) (*Set, error) {
	c, err := find(name)
	if err != nil {
		return nil, err
	}
	return c.open(ctx, args, split, folders)
}

func (c *collection) open(ctx context.Context, args schema.Arguments, split Split, folders []string) (*Set, error) {
	a, err := c.arguments(args)
	if err != nil {
		return nil, &Error{Set: c.name, Summary: err.Error()}
	}
	take := 0
	training := split == Train
	if training {
		split, take = a.split, a.take
	}
	if c.kind == drawnKind {
		return newRandom(c, a, split, take), nil
	}
	p, err := c.locate(a, folders)
	if err != nil {
		return nil, err
	}
	e, err := p.open(split)
	if err != nil {
		return nil, c.bad(err)
	}
	defer e.Close()
	s := newSet(c, a)
	s.flips, s.passed, s.names = training && a.flip, e.Passed, e.Names
	chosen, err := s.choose(p, e, split, take, training && a.balance)
	if err != nil {
		return nil, err
	}
	if err := s.take(ctx, e, chosen); err != nil {
		return nil, err
	}
	return s, nil
}

// choose returns the numbers of the examples that the arguments choose, and takes over their labels.
func (s *Set) choose(p *place, e *stored.Examples, split Split, take int, balance bool) ([]int, error) {
	c, a := s.collection, s.arguments
	fail := func(format string, args ...any) ([]int, error) {
		return nil, &Error{Set: c.name, Summary: fmt.Sprintf(format, args...)}
	}
	var chosen []int
	for i := range e.Count {
		if p.whole && (i%a.held == a.held-1) != (split == Test) {
			continue
		}
		if e.Labels != nil {
			l := int(e.Labels[i])
			if l >= c.labels(a) {
				return nil, &Error{Set: c.name, Summary: fmt.Sprintf("label %d is %d, and the classes are 0 to %d", i+1, l, c.labels(a)-1), Help: c.moreLabels(l)}
			}
			if a.classes != nil && !slices.Contains(a.classes, l) {
				continue
			}
		}
		chosen = append(chosen, i)
	}
	switch {
	case len(chosen) == 0 && a.classes != nil:
		return fail("no example is of the classes %v", a.classes)
	case len(chosen) == 0:
		return fail("its %s part has no example", split)
	case take > len(chosen):
		return fail("`take` is %d, and there are %d examples", take, len(chosen))
	}
	if balance {
		var err error
		if chosen, err = s.balanced(e.Labels, chosen, take); err != nil {
			return nil, err
		}
	} else if take > 0 {
		chosen = chosen[:take]
	}
	if e.Labels != nil {
		s.labels = make([]int32, len(chosen))
		for k, i := range chosen {
			s.labels[k] = e.Labels[i]
		}
	}
	s.count = len(chosen)
	return chosen, nil
}

// balanced leaves as many examples of every class, the first of each: take together, or as many as the rarest class has.
func (s *Set) balanced(labels []int32, chosen []int, take int) ([]int, error) {
	classes := s.arguments.classes
	if classes == nil {
		for k := range s.collection.labels(s.arguments) {
			classes = append(classes, k)
		}
	}
	have := map[int32]int{}
	for _, i := range chosen {
		have[labels[i]]++
	}
	each := len(chosen)
	if take > 0 {
		each = take / len(classes)
	}
	for _, k := range classes {
		n := have[int32(k)]
		if take > 0 && n < each {
			return nil, &Error{Set: s.collection.name, Summary: fmt.Sprintf("`balance` wants %d examples of each class, and there are %d of class %d", each, n, k), Help: "make `take` smaller"}
		}
		each = min(each, n)
	}
	if each == 0 {
		return nil, &Error{Set: s.collection.name, Summary: "`balance` leaves nothing: a class has no example", Help: "name those that have some in `classes`"}
	}
	var out []int
	taken := map[int32]int{}
	for _, i := range chosen {
		if taken[labels[i]] < each {
			taken[labels[i]]++
			out = append(out, i)
		}
	}
	return out, nil
}

// bad returns the error of a file that cannot be used.
func (c *collection) bad(err error) error {
	var file *stored.FileError
	if !errors.As(err, &file) {
		return err
	}
	summary := fmt.Sprintf("%s cannot be used", file.Path)
	if torn(file.Err) {
		summary = fmt.Sprintf("%s is torn", file.Path)
	}
	help := "replace it"
	if c.fetchable() {
		help = fmt.Sprintf("replace it, or run `snnc data fetch %s`", c.name)
	}
	return &Error{Set: c.name, Summary: summary, Help: help, Err: file.Err}
}

// Folders returns where data sets are looked for: the folders of the flag --data, that of $SNNC_DATA, and the user's data
// folder ($XDG_DATA_HOME/snnc or ~/.local/share/snnc; ~/Library/Application Support/snnc on macOS; %LocalAppData%\snnc on
// Windows). Those that are not set are left out. Fetch puts data sets into the first.
func Folders(flags ...string) []string {
	var out []string
	for _, folder := range append(slices.Clone(flags), os.Getenv("SNNC_DATA"), userFolder()) {
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
