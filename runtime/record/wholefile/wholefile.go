// Package wholefile writes files that are either there whole or not there at all, whatever kills the program or the machine.
//
// The main function is Write: a temporary file in the same folder, synced, renamed over the target, the folder synced. Clean
// removes the temporary files that a kill leaves behind. Any package may import this one; it imports nothing of ours.
package wholefile

import (
	"bufio"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// suffix ends the name of every temporary file; what comes before it is the target's name and a random part.
const suffix = ".tmp"

// Write makes the file path hold exactly what fill writes, replacing what was there. Missing folders are made. After an
// error, of fill or of the system, path is as it was before; no reader ever sees a part of the file under its name.
func Write(path string, fill func(io.Writer) error) (err error) {
	dir, base := filepath.Split(path)
	if dir == "" {
		dir = "."
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.CreateTemp(dir, base+".*"+suffix)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(dir)
}

// WriteBytes makes the file path hold exactly data, as Write does.
func WriteBytes(path string, data []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Link makes the file path hold what the file from holds, without a copy where the system can: both are names of one file then,
// which is safe as long as both are only ever written by Write, or removed. Missing folders are made. What was at path before is
// removed first.
func Link(from, path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("link %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("link %s: %w", path, err)
	}
	if os.Link(from, path) == nil {
		return SyncFolder(dir)
	}
	f, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("link %s: %w", path, err)
	}
	defer f.Close()
	return Write(path, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}

// Clean removes from folder dir the temporary files of interrupted writes to files whose names match pattern (that of
// path/filepath.Match). Nobody may be writing such a file at the time. A folder that is not there is clean.
func Clean(dir, pattern string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("clean %s: %w", dir, err)
	}
	for _, e := range entries {
		target, ok := target(e)
		if !ok {
			continue
		}
		match, err := filepath.Match(pattern, target)
		if err != nil {
			return fmt.Errorf("clean %s: pattern %q: %w", dir, pattern, err)
		}
		if !match {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("clean %s: %w", dir, err)
		}
	}
	return nil
}

// target returns the name of the file that a temporary file was to become.
func target(e fs.DirEntry) (string, bool) {
	name, ok := strings.CutSuffix(e.Name(), suffix)
	dot := strings.LastIndexByte(name, '.')
	if !ok || dot <= 0 || !e.Type().IsRegular() {
		return "", false
	}
	if random := name[dot+1:]; random == "" || strings.Trim(random, "0123456789") != "" {
		return "", false
	}
	return name[:dot], true
}

// SyncFolder makes the names in folder dir durable: files made in, renamed to or removed from it.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}
