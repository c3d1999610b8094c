package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SetDeployment writes what a deploy action says of a target into deploy/NAME.json. NAME is the name of a file.
func (f *Folder) SetDeployment(name string, d Deployment) error {
	if filepath.Base(name) != name || name == "." || name == ".." {
		return fmt.Errorf("write deployment: %q is not a name of a file", name)
	}
	if err := os.MkdirAll(f.Path(DeployFolder), 0o777); err != nil {
		return fmt.Errorf("make a folder for deployments: %w", err)
	}
	if err := writeJSON(f.Path(DeployFolder+"/"+name+deploySuffix), d); err != nil {
		return fmt.Errorf("write deployment %s: %w", name, err)
	}
	return nil
}

// WriteDeploySheet writes samples as a sheet deploy/NAME.png with its numbers, as WriteSheet does, and returns the picture's place in the
// run folder.
func (f *Folder) WriteDeploySheet(name string, m Images) (string, error) {
	if filepath.Base(name) != name {
		return "", fmt.Errorf("write sheet: %q is not a name of a file", name)
	}
	if err := os.MkdirAll(f.Path(DeployFolder), 0o777); err != nil {
		return "", fmt.Errorf("make a folder for deployments: %w", err)
	}
	return DeployFolder + "/" + name + ".png", WriteSheet(f.Path(DeployFolder+"/"+name), m, 0, 0)
}

// RemoveDeployments removes what an action has said of targets, with its sheets.
func (f *Folder) RemoveDeployments(action string) error {
	for _, file := range f.deployFiles() {
		d, err := f.Deployment(strings.TrimSuffix(file, deploySuffix))
		if err != nil || d.Action != action {
			continue // what is none is the user's
		}
		for _, name := range []string{d.Software, d.Chip} {
			if name == "" || filepath.ToSlash(filepath.Dir(name)) != DeployFolder {
				continue
			}
			for _, name := range []string{name, strings.TrimSuffix(name, ".png") + ".npy"} {
				if err := os.Remove(f.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("remove a sheet of a deployment: %w", err)
				}
			}
		}
		if err := os.Remove(f.Path(DeployFolder + "/" + file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a deployment: %w", err)
		}
	}
	return nil
}

// Deployment reads deploy/NAME.json.
func (f *Folder) Deployment(name string) (d Deployment, err error) {
	text, err := os.ReadFile(f.Path(DeployFolder + "/" + name + deploySuffix))
	if err == nil {
		err = parseJSON(text, &d)
	}
	return d, err
}

// HasDeployment reports whether the folder has deploy/NAME.json of an action, with the sheets that it names.
func (f *Folder) HasDeployment(action, name string) bool {
	d, err := f.Deployment(name)
	if err != nil || d.Action != action {
		return false
	}
	for _, sheet := range []string{d.Software, d.Chip} {
		if sheet == "" {
			continue
		}
		if _, err := os.Stat(f.Path(sheet)); err != nil {
			return false
		}
	}
	return true
}

// HasDeploymentOf reports whether the folder has what an action says of some target.
func (f *Folder) HasDeploymentOf(action string) bool {
	return slices.ContainsFunc(f.deployFiles(), func(file string) bool {
		d, err := f.Deployment(strings.TrimSuffix(file, deploySuffix))
		return err == nil && d.Action == action
	})
}

// deployFiles lists the names of the files deploy/*.json in order; none where the folder cannot be read.
func (f *Folder) deployFiles() (names []string) {
	entries, _ := os.ReadDir(f.Path(DeployFolder))
	for _, e := range entries {
		if n := e.Name(); e.Type().IsRegular() && strings.HasSuffix(n, deploySuffix) {
			names = append(names, n)
		}
	}
	return names
}

// Stays says how many of the layers the host computes, with the layers of the first reasons and how many more reasons there are; "" where
// it computes none, or where nobody says why. most bounds the reasons.
func (d *Deployment) Stays(most int) string {
	host, reasons, of, told := 0, []string{}, map[string][]string{}, map[[2]string]bool{}
	for _, l := range d.Layers {
		if l.Where != OnHost {
			continue
		}
		if host++; l.Reason == "" {
			continue
		}
		if of[l.Reason] == nil {
			reasons = append(reasons, l.Reason)
		}
		if key := [2]string{l.Reason, l.Layer}; !told[key] {
			told[key] = true
			of[l.Reason] = append(of[l.Reason], l.Layer)
		}
	}
	if host == 0 || len(reasons) == 0 {
		return ""
	}
	var parts []string
	for _, why := range reasons[:min(most, len(reasons))] {
		layers := of[why]
		if n := len(layers); n > 3 {
			layers = append(slices.Clone(layers[:2]), fmt.Sprintf("%d more", n-2))
		}
		parts = append(parts, strings.Join(layers, ", ")+": "+why)
	}
	if n := len(reasons) - len(parts); n > 0 {
		parts = append(parts, fmt.Sprintf("and for %d more %s", n, plural(n, "reason")))
	}
	verb := "stay"
	if host == 1 {
		verb = "stays"
	}
	return fmt.Sprintf("%d of %d layers %s on the host: %s", host, len(d.Layers), verb, strings.Join(parts, "; "))
}
