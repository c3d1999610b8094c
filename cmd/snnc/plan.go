package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
)

type planCommand struct {
	specFlags
	changeFlags
	File  string `arg:"" help:"Spec."`
	Steps bool   `help:"Print what is run of each function that is trained, step by step, with its place in memory."`
	JSON  bool   `help:"Print the plan as JSON."`
}

func (c *planCommand) Run(ctx context.Context, s streams) error {
	if err := known(); err != nil {
		return err
	}
	h, err := c.near(s, filepath.Dir(c.File), false)
	if err != nil {
		return err
	}
	defer h.Close()
	x, err := loadOne(ctx, h, c.File, c.options(), s, "a plan is of one run")
	if err != nil {
		return err
	}
	if found := x.Targets(ctx); found.HasErrors() {
		if err := printFindings(s.err, found, x.Spec.Sources); err != nil {
			return err
		}
		return judged(found)
	}
	if err := ctx.Err(); err != nil {
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
