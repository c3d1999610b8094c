package installed

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Names of files by which a folder says that what is in it was made on this machine, and is made again on another.
const (
	environmentFile = "pyvenv.cfg"   // of a Python environment (PEP 405)
	cacheFile       = "CACHEDIR.TAG" // of a cache (bford.info/cachedir), such as those of pytest, mypy and Cargo
	runFile         = "actions.json" // of a run, and the next of a sweep (package record)
	sweepFile       = "sweep.json"
)

// IsOwn reports whether a folder in a plugin's is the plugin's own, by its path below that, with slashes, and by has, which says whether a file of
// a name lies in it. Not its own are what Git keeps, caches, runs, and Python's environments. What a word of the plugin's command leads into is
// its own, whatever it is.
func IsOwn(folder string, command []string, has func(file string) bool) bool {
	if folder == "." || slices.ContainsFunc(command, func(word string) bool { return strings.HasPrefix(path.Clean(word), folder+"/") }) {
		return true
	}
	switch path.Base(folder) {
	case ".git", "__pycache__":
		return false
	}
	return !slices.ContainsFunc([]string{environmentFile, cacheFile, runFile, sweepFile}, has)
}

// Own is what is a plugin's own in its folder (IsOwn), as os.DirFS has it.
func Own(dir string, m Manifest) fs.ReadLinkFS {
	return own{os.DirFS(dir).(fs.ReadLinkFS), m.Command}
}

type own struct {
	fs.ReadLinkFS
	command []string
}

// ReadDir implements fs.ReadDirFS.
func (o own) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(o.ReadLinkFS, name)
	return slices.DeleteFunc(all, func(e fs.DirEntry) bool {
		folder := path.Join(name, e.Name())
		return e.IsDir() && (!o.isOwn(folder) || o.hollow(folder))
	}), err
}

func (o own) isOwn(folder string) bool {
	return IsOwn(folder, o.command, func(file string) bool {
		st, err := o.Lstat(path.Join(folder, file))
		return err == nil && st.Mode().IsRegular()
	})
}

// hollow reports whether a folder holds nothing but what is not the plugin's own, as one of runs does.
func (o own) hollow(folder string) bool {
	all, err := fs.ReadDir(o.ReadLinkFS, folder)
	return err == nil && len(all) > 0 && !slices.ContainsFunc(all, func(e fs.DirEntry) bool {
		in := path.Join(folder, e.Name())
		return !e.IsDir() || o.isOwn(in) && !o.hollow(in)
	})
}

// HashCode returns a hash, of the form of HashFolder, of all that what a plugin computes may depend on: the files and links that are its own,
// but for what is only read by people or by snnc: Markdown, specs and their lock. Folders without such files are not in it.
func HashCode(dir string, m Manifest) (string, error) {
	sum := sha256.New()
	limits := lockLimits
	dir, err := filepath.EvalSymlinks(dir)
	if err == nil {
		files := Own(dir, m)
		err = fs.WalkDir(files, ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if limits.Files--; limits.Files < 0 {
				return ErrTooLarge
			}
			switch {
			case e.IsDir() || slices.Contains([]string{".md", ".snn"}, path.Ext(name)) || path.Base(name) == LockName:
				return nil
			case e.Type() == fs.ModeSymlink:
				to, err := files.ReadLink(name)
				fmt.Fprintf(sum, "link %q %q\n", name, to)
				return err
			case !e.Type().IsRegular():
				return fmt.Errorf("%s is neither a file nor a folder nor a link", name)
			}
			fmt.Fprintf(sum, "file %q\n", name)
			n, err := HashFile(sum, filepath.Join(dir, filepath.FromSlash(name)), limits.Bytes)
			limits.Bytes -= n
			return err
		})
	}
	if errors.Is(err, ErrTooLarge) {
		err = tooLarge(lockLimits)
	}
	if err != nil {
		return "", fmt.Errorf("hash the code of the plugin in %s: %w", dir, err)
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}
