package dsl

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/diag"
)

// The limits of what a spec imports; each file has those of a spec besides.
const (
	maxFiles   = 100
	maxAllText = 4 << 20
)

// Resolve reads the files that f imports, those that they import, and so on, and sets the File of each Import; a file to which
// several ways lead is read once. read gets a path inside the folder of f: clean, relative to it, with slashes. What is wrong
// in an imported file is reported there, with a note where it is imported; the File of an import that cannot be read stays nil.
func Resolve(f *File, read func(path string) ([]byte, error)) diag.List {
	f.Path = filepath.Base(f.Name)
	r := resolver{read: read, folder: filepath.Dir(f.Name), files: map[string]*File{f.Path: f}, bytes: len(f.Text)}
	r.imports(f)
	return r.found[:min(len(r.found), maxErrors)]
}

// resolver reads the files of one spec.
type resolver struct {
	read   func(path string) ([]byte, error)
	folder string           // of the main file, as its name says
	files  map[string]*File // by path
	busy   []*Import        // the imports that led here, outermost first
	bytes  int
	found  diag.List
}

// imports reads the imports of a file.
func (r *resolver) imports(f *File) {
	for _, item := range f.Items {
		x, ok := item.(*Import)
		if !ok {
			continue
		}
		where, summary, help := inside(f.Path, x.Path.Value)
		if summary != "" {
			r.fail(f, x, summary, help)
			continue
		}
		if i := r.loop(where); i >= 0 {
			r.circle(x, where, r.busy[i:])
			continue
		}
		if x.File = r.files[where]; x.File == nil {
			x.File = r.file(f, x, where)
		}
	}
}

// file reads one imported file and what it imports; nil where it cannot be read.
func (r *resolver) file(f *File, x *Import, where string) *File {
	if len(r.files) > maxFiles {
		r.fail(f, x, fmt.Sprintf("a spec imports %d files at most", maxFiles), "put definitions that belong together into one file")
		return nil
	}
	text, err := r.read(where)
	if err != nil {
		r.fail(f, x, fmt.Sprintf("`%s` cannot be read: %s", x.Path.Value, reason(err)), "a path is relative to the file that it stands in, and stays inside the folder of the spec")
		return nil
	}
	if r.bytes += len(text); r.bytes > maxAllText {
		r.fail(f, x, "the files of this spec are larger than 4 MiB together", "data belongs into files of its own")
		return nil
	}
	g, found := Parse(filepath.Join(r.folder, filepath.FromSlash(where)), text)
	g.Path, g.Trail = where, append([]diag.Note{{Message: "the file is imported here", Range: x.Range}}, f.Trail...)
	g.Trail = g.Trail[:min(len(g.Trail), 5)]
	r.files[where] = g
	for _, d := range found {
		d.Notes = append(d.Notes, g.Trail...)
		r.found.Add(d)
	}
	r.busy = append(r.busy, x)
	x.File = g // which loop looks at
	r.imports(g)
	r.busy = r.busy[:len(r.busy)-1]
	return g
}

// loop returns which of the imports that led here brought the file of a path, 0 for the main file, -1 where none did.
func (r *resolver) loop(where string) int {
	for i, x := range r.busy {
		if x.File.Path == where {
			return i + 1
		}
	}
	if g := r.files[where]; g != nil && len(g.Trail) == 0 {
		return 0
	}
	return -1
}

// circle reports an import that leads back to the file of a path; way are the imports between that file and x.
func (r *resolver) circle(x *Import, where string, way []*Import) {
	d := diag.Diagnostic{Code: diag.BadImport, Range: x.Range, Summary: "a file imports itself", Help: "delete this line"}
	if len(way) > 0 {
		chain := []string{"`" + where + "`"}
		for _, y := range way {
			chain = append(chain, "`"+y.File.Path+"`")
			d.Notes = append(d.Notes, diag.Note{Message: fmt.Sprintf("`%s` is imported here", y.File.Path), Range: y.Range})
		}
		d.Summary = "files import each other: " + strings.Join(append(chain, chain[0]), ", which imports ")
		d.Summary = strings.Replace(d.Summary, ", which imports ", " imports ", 1)
		d.Help = "move what both need into a third file, and import that"
	}
	d.Notes = d.Notes[:min(len(d.Notes), 8)]
	r.found.Add(d)
}

func (r *resolver) fail(f *File, x *Import, summary, help string) {
	r.found.Add(diag.Diagnostic{Code: diag.BadImport, Summary: summary, Range: x.Path.Range, Help: help, Notes: slices.Clone(f.Trail)})
}

// inside returns where a path that stands in the file at from leads, or what is wrong with it.
func inside(from, to string) (where, summary, help string) {
	const form = "write `import \"path.snn\"`, relative to this file"
	switch where = path.Join(path.Dir(from), to); {
	case to == "":
		return "", "an import names a file", form
	case strings.Contains(to, `\`):
		return "", fmt.Sprintf("a path is written with `/`, and `%s` has a backslash", to), fmt.Sprintf("write `import \"%s\"`", strings.ReplaceAll(to, `\`, "/"))
	case strings.ContainsFunc(to, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return "", "a path has no control characters", form
	case path.IsAbs(to) || filepath.IsAbs(to):
		return "", fmt.Sprintf("`%s` is an absolute path", to), form
	case !filepath.IsLocal(filepath.FromSlash(where)):
		return "", fmt.Sprintf("`%s` leads out of the folder of the spec", to), "copy the file into that folder, and import it from there"
	}
	return where, "", ""
}

// reason says why a file cannot be read, without the path, which the finding has.
func reason(err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return err.Error()
}

// Files returns f and the files that it imports, each once, an imported one in front of those that import it.
func (f *File) Files() []*File {
	var out []*File
	seen := map[*File]bool{}
	var visit func(g *File)
	visit = func(g *File) {
		if seen[g] {
			return
		}
		seen[g] = true
		for _, item := range g.Items {
			if x, ok := item.(*Import); ok && x.File != nil {
				visit(x.File)
			}
		}
		out = append(out, g)
	}
	visit(f)
	return out
}
