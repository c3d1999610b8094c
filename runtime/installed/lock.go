package installed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"snnc.dev/snnc/runtime/record/wholefile"
)

// LockName is the name of the lock's file.
const LockName = "snnc.lock"

// maxLock is the size in bytes of the largest lock, which has room for some thousand plugins.
const maxLock = 1 << 20

// lockFormat is the version of the file's format.
const lockFormat = 1

// Lock says which plugins a project uses.
type Lock struct {
	Plugins []Locked // sorted by name, one of each
}

// Locked says what a plugin is.
type Locked struct {
	Name        string `toml:"name"`
	Version     string `toml:"version"`     // of its manifest
	Folder      string `toml:"folder"`      // HashFolder
	Description string `toml:"description"` // HashText of what it answered to Describe
}

// Changed is a plugin that is not the one of the lock.
type Changed struct {
	Name     string
	Lock     string // path of the lock
	What     string // "folder" or "description"
	Was, Now string // the hashes
}

// Error has both hashes and the command that accepts the plugin as it is now.
func (e *Changed) Error() string {
	return fmt.Sprintf("its %s is not the one that %s has: was %s, is %s; if this is meant, accept it by `snnc plugin lock %s`", e.What, e.Lock, e.Was, e.Now, e.Name)
}

// Unlocked is a plugin that is not in the lock where it has to be.
type Unlocked struct{ Name, Lock string }

// Error has the command that adds the plugin.
func (e *Unlocked) Error() string {
	return fmt.Sprintf("%s does not have it; add it by `snnc plugin lock %s`", e.Lock, e.Name)
}

// ReadLock reads a lock; one that is not there is empty.
func ReadLock(path string) (Lock, error) {
	text, err := readText(path, maxLock)
	if errors.Is(err, fs.ErrNotExist) {
		return Lock{}, nil
	}
	var l Lock
	if err == nil {
		l, err = ParseLock(text)
	}
	if err != nil {
		return Lock{}, fmt.Errorf("read the lock %s: %w", path, err)
	}
	return l, nil
}

// readText reads a plain file of at most so many bytes; a pipe, say, would be waited for.
func readText(path string, most int64) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errors.New("it is no plain file")
	case st.Size() > most:
		return nil, fmt.Errorf("it is larger than %d KB", most>>10)
	}
	return os.ReadFile(path)
}

// hashForm is that of the hashes.
var hashForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// ParseLock reads the text of a lock. Unknown keys, a plugin that is there twice and what is no hash are errors: a lock that is
// misread would let a plugin through.
func ParseLock(text []byte) (Lock, error) {
	var file lockFile
	md, err := toml.Decode(string(text), &file)
	if err != nil {
		return Lock{}, err
	}
	if unknown := md.Undecoded(); len(unknown) > 0 {
		return Lock{}, fmt.Errorf("toml: unknown key %q", unknown[0])
	}
	if file.Format != lockFormat {
		return Lock{}, fmt.Errorf("its format is %d, and this program reads format %d: get the version of snnc that wrote it, or a newer one", file.Format, lockFormat)
	}
	var l Lock
	for _, p := range file.Plugin {
		switch {
		case !pluginName.MatchString(p.Name):
			err = fmt.Errorf("%q is no name of a plugin", p.Name)
		case !version.MatchString(p.Version):
			err = fmt.Errorf("%s: %q is no version", p.Name, p.Version)
		case !hashForm.MatchString(p.Folder):
			err = fmt.Errorf("%s: %q is no hash of a folder", p.Name, p.Folder)
		case !hashForm.MatchString(p.Description):
			err = fmt.Errorf("%s: %q is no hash of a description", p.Name, p.Description)
		default:
			if _, ok := l.Find(p.Name); ok {
				err = fmt.Errorf("%s is there twice", p.Name)
			}
		}
		if err != nil {
			return Lock{}, err
		}
		l.Put(p)
	}
	return l, nil
}

// lockFile is the file as TOML has it.
type lockFile struct {
	Format int      `toml:"format"`
	Plugin []Locked `toml:"plugin"`
}

// Find returns what the lock says of a plugin; false where it says nothing.
func (l Lock) Find(name string) (Locked, bool) {
	i, ok := slices.BinarySearchFunc(l.Plugins, name, byName)
	if !ok {
		return Locked{}, false
	}
	return l.Plugins[i], true
}

// Put says what a plugin is, in the place of what was said before.
func (l *Lock) Put(p Locked) {
	i, ok := slices.BinarySearchFunc(l.Plugins, p.Name, byName)
	if ok {
		l.Plugins[i] = p
		return
	}
	l.Plugins = slices.Insert(l.Plugins, i, p)
}

// Remove takes a plugin out; false where it is not in.
func (l *Lock) Remove(name string) bool {
	i, ok := slices.BinarySearchFunc(l.Plugins, name, byName)
	if ok {
		l.Plugins = slices.Delete(l.Plugins, i, i+1)
	}
	return ok
}

func byName(p Locked, name string) int { return strings.Compare(p.Name, name) }

const lockHeading = `# The plugins that the specs of this folder use, as they were when they were first used. Keep this file with the specs.
# A plugin that is another one now is refused; ` + "`snnc plugin lock NAME`" + ` accepts it.
`

// Text returns the file's text, which ParseLock reads: the same for the same plugins.
func (l Lock) Text() []byte {
	var b bytes.Buffer
	b.WriteString(lockHeading)
	fmt.Fprintf(&b, "format = %d\n", lockFormat)
	for _, p := range l.Plugins { // nothing in it needs to be escaped
		fmt.Fprintf(&b, "\n[[plugin]]\nname = %q\nversion = %q\nfolder = %q\ndescription = %q\n", p.Name, p.Version, p.Folder, p.Description)
	}
	return b.Bytes()
}

// ChangeLock reads a lock, changes it and writes it whole. It waits while another process does, which the context ends. An error of change is
// returned as it is, and nothing is written.
func ChangeLock(ctx context.Context, path string, change func(*Lock) error) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	release, err := HoldFolder(ctx, dir, nil)
	if err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	defer release()
	l, err := ReadLock(path)
	if err != nil {
		return err
	}
	if err := change(&l); err != nil {
		return err
	}
	if err := wholefile.WriteBytes(path, l.Text()); err != nil {
		return fmt.Errorf("write the lock: %w", err)
	}
	return nil
}
