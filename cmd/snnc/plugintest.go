package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/plugintest"
	"snnc.dev/snnc/runtime/installed"
)

// judgeFlags are common to the commands that judge a plugin.
type judgeFlags struct {
	Dir     string        `arg:"" placeholder:"DIR" help:"The plugin's folder, with snn-plugin.toml."`
	Use     []string      `sep:"none" placeholder:"COMPONENT(ARGUMENTS)" help:"Take a component at arguments, as a spec writes them, such as \"leap(tau = 3 steps)\"; may be given several times. The others are at their defaults."`
	Timeout time.Duration `default:"10s" placeholder:"TIME" help:"How long a call may take."`
	First   bool          `help:"End with the first failure."`
	JSON    bool          `name:"json" help:"Print the report as JSON."`
	buildFlags
}

type pluginCheckCommand struct{ judgeFlags }

func (c *pluginCheckCommand) Run(ctx context.Context, s streams) error {
	return c.judge(ctx, s, plugintest.Check)
}

type pluginTestCommand struct{ judgeFlags }

func (c *pluginTestCommand) Run(ctx context.Context, s streams) error {
	return c.judge(ctx, s, plugintest.Test)
}

// judge builds the plugin and prints a report; the status says whether something failed.
func (c *judgeFlags) judge(ctx context.Context, s streams, by func(context.Context, string, plugintest.Options) (*plugintest.Report, error)) error {
	if c.Timeout <= 0 {
		return wrongUsage("a call takes longer than %v", c.Timeout)
	}
	building := s
	if c.JSON {
		building.out = s.err
	}
	// A manifest that cannot be read is a finding of the report.
	if m, err := installed.ReadManifest(c.Dir); err == nil {
		if err := c.build(ctx, c.Dir, m, c.Dir, building, s.notice); err != nil {
			return err
		}
	}
	self, err := c.program()
	if err != nil {
		return err
	}
	argv, err := builtin.Argv()
	if err != nil {
		return err
	}
	o := plugintest.Options{Uses: c.Use, Timeout: c.Timeout, First: c.First, Builtin: argv, Confine: self}
	const erase = "\r\x1b[K" // the line
	if terminal(s.err) {
		o.Begin = func(component string, name plugintest.Name) {
			fmt.Fprint(s.err, erase, strings.TrimSpace(component+" "+string(name)), " ...")
		}
	}
	r, err := by(ctx, c.Dir, o)
	if o.Begin != nil {
		fmt.Fprint(s.err, erase)
	}
	if err != nil {
		return err
	}
	print := r.Text
	if c.JSON {
		print = r.JSON
	}
	if err := print(s.out); err != nil {
		return err
	}
	if len(r.Failures()) > 0 {
		return status(statusFailed)
	}
	return nil
}
