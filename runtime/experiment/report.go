package experiment

import (
	"maps"
	"path"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/record"
)

// report writes report.html anew: what the folder holds, seen as a page.
func (r *runner) report() error {
	s := r.x.Spec
	page := record.Report{Title: strings.TrimSuffix(path.Base(r.x.Name), ".snn"), Doc: s.File.Doc, Version: r.o.Version}
	for _, n := range s.Networks {
		p := networkPlan(s, n, nil)
		network := record.Network{Name: p.Name, Steps: p.Steps, Parameters: p.Parameters, Frozen: p.Frozen}
		for _, l := range p.Layers {
			network.Layers = append(network.Layers, record.Layer{Name: strings.TrimPrefix(l.Name, n.Name+"."), Kind: l.Kind, Shape: l.wire, Parameters: l.Parameters})
		}
		page.Networks = append(page.Networks, network)
	}
	if r.x.Options.Preset != "" {
		page.Settings = append(page.Settings, record.Setting{Of: "command line", Name: "--preset", Value: r.x.Options.Preset})
	}
	for _, set := range r.x.Options.Sets {
		page.Settings = append(page.Settings, record.Setting{Of: "command line", Name: "--set", Value: set})
	}
	for _, j := range r.all {
		for _, name := range slices.Sorted(maps.Keys(j.Settings)) {
			page.Settings = append(page.Settings, record.Setting{Of: j.name, Name: name, Value: render(j.Settings[name])})
		}
	}
	return r.folder.WriteReport(page)
}
