package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
	"snnc.dev/snnc/runtime/record"
)

type sampleCommand struct {
	specFlags
	Folder  string  `arg:"" name:"run" help:"Run folder, of a run that is finished or not."`
	Model   string  `placeholder:"NAME" help:"The model. Default: the first that the spec samples, or the only one."`
	Count   *int    `placeholder:"N" help:"How many samples."`
	Seed    *uint64 `placeholder:"N" help:"Of the random numbers."`
	Sampler string  `placeholder:"SAMPLER" help:"How they are drawn, as a spec writes it."`
	Labels  string  `placeholder:"N,..." help:"The classes of the samples, in turn, of a model that is told them. Default: every class in turn."`
	Replace string  `placeholder:"NAME(...),..." help:"Definitions that others stand in for, as in the brackets of the setting replace: 'fire(threshold = 0.9)'."`
	Sheet   string  `placeholder:"RxC" help:"Rows x columns of the picture."`
	Out     string  `placeholder:"DIR" help:"Folder for the picture and the numbers, MODEL-UPDATES.png and .npy, or with .2 and so on behind the name where these are there already. Default: the current one."`
	Threads int     `placeholder:"N" help:"Worker threads; no result depends on it. Default: one per processor."`
	Quiet   bool    `help:"Print nothing but errors."`
}

func (c *sampleCommand) Run(ctx context.Context, s streams) error {
	threads, err := threadCount(c.Threads)
	if err != nil {
		return err
	}
	settings := map[string]string{}
	if c.Count != nil {
		settings["count"] = strconv.Itoa(*c.Count)
	}
	if c.Seed != nil {
		settings["seed"] = strconv.FormatUint(*c.Seed, 10)
	}
	if c.Replace != "" {
		settings["replace"] = "[" + c.Replace + "]"
	}
	if c.Labels != "" {
		settings["labels"] = "[" + strings.TrimSuffix(strings.TrimPrefix(c.Labels, "["), "]") + "]" // brackets of one's own, as in a spec, are as good
	}
	if c.Sampler != "" {
		settings["sampler"] = c.Sampler
	}
	if c.Sheet != "" {
		settings["sheet"] = c.Sheet
	}
	places, err := placesOfRun(c.Folder)
	if err != nil {
		return err
	}
	h, err := c.hosted(s, host.Options{Places: places})
	if err != nil {
		return err
	}
	defer h.Close()
	var printed error
	found, sources, err := experiment.Sample(ctx, h, experiment.SampleOptions{Run: c.Folder, Model: c.Model, Settings: settings, Out: c.Out, Threads: threads,
		Say: func(words string) {
			if c.Quiet {
				return
			}
			if _, err := fmt.Fprintln(s.out, words); err != nil && printed == nil {
				printed = fmt.Errorf("print what is done: %w", err)
			}
		}})
	if err != nil {
		return err
	}
	if err := printFindings(s.err, found, sources); err != nil {
		return err
	}
	if found.HasErrors() {
		if slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Code == diag.UnknownPlugin }) {
			s.notice("the plugins of this run were looked for in " + strings.Join(places.Folders, ", "))
		}
		return judged(found)
	}
	return printed
}

// placesOfRun returns where the plugins of a run are looked for.
func placesOfRun(run string) (installed.Places, error) {
	spec := ""
	if o, err := record.ReadOptions(run); err == nil && o.Near != "" { // what is wrong with a run folder is told by who samples from it
		spec = filepath.Join(run, filepath.FromSlash(o.Near))
	}
	return installed.OfRun(run, spec, ".")
}
