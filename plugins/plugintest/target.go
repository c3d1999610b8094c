package plugintest

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/host"
)

// target tests a target at arguments: with networks of growing width, until one does not fit.
func (s *suite) target(title string, p *schema.Plugin, c *schema.Component, arguments string) {
	if s.o.Builtin == nil {
		s.say(title, Fit, Untested, "not: there is no command that serves the built-ins, of whose networks one would be checked", "")
		return
	}
	h := s.host(1)
	var all []inquiry
	fits, large := 0, 0
	var bad schema.TargetReply
	for n := 16; n <= 1<<22 && large == 0; n *= 8 {
		q, said := s.placed(h, p, c, arguments, n)
		if said != "" {
			s.say(title, Fit, Untested, "not: "+said, "")
			return
		}
		r, err := h.Check(s.ctx, s.name, q)
		if err != nil {
			s.failed(title, Fit, err)
			return
		}
		if len(r.Complaints) > 0 {
			s.say(title, Fit, Untested, fmt.Sprintf("not: it complains of `%s`: %s", r.Complaints[0].Path, r.Complaints[0].Summary), "")
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
}

// fit judges what is said of the first network that does not fit.
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

// placed is a request about a network with a layer of n neurons; else said is why there is none.
func (s *suite) placed(h *host.Host, p *schema.Plugin, c *schema.Component, arguments string, n int) (q schema.TargetRequest, said string) {
	spec, said := s.checked(h, only(p, c), s.preamble()+fmt.Sprintf(`
network classify(image: real[1, 8, 8]) -> real[10] {
    return image -> flatten -> encode(direct(steps = 4)) -> linear(16) -> fire -> linear(%d) -> fire -> linear(10) -> fire -> decode(mean)
}
model it = supervised(network = classify)
train it { data = digits, batch = 2, iterations = 1, optimizer = sgd(rate = 0.1) }
deploy it { targets = [tested%s] }
`, n, arguments))
	if spec == nil {
		return q, said
	}
	models, found := build.Models(s.ctx, h, spec)
	if len(models) == 0 || found.HasErrors() {
		return q, found[0].Summary
	}
	deploy := spec.Actions[slices.IndexFunc(spec.Actions, func(a *check.Action) bool { return a.Kind == "deploy" })]
	return schema.TargetRequest{Component: c.Name, Arguments: deploy.Settings["targets"].Items[0].Args, Networks: models[0].Request().Networks}, ""
}
