package fetch

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"snnc.dev/snnc/runtime/installed"
)

// Limits are how much an archive may hold.
type Limits struct {
	Bytes int64 // of the contents of files
	Files int   // files, links and folders
	Depth int   // folders in folders
}

// ArchiveLimits returns those of archives that are added: an environment with PyTorch is no plugin to ship.
func ArchiveLimits() Limits { return Limits{Bytes: 2 << 30, Files: 50_000, Depth: 32} }

// archive is how many bytes an archive within the limits has at most, unpacked by what compresses it.
func (l Limits) archive() int64 {
	const (
		entry = 4 << 10 // besides the content: its header, with a long name and records of its own
		end   = 1 << 20 // behind the last one
	)
	return l.Bytes + int64(l.Files+1)*entry + end
}

// longestName is how many bytes a name of a file may have, as on most file systems.
const longestName = 255

// IsArchive reports whether a file has the name of an archive that Unpack reads: .zip, .tar, .tar.gz or .tgz.
func IsArchive(file string) bool { return archiveForm(file) != "" }

func archiveForm(file string) string {
	name := strings.ToLower(filepath.Base(file))
	for _, x := range [][2]string{{".zip", "zip"}, {".tar", "tar"}, {".tar.gz", "gzip"}, {".tgz", "gzip"}} {
		if strings.HasSuffix(name, x[0]) {
			return x[1]
		}
	}
	return ""
}

// Unpack unpacks an archive with a plugin into an empty folder, and returns the folder of the plugin: that one or, where the manifest lies in
// the one folder at the top of the archive, that one in it.
//
// What an archive of somebody else could do harm by is an error that names the entry: names that lead out of the folder, that exist twice or
// that differ by case alone, links that leave the plugin, devices, more than the limits. What is not the plugin's own (installed.IsOwn), and what
// macOS packs besides (__MACOSX, ._NAME), is left out. Files get the mode 0644 or, where they may be executed, 0755. After an error the folder holds what was unpacked before.
func Unpack(archive, to string, l Limits) (dir string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("unpack %s: %w", archive, err)
		}
	}()
	form := archiveForm(archive)
	if form == "" {
		return "", errors.New("it is no archive by its name, which has to end in .zip, .tar, .tar.gz or .tgz")
	}
	f, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !st.Mode().IsRegular():
		return "", errors.New("it is no plain file")
	case st.Size() > l.archive():
		return "", tooMuch("%d bytes", l.Bytes)
	}
	root, err := os.OpenRoot(to)
	if err != nil {
		return "", err
	}
	defer root.Close()
	u := &unpacking{root: root, left: l, limits: l, seen: map[string]entry{}}
	if form == "zip" {
		err = u.zip(f, st.Size())
	} else {
		err = u.tar(f, form == "gzip")
	}
	if err != nil {
		return "", err
	}
	top, err := u.top()
	if err != nil {
		return "", err
	}
	if err := u.clean(top); err != nil {
		return "", err
	}
	if err := u.link(top); err != nil {
		return "", err
	}
	return filepath.Join(to, filepath.FromSlash(top)), nil
}

func tooMuch(format string, args ...any) error {
	return fmt.Errorf("it holds more than "+format+": build on the machine that uses it what is that large, or add a folder", args...)
}

// unpacking is an archive while it is unpacked.
type unpacking struct {
	root   *os.Root
	limits Limits
	left   Limits // of which files and bytes are counted down
	seen   map[string]entry
	links  []link // made at the end: nothing is unpacked through a link
}

// entry is what has a name in the archive.
type entry struct {
	name   string // as it is written
	folder bool
}

type link struct{ name, to string }

// skipped reports whether a name is of what is left out: Git's, and what macOS packs besides the files themselves.
func skipped(name string) bool {
	for i, part := range strings.Split(name, "/") {
		if strings.EqualFold(part, ".git") || i == 0 && part == "__MACOSX" || strings.HasPrefix(part, "._") {
			return true
		}
	}
	return false
}

// add unpacks one entry. content is of a file, and of a link where it leads.
func (u *unpacking) add(written string, mode fs.FileMode, content io.Reader) error {
	name := strings.TrimSuffix(written, "/")
	for strings.HasPrefix(name, "./") {
		name = strings.TrimLeft(name[2:], "/")
	}
	if (name == "." || name == "") && mode.IsDir() { // the folder itself
		return nil
	}
	if skipped(name) {
		return nil
	}
	if fault := nameFault(name); fault != "" {
		return fmt.Errorf("entry %.200q: %s; ask its author for one that is packed otherwise", written, fault)
	}
	if n := strings.Count(name, "/"); n > u.limits.Depth {
		return fmt.Errorf("entry %.200q lies in %d folders, more than %d", written, n, u.limits.Depth)
	}
	if err := u.unpack(name, mode, content); err != nil {
		return fmt.Errorf("entry %.200q: %w", written, err)
	}
	return nil
}

// nameFault says what is wrong with the name of an entry; "" where nothing is.
func nameFault(name string) string {
	switch {
	case strings.HasPrefix(name, "/"):
		return "the name is absolute"
	case !utf8.ValidString(name):
		return "the name is not UTF-8"
	case strings.ContainsFunc(name, unicode.IsControl):
		return "the name has control characters"
	case strings.ContainsAny(name, `\:`):
		return `the name has a \ or a :, which separate names on other systems`
	case !fs.ValidPath(name) || !filepath.IsLocal(name):
		return "the name leads out of the folder, or is not written plainly"
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > longestName {
			return fmt.Sprintf("the name is longer than %d bytes", longestName)
		}
	}
	return ""
}

// unpack makes what an entry with a name that holds is.
func (u *unpacking) unpack(name string, mode fs.FileMode, content io.Reader) error {
	for at := range name {
		if name[at] == '/' {
			if err := u.folder(name[:at]); err != nil {
				return err
			}
		}
	}
	switch {
	case mode.IsDir():
		return u.folder(name)
	case mode.IsRegular():
		if err := u.note(name, false); err != nil {
			return err
		}
		return u.file(name, mode, content)
	case mode.Type() == fs.ModeSymlink:
		if err := u.note(name, false); err != nil {
			return err
		}
		const longest = 4096 // bytes, PATH_MAX of Linux
		to, err := io.ReadAll(io.LimitReader(content, longest+1))
		if err != nil {
			return err
		}
		if len(to) > longest {
			return errors.New("the link leads too far")
		}
		u.links = append(u.links, link{name, string(to)})
		return nil
	}
	return errors.New("it is neither a file nor a folder nor a symbolic link")
}

// folder makes a folder that may be there.
func (u *unpacking) folder(name string) error {
	if was, ok := u.seen[folded(name)]; ok && was.folder && was.name == name {
		return nil
	}
	if err := u.note(name, true); err != nil {
		return err
	}
	return u.root.Mkdir(filepath.FromSlash(name), 0o755)
}

// note notes a name that is new.
func (u *unpacking) note(name string, folder bool) error {
	key := folded(name)
	if was, ok := u.seen[key]; ok {
		switch {
		case was.name == name && was.folder == folder:
			return errors.New("it is there twice")
		case was.name == name:
			return errors.New("it is there twice, once as a folder")
		}
		return fmt.Errorf("it differs from %.200q by case alone, and other systems do not tell them apart", was.name)
	}
	if u.left.Files--; u.left.Files < 0 {
		return tooMuch("%d files", u.limits.Files)
	}
	u.seen[key] = entry{name, folder}
	return nil
}

// folded returns what all spellings of a name have in common that differ by case.
func folded(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

// file writes a file.
func (u *unpacking) file(name string, mode fs.FileMode, content io.Reader) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := u.root.OpenFile(filepath.FromSlash(name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(content, u.left.Bytes+1))
	if err == nil {
		err = f.Chmod(perm) // whatever the user's mask is
	}
	if bad := f.Close(); err == nil {
		err = bad
	}
	if u.left.Bytes -= n; err == nil && u.left.Bytes < 0 {
		err = tooMuch("%d bytes", u.limits.Bytes)
	}
	return err
}

// top returns the folder with the manifest: "." or the only one at the top.
func (u *unpacking) top() (string, error) {
	has := func(dir string) bool {
		name := path.Join(dir, installed.ManifestName)
		e, ok := u.seen[folded(name)]
		return ok && e.name == name && !e.folder
	}
	if has(".") {
		return ".", nil
	}
	var tops []entry
	for _, e := range u.seen {
		if !strings.Contains(e.name, "/") {
			tops = append(tops, e)
		}
	}
	if len(tops) == 1 && tops[0].folder && has(tops[0].name) {
		return tops[0].name, nil
	}
	return "", fmt.Errorf("there is no %s in it, neither at the top nor in a folder that is the only one there", installed.ManifestName)
}

// clean removes the folders that are not the own of the plugin in a folder, of which one may know only when all is there, with their links.
func (u *unpacking) clean(top string) error {
	m, _ := installed.ReadManifest(filepath.Join(u.root.Name(), filepath.FromSlash(top))) // who wants it says what is wrong with it
	var left []string
	below := func(name string) string { return strings.TrimPrefix(name, top+"/") }
	for _, e := range u.seen {
		if !e.folder || e.name == top || installed.IsOwn(below(e.name), m.Command, func(file string) bool {
			name := e.name + "/" + file
			f, ok := u.seen[folded(name)]
			return ok && f.name == name && !f.folder
		}) {
			continue
		}
		if err := u.root.RemoveAll(filepath.FromSlash(e.name)); err != nil {
			return err
		}
		left = append(left, e.name)
		u.links = slices.DeleteFunc(u.links, func(l link) bool { return strings.HasPrefix(l.name, e.name+"/") })
	}
	for _, name := range left { // and what holds nothing else any more
		for in := path.Dir(name); in != top && in != "." && !slices.ContainsFunc(u.links, func(l link) bool { return strings.HasPrefix(l.name, in+"/") }); in = path.Dir(in) {
			if u.root.Remove(filepath.FromSlash(in)) != nil {
				break
			}
		}
	}
	return nil
}

// link makes the links of the plugin in a folder, none of which leads out of it.
//
// A link goes up first, through folders as the link lies in them, none of which is a link itself, and then down; so where it leads can be
// told without looking at the others, and one on the way down leads out no more than this one.
func (u *unpacking) link(top string) error {
	for _, l := range u.links {
		name := l.name
		if top != "." {
			name = strings.TrimPrefix(name, top+"/")
		}
		up, down := 0, false
		for part := range strings.SplitSeq(l.to, "/") {
			switch {
			case part == ".." && !down:
				up++
			case part == "..":
				return fmt.Errorf("link %.200q leads to %.200q, down and up again: write it without", l.name, l.to)
			case part != ".":
				down = true
			}
		}
		if strings.HasPrefix(l.to, "/") || l.to == "" || strings.ContainsAny(l.to, "\\\x00") || up > strings.Count(name, "/") {
			return fmt.Errorf("link %.200q leads to %.200q, out of the plugin: pack in its place what it leads to, as `tar --dereference` does", l.name, l.to)
		}
		if err := u.root.Symlink(l.to, filepath.FromSlash(l.name)); err != nil {
			return fmt.Errorf("link %.200q: %w", l.name, err)
		}
	}
	return nil
}
