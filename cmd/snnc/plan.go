package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

type planCommand struct {
	specFlags
	changeFlags
	File  string `arg:"" help:"Spec."`
	Steps bool   `help:"Print what is run of each function that is trained, step by step, with its place in memory."`
	JSON  bool   `help:"Print the plan as JSON."`
}

func (c *planCommand) Run(ctx context.Context, s streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	defer h.Close()
	changed := c.options()
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
