package main

import (
	"fmt"

	"snnc.dev/snnc/plugins/scaffold"
	"snnc.dev/snnc/plugins/schema"
)

type pluginNewCommand struct {
	Name   string `arg:"" help:"Its name, as specs write it in use, such as acme/leap: the folder is ./leap, and the component is called so."`
	Kind   string `required:"" enum:"neuron,coder,model,target" placeholder:"KIND" help:"What it is to have: ${enum}."`
	Lang   string `required:"" enum:"go,python" placeholder:"LANGUAGE" help:"What it is to be written in: ${enum}."`
	Opaque bool   `help:"A neuron or coder that computes by itself, in place of equations or a graph that snnc compiles."`

	Equations bool `help:"A coder by equations, in place of a graph; a neuron is one by equations anyhow."`
}

func (c *pluginNewCommand) Run(s streams) error {
	o := scaffold.Options{Name: c.Name, Kind: schema.Kind(c.Kind), Language: c.Lang, Opaque: c.Opaque, Equations: c.Equations}
	dir := o.Folder()
	if err := scaffold.Write(dir, o); err != nil {
		return wrongUsage("%w", err)
	}
	fmt.Fprintf(s.out, "%s is written: its README.md says what is what. Go on by\n", dir)
	if c.Lang == scaffold.Python {
		fmt.Fprintf(s.out, "  pip install -r %s/requirements.txt\n  snnc plugin test %s\n  snnc run %s/example.snn --out runs/%s --plugin-dev %s=%s\n", dir, dir, dir, dir, c.Name, dir)
	} else {
		fmt.Fprintf(s.out, "  snnc plugin test %s\n  snnc plugin add %s\n  snnc run %s/example.snn --out runs/%s\n", dir, dir, dir, dir)
	}
	return nil
}
