package experiment

import (
	"context"
	"fmt"
	"strconv"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// CompareOptions say which images are compared with which, and how.
type CompareOptions struct {
	Images, Reference string   // data sets as a spec writes them, such as `mnist(size = 16)`
	Split, Against    string   // of the one and of the other: train or test
	Metrics           string   // as in the brackets of the setting
	Count             int      // images that are compared, at most
	Folders           []string // where data sets, and weights of features, are looked for
	Threads           int      // no figure depends on it
}

// Compared is what came of a comparison.
type Compared struct {
	Images, Reference string // the data sets with all their arguments
	Count             int    // images that were compared
	Figures           []metric.Figure
}

// DataSet checks a data set as a spec writes it, such as `mnist(size = 16)`; it is nil where something was found. The findings point
// into the texts that come with them.
func DataSet(ctx context.Context, h *host.Host, text string) (*check.Data, diag.List, diag.Sources) {
	const label = "DATA"
	file, found, sources := parse("data", []byte("snn 1\ndata shown = random\n"))
	text = "shown = " + text
	sources[label] = []byte(text)
	change, bad := dsl.ParseChange(label, text)
	if found = append(found, bad...); found.HasErrors() {
		return nil, found, sources
	}
	builtin, used, bad := describe(ctx, h, file)
	if found = append(found, bad...); found.HasErrors() {
		return nil, found, sources
	}
	spec, bad := check.Check(file, check.Options{Catalogue: Catalogue(ctx, h, builtin, used), Sets: []dsl.Change{change}})
	if found = append(found, bad...); found.HasErrors() {
		return nil, found, sources
	}
	return spec.Data[0], nil, nil
}

// Compare measures images of a data set as if they were samples of a model: by the same code as an evaluation, with the same
// recipes. Which images are taken is chosen at random, always the same. The findings, with the texts that they point into, are
// about the options.
func Compare(ctx context.Context, h *host.Host, o CompareOptions) (*Compared, diag.List, diag.Sources, error) {
	r := &runner{x: &Experiment{host: h}, o: RunOptions{Data: o.Folders}, sets: newDatasets(o.Folders, "")}
	j, samples, found, sources := r.comparison(ctx, o)
	if found.HasErrors() {
		return nil, found, sources, nil
	}
	r.pool = exec.NewPool(o.Threads)
	defer r.pool.Close()
	e := newEvaluation(r, j)
	e.like = r.sets.of(samples, data.Split(o.Split))
	n := min(o.Count, e.like.Len())
	e.source = drawnFrom(e.like, rng.New(0, "samples", 0).Permutation(e.like.Len())[:n])
	count := j.Settings["count"]
	count.Number = float64(n)
	j.Settings["count"] = count
	out := &Compared{Images: written(samples), Reference: written(j.Data), Count: n}
	for _, v := range j.Settings["metrics"].Items {
		figures, err := e.measure(ctx, v)
		if err != nil {
			return nil, nil, nil, err
		}
		out.Figures = append(out.Figures, figures...)
	}
	return out, nil, nil, nil
}

// comparison checks options and opens the data. The job is an evaluation without a model.
func (r *runner) comparison(ctx context.Context, o CompareOptions) (j *job, samples *check.Data, found diag.List, sources diag.Sources) {
	file, found, sources := parse("compare", []byte("snn 1\ndata samples = random\ndata reference = random\nevaluate samples { data = reference }\n"))
	var changes []dsl.Change
	for _, flag := range [][3]string{
		{"DATA", "samples", o.Images},
		{"REFERENCE", "reference", o.Reference},
		{"--against", "evaluate.samples.reference", o.Against},
		{"--count", "evaluate.samples.count", strconv.Itoa(o.Count)},
		{"--metrics", "evaluate.samples.metrics", "[" + o.Metrics + "]"},
	} {
		text := flag[1] + " = " + flag[2]
		change, bad := dsl.ParseChange(flag[0], text)
		sources[flag[0]] = []byte(text)
		found, changes = append(found, bad...), append(changes, change)
	}
	builtin, used, bad := describe(ctx, r.x.host, file)
	if found = append(found, bad...); found.HasErrors() {
		return nil, nil, found, sources
	}
	c, bad := check.Compare(file, check.Options{Catalogue: Catalogue(ctx, r.x.host, builtin, used), Sets: changes})
	if found = append(found, bad...); found.HasErrors() {
		return nil, nil, found, sources
	}
	j = &job{Action: c.Action}
	found = append(found, j.alike(c.Samples)...)
	if found.HasErrors() {
		return nil, nil, found, sources
	}
	open := func(d *check.Data, split string) {
		_, bad := r.sets.open(ctx, d, data.Split(split))
		found = append(found, bad...)
	}
	open(c.Samples, o.Split)
	open(c.Data, o.Against)
	if j.splits() {
		open(c.Data, string(data.Train))
		open(c.Data, string(data.Test))
	}
	if found.HasErrors() {
		return nil, nil, found, sources
	}
	_, bad = r.standardFeatures(ctx, j)
	found = append(append(found, bad...), r.x.manyFeatures(j)...)
	of, with := r.sets.of(c.Samples, data.Split(o.Split)), r.sets.of(c.Data, data.Split(o.Against))
	found = append(append(found, j.fewSamples(min(o.Count, of.Len()))...), j.fewImages(with)...)
	return j, c.Samples, found, sources
}

// alike finds why the images of data cannot be compared as the metrics of a job say.
func (j *job) alike(samples *check.Data) (found diag.List) {
	fail := func(at diag.Range, summary, help string) {
		found.Add(diag.Diagnostic{Code: diag.BadAction, Range: at, Summary: summary, Help: help})
	}
	for i, v := range j.Settings["metrics"].Items {
		if m := measures()[v.Text]; m.export != "" || m.drawing {
			fail(j.Places[fmt.Sprintf("metrics[%d]", i)], fmt.Sprintf("metric `%s` measures a model, and images are none", v.Text), "leave it out")
		}
	}
	own := data.Fields(samples.Set, samples.Args)[data.ImageField]
	if !image(own) {
		fail(samples.Range, fmt.Sprintf("the examples of `%s` are no images", samples.Name), "compare images")
	} else if summary, help := apart(fmt.Sprintf("the images of `%s`", samples.Name), own, j.Data.Name, data.Fields(j.Data.Set, j.Data.Args)[data.ImageField]); summary != "" {
		fail(j.Data.Range, summary, help)
	}
	return found
}

// drawnFrom gives the images of examples of a set.
func drawnFrom(set *data.Set, numbers []int) batches {
	return func(ctx context.Context, n int, each func(t *tensor.Tensor) error) error {
		for first := 0; first < n; first += batch {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := numbers[first:min(first+batch, n)]
			t := tensor.New(set.Fields()[data.ImageField], len(part))
			if err := set.Fill(data.ImageField, part, t); err != nil {
				return fmt.Errorf("read images: %w", err)
			}
			if err := each(t); err != nil {
				return err
			}
		}
		return nil
	}
}
