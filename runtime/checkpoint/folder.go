package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/record/wholefile"
)

const (
	suffix = ".safetensors"
	kept   = 2
)

// ErrNone is returned by Latest for a folder that holds no checkpoint.
var ErrNone = errors.New("no checkpoint")

// Found is the checkpoint that Latest came upon.
type Found struct {
	File *File
	Path string
	Step uint64
	// Passed holds an error for each newer checkpoint that was damaged and passed over, newest first; each names its path.
	Passed []error
}

// Path returns the name in folder dir of the checkpoint of the training called name, which has no `-` in it, after a number
// of steps: NAME-000000000042.safetensors.
func Path(dir, name string, step uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%012d%s", name, step, suffix))
}

// Steps returns the steps of the checkpoints of a training in folder dir, smallest first, whether they can be read or not. A
// folder that is not there holds none.
func Steps(dir, name string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list checkpoints: %w", err)
	}
	var steps []uint64
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), name+"-")
		digits, ok2 := strings.CutSuffix(digits, suffix)
		if !ok || !ok2 || !e.Type().IsRegular() {
			continue
		}
		step, err := strconv.ParseUint(digits, 10, 64)
		if err != nil || filepath.Base(Path(dir, name, step)) != e.Name() {
			continue
		}
		steps = append(steps, step)
	}
	slices.Sort(steps)
	return steps, nil
}

// Save writes f as the checkpoint of a training in folder dir after a number of steps, keeps it and the one before it, and returns its
// path. Whoever saves a step has gone on from an earlier one, so checkpoints of later steps are from a past that this one
// replaces (or are torn): they are removed first. What interrupted writes left is removed as well; one process at a time
// may save to a folder.
func Save(dir, name string, step uint64, f *File) (string, error) {
	if err := wholefile.Clean(dir, name+"-*"+suffix); err != nil {
		return "", fmt.Errorf("save checkpoint: %w", err)
	}
	steps, err := Steps(dir, name)
	if err != nil {
		return "", fmt.Errorf("save checkpoint: %w", err)
	}
	later := len(steps)
	for later > 0 && steps[later-1] > step {
		later--
	}
	if err := removeSteps(dir, name, steps[later:]); err != nil {
		return "", err
	}
	steps = steps[:later]
	path := Path(dir, name, step)
	if err := Write(path, f); err != nil {
		return "", err
	}
	if len(steps) > 0 && steps[len(steps)-1] == step {
		steps = steps[:len(steps)-1]
	}
	if old := len(steps) - (kept - 1); old > 0 {
		if err := removeSteps(dir, name, steps[:old]); err != nil {
			return "", err
		}
	}
	return path, nil
}

func removeSteps(dir, name string, steps []uint64) error {
	for _, step := range steps {
		if err := os.Remove(Path(dir, name, step)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove old checkpoint: %w", err)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return wholefile.SyncFolder(dir)
}

// Latest returns the newest checkpoint of a training in folder dir that reads and verifies, and says which damaged ones it passed
// over. The error is ErrNone for a folder without checkpoints; it wraps ErrDamaged, not ErrNone, where there are some and all are
// damaged. Latest changes nothing in the folder.
func Latest(dir, name string) (*Found, error) {
	steps, err := Steps(dir, name)
	if err != nil {
		return nil, err
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%w in %s", ErrNone, dir)
	}
	var passed []error
	for _, step := range slices.Backward(steps) {
		path := Path(dir, name, step)
		f, err := Read(path)
		if errors.Is(err, ErrDamaged) {
			passed = append(passed, err)
			continue
		}
		if err != nil {
			return nil, err
		}
		return &Found{File: f, Path: path, Step: step, Passed: passed}, nil
	}
	return nil, fmt.Errorf("every checkpoint in %s is damaged: %w", dir, errors.Join(passed...))
}
