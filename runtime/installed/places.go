package installed

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// FolderName is the name of the folders that plugins lie in: plugins/OWNER/NAME, or plugins/NAME.
const FolderName = "plugins"

// Places are where the plugins of a spec are looked for, and the file that says which ones they have to be.
type Places struct {
	Folders []string // named plugins, in the order in which they are looked into; a folder need not be there
	Lock    string   // path of snnc.lock, which need not be there; "": nothing is locked
}

// Near returns the places of a spec in a folder: the folder itself, then the project, which is the nearest folder from there
// upwards that has a snnc.lock, then the user's own. The lock is the project's; where there is no project, the spec's folder
// becomes one. A snnc.lock above the spec's folder that belongs to somebody who owns neither that folder nor this process is
// passed over: in a folder that everybody may write into it would bring its owner's plugins.
func Near(dir string) (Places, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Places{}, fmt.Errorf("find the spec's folder: %w", err)
	}
	p := Places{Folders: []string{filepath.Join(dir, FolderName)}, Lock: filepath.Join(dir, LockName)}
	for above := dir; ; {
		path := filepath.Join(above, LockName)
		if st, err := os.Lstat(path); err == nil && st.Mode().IsRegular() && (above == dir || trusted(st, dir)) {
			p.Lock = path
			p.Folders = append(p.Folders, filepath.Join(above, FolderName))
			break
		}
		up := filepath.Dir(above)
		if up == above {
			break
		}
		above = up
	}
	if user := UserFolder(); user != "" {
		p.Folders = append(p.Folders, user)
	}
	p.Folders = slices.Compact(p.Folders) // the spec's folder may be the project
	return p, nil
}

// OfRun returns the places of the plugins of a run: those of its spec in the folder that the run took down, and behind them those of the run
// folder and of the folder here, the user's own last. Where the spec's folder is gone, was not taken down ("") or belongs to somebody who owns
// neither the run folder nor this process, it is passed over. The lock is that of the first of the three which has one, else the one that
// here would have.
func OfRun(run, spec, here string) (Places, error) {
	var from []string
	if st, err := os.Stat(spec); spec != "" && err == nil && st.IsDir() && trusted(st, run) {
		from = append(from, spec)
	}
	var out Places
	user := UserFolder()
	for _, dir := range append(from, run, here) {
		p, err := Near(dir)
		if err != nil {
			return Places{}, err
		}
		for _, folder := range p.Folders {
			if folder != user && !slices.Contains(out.Folders, folder) {
				out.Folders = append(out.Folders, folder)
			}
		}
		if st, err := os.Lstat(p.Lock); out.Lock == "" && (err == nil && st.Mode().IsRegular() || dir == here) {
			out.Lock = p.Lock
		}
	}
	if user != "" {
		out.Folders = append(out.Folders, user)
	}
	return out, nil
}

// UserFolder returns the folder of the user's own plugins, $XDG_DATA_HOME/snnc/plugins, by default below ~/.local/share; "" where
// there is no home.
func UserFolder() string {
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // one that is not absolute is to be ignored (XDG base directory specification 0.8)
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		data = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(data, "snnc", FolderName)
}

// Find returns the folder of the plugin of a name, the first one in order; false where there is none.
func (p Places) Find(name string) (dir string, ok bool) {
	if !pluginName.MatchString(name) {
		return "", false
	}
	for _, folder := range p.Folders {
		dir := filepath.Join(folder, filepath.FromSlash(name))
		if IsPlugin(dir) {
			return dir, true
		}
	}
	return "", false
}

// Names lists the plugins that Find finds, sorted. What cannot be read is left out.
func (p Places) Names() []string {
	var out []string
	for _, folder := range p.Folders {
		first, _ := os.ReadDir(folder)
		for _, a := range first {
			if IsPlugin(filepath.Join(folder, a.Name())) {
				out = append(out, a.Name())
			}
			second, _ := os.ReadDir(filepath.Join(folder, a.Name()))
			for _, b := range second {
				if IsPlugin(filepath.Join(folder, a.Name(), b.Name())) {
					out = append(out, a.Name()+"/"+b.Name())
				}
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(name string) bool { return !pluginName.MatchString(name) })
}

// IsPlugin reports whether a folder is that of a plugin: it has a manifest.
func IsPlugin(dir string) bool {
	st, err := os.Stat(filepath.Join(dir, ManifestName))
	return err == nil && st.Mode().IsRegular()
}
