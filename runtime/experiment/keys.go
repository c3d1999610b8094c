package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/train"
)

// numerics is the version of everything that turns a graph into numbers: kernels, optimisers, random numbers. It changes when
// they give other bytes, so that an old training is not continued with them.
const numerics = "2"

// job is an action of the spec as it is to be done.
type job struct {
	*check.Action
	id    string // structural: kind and place, such as "train 0" or "sample 0.1"
	name  string // for people: "train digit", "sample digit[1]"
	model *build.Model
	use   *use              // of sample and evaluate
	parts map[string]string // what the key is made of, by the name that people are told
	key   string
	// Of a train action: whether its length is a part of the key, see trainParts.
	bound bool
	room  int // bytes that the steps of a training may take; 0: no bound. See fits.
	// What fits has planned of a training, so that it is not planned twice.
	planned []train.PlannedStep
}

// jobs returns the actions of the spec in file order.
func (x *Experiment) jobs() []*job {
	var out []*job
	count := map[string]int{}
	for _, a := range x.Spec.Actions {
		count[a.Kind+a.Model.Name]++
	}
	for _, a := range x.Spec.Actions {
		i := slices.IndexFunc(x.Models, func(m *build.Model) bool { return m.Model == a.Model })
		if i < 0 {
			continue // never trained, which the checker has reported
		}
		j := &job{Action: a, model: x.Models[i], use: x.uses[a], name: a.Kind + " " + a.Model.Name}
		j.id = a.Kind + " " + strconv.Itoa(j.model.Index)
		if a.Kind != "train" {
			j.id += "." + strconv.Itoa(a.Number)
		}
		if count[a.Kind+a.Model.Name] > 1 {
			j.name += "[" + strconv.Itoa(a.Number) + "]"
		}
		out = append(out, j)
	}
	return out
}

// seal computes the key from the parts.
func (j *job) seal() {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(j.parts)) {
		if name == lengthPart && !j.bound || name == sheetPart {
			continue
		}
		fmt.Fprintf(h, "%q = %q\n", name, j.parts[name])
	}
	j.key = hex.EncodeToString(h.Sum(nil))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// The parts that may change without making an action another one: a training goes on when it gets longer, and what is computed
// from a training is computed again when that has gone on. Another sheet shows the same samples; they are drawn again for it.
const (
	lengthPart   = "length"
	trainingPart = "training"
	sheetPart    = "sheet"
)

// trainParts are what a training is made of. Its length counts only where something depends on it: else a longer training is
// the same one, gone on. What it begins with counts by its values, wherever they lie (so `new` counts by what it leaves out),
// and how much memory it may take does not. others identifies the trainings of the models that fill roles, and codes what plugins compute.
func (j *job) trainParts(dataHash string, start train.Weights, others map[*build.Model]string, codes map[string]string) {
	m := j.model
	j.parts = map[string]string{
		"numerics": numerics,
		"model":    fmt.Sprintf("%s %s", m.Component.Name, m.Component.Version),
		"program":  digest(unbound(m.Program)),
		"data":     dataHash,
	}
	maps.Copy(j.parts, codes)
	for path, module := range m.OwnNetworks() {
		j.parts["network of "+path] = digest(structure(module))
	}
	for _, o := range m.Others {
		j.parts["model of "+o.Role] = others[o.Model]
	}
	for name, v := range j.Settings {
		switch {
		case slices.Contains([]string{dataSetting, "epochs", "iterations", startSetting, newSetting, memorySetting}, name):
		case name == "precision" && v.Text == "single": // no part: trainings of before this setting have none, and go on
		default:
			j.parts[name] = render(v)
		}
	}
	for _, o := range j.optimizers() {
		if o.Args.Has("clamp") {
			j.parts["clamp of"] = "matrices and kernels" // once it was of all weights: such trainings do not go on
		}
	}
	if start != nil {
		j.parts[startSetting] = start.Digest()
	}
	j.parts[lengthPart] = j.length()
	j.bound = j.needsLength()
	j.seal()
}

// structure is the text of a network without the names that the spec gives its parameters.
func structure(m *graph.Module) string {
	plain := graph.Module{Variables: m.Variables, Equations: m.Equations, Opaques: m.Opaques}
	for _, f := range m.Functions {
		g := f.Clone()
		for i, n := range g.Inputs {
			n.Attrs = graph.Attrs{"name": fmt.Sprintf("in%d", i), "type": n.Out[0]}
		}
		plain.Functions = append(plain.Functions, g)
	}
	return plain.Print()
}

// length says how long the training is.
func (j *job) length() string {
	if n := j.Settings.Int("epochs"); n > 0 {
		return fmt.Sprintf("%d epochs", n)
	}
	return fmt.Sprintf("%d iterations", j.Settings.Int("iterations"))
}

// needsLength reports whether the course of the training depends on its length: by a schedule, or by the Program.
func (j *job) needsLength() bool {
	for _, o := range j.optimizers() {
		if s := o.Args.Text("schedule"); s == "cosine" || s == "linear" {
			return true
		}
	}
	for _, g := range j.model.Program.Functions {
		if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Op == graph.OpHost && n.Text("what") == "progress" }) {
			return true
		}
	}
	return false
}

// optimizers returns the optimisers of a train action by slot; "" is the one for all.
func (j *job) optimizers() map[string]schema.Value {
	v := j.Settings["optimizer"]
	if v.Text == "each" {
		return v.Args
	}
	return map[string]schema.Value{"": v}
}

// outcome identifies what a training ends with.
func (j *job) outcome() string { return digest(j.key + " " + j.length()) }

// useParts are what a sample, evaluate or deploy action is made of: the training that it reads, its own settings, and what it
// reads besides.
func (j *job) useParts(training string, own map[string]string) {
	j.parts = map[string]string{"numerics": numerics, trainingPart: training}
	maps.Copy(j.parts, own)
	for name, v := range j.Settings {
		switch {
		case name == dataSetting: // what it holds is a part, and how the spec calls it is none
		case name == "replace": // the networks with what it puts in are a part, and how the spec calls that is none
		case name == roundSetting && v.Number != 0: // no part: evaluations of before this setting have none
		case name == repeatsSetting && v.Number == 1: // no part: deployments of before this setting have none
		default:
			j.parts[name] = render(v)
		}
	}
	j.seal()
}

// changes lists the parts that differ, for people, without those of except.
func changes(old, now map[string]string, except ...string) []string {
	names := slices.Sorted(maps.Keys(now))
	for name := range old {
		if _, ok := now[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		was, is := old[name], now[name]
		switch {
		case was == is || slices.Contains(except, name):
		case strings.HasPrefix(name, codePart) && was != "" && is != "":
			out = append(out, "the "+name+" has changed")
		case len(was) == 64 && len(is) == 64: // digests say nothing
			out = append(out, name+" computes something else")
		case was == "":
			out = append(out, fmt.Sprintf("%s: %s is new", name, is))
		case is == "":
			out = append(out, fmt.Sprintf("%s: %s is gone", name, was))
		default:
			out = append(out, fmt.Sprintf("%s: %s is now %s", name, was, is))
		}
	}
	return out
}

// render writes a checked value as the language does, in one fixed form.
func render(v schema.Value) string {
	switch v.Type {
	case schema.Bool:
		return strconv.FormatBool(v.Number != 0)
	case schema.String:
		return strconv.Quote(v.Text)
	case schema.Int, schema.Real:
		return strconv.FormatFloat(v.Number, 'g', -1, 64)
	case schema.Time, schema.Bytes:
		return strconv.FormatFloat(v.Number, 'g', -1, 64) + " " + v.Unit
	case schema.Range:
		return render(v.Items[0]) + ".." + render(v.Items[1])
	case schema.Size:
		return render(v.Items[0]) + "x" + render(v.Items[1])
	case schema.List:
		items := make([]string, len(v.Items))
		for i, item := range v.Items {
			items[i] = render(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case schema.Terms:
		items := make([]string, len(v.Items))
		for i, item := range v.Items {
			items[i] = strconv.FormatFloat(item.Weight, 'g', -1, 64) + " * " + render(item)
		}
		return strings.Join(items, " + ")
	}
	if len(v.Args) == 0 {
		return v.Text
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(v.Args)) {
		args = append(args, name+" = "+render(v.Args[name]))
	}
	return v.Text + "(" + strings.Join(args, ", ") + ")"
}
