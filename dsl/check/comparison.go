package check

import (
	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/diag"
)

// Comparison is a checked comparison of the images of a data set with those of another.
type Comparison struct {
	Samples *Data
	*Action // the `evaluate`, without a model; its Data are the reference
}

// Compare checks a file of data sets and one action, `evaluate NAME { ... }`, where NAME is no model but a data set, whose images
// are measured as the samples of a model are. No spec has this: it is what a command line says, as a file. Options name the
// catalogue, and changes of the file. The comparison is nil where something was found.
func Compare(f *dsl.File, o Options) (*Comparison, diag.List) {
	c := newChecker(f, o)
	c.declare(f)
	c.change(o)
	for _, d := range c.order {
		if x := c.dataOf(d); x != nil {
			x.Range = d.value.Span() // a change has put it there
		}
	}
	a := c.acts[0]
	x := &Comparison{Action: &Action{Kind: a.Kind, Range: a.Range, Places: map[string]diag.Range{}}, Samples: c.defs[a.Model.Text].data}
	if !c.set(a, x.Action, nil) || c.found.HasErrors() {
		return nil, c.found
	}
	return x, c.found
}
