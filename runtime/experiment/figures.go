package experiment

import (
	"context"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/metric"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
)

// reconstructions calls each with the first examples and what the model makes of them.
func (e *evaluation) reconstructions(ctx context.Context, each func(original, reconstruction *tensor.Tensor) error) error {
	return e.apply(ctx, e.whole, reconstruct, e.set, min(e.count(), e.set.Len()), seed(e.job), func(_ int, in map[string]*tensor.Tensor, out *tensor.Tensor) error {
		return each(in[data.ImageField], out)
	})
}

func (e *evaluation) mse(ctx context.Context, _ schema.Value) ([]metric.Figure, error) {
	var sum metric.Reconstruction
	err := e.reconstructions(ctx, func(original, reconstruction *tensor.Tensor) error {
		a, b := appendPixels(nil, original), appendPixels(nil, reconstruction)
		size := len(a) / original.N
		for i := 0; i < len(a); i += size {
			if err := sum.Add(a[i:i+size], b[i:i+size]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	lo, hi := e.set.Range()
	return sum.Figures(fmt.Sprintf("%s with values in %v..%v", e.job.Settings.Text("reference"), lo, hi))
}

func (e *evaluation) ssim(ctx context.Context, _ schema.Value) ([]metric.Figure, error) {
	var sum metric.Similarity
	err := e.reconstructions(ctx, func(original, reconstruction *tensor.Tensor) error {
		a, b := appendPixels(nil, original), appendPixels(nil, reconstruction)
		return sum.Add(e.ready(e.set, original.Type, original.N, a), e.ready(e.set, original.Type, reconstruction.N, b))
	})
	if err != nil {
		return nil, err
	}
	f, err := sum.Figure(e.protocol())
	return []metric.Figure{f}, err
}

func (e *evaluation) accuracy(ctx context.Context, _ schema.Value) ([]metric.Figure, error) {
	var right metric.Accuracy
	err := e.apply(ctx, e.whole, logits, e.set, min(e.count(), e.set.Len()), seed(e.job), func(first int, _ map[string]*tensor.Tensor, out *tensor.Tensor) error {
		size := out.Type.Size()
		for i := range out.N {
			if err := right.Add(out.F32[i*size:(i+1)*size], e.set.Label(first+i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f, err := right.Figure(e.job.Settings.Text("reference"))
	return []metric.Figure{f}, err
}

// frechet compares samples with all examples of the reference, whose features need not be in memory at once.
func (e *evaluation) frechet(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, own, err := e.sampled(ctx, v)
	if err != nil {
		return nil, err
	}
	reference, err := metric.NewMoments(f.Size)
	if err != nil {
		return nil, err
	}
	err = metric.Extract(ctx, f, e.examples(e.set, every(e.set)), func(vectors, _ metric.Vectors) error {
		for i := range vectors.N {
			if err := reference.Add(vectors.Vector(i)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	figure, err := metric.Frechet(f, own.vectors, reference, e.protocol())
	return []metric.Figure{figure}, err
}

func (e *evaluation) inceptionScore(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, own, err := e.sampled(ctx, v)
	if err != nil {
		return nil, err
	}
	figure, err := metric.InceptionScore(f, own.logits, v.Args.Int("splits"), e.protocol())
	return []metric.Figure{figure}, err
}

func (e *evaluation) kid(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, samples, reference, err := e.compared(ctx, v)
	if err != nil {
		return nil, err
	}
	figure, err := metric.KID(ctx, f, samples.vectors, reference.vectors, v.Args.Int("subset"), v.Args.Int("subsets"), e.protocol())
	return []metric.Figure{figure}, err
}

func (e *evaluation) precisionRecall(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, samples, reference, err := e.compared(ctx, v)
	if err != nil {
		return nil, err
	}
	return metric.PrecisionRecall(ctx, f, samples.vectors, reference.vectors, v.Args.Int("neighbours"), e.protocol())
}

func (e *evaluation) densityCoverage(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, samples, reference, err := e.compared(ctx, v)
	if err != nil {
		return nil, err
	}
	return metric.DensityCoverage(ctx, f, samples.vectors, reference.vectors, v.Args.Int("neighbours"), e.protocol())
}

func (e *evaluation) classHistogram(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, samples, reference, err := e.compared(ctx, v)
	if err != nil {
		return nil, err
	}
	return metric.Histogram(f, samples.logits, reference.logits, e.protocol())
}

// sampled returns the features that a metric names, and what they are of the samples.
func (e *evaluation) sampled(ctx context.Context, v schema.Value) (f *metric.Features, samples *seen, err error) {
	if f, err = e.features(ctx, v); err != nil {
		return nil, nil, err
	}
	s, err := e.samples(ctx)
	if err != nil {
		return nil, nil, err
	}
	samples, err = e.seen(ctx, f, "samples", s)
	return f, samples, err
}

// compared returns the features that a metric names, and what they are of the samples and of some of the reference, as many as there
// are samples at most.
func (e *evaluation) compared(ctx context.Context, v schema.Value) (f *metric.Features, samples, reference *seen, err error) {
	if f, samples, err = e.sampled(ctx, v); err != nil {
		return nil, nil, nil, err
	}
	reference, err = e.seen(ctx, f, "reference", e.examples(e.set, e.some(e.set)))
	return f, samples, reference, err
}

func (e *evaluation) activePixels(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	s, err := e.samples(ctx)
	if err != nil {
		return nil, err
	}
	above := v.Args.Real("above")
	count := func(s metric.Source) (*metric.Active, error) {
		a := &metric.Active{Above: above}
		return a, s.Each(ctx, func(m metric.Images) error { a.Add(m); return nil })
	}
	own, err := count(s)
	if err != nil {
		return nil, err
	}
	reference, err := count(e.examples(e.set, e.some(e.set)))
	if err != nil {
		return nil, err
	}
	return metric.ActivePixels(own, reference, e.protocol())
}

// work draws the first samples again, in small parts, and returns what each part takes and of how many samples it is. It is counted
// once.
func (e *evaluation) work(ctx context.Context) ([]tally, error) {
	if e.tallies != nil {
		return e.tallies, nil
	}
	const part, most = 4, 64
	d := e.job.sampling(e.drawn, e.set)
	var parts []tally
	for first := 0; first < min(e.count(), most); first += part {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		size := min(part, e.count()-first)
		work, err := d.model.Worked(d.sampler, d.given(first, size), size, d.seed, uint64(first))
		if err != nil {
			return nil, err
		}
		parts = append(parts, tally{size, work})
	}
	e.tallies = parts
	return parts, nil
}

// energy returns the figures of the operations of a sample.
func (e *evaluation) energy(ctx context.Context, _ schema.Value) ([]metric.Figure, error) {
	parts, err := e.work(ctx)
	if err != nil {
		return nil, err
	}
	var w metric.Work
	for _, p := range parts {
		w.Add(p.samples, p.Synaptic, p.Accumulates)
	}
	return w.Figures()
}

// spikeCounts returns the figures of the spikes of a sample.
func (e *evaluation) spikeCounts(ctx context.Context, _ schema.Value) ([]metric.Figure, error) {
	parts, err := e.work(ctx)
	if err != nil {
		return nil, err
	}
	var f metric.Firing
	for _, p := range parts {
		var layers []metric.Layer
		for _, l := range p.Layers {
			layers = append(layers, metric.Layer(l))
		}
		f.Add(p.samples, layers)
	}
	return f.Figures()
}

// shown is how many samples the picture of nearest training images has.
const shown = 32

// nearest finds the nearest training image to each sample and to as many held-out ones, and leaves a picture of the samples that
// come nearest, each with what it comes near to.
func (e *evaluation) nearest(ctx context.Context, v schema.Value) ([]metric.Figure, error) {
	f, own, err := e.sampled(ctx, v)
	if err != nil {
		return nil, err
	}
	among, test := e.sets.of(e.job.Data, data.Train), e.sets.of(e.job.Data, data.Test)
	heldout, err := e.seen(ctx, f, "held out", e.examples(test, e.some(test)))
	if err != nil {
		return nil, err
	}
	a, b := metric.NewSearch(own.vectors), metric.NewSearch(heldout.vectors)
	const chunk = 4096 // training images whose features are in memory at once
	numbers := every(among)
	for first := 0; first < len(numbers); first += chunk {
		part, _, err := metric.Extracted(ctx, f, e.examples(among, numbers[first:min(first+chunk, len(numbers))]))
		if err != nil {
			return nil, err
		}
		if err := a.Add(ctx, part); err != nil {
			return nil, err
		}
		if err := b.Add(ctx, part); err != nil {
			return nil, err
		}
	}
	if e.folder != nil {
		s, err := e.samples(ctx)
		if err != nil {
			return nil, err
		}
		if err := e.pairs(a, f, s, among); err != nil {
			return nil, err
		}
	}
	return metric.Copying(f, a, b, e.protocol())
}

// nearestName names the picture of nearest training images by some features.
func (r *runner) nearestName(j *job, features string) string {
	return r.sheetName(j) + "-nearest-" + features
}

// pairs writes the samples that come nearest to an example among those of the training, each with that at its right.
func (e *evaluation) pairs(found *metric.Search, f *metric.Features, s metric.Source, among *data.Set) error {
	var samples, originals record.Images
	for _, i := range found.Closest(shown) {
		m, err := s.Images(i, i+1)
		if err != nil {
			return err
		}
		o, err := e.examples(among, []int{found.Found[i].Number}).Images(0, 1)
		if err != nil {
			return err
		}
		samples.Channels, samples.Height, samples.Width = m.Channels, m.Height, m.Width
		samples.N, samples.Pixels = samples.N+1, append(samples.Pixels, m.Pixels...)
		originals.Pixels = append(originals.Pixels, o.Pixels...)
	}
	pixels := originals.Pixels
	originals = samples
	originals.Pixels = pixels
	samples.Hi, originals.Hi = 1, 1
	return e.folder.WritePairs(e.nearestName(e.job, f.Name), samples, originals, 0, 0)
}
