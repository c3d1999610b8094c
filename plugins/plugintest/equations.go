package plugintest

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/interp"
)

// width is of the networks that consist of one neuron or coder.
const width = 6

// equations computes a neuron or coder by equations in a network of its own, for some examples and time steps.
func (s *suite) equations(title string, u *use) {
	if u.Kind == schema.Neuron {
		n := u.spec.Neurons[0]
		wire := check.SignalWire
		switch {
		case n.Once:
			wire = check.TimesWire
		case n.Spikes:
			wire = check.SpikesWire
		}
		var ports, args []string
		for i, name := range inputsOf(n.Definition.Body) {
			if ports = append(ports, fmt.Sprintf("%s: signal[%d]", name, width)); i > 0 {
				args = append(args, name+" = "+name)
			}
		}
		flows, _, _ := strings.Cut(ports[0], ":")
		use := "it"
		if len(args) > 0 {
			use += "(" + strings.Join(args, ", ") + ")"
		}
		s.network(title, u, fmt.Sprintf("network n(%s) -> %v[%d] { return %s -> %s }", strings.Join(ports, ", "), wire, width, flows, use))
		return
	}
	c := u.spec.Coders[0].Definition
	timed := []string{"spikes", "times", "signal"}
	if c.Encode != nil {
		s.network(title+" encode", u, either("network n(x: real[%d]) -> %s[%[1]d] { return x -> encode(it) }", timed)...)
	}
	if c.Decode != nil && !s.done() {
		s.network(title+" decode", u, either("network n(x: %[2]s[%[1]d]) -> real[%[1]d] { return x -> decode(it) }", timed)...)
	}
}

// either returns a network of each kind of wire.
func either(format string, kinds []string) (out []string) {
	for _, k := range kinds {
		out = append(out, fmt.Sprintf(format, width, k))
	}
	return out
}

// inputsOf returns the names of what flows into equations.
func inputsOf(body []dsl.Equation) (out []string) {
	for _, q := range body {
		if in, ok := q.(*dsl.Input); ok {
			for _, n := range in.Names {
				out = append(out, n.Text)
			}
		}
	}
	return out
}

// network computes the first network of these that checks.
func (s *suite) network(title string, u *use, texts ...string) {
	said := ""
	for _, text := range texts {
		spec, bad := s.checked(s.host(1), u.plugin, u.text+text+"\n")
		if spec == nil {
			said = bad
			continue
		}
		m, found := lower.Network(spec.Networks[0], steps)
		if found.HasErrors() {
			s.say(title, Schema, Failed, found[0].Summary, "mend the equations: they check, and are no graph")
			return
		}
		s.each(title, computing(func() (*sum, error) { return weighted(m, batch, signals(batch)) }))
		return
	}
	s.say(title, Schema, Failed, said, "mend the equations that the description has")
}

// computing are the tests of what the interpreter computes.
func computing(of func() (*sum, error)) []test {
	var c *sum
	var res *interp.Result
	return []test{
		{Spikes, func() (found string, err error) {
			if c, err = of(); err == nil {
				res, err = c.finite()
			}
			return "", err
		}},
		{Gradient, func() (string, error) {
			switch {
			case res == nil:
				return "", untested("not computed")
			case len(c.moved) == 0:
				return "", untested("not: nothing is trained through it")
			}
			return c.slopes(res)
		}},
	}
}

// coder tests a coder that is a graph: at examples of one channel axis and of images, in both directions that it has.
func (s *suite) coder(title string, u *use) {
	k := u.spec.Coders[0]
	var all []inquiry
	var modules []*graph.Module
	var titles []string
	h := s.host(1)
	said := ""
	ask := func(in check.Wire) *check.Wire {
		q := schema.CoderRequest{Component: u.Name, Arguments: u.args, Input: lower.Type(in, steps).String()}
		r, err := h.Coder(s.ctx, s.name, q)
		if err != nil {
			s.failed(title, Program, err)
			return nil
		}
		if len(r.Complaints) > 0 {
			said = r.Complaints[0].Summary
			return nil
		}
		made, found := build.CoderGraph(s.ctx, h, k, in, diag.Range{})
		if found.HasErrors() {
			s.say(title, Program, Failed, found[0].Summary, "give what `snnc doc plugin-protocol#graphs-as-text` says of coders")
			return nil
		}
		m, err := graph.Parse(r.Program)
		if err != nil { // the host has read it
			s.failed(title, Program, err)
			return nil
		}
		direction := string(schema.Encode)
		if in.Timed() {
			direction = string(schema.Decode)
		}
		all, modules = append(all, inquire("Coder", s.name, q, (*host.Host).Coder)), append(modules, m)
		titles = append(titles, fmt.Sprintf("%s %s of %v", title, direction, in))
		return &made.Out
	}
	bad := len(s.report.Failures())
	failed := func() bool { return len(s.report.Failures()) > bad }
	for _, dims := range [][]int{{2 * width}, {2, 4, 4}} {
		coded := []check.Wire{{Kind: check.SpikesWire, Dims: dims, Steps: steps}, {Kind: check.SignalWire, Dims: dims, Steps: steps}}
		if u.Goes(schema.Encode) && !failed() {
			out := ask(check.Wire{Kind: check.RealWire, Dims: dims})
			if out == nil || failed() {
				continue
			}
			coded = []check.Wire{*out}
		}
		for _, in := range coded {
			if u.Goes(schema.Decode) && !failed() {
				ask(in)
			}
		}
	}
	switch {
	case failed():
		return
	case len(all) == 0:
		s.say(title, Program, Untested, "not: it takes neither 12 values nor images of 2 channels: "+said, "")
		return
	}
	s.say(title, Program, Passed, fmt.Sprintf("of %d inputs", len(all)), "")
	s.each(title, s.pure(all), Answer, Deadline, Crash)
	for i, m := range modules {
		if s.done() {
			return
		}
		s.each(titles[i], computing(func() (*sum, error) {
			c, err := weighted(m, batch, signals(batch))
			if err == nil {
				c.env.Opaque = h.Opaque()
				c.author = ownDerivatives(c.whole)
			}
			return c, err
		}))
	}
}

// ownDerivatives says which nodes of a graph have derivatives that are not those of what they compute.
func ownDerivatives(graphs ...*graph.Graph) string {
	for _, g := range graphs {
		for _, x := range []struct {
			op   graph.Op
			says string
		}{{graph.OpCustom, "a function has a derivative of its own (custom)"}, {graph.OpOpaque, "a plugin computes a part of it"}} {
			if slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Op == x.op }) {
				return x.says
			}
		}
	}
	return ""
}
