package sdk

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
)

// Loss adds up the terms that the spec names, a checked argument of type Terms, and makes the sum the first output of a training
// function, "total"; each term is logged under its name. of computes a term, without its weight, from its arguments.
func (f *Function) Loss(terms schema.Value, of map[string]func(schema.Arguments) graph.Value) {
	var total graph.Value
	var names []string
	var values []graph.Value
	for _, t := range terms.Items {
		term := of[t.Text]
		if term == nil {
			f.Fail(fmt.Errorf("unknown term %q of the loss", t.Text))
			return
		}
		value := term(t.Args)
		part := value
		if t.Weight != 1 {
			part = f.Scale(value, t.Weight)
		}
		if total.Valid() {
			part = f.Add(total, part)
		}
		total = part
		name := t.Text
		for n := 2; slices.Contains(names, name); n++ { // two terms of one name that differ in arguments are both shown
			name = fmt.Sprint(t.Text, n)
		}
		names, values = append(names, name), append(values, value)
	}
	f.Output("total", total)
	for i := range names {
		f.Output(names[i], values[i])
	}
}

// DifferenceParam declares a model's argument `loss` whose terms compare pixels: what is the loss of, "the network's velocity and
// that of the path".
func DifferenceParam(what string) schema.Param {
	return schema.Param{Name: "loss", Type: schema.Terms, Default: "mse", Doc: "weighted sum of terms, of " + what, Choices: []schema.Choice{
		{Name: "mse", Doc: "mean squared difference, over pixels"}, {Name: "mae", Doc: "mean absolute difference, over pixels"},
	}}
}

// Difference adds up the terms of an argument of DifferenceParam as Loss does.
func (f *Function) Difference(terms schema.Value, x, y graph.Value) {
	f.Loss(terms, map[string]func(schema.Arguments) graph.Value{
		"mse": func(schema.Arguments) graph.Value { return f.MeanSquare(x, y) },
		"mae": func(schema.Arguments) graph.Value { return f.Mean(f.Op(graph.OpAbs, nil, f.Sub(x, y))) },
	})
}
