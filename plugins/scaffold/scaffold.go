package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/installed"
)

// The languages of programs.
const (
	Go     = "go"
	Python = "python"
)

// Options say what plugin is wanted.
type Options struct {
	Name     string      // as specs name it: OWNER/NAME, or NAME
	Kind     schema.Kind // of its component
	Language string      // Go or Python
	Opaque   bool        // a neuron or coder that computes by itself
	// Equations makes a coder one by equations, as a neuron is where it is not opaque; else it is a graph.
	Equations bool
}

//go:embed go/*/*.go python/*/*.py spec/*.snn text
var programs embed.FS

// folderName is a name for a folder and a program, of which a component's can be made.
var folderName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// Folder returns the name of the plugin's folder, which is also that of its program: the last part of its own.
func (o Options) Folder() string { return path.Base(o.Name) }

// Component returns the name of the component: that of the folder as specs may write it.
func (o Options) Component() string { return strings.ReplaceAll(o.Folder(), "-", "_") }

// check says what is wrong with the options.
func (o Options) check() error {
	if err := installed.CheckName(o.Name); err != nil {
		return err
	}
	switch {
	case !folderName.MatchString(o.Folder()):
		return fmt.Errorf("a spec cannot name a component as %q: begin with a letter, and go on with letters, digits, `_` and `-`", o.Folder())
	case o.Folder() == sdkFolder:
		return fmt.Errorf("%q is the folder of the SDK in the plugin: take another name", o.Folder())
	case o.Opaque && o.Kind != schema.Neuron && o.Kind != schema.Coder:
		return fmt.Errorf("a %s is not opaque: neurons and coders are", o.Kind)
	case o.Equations && (o.Opaque || o.Kind != schema.Coder && o.Kind != schema.Neuron):
		return fmt.Errorf("equations say what neurons and coders compute that are not opaque: leave the one or the other out")
	case o.Language != Go && o.Language != Python:
		return fmt.Errorf("there is no SDK for %q: the languages are %s and %s", o.Language, Go, Python)
	}
	return nil
}

// Write makes the folder of a new plugin at dir, where nothing is yet: all of it, or nothing.
func Write(dir string, o Options) error {
	if err := o.check(); err != nil {
		return fmt.Errorf("make plugin %s: %w", o.Name, err)
	}
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("make plugin %s: %s is there already: choose another name, or remove it", o.Name, dir)
	}
	files, err := o.files()
	if err != nil {
		return fmt.Errorf("make plugin %s: %w", o.Name, err)
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), ".new-*")
	if err != nil {
		return fmt.Errorf("make plugin %s: %w", o.Name, err)
	}
	defer os.RemoveAll(made)
	fresh := filepath.Join(made, "plugin")
	if err := write(fresh, files); err != nil {
		return fmt.Errorf("make plugin %s: %w", o.Name, err)
	}
	if err := os.Rename(fresh, dir); err != nil {
		return fmt.Errorf("make plugin %s: %w", o.Name, err)
	}
	return nil
}

// write writes files by their paths in a folder.
func write(dir string, files map[string][]byte) error {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(to, files[name], 0o666); err != nil {
			return err
		}
	}
	return nil
}

// files are all files of the plugin by their paths in it.
func (o Options) files() (map[string][]byte, error) {
	files := map[string][]byte{}
	example, err := programs.ReadFile("spec/" + string(o.Kind) + ".snn")
	if err != nil {
		return nil, fmt.Errorf("there is no example of a %s", o.Kind)
	}
	if err := o.holds(example); err != nil {
		return nil, err
	}
	files["example.snn"] = o.renamed(example)
	program := o.Language + "/" + string(o.Kind)
	if o.Opaque {
		program = o.Language + "/opaque-" + string(o.Kind)
	} else if o.Equations && o.Kind == schema.Coder {
		program = o.Language + "/equations-coder"
	}
	err = each(programs, program, func(name string, text []byte) error {
		files[name] = o.renamed(text)
		return nil
	})
	if err != nil {
		return nil, err
	}
	// A go:embed takes no hidden files, and nothing out of a module of its own.
	places := map[string]string{"gitignore": ".gitignore", "test.yml": ".github/workflows/test.yml", "mod": "go.mod", "sum": "go.sum"}
	err = each(programs, "text/"+o.Language, func(name string, text []byte) error {
		t, err := template.New(name).Parse(string(text))
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, map[string]any{"Name": o.Name, "Folder": o.Folder(), "Component": o.Component(), "Kind": o.Kind, "How": o.how()}); err != nil {
			return err
		}
		if place, ok := places[name]; ok {
			name = place
		}
		files[name] = out.Bytes()
		return nil
	})
	if err != nil {
		return nil, err
	}
	kit, err := sdk(o.Language)
	maps.Copy(files, kit)
	return files, err
}

// how says in a sentence who computes the component.
func (o Options) how() string {
	switch {
	case o.Opaque:
		return "It computes whole blocks of examples and time steps by itself, in memory that it shares with snnc."
	case o.Kind == schema.Neuron, o.Equations:
		return "It is equations, which snnc compiles: nothing is computed in the plugin."
	case o.Kind == schema.Coder:
		return "It is a graph, which snnc compiles: nothing is computed in the plugin."
	case o.Kind == schema.Model:
		return "It is a Program, which snnc trains and runs: nothing is computed in the plugin."
	}
	return "It says how the layers of a network lie on the chip."
}

// placeholder is what a program is called as it lies here.
var placeholder = regexp.MustCompile(`acme/leap|\bleap\b`)

// renamed returns a program or spec with the plugin's name and its component's in the place of acme/leap and leap.
func (o Options) renamed(text []byte) []byte {
	return placeholder.ReplaceAllFunc(text, func(word []byte) []byte {
		if bytes.IndexByte(word, '/') >= 0 {
			return []byte(o.Name)
		}
		return []byte(o.Component())
	})
}

// holds says whether an example, as it lies here, can have the component's name: not where that is a reserved word, or means something in
// it already.
func (o Options) holds(example []byte) error {
	if _, found := dsl.Parse("example.snn", o.renamed(example)); found.HasErrors() {
		return fmt.Errorf("a spec cannot name a component `%s`: %s", o.Component(), found[0].Summary)
	}
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(placeholder.ReplaceAllString(string(example), ""), -1) {
		if word == o.Component() {
			return fmt.Errorf("`%s` is something else in example.snn: take another name", word)
		}
	}
	return nil
}

// each calls f for the files in a folder and below, by their paths in it.
func each(of fs.FS, folder string, f func(name string, text []byte) error) error {
	in, err := fs.Sub(of, folder)
	if err != nil {
		return err
	}
	return fs.WalkDir(in, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(in, name)
		if err != nil {
			return err
		}
		return f(name, text)
	})
}
