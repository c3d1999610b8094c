package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/train"
)

// Options say what is measured.
type Options struct {
	Train, Sample bool     // updates, network evaluations
	Draw          bool     // the first sample action; at least one of the three
	Steps         int      // timed updates, evaluations and drawings, each
	Threads       int      // of the pool
	Data          []string // where data sets are looked for, in order
}

// warmUp is how many updates, evaluations and drawings pass before those that count: the first touches memory for the first time.
const warmUp = 2

// Report says how fast a spec is. Times are in milliseconds.
type Report struct {
	Train     *Training   `json:"train,omitempty"`
	Sample    *Evaluation `json:"sample,omitempty"`
	Draw      *Drawing    `json:"draw,omitempty"`
	PeakBytes int         `json:"peak_bytes"` // of resident memory, of this process so far; 0 where the system does not say
	Threads   int         `json:"threads"`
	CPU       CPU         `json:"cpu"`
	Layers    []Layer     `json:"layers"` // of the training; none where it was not measured
}

// CPU is the processor and the kernels that are used on it.
type CPU struct {
	Model string `json:"model"` // as the system calls it
	Level string `json:"level"` // of package kernel
}

// Training is the time of updates.
type Training struct {
	Action    string  `json:"action"`
	Batch     int     `json:"batch"` // examples of an update
	Step      Spread  `json:"step_ms"`
	Forward   float64 `json:"forward_ms"` // this and the following are medians
	Backward  float64 `json:"backward_ms"`
	Optimiser float64 `json:"optimiser_ms"`
	Read      float64 `json:"read_ms"` // of reading examples, which is no part of the step
	Examples  float64 `json:"examples_per_second"`
	Amount
}

// Evaluation is the time of a network's evaluations.
type Evaluation struct {
	Network string  `json:"network"`
	Batch   int     `json:"batch"`
	Time    Spread  `json:"evaluation_ms"` // of a batch
	Rate    float64 `json:"evaluations_per_second"`
	Amount
	Rates map[string]float64 `json:"rates,omitempty"` // firing rates by layer, over up to four examples
}

// Drawing is the time of a sample action's samples, all of them together, from noise to pixels.
type Drawing struct {
	Action    string  `json:"action"`
	Count     int     `json:"count"` // of samples
	Time      Spread  `json:"samples_ms"`
	Rate      float64 `json:"samples_per_second"`
	Processor float64 `json:"processor_ms"` // of all threads, mean
}

// Amount is what an update or an evaluation takes besides time.
type Amount struct {
	Processor  float64 `json:"processor_ms"` // of all threads, mean; without reading examples
	Operations float64 `json:"operations"`   // floating-point operations of the products in the plan
	GFLOPS     float64 `json:"gflops"`       // of the median
	Bytes      int     `json:"bytes"`        // of planned memory
}

// Spread is how much a time differs from one turn to another.
type Spread struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Count  int     `json:"count"`
}

// Layer is what one layer takes of an update; the last one, without a name, is what belongs to no layer.
type Layer struct {
	Name     string   `json:"layer"` // ROLE.K.NAME
	Kernel   string   `json:"kernel,omitempty"`
	Rate     *float64 `json:"rate,omitempty"` // firing rate, mean over the timed updates; of neurons
	Forward  float64  `json:"forward_ms"`     // mean
	Backward float64  `json:"backward_ms"`
	Both     Spread   `json:"both_ms"` // of the two passes of an update together
	GFLOPS   float64  `json:"gflops,omitempty"`
}

// errEnough ends a training whose updates are measured.
var errEnough = errors.New("enough updates")

// Run measures the first training of x. Network evaluations and samples are on the weights as they are after its updates; where
// the training is not measured they are after two updates, for running statistics that have seen nothing silence a network.
func Run(ctx context.Context, x *experiment.Experiment, o Options) (*Report, error) {
	level, err := kernel.Used()
	if err != nil {
		return nil, fmt.Errorf("choose kernels: %w", err)
	}
	pool := x.Pool(o.Threads)
	defer pool.Close()
	m, err := x.Measure(ctx, pool, o.Data, warmUp+o.Steps)
	if err != nil {
		return nil, err
	}
	if o.Draw { // what stands against it is told before the updates; averages of weights are there behind them
		if _, err := m.Drawn(); err != nil {
			return nil, err
		}
	}
	r := &Report{Threads: o.Threads, CPU: CPU{processor(), level.String()}, Layers: []Layer{}}
	if o.Train {
		if r.Train, r.Layers, err = training(ctx, m, o.Steps); err != nil {
			return nil, fmt.Errorf("measure %s: %w", m.Name, err)
		}
	} else if err := updates(ctx, m.Trainer, warmUp, func(train.Progress, time.Duration) {}); err != nil {
		return nil, fmt.Errorf("measure %s: %w", m.Name, err)
	}
	if o.Sample {
		if r.Sample, err = evaluation(ctx, m, pool, o.Steps); err != nil {
			return nil, fmt.Errorf("measure the network of %s: %w", m.Model.Name, err)
		}
	}
	if o.Draw {
		if r.Draw, err = drawing(ctx, m, o.Steps); err != nil {
			return nil, fmt.Errorf("measure the samples of %s: %w", m.Model.Name, err)
		}
	}
	r.PeakBytes = peak()
	return r, nil
}

// drawing measures the first sample action of the model.
func drawing(ctx context.Context, m *experiment.Measured, steps int) (*Drawing, error) {
	d, err := m.Drawn()
	if err != nil {
		return nil, err
	}
	times, processor, err := timed(steps, func() error { return d.Draw(ctx) })
	if err != nil {
		return nil, err
	}
	out := &Drawing{Action: d.Name, Count: d.Count, Time: spread(times), Processor: processor}
	out.Rate = float64(d.Count) / out.Time.Median * 1e3
	return out, nil
}

// timed returns how long each of so many turns takes, after those that warm up, and the processor time of one in the mean, all
// in milliseconds.
func timed(turns int, turn func() error) (times []float64, processor float64, err error) {
	for range warmUp {
		if err := turn(); err != nil {
			return nil, 0, err
		}
	}
	before := processorTime()
	for range turns {
		start := time.Now()
		if err := turn(); err != nil {
			return nil, 0, err
		}
		times = append(times, ms(time.Since(start)))
	}
	return times, ms(processorTime()-before) / float64(turns), nil
}

// updates runs n updates, and tells of each what the trainer does, and how long it took.
func updates(ctx context.Context, t *train.Trainer, n int, tell func(train.Progress, time.Duration)) error {
	start := time.Now()
	err := t.Run(ctx, func(p train.Progress) error {
		took := time.Since(start)
		if p.EndOfEpoch {
			return nil
		}
		tell(p, took)
		if n--; n == 0 {
			return errEnough
		}
		start = time.Now()
		return nil
	})
	if err == nil || errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// training measures updates.
func training(ctx context.Context, m *experiment.Measured, steps int) (*Training, []Layer, error) {
	t := m.Trainer
	if err := updates(ctx, t, warmUp, func(train.Progress, time.Duration) {}); err != nil {
		return nil, nil, err
	}
	profile := t.Profile(processorTime)
	parts := split(profile)
	var whole, forward, backward, rest, read []float64
	rates := map[string]float64{}
	var plans []*plan.Plan
	for _, s := range profile.Steps {
		plans = append(plans, s.Plan)
	}
	layers := newTable(m.Model, experiment.Kernels(plans...))
	before, reading := processorTime(), time.Duration(0)
	err := updates(ctx, t, steps, func(p train.Progress, took time.Duration) {
		f, b := parts.times(profile)
		step := took - profile.Read
		whole, read = append(whole, ms(step)), append(read, ms(profile.Read))
		forward, backward, rest = append(forward, ms(f)), append(backward, ms(b)), append(rest, ms(step-f-b))
		for layer, rate := range p.Rates {
			rates[layer] += rate / float64(steps)
		}
		layers.update(profile, parts, float64(t.Settings.Accumulate))
		reading += profile.ReadProcessor
		profile.Reset()
	})
	if err != nil {
		return nil, nil, err
	}
	out := &Training{Action: m.Name, Batch: t.Settings.Batch * t.Settings.Accumulate, Step: spread(whole),
		Forward: spread(forward).Median, Backward: spread(backward).Median, Optimiser: spread(rest).Median, Read: spread(read).Median}
	out.Examples = float64(out.Batch) / out.Step.Median * 1e3
	out.Processor = ms(processorTime()-before-reading) / float64(len(whole))
	for _, s := range profile.Steps {
		out.Operations += operations(s.Plan) * float64(t.Settings.Accumulate)
		out.Bytes += s.Plan.Bytes()
	}
	out.GFLOPS = out.Operations / out.Step.Median / 1e6
	return out, layers.layers(len(whole), rates), nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1e3 }

// spread summarises times. The median of an even number of them is the mean of the two in the middle.
func spread(times []float64) Spread {
	s := slices.Sorted(slices.Values(times))
	n := len(s)
	if n == 0 {
		return Spread{}
	}
	return Spread{Median: (s[(n-1)/2] + s[n/2]) / 2, Min: s[0], Max: s[n-1], Count: n}
}
