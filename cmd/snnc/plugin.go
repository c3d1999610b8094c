package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"unicode"
)

type pluginCommand struct {
	List pluginListCommand `cmd:"" help:"List the components of the built-in plugin and of those named by --plugin-dev."`
}

type pluginListCommand struct{ specFlags }

func (c *pluginListCommand) Run(ctx context.Context, s streams) error {
	h, err := c.host()
	if err != nil {
		return err
	}
	defer h.Close()
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tNAME\tVERSION\tPLUGIN\t")
	for _, name := range append([]string{""}, slices.Sorted(maps.Keys(c.PluginDev))...) {
		p, err := h.Describe(ctx, name)
		if err != nil {
			return err
		}
		plugin := name
		if name == "" {
			plugin = "built-in"
		}
		for _, x := range p.Components {
			doc := firstSentence(x.Doc)
			if x.Later {
				doc = "(not in this version) " + doc
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", x.Kind, x.Name, x.Version, plugin, doc)
		}
	}
	return w.Flush()
}

// firstSentence returns the first sentence of a Markdown text on one line.
func firstSentence(doc string) string {
	paragraph, _, _ := strings.Cut(doc, "\n\n")
	text := strings.Join(strings.Fields(paragraph), " ")
	for i := range len(text) - 2 {
		if text[i:i+2] == ". " && unicode.IsUpper(rune(text[i+2])) {
			return text[:i+1]
		}
	}
	return text
}
