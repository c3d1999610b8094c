package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

type deployCommand struct {
	specFlags
	Folder   string   `arg:"" optional:"" name:"run" help:"Run folder, of a run that is finished or not."`
	List     bool     `help:"List the chips that there are, with their arguments: built-in ones, and those of the plugins that specs of this folder may use."`
	Target   []string `sep:"none" placeholder:"TARGET" help:"The chip, as a spec writes it, such as 'loihi(cores = 64)'; may be given several times. Default: those of the first deploy action of the model."`
	Model    string   `placeholder:"NAME" help:"The model. Default: the first that the spec deploys, or the only one."`
	Network  string   `placeholder:"NAME" help:"The network of the model that is put on the chip. Default: all."`
	Count    *int     `placeholder:"N" help:"How many samples are drawn, or examples judged, in software and on the chip."`
	Examples *int     `placeholder:"N" help:"Of how many examples rates are measured and spikes compared."`
	Metrics  string   `placeholder:"METRIC,..." help:"What is measured of both, as in the brackets of the setting metrics; [] for nothing."`
	Sampler  string   `placeholder:"SAMPLER" help:"How samples are drawn, as a spec writes it."`
	Seed     *uint64  `placeholder:"N" help:"Of the random numbers."`
	Repeats  *int     `placeholder:"N" help:"On how many chips the metrics are measured, with seeds from --seed on, where chips of a target are not alike."`
	Export   string   `placeholder:"DIR" help:"Write what each chip is loaded with to DIR/TARGET.json, with its tensors in TARGET.safetensors: what snnc emulate reads. It holds an example, of which DIR/TARGET.example.json says what the chip made."`
	Example  *int     `placeholder:"N" help:"The example that the export holds, counted from 0. Default: 0, the first that is judged or drawn."`
	Data     []string `sep:"none" type:"existingdir" placeholder:"DIR" help:"Look for data sets in DIR first; several are looked into in order."`
	Threads  int      `placeholder:"N" help:"Worker threads; no result depends on it. Default: one per processor."`
	Quiet    bool     `help:"Print nothing but errors."`
}

func (c *deployCommand) Run(ctx context.Context, s streams) error {
	switch {
	case c.List && c.Folder != "":
		return wrongUsage("--list lists the chips that there are, and %s is a run: leave one of them out", c.Folder)
	case c.List:
		return c.list(ctx, s)
	case c.Example != nil && c.Export == "":
		return wrongUsage("--example says which example an export holds: name a folder for it by --export")
	case c.Example != nil && *c.Example < 0:
		return wrongUsage("--example is %d, and examples are counted from 0", *c.Example)
	case c.Folder == "":
		return wrongUsage("name a run folder, or list the chips that there are by --list")
	}
	threads, err := threadCount(c.Threads)
	if err != nil {
		return err
	}
	settings := map[string]string{}
	for name, v := range map[string]*int{"count": c.Count, "examples": c.Examples, "repeats": c.Repeats} {
		if v != nil {
			settings[name] = strconv.Itoa(*v)
		}
	}
	if c.Seed != nil {
		settings["seed"] = strconv.FormatUint(*c.Seed, 10)
	}
	for name, v := range map[string]string{"network": c.Network, "sampler": c.Sampler} {
		if v != "" {
			settings[name] = v
		}
	}
	if list := strings.TrimSpace(c.Metrics); strings.HasPrefix(list, "[") && strings.HasSuffix(list, "]") {
		settings["metrics"] = list
	} else if list != "" {
		settings["metrics"] = "[" + list + "]"
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
	example := 0
	if c.Example != nil {
		example = *c.Example
	}
	watch := newWatcher(s, false, c.Quiet)
	found, sources, err := experiment.Deploy(ctx, h, experiment.DeployOptions{Run: c.Folder, Model: c.Model, Targets: c.Target, Settings: settings, Export: c.Export, Example: example,
		Data: data.Folders(c.Data...), Threads: threads, Version: version(), Watch: watch})
	watch.end()
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
	if watch.err != nil {
		return fmt.Errorf("print what happens: %w", watch.err)
	}
	return nil
}

// list lists targets with their parameters. No plugin is started that the lock does not hold.
func (c *deployCommand) list(ctx context.Context, s streams) error {
	places, err := installed.Near(".")
	if err != nil {
		return err
	}
	lock, err := installed.ReadLock(places.Lock)
	if err != nil {
		return err
	}
	h, err := c.hosted(s, host.Options{Places: places})
	if err != nil {
		return err
	}
	defer h.Close()
	names := slices.Sorted(maps.Keys(c.PluginDev))
	for _, name := range places.Names() {
		if slices.Contains(names, name) {
			continue
		}
		if dir, _ := places.Find(name); standing(lock, places.Lock, name, dir) != "holds" {
			s.notice(fmt.Sprintf("plugin %s is not started before `snnc plugin lock %[1]s` accepts it", name))
			continue
		}
		names = append(names, name)
	}
	for i, name := range append([]string{""}, names...) {
		p, err := h.Describe(ctx, name)
		if err != nil {
			return err
		}
		for k, x := range slices.DeleteFunc(slices.Clone(p.Components), func(x schema.Component) bool { return x.Kind != schema.Target }) {
			if i+k > 0 {
				fmt.Fprintln(s.out)
			}
			if err := listTarget(s, name, x); err != nil {
				return err
			}
		}
	}
	return nil
}

// listTarget prints a target with what it is and takes.
func listTarget(s streams, plugin string, x schema.Component) error {
	from, does := "built-in", "says whether networks fit"
	if plugin != "" {
		from = "of " + plugin
	}
	if x.Emulates {
		does += ", emulates them"
	}
	if x.Traces {
		does += ", traces one in its own terms (snnc emulate)"
	}
	fmt.Fprintf(s.out, "%s (%s): %s\n    %s\n", x.Name, from, firstSentence(x.Doc), does)
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, p := range x.Params {
		value := "may be absent"
		switch {
		case p.Required:
			value = "required"
		case p.Default != "":
			value = "default " + p.Default
		}
		fmt.Fprintf(w, "    %s\t%s\t%s\t%s\n", p.Name, p.Type, value, p.Doc)
	}
	return w.Flush()
}
