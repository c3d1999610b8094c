package compare

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/runtime/record"
)

// Version is the version of the form of a table as JSON.
const Version = 1

// Table is what several runs have found. Rows stand in the order of the folders, those of a folder in that of its spec.
type Table struct {
	Version int      `json:"version"`
	Columns []Column `json:"columns"`
	Rows    []Row    `json:"rows"`

	sheets []runSheets
}

// Column is one recipe: figures of its rows can be compared.
type Column struct {
	Name string `json:"name"` // of the metric, as metrics.json has it
	// Number tells columns of one name apart: 1 is the one that most rows have. 0 where there is one only.
	Number    int    `json:"number,omitempty"`
	Recipe    string `json:"recipe"`
	Count     int    `json:"count"`          // how many examples or samples were judged
	Reference string `json:"reference"`      // the split that they were compared with
	Data      string `json:"data,omitempty"` // the data set of that split; "" where the folder does not say
	// Differs says what is different from the column with number 1.
	Differs string `json:"differs,omitempty"`
	// Detail says that its figures are parts of others, such as those of one class or layer: JSON has them, tables for people do not.
	Detail bool `json:"detail,omitempty"`
}

// Title is the name of the column, with its number where it has one.
func (c Column) Title() string {
	if c.Number > 0 {
		return fmt.Sprintf("%s (%d)", c.Name, c.Number)
	}
	return c.Name
}

// Row is a model of a run as it was judged with one sampler.
type Row struct {
	Run     string   `json:"run"` // the folder, as short as tells it from the others
	Command string   `json:"command,omitempty"`
	Program string   `json:"program,omitempty"` // version of the snnc that ran it
	Model   string   `json:"model,omitempty"`
	Kind    string   `json:"kind,omitempty"`
	State   string   `json:"state"`             // done; 12 of 30 updates; not begun; broken
	Notes   []string `json:"notes,omitempty"`   // what is missing, and why
	Data    string   `json:"data,omitempty"`    // that it was trained on
	Seed    *uint64  `json:"seed,omitempty"`    // of its training
	Steps   []int    `json:"steps"`             // numbers of time steps of its networks; empty where nothing is timed
	Updates int      `json:"updates,omitempty"` // of its parameters
	// What was not written down is absent.
	Parameters *int        `json:"parameters,omitempty"` // numbers that are trained
	Frozen     int         `json:"frozen,omitempty"`     // numbers that are stored and never trained
	Examples   int         `json:"examples,omitempty"`   // seen in training, with repetitions
	Seconds    float64     `json:"seconds,omitempty"`    // of training
	Rates      *Rates      `json:"rates,omitempty"`      // at the end of training
	Sampler    string      `json:"sampler,omitempty"`    // with the classes that were chosen and what was replaced for it
	Draw       *DrawCost   `json:"draw,omitempty"`       // of one sample
	Figures    []RowFigure `json:"figures"`              // by rising column
}

// Rates are the spikes per neuron and time step, by layer: the quietest, the mean of all layers, the busiest.
type Rates struct {
	Low  float64 `json:"low"`
	Mean float64 `json:"mean"`
	High float64 `json:"high"`
}

// DrawCost is what one sample takes.
type DrawCost struct {
	Evaluations map[string]int `json:"evaluations"` // how often each role is applied
	Operations  int            `json:"operations"`  // multiply-accumulates, as many as a dense network takes
}

// total is how many networks are applied for one sample.
func (d DrawCost) total() int {
	n := 0
	for _, m := range d.Evaluations {
		n += m
	}
	return n
}

// RowFigure is a figure of a row.
type RowFigure struct {
	Column   int             `json:"column"` // index into the table's columns
	Action   string          `json:"action"` // that found it
	Value    float64         `json:"value"`
	Interval record.Interval `json:"interval,omitzero"` // confidence interval of 95%
	Seed     uint64          `json:"seed"`
}

// key is what makes figures comparable.
type key struct {
	name, recipe string
	count        int
	reference    string
	data         string
}

// found is a figure on its way into the table.
type found struct {
	key
	RowFigure
	hash   string // of the data that it was compared with
	form   string // these data as a spec writes them; "" where the folder does not say
	detail bool
}

// name gives figures the names of data sets that other folders know by their hash, and one name, that of the first, to the sets that
// have one hash: what the examples of a split are does not depend on the path of their files or on how a spec chooses them.
func name(of [][]found) {
	type part struct{ split, set string }
	known := map[part]string{} // names, by hash
	first := map[part]string{} // names, by others of the same set
	one := func(split, name string) string {
		for first[part{split, name}] != "" {
			name = first[part{split, name}]
		}
		return name
	}
	for _, list := range of {
		for _, f := range list {
			at := part{f.reference, f.hash}
			switch {
			case f.data == "" || f.hash == "":
			case known[at] == "":
				known[at] = f.data
			default:
				if a, b := one(f.reference, known[at]), one(f.reference, f.data); a != b {
					first[part{f.reference, b}] = a
				}
			}
		}
	}
	for _, list := range of {
		for i := range list {
			f := &list[i]
			if f.data == "" {
				f.data = known[part{f.reference, f.hash}]
			}
			switch {
			case f.data != "":
				f.data = one(f.reference, f.data)
			case f.hash != "":
				f.data = "data " + digits(f.hash)
			}
		}
	}
}

// judges returns what a recipe calls the images that it compares with, by the hash of their bytes: `data 22191239c474`; "" where it
// does not say. The bytes are those that features are taken of, and the hash is not that of the set.
func judges(recipe string) string {
	return regexp.MustCompile(`\bdata [0-9a-f]{12}\b`).FindString(recipe)
}

// digits are as many of a hash as recipes have.
func digits(hash string) string { return hash[:min(12, len(hash))] }

// columns puts the figures of rows into columns: those of one name stand together, names in alphabetical order, and of one name the
// recipe that most rows have first.
func (t *Table) columns(of [][]found) {
	name(of)
	rows := map[key]int{}
	first := map[key]int{}
	details := map[key]bool{}
	example := map[key]found{}
	var keys []key
	for i, list := range of {
		for _, f := range list {
			if rows[f.key] == 0 {
				first[f.key] = i
				keys = append(keys, f.key)
				example[f.key] = f
			}
			rows[f.key]++
			details[f.key] = details[f.key] || f.detail
		}
	}
	slices.SortStableFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(rows[b], rows[a]), cmp.Compare(first[a], first[b]), cmp.Compare(a.recipe, b.recipe),
			cmp.Compare(a.count, b.count), cmp.Compare(a.reference, b.reference), cmp.Compare(a.data, b.data))
	})
	t.Columns = []Column{}
	at := map[key]int{}
	var main key
	for i, k := range keys {
		c := Column{Name: k.name, Recipe: k.recipe, Count: k.count, Reference: k.reference, Data: k.data, Detail: details[k]}
		switch {
		case i == 0 || keys[i-1].name != k.name:
			main = k
			if i+1 < len(keys) && keys[i+1].name == k.name {
				c.Number = 1
			}
		default:
			c.Number = t.Columns[i-1].Number + 1
			c.Differs = differences(example[main], example[k])
		}
		at[k] = i
		t.Columns = append(t.Columns, c)
	}
	for i, list := range of {
		t.Rows[i].Figures = []RowFigure{}
		for _, f := range list {
			f.RowFigure.Column = at[f.key]
			t.Rows[i].Figures = append(t.Rows[i].Figures, f.RowFigure)
		}
		slices.SortFunc(t.Rows[i].Figures, func(a, b RowFigure) int { return cmp.Compare(a.Column, b.Column) })
	}
}

// differences says in what a recipe is another than the main one of its name.
func differences(main, k found) string {
	var parts []string
	if k.count != main.count {
		parts = append(parts, fmt.Sprintf("%s judged, not %s", record.Grouped(k.count), record.Grouped(main.count)))
	}
	if k.reference != main.reference {
		parts = append(parts, fmt.Sprintf("against %s, not %s", k.reference, main.reference))
	}
	if k.data != main.data {
		parts = append(parts, fmt.Sprintf("%s, not %s", cmp.Or(k.data, "not known"), cmp.Or(main.data, "not known")))
	}
	recipe := main.recipe // with the count of the other, which is told already
	for _, written := range []func(int) string{record.Grouped, strconv.Itoa} {
		recipe = strings.ReplaceAll(recipe, " "+written(main.count)+" ", " "+written(k.count)+" ")
	}
	if a, b := judges(recipe), judges(k.recipe); a != "" && b != "" && a != b && main.form != k.form && main.form != "" && k.form != "" {
		parts = append(parts, fmt.Sprintf("compared with %s, not %s", k.form, main.form)) // which people read sooner than hashes
	}
	if a, b := apart(recipe, k.recipe); len(parts) == 0 && (a != "" || b != "") { // else the recipes themselves are enough to read
		parts = append(parts, fmt.Sprintf("recipe says %s, not %s", quote(b), quote(a)))
	}
	return strings.Join(parts, "; ")
}

// apart returns the parts of two texts between the words that they begin and end with alike.
func apart(a, b string) (string, string) {
	x, y := strings.Fields(a), strings.Fields(b)
	for len(x) > 0 && len(y) > 0 && x[0] == y[0] {
		x, y = x[1:], y[1:]
	}
	for len(x) > 0 && len(y) > 0 && x[len(x)-1] == y[len(y)-1] {
		x, y = x[:len(x)-1], y[:len(y)-1]
	}
	return strings.Join(x, " "), strings.Join(y, " ")
}

func quote(text string) string {
	if text == "" {
		return "nothing"
	}
	return `"` + text + `"`
}
