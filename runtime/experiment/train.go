package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"strings"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/record"
	"snnc.dev/snnc/runtime/tensor"
	"snnc.dev/snnc/runtime/train"
)

const (
	saveEvery  = time.Minute // between checkpoints inside an epoch
	logged     = 1000        // updates of a training that are logged as events, at most
	sheetCount = 64          // samples on the sheet of an epoch, at most
	pairCount  = 32          // reconstructions on the sheet of an epoch, at most

	reconstructions = "-reconstructions" // behind the model's name in those of its sheets
)

// train does a train action, or goes on with it.
func (r *runner) train(ctx context.Context, j *job) error {
	m, err := r.newModel(j)
	if err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	m.Begin(r.starts[j.model])
	for _, o := range j.model.Others {
		of, err := r.trained(o.Model)
		if err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		if err := m.Take(o.Role, of); err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
	}
	stage := j.model.Program.Stages[0]
	t, err := train.NewTrainer(m, stage, r.examples(ctx, j, m, stage), settings(j))
	if err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	if err := r.share(j); err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	earlier, err := r.resume(j, t)
	if err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	r.models[j.model] = m
	if t.Done() && r.done[j.id].Done {
		r.o.Watch.Say(j.name, "done already")
		if r.done[j.id].Parts[lengthPart] != j.parts[lengthPart] { // as many epochs as iterations before
			return r.put(j, true)
		}
		return nil
	}
	if err := r.document(); err != nil {
		return err
	}
	if err := r.put(j, false); err != nil {
		return err
	}
	w := &training{r: r, j: j, t: t, start: time.Now(), saved: time.Now(), step: t.State.Updates, first: t.State.Updates, earlier: earlier}
	err = t.Run(ctx, w.told)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		if saveErr := w.save(); saveErr != nil {
			return errors.Join(err, saveErr)
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("%s: %w", j.name, err)
	}
	if err := w.save(); err != nil {
		return err
	}
	if err := r.tell(record.Event{Action: r.called(j), Kind: record.Done, Epoch: t.State.Epoch, Step: t.State.Updates, Seconds: w.seconds()}); err != nil {
		return err
	}
	return r.put(j, true)
}

// file returns how the files of a job's model are called: by the name that the model had when the run began.
func (r *runner) file(j *job) string {
	_, model, _ := strings.Cut(r.called(r.training(j.model)), " ")
	return model
}

// keyMetadata is the metadata of a checkpoint that holds the key of its training.
const keyMetadata = "snnc.key"

// updates returns how many updates a train action makes on so many examples.
func (j *job) updates(examples int) int {
	if n := j.Settings.Int("iterations"); n > 0 {
		return n
	}
	return j.Settings.Int("epochs") * (examples / j.Settings.Int("batch") / j.Settings.Int("accumulate"))
}

// settings are those of a train action as the trainer takes them.
func settings(j *job) train.Settings {
	a := j.Settings
	return train.Settings{
		Batch: a.Int("batch"), Epochs: a.Int("epochs"), Iterations: a.Int("iterations"), Accumulate: a.Int("accumulate"),
		Average: a.Real("average"), Seed: uint64(a.Int("seed")), Optimizers: trainOptimizers(j), Memory: j.room, Planned: j.planned,
	}
}

// trainOptimizers returns the optimisers of a train action by slot.
func trainOptimizers(j *job) map[string]train.Optimizer {
	out := map[string]train.Optimizer{}
	for slot, v := range j.optimizers() {
		out[slot] = optimizer(v)
	}
	return out
}

func optimizer(v schema.Value) train.Optimizer {
	a := v.Args
	s := a["schedule"]
	return train.Optimizer{
		Kind: v.Text, Rate: a.Real("rate"), Warmup: a.Int("warmup"), Schedule: s.Text, Every: s.Args.Int("every"), Factor: s.Args.Real("factor"),
		Clip: a.Real("clip"), Momentum: a.Real("momentum"), Beta1: a.Real("beta1"), Beta2: a.Real("beta2"), Alpha: a.Real("alpha"),
		Epsilon: a.Real("epsilon"), Decay: a.Real("decay"), Clamp: a.Real("clamp"),
	}
}

// training watches one training.
type training struct {
	r       *runner
	j       *job
	t       *train.Trainer
	start   time.Time
	saved   time.Time
	step    int     // updates at the newest checkpoint
	first   int     // updates done at the start
	earlier float64 // seconds that earlier processes worked
}

func (w *training) seconds() float64 { return w.earlier + time.Since(w.start).Seconds() }

// told is called at the boundaries of updates and epochs.
func (w *training) told(p train.Progress) error {
	r, elapsed := w.r, time.Since(w.start).Seconds()
	perSecond := 0.0
	if n := p.Step - w.first; n > 0 && elapsed > 0 {
		perSecond = float64(n) / elapsed
	}
	examples := perSecond * float64(w.t.Settings.Batch*w.t.Settings.Accumulate)
	e := record.Event{Action: r.called(w.j), Kind: record.Step, Epoch: p.Epoch, Step: p.Step, Seconds: w.seconds(), Loss: p.Loss, Rates: p.Rates, ExamplesPerSecond: math.Round(examples*10) / 10}
	if p.EndOfEpoch {
		e.Kind = record.Epoch
		if err := w.sheets(p.Epoch); err != nil {
			return err
		}
	}
	if every := (p.Steps + logged - 1) / logged; p.EndOfEpoch || p.Step%every == 0 {
		if err := r.tell(e); err != nil {
			return err
		}
	}
	if !p.EndOfEpoch {
		left := time.Duration(0)
		if perSecond > 0 {
			left = time.Duration(float64(p.Steps-p.Step) / perSecond * float64(time.Second))
		}
		r.o.Watch.Step(Progress{p, w.j.name, examples, left})
	}
	// At the last update of an epoch the state is in the next one already: it is saved when the epoch's sheets are there.
	if inside := w.t.State.Batch > 0; p.EndOfEpoch || inside && time.Since(w.saved) >= saveEvery {
		return w.save()
	}
	return nil
}

// save writes a checkpoint, unless the newest one is of this state.
func (w *training) save() error {
	if w.step == w.t.State.Updates {
		return nil
	}
	f, err := w.t.Save()
	if err != nil {
		return err
	}
	f.Metadata[keyMetadata] = w.j.key
	dir := w.r.folder.Path(record.CheckpointFolder)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("make folder for checkpoints: %w", err)
	}
	step := uint64(w.t.State.Updates)
	if _, err := checkpoint.Save(dir, w.r.file(w.j), step, f); err != nil {
		return err
	}
	w.saved, w.step = time.Now(), w.t.State.Updates
	return nil
}

// sheets writes the sheets of an epoch: samples, and reconstructions beside their originals, of images that are the same in
// every epoch. Nothing cuts this short: where an epoch is over it has its sheets, and then its checkpoint.
func (w *training) sheets(epoch int) error {
	r, j, ctx := w.r, w.j, context.Background()
	m := r.models[j.model]
	file := r.file(j)
	sheet := file + reconstructions
	if len(m.Program.Samplers) > 0 {
		sheet = file
		samples, err := w.sampling().images(ctx, sheetCount)
		if err != nil {
			return err
		}
		if err := r.sheet(j, record.SheetName(file, epoch), samples, 0, 0); err != nil {
			return err
		}
	}
	if m.Program.Export(reconstruct) != nil {
		set := r.trainSet(j)
		n := min(pairCount, set.Len())
		originals, copies := images(set, n), images(set, n)
		err := r.apply(ctx, m, reconstruct, set, n, 0, func(_ int, in map[string]*tensor.Tensor, out *tensor.Tensor) error {
			originals.Pixels = appendPixels(originals.Pixels, in[data.ImageField])
			copies.Pixels = appendPixels(copies.Pixels, out)
			return nil
		})
		if err != nil {
			return err
		}
		if err := r.folder.WritePairs(record.SheetName(file+reconstructions, epoch), originals, copies, 0, 0); err != nil {
			return err
		}
	} else if len(m.Program.Samplers) == 0 {
		return nil
	}
	return r.tell(record.Event{Action: r.called(j), Kind: record.Sample, Epoch: epoch, Step: w.t.State.Updates, File: path.Join(record.SampleFolder, record.SheetName(sheet, epoch)+".png")})
}

// sampling is how the sheets of epochs are drawn: by the first sampler, of every class in turn.
func (w *training) sampling() sampling {
	m, d := w.r.models[w.j.model], w.j.Data
	all := data.Labels(d.Set, d.Args)
	return sampling{m, &m.Program.Samplers[0], 0, func(number int) int { return all[number%len(all)] }}
}

// relative shows a path of the run folder as a person finds it.
func (r *runner) relative(name string) string { return path.Join(r.o.Folder, name) }
