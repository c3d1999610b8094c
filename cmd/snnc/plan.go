package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"snnc.dev/snnc/runtime/experiment"
)

type planCommand struct {
	specFlags
	File   string   `arg:"" help:"Spec."`
	Preset string   `placeholder:"NAME" help:"Plan with a preset of the spec."`
	Set    []string `sep:"none" placeholder:"PATH=VALUE" help:"Replace the right side of a definition (width=64) or a setting (train.digit.epochs=2); may be given several times."`
	Steps  bool     `help:"Print what is run of each function that is trained, step by step, with its place in memory."`
	JSON   bool     `help:"Print the plan as JSON."`
}

func (c *planCommand) Run(ctx context.Context, s streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	defer h.Close()
	changed := experiment.Options{Preset: c.Preset, Sets: c.Set}
	sweep, err := readSweep(ctx, h, c.File, changed, s)
	if err != nil {
		return err
	}
	if sweep != nil {
		return wrongUsage("a plan is of one run, and this is a sweep of %d: choose one of its values, such as --set '%s'", len(sweep.Members), strings.Join(sweep.Members[0].Options.Sets, "' --set '"))
	}
	x, err := load(ctx, h, c.File, changed, s)
	if err != nil {
		return err
	}
	p, err := x.Plan()
	if err != nil {
		return err
	}
	if !c.JSON {
		return p.Text(s.out, c.Steps)
	}
	if err := json.NewEncoder(s.out).Encode(p); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	return nil
}
