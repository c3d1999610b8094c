package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
)

type runCommand struct {
	specFlags
	File    string   `arg:"" help:"Spec."`
	Preset  string   `placeholder:"NAME" help:"Use a preset of the spec."`
	Set     []string `sep:"none" placeholder:"NAME=VALUE" help:"Replace the right side of a definition or setting, such as train.digit.epochs=2; may be given several times."`
	Only    []string `placeholder:"KIND[:MODEL],..." help:"Do only these actions: train, sample, evaluate, deploy, or one of them of one model, such as sample:digit."`
	Out     string   `placeholder:"DIR" help:"Run folder. Default: runs/SPEC[-PRESET]."`
	Data    string   `placeholder:"DIR" help:"Look for data sets in DIR first."`
	Threads int      `placeholder:"N" help:"Worker threads; no result depends on it. Default: one per processor."`
	Restart bool     `help:"Do the actions anew, from the beginning."`
	JSON    bool     `help:"Print the lines of events.jsonl."`
	Quiet   bool     `help:"Print nothing but errors."`
}

// maxThreads is more than any work is cut into; each thread has memory of its own.
const maxThreads = 256

func (c *runCommand) Run(ctx context.Context, s streams) error {
	o := experiment.RunOptions{Folder: c.Out, Data: data.Folders(c.Data), Threads: c.Threads, Restart: c.Restart, Version: version()}
	switch {
	case c.Threads < 0 || c.Threads > maxThreads:
		return wrongUsage("--threads %d: want 1 to %d", c.Threads, maxThreads)
	case c.Threads == 0:
		o.Threads = runtime.GOMAXPROCS(0)
	}
	for _, text := range split(c.Only) {
		selection, err := experiment.ParseSelection(text)
		if err != nil {
			return wrongUsage("--only: %w", err)
		}
		o.Only = append(o.Only, selection)
	}
	if o.Folder == "" {
		name := strings.TrimSuffix(filepath.Base(c.File), ".snn")
		if c.Preset != "" {
			name += "-" + c.Preset
		}
		o.Folder = filepath.Join("runs", name)
	}
	h, err := c.host()
	if err != nil {
		return err
	}
	defer h.Close()
	x, err := load(ctx, h, c.File, experiment.Options{Preset: c.Preset, Sets: c.Set}, s)
	if err != nil {
		return err
	}
	watch := newWatcher(s.out, c.JSON, c.Quiet)
	o.Watch = watch
	err = x.Run(ctx, o)
	watch.end()
	var refused *experiment.Refused
	var unselected *experiment.NothingSelected
	switch {
	case errors.As(err, &refused):
		if err := printFindings(s.err, refused.Found, x.Spec.Sources); err != nil {
			return err
		}
		return status(statusFailed)
	case errors.As(err, &unselected):
		return wrongUsage("--only: %w", err)
	case err != nil:
		return err
	}
	if !c.JSON && !c.Quiet {
		fmt.Fprintf(watch, "everything is in %s\n", filepath.Join(o.Folder, "report.html"))
	}
	if watch.err != nil {
		return fmt.Errorf("print what happens: %w", watch.err)
	}
	return nil
}
