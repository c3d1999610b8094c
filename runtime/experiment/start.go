package experiment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/train"
)

// The settings of a training that name the weights it begins with, and those that it does not take from there.
const (
	startSetting = "start"
	newSetting   = "new"

	quantizeSetting = "quantize"
)

// badStart finds what is wrong with these settings whatever the weights are: a path that leads out of the folders that a spec may
// read, and names that no weights have.
func (j *job) badStart() (found diag.List) {
	path := j.Settings.Text(startSetting)
	if path != "" && !filepath.IsLocal(filepath.FromSlash(path)) {
		found.Add(j.startFailed(fmt.Sprintf("%q does not lie in the folder of the spec", path), outsideHelp(path)))
	}
	names := j.Settings[newSetting].Items
	if len(names) == 0 {
		return found
	}
	if path == "" {
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: j.Places[newSetting], Summary: fmt.Sprintf("`%s` begins with random weights, and `%s` says which of other weights it does not take", j.name, newSetting),
			Help: "say where the others come from, such as `start = \"runs/digits\"`, or leave it out"})
		return found
	}
	var known []string // in names of weights
	for _, title := range train.Titles(j.model.Linker.Variables()) {
		known = append(known, strings.Split(title, ".")...)
	}
	slices.Sort(known)
	for i, v := range names {
		if slices.Contains(known, v.Text) {
			continue
		}
		help := "weights are called by role and layer, as `snnc plan` shows these"
		if near := diag.Nearest(v.Text, known); near != "" {
			help = fmt.Sprintf("did you mean `%s`?", near)
		}
		found.Add(diag.Diagnostic{Code: diag.UnknownName, Range: j.Places[fmt.Sprintf("%s[%d]", newSetting, i)], Summary: fmt.Sprintf("model `%s` has no weights of `%s`", j.model.Name, v.Text), Help: help})
	}
	return found
}

// fresh returns which weights `new` names, by their names in checkpoints, such as denoiser.0.conv.weight; nil where it names none.
func (j *job) fresh() func(title string) bool {
	names := j.Settings[newSetting].Items
	if len(names) == 0 {
		return nil
	}
	return func(title string) bool {
		return slices.ContainsFunc(strings.Split(title, "."), func(part string) bool {
			return slices.ContainsFunc(names, func(v schema.Value) bool { return v.Text == part })
		})
	}
}

// outsideHelp says how weights are named that lie elsewhere.
func outsideHelp(path string) string {
	clean := filepath.Clean(filepath.FromSlash(path))
	return fmt.Sprintf("write `%s = %q`, and run with `--data %s`", startSetting, filepath.Base(clean), filepath.ToSlash(filepath.Dir(clean)))
}

// absentHelp says where weights are looked for, and what finds them where they lie in the working directory.
func absentHelp(path string) string {
	if _, err := os.Stat(filepath.FromSlash(path)); err == nil {
		return fmt.Sprintf("a path is relative to the folder of the spec: `--data .` finds %s here", path)
	}
	return fmt.Sprintf("a path is relative to the folder of the spec; where it is DIR/%s, run with `--data DIR`", path)
}

func (j *job) startFailed(summary, help string, notes ...diag.Note) diag.Diagnostic {
	return diag.Diagnostic{Code: diag.StartFailed, Range: j.Places[startSetting], Summary: summary, Help: help, Notes: notes}
}

// start reads the weights that a training begins with; nil where it begins with random ones, or where something was found. A
// path is looked for in the folder of the spec, then where data sets are, and stays inside.
func (r *runner) start(j *job) (train.Weights, diag.List) {
	path := j.Settings.Text(startSetting)
	if path == "" {
		return nil, nil
	}
	fail := func(summary, help string, notes ...diag.Note) (train.Weights, diag.List) {
		return nil, diag.List{j.startFailed(summary, help, notes...)}
	}
	file, from, err := startFile(append([]string{filepath.Dir(r.x.Name)}, r.o.Data...), filepath.FromSlash(path), j.model.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(fmt.Sprintf("%q is not there", path), absentHelp(path))
	case errors.Is(err, checkpoint.ErrNone):
		return fail(fmt.Sprintf("%q has no checkpoint of a model `%s`", path, j.model.Name), "name a run of a model of this name, or one of its checkpoints")
	case err != nil:
		return fail(fmt.Sprintf("weights cannot be read: %v", err), "")
	case sameFolder(filepath.Dir(from), filepath.Join(r.o.Folder, record.CheckpointFolder)):
		return fail(fmt.Sprintf("%q is what this run itself writes", path), "name another run, or run with `--out` into another folder")
	}
	weights, err := train.Find(j.model.Linker.Variables(), file, j.fresh())
	var bad *train.Misfit
	switch {
	case errors.As(err, &bad):
		const few = 4
		var notes []diag.Note
		lines := bad.Lines()
		if none := bad.Fitting == 0 && len(lines) > few; none {
			notes = append(notes, diag.Note{Message: fmt.Sprintf("none of them is a weight of this model: they are another model's; the first %d of %d differences follow", few, len(lines))})
			lines = lines[:few]
		}
		for _, line := range lines {
			notes = append(notes, diag.Note{Message: line})
		}
		help := "let the networks be those that the weights were trained in"
		if len(bad.Missing) > 0 {
			help += ", or say with `new` what of them is new, by a name in those of its weights: `new = [NAME]`"
		}
		return fail(fmt.Sprintf("the weights in %s are not those of model `%s`", from, j.model.Name), help, notes...)
	case err != nil:
		return fail(fmt.Sprintf("weights cannot be read: %v", err), "")
	}
	return weights, nil
}

// startFile reads a safetensors file, or the newest checkpoint of a model where the path is that of a run folder. It is looked
// for in several folders, and also returned is where it was.
func startFile(folders []string, path, model string) (f *checkpoint.File, from string, err error) {
	for _, folder := range folders {
		f, from, err = startIn(folder, path, model)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return f, from, err
}

func startIn(folder, path, model string) (*checkpoint.File, string, error) {
	root, err := os.OpenRoot(cmp.Or(folder, "."))
	if err != nil {
		return nil, "", err
	}
	defer root.Close()
	info, err := root.Stat(path)
	whole := filepath.Join(folder, path)
	switch {
	case err != nil:
		return nil, "", err
	case info.Mode().IsRegular():
		f, err := checkpoint.Read(whole)
		return f, whole, err
	case !info.IsDir():
		return nil, "", fmt.Errorf("%s is neither a file nor a folder", whole)
	}
	if _, err := root.Stat(filepath.Join(path, record.ActionFile)); err != nil {
		return nil, "", fmt.Errorf("%s is a folder and no run", whole)
	}
	found, err := newestOf(whole, model)
	if err != nil {
		return nil, "", err
	}
	return found.File, found.Path, nil
}

// newestOf returns the newest checkpoint of a model in a run folder that another process may be writing to: the one that was
// the newest when the folder was listed may be gone by the time it is read.
func newestOf(run, model string) (found *checkpoint.Found, err error) {
	for range 5 {
		found, err = checkpoint.Latest(filepath.Join(run, record.CheckpointFolder), model)
		if !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	return found, err
}

// sameFolder reports whether two paths lead to one folder.
func sameFolder(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}
