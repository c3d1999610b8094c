package record

import (
	"fmt"
	"path/filepath"
	"slices"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// TakeSheets gives the folder the sheets of epochs of another run folder that belong to one of the titles.
func (f *Folder) TakeSheets(from string, titles ...string) error {
	names, err := (&Folder{dir: from}).epochSheets(titles)
	if err != nil {
		return fmt.Errorf("take sheets: %w", err)
	}
	return f.TakeFiles(from, names...)
}

// TakeFiles gives the folder files of another run folder, by their slash-separated names in it. Where the system can it is one file
// in both: files of a run are never changed, only replaced.
func (f *Folder) TakeFiles(from string, names ...string) error {
	for _, name := range names {
		if err := wholefile.Link(filepath.Join(from, filepath.FromSlash(name)), f.Path(name)); err != nil {
			return fmt.Errorf("take a file of %s: %w", from, err)
		}
	}
	return nil
}

// TakeEvents gives the folder the events of an action that another run folder has, in the place of its own, but for the one that says
// that the action is done.
func (f *Folder) TakeEvents(from, action string) error {
	events, err := ReadEvents(from)
	if err != nil {
		return err
	}
	if err := f.Cut(func(e Event) bool { return e.Action != action }); err != nil {
		return err
	}
	events = slices.DeleteFunc(events, func(e Event) bool { return e.Action != action || e.Kind == Done })
	for _, e := range events {
		if err := f.Append(e); err != nil {
			return err
		}
	}
	return nil
}
