package compare

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/record"
)

// runSheets are the sheets of one run.
type runSheets struct {
	run    string
	sheets []record.Sheet
}

// Read makes the table of run folders; a folder of a sweep stands for its runs. A folder that cannot be read is a row whose state is
// broken, and never an error. whole is false where there is such a row.
func Read(folders []string) (t *Table, whole bool) {
	t = &Table{Version: Version, Rows: []Row{}}
	whole = true
	runs, bad := members(folders)
	names := short(runs)
	var of [][]found
	for i, dir := range runs {
		r := reader{dir: dir, name: names[i]}
		if err := bad[dir]; err != nil {
			r.broken(err)
		} else if err := r.read(); err != nil {
			r.rows, r.figures = nil, nil
			r.broken(err)
		}
		if r.failed {
			whole = false
		}
		t.Rows, of = append(t.Rows, r.rows...), append(of, r.figures...)
		if len(r.sheets) > 0 {
			t.sheets = append(t.sheets, runSheets{r.name, r.sheets})
		}
	}
	t.columns(of)
	return t, whole
}

// members are the run folders of a command line, those of sweeps in their place, each once, and what stands against some.
func members(folders []string) (runs []string, bad map[string]error) {
	bad = map[string]error{}
	add := func(dir string, err error) {
		if slices.Contains(runs, dir) {
			return
		}
		runs = append(runs, dir)
		if err != nil {
			bad[dir] = err
		}
	}
	for _, dir := range folders {
		dir = filepath.Clean(dir)
		switch kind, err := record.Holds(dir); {
		case errors.Is(err, fs.ErrNotExist):
			add(dir, errors.New("there is no such folder"))
		case err != nil:
			add(dir, err)
		case kind == "sweep":
			s, err := record.ReadSweep(dir)
			if err != nil {
				add(dir, err)
				continue
			}
			for _, m := range s.Runs {
				switch {
				case !filepath.IsLocal(m.Folder):
					add(dir, fmt.Errorf("the sweep has a run in %q", m.Folder))
				case m.State == record.RunFailed:
					add(filepath.Join(dir, m.Folder), errors.New(cmp.Or(m.Error, "the run failed")))
				default:
					add(filepath.Join(dir, m.Folder), nil)
				}
			}
		case kind == "":
			add(dir, noRun(dir))
		default:
			add(dir, nil)
		}
	}
	return runs, bad
}

// noRun says of a folder without a run whether those in it have some.
func noRun(dir string) error {
	inside, err := filepath.Glob(filepath.Join(dir, "*", record.ActionFile))
	if err != nil || len(inside) == 0 {
		return errors.New("it holds no run")
	}
	return fmt.Errorf("it holds no run itself, but folders in it do: name these, such as %s/*", filepath.Base(dir))
}

// short returns the last element of each path, or as many of its last ones as tell it from all others.
func short(paths []string) []string {
	out := make([]string, len(paths))
	for i, path := range paths {
		parts := strings.Split(filepath.ToSlash(path), "/")
		for n := 1; n <= len(parts); n++ {
			out[i] = strings.Join(parts[len(parts)-n:], "/")
			if !slices.ContainsFunc(paths, func(other string) bool {
				return other != path && (other == out[i] || strings.HasSuffix(filepath.ToSlash(other), "/"+out[i]))
			}) {
				break
			}
		}
	}
	return out
}

// reader reads one run folder.
type reader struct {
	dir, name string
	rows      []Row
	figures   [][]found // of each row
	sheets    []record.Sheet
	failed    bool
}

func (r *reader) broken(err error) {
	r.failed = true
	r.rows = append(r.rows, Row{Run: r.name, State: "broken", Notes: []string{r.local(err)}, Steps: []int{}})
	r.figures = append(r.figures, nil)
}

// local is what an error says, with paths as seen from the run folder: the table does not depend on where that is.
func (r *reader) local(err error) string {
	return strings.ReplaceAll(err.Error(), filepath.Clean(r.dir)+string(filepath.Separator), "")
}

func (r *reader) read() error {
	actions, err := record.ReadActions(r.dir)
	if err != nil {
		return err
	}
	events, err := record.ReadEvents(r.dir)
	if err != nil {
		return err
	}
	var notes []string
	note := func(err error) {
		r.failed = true
		notes = append(notes, r.local(err))
	}
	metrics, err := record.ReadMetrics(r.dir)
	if err != nil {
		note(err)
	}
	models, err := record.ReadModels(r.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		notes = append(notes, "an earlier snnc made the folder, without "+record.ModelFile+": the same run once more writes it, and does nothing again that is done")
		models = guess(actions)
	case err != nil:
		note(err)
		models = guess(actions)
	}
	command := ""
	if o, err := record.ReadOptions(r.dir); err == nil {
		command = commandLine(o)
	} else if !errors.Is(err, fs.ErrNotExist) {
		note(err)
	}
	if r.sheets, err = record.ReadSheets(r.dir); err != nil {
		note(err)
	}
	if len(models.Models) == 0 {
		r.rows = append(r.rows, Row{Run: r.name, Command: command, State: "not begun", Notes: notes, Steps: []int{}})
		r.figures = append(r.figures, nil)
		return nil
	}
	for _, m := range models.Models {
		row := Row{Run: r.name, Command: command, Program: models.Program, Model: m.Name, Kind: m.Kind, Notes: slices.Clone(notes), Steps: steps(m)}
		if m.Examples > 0 { // it was written down, and not guessed
			row.Data, row.Seed, row.Parameters, row.Frozen = m.Data, &m.Seed, &m.Parameters, m.Frozen
		}
		if err := row.train(actions, events, m); err != nil {
			r.failed = true
			row.Notes = append(row.Notes, r.local(err))
		}
		row.missing(actions, m)
		r.judged(row, m, actions, metrics)
	}
	return nil
}

// train fills in how far the training of a model is. That the events of one that is done do not reach its end is an error; what it
// took is left out then.
func (row *Row) train(actions map[string]record.ActionRecord, events []record.Event, m record.ModelNote) error {
	var done bool
	total := 0
	for _, a := range actions {
		if a.Name == m.Training {
			done, total = a.Done, a.Updates
		}
	}
	for _, e := range events {
		if e.Action != m.Training || e.Kind != record.Step && e.Kind != record.Epoch && e.Kind != record.Done || e.Step == 0 {
			continue
		}
		row.Updates, row.Seconds = e.Step, e.Seconds
		if len(e.Rates) == 0 {
			continue
		}
		list := slices.Collect(maps.Values(e.Rates))
		slices.Sort(list) // a sum does not depend on the order of a map
		row.Rates = &Rates{Low: list[0], High: list[len(list)-1]}
		for _, x := range list {
			row.Rates.Mean += x / float64(len(list))
		}
	}
	if done && row.Updates < total {
		lost := fmt.Errorf("%s is damaged: it tells of %s of the %s updates of `%s`", record.EventFile, record.Grouped(row.Updates), record.Grouped(total), m.Training)
		row.State, row.Updates, row.Seconds, row.Rates = "done", 0, 0, nil
		return lost
	}
	row.Examples = row.Updates * m.Examples
	switch {
	case done:
		row.State = "done"
	case row.Updates == 0:
		row.State = "not begun"
	case total > 0:
		row.State = fmt.Sprintf("%s of %s updates", record.Grouped(row.Updates), record.Grouped(total))
	default:
		row.State = record.Grouped(row.Updates) + " updates, not done"
	}
	return nil
}

// missing notes the actions of a model that are not done: those that are begun, and, once it is trained, those that wait.
func (row *Row) missing(actions map[string]record.ActionRecord, m record.ModelNote) {
	var list []string
	for _, a := range actions {
		if a.Name != m.Training && !a.Done && of(a.Name, m.Name) {
			list = append(list, a.Name)
		}
	}
	for _, d := range m.Draws {
		if row.State == "done" && !done(actions, d.Action) && !slices.Contains(list, d.Action) {
			list = append(list, d.Action)
		}
	}
	slices.SortFunc(list, byNumber)
	switch len(list) {
	case 0:
	case 1:
		row.Notes = append(row.Notes, "`"+list[0]+"` is not done")
	default:
		row.Notes = append(row.Notes, "`"+strings.Join(list, "`, `")+"` are not done")
	}
}

// done reports whether an action of some name is done.
func done(actions map[string]record.ActionRecord, name string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(a record.ActionRecord) bool { return a.Name == name && a.Done })
}

// of reports whether an action such as `evaluate digit[1]` is one of a model.
func of(action, model string) bool {
	_, name, _ := strings.Cut(action, " ")
	name, _, _ = strings.Cut(name, "[")
	return name == model
}

// judged adds the rows of a model: one for each sampler that its figures were found with. Two evaluations of one sampler share a
// row, unless both have a figure of one column.
func (r *reader) judged(row Row, m record.ModelNote, actions map[string]record.ActionRecord, metrics record.Metrics) {
	at := len(r.rows)
	var names []string
	for action := range metrics {
		if of(action, m.Name) && !slices.ContainsFunc(slices.Collect(maps.Values(actions)), func(a record.ActionRecord) bool { return a.Name == action && !a.Done }) {
			names = append(names, action)
		}
	}
	slices.SortFunc(names, byNumber)
	for _, action := range names {
		d := drawn(m, action)
		sampler := way(d)
		hash := ""
		for _, a := range actions {
			if a.Name == action {
				hash = a.Parts["reference data"]
			}
		}
		var list []found
		for _, name := range slices.Sorted(maps.Keys(metrics[action])) {
			f := metrics[action][name]
			list = append(list, found{key{name, f.Recipe, f.Count, f.Reference, images(d.Data, f.Reference)},
				RowFigure{Action: action, Value: f.Value, Interval: f.Interval, Seed: f.Seed}, hash, d.Data, f.Detail})
		}
		clash := func(i int) bool {
			return slices.ContainsFunc(r.figures[i], func(f found) bool {
				return slices.ContainsFunc(list, func(g found) bool { return f.key == g.key })
			})
		}
		i := at
		for i < len(r.rows) && (r.rows[i].Sampler != sampler && sampler != "" && r.rows[i].Sampler != "" || clash(i)) {
			i++
		}
		if i == len(r.rows) {
			r.rows, r.figures = append(r.rows, row), append(r.figures, nil)
		}
		if sampler != "" {
			r.rows[i].Sampler, r.rows[i].Draw = sampler, &DrawCost{d.Evaluations, d.Operations}
		}
		r.figures[i] = append(r.figures[i], list...)
	}
	if len(r.rows) == at {
		r.rows, r.figures = append(r.rows, row), append(r.figures, nil)
	}
	if slices.ContainsFunc(r.rows[at:], func(row Row) bool { return row.Draw != nil }) {
		return
	}
	// No figure is of samples: what one takes is known all the same, first of all where some were drawn.
	for _, drawn := range []bool{true, false} {
		for _, d := range m.Draws {
			if d.Sampler != "" && d.Replace == "" && done(actions, d.Action) == drawn {
				r.rows[at].Sampler, r.rows[at].Draw = way(d), &DrawCost{d.Evaluations, d.Operations}
				return
			}
		}
	}
}

// drawn is what the folder says of how an action draws.
func drawn(m record.ModelNote, action string) record.DrawNote {
	for _, d := range m.Draws {
		if d.Action == action {
			return d
		}
	}
	return record.DrawNote{}
}

// way says how an action draws: by which sampler, of which classes where it names some, and what is replaced for it.
func way(d record.DrawNote) string {
	var with []string
	if d.Labels != "" {
		with = append(with, "labels = "+d.Labels)
	}
	if d.Replace != "" {
		with = append(with, d.Replace)
	}
	if len(with) == 0 {
		return d.Sampler
	}
	return strings.TrimSpace(d.Sampler + " with " + strings.Join(with, " and "))
}

// byNumber sorts the names of actions, `evaluate digit[10]` behind `evaluate digit[9]`.
func byNumber(a, b string) int {
	split := func(name string) (string, int) {
		head, tail, _ := strings.Cut(name, "[")
		n, _ := strconv.Atoi(strings.TrimSuffix(tail, "]"))
		return head, n
	}
	p, m := split(a)
	q, n := split(b)
	return cmp.Or(cmp.Compare(p, q), cmp.Compare(m, n))
}

// images names the data whose split an evaluation has compared with: the set, with the arguments that choose among the examples of
// that. Those that say in what form an example comes (range, size) are a matter of the recipe, the split is the figure's reference,
// and what a training alone does to its examples has nothing to do with it.
func images(data, split string) string {
	other := []string{"range", "size", "split", "flip", ""}
	if split == "test" {
		other = append(other, "take", "balance") // which choose for the training
	}
	name, args, _ := strings.Cut(strings.TrimSuffix(data, ")"), "(")
	var kept []string
	for _, arg := range splitArguments(args) {
		if key, _, _ := strings.Cut(arg, " ="); !slices.Contains(other, key) {
			kept = append(kept, arg)
		}
	}
	if len(kept) == 0 {
		return name
	}
	return name + "(" + strings.Join(kept, ", ") + ")"
}

// splitArguments splits arguments at the commas that stand in no brackets and no string.
func splitArguments(text string) (out []string) {
	depth, quoted, from := 0, false, 0
	for i, c := range text {
		switch {
		case c == '"' && (i == 0 || text[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			out, from = append(out, strings.TrimSpace(text[from:i])), i+1
		}
	}
	return append(out, strings.TrimSpace(text[from:]))
}

// steps are the different numbers of time steps of a model's networks, rising.
func steps(m record.ModelNote) []int {
	out := []int{}
	for _, r := range m.Roles {
		if r.Steps > 0 {
			out = append(out, r.Steps)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// guess is what the records of actions say of the models of a folder without models.json.
func guess(actions map[string]record.ActionRecord) record.Models {
	var out record.Models
	for _, id := range slices.Sorted(maps.Keys(actions)) {
		a := actions[id]
		if name, is := strings.CutPrefix(a.Name, "train "); is {
			kind, _, _ := strings.Cut(a.Parts["model"], " ")
			out.Models = append(out.Models, record.ModelNote{Name: name, Kind: kind, Training: a.Name})
		}
	}
	return out
}

// commandLine is the command that a run was begun with, but for the place of its files.
func commandLine(o record.Options) string {
	parts := []string{"snnc", "run", word(o.Spec)}
	if o.Preset != "" {
		parts = append(parts, "--preset", word(o.Preset))
	}
	for _, set := range o.Set {
		parts = append(parts, "--set", word(set))
	}
	return strings.Join(parts, " ")
}

// word quotes a word of a command line where a shell would make something else of it.
func word(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=/:,+@") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
