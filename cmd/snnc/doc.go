package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/term"

	"snnc.dev/snnc/docs"
	"snnc.dev/snnc/dsl/reference"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
)

type docCommand struct {
	specFlags
	Name     []string `arg:"" optional:"" help:"What to explain: a layer, neuron, coder, model, data set, optimiser, metric, setting, statement, wire, type, unit, the code of a diagnostic, or a page (language, hardware, emulate-loihi, emulate-truenorth, emulate-neurogrid, plugins, plugin-protocol, plugin-tests; PAGE#SECTION for a part). None: a list of all."`
	Markdown bool     `help:"Print the reference of all names in Markdown."`
}

func (c *docCommand) Run(ctx context.Context, s streams) error {
	entries, err := c.entries(ctx, s)
	if err != nil {
		return err
	}
	switch {
	case c.Markdown:
		_, err := s.out.Write(reference.Markdown(entries))
		return err
	case len(c.Name) == 0:
		return index(s, entries, "")
	}
	var unknown error // the first name that means nothing; the others are explained all the same
	for i, name := range c.Name {
		if i > 0 {
			fmt.Fprintln(s.out)
		}
		if kind := reference.OfKind(name); kind != "" {
			if err := index(s, slices.DeleteFunc(slices.Clone(entries), func(e reference.Entry) bool { return e.Kind != kind }), kind); err != nil {
				return err
			}
			continue
		}
		if page, ok := docs.Page(name); ok {
			fmt.Fprint(s.out, reference.Plain(page, columns(s.out)))
			continue
		}
		if page, ok := docs.Text(name); ok {
			fmt.Fprint(s.out, reference.Plain(page, columns(s.out)))
			continue
		}
		found, near := reference.Find(entries, name)
		parts := reference.Parts(entries, name)
		if len(found) > 0 { // a neuron may have the name of a sampler; that it has an argument's tells nobody anything
			parts = slices.DeleteFunc(parts, func(e reference.Entry) bool { return e.Kind != "value" })
		}
		found = append(found, parts...)
		if len(found) == 0 {
			err := wrongUsage("`%s` is nothing that a spec may name; `snnc doc` lists what is", name)
			if near != "" {
				err = wrongUsage("`%s` is nothing that a spec may name: did you mean `snnc doc %s`?", name, near)
			}
			unknown = cmp.Or(unknown, err)
			continue
		}
		for j, e := range found {
			if j > 0 {
				fmt.Fprintln(s.out)
			}
			fmt.Fprint(s.out, e.Text(columns(s.out)))
		}
	}
	return unknown
}

// entries are those of the built-in plugin and of the ones named on the command line.
func (c *docCommand) entries(ctx context.Context, s streams) ([]reference.Entry, error) {
	h, err := c.hosted(s, host.Options{})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	builtin, err := h.Describe(ctx, "")
	if err != nil {
		return nil, err
	}
	used := map[string]schema.Plugin{}
	for _, name := range slices.Sorted(maps.Keys(c.PluginDev)) {
		if used[name], err = h.Describe(ctx, name); err != nil {
			return nil, err
		}
	}
	return reference.Entries(experiment.Catalogue(ctx, h, builtin, used)), nil
}

// columns is how wide a text may be: a terminal's width between 40 and 100, and 100 elsewhere.
func columns(w io.Writer) int {
	const least, most = 40, 100
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return min(max(n, least), most)
		}
	}
	return most
}

// index lists the entries by kind, or those of one, with the first sentence of each.
func index(s streams, entries []reference.Entry, only string) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, k := range reference.Kinds() {
		if only != "" && only != k.Kind {
			continue
		}
		fmt.Fprintf(w, "%s\n", k.Heading)
		for _, e := range entries {
			if e.Kind != k.Kind {
				continue
			}
			name, doc := e.Name, firstSentence(e.Doc)
			if e.Of != "" {
				name = e.Of + "." + name
			}
			if e.Later {
				doc = "(not in this version) " + doc
			}
			fmt.Fprintf(w, "  %s\t%s\n", name, shortened(doc, columns(s.out)-17))
		}
		fmt.Fprintln(w)
	}
	if only != "" {
		return w.Flush()
	}
	fmt.Fprintf(w, "Codes of diagnostics\n  %s\n\nPages\n  %s\n", strings.Join(docs.Codes(), " "), strings.Join(docs.Names(), " "))
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print the list: %w", err)
	}
	return nil
}

// shortened cuts a text to so many characters.
func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return strings.TrimRight(string(runes[:most-3]), " ,.;:") + " ..."
	}
	return text
}
