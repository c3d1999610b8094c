package plugintest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"time"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// Options say how a plugin is tested.
type Options struct {
	Uses    []string                          // components at arguments as a spec writes them, `leap(tau = 3 steps)`; the others are at their defaults
	Timeout time.Duration                     // of a call; 0: 10 seconds
	First   bool                              // the test ends with the first failure
	Builtin []string                          // command of the process that serves the built-ins, with which models and targets are tested; nil: these are not
	Begin   func(component string, name Name) // told what is looked at next, as a Verdict names it; nil: nobody
	Confine string                            // path of the program that confines the plugin, as for those who use it; "": it is not
}

// defaultTimeout is how long a call may take; a host waits for a minute.
const defaultTimeout = 10 * time.Second

// suite is the test of one plugin.
type suite struct {
	ctx    context.Context
	o      Options
	dir    string
	name   string
	hosts  []*host.Host
	report *Report

	builtin *schema.Plugin         // what is built in, when it is known
	example *experiment.Experiment // the plugin's own; nil where there is none that is right

	attempts  attempts
	unwatched error // why the processes are not watched; nil: they are
}

// Check starts the plugin in a folder and judges what it says of itself. The error is the context's; all else is in the report.
func Check(ctx context.Context, dir string, o Options) (*Report, error) {
	return run(ctx, dir, o, false)
}

// Test is Check, and tests what the plugin computes.
func Test(ctx context.Context, dir string, o Options) (*Report, error) { return run(ctx, dir, o, true) }

func run(ctx context.Context, dir string, o Options, whole bool) (*Report, error) {
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	s := &suite{ctx: ctx, o: o, dir: dir, report: &Report{}}
	s.watch()
	defer s.close(0)
	p, ok := s.described()
	if ok && whole && !s.done() {
		s.show()
	}
	if ok {
		for i := range p.Components {
			if !s.done() {
				s.component(p, &p.Components[i], whole)
				s.close(0)
			}
		}
	}
	if s.report.Plugin != "" {
		s.walls()
	}
	return s.report, ctx.Err()
}

// begins tells what is looked at next.
func (s *suite) begins(component string, name Name) {
	if s.o.Begin != nil {
		s.o.Begin(component, name)
	}
}

// done reports whether the test is to end.
func (s *suite) done() bool {
	return s.ctx.Err() != nil || s.o.First && (len(s.report.Failures()) > 0 || s.attempts.any())
}

// host returns a host that runs the plugin in a process of its own, which starts with the first call. Of a call whose process ends it tries
// so many processes.
func (s *suite) host(tries int) *host.Host {
	o := host.Options{Builtin: s.o.Builtin, Dev: map[string]string{s.name: s.dir}, Timeout: s.o.Timeout, Long: s.o.Timeout, Tries: tries, Confine: s.o.Confine}
	if s.unwatched == nil {
		o.Watch = s.attempts.add
	}
	h := host.New(o)
	s.hosts = append(s.hosts, h)
	return h
}

// close ends the hosts that are younger than the first so many; a process that outlives that has a verdict by then.
func (s *suite) close(but int) {
	var all sync.WaitGroup
	for _, h := range s.hosts[but:] {
		all.Go(func() { h.Close() })
	}
	all.Wait()
	s.hosts = s.hosts[:but]
}

// say adds a verdict.
func (s *suite) say(component string, name Name, outcome Outcome, found, mend string) {
	s.add(Verdict{Component: component, Name: name, Outcome: outcome, Found: found, Mend: mend})
}

// add adds a verdict, of which a plugin may have said whole megabytes.
func (s *suite) add(v Verdict) {
	const most = 2000 // bytes
	if len(v.Found) > most {
		v.Found = strings.ToValidUTF8(v.Found[:most], "") + " ..."
	}
	s.report.Verdicts = append(s.report.Verdicts, v)
}

// test is something that is looked at: what was found, or what is wrong. An error that is untested says why nothing could be found.
type test struct {
	name Name
	run  func() (string, error)
}

// untested is why something was not looked at.
type untested string

// Error implements error.
func (u untested) Error() string { return string(u) }

// each makes the tests of a component, in an order in which the cause of a fault is found before what follows from it; looked are names
// that all of them look for.
func (s *suite) each(title string, tests []test, looked ...Name) {
	right, unlooked := true, func(name, failed Name) {
		s.say(title, name, Untested, fmt.Sprintf("not looked at: `%s` failed", failed), "")
	}
	var bad Name // the last that failed
	for i, x := range tests {
		switch {
		case x.name == Speed && !right:
			continue // a component that is wrong is as fast as it likes
		case x.name == Time && !right:
			unlooked(x.name, bad) // what is wrong in all circuits is told of once
			continue
		}
		s.begins(title, x.name)
		before := len(s.hosts)
		found, err := x.run()
		s.close(before)
		var why untested
		switch {
		case s.ctx.Err() != nil:
			return
		case errors.As(err, &why):
			s.say(title, x.name, Untested, why.Error(), "")
		case err == nil:
			s.say(title, x.name, Passed, found, "")
		default:
			s.failed(title, x.name, err)
			right, bad = false, s.report.Verdicts[len(s.report.Verdicts)-1].Name
			var f *host.Failure
			if s.o.First || errors.As(err, &f) || x.name == Determinism || x.name == Leak {
				// What a process does that ends, hangs or says now this, now that, tells nothing more.
				for _, y := range tests[i+1:] {
					if y.name != bad {
						unlooked(y.name, bad)
					}
				}
				return
			}
		}
	}
	for _, name := range looked {
		if right {
			s.say(title, name, Passed, "", "")
		}
	}
}

// failed adds the verdict of an error that came while something was looked at: a call that goes wrong has verdicts of its own.
func (s *suite) failed(component string, name Name, err error) {
	v := Verdict{Component: component, Name: name, Outcome: Failed, Found: err.Error(), Mend: "answer this call, which is a right one"}
	var bad *fault
	var f *host.Failure
	switch {
	case errors.As(err, &bad):
		v.Name, v.Found, v.Mend = bad.name, bad.found, bad.mend
	case errors.As(err, &f):
		v.Output = f.Stderr
		v.Found = f.Call + ": " + f.Err.Error()
		if f.Exit != "" {
			v.Found += " (" + f.Exit + ")"
		}
		switch f.Kind {
		case host.Start:
			v.Name, v.Mend = Handshake, "start by the manifest's command, listen in $PLUGIN_UNIX_SOCKET_DIR and print the handshake, as sdk.Serve and snnc.serve do"
			if f.Exit != "" {
				v.Mend, _, _ = strings.Cut(f.Mend(), "; `snnc plugin check") // which is what shows this
			}
		case host.Late:
			v.Name, v.Mend = Deadline, "return from "+f.Call+": look for a loop without end, a lock that is held, a read from standard input; what only computes long is tested with a longer --timeout, and a run waits for a minute"
		case host.Ended:
			v.Name, v.Mend = Crash, "make "+f.Call+" return an error where it cannot go on: the process ended in the middle of it"
		case host.Large:
			v.Name, v.Mend = Memory, "make the answer to "+f.Call+" smaller: numbers belong into operands, not into answers"
		case host.Nonsense:
			v.Name, v.Mend = Schema, "answer "+f.Call+" as `snnc doc plugin-protocol#json` has it"
		case host.Refused:
			v.Name, v.Mend = Answer, "let "+f.Call+" do without this error: what it is asked is right"
		case host.Unknown:
			v.Name, v.Mend = Answer, "serve "+f.Call
		case host.Other:
			v.Name, v.Mend = Handshake, "make the manifest's command one that starts"
		}
	}
	s.add(v)
}

// fault is something that is wrong with what a plugin computes.
type fault struct {
	name        Name
	found, mend string
}

// Error implements error.
func (f *fault) Error() string { return f.found }

// described starts the plugin and asks what it has; false where that fails.
func (s *suite) described() (*schema.Plugin, bool) {
	m, err := installed.ReadManifest(s.dir)
	if err != nil {
		s.say("", Manifest, Failed, err.Error(), "write "+filepath.Join(s.dir, installed.ManifestName)+" with the keys that `snnc doc plugin-protocol#the-folder-and-the-manifest` has")
		return nil, false
	}
	s.name, s.report.Plugin, s.report.Version = m.Name, m.Name, m.Version
	if m.Requires != 0 && m.Requires != proto.Version {
		s.say("", Manifest, Failed, fmt.Sprintf("it requires version %d of the protocol, and this program speaks version %d", m.Requires, proto.Version),
			fmt.Sprintf("write requires = %d where the program speaks that, as its handshake says, or test with an snnc that speaks version %d", proto.Version, m.Requires))
		return nil, false
	}
	s.say("", Manifest, Passed, "", "")
	s.begins("", Handshake)
	h := s.host(1)
	begun := time.Now()
	p, err := h.Describe(s.ctx, s.name)
	if s.blind(err) {
		h, begun = s.host(1), time.Now()
		p, err = h.Describe(s.ctx, s.name)
	}
	took := time.Since(begun)
	if err != nil {
		s.failed("", Schema, err)
		return nil, false
	}
	early := ""
	for _, x := range h.Running() {
		early = strings.Join(x.Early, "\n")
	}
	if early != "" {
		s.say("", Handshake, Failed, "the process prints before its handshake: "+fmt.Sprintf("%.200q", early),
			"print to standard error, or after the handshake: what comes first on standard output is the handshake")
	} else {
		s.say("", Handshake, Passed, fmt.Sprintf("and the description in %d ms", took.Milliseconds()), "")
	}
	if len(p.Components) == 0 {
		s.say("", Schema, Failed, "the plugin has no components", "list them in the plugin that is served")
		return nil, false
	}
	s.say("", Schema, Passed, "", "")
	again, err := s.host(1).Describe(s.ctx, s.name)
	switch {
	case err != nil:
		s.failed("", Determinism, err)
		return nil, false
	case !reflect.DeepEqual(p, again):
		s.say("", Determinism, Failed, "two processes describe the plugin differently", "make the description a constant: no dates, no random numbers, no order of a map")
		return nil, false
	}
	s.say("", Determinism, Passed, "", "")
	return &p, true
}

// use is a neuron or coder at arguments.
type use struct {
	*schema.Component
	args   schema.Arguments
	plugin *schema.Plugin // with no other component
	text   string         // of a spec that defines it as `it`
	spec   *check.Spec    // that
}

// component judges one component, and tests it where there is something to be computed.
func (s *suite) component(p *schema.Plugin, c *schema.Component, whole bool) {
	title := string(c.Kind) + " " + c.Name
	var uses []string
	for _, u := range s.o.Uses {
		if name, _, _ := strings.Cut(u, "("); strings.TrimSpace(name) == c.Name {
			uses = append(uses, strings.TrimSpace(u)[len(c.Name):])
		}
	}
	if len(uses) == 0 {
		for _, x := range c.Params {
			if x.Required && c.Kind != schema.Model && c.Kind != schema.Target { // of these a spec may say more
				s.say(title, Schema, Untested, fmt.Sprintf("its argument `%s` is required: pass --use \"%s(%s = ...)\"", x.Name, c.Name, x.Name), "")
				return
			}
		}
		uses = []string{""}
	}
	for _, at := range uses {
		title := title + at
		if c.Kind == schema.Model || c.Kind == schema.Target || c.Later {
			s.say(title, Schema, Passed, "", "")
			switch {
			case !whole || c.Later:
			case c.Kind == schema.Model:
				s.model(title, p, c, at)
			default:
				s.target(title, p, c, at)
			}
			continue
		}
		u, said := s.used(p, c, at)
		if u == nil {
			s.say(title, Schema, Failed, said, "mend the equations, parameters or defaults that the description has, or the arguments of --use")
			continue
		}
		s.say(title, Schema, Passed, "", "")
		switch {
		case !whole:
		case c.Opaque != nil:
			s.opaque(title, u)
		case c.Equations != "":
			s.equations(title, u)
		default:
			s.coder(title, u)
		}
		if s.done() {
			return
		}
	}
}

// used returns a neuron or coder at arguments, which the checker of specs completes; nil and what it says where they do not hold.
func (s *suite) used(p *schema.Plugin, c *schema.Component, arguments string) (*use, string) {
	u := &use{Component: c, plugin: only(p, c), text: fmt.Sprintf("snn 1\nuse %q as tested\n%s it = tested%s\n", s.name, c.Kind, arguments)}
	spec, said := s.checked(s.host(1), u.plugin, u.text)
	if spec == nil { // of a time in ms a spec has to say how long a step is
		text := u.text + "param dt: time = 1 ms\n"
		if spec, _ = s.checked(s.host(1), u.plugin, text); spec == nil {
			return nil, said
		}
		u.text = text
	}
	u.spec = spec
	switch {
	case len(spec.Neurons) == 1 && spec.Neurons[0].Opaque != nil:
		u.args = spec.Neurons[0].Opaque.Args
	case len(spec.Coders) == 1:
		u.args = spec.Coders[0].Args
	}
	return u, ""
}

// checked checks a spec that uses the plugin, and what is built in where a host serves that; nil and what is said of it where it does not
// hold.
func (s *suite) checked(h *host.Host, p *schema.Plugin, text string) (*check.Spec, string) {
	const name = "test.snn"
	if s.o.Builtin != nil && s.builtin == nil {
		own, err := h.Describe(s.ctx, "")
		if err != nil {
			return nil, err.Error()
		}
		s.builtin = &own
	}
	var own schema.Plugin
	if s.builtin != nil {
		own = *s.builtin
	}
	file, found := dsl.Parse(name, []byte(text))
	sources := diag.Sources{name: []byte(text)}
	if !found.HasErrors() {
		var spec *check.Spec
		spec, found = check.Check(file, check.Options{Catalogue: experiment.Catalogue(s.ctx, h, own, map[string]schema.Plugin{s.name: *p})})
		for label, text := range spec.Sources {
			sources[label] = text
		}
		if !found.HasErrors() {
			return spec, ""
		}
	}
	return nil, written(found, sources)
}
