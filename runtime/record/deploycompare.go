package record

import (
	"slices"
)

// comparison is the deployments of a model side by side.
type comparison struct {
	Model   string
	Figures []string // names
	Rows    []comparedRow
}

type comparedRow struct {
	ID, Title, Target string
	Fits              bool
	Used, Host, Time  string
	Energy            []fact
	Figures           [][2]string // by name: on the chip, in software
}

// mostFigures is how many metrics the table of all deployments of a model has.
const mostFigures = 4

// comparisons puts the deployments of each model that has several next to one another.
func comparisons(all []deployment, of []*Deployment) (out []comparison) {
	models := map[string][]int{}
	var order []string
	for i, d := range of {
		if d == nil || d.Model == "" {
			continue
		}
		if models[d.Model] == nil {
			order = append(order, d.Model)
		}
		models[d.Model] = append(models[d.Model], i)
	}
	for _, model := range order {
		if len(models[model]) < 2 {
			continue
		}
		c := comparison{Model: model}
		for _, i := range models[model] {
			for _, f := range of[i].Figures {
				if !slices.Contains(c.Figures, f.Name) && len(c.Figures) < mostFigures {
					c.Figures = append(c.Figures, f.Name)
				}
			}
		}
		for _, i := range models[model] {
			d := of[i]
			row := comparedRow{ID: all[i].ID, Title: all[i].Title, Target: all[i].Target, Fits: d.Fits}
			if len(d.Used) > 0 {
				row.Used = Amount(d.Used[0])
			}
			if sum := d.ChipOperations + d.HostOperations; sum > 0 {
				row.Host = percent(d.HostOperations / sum)
			}
			if d.Seconds.High > 0 {
				row.Time = span(d.Seconds.Low, d.Seconds.High, "s")
			}
			for _, t := range d.Totals {
				row.Energy = append(row.Energy, fact{t.Profile, span(t.Low, t.High, "J"), partial(t.Parts)})
			}
			for _, name := range c.Figures {
				figure := [2]string{}
				if k := slices.IndexFunc(d.Figures, func(f DeployedFigure) bool { return f.Name == name }); k >= 0 {
					figure = [2]string{number(d.Figures[k].Chip), number(d.Figures[k].Software)}
				}
				row.Figures = append(row.Figures, figure)
			}
			c.Rows = append(c.Rows, row)
		}
		out = append(out, c)
	}
	return out
}
