package record

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// SetDeploy writes what targets say of a model's networks, each into ACTION-NAME.json with spaces as dashes, NAME by its key:
// deploy-digit-chip.json. What the action said of other targets is removed.
func (f *Folder) SetDeploy(action string, replies map[string]schema.TargetReply) error {
	stem := strings.ReplaceAll(action, " ", "-") + "-"
	if !strings.HasPrefix(stem, deployPrefix) {
		return fmt.Errorf("write deploy: %q is no deploy action", action)
	}
	for _, name := range sorted(replies) {
		if file := stem + name + deploySuffix; filepath.Base(file) != file {
			return fmt.Errorf("write deploy: %q is not a name of a file", file)
		} else if err := writeJSON(f.Path(file), replies[name]); err != nil {
			return fmt.Errorf("write what %s says: %w", name, err)
		}
	}
	for _, file := range f.deployFiles() {
		name, ok := strings.CutPrefix(strings.TrimSuffix(file, deploySuffix), stem)
		if _, said := replies[name]; !ok || said {
			continue
		}
		if err := os.Remove(f.Path(file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove what %s said: %w", name, err)
		}
	}
	return nil
}

// HasDeploy reports whether the folder has what the target of that name said in an action.
func (f *Folder) HasDeploy(action, name string) bool {
	return slices.Contains(f.deployFiles(), strings.ReplaceAll(action, " ", "-")+"-"+name+deploySuffix)
}

// deployFiles lists the names of the files deploy-*.json in order; none where the folder cannot be read.
func (f *Folder) deployFiles() (names []string) {
	entries, _ := os.ReadDir(f.dir)
	for _, e := range entries {
		if n := e.Name(); e.Type().IsRegular() && strings.HasPrefix(n, deployPrefix) && strings.HasSuffix(n, deploySuffix) {
			names = append(names, n)
		}
	}
	return names
}

// Amount writes how much of a thing is used, as 736 of 131,072 neurons.
func Amount(a schema.Amount) string {
	if a.Limit > 0 {
		return quantity(a.Used) + " of " + quantity(a.Limit) + " " + a.Name
	}
	return quantity(a.Used) + " " + a.Name
}

// Amounts writes a list of amounts in one line.
func Amounts(list []schema.Amount) string {
	out := make([]string, len(list))
	for i, a := range list {
		out[i] = Amount(a)
	}
	return strings.Join(out, ", ")
}

// quantity writes whole numbers whole, with their thousands apart, and others with four digits that count.
func quantity(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return Grouped(int(v))
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// deployment is what the page shows of a file deploy-*.json.
type deployment struct {
	Title, File string
	Unreadable  string // why the file says nothing; "" where it is a reply
	Fits        bool
	Used        []fact
	Problems    []schema.Placement
	Layers      []placedLayer
	Host        int // how many of the layers the host computes
	Notes       []string
}

type placedLayer struct{ Network, Layer, Where, Used string }

// deployments reads the files deploy-*.json.
func (f *Folder) deployments() ([]deployment, error) {
	var all []deployment
	for _, file := range f.deployFiles() {
		text, err := os.ReadFile(f.Path(file))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		all = append(all, newDeployment(file, text))
	}
	return all, nil
}

// newDeployment reads a reply. A file that is none is shown as such: the user may have put it there.
func newDeployment(file string, text []byte) deployment {
	d := deployment{Title: strings.TrimSuffix(file, deploySuffix), File: file}
	var reply schema.TargetReply
	if err := parseJSON(text, &reply); err != nil {
		d.Unreadable = err.Error()
		return d
	}
	d.Fits, d.Notes = reply.Fits, reply.Notes
	for _, a := range reply.Used {
		more := ""
		if a.Limit > 0 {
			more = "of " + quantity(a.Limit) + " (" + percent(a.Used/a.Limit) + ")"
		}
		d.Used = append(d.Used, fact{a.Name, quantity(a.Used), more})
	}
	for _, l := range reply.Layers {
		if l.Problem != "" {
			d.Problems = append(d.Problems, l)
		}
		p := placedLayer{l.Network, l.Layer, "chip", Amounts(l.Used)}
		switch {
		case l.Layer == "": // a problem of the whole network
			continue
		case l.Host:
			p.Where = "host"
			d.Host++
		case l.Problem != "":
			p.Where = "does not fit"
		}
		d.Layers = append(d.Layers, p)
	}
	return d
}
