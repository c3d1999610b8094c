package main

import (
	"context"
	"fmt"
	"path/filepath"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
)

type checkCommand struct {
	specFlags
	changeFlags
	Files []string `arg:"" name:"file" help:"Specs."`
	JSON  bool     `help:"Print the findings as JSON."`
}

func (c *checkCommand) Run(ctx context.Context, s streams) error {
	if err := known(); err != nil {
		return err
	}
	hosts := map[string]*host.Host{} // by folder, for each has plugins of its own
	defer func() {
		for _, h := range hosts {
			h.Close()
		}
	}()
	var all diag.List
	sources := diag.Sources{}
	for _, file := range c.Files {
		text, err := readSpec(file)
		if err != nil {
			return err
		}
		dir := filepath.Dir(file)
		if hosts[dir] == nil {
			if hosts[dir], err = c.near(s, dir, false); err != nil {
				return err
			}
		}
		h, changed, runs := hosts[dir], c.options(), ""
		sweep, found, texts := experiment.ReadSweep(ctx, h, file, text, changed)
		if sweep != nil { // what plugins say is seen in the first run
			changed, runs = sweep.Members[0].Options, fmt.Sprintf(" in %d runs", len(sweep.Members))
		}
		if !found.HasErrors() {
			var x *experiment.Experiment
			if x, found, texts = experiment.Load(ctx, h, file, text, changed); x != nil {
				found = append(found, x.Targets(ctx)...)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		all = append(all, found...)
		for name, text := range texts {
			sources[name] = text
		}
		if !c.JSON {
			if err := printTexts(s.err, found, texts); err != nil {
				return err
			}
			if !found.HasErrors() {
				fmt.Fprintf(s.out, "%s: no errors%s\n", file, runs)
			}
		}
	}
	if c.JSON {
		if err := all.JSON(s.out); err != nil {
			return fmt.Errorf("print findings: %w", err)
		}
	} else if err := printHint(s.err, all); err != nil {
		return err
	}
	return judged(all)
}
