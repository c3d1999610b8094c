package plugintest

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
)

// target tests a target at arguments: with circuits of growing width, until one does not fit, and where it emulates with what it computes.
func (s *suite) target(title string, p *schema.Plugin, c *schema.Component, arguments string) {
	args, said := s.argued(p, c, arguments)
	if said != "" {
		s.say(title, Fit, Untested, "not: "+said, "")
		return
	}
	h := s.host(1)
	ask := func(x circuit) (schema.TargetRequest, schema.TargetReply, error) {
		q := schema.TargetRequest{Component: c.Name, Arguments: args, Circuits: []schema.Circuit{x.Circuit}}
		r, err := h.Check(s.ctx, s.name, q)
		return q, r, err
	}
	chip := &chip{of: s, title: title + " emulated", component: c, arguments: args}
	var kind *neuron // the first that the chip takes
	var refused string
	for i := range neurons {
		_, r, err := ask(classifier(neurons[i], 16))
		switch {
		case err != nil:
			s.failed(title, Fit, err)
			return
		case len(r.Complaints) > 0:
			s.say(title, Fit, Untested, fmt.Sprintf("not: it complains of `%s`: %s", r.Complaints[0].Path, r.Complaints[0].Summary), "")
			return
		}
		k := slices.IndexFunc(r.Layers, func(l schema.Placement) bool { return l.Host && l.Problem != "" })
		if k < 0 {
			kind = &neurons[i]
			break
		}
		refused = r.Layers[k].Problem
	}
	if kind == nil {
		s.say(title, Fit, Untested, fmt.Sprintf("not: none of %d kinds of neurons that are tried is for the chip; of the last it says: %s", len(neurons), refused), "")
		if c.Emulates && !s.done() {
			s.each(chip.title, []test{{Time, chip.time}})
		}
		return
	}
	var all []inquiry
	fits, large := 0, 0
	var bad schema.TargetReply
	for n := 16; n <= 1<<22 && large == 0; n *= 8 {
		q, r, err := ask(classifier(*kind, n))
		if err != nil {
			s.failed(title, Fit, err)
			return
		}
		if r.Fits {
			fits = n
		} else {
			large, bad = n, r
		}
		all = append(all, inquire("Check", s.name, q, (*host.Host).Check))
	}
	s.each(title, append([]test{{Fit, func() (string, error) { return fit(fits, large, bad) }}}, s.pure(all)...), Answer, Deadline, Crash)
	switch {
	case s.done():
	case !c.Emulates:
		s.say(chip.title, Answer, Untested, "not: the description has no `emulates`", "")
	case fits == 0:
		s.say(chip.title, Answer, Untested, "not: no layer that was tried fits", "")
		s.each(chip.title, []test{{Time, chip.time}})
	default:
		chip.circuit = classifier(*kind, 16)
		s.emulated(chip)
	}
}

// fit judges what is said of the first circuit that does not fit.
func fit(fits, large int, r schema.TargetReply) (string, error) {
	if large == 0 {
		return fmt.Sprintf("layers of 16 to %d neurons all do", fits), nil
	}
	i := slices.IndexFunc(r.Layers, func(l schema.Placement) bool { return l.Problem != "" })
	if i < 0 {
		return "", &fault{Fit, fmt.Sprintf("a layer of %d neurons does not fit, and no layer has a problem", large), "say in the `problem` of each layer that does not fit why"}
	}
	for _, l := range r.Layers {
		if l.Problem != "" && l.Change == "" {
			return "", &fault{Fit, fmt.Sprintf("layer %s does not fit (%s), and has no change", l.Layer, l.Problem), "say in `change` the smallest change that would make it fit"}
		}
	}
	said := fmt.Sprintf("a layer of %d neurons does not: %s; %s", large, r.Layers[i].Problem, r.Layers[i].Change)
	if fits > 0 {
		said = fmt.Sprintf("a layer of %d neurons fits; %s", fits, said)
	}
	return said, nil
}

// argued returns the arguments of a target as a spec has them, complete with defaults; else said is what is wrong with them.
func (s *suite) argued(p *schema.Plugin, c *schema.Component, arguments string) (args schema.Arguments, said string) {
	if s.o.Builtin == nil {
		return nil, "there is no command that serves the built-ins, whose model a spec would deploy"
	}
	spec, said := s.checked(s.host(1), only(p, c), s.preamble()+fmt.Sprintf(`
network classify(image: real[1, 8, 8]) -> real[10] {
    return image -> flatten -> encode(direct(steps = 4)) -> linear(10) -> fire -> decode(mean)
}
model it = supervised(network = classify)
train it { data = digits, batch = 2, iterations = 1, optimizer = sgd(rate = 0.1) }
deploy it { targets = [tested%s] }
`, arguments))
	if spec == nil {
		return nil, said
	}
	deploy := spec.Actions[slices.IndexFunc(spec.Actions, func(a *check.Action) bool { return a.Kind == "deploy" })]
	return deploy.Settings["targets"].Items[0].Args, ""
}
