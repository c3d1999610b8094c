package record

import (
	"fmt"
	"os"
	"path/filepath"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// SweepFile is the index of a folder that holds the runs of a sweep, each in a folder of its own.
const SweepFile = "sweep.json"

// RunState says how far a run of a sweep is.
type RunState string

// The states of runs.
const (
	RunLeft   RunState = "left" // not begun, or interrupted
	RunDone   RunState = "done"
	RunFailed RunState = "failed"
)

// Sweep says what runs a folder holds.
type Sweep struct {
	Spec   string     `json:"spec"` // as the command line names it
	Preset string     `json:"preset,omitempty"`
	Sets   []string   `json:"sets"` // the --set of the command line
	Runs   []SweepRun `json:"runs"`
}

// SweepRun is one run of a sweep.
type SweepRun struct {
	Folder  string       `json:"folder"` // inside that of the sweep
	Values  []SweepValue `json:"values"`
	State   RunState     `json:"state"`
	Error   string       `json:"error,omitempty"`
	Metrics Metrics      `json:"metrics,omitempty"`
}

// SweepValue is what a run has for one of the paths that the sweep goes through.
type SweepValue struct {
	Path  string `json:"path"`
	Value string `json:"value"` // as a spec writes it
}

// OpenSweep makes the folder of a sweep where it is missing. The error is ErrNoSweep where it holds other things.
func OpenSweep(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("open folder of a sweep: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("open folder of a sweep: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	if !IsSweep(dir) {
		return fmt.Errorf("open folder of a sweep %s: %w: name an empty or a new folder", dir, ErrNoSweep)
	}
	return wholefile.Clean(dir, SweepFile)
}

// IsSweep reports whether a folder is one of a sweep.
func IsSweep(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, SweepFile))
	return err == nil
}

// WriteSweep writes the index of a folder that OpenSweep has opened.
func WriteSweep(dir string, s Sweep) error {
	if err := writeJSON(filepath.Join(dir, SweepFile), s); err != nil {
		return fmt.Errorf("write sweep: %w", err)
	}
	return nil
}

// ReadMetrics returns the figures of a run folder, which another process may be at work in; none where there are none.
func ReadMetrics(dir string) (Metrics, error) {
	f := Folder{dir: dir}
	return f.Metrics()
}
