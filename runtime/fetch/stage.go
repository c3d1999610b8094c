package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"snnc.dev/snnc/runtime/installed"
)

// stageName is the name of a stage's folder, which no plugin can have. It is always the same, for what a compiler writes down of where it works
// is in the hash of the plugin.
const stageName = ".add"

// Stage is where a plugin is made before it takes its place, a folder beside those of the plugins. Only one process has a stage in a folder of
// plugins at a time.
type Stage struct {
	plugins string // the folder of plugins
	path    string // of the stage
	release func()
}

// NewStage makes a stage in a folder of plugins, which is made where it is missing, and removes what killed processes left there. It waits
// while another process has one; waiting is told so then.
func NewStage(ctx context.Context, plugins string, waiting func()) (*Stage, error) {
	fail := func(err error) (*Stage, error) { return nil, fmt.Errorf("prepare %s: %w", plugins, err) }
	for {
		if err := os.MkdirAll(plugins, 0o777); err != nil {
			return fail(err)
		}
		release, err := installed.HoldFolder(ctx, plugins, waiting)
		if err != nil {
			return fail(err)
		}
		path := filepath.Join(plugins, stageName)
		if err = removeAll(path); err == nil {
			err = os.Mkdir(path, 0o700)
		}
		if err == nil {
			return &Stage{plugins, path, release}, nil
		}
		release()
		if !errors.Is(err, fs.ErrNotExist) { // the one that held it removed it, for it was empty
			return fail(err)
		}
	}
}

// Close removes what is in the stage, and the folder of plugins where there is none.
func (s *Stage) Close() error {
	err := removeAll(s.path)
	os.Remove(s.plugins)
	s.release()
	return err
}

// Dir is the folder of the plugin that is made.
func (s *Stage) Dir() string { return filepath.Join(s.path, "new") }

// module is the form of a Go module's path, with a version or without: its first part is a domain's name (go.dev/ref/mod, module paths).
var module = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+(/[A-Za-z0-9._~-]+)*(@[A-Za-z0-9.+~-]+)?$`)

// Bring takes a plugin into Dir from a source: a folder, an archive (IsArchive) or the path of a Go module. It returns what it is where that
// is more than the source says: the version of a module and its sum.
func (s *Stage) Bring(ctx context.Context, source string) (version string, err error) {
	st, err := os.Stat(source)
	switch {
	case err == nil && st.IsDir():
		return "", s.copy(source)
	case err == nil && IsArchive(source):
		return "", s.unpack(source)
	case err == nil:
		return "", fmt.Errorf("read plugin %s: it is neither a folder nor, by its name, an archive (.zip, .tar, .tar.gz, .tgz)", source)
	case strings.Contains(source, "://"):
		return "", fmt.Errorf("read plugin %s: download it, and add the file", source)
	case !errors.Is(err, fs.ErrNotExist) || !module.MatchString(source) || IsArchive(source):
		return "", fmt.Errorf("read plugin: %w", err)
	}
	dir, version, err := downloadModule(ctx, source)
	if err != nil {
		return "", err
	}
	return version, s.copy(dir)
}

// unpack unpacks an archive.
func (s *Stage) unpack(archive string) error {
	whole := filepath.Join(s.path, "archive")
	if err := os.Mkdir(whole, 0o777); err != nil {
		return fmt.Errorf("unpack %s: %w", archive, err)
	}
	dir, err := Unpack(archive, whole, ArchiveLimits())
	if err != nil {
		return err
	}
	if err := os.Rename(dir, s.Dir()); err != nil {
		return fmt.Errorf("unpack %s: %w", archive, err)
	}
	return nil
}

// copy copies what is a plugin's own in a folder (installed.IsOwn).
func (s *Stage) copy(source string) error {
	m, err := installed.ReadManifest(source) // before what is no plugin is copied
	if err != nil {
		return err
	}
	from, err := filepath.EvalSymlinks(source)
	if err == nil {
		from, err = filepath.Abs(from)
	}
	to := s.path
	if err == nil {
		to, err = filepath.EvalSymlinks(to)
	}
	if err == nil {
		to, err = filepath.Abs(to)
	}
	if err != nil {
		return fmt.Errorf("copy plugin %s: %w", source, err)
	}
	if in, err := filepath.Rel(from, to); err == nil && filepath.IsLocal(in) {
		return fmt.Errorf("copy plugin %s: %s, where it is copied to, lies in it", source, s.plugins)
	}
	if err := os.CopyFS(s.Dir(), installed.Own(from, m)); err != nil {
		return fmt.Errorf("copy plugin %s: %w", source, err)
	}
	return nil
}

// Taken is a name under which something is that would have to give way.
type Taken struct {
	Path   string
	Plugin bool // it is a plugin, else a folder with others or of something else
}

// Error says what there is.
func (t *Taken) Error() string {
	if t.Plugin {
		return t.Path + " is a plugin"
	}
	return t.Path + " is there and is no plugin"
}

// Free reports as a *Taken what stands in the way of a plugin of a name. With replace a plugin of that name does not, unless others lie in
// its folder.
func (s *Stage) Free(name string, replace bool) error {
	to := s.place(name)
	if owner := filepath.Dir(to); owner != s.plugins && installed.IsPlugin(owner) {
		return &Taken{owner, true}
	}
	switch _, err := os.Lstat(to); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look for %s: %w", to, err)
	case !installed.IsPlugin(to):
		return &Taken{to, false}
	case !replace:
		return &Taken{to, true}
	}
	return s.alone(name)
}

// alone fails where plugins lie in the folder of another one.
func (s *Stage) alone(name string) error {
	inside, _ := filepath.Glob(filepath.Join(s.place(name), "*", installed.ManifestName))
	if len(inside) > 0 && !strings.Contains(name, "/") {
		return &Taken{filepath.Dir(inside[0]), true}
	}
	return nil
}

// place is the folder of a plugin.
func (s *Stage) place(name string) string { return filepath.Join(s.plugins, filepath.FromSlash(name)) }

// Place gives the plugin in Dir its place, where one of the same name gives way; at each moment one of the two is there whole. It returns
// the folder.
func (s *Stage) Place(name string) (string, error) {
	to := s.place(name)
	fail := func(err error) (string, error) { return "", fmt.Errorf("place plugin %s: %w", name, err) }
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return fail(err)
	}
	if _, err := os.Lstat(to); errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(s.Dir(), to); err != nil {
			return fail(err)
		}
		return to, nil
	}
	if err := exchange(s.Dir(), to); err != nil {
		return fail(err)
	}
	return to, nil
}

// Remove removes a plugin, at once: it is gone from its place before its files are. The folder of its owner goes with the last one.
func (s *Stage) Remove(name string) error {
	if err := s.alone(name); err != nil {
		return fmt.Errorf("remove plugin %s: %w: remove that one first", name, err)
	}
	dir := s.place(name)
	if err := os.Rename(dir, filepath.Join(s.path, "old")); err != nil {
		return fmt.Errorf("remove plugin %s: %w", name, err)
	}
	if owner := filepath.Dir(dir); owner != s.plugins {
		os.Remove(owner) // where it is empty now
	}
	return nil
}

// swap puts one folder in the place of another in two steps, and takes the first back if the second fails.
func swap(fresh, old string) error {
	aside := fresh + ".old"
	if err := os.Rename(old, aside); err != nil {
		return err
	}
	if err := os.Rename(fresh, old); err != nil {
		return errors.Join(err, os.Rename(aside, old))
	}
	return nil
}
