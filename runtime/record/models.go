package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ModelFile holds Models.
const ModelFile = "models.json"

// ModelVersion is the version of the form of models.json that this package writes, and the newest one that it reads.
const ModelVersion = 1

// Models says what a run trains and how it draws: what is known of it before the first update, so that a reader of the folder needs
// neither plugins nor the compiler. Folders of earlier versions have none.
type Models struct {
	Version int         `json:"version"`
	Program string      `json:"program,omitempty"` // version of the snnc that wrote it
	Models  []ModelNote `json:"models"`
}

// ModelNote is one model of a run.
type ModelNote struct {
	Name       string     `json:"name"`
	Kind       string     `json:"kind"`           // the component: as the spec names it behind `model NAME =`
	Training   string     `json:"training"`       // the action that trains it, as events name it
	Data       string     `json:"data"`           // what it is trained on, as a spec writes it
	Seed       uint64     `json:"seed"`           // of its training
	Parameters int        `json:"parameters"`     // numbers that are trained, those of networks, coders and its own, each once
	Frozen     int        `json:"frozen"`         // numbers that are stored and never trained
	Examples   int        `json:"examples"`       // of one update
	Seen       []int      `json:"seen,omitempty"` // the classes of its examples, where these are fewer than the data may have
	Roles      []RoleNote `json:"roles"`
	Draws      []DrawNote `json:"draws"`
}

// RoleNote is a network in its role.
type RoleNote struct {
	Role    string `json:"role"`
	Network string `json:"network"`
	Steps   int    `json:"steps"` // time steps; 0 where nothing is timed
}

// DrawNote says how an action draws samples, or which data it judges by.
type DrawNote struct {
	Action  string `json:"action"`            // as metrics.json and events name it
	Sampler string `json:"sampler,omitempty"` // as a spec writes it; "" where nothing is drawn
	Labels  string `json:"labels,omitempty"`  // classes that samples are of in turn, where the action names some
	Replace string `json:"replace,omitempty"` // definitions that others stand in for
	// Evaluations counts for one sample how often each role is applied; Operations are the multiply-accumulates of all products
	// on the way to one sample, as many as a dense network takes.
	Evaluations map[string]int `json:"evaluations,omitempty"`
	Operations  int            `json:"operations,omitempty"`
	Data        string         `json:"data,omitempty"` // that an evaluation compares with, as a spec writes it
}

// SetModels writes down what is run.
func (f *Folder) SetModels(m Models) error {
	m.Version = ModelVersion
	if err := writeJSON(f.Path(ModelFile), m); err != nil {
		return fmt.Errorf("write models: %w", err)
	}
	return nil
}

// ReadModels returns what a run folder says of its models. The error wraps fs.ErrNotExist where an earlier version made the folder.
func ReadModels(dir string) (Models, error) {
	var m Models
	path := filepath.Join(dir, ModelFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = parseJSON(text, &m)
	}
	if err == nil && (m.Version < 1 || m.Version > ModelVersion) {
		err = fmt.Errorf("its version is %d, and this snnc reads those up to %d", m.Version, ModelVersion)
	}
	if err != nil {
		return Models{}, fmt.Errorf("read models of a run, %s: %w", path, err)
	}
	return m, nil
}

// ReadEvents returns the events of a run folder, which another process may be at work in; none where there are none.
func ReadEvents(dir string) ([]Event, error) {
	f := Folder{dir: dir}
	return f.Events()
}

// ReadSweep returns the index of a folder of a sweep.
func ReadSweep(dir string) (Sweep, error) {
	var s Sweep
	path := filepath.Join(dir, SweepFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = parseJSON(text, &s)
	}
	if err != nil {
		return Sweep{}, fmt.Errorf("read sweep, %s: %w", path, err)
	}
	return s, nil
}

// Holds says what is in a folder: "run", "sweep", or "" for anything else. The error wraps fs.ErrNotExist where there is no folder.
func Holds(dir string) (string, error) {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return "", fmt.Errorf("look into folder: %w", err)
	case !info.IsDir():
		return "", nil
	case IsSweep(dir):
		return "sweep", nil
	}
	for _, name := range []string{ActionFile, OptionFile, EventFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			return "run", nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look into folder: %w", err)
		}
	}
	return "", nil
}

// Sheet is a sheet of images of a run folder.
type Sheet struct {
	Title   string // the name of its file, without epoch
	Caption string // final, epoch 3
	PNG     []byte
	Width   int // pixels; 0 where the file cannot be read as a picture
}

// ReadSheets returns the newest sheet of each title of a run folder, in the order of the report.
func ReadSheets(dir string) ([]Sheet, error) {
	f := Folder{dir: dir}
	all, err := f.sheets()
	if err != nil {
		return nil, fmt.Errorf("read sheets: %w", err)
	}
	var out []Sheet
	for _, s := range all {
		out = append(out, Sheet{Title: s.Title, Caption: s.Newest.Caption, PNG: s.Newest.png, Width: s.Newest.Width})
	}
	return out, nil
}
