package compare

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"snnc.dev/snnc/runtime/record"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// run is what a test writes into a run folder.
type run struct {
	model    record.ModelNote
	old      bool // without models.json
	updates  int  // that are done
	total    int  // of the training
	metrics  record.Metrics
	undone   []string // actions that are begun
	hash     string   // of the reference data
	sheet    bool
	afterRun func(dir string) error
}

// write makes a run folder as a run does.
func (x run) write(t testing.TB, dir string) {
	t.Helper()
	f, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if !x.old {
		check(f.SetModels(record.Models{Program: "0.9", Models: []record.ModelNote{x.model}}))
	}
	check(f.SetOptions(record.Options{Spec: x.model.Name + ".snn", Preset: "small", Set: []string{"fire.threshold=2", "name='a b'"}}))
	check(f.PutAction("train 0", record.ActionRecord{Name: x.model.Training, Done: x.updates == x.total, Updates: x.total, Parts: map[string]string{"model": x.model.Kind + " 1.0"}}))
	for i := 1; i <= x.updates; i++ {
		check(f.Append(record.Event{Action: x.model.Training, Kind: record.Step, Step: i, Seconds: 100 * float64(i), Rates: map[string]float64{"a.fire": 0.1, "b.fire": 0.02, "c.fire": 0.06}}))
	}
	i := 0
	for action, figures := range x.metrics {
		for name, figure := range figures {
			check(f.SetMetric(action, name, figure))
		}
		check(f.PutAction(fmt.Sprintf("evaluate 0.%d", i), record.ActionRecord{Name: action, Done: true, Parts: map[string]string{"reference data": x.hash}}))
		i++
	}
	for _, action := range x.undone {
		check(f.PutAction(action, record.ActionRecord{Name: action}))
	}
	if x.sheet {
		check(f.WriteSheet("sample-"+x.model.Name, record.Images{N: 2, Channels: 1, Height: 2, Width: 2, Lo: 0, Hi: 1, Pixels: make([]float32, 8)}, 1, 2))
	}
	check(f.Close())
	if x.afterRun != nil {
		check(x.afterRun(dir))
	}
}

func distance(value float64, count int, of string) record.Figure {
	return record.Figure{Value: value, Count: count, Reference: "test", Seed: 5, Interval: record.Interval{Low: value - 0.5, High: value + 0.75},
		Recipe: fmt.Sprintf("distance over %s, %d samples", of, count)}
}

func model(name, kind, sampler string, turns int) record.ModelNote {
	return record.ModelNote{Name: name, Kind: kind, Training: "train " + name, Data: "digits(range = 0..1)", Seed: 7, Parameters: 123456, Frozen: 12, Examples: 64,
		Roles: []record.RoleNote{{Role: "net", Network: "n", Steps: 4}, {Role: "code", Network: "c", Steps: 16}, {Role: "plain", Network: "p"}},
		Draws: []record.DrawNote{
			{Action: "sample " + name, Sampler: sampler, Evaluations: map[string]int{"net": turns}, Operations: turns * 1_000_000},
			{Action: "evaluate " + name, Sampler: sampler, Evaluations: map[string]int{"net": turns}, Operations: turns * 1_000_000, Data: "digits(range = 0..1, split = train, classes = [0], take = 500)"},
			{Action: "evaluate " + name + "[0]", Sampler: sampler, Evaluations: map[string]int{"net": turns}, Operations: turns * 1_000_000, Data: "digits(range = 0..1)"},
			{Action: "evaluate " + name + "[1]", Sampler: "slow", Evaluations: map[string]int{"net": 1000}, Operations: 1_000_000_000, Data: "digits(range = -1..1)"},
		}}
}

// example writes the runs that the goldens show: whole, of several samplers, of other recipes, old, unfinished, broken, and none.
func example(t testing.TB) []string {
	t.Helper()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, filepath.FromSlash(name)) }
	run{model: model("digit", "walk", "fast(turns = 10)", 10), updates: 3, total: 3, hash: "aa", sheet: true, metrics: record.Metrics{
		"evaluate digit[0]": {"distance": distance(20.5, 2000, "edges"), "mse": {Value: 0.03125, Count: 100, Reference: "test", Recipe: "mean squared error"},
			"spikes_a": {Value: 17, Count: 64, Reference: "test", Recipe: "spikes of layer a", Detail: true}},
		"evaluate digit[1]": {"distance": distance(12.25, 2000, "edges")}}}.write(t, at("one/digit"))
	run{model: model("code", "code|book", "fast(turns = 1)", 1), updates: 2, total: 2, hash: "bb", sheet: true, metrics: record.Metrics{
		"evaluate code": {"distance": distance(31, 1000, "pixels"), "share": {Value: 1234567, Count: 9, Reference: "train", Recipe: "share <of> all"}}}}.write(t, at("two/digit"))
	run{model: model("digit", "walk", "", 0), old: true, updates: 1, total: 1, hash: "aabbccddeeff00", metrics: record.Metrics{
		"evaluate digit": {"distance": distance(22, 2000, "edges")}}}.write(t, at("old"))
	run{model: model("digit", "walk", "fast", 1), updates: 3, total: 1200, undone: []string{"sample digit"}}.write(t, at("stopped"))
	run{model: model("digit", "walk", "fast", 1), updates: 0, total: 1200}.write(t, at("begun"))
	run{model: model("digit", "walk", "fast", 1), updates: 1, total: 1, afterRun: func(dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, record.MetricFile), []byte("{"), 0o666), os.WriteFile(filepath.Join(dir, record.ModelFile), []byte(`{"version": 9}`), 0o666))
	}}.write(t, at("torn"))
	run{model: model("digit", "walk", "fast", 1), updates: 1, total: 1, afterRun: func(dir string) error {
		return os.WriteFile(filepath.Join(dir, record.ActionFile), []byte("[]"), 0o666)
	}}.write(t, at("damaged"))
	run{model: model("digit", "walk", "fast", 1), updates: 1, total: 1}.write(t, at("sweep/a=1"))
	if err := record.WriteSweep(at("sweep"), record.Sweep{Spec: "a.snn", Runs: []record.SweepRun{{Folder: "a=1", State: record.RunDone}, {Folder: "a=2", State: record.RunFailed, Error: "the loss is NaN"}}}); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("other"), 0o777); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range []string{"one/digit", "two/digit", "old", "stopped", "begun", "torn", "damaged", "sweep", "other", "missing", "one/digit"} {
		all = append(all, at(name))
	}
	return all
}

func text(t testing.TB, write func(io.Writer) error) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A sampler stands with the classes that an action chose and with what it replaced.
func TestWay(t *testing.T) {
	for want, d := range map[string]record.DrawNote{
		"fast":                      {Sampler: "fast"},
		"fast with labels = [1, 3]": {Sampler: "fast", Labels: "[1, 3]"},
		"fast with labels = [1] and [fire(threshold = 2)]": {Sampler: "fast", Labels: "[1]", Replace: "[fire(threshold = 2)]"},
		"with [fire(threshold = 2)]":                       {Replace: "[fire(threshold = 2)]"},
	} {
		if got := way(d); got != want {
			t.Errorf("%+v is %q, not %q", d, got, want)
		}
	}
}

// The four forms of a table of all kinds of folders.
func TestForms(t *testing.T) {
	folders := example(t)
	table, whole := Read(folders)
	if whole {
		t.Error("broken folders are called whole")
	}
	picture := regexp.MustCompile(`data:image/png;base64,[A-Za-z0-9+/=&#;]+`)
	for name, write := range map[string]func(io.Writer) error{"text.txt": table.Text, "page.md": table.Markdown, "table.json": table.JSON, "page.html": table.HTML} {
		got := text(t, write)
		if strings.Contains(got, filepath.Dir(folders[2])) {
			t.Errorf("%s depends on where the folders are", name)
		}
		if again, _ := Read(folders); got != text(t, map[string]func(io.Writer) error{"text.txt": again.Text, "page.md": again.Markdown, "table.json": again.JSON, "page.html": again.HTML}[name]) {
			t.Errorf("%s: the same folders give other bytes", name)
		}
		got = picture.ReplaceAllString(got, "PICTURE")
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want), got); d != "" {
			t.Errorf("%s (run with -update to accept):\n%s", file, d)
		}
	}
}

// The page asks the network for nothing and holds the pictures of all runs that have some.
func TestPageStandsAlone(t *testing.T) {
	table, _ := Read(example(t))
	page := text(t, table.HTML)
	for _, m := range regexp.MustCompile(`(?i)(?:src|href)\s*=\s*"([^"]*)"|url\(|@import|<script|<link`).FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(m[1], "data:image/png;base64,") {
			t.Errorf("the page has %q", m[0])
		}
	}
	if n := strings.Count(page, "<img "); n != 2 {
		t.Errorf("%d pictures of two runs", n)
	}
	if strings.Contains(page, "<of>") {
		t.Error("a recipe is read as HTML")
	}
}

// Of a training that is done but whose events are lost, in part or whole, nothing is said that only the lost ones knew.
func TestLostEvents(t *testing.T) {
	for lines := range 3 {
		dir := filepath.Join(t.TempDir(), "run")
		run{model: model("digit", "walk", "fast", 1), updates: 3, total: 3, afterRun: func(dir string) error {
			path := filepath.Join(dir, record.EventFile)
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, []byte(strings.Join(strings.SplitAfter(string(text), "\n")[:lines], "")+"{"), 0o666)
		}}.write(t, dir)
		table, whole := Read([]string{dir})
		r := table.Rows[0]
		want := fmt.Sprintf("events.jsonl is damaged: it tells of %d of the 3 updates of `train digit`", lines)
		if whole || r.State != "done" || r.Updates != 0 || r.Examples != 0 || r.Seconds != 0 || r.Rates != nil || r.Notes[0] != want {
			t.Errorf("%d events: %v %+v", lines, whole, r)
		}
	}
}

// Whatever runs there are and in whatever order: two figures stand in one column exactly if name, recipe, count, split and data are
// equal; columns of one name have numbers and say what is different; no row has two figures in one column; none is lost.
func TestColumns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		var rows [][]found
		total := 0
		for range rapid.IntRange(0, 6).Draw(t, "rows") {
			var row []found
			for _, name := range []string{"mse", "distance", "score"} {
				if !rapid.Bool().Draw(t, "has") {
					continue
				}
				row = append(row, found{key: key{name, word("recipe", "of 10 a", "of 20 a", "of 10 b"), rapid.SampledFrom([]int{10, 20}).Draw(t, "count"),
					word("split", "test", "train"), word("data", "digits", "clothes")}})
				total++
			}
			rows = append(rows, row)
		}
		table := Table{Rows: make([]Row, len(rows))}
		table.columns(rows)
		count := 0
		for i, row := range table.Rows {
			for k, f := range row.Figures {
				if count++; k > 0 && row.Figures[k-1].Column >= f.Column {
					t.Fatalf("columns %d and %d in one row", row.Figures[k-1].Column, f.Column)
				}
				c := table.Columns[f.Column]
				if !slices.ContainsFunc(rows[i], func(x found) bool { return x.key == key{c.Name, c.Recipe, c.Count, c.Reference, c.Data} }) {
					t.Fatalf("row %d has no figure of column %+v", i, c)
				}
			}
		}
		if count != total {
			t.Fatalf("%d figures of %d", count, total)
		}
		seen := map[key]bool{}
		for i, c := range table.Columns {
			k := key{c.Name, c.Recipe, c.Count, c.Reference, c.Data}
			if seen[k] {
				t.Fatalf("two columns are alike: %+v", c)
			}
			seen[k] = true
			follows := i > 0 && table.Columns[i-1].Name == c.Name
			if follows != (c.Differs != "") || follows && c.Number != table.Columns[i-1].Number+1 {
				t.Fatalf("column %+v behind %v", c, table.Columns[:i])
			}
		}
	})
}

// Figures found by an action that has begun anew do not count, and figures of an old folder stand with those of a new one where the
// hash says that the data is the same.
func TestFigures(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	metrics := record.Metrics{"evaluate digit": {"distance": distance(3, 50, "edges")}}
	run{model: model("digit", "walk", "fast", 1), updates: 1, total: 1, hash: "same", metrics: metrics}.write(t, a)
	run{model: model("digit", "walk", "fast", 1), old: true, updates: 1, total: 1, hash: "same", metrics: metrics}.write(t, b)
	table, whole := Read([]string{a, b})
	if !whole || len(table.Columns) != 1 || len(table.Rows) != 2 || len(table.Rows[1].Figures) != 1 {
		t.Errorf("%v %+v", whole, table)
	}
	run{model: model("digit", "walk", "fast", 1), updates: 1, total: 1, metrics: metrics, afterRun: func(dir string) error {
		f, err := record.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(f.PutAction("evaluate 0.0", record.ActionRecord{Name: "evaluate digit"}), f.Close())
	}}.write(t, filepath.Join(dir, "c"))
	table, _ = Read([]string{filepath.Join(dir, "c")})
	if len(table.Columns) != 0 || !slices.Contains(table.Rows[0].Notes, "`evaluate digit`, `evaluate digit[0]`, `evaluate digit[1]`, `sample digit` are not done") {
		t.Errorf("%+v", table)
	}
}

// Data of one hash are one set, whatever the path of their files, and so are those of the same files in another range.
func TestOneSetOfTwoPaths(t *testing.T) {
	dir := t.TempDir()
	var folders []string
	for i, x := range [][2]string{{"shapes", "a"}, {"elsewhere/shapes.zip", "a"}, {"elsewhere/shapes.zip", "b"}, {"others", "c"}} {
		m := model("digit", "walk", "fast", 1)
		m.Draws = m.Draws[1:2]
		m.Draws[0].Data = fmt.Sprintf("pictures(folder = %q, range = 0..%d)", x[0], i+1)
		folders = append(folders, filepath.Join(dir, fmt.Sprint(i)))
		run{model: m, updates: 1, total: 1, hash: x[1], metrics: record.Metrics{"evaluate digit": {"distance": distance(3, 50, "edges")}}}.write(t, folders[i])
	}
	table, whole := Read(folders)
	if !whole || len(table.Columns) != 2 || table.Columns[0].Data != `pictures(folder = "shapes")` || table.Columns[1].Data != `pictures(folder = "others")` || len(table.Rows[2].Figures) != 1 || table.Rows[2].Figures[0].Column != 0 {
		t.Errorf("%v %+v", whole, table)
	}
}

// Images of another size are another recipe, which is told in words of the spec and not in hashes; of a run whose samples alone are
// done the sampler of these is shown; of a folder of runs it is said that it is one.
func TestWords(t *testing.T) {
	dir := t.TempDir()
	var folders []string
	for i, size := range []string{"4", "8"} {
		m := model("digit", "walk", "fast", 1)
		m.Draws = m.Draws[1:2]
		m.Draws[0].Data = "digits(size = " + size + ")"
		f := distance(3, 50, "edges of data "+strings.Repeat(size, 12)) // of bytes, and not the hash of the set
		folders = append(folders, filepath.Join(dir, "runs", size))
		run{model: m, updates: 1, total: 1, hash: "set" + size, metrics: record.Metrics{"evaluate digit": {"distance": f}}}.write(t, folders[i])
	}
	table, whole := Read(folders)
	if !whole || len(table.Columns) != 2 || table.Columns[1].Differs != "compared with digits(size = 8), not digits(size = 4)" || table.Rows[0].Notes != nil {
		t.Errorf("%v %+v", whole, table)
	}
	m := model("digit", "walk", "fast", 1)
	run{model: m, updates: 1, total: 1, afterRun: func(dir string) error {
		f, err := record.Open(dir)
		if err != nil {
			return err
		}
		return errors.Join(f.PutAction("evaluate 0.0", record.ActionRecord{Name: "evaluate digit[1]", Done: true}), f.Close())
	}}.write(t, filepath.Join(dir, "drawn"))
	if table, _ = Read([]string{filepath.Join(dir, "drawn")}); table.Rows[0].Sampler != "slow" {
		t.Errorf("%+v", table.Rows)
	}
	if table, _ = Read([]string{filepath.Join(dir, "runs")}); table.Rows[0].Notes[0] != "it holds no run itself, but folders in it do: name these, such as runs/*" {
		t.Errorf("%+v", table.Rows)
	}
}

// Numbers are short, and none is misread for another.
func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{"0.03125": number(0.03125), "12.25": number(12.25), "1234567": number(1234567), "-3.142": number(-3.14159), "0": number(0),
		"2.5%":  percent(0.025),
		"a-b=1": word("a-b=1"), "'a b'": word("a b"), `'it'\''s'`: word("it's"), "''": word("")} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if d := cmp.Diff([]string{"x/a", "y/a", "c"}, short([]string{"r/x/a", "r/y/a", "r/c"})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{`a = [1, 2]`, `b = f(1, 2)`, `c = "x, \"y"`}, splitArguments(`a = [1, 2], b = f(1, 2), c = "x, \"y"`)); d != "" {
		t.Error(d)
	}
}
