package experiment

import (
	"fmt"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/specs/features"
)

// unfit says why a metric of a job cannot be computed, where the spec has the argument that is to blame, else the metric.
func (j *job) unfit(i int, argument, help, format string, args ...any) diag.Diagnostic {
	at, ok := j.Places[fmt.Sprintf("metrics[%d].%s", i, argument)]
	if !ok {
		at = j.Places[fmt.Sprintf("metrics[%d]", i)]
	}
	return diag.Diagnostic{Code: diag.BadAction, Range: at, Summary: fmt.Sprintf("metric `%s` ", j.Settings["metrics"].Items[i].Text) + fmt.Sprintf(format, args...), Help: help}
}

// fewSamples finds metrics of a job that so many samples are too few for.
func (j *job) fewSamples(samples int) (found diag.List) {
	for i, v := range j.Settings["metrics"].Items {
		need, help := metric.Needs(v), "make `count` larger"
		if need.By != "" {
			help = fmt.Sprintf("make `%s` smaller, or `count` larger", need.By)
		}
		if samples < need.Samples {
			found.Add(j.unfit(i, need.By, help, "takes %d samples or more, and there are %d", need.Samples, samples))
		}
	}
	return found
}

// fewImages finds metrics of a job that the reference has too few images for.
func (j *job) fewImages(reference *data.Set) (found diag.List) {
	for i, v := range j.Settings["metrics"].Items {
		need, help := metric.Needs(v), "compare with more images"
		if need.By != "" {
			help = fmt.Sprintf("make `%s` smaller, or compare with more images", need.By)
		}
		if reference.Len() < need.Reference {
			found.Add(j.unfit(i, need.By, help, "takes %d images of the reference or more, and the %s part of `%s` has %d", need.Reference, j.Settings.Text("reference"), j.Data.Name, reference.Len()))
		}
	}
	return found
}

// manyFeatures finds metrics of a job that compare more numbers of an image than they can.
func (x *Experiment) manyFeatures(j *job) (found diag.List) {
	for i, v := range j.Settings["metrics"].Items {
		if v.Text != "frechet" {
			continue
		}
		size, what := 0, ""
		switch f := featuresOf(v); {
		case f.Type == schema.ARole:
			m := x.named(f.Text)
			if m == nil || m.Program.Export(featuresArgument) == nil {
				continue // which has its finding
			}
			size, what = m.Program.Export(featuresArgument).Outputs[0].Value.Type().Size(), fmt.Sprintf("model `%s` makes", f.Text)
		case features.Text(f.Text) == nil:
			size, what = data.Fields(j.Data.Set, j.Data.Args)[data.ImageField].Size(), fmt.Sprintf("the images of `%s` have", j.Data.Name)
		}
		if size > metric.MaxFeatures {
			found.Add(j.unfit(i, featuresArgument, "take other features, or compare smaller images", "compares %d numbers of an image or fewer, and %s %d", metric.MaxFeatures, what, size))
		}
	}
	return found
}
