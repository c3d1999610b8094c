package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// The fixed names in a run folder.
const (
	SpecFolder       = "spec"
	ProgramFolder    = "programs"
	CheckpointFolder = "checkpoints"
	SampleFolder     = "samples"
	StreamFolder     = "streams"
	DeployFolder     = "deploy"
	EventFile        = "events.jsonl"
	MetricFile       = "metrics.json"
	ActionFile       = "actions.json"
	OptionFile       = "options.json"
	ReportFile       = "report.html"
	LockFile         = "lock"

	deploySuffix = ".json" // of what a target says
)

// ErrForeign is the error of Open for a folder that holds other things than a run.
var ErrForeign = errors.New("it holds files and no run")

// ErrNoSweep is the error of OpenSweep for a folder that holds other things than a sweep.
var ErrNoSweep = errors.New("it holds files and no sweep")

// ours judges that a folder is empty or holds a run.
func ours(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("open run folder: %w", err)
	}
	for _, e := range entries {
		if e.Name() == ActionFile || e.Name() == LockFile && (len(entries) == 1 || holdsProcess(filepath.Join(dir, LockFile))) {
			return nil
		}
	}
	if len(entries) > 0 && IsSweep(dir) {
		return fmt.Errorf("open run folder %s: it holds the runs of a sweep: name another folder", dir)
	}
	if len(entries) > 0 {
		return fmt.Errorf("open run folder %s: %w: name an empty or a new folder", dir, ErrForeign)
	}
	return nil
}

// holdsProcess reports whether a file holds the number of a process, as the lock of a run folder does.
func holdsProcess(path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	_, err = strconv.Atoi(strings.TrimSpace(string(text)))
	return err == nil
}

// Folder is a run folder that this process has locked. Its methods are for one goroutine at a time.
type Folder struct {
	dir    string
	lock   *os.File
	events *os.File // open for appending; nil until the first Append
}

// Locked is the error of Open where another process is at work in the folder.
type Locked struct {
	Dir string
	PID int // 0 where it is not known
}

func (e *Locked) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another snnc is at work in %s", e.Dir)
	}
	return fmt.Sprintf("another snnc (process %d) is at work in %s", e.PID, e.Dir)
}

// Open makes the folder dir where it is missing, locks it, and removes what interrupted writes have left in it. The error is
// a *Locked where another process has the lock. The lock ends with Close, or with the process, however that ends.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("open run folder: %w", err)
	}
	if err := ours(dir); err != nil {
		return nil, err
	}
	l, err := lock(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{dir: dir, lock: l}
	if err := f.clean(); err != nil {
		f.Close()
		return nil, fmt.Errorf("open run folder: %w", err)
	}
	return f, nil
}

// clean removes the temporary files of interrupted writes, of ours only: the folder is one that the user may have things in.
func (f *Folder) clean() error {
	for _, name := range []string{EventFile, MetricFile, ActionFile, OptionFile, ModelFile, ReportFile} {
		if err := wholefile.Clean(f.dir, name); err != nil {
			return err
		}
	}
	for _, name := range []string{SpecFolder, ProgramFolder, CheckpointFolder, SampleFolder, StreamFolder, DeployFolder} {
		err := filepath.WalkDir(f.Path(name), func(path string, e fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if err != nil || !e.IsDir() {
				return err
			}
			return wholefile.Clean(path, "*")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close releases the folder.
func (f *Folder) Close() error {
	err := f.closeEvents()
	if e := unlock(f.lock); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("close run folder: %w", err)
	}
	return nil
}

// Path returns the path of what has the slash-separated name in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// WriteText writes a text file whole. name is slash-separated and stays inside the folder: programs/digit.txt.
func (f *Folder) WriteText(name, text string) error {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return fmt.Errorf("write text: %q is not a path inside the run folder", name)
	}
	return wholefile.WriteBytes(f.Path(name), []byte(text))
}

// WriteTexts makes a subfolder (SpecFolder, ProgramFolder) hold the given texts, by slash-separated names, and no other file.
func (f *Folder) WriteTexts(folder string, texts map[string]string) error {
	keep := map[string]bool{}
	for name, text := range texts {
		if err := f.WriteText(folder+"/"+name, text); err != nil {
			return err
		}
		keep[f.Path(folder+"/"+name)] = true
	}
	err := filepath.WalkDir(f.Path(folder), func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || e.IsDir() || keep[path] {
			return err
		}
		return os.Remove(path)
	})
	if err != nil {
		return fmt.Errorf("write texts: %w", err)
	}
	return nil
}
