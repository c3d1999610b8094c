package record

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is said of models is read as it was written; a folder without it is one of an earlier version, and a form of a later one is
// not taken for ours.
func TestModels(t *testing.T) {
	f := open(t)
	if _, err := ReadModels(f.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no file: %v", err)
	}
	want := Models{Version: ModelVersion, Program: "1.2", Models: []ModelNote{{Name: "digit", Kind: "painter", Training: "train digit", Data: "digits", Seed: 3,
		Parameters: 100, Frozen: 2, Examples: 50, Roles: []RoleNote{{"brush", "net", 4}},
		Draws: []DrawNote{{Action: "sample digit", Sampler: "plain", Replace: "[fire(threshold = 2)]", Evaluations: map[string]int{"brush": 5}, Operations: 700}}}}}
	if err := f.SetModels(want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadModels(f.dir)
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	for text, part := range map[string]string{`{"version": 2}`: "version is 2", `{}`: "version is 0", `{"version": 1, "colour": 2}`: "colour", "": "JSON"} {
		if err := f.WriteText(ModelFile, text); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadModels(f.dir); err == nil || !strings.Contains(err.Error(), ModelFile) || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// A reader tells runs, sweeps and other folders apart.
func TestHolds(t *testing.T) {
	run, sweep, other := open(t), t.TempDir(), t.TempDir()
	if err := run.SetOptions(Options{Spec: "a.snn"}); err != nil {
		t.Fatal(err)
	}
	index := Sweep{Spec: "a.snn", Sets: []string{"a=1..2"}, Runs: []SweepRun{{Folder: "a=1", State: RunDone}}}
	if err := errors.Join(WriteSweep(sweep, index), os.WriteFile(filepath.Join(other, "a.txt"), nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{run.dir: "run", sweep: "sweep", other: "", filepath.Join(other, "a.txt"): ""} {
		if got, err := Holds(dir); got != want || err != nil {
			t.Errorf("%s holds %q, want %q: %v", dir, got, want, err)
		}
	}
	if _, err := Holds(filepath.Join(other, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of no folder: %v", err)
	}
	if got, err := ReadSweep(sweep); err != nil || cmp.Diff(index.Runs, got.Runs) != "" {
		t.Errorf("%v %v", got, err)
	}
}

// The interval of a figure is kept, and absent where there is none.
func TestInterval(t *testing.T) {
	f := open(t)
	want := map[string]Figure{"a": {Value: 2, Count: 9, Interval: Interval{1.5, 2.25}}, "b": {Value: 1, Count: 9}}
	for name, figure := range want {
		if err := f.SetMetric("evaluate m", name, figure); err != nil {
			t.Fatal(err)
		}
	}
	got, err := ReadMetrics(f.dir)
	if err != nil || cmp.Diff(want, got["evaluate m"]) != "" {
		t.Errorf("%v %v", got, err)
	}
	text, err := os.ReadFile(f.Path(MetricFile))
	if err != nil || strings.Count(string(text), "interval") != 1 {
		t.Errorf("%v\n%s", err, text)
	}
}

// The sheets that a reader shows are the newest of each title.
func TestReadSheets(t *testing.T) {
	f, _ := example(t)
	sheets, err := ReadSheets(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range sheets {
		got = append(got, s.Title+": "+s.Caption)
		if len(s.PNG) == 0 || s.Width == 0 {
			t.Errorf("%s: %d bytes, %d wide", s.Title, len(s.PNG), s.Width)
		}
	}
	if d := cmp.Diff([]string{"digit: epoch 2, and final", "digit reconstructions: epoch 2"}, got); d != "" {
		t.Errorf("sheets (-want +got)\n%s", d)
	}
}
