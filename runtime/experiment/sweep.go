package experiment

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// Sweep is what a command line asks for whose --set stand for several values: a run for each, or for each combination.
type Sweep struct {
	Members []Member
	index   record.Sweep
}

// Member is one run of a sweep.
type Member struct {
	Name    string // such as `digit=3,width=8`; its folder is called so
	Values  []record.SweepValue
	Options Options
}

// ReadSweep returns the sweep that the options ask for: nil where nothing is swept. The values of all members are checked; a
// finding of some members only says of which. What the plugins and the data say of a member is seen when it is loaded and run.
func ReadSweep(ctx context.Context, h *host.Host, name string, text []byte, o Options) (*Sweep, diag.List, diag.Sources) {
	file, parsed, sources := parse(name, text)
	sets, bad := replacements(o.Sets, sources)
	if bad.HasErrors() || !slices.ContainsFunc(sets, several) {
		return nil, nil, sources // as the other returns of nothing: Load says what there is to say
	}
	builtin, used, bad := describe(ctx, h, file)
	if bad.HasErrors() {
		return nil, nil, sources
	}
	cat := Catalogue(ctx, h, builtin, used)
	s := &Sweep{Members: []Member{{Options: Options{Preset: o.Preset}}}, index: record.Sweep{Spec: name, Preset: o.Preset, Sets: o.Sets}}
	swept := false
	var found diag.List
	for i, set := range o.Sets {
		var values []string
		if path := dsl.PathText(sets[i].Path); !slices.ContainsFunc(sets[i+1:], func(x dsl.Change) bool { return dsl.PathText(x.Path) == path }) {
			values, bad = check.Sweep(file, check.Options{Catalogue: cat, Preset: o.Preset, Sets: sets[:i]}, sets[i], set)
			found = append(found, bad...)
		}
		if swept = swept || len(values) > 0; len(values)*len(s.Members) > check.MaxSweep {
			found.Add(diag.Diagnostic{Code: diag.TooMuchWork, Range: sets[i].Range, Help: "choose fewer values",
				Summary: fmt.Sprintf("a sweep is of %d runs at most, and this asks for %d", check.MaxSweep, len(values)*len(s.Members))})
		}
		if found.HasErrors() {
			return nil, append(parsed, found...), sources
		}
		s.cross(set, sets[i], values)
	}
	if !swept {
		return nil, nil, sources
	}
	names := map[string]bool{}
	for i := range s.Members {
		m := &s.Members[i]
		if m.Name = folderName(m.Values); names[m.Name] {
			m.Name = fmt.Sprintf("%s-%d", m.Name, i+1)
		}
		names[m.Name] = true
		s.index.Runs = append(s.index.Runs, record.SweepRun{Folder: m.Name, Values: m.Values, State: record.RunLeft})
	}
	merged := merger{of: map[finding]int{}}
	for _, m := range s.Members {
		if ctx.Err() != nil {
			return nil, nil, sources
		}
		sets, _ := replacements(m.Options.Sets, sources)
		spec, bad := check.Check(file, check.Options{Catalogue: cat, Preset: o.Preset, Sets: sets})
		for label, text := range spec.Sources {
			sources[label] = text
		}
		merged.add(m, bad)
	}
	return s, append(parsed, merged.list(len(s.Members))...), sources
}

// several reports whether a change may stand for several values.
func several(x dsl.Change) bool {
	switch e := x.Value.(type) {
	case *dsl.List:
		return true
	case *dsl.Binary:
		return e.Op == ".."
	}
	return false
}

// cross gives every member each of the values; without values, the set as it stands.
func (s *Sweep) cross(set string, x dsl.Change, values []string) {
	if len(values) == 0 {
		for i := range s.Members {
			s.Members[i].Options.Sets = append(s.Members[i].Options.Sets, set)
		}
		return
	}
	var out []Member
	for _, m := range s.Members {
		for _, v := range values {
			n := Member{Values: append(slices.Clone(m.Values), record.SweepValue{Path: dsl.PathText(x.Path), Value: v}), Options: m.Options}
			n.Options.Sets = append(slices.Clone(m.Options.Sets), set[:x.Value.Span().Start.Offset]+v)
			out = append(out, n)
		}
	}
	s.Members = out
}

// folderName is the name of a folder that says the values; what file systems and shells make much of is left out.
func folderName(values []record.SweepValue) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, v.Path+"="+strings.ReplaceAll(v.Value, " ", ""))
	}
	name := strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f && !strings.ContainsRune("/\\:*?\"<>|$'`", c) {
			return c
		}
		return '_'
	}, strings.Join(parts, ","))
	return name[:min(len(name), 120)]
}

// finding is what makes findings of several members one.
type finding struct {
	code    diag.Code
	at      diag.Range
	summary string
}

// merger gathers the findings of members.
type merger struct {
	of      map[finding]int // index in found
	found   diag.List
	members [][]string // of each finding
}

func (m *merger) add(member Member, found diag.List) {
	for _, d := range found {
		key := finding{d.Code, d.Range, d.Summary}
		i, seen := m.of[key]
		if !seen {
			if i = len(m.found); i == 100 {
				return
			}
			m.of[key] = i
			m.found.Add(d)
			m.members = append(m.members, nil)
		}
		m.members[i] = append(m.members[i], member.Name)
	}
}

// list returns the findings; one of some members only says which.
func (m *merger) list(all int) diag.List {
	for i := range m.found {
		of := m.members[i]
		if len(of) == all {
			continue
		}
		note := "in the run " + of[0]
		if len(of) > 1 {
			note = fmt.Sprintf("in the runs %s", strings.Join(of[:min(len(of), 3)], " and "))
		}
		if len(of) > 3 {
			note += fmt.Sprintf(" and %d more", len(of)-3)
		}
		m.found[i].Notes = append(slices.Clone(m.found[i].Notes), diag.Note{Message: note})
	}
	return m.found
}

// Run does the members in order, each by do in a folder of its own inside folder, and keeps the index there. do is told the folders
// of the members before, whose trainings it may take over (RunOptions.Shared). What one fails with is kept and does not keep the
// others from running; a cancelled context ends the sweep with the context's error.
func (s *Sweep) Run(ctx context.Context, folder string, do func(i int, m Member, folder string, earlier []string) error) error {
	if err := record.OpenSweep(folder); err != nil {
		return err
	}
	for i := range s.index.Runs { // what is there already
		s.figures(folder, i)
	}
	if err := record.WriteSweep(folder, s.index); err != nil {
		return err
	}
	var earlier []string
	for i, m := range s.Members {
		if err := ctx.Err(); err != nil {
			return err
		}
		run, at := &s.index.Runs[i], filepath.Join(folder, m.Name)
		err := do(i, m, at, earlier)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		run.State, run.Error = record.RunDone, ""
		if err != nil {
			run.State, run.Error = record.RunFailed, err.Error()
		}
		s.figures(folder, i)
		if err := record.WriteSweep(folder, s.index); err != nil {
			return err
		}
		earlier = append(earlier, at)
	}
	return nil
}

// figures reads those of a run, where it has some.
func (s *Sweep) figures(folder string, i int) {
	run := &s.index.Runs[i]
	if m, err := record.ReadMetrics(filepath.Join(folder, run.Folder)); err == nil && len(m) > 0 {
		run.Metrics = m
	}
}

// Failed returns how many members have failed.
func (s *Sweep) Failed() int {
	n := 0
	for _, r := range s.index.Runs {
		if r.State == record.RunFailed {
			n++
		}
	}
	return n
}

// Table returns the runs with their figures but for details, a row each below a head.
func (s *Sweep) Table() [][]string {
	var columns []string // ACTION NAME
	actions := map[string]bool{}
	for _, r := range s.index.Runs {
		for action, figures := range r.Metrics {
			actions[action] = true
			for name, f := range figures {
				if column := action + "\x00" + name; !f.Detail && !slices.Contains(columns, column) {
					columns = append(columns, column)
				}
			}
		}
	}
	slices.Sort(columns)
	var head []string
	for _, v := range s.Members[0].Values {
		head = append(head, v.Path)
	}
	for _, c := range columns {
		action, name, _ := strings.Cut(c, "\x00")
		if len(actions) > 1 {
			name = strings.TrimPrefix(action, "evaluate ") + " " + name
		}
		head = append(head, name)
	}
	out := [][]string{head}
	for _, r := range s.index.Runs {
		var row []string
		for _, v := range r.Values {
			row = append(row, v.Value)
		}
		for _, c := range columns {
			action, name, _ := strings.Cut(c, "\x00")
			cell := "-"
			if f, ok := r.Metrics[action][name]; ok {
				cell = fmt.Sprintf("%.5g", f.Value)
			}
			row = append(row, cell)
		}
		if r.State != record.RunDone {
			row = append(row, string(r.State))
		}
		out = append(out, row)
	}
	return out
}
