package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"

	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/record"
)

type runCommand struct {
	specFlags
	changeFlags
	File    string   `arg:"" help:"Spec."`
	Only    []string `placeholder:"KIND[:MODEL]" help:"Do only these actions: train, sample, evaluate, deploy, or one of them of one model, such as sample:digit."`
	Out     string   `placeholder:"DIR" help:"Run folder. Default: runs/SPEC[-PRESET], for a sweep with -sweep behind it."`
	Data    []string `sep:"none" type:"existingdir" placeholder:"DIR" help:"Look for data sets in DIR first; several are looked into in order."`
	Threads int      `placeholder:"N" help:"Worker threads; no result depends on it. Default: one per processor."`
	Restart bool     `help:"Do the actions anew, from the beginning."`
	Locked  bool     `help:"Refuse plugins that snnc.lock does not have, in place of putting them in."`
	JSON    bool     `help:"Print the lines of events.jsonl."`
	Quiet   bool     `help:"Print nothing but errors."`
}

// maxThreads is more than any work is cut into; each thread has memory of its own.
const maxThreads = 256

// known reports whether SNNC_CPU names kernels of this processor, which is asked before anything is done for a spec: it is
// an error of the command line.
func known() error {
	if _, err := kernel.Used(); err != nil {
		return usageError{err}
	}
	return nil
}

// threadCount returns how many threads a command works with.
func threadCount(flag int) (int, error) {
	if err := known(); err != nil {
		return 0, err
	}
	switch {
	case flag < 0 || flag > maxThreads:
		return 0, wrongUsage("--threads %d: want 1 to %d", flag, maxThreads)
	case flag == 0:
		return runtime.GOMAXPROCS(0), nil
	}
	return flag, nil
}

func (c *runCommand) Run(ctx context.Context, s streams) error {
	threads, err := threadCount(c.Threads)
	if err != nil {
		return err
	}
	o := experiment.RunOptions{Folder: c.Out, Data: data.Folders(c.Data...), Threads: threads, Restart: c.Restart, Version: version()}
	for _, text := range split(c.Only) {
		selection, err := experiment.ParseSelection(text)
		if err != nil {
			return wrongUsage("--only: %w", err)
		}
		o.Only = append(o.Only, selection)
	}
	if c.Locked && len(c.PluginDev) > 0 {
		return wrongUsage("--locked and --plugin-dev: a plugin under development is in no lock")
	}
	if o.Folder == "" {
		name := strings.TrimSuffix(filepath.Base(c.File), ".snn")
		if c.Preset != "" {
			name += "-" + c.Preset
		}
		o.Folder = filepath.Join("runs", name)
	}
	h, err := c.near(s, filepath.Dir(c.File), c.Locked)
	if err != nil {
		return err
	}
	defer h.Close()
	watch := newWatcher(s, c.JSON, c.Quiet)
	o.Watch = watch
	changed := c.options()
	sweep, err := readSweep(ctx, h, c.File, changed, s)
	if err != nil {
		return err
	}
	if sweep != nil {
		if c.Out == "" {
			o.Folder += "-sweep"
		}
		return c.sweep(ctx, h, sweep, o, watch, s)
	}
	if err := c.one(ctx, h, changed, o, watch, s); err != nil {
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

// one does one run.
func (c *runCommand) one(ctx context.Context, h *host.Host, changed experiment.Options, o experiment.RunOptions, watch *watcher, s streams) error {
	x, err := load(ctx, h, c.File, changed, s)
	if err != nil {
		return err
	}
	err = x.Run(ctx, o)
	watch.end()
	var refused *experiment.Refused
	var failed *experiment.Failed
	var unselected *experiment.NothingSelected
	switch {
	case errors.As(err, &refused):
		if err := printFindings(s.err, refused.Found, x.Spec.Sources); err != nil {
			return err
		}
		return status(statusFailed)
	case errors.As(err, &failed):
		if err := printFindings(s.err, failed.Found, x.Spec.Sources); err != nil {
			return err
		}
		return status(statusFailed)
	case errors.As(err, &unselected):
		return wrongUsage("--only: %w", err)
	}
	return err
}

// sweep does the runs of a sweep, and prints their figures side by side.
func (c *runCommand) sweep(ctx context.Context, h *host.Host, sweep *experiment.Sweep, o experiment.RunOptions, watch *watcher, s streams) error {
	all := len(sweep.Members)
	err := sweep.Run(ctx, o.Folder, func(i int, m experiment.Member, folder string, earlier []string) error {
		switch {
		case c.JSON:
			fmt.Fprintf(watch, "{\"run\":%q}\n", m.Name)
		case !c.Quiet:
			fmt.Fprintf(watch, "%s (run %d of %d)\n", m.Name, i+1, all)
		}
		o := o
		o.Folder, o.Shared = folder, earlier
		err := c.one(ctx, h, m.Options, o, watch, s)
		var silent status
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case errors.As(err, &silent):
			err = errors.New("the spec cannot be run with these values")
		}
		fmt.Fprintf(s.err, "snnc: %s: %v\n", m.Name, err)
		return err
	})
	if err != nil {
		return err
	}
	if !c.JSON && !c.Quiet {
		if err := printTable(watch, sweep.Table()); err != nil {
			return err
		}
		fmt.Fprintf(watch, "the figures of all runs are in %s, the runs beside it\n", filepath.Join(o.Folder, record.SweepFile))
	}
	if watch.err != nil {
		return fmt.Errorf("print what happens: %w", watch.err)
	}
	if n := sweep.Failed(); n > 0 {
		return fmt.Errorf("%d of %d runs failed; the same command tries these again", n, all)
	}
	return nil
}

// printTable prints rows in columns as wide as what stands in them.
func printTable(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush()
}

// loadOne loads a spec that must be one run, which `what` says, and no sweep.
func loadOne(ctx context.Context, h *host.Host, file string, o experiment.Options, s streams, what string) (*experiment.Experiment, error) {
	sweep, err := readSweep(ctx, h, file, o, s)
	if err != nil {
		return nil, err
	}
	if sweep != nil {
		return nil, wrongUsage("%s, and this is a sweep of %d: choose one of its values, such as --set '%s'", what, len(sweep.Members), strings.Join(sweep.Members[0].Options.Sets, "' --set '"))
	}
	return load(ctx, h, file, o, s)
}

// readSweep checks the members of a sweep: nil where nothing is swept.
func readSweep(ctx context.Context, h *host.Host, file string, o experiment.Options, s streams) (*experiment.Sweep, error) {
	text, err := readSpec(file)
	if err != nil {
		return nil, err
	}
	sweep, found, sources := experiment.ReadSweep(ctx, h, file, text, o)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if found.HasErrors() {
		if err := printFindings(s.err, found, sources); err != nil {
			return nil, err
		}
		return nil, judged(found)
	}
	return sweep, nil
}
