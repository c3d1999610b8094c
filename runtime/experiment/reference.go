package experiment

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
)

// unlike finds why an evaluation cannot compare with its data: samples are of other channels, or the model's answers would be to
// what it has not learned to see.
func (j *job) unlike() (found diag.List) {
	metrics := j.Settings["metrics"].Items
	fail := func(metric int, help, format string, args ...any) {
		at, ok := j.Places[dataSetting]
		if !ok {
			at = j.Places[fmt.Sprintf("metrics[%d]", metric)]
		}
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: at, Summary: fmt.Sprintf(format, args...), Help: help})
	}
	fields := data.Fields(j.Data.Set, j.Data.Args)
	compares := slices.IndexFunc(metrics, func(v schema.Value) bool { return measures()[v.Text].samples })
	if compares >= 0 && j.use.sampler != nil {
		drawn := j.use.drawn.Program.Function(j.use.sampler.Result).Outputs[0].Value.Type()
		if len(drawn.Dims) == 3 { // others are refused
			if summary, help := apart(fmt.Sprintf("samples of model `%s`", j.model.Name), drawn, j.Data.Name, fields[data.ImageField]); summary != "" {
				fail(compares, help, "%s", summary)
			}
		}
	}
	if j.Data == j.model.Data {
		return found
	}
	const help = "measure the answers of a model in an `evaluate` without `data`: on the data that it is trained on"
	for i, v := range metrics {
		f := j.use.Program.Export(measures()[v.Text].export)
		if f == nil {
			continue
		}
		before := len(found)
		for _, in := range f.Inputs {
			field, want := in.Text("name"), in.Out[0]
			if got, ok := fields[field]; !ok {
				fail(i, help, "metric `%s` gives model `%s` the examples of `%s`, and they have no field `%s`: theirs are %s", v.Text, j.model.Name, j.Data.Name, field, strings.Join(slices.Sorted(maps.Keys(fields)), " and "))
			} else if !got.Equal(want) {
				fail(i, help, "metric `%s` gives model `%s` the examples of `%s`, whose `%s` is %v; it takes %v", v.Text, j.model.Name, j.Data.Name, field, got, want)
			}
		}
		if got, want := render(j.Data.Args["range"]), render(j.model.Data.Args["range"]); len(found) == before && got != want {
			fail(i, help, "metric `%s` gives model `%s` the examples of `%s`, whose `range` is %s; it is trained on `range = %s`", v.Text, j.model.Name, j.Data.Name, got, want)
		}
	}
	return found
}

// apart says why samples cannot be compared with the images of data of that name; "" where they can.
func apart(samples string, drawn graph.Type, name string, reference graph.Type) (summary, help string) {
	switch {
	case !image(reference):
		return fmt.Sprintf("%s are compared with images, and the examples of `%s` are none", samples, name), "compare with images"
	case reference.Dims[0] != drawn.Dims[0]:
		return fmt.Sprintf("%s are %s, and the images of `%s` are %s", samples, coloured(drawn), name, coloured(reference)),
			fmt.Sprintf("write `channels = %d` where `%s` is defined, or compare with other data", drawn.Dims[0], name)
	}
	return "", ""
}

// coloured says what images of a type are.
func coloured(t graph.Type) string {
	switch t.Dims[0] {
	case 1:
		return "grey"
	case 3:
		return "in colour"
	}
	return fmt.Sprintf("of %d channels", t.Dims[0])
}
