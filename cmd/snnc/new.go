package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/record/wholefile"
	"snnc.dev/snnc/specs"
)

type newCommand struct {
	Name string `arg:"" help:"Name of the spec and of its model; the file is NAME.snn."`
	From string `enum:"quickstart,classifier,gan,vae,diffusion,tokens,conditional,flow" default:"quickstart" help:"What to begin with: ${enum}."`
}

// template is a spec that another one is made of.
type template struct {
	spec, model string // its file, and the name of its model
	preset      string // what `snnc run` is told to begin with; "" for none
	data        string // what is to be fetched before
}

func templates() map[string]template {
	return map[string]template{
		"quickstart":  {spec: "quickstart", model: "digit"},
		"classifier":  {spec: "classifier", model: "digit", data: "mnist"},
		"gan":         {spec: "spiking-gan", model: "glyph", data: "mnist"},
		"vae":         {spec: "fsvae", model: "fsvae", preset: "small", data: "mnist"},
		"diffusion":   {spec: "sddpm", model: "sddpm", preset: "tiny"},
		"tokens":      {spec: "spiking-diffusion", model: "prior", preset: "small", data: "mnist"},
		"conditional": {spec: "extend/class-sddpm", model: "digits", preset: "tiny"},
		"flow":        {spec: "extend/spiking-flow", model: "digits", preset: "tiny"},
	}
}

func (c *newCommand) Run(s streams) error {
	base := strings.TrimSuffix(filepath.Base(c.Name), ".snn")
	file := filepath.Join(filepath.Dir(c.Name), base+".snn")
	t := templates()[c.From]
	text, err := renamed(t, identifier(base), file)
	if err != nil {
		return wrongUsage("%w", err)
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return wrongUsage("%s is there already: choose another name, or remove it", file)
	}
	if err := wholefile.WriteBytes(file, text); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is written. Run it by\n", file)
	if t.data != "" {
		fmt.Fprintf(s.out, "  snnc data fetch %s\n", t.data)
	}
	run := "snnc run " + file
	if t.preset != "" {
		run += " --preset " + t.preset
	}
	fmt.Fprintf(s.out, "  %s\n", run)
	return nil
}

// identifier makes a name of the language of that of a file.
func identifier(name string) string {
	out := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9_]+`).ReplaceAllString(name, "_"), "_")
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		out = strings.TrimRight("spec_"+out, "_")
	}
	return out
}

// renamed returns a template with its model called name, for a file.
func renamed(t template, name, file string) ([]byte, error) {
	text := specs.Text(t.spec)
	f, _ := dsl.Parse(t.spec+".snn", text)
	var places []diag.Range // where the model is named, in the order of the text
	here := func(n dsl.Name) {
		if n.Text == t.model {
			places = append(places, n.Range)
		}
	}
	for _, item := range f.Items {
		switch x := item.(type) {
		case *dsl.Definition:
			if x.Kind == "model" {
				here(x.Name)
			}
		case *dsl.Action:
			here(x.Model)
		case *dsl.Preset:
			for _, c := range x.Changes {
				here(c.Path[0].Name)
				if len(c.Path) > 1 && slices.Contains([]string{"train", "sample", "evaluate", "deploy"}, c.Path[0].Name.Text) {
					here(c.Path[1].Name)
				}
			}
		}
	}
	var out []byte
	from := 0
	for _, p := range places {
		out = append(append(out, text[from:p.Start.Offset]...), name...)
		from = p.End.Offset
	}
	out = append(out, text[from:]...)
	out = bytes.ReplaceAll(out, []byte("snnc run "+path.Base(t.spec)+".snn"), []byte("snnc run "+file)) // in what it says of itself
	// A reserved word does not parse, and a name that the template has for something else stands twice.
	g, found := dsl.Parse(name+".snn", out)
	if found.HasErrors() {
		return nil, fmt.Errorf("`%s` cannot be the name of a model: %s", name, found[0].Summary)
	}
	_, found = check.Check(g, check.Options{}) // which knows no component: only what it says of names is asked for
	for _, d := range found {
		if d.Code == diag.DuplicateName {
			return nil, fmt.Errorf("`%s` is the name of something else in specs/%s.snn: take another one", name, t.spec)
		}
	}
	return out, nil
}
