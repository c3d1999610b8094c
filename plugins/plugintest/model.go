package plugintest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// example is the spec of a plugin's folder that shows its use, from which it is known what right requests are.
const example = "example.snn"

// standard are networks that roles of models are tried with: small ones of images, with spikes inside. $ is the role's number.
var standard = []string{
	// an image, with noise, say
	"network n$(image: real[1, 8, 8]) -> real[1, 8, 8] { return image -> flatten -> linear(16) -> encode(direct(steps = 4)) -> fire -> linear(64) -> decode(mean) -> reshape(1, 8, 8) }",
	// and a time
	"network n$(image: real[1, 8, 8], t: real[1]) -> real[1, 8, 8] { return (image -> flatten -> linear(16)) + (t -> linear(16)) -> encode(direct(steps = 4)) -> fire -> linear(64) -> decode(mean) -> reshape(1, 8, 8) }",
	// a step of a process
	"network n$(image: real[1, 8, 8], t: step) -> real[1, 8, 8] { return (image -> flatten -> linear(16)) + (t -> raw -> linear(16)) -> encode(direct(steps = 4)) -> fire -> linear(64) -> decode(mean) -> reshape(1, 8, 8) }",
	// classes of an image
	"network n$(image: real[1, 8, 8]) -> real[10] { return image -> flatten -> encode(direct(steps = 4)) -> linear(16) -> fire -> linear(10) -> decode(mean) }",
	// a score
	"network n$(image: real[1, 8, 8]) -> real[1] { return image -> flatten -> encode(direct(steps = 4)) -> linear(16) -> fire -> linear(1) -> decode(mean) }",
	// what is latent
	"network n$(image: real[1, 8, 8]) -> real[16] { return image -> flatten -> encode(direct(steps = 4)) -> linear(16) -> fire -> linear(16) -> decode(mean) }",
	// and an image of that
	"network n$(z: real[16]) -> real[1, 8, 8] { return z -> encode(direct(steps = 4)) -> linear(16) -> fire -> linear(64) -> decode(mean) -> reshape(1, 8, 8) }",
	"network n$(z: real[8]) -> real[1, 8, 8] { return z -> encode(direct(steps = 4)) -> linear(16) -> fire -> linear(64) -> decode(mean) -> reshape(1, 8, 8) }",
}

// preamble is what specs of the test begin with.
func (s *suite) preamble() string {
	return fmt.Sprintf("snn 1\nuse %q as tested\ndata digits = optdigits(range = 0..1)\nneuron fire = lif(tau = 2 steps)\n", s.name)
}

// built is a model as its plugin builds it.
type built struct {
	*build.Built
	model   *check.Model
	actions []*check.Action
	from    string // the spec
}

// model tests a model at arguments: it is built for the networks of the plugin's example, and otherwise for standard ones.
func (s *suite) model(title string, p *schema.Plugin, c *schema.Component, arguments string) {
	if s.o.Builtin == nil {
		s.say(title, Program, Untested, "not: there is no command that serves the built-ins, whose networks it would be built for", "")
		return
	}
	h := s.host(1)
	m, said, err := s.shown(c, arguments), "", error(nil)
	if m == nil {
		if m, said, err = s.standardModel(h, p, c, arguments); m == nil {
			said = fmt.Sprintf("there is no right %s that uses it, and standard networks do not fill its roles: %s", example, said)
		}
	}
	switch {
	case err != nil:
		s.failed(title, Program, err)
		return
	case m == nil:
		s.say(title, Program, Untested, "not: "+said, "")
		return
	}
	all := []inquiry{inquire("Build", s.name, m.Request(), (*host.Host).Build)}
	var options []schema.SamplerRequest
	for _, a := range m.actions {
		v, ok := a.Settings["sampler"]
		if ok && a.Model == m.model && a.Variant == nil && optional(c, v.Text) {
			q := schema.SamplerRequest{Build: m.Request(), Sampler: v.Text, Options: v.Args}
			all, options = append(all, inquire("Sampler", s.name, q, (*host.Host).Sampler)), append(options, q)
		}
	}
	said = "for the networks of " + m.from
	if len(options) > 0 {
		said += ", and " + counted(len(options), "sampler") + " with options"
	}
	s.say(title, Program, Passed, said, "")
	s.each(title, s.pure(all), Answer, Deadline, Crash)
	for _, stage := range m.Program.Stages {
		for _, step := range stage.Steps {
			if s.done() {
				return
			}
			s.each(title+" "+step.Function, s.training(h, m, step))
		}
	}
	s.samplers(title, h, m, options)
}

// counted is a number of things.
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// optional reports whether a sampler of a model has options.
func optional(c *schema.Component, sampler string) bool {
	i := slices.IndexFunc(c.Samplers, func(s schema.Choice) bool { return s.Name == sampler })
	return i >= 0 && len(c.Samplers[i].Params) > 0
}

// shown returns the first model of the component in the plugin's example; nil where there is none.
func (s *suite) shown(c *schema.Component, arguments string) *built {
	if s.example == nil || arguments != "" {
		return nil
	}
	for _, m := range s.example.Models {
		if m.Plugin == s.name && m.Component.Name == c.Name {
			return &built{m.Built, m.Model, s.example.Spec.Actions, example}
		}
	}
	return nil
}

// show judges the plugin's example, where there is one, and keeps it.
func (s *suite) show() {
	path := filepath.Join(s.dir, example)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || s.o.Builtin == nil {
		return
	}
	if err != nil {
		s.say("", Example, Failed, err.Error(), "let "+example+" be a plain file")
		return
	}
	x, found, sources := experiment.Load(s.ctx, s.host(1), path, text, experiment.Options{})
	has := func(code diag.Code) bool {
		return slices.ContainsFunc(found, func(d diag.Diagnostic) bool { return d.Code == code })
	}
	switch s.example = x; {
	case x != nil:
		s.say("", Example, Passed, "", "")
	case has(diag.PluginFailed): // which is told of where what failed is tested
	case has(diag.UnknownPlugin):
		s.say("", Example, Untested, "not: it uses plugins that are not there", "")
	default:
		s.say("", Example, Failed, example+" does not hold:\n"+written(found, sources), "mend the spec, which people begin with, or what it uses")
	}
}

// written is what people read of findings.
func written(found diag.List, sources diag.Sources) string {
	var said bytes.Buffer
	if err := found.Text(&said, sources, false); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(said.String())
}

// standardModel builds a model for the first of the standard networks, in all orders, that it does not complain of; nil and what it said of
// the last ones where there are none. The error is that of a call.
func (s *suite) standardModel(h *host.Host, p *schema.Plugin, c *schema.Component, arguments string) (m *built, said string, err error) {
	var roles []string
	for _, r := range c.Roles {
		switch {
		case r.Optional:
		case r.Takes != "network":
			return nil, fmt.Sprintf("role %s takes a %s", r.Name, r.Takes), nil
		default:
			roles = append(roles, r.Name)
		}
	}
	const tries = 100
	arguments = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(arguments), "("), ")")
	combinations := 1
	for range roles {
		combinations *= len(standard)
	}
	for k := range min(combinations, tries) {
		text := s.preamble()
		var given []string
		for i, rest := 0, k; i < len(roles); i, rest = i+1, rest/len(standard) {
			text += strings.ReplaceAll(standard[rest%len(standard)], "$", fmt.Sprint(i)) + "\n"
			given = append(given, fmt.Sprintf("%s = n%d", roles[i], i))
		}
		if arguments != "" {
			given = append(given, arguments)
		}
		text += fmt.Sprintf("model it = tested(%s)\ntrain it { data = digits, batch = 2, iterations = 1, optimizer = sgd(rate = 0.1) }\n", strings.Join(given, ", "))
		for _, x := range c.Samplers {
			text += fmt.Sprintf("sample it { sampler = %s, count = 1 }\n", x.Name)
		}
		var spec *check.Spec
		if spec, said = s.checked(h, only(p, c), text); spec == nil {
			continue
		}
		of := spec.Models[0]
		b, found := build.Filled(s.ctx, h, of, spec.Data[0])
		if found.HasErrors() {
			return nil, found[0].Summary, nil
		}
		reply, err := h.Build(s.ctx, s.name, b.Request())
		if err != nil {
			return nil, "", err
		}
		found = b.Take(reply)
		switch {
		case !found.HasErrors():
			return &built{b, of, spec.Actions, "the test"}, "", nil
		case len(reply.Complaints) == 0:
			return nil, "", &fault{Program, found[0].Summary, "mend the Program: it cannot be linked with the networks of the request"}
		}
		said = found[0].Summary
	}
	return nil, said, nil
}

// only is the plugin with no other component than one, which `use` then means.
func only(p *schema.Plugin, c *schema.Component) *schema.Plugin {
	own := *p
	own.Components = []schema.Component{*c}
	return &own
}

// training are the tests of a training step, which the interpreter computes.
func (s *suite) training(h *host.Host, m *built, step program.Step) []test {
	var c *sum
	var res *interp.Result
	return []test{
		{Program, func() (string, error) {
			whole, moved, err := m.Linker.Step(step)
			if err != nil {
				return "", &fault{Program, err.Error(), "mend the function: it is no training step"}
			}
			value, err := m.Linker.Function(step.Function)
			if err != nil {
				return "", &fault{Program, err.Error(), "mend the function"}
			}
			const examples = 2
			c = &sum{value: value, whole: whole, moved: moved, outer: Program, env: environment(examples, whole, m.Linker.Variables(), m.field(examples)),
				author: ownDerivatives(append(slices.Clone(m.Program.Functions), whole)...)}
			c.env.Opaque = h.Opaque()
			if n := c.heavy(); n > 0 {
				c = nil
				return "", untested(fmt.Sprintf("not computed: a step of the networks of %s takes %d million multiply-accumulates", m.from, n/1_000_000))
			}
			if res, err = c.finite(); err != nil {
				return "", err
			}
			return fmt.Sprintf("a step computes the loss %.4g and the derivative by %s", res.Outputs[whole.Outputs[0].Name].Data[0], counted(len(moved), "tensor")), nil
		}},
		{Gradient, func() (string, error) {
			if c == nil || res == nil {
				return "", untested("not computed")
			}
			return c.slopes(res)
		}},
	}
}

// field returns numbers for fields of the data: classes are below their number, images within their bounds.
func (m *built) field(n int) func(string, graph.Type) interp.Value {
	other := signals(n)
	r := m.Request()
	return func(name string, t graph.Type) interp.Value {
		x := other(name, t)
		classes, isClass := r.Classes[name]
		ends, bounded := r.Bounds[name]
		draw := drawing(name, 2)
		for i := range x.Data {
			switch {
			case isClass:
				x.Data[i] = float64(draw.IntN(max(classes, 1)))
			case bounded:
				x.Data[i] = ends[0] + (ends[1]-ends[0])*draw.Float64()
			case t.DType == graph.I32:
				x.Data[i] = 0
			}
		}
		return x
	}
}
