package experiment

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
)

// notYet finds what a job names that is known and checked, but that this version cannot run.
func (x *Experiment) notYet(j *job) (found diag.List) {
	refuse := func(path, format string, args ...any) {
		place, ok := j.Places[path]
		if !ok {
			place = j.Range
		}
		found.Add(diag.Diagnostic{Code: diag.NotInVersion, Range: place, Summary: fmt.Sprintf(format, args...) + ": not in this version",
			Help: fmt.Sprintf("leave it out, or choose other actions with --only; `%s` cannot run as it stands", j.name)})
	}
	found = append(found, j.badStart()...)
	if most := data.Most(j.Data.Set, j.Data.Args); most > 0 {
		found = append(found, j.fewExamples(most)...)
	}
	found = append(append(found, j.idle(data.Most(j.Data.Set, j.Data.Args))...), j.still()...)
	if n := len(j.model.Program.Stages); n != 1 {
		refuse("", "a Program of %d stages", n)
	}
	if j.Kind == "train" && len(j.model.Program.Samplers) > 0 { // which draws the sheets of epochs
		found = append(found, j.ungiven(&j.model.Program.Samplers[0], j.Data, j.Range)...)
	}
	if j.use != nil {
		found = append(append(found, j.classes()...), j.unlike()...)
	}
	if j.use != nil && j.use.sampler != nil {
		found = append(found, j.ungiven(j.use.sampler, j.model.Data, j.Range)...)
		if t := j.use.drawn.Program.Function(j.use.sampler.Result).Outputs[0].Value.Type(); len(t.Dims) != 3 || t.Steps > 0 || t.DType != graph.F32 {
			refuse("sampler", "samples that are %v and no images", t)
		} else if d := j.largeSheet(t); d != nil {
			found.Add(*d)
		}
	} else if j.Kind == "sample" {
		found.Add(diag.Diagnostic{Code: diag.PluginFailed, Range: j.Range, Summary: fmt.Sprintf("the Program of model `%s` has no sampler `%s`", j.model.Name, j.Settings.Text("sampler")), Help: "tell the plugin's author"})
	}
	for i, v := range j.Settings["metrics"].Items {
		path := fmt.Sprintf("metrics[%d]", i)
		if name, at := later(metric.Schemas(), v, path); name != "" {
			refuse(at, "metric `%s`", name)
		}
		if j.Kind == "deploy" && !deployed(v) {
			found.Add(j.unfit(i, "", "leave it out", "says nothing of a chip: it looks at how software trains or draws"))
		} else if unable := j.unable(v.Text); unable != "" {
			found.Add(j.unfit(i, "", "leave it out", "cannot judge model `%s`, which %s", j.model.Name, unable))
		} else if fields := data.Fields(j.Data.Set, j.Data.Args); measures()[v.Text].labels && fields[data.LabelField].DType != graph.I32 {
			found.Add(j.unfit(i, "", "leave it out", "compares with labels, and the examples of `%s` have none", j.Data.Name))
		} else if side := smallest(fields[data.ImageField]); measures()[v.Text].window > side {
			found.Add(j.unfit(i, "", "leave it out", "looks through a window of %d pixels, and the images of `%s` have %d", measures()[v.Text].window, j.Data.Name, side))
		}
	}
	for _, name := range []string{"metrics", "targets"} {
		if v, ok := j.Settings[name]; ok && len(v.Items) == 0 && (name == "targets" || j.Kind != "deploy") {
			found.Add(diag.Diagnostic{Code: diag.BadAction, Range: j.Places[name], Summary: fmt.Sprintf("`%s` has nothing to do: `%s` is empty", j.name, name), Help: "name some, or leave the action out"})
		}
	}
	if j.judges() {
		found = append(append(found, j.fewSamples(j.Settings.Int("count"))...), x.manyFeatures(j)...)
	}
	found = append(found, x.unready(j)...)
	for i, v := range j.Settings["targets"].Items {
		if c := x.component(j.Plugins[fmt.Sprintf("targets[%d]", i)], schema.Target, v.Text); c == nil || c.Later {
			refuse(fmt.Sprintf("targets[%d]", i), "target `%s`", v.Text)
		}
	}
	return found
}

// fewExamples finds that a training has fewer examples than an update takes.
func (j *job) fewExamples(examples int) (found diag.List) {
	if want := j.Settings.Int("batch") * j.Settings.Int("accumulate"); j.Kind == "train" && want > examples {
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: j.Places["batch"], Summary: fmt.Sprintf("an update takes %d examples, and `%s` has %d", want, j.Data.Name, examples),
			Help: fmt.Sprintf("write `batch = %d` or less", max(1, examples/j.Settings.Int("accumulate")))})
	}
	return found
}

// idle finds steps of a training that move parameters and are never done, on at most so many examples; 0: nobody knows how many.
func (j *job) idle(examples int) (found diag.List) {
	length := "iterations"
	if j.Settings.Int(length) == 0 {
		length = "epochs"
	}
	if j.Kind != "train" || length == "epochs" && examples == 0 {
		return nil
	}
	updates := j.updates(examples)
	for _, stage := range j.model.Program.Stages {
		for _, step := range stage.Steps {
			if !step.Epoch && len(step.Moves) > 0 && step.Every > updates && updates > 0 {
				found.Add(diag.Diagnostic{Code: diag.BadAction, Range: j.Places[length], Summary: fmt.Sprintf("`%s` never moves `%s`: step `%s` is done every %d updates, and there are %d", j.name, strings.Join(step.Moves, "`, `"), step.Function, step.Every, updates),
					Help: "train longer, or let the arguments of model `" + j.model.Name + "` ask for it more often"})
			}
		}
	}
	return found
}

// still finds a training on what another model makes of images, once for all epochs, where these are to be mirrored anew in each.
func (j *job) still() (found diag.List) {
	if j.Kind != "train" || !j.Data.Args.Bool("flip") {
		return nil
	}
	for _, stage := range j.model.Program.Stages {
		if s := j.model.Program.Stream(stage.Stream); s != nil && s.From != "" {
			found.Add(diag.Diagnostic{Code: diag.BadAction, Range: j.Places[dataSetting], Summary: fmt.Sprintf("`%s` learns from `%s`, which is computed once, and `%s` has `flip = true`, by which each epoch sees other images", j.name, s.Name, j.Data.Name),
				Help: fmt.Sprintf("train it on the images as they are: `data plain = %s(flip = false)`, and `data = plain` here", j.Data.Name)})
		}
	}
	return found
}

// smallest returns the smaller side of an image.
func smallest(t graph.Type) int {
	if len(t.Dims) != 3 {
		return 0
	}
	return min(t.Dims[1], t.Dims[2])
}

// component returns a component of a plugin, "" for the built-in one; nil where it has none of that name.
func (x *Experiment) component(plugin string, kind schema.Kind, name string) *schema.Component {
	list := x.plugins[plugin].Components
	i := slices.IndexFunc(list, func(c schema.Component) bool { return c.Kind == kind && c.Name == name })
	if i < 0 {
		return nil
	}
	return &list[i]
}

// later returns the name of the first choice in a checked value that is marked so, and its attribute path; "" where none is.
func later(choices []schema.Choice, v schema.Value, path string) (name, at string) {
	i := slices.IndexFunc(choices, func(c schema.Choice) bool { return c.Name == v.Text })
	if i < 0 {
		return "", ""
	}
	c := choices[i]
	if c.Later {
		return c.Name, path
	}
	for _, p := range c.Params {
		if inner, ok := v.Args[p.Name]; ok && p.Type == schema.OneOf {
			if name, at := later(p.Choices, inner, path+"."+p.Name); name != "" {
				return c.Name + "(" + p.Name + " = " + name + ")", at
			}
		}
	}
	return "", ""
}
