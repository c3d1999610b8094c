package experiment

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/data"
	"snnc.dev/snnc/runtime/metric"
)

// judges reports whether an action compares with examples of a reference.
func (j *job) judges() bool { return j.Kind == "evaluate" || j.Kind == "deploy" }

// deployed reports whether a metric tells of a chip as of software: not one of how samples are drawn or of both splits of the data.
func deployed(v schema.Value) bool {
	m := measures()[v.Text]
	return !m.drawing && !m.splits && m.export != build.Bound
}

// mostJudged is how many samples a deploy action draws by itself: emulations take long.
const mostJudged = 256

// complete gives deploy actions the settings that they do not have: those of the first evaluation of their model that replaces nothing, and
// a sampler as it or the first sample action has it.
func (x *Experiment) complete() {
	for _, a := range x.Spec.Actions {
		if a.Kind != "deploy" {
			continue
		}
		first := func(kind string) *check.Action {
			i := slices.IndexFunc(x.Spec.Actions, func(o *check.Action) bool { return o.Kind == kind && o.Model == a.Model && o.Variant == nil })
			if i < 0 {
				return nil
			}
			return x.Spec.Actions[i]
		}
		take := func(from *check.Action, name string) bool {
			v, there := schema.Value{}, false
			if from != nil {
				v, there = from.Settings[name]
			}
			if _, own := a.Settings[name]; own || !there {
				return own
			}
			a.Settings[name] = v
			for path, place := range from.Places {
				if rest, ok := strings.CutPrefix(path, name); ok && (rest == "" || strings.ContainsAny(rest[:1], ".[")) {
					a.Places[path] = place
				}
			}
			return true
		}
		e, s := first("evaluate"), first("sample")
		number := func(name string, v int) {
			if _, own := a.Settings[name]; !own {
				a.Settings[name] = schema.Value{Type: schema.Int, Number: float64(v)}
			}
		}
		if e != nil {
			number("count", min(mostJudged, e.Settings.Int("count")))
		}
		number("count", mostJudged)
		for _, name := range []string{"reference", roundSetting} {
			take(e, name)
		}
		if _, own := a.Settings["reference"]; !own {
			a.Settings["reference"] = schema.Value{Type: schema.OneOf, Text: string(data.Test)}
			a.Settings[roundSetting] = schema.Value{Type: schema.Bool, Number: 1}
		}
		if _, own := a.Settings["metrics"]; !own && e != nil {
			a.Data = e.Data
			a.Settings["metrics"] = schema.Value{Type: schema.List}
			for i, v := range e.Settings["metrics"].Items {
				if !deployed(v) || a.Settings.Int("count") < metric.Needs(v).Samples {
					continue
				}
				list := a.Settings["metrics"]
				to := fmt.Sprintf("metrics[%d]", len(list.Items))
				for path, place := range e.Places {
					if rest, ok := strings.CutPrefix(path, fmt.Sprintf("metrics[%d]", i)); ok {
						a.Places[to+rest] = place
					}
				}
				list.Items = append(list.Items, v)
				a.Settings["metrics"] = list
			}
		}
		drawing := e
		if e != nil && !draws(e) {
			drawing = nil
		}
		if len(a.Model.Component.Samplers) > 0 && !take(drawing, "sampler") && !take(s, "sampler") && !take(e, "sampler") {
			if c := a.Model.Component.Samplers[0]; !slices.ContainsFunc(c.Params, func(p schema.Param) bool { return p.Required || p.Default != "" }) {
				a.Settings["sampler"] = schema.Value{Type: schema.OneOf, Text: c.Name}
			}
		}
		for _, from := range []*check.Action{e, s} {
			if _, is := a.Settings["sampler"]; is {
				take(from, labelsSetting)
			}
		}
	}
}

// chosen reports whether a role is one of the network that a deploy action names, if it names one.
func (j *job) chosen(role string) bool {
	only := j.Settings["network"].Items
	return len(only) == 0 || slices.ContainsFunc(only, func(v schema.Value) bool { return v.Text == role })
}
