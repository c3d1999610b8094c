package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"snnc.dev/snnc/runtime/record"
)

// none stands where there is nothing to say.
const none = "–"

// grid is a table as people read it: the columns that are numbers stand to the right.
type grid struct {
	head    []string
	numbers []bool
	rows    [][]string
}

func (g *grid) column(title string, number bool) {
	g.head, g.numbers = append(g.head, title), append(g.numbers, number)
}

// trim drops the columns that say nothing in any row.
func (g *grid) trim() {
	for i := len(g.head) - 1; i > 0; i-- {
		if slices.ContainsFunc(g.rows, func(row []string) bool { return row[i] != none }) {
			continue
		}
		g.head, g.numbers = slices.Delete(g.head, i, i+1), slices.Delete(g.numbers, i, i+1)
		for j := range g.rows {
			g.rows[j] = slices.Delete(g.rows[j], i, i+1)
		}
	}
}

// runs is the grid of what was trained; a model that was judged in several ways is in it once.
func (t *Table) runs() *grid {
	g := &grid{}
	for _, c := range []struct {
		title  string
		number bool
	}{{"run", false}, {"model", false}, {"kind", false}, {"state", false}, {"parameters", true}, {"T", true}, {"data", false},
		{"updates", true}, {"examples seen", true}, {"training", true}, {"firing rate", true}} {
		g.column(c.title, c.number)
	}
	last := ""
	for _, r := range t.Rows {
		if id := r.Run + "\x00" + r.Model; id == last {
			continue
		} else {
			last = id
		}
		parameters := none
		if r.Parameters != nil {
			if parameters = record.Grouped(*r.Parameters); r.Frozen > 0 {
				parameters += " + " + record.Grouped(r.Frozen) + " frozen"
			}
		}
		time, rate := none, none
		if r.Seconds > 0 {
			time = record.Duration(r.Seconds)
		}
		if r.Rates != nil {
			rate = fmt.Sprintf("%s (%s to %s)", percent(r.Rates.Mean), percent(r.Rates.Low), percent(r.Rates.High))
		}
		g.rows = append(g.rows, []string{r.Run, orNone(r.Model), orNone(r.Kind), r.State, parameters, orNone(numbers(r.Steps)), orNone(r.Data),
			count(r.Updates), count(r.Examples), time, rate})
	}
	g.trim()
	return g
}

// sampling is the grid of what samples take; nil where nothing is drawn.
func (t *Table) sampling() *grid {
	g := &grid{}
	g.column("run", false)
	g.column("model", false)
	g.column("sampler", false)
	g.column("network evaluations", true)
	g.column("operations per sample", true)
	for _, r := range t.Rows {
		row := []string{r.Run, orNone(r.Model), orNone(r.Sampler), none, none}
		if r.Draw != nil {
			row[3], row[4] = count(r.Draw.total()), amount(r.Draw.Operations)
		}
		drawn := slices.ContainsFunc(row[2:], func(s string) bool { return s != none })
		if drawn && (len(g.rows) == 0 || !slices.Equal(row, g.rows[len(g.rows)-1])) { // judged in several ways, it is here once
			g.rows = append(g.rows, row)
		}
	}
	if len(g.rows) == 0 {
		return nil
	}
	g.trim()
	return g
}

// figures are the grids of what was found. A column stands in a grid whose rows have it, at least half of them, so that few cells
// are empty; grids of many rows come first. Samplers stand in a grid only where they tell its rows apart.
func (t *Table) figures() (grids []*grid) {
	type block struct{ rows, columns []int }
	var columns, blocks []*block
	for i, c := range t.Columns {
		if c.Detail {
			continue
		}
		b := &block{columns: []int{i}}
		for k, r := range t.Rows {
			if r.figure(i) != nil {
				b.rows = append(b.rows, k)
			}
		}
		columns = append(columns, b)
	}
	slices.SortStableFunc(columns, func(a, b *block) int { return cmp.Compare(len(b.rows), len(a.rows)) })
	for _, c := range columns {
		at := slices.IndexFunc(blocks, func(b *block) bool {
			return 2*len(c.rows) >= len(b.rows) && !slices.ContainsFunc(c.rows, func(k int) bool { return !slices.Contains(b.rows, k) })
		})
		if at < 0 {
			blocks = append(blocks, c)
		} else {
			blocks[at].columns = append(blocks[at].columns, c.columns...)
		}
	}
	for _, b := range blocks {
		g := &grid{}
		g.column("run", false)
		g.column("model", false)
		names := map[string]bool{}
		for _, k := range b.rows {
			names[t.Rows[k].Run+"\x00"+t.Rows[k].Model] = true
		}
		samplers := len(names) < len(b.rows)
		if samplers {
			g.column("sampler", false)
		}
		slices.Sort(b.columns)
		for _, i := range b.columns {
			g.column(t.Columns[i].Title(), true)
		}
		for _, k := range b.rows {
			r := t.Rows[k]
			row := []string{r.Run, orNone(r.Model)}
			if samplers {
				row = append(row, orNone(r.Sampler))
			}
			for _, i := range b.columns {
				if f := r.figure(i); f != nil {
					row = append(row, f.text())
				} else {
					row = append(row, none)
				}
			}
			g.rows = append(g.rows, row)
		}
		g.trim()
		grids = append(grids, g)
	}
	return grids
}

// figure is that of a column; nil where the row has none.
func (r *Row) figure(column int) *RowFigure {
	i := slices.IndexFunc(r.Figures, func(f RowFigure) bool { return f.Column == column })
	if i < 0 {
		return nil
	}
	return &r.Figures[i]
}

// grids are all of them, in order.
func (t *Table) grids() []*grid {
	out := []*grid{t.runs()}
	if g := t.sampling(); g != nil {
		out = append(out, g)
	}
	return append(out, t.figures()...)
}

// text is the value with its interval.
func (f *RowFigure) text() string {
	out := number(f.Value)
	if f.Interval != (record.Interval{}) {
		out += fmt.Sprintf(" [%s, %s]", number(f.Interval.Low), number(f.Interval.High))
	}
	return out
}

// recipes are the columns that are shown, by title, with how their figures were made.
func (t *Table) recipes() (out [][2]string) {
	for _, c := range t.Columns {
		if !c.Detail {
			out = append(out, [2]string{c.Title(), c.recipe()})
		}
	}
	return out
}

// recipe says how the figures of a column were made.
func (c Column) recipe() string {
	out := c.Recipe
	if c.Data != "" {
		out += fmt.Sprintf("; %s of %s", c.Reference, c.Data)
	}
	if c.Differs != "" {
		out += fmt.Sprintf(". Not comparable with %s (1): %s", c.Name, c.Differs)
	}
	return out
}

// remarks are what stands below the tables: notes of rows, each once.
func (t *Table) remarks() (out []string) {
	for _, r := range t.Rows {
		for _, n := range r.Notes {
			if line := r.Run + ": " + n; !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}

// commands are the command lines of the runs.
func (t *Table) commands() (out [][2]string) {
	for _, r := range t.Rows {
		line := [2]string{r.Run, r.Command}
		if r.Program != "" {
			line[1] += "  # snnc " + r.Program
		}
		if r.Command != "" && !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

// Text writes the table for a terminal.
func (t *Table) Text(w io.Writer) error {
	var b bytes.Buffer
	for i, g := range t.grids() {
		if i > 0 {
			b.WriteByte('\n')
		}
		g.text(&b)
	}
	if list := t.recipes(); len(list) > 0 {
		b.WriteString("\nrecipes\n")
		for _, c := range list {
			fmt.Fprintf(&b, "  %s: %s\n", c[0], c[1])
		}
	}
	if list := t.remarks(); len(list) > 0 {
		b.WriteString("\nnotes\n")
		for _, line := range list {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return write(w, b.Bytes())
}

func (g *grid) text(b *bytes.Buffer) {
	width := make([]int, len(g.head))
	for i, h := range g.head {
		width[i] = utf8.RuneCountInString(h)
		for _, row := range g.rows {
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	for _, row := range append([][]string{g.head}, g.rows...) {
		var line strings.Builder
		for i, cell := range row {
			if i > 0 {
				line.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if g.numbers[i] {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// Markdown writes the table as a piece of a page, with the commands of the runs.
func (t *Table) Markdown(w io.Writer) error {
	var b bytes.Buffer
	for i, g := range t.grids() {
		if i > 0 {
			b.WriteByte('\n')
		}
		g.markdown(&b)
	}
	if list := t.recipes(); len(list) > 0 {
		b.WriteString("\n<details><summary>How each figure was made</summary>\n\n") // pages that render Markdown fold it
		for _, c := range list {
			fmt.Fprintf(&b, "- **%s**: %s\n", escaped(c[0]), escaped(c[1]))
		}
		b.WriteString("\n</details>\n")
	}
	if list := t.remarks(); len(list) > 0 {
		b.WriteByte('\n')
		for _, line := range list {
			fmt.Fprintf(&b, "- %s\n", escaped(line))
		}
	}
	if list := t.commands(); len(list) > 0 {
		b.WriteByte('\n')
		for _, c := range list {
			fmt.Fprintf(&b, "- %s: `%s`\n", escaped(c[0]), strings.ReplaceAll(c[1], "`", "'"))
		}
	}
	return write(w, b.Bytes())
}

func (g *grid) markdown(b *bytes.Buffer) {
	line := func(cells []string) {
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	safe := func(cells []string) {
		out := make([]string, len(cells))
		for i, cell := range cells {
			out[i] = escaped(cell)
		}
		line(out)
	}
	rule := make([]string, len(g.head))
	for i := range rule {
		if rule[i] = "---"; g.numbers[i] {
			rule[i] = "---:"
		}
	}
	safe(g.head)
	line(rule)
	for _, row := range g.rows {
		safe(row)
	}
}

// escaped keeps Markdown from reading anything into a text.
func escaped(text string) string {
	return strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[", "]", "\\]", "\n", " ").Replace(text)
}

// JSON writes the table with all digits.
func (t *Table) JSON(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(t); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return write(w, b.Bytes())
}

func write(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return nil
}

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func amount(n int) string {
	if n == 0 {
		return none
	}
	return record.Short(n)
}

func count(n int) string {
	if n == 0 {
		return none
	}
	return record.Grouped(n)
}

func numbers(list []int) string {
	var out []string
	for _, n := range list {
		out = append(out, strconv.Itoa(n))
	}
	return strings.Join(out, ", ")
}

// number writes a figure with four digits.
func number(x float64) string {
	if a := math.Abs(x); a >= 1000 && a < 1e9 {
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'g', 4, 64)
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 1, 64) + "%" }

// evaluations says how often each role is applied.
func (d DrawCost) evaluations() string {
	var out []string
	for _, role := range slices.Sorted(maps.Keys(d.Evaluations)) {
		out = append(out, fmt.Sprintf("%s: %s", role, record.Grouped(d.Evaluations[role])))
	}
	return strings.Join(out, ", ")
}
