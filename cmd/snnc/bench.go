package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"snnc.dev/snnc/runtime/bench"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
)

type benchCommand struct {
	specFlags
	changeFlags
	File    string   `arg:"" help:"Spec."`
	Only    []string `placeholder:"KIND" help:"Measure only these: updates, train; network evaluations, sample; the samples of the first sample action of the model, draw, which nothing else measures."`
	Steps   int      `default:"10" placeholder:"N" help:"How many updates, evaluations and drawings are timed, after two of each that are not. Default: 10."`
	Data    []string `sep:"none" type:"existingdir" placeholder:"DIR" help:"Look for data sets in DIR first; several are looked into in order."`
	Threads int      `placeholder:"N" help:"Worker threads. Default: one per processor."`
	JSON    bool     `help:"Print the report as JSON."`
}

// Help says what is measured.
func (c *benchCommand) Help() string {
	return `The first train action of the spec is timed as it stands, on its data; nothing is written. A step is an update with its data
at hand: forward, backward, optimiser. Network evaluations are those of the network that a sampler's loop applies, else
of the decoder, else of the only network. A drawing is all samples of the action, on the weights that the updates have
left; nothing of it is written. Other programs on the same processors falsify all times but that of the
processor.`
}

func (c *benchCommand) Run(ctx context.Context, s streams) error {
	threads, err := threadCount(c.Threads)
	if err != nil {
		return err
	}
	o := bench.Options{Steps: c.Steps, Threads: threads, Data: data.Folders(c.Data...)}
	if c.Steps < 1 {
		return wrongUsage("--steps %d: want at least 1", c.Steps)
	}
	for _, kind := range split(c.Only) {
		switch kind {
		case "train":
			o.Train = true
		case "sample":
			o.Sample = true
		case "draw":
			o.Draw = true
		default:
			return wrongUsage("--only: %q is none of train, sample and draw", kind)
		}
	}
	if !o.Train && !o.Sample && !o.Draw {
		o.Train, o.Sample = true, true
	}
	h, err := c.near(s, filepath.Dir(c.File), false)
	if err != nil {
		return err
	}
	defer h.Close()
	x, err := loadOne(ctx, h, c.File, c.options(), s, "one run is measured")
	if err != nil {
		return err
	}
	r, err := bench.Run(ctx, x, o)
	var refused *experiment.Refused
	switch {
	case errors.As(err, &refused):
		if err := printFindings(s.err, refused.Found, x.Spec.Sources); err != nil {
			return err
		}
		return status(statusFailed)
	case errors.Is(err, experiment.ErrNoTraining), errors.Is(err, experiment.ErrNoSamples):
		return wrongUsage("%s: %w", c.File, err)
	case err != nil:
		return err
	}
	if !c.JSON {
		return r.Text(s.out)
	}
	if err := json.NewEncoder(s.out).Encode(r); err != nil {
		return fmt.Errorf("print times: %w", err)
	}
	return nil
}
