package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

type dataCompareCommand struct {
	dataFlags
	Images    string `arg:"" name:"data" help:"Data set with its arguments, as a spec writes it: 'mnist(size = 16)'."`
	Reference string `arg:"" help:"Data set that it is compared with."`
	Split     string `enum:"train,test" default:"train" help:"Examples of DATA: train or test."`
	Against   string `enum:"train,test" default:"test" help:"Examples of REFERENCE: train or test."`
	Count     int    `default:"10000" placeholder:"N" help:"How many images are compared, at most. Default: ${default}."`
	Metrics   string `default:"frechet(features = pixels)" placeholder:"METRIC,..." help:"What is measured, as in the brackets of the setting metrics. Default: ${default}."`
	Threads   int    `placeholder:"N" help:"Worker threads; no result depends on it. Default: one per processor."`
	JSON      bool   `name:"json" help:"Print JSON, with all digits."`
}

// comparedJSON is what --json prints.
type comparedJSON struct {
	Data      string                   `json:"data"`
	Split     string                   `json:"split"`
	Reference string                   `json:"reference"`
	Against   string                   `json:"against"`
	Count     int                      `json:"count"` // images that were compared
	Figures   map[string]record.Figure `json:"figures"`
}

func (c *dataCompareCommand) Run(ctx context.Context, s streams) error {
	threads, err := threadCount(c.Threads)
	if err != nil {
		return err
	}
	h, err := newHost(host.Options{}, true)
	if err != nil {
		return err
	}
	defer h.Close()
	x, found, sources, err := experiment.Compare(ctx, h, experiment.CompareOptions{Images: c.Images, Reference: c.Reference, Split: c.Split, Against: c.Against,
		Metrics: c.Metrics, Count: c.Count, Folders: data.Folders(c.Data...), Threads: threads})
	if err != nil {
		return err
	}
	if x == nil {
		if err := printFindings(s.err, found, sources); err != nil {
			return err
		}
		return judged(found)
	}
	if c.JSON {
		out := comparedJSON{Data: x.Images, Split: c.Split, Reference: x.Reference, Against: c.Against, Count: x.Count, Figures: map[string]record.Figure{}}
		for _, f := range x.Figures {
			out.Figures[f.Name] = record.Figure{Value: f.Value, Count: f.Count, Reference: c.Against, Recipe: f.Recipe, Interval: record.Interval(f.Interval), Detail: f.Detail}
		}
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(out)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, f := range x.Figures {
		if f.Detail {
			continue
		}
		between := ""
		if i := record.Interval(f.Interval); i != (record.Interval{}) {
			between = fmt.Sprintf("[%.4g, %.4g]", i.Low, i.High)
		}
		fmt.Fprintf(w, "%s\t%.4g\t%s\t%s\n", f.Name, f.Value, between, f.Recipe)
	}
	return w.Flush()
}
