package record

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is taken of another folder is there whole, and stays when that folder changes or goes.
func TestTake(t *testing.T) {
	from, to := open(t), open(t)
	write := func(f *Folder, name, text string) {
		t.Helper()
		if err := f.WriteText(name, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"m.epoch-0001.png", "m.epoch-0001.npy", "m.epoch-0002.png", "m-pairs.epoch-0001.png", "other.epoch-0001.png", "sample-m.png"} {
		write(from, SampleFolder+"/"+name, name)
	}
	write(to, SampleFolder+"/m.epoch-0002.png", "older")
	if err := to.TakeSheets(from.dir, "m", "m-pairs"); err != nil {
		t.Fatal(err)
	}
	write(from, SampleFolder+"/m.epoch-0001.png", "changed")
	if err := os.RemoveAll(from.Path(SampleFolder + "/m.epoch-0002.png")); err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(os.DirFS(to.dir), SampleFolder+"/*")
	if want := []string{"samples/m-pairs.epoch-0001.png", "samples/m.epoch-0001.npy", "samples/m.epoch-0001.png", "samples/m.epoch-0002.png"}; err != nil || !slices.Equal(names, want) {
		t.Fatal(names, err)
	}
	for _, name := range names {
		if text, err := os.ReadFile(to.Path(name)); err != nil || SampleFolder+"/"+string(text) != name {
			t.Errorf("%s holds %q, %v", name, text, err)
		}
	}
	if err := to.TakeFiles(from.dir, "streams/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}

	for _, e := range []Event{{Action: "train m", Kind: Step, Step: 1}, {Action: "train n", Kind: Step, Step: 1}, {Action: "train m", Kind: Epoch, Step: 1, Epoch: 1}, {Action: "train m", Kind: Done, Step: 1}} {
		if err := from.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time in the place of the first
		if err := to.TakeEvents(from.dir, "train m"); err != nil {
			t.Fatal(err)
		}
	}
	events, err := to.Events()
	if d := cmp.Diff([]Event{{Action: "train m", Kind: Step, Step: 1}, {Action: "train m", Kind: Epoch, Step: 1, Epoch: 1}}, events); err != nil || d != "" {
		t.Error(err, d)
	}
}
