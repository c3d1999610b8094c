package main

import (
	"context"
	"fmt"
	"io"

	"snnc.dev/snnc/runtime/experiment"
)

type emulateCommand struct {
	specFlags
	Target string   `arg:"" help:"The chip, as a spec writes it: loihi, or 'loihi(cores = 4)'. That of a plugin stands behind its name and a dot: acme/toychip.toychip."`
	File   string   `arg:"" name:"file.json" help:"A network in the chip's own terms, which a deployment has exported or a person has written, with the spikes that go in. Its tensors are beside it, in the safetensors file that its member tensors names, else in that of its own name."`
	Set    []string `sep:"none" placeholder:"NAME=VALUE" help:"An argument of the target, such as cores=4; may be given several times."`
}

// Help says what is printed.
func (c *emulateCommand) Help() string {
	return `What the chip does is printed as JSON, one line for each thing that is recorded. docs/emulate-loihi.md,
docs/emulate-truenorth.md and docs/emulate-neurogrid.md have the formats.`
}

func (c *emulateCommand) Run(ctx context.Context, s streams) error {
	h, err := c.near(s, ".", false)
	if err != nil {
		return err
	}
	defer h.Close()
	lines, found, sources, err := experiment.Emulate(ctx, h, experiment.EmulateOptions{Target: c.Target, Sets: c.Set, File: c.File})
	if ctx.Err() == nil { // else they are of what was broken off
		if err := printFindings(s.err, found, sources); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if found.HasErrors() {
		return judged(found)
	}
	if _, err := io.WriteString(s.out, lines); err != nil {
		return fmt.Errorf("print what the chip did: %w", err)
	}
	return nil
}
