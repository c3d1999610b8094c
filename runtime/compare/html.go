package compare

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

//go:embed compare.html.tmpl
var page string

// htmlView is what the template shows.
type htmlView struct {
	Runs     *htmlGrid
	Figures  []*htmlGrid
	Recipes  [][2]string // title, recipe
	Remarks  []string
	Sheets   []htmlSheets
	Draws    [][2]string // run and sampler, what a sample takes
	Commands [][2]string
}

type htmlGrid struct {
	Head []htmlCell
	Rows [][]htmlCell
}

type htmlCell struct {
	Text          string
	Number, First bool
}

type htmlSheets struct {
	Run    string
	Sheets []htmlSheet
}

type htmlSheet struct {
	Title, Caption string
	Width          int
	URL            template.URL
}

func (g *grid) html() *htmlGrid {
	cells := func(list []string) (out []htmlCell) {
		for i, text := range list {
			out = append(out, htmlCell{text, g.numbers[i], i == 0})
		}
		return out
	}
	out := &htmlGrid{Head: cells(g.head)}
	for _, row := range g.rows {
		out.Rows = append(out.Rows, cells(row))
	}
	return out
}

// HTML writes the table as one page that needs no other file and no network, with the newest sheets of each run side by side.
func (t *Table) HTML(w io.Writer) error {
	v := htmlView{Runs: t.runs().html(), Recipes: t.recipes(), Remarks: t.remarks(), Commands: t.commands()}
	for _, g := range t.grids()[1:] {
		v.Figures = append(v.Figures, g.html())
	}
	for _, r := range t.Rows {
		if r.Draw != nil && len(r.Draw.Evaluations) > 0 {
			v.Draws = append(v.Draws, [2]string{r.Run + ", " + r.Sampler, r.Draw.evaluations()})
		}
	}
	for _, s := range t.sheets {
		h := htmlSheets{Run: s.run}
		for _, x := range s.sheets {
			h.Sheets = append(h.Sheets, htmlSheet{x.Title, x.Caption, x.Width, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(x.PNG))})
		}
		v.Sheets = append(v.Sheets, h)
	}
	tmpl, err := template.New("compare").Parse(page)
	if err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	var b bytes.Buffer
	if err := tmpl.Execute(&b, v); err != nil {
		return fmt.Errorf("write comparison: %w", err)
	}
	return write(w, b.Bytes())
}
