package main

import (
	"bytes"
	"errors"
	"fmt"

	"snnc.dev/snnc/runtime/compare"
	"snnc.dev/snnc/runtime/record/wholefile"
)

type compareCommand struct {
	Folders  []string `arg:"" name:"run" help:"Run folders, of runs that are finished or not; the folder of a sweep stands for its runs."`
	JSON     bool     `name:"json" xor:"form" help:"Print JSON, with all digits."`
	Markdown bool     `xor:"form" help:"Print a piece of a page in Markdown, with the commands of the runs."`
	HTML     bool     `name:"html" xor:"form" help:"Print a page in HTML with the sheets of samples; it needs no other file and no network."`
	Out      string   `placeholder:"FILE" help:"Write to a file instead."`
}

func (c *compareCommand) Run(s streams) error {
	t, whole := compare.Read(c.Folders)
	render := t.Text
	switch {
	case c.JSON:
		render = t.JSON
	case c.Markdown:
		render = t.Markdown
	case c.HTML:
		render = t.HTML
	}
	var text bytes.Buffer
	if err := render(&text); err != nil {
		return err
	}
	if c.Out != "" {
		if err := wholefile.WriteBytes(c.Out, text.Bytes()); err != nil {
			return err
		}
	} else if _, err := s.out.Write(text.Bytes()); err != nil {
		return fmt.Errorf("print comparison: %w", err)
	}
	if !whole {
		return errors.New("not all of the folders can be read: the notes of the comparison say why")
	}
	return nil
}
