package experiment

import (
	"context"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

// roundSetting says whether pixels are clipped and rounded before they are compared.
const roundSetting = "round"

// evaluation is an evaluate action at work, or a comparison of data. Samples are drawn once for all its metrics, and features are
// taken of them and of the reference once.
type evaluation struct {
	*runner
	job     *job
	whole   *train.Model // that reconstructs and classifies; nil in a comparison
	drawn   *train.Model // that draws; nil in a comparison
	source  batches      // of the samples
	like    *data.Set    // whose range samples are in
	set     *data.Set    // the reference
	round   bool
	kept    *pixels // the samples
	looked  map[string]*seen
	tallies []tally // what the first samples take, once a metric has asked
	// The hash of the reference as pictures: samples are compared with these in 0..1, whatever the range of the data.
	pictures string
}

// calmer says what to do about a model that gives what is infinite or no number.
const calmer = "train with a smaller `rate` or with `clip`, or choose other options of the sampler"

// batches gives the first n samples, batch after batch.
type batches func(ctx context.Context, n int, each func(t *tensor.Tensor) error) error

// tally is what some samples take, in the mean of these.
type tally struct {
	samples int
	train.Work
}

// seen are the features of the samples, or of some of the reference.
type seen struct{ vectors, logits metric.Vectors }

// evaluate does an evaluate action.
func (r *runner) evaluate(ctx context.Context, j *job) error {
	m, err := r.trained(j.model)
	if err != nil {
		return err
	}
	split := j.Settings.Text("reference")
	e := newEvaluation(r, j)
	if e.whole, e.drawn, err = j.use.as(m); err != nil {
		return err
	}
	e.like = r.sets.of(j.model.Data, data.Train) // as the model has learned them, whatever it is compared with
	if j.use.sampler != nil {
		e.source = j.sampling(e.drawn, e.set).batches
	}
	for _, v := range j.Settings["metrics"].Items {
		figures, err := e.measure(ctx, v)
		if err != nil {
			return err
		}
		values := map[string]float64{}
		for _, f := range figures {
			values[f.Name] = f.Value
			figure := record.Figure{Value: f.Value, Count: f.Count, Interval: record.Interval(f.Interval), Reference: split, Seed: seed(j), Recipe: f.Recipe, Detail: f.Detail}
			if err := r.folder.SetMetric(r.called(j), f.Name, figure); err != nil {
				return err
			}
			if f.Detail {
				continue
			}
			between := ""
			if f.Interval != (metric.Interval{}) {
				between = fmt.Sprintf(" in %.4g..%.4g", f.Interval.Low, f.Interval.High)
			}
			r.o.Watch.Say(j.name, fmt.Sprintf("%s = %.4g%s (%s)", f.Name, f.Value, between, f.Recipe))
		}
		if err := r.tell(record.Event{Action: r.called(j), Kind: record.Metric, Figures: values}); err != nil {
			return err
		}
	}
	return nil
}

// newEvaluation returns an evaluation of a job whose data are open, without what it judges.
func newEvaluation(r *runner, j *job) *evaluation {
	e := &evaluation{runner: r, job: j, set: r.sets.of(j.Data, data.Split(j.Settings.Text("reference"))), round: j.Settings.Bool(roundSetting), looked: map[string]*seen{}}
	e.pictures = e.set.Pictures()
	return e
}

// measure returns the figures of a metric, which are numbers.
func (e *evaluation) measure(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	figures, err := measures()[v.Text].figures(e, ctx, v)
	if err != nil {
		return nil, fmt.Errorf("metric %s: %w", v.Text, err)
	}
	for i, f := range figures {
		if math.IsNaN(f.Value) || math.IsInf(f.Value, 0) {
			return nil, fmt.Errorf("metric %s is %v: %s", f.Name, f.Value, calmer)
		}
		if chosen := e.job.Settings[labelsSetting]; measures()[v.Text].samples && len(chosen.Items) > 0 {
			figures[i].Recipe += "; samples of labels = " + render(chosen)
		}
	}
	return figures, nil
}

// measuring is how one metric is computed.
type measuring struct {
	export  string // that the metric asks the model for, or ""
	samples bool   // whether it judges samples
	drawing bool   // whether it looks at how they are drawn
	labels  bool   // whether it compares with labels
	window  int    // the smallest side of images that it judges
	splits  bool   // whether it also takes both splits, whatever the reference is
	figures func(e *evaluation, ctx context.Context, v schema.Value) ([]metric.Figure, error)
}

// measures holds the metrics that can be computed.
func measures() map[string]measuring {
	return map[string]measuring{
		"mse":              {export: reconstruct, figures: (*evaluation).mse},
		"ssim":             {export: reconstruct, window: metric.Window, figures: (*evaluation).ssim},
		"accuracy":         {export: logits, labels: true, figures: (*evaluation).accuracy},
		"bound":            {export: build.Bound, figures: (*evaluation).bound},
		"frechet":          {samples: true, figures: (*evaluation).frechet},
		metric.FID:         {samples: true, figures: (*evaluation).frechet},
		"inception_score":  {samples: true, figures: (*evaluation).inceptionScore},
		"kid":              {samples: true, figures: (*evaluation).kid},
		"precision_recall": {samples: true, figures: (*evaluation).precisionRecall},
		"density_coverage": {samples: true, figures: (*evaluation).densityCoverage},
		"nearest":          {samples: true, splits: true, figures: (*evaluation).nearest},
		"class_histogram":  {samples: true, figures: (*evaluation).classHistogram},
		"energy":           {samples: true, drawing: true, figures: (*evaluation).energy},
		"spike_counts":     {samples: true, drawing: true, figures: (*evaluation).spikeCounts},
		"active_pixels":    {samples: true, figures: (*evaluation).activePixels},
	}
}

// unable says why a metric cannot judge the model of an evaluation; "" where it can.
func (j *job) unable(name string) string {
	switch m := measures()[name]; {
	case m.export != "" && j.use.Program.Export(m.export) == nil:
		return "does not export `" + m.export + "`"
	case m.samples && j.use.sampler == nil && len(j.model.Component.Samplers) > 0:
		return "draws samples as its options say: choose a `sampler`"
	case m.samples && j.use.sampler == nil:
		return "draws no samples"
	}
	return ""
}

// count returns how many samples are drawn and examples are looked at.
func (e *evaluation) count() int { return e.job.Settings.Int("count") }

func (e *evaluation) protocol() metric.Protocol {
	return metric.Protocol{Reference: fmt.Sprintf("%s of %s (data %s)", e.job.Settings.Text("reference"), e.set.Name(), e.pictures[:12]), Rounded: e.round}
}

// ready makes images of values in the range of a set, channels first: pixels in 0..1.
func (e *evaluation) ready(set *data.Set, t graph.Type, n int, values []float32) metric.Images {
	lo, hi := set.Range()
	out := metric.Images{N: n, Channels: t.Dims[0], Height: t.Dims[1], Width: t.Dims[2], Pixels: values}
	for i, v := range values {
		values[i] = float32((float64(v) - lo) / (hi - lo))
	}
	if e.round {
		out.Round()
	}
	return out
}

// pixels are the samples at the size that they were drawn, in 0..1. Rounded ones take a byte each.
type pixels struct {
	like  metric.Images // one of them, without its pixels
	bytes []uint8
	reals []float32
}

// samples returns the samples of the action, drawn where they are not there yet. They are pictures of the size that the model
// draws, rounded as such if at all, and then brought to that of the reference as its own are.
func (e *evaluation) samples(ctx context.Context) (metric.Source, error) {
	n := e.count()
	if e.kept == nil {
		kept := &pixels{}
		drawn := 0
		err := e.source(ctx, n, func(t *tensor.Tensor) error {
			values := appendPixels(nil, t)
			if i := slices.IndexFunc(values, infinite); i >= 0 { // 8 bits would hide it
				return fmt.Errorf("sample %d has a pixel that is %v: %s", drawn+i/t.Type.Size(), values[i], calmer)
			}
			drawn += t.N
			m := e.ready(e.like, t.Type, t.N, values)
			kept.like = metric.Images{N: 1, Channels: m.Channels, Height: m.Height, Width: m.Width}
			all := n * m.Size() // is asked for once, as the plan says
			if !e.round {
				kept.reals = append(slices.Grow(kept.reals, all-len(kept.reals)), m.Pixels...)
				return nil
			}
			kept.bytes = slices.Grow(kept.bytes, all-len(kept.bytes))
			for _, p := range m.Pixels {
				kept.bytes = append(kept.bytes, uint8(math.Round(float64(p)*255)))
			}
			return nil
		})
		if err != nil {
			return metric.Source{}, err
		}
		e.kept = kept
	}
	dims := e.set.Fields()[data.ImageField].Dims
	return metric.Source{N: n, Images: func(first, end int) (metric.Images, error) {
		out := e.kept.images(first, end).Fit(dims[1], dims[2])
		if e.round {
			out.Round() // what was resized, as the pictures of the reference are
		}
		return out, nil
	}}, nil
}

// images returns samples first to end-1.
func (k *pixels) images(first, end int) metric.Images {
	m, size := k.like, k.like.Size()
	m.N = end - first
	if k.reals != nil {
		m.Pixels = append([]float32(nil), k.reals[first*size:end*size]...)
		return m
	}
	m.Pixels = make([]float32, m.N*size)
	for i, b := range k.bytes[first*size : end*size] {
		m.Pixels[i] = float32(float64(b) / 255)
	}
	return m
}

// examples returns examples of a set with the given numbers, made ready as the samples are.
func (e *evaluation) examples(set *data.Set, numbers []int) metric.Source {
	return metric.Source{N: len(numbers), Images: func(first, end int) (metric.Images, error) {
		t := tensor.New(set.Fields()[data.ImageField], end-first)
		if err := set.Fill(data.ImageField, numbers[first:end], t); err != nil {
			return metric.Images{}, err
		}
		return e.ready(set, t.Type, t.N, appendPixels(nil, t)), nil
	}}
}

// some returns the numbers of at most count examples of a set: all of them, or some chosen at random, the same for every seed.
func (e *evaluation) some(set *data.Set) []int {
	if n := e.count(); n < set.Len() {
		return rng.New(0, "reference", 0).Permutation(set.Len())[:n]
	}
	return every(set)
}

// every returns the numbers of all examples of a set.
func every(set *data.Set) []int {
	out := make([]int, set.Len())
	for i := range out {
		out[i] = i
	}
	return out
}

// seen returns what features are of a source of that name; it is computed once.
func (e *evaluation) seen(ctx context.Context, f *metric.Features, what string, s metric.Source) (*seen, error) {
	key := f.String() + "/" + what
	if e.looked[key] == nil {
		v, l, err := metric.Extracted(ctx, f, s)
		if err != nil {
			return nil, err
		}
		e.looked[key] = &seen{v, l}
	}
	return e.looked[key], nil
}
