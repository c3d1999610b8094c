package plugintest

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/program"
)

// squares is a module that gives gain x^2, or its logarithm.
func squares(t *testing.T, log bool) *graph.Module {
	t.Helper()
	m := &graph.Module{Variables: []graph.Variable{{Name: "gain", Type: graph.Real(3), Init: graph.Init{Kind: "constant", A: 2}, Kind: graph.Parameter}}}
	m.Variables[0].Type.Batch = false
	b := graph.NewBuilder(program.TrainFunction, graph.ModuleEnv{Module: m})
	x := b.Input("x", graph.Signal(4, 3))
	y := b.Mul(b.Mul(x, x), b.Op(graph.OpRead, graph.Attrs{"var": "gain"}))
	if log {
		y = b.Op(graph.OpLog, nil, x) // of negative numbers, too
	}
	b.Output("y", y)
	g, err := b.Finish()
	if err != nil {
		t.Fatal(err)
	}
	m.Functions = append(m.Functions, g)
	return m
}

// A derivative that is another one is found, by an input and by a variable; the right one passes.
func TestSlopes(t *testing.T) {
	for _, wrong := range []string{"", "x", "gain"} {
		c, err := weighted(squares(t, false), batch, signals(batch))
		if err != nil {
			t.Fatal(err)
		}
		res, err := c.finite()
		if err != nil {
			t.Fatal(err)
		}
		if wrong != "" {
			g := res.Outputs[program.Grad+wrong]
			g.Data[0] *= 1.01
			g.Data[1] += 1
		}
		found, err := c.slopes(res)
		var bad *fault
		switch {
		case wrong == "" && (err != nil || found != "as differences of the smoothed model say, in 3 directions"):
			t.Errorf("%q %v", found, err)
		case wrong != "" && (!errors.As(err, &bad) || bad.name != Gradient):
			t.Errorf("wrong by %s: %q %v", wrong, found, err)
		}
	}
}

// What is no number is found where it comes out, before the sum and the derivatives that it spoils.
func TestFinite(t *testing.T) {
	c, err := weighted(squares(t, true), batch, signals(batch))
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.finite()
	var bad *fault
	if !errors.As(err, &bad) || bad.name != Spikes || bad.found != "the output y0 is NaN at inputs of ordinary size" {
		t.Errorf("%v", err)
	}
}

// Of a plugin that is not watched nothing is said of its attempts.
func TestUnwatched(t *testing.T) {
	s := &suite{report: &Report{Verdicts: []Verdict{{Name: Manifest, Outcome: Passed}, {Component: "neuron leap", Name: Schema, Outcome: Passed}}}}
	s.watch()
	s.walls()
	var names []string
	for _, v := range s.report.Verdicts {
		names = append(names, string(v.Name+" "+Name(v.Outcome)))
		if v.Outcome == Untested && v.Found != "not watched: the plugin is not confined" {
			t.Errorf("%+v", v)
		}
	}
	if got := strings.Join(names, ", "); got != "manifest passed, files untested, network untested, schema passed" {
		t.Error(got)
	}
}

// Where paths cannot be read nothing is said of files, and of the network as ever.
func TestUnread(t *testing.T) {
	s := &suite{report: &Report{}}
	s.attempts.add(host.Attempt{Attempt: confine.Attempt{Call: "openat"}})
	s.attempts.add(host.Attempt{Attempt: confine.Attempt{Call: "socket", Of: "AF_INET", Network: true}})
	s.attempts.add(host.Attempt{Attempt: confine.Attempt{Call: "socket", Of: "AF_INET6", Network: true, Bare: true}, Early: true}) // gRPC's
	s.walls()
	v := s.report.Verdicts
	if len(v) != 2 || v[0].Outcome != Untested || v[1].Outcome != Failed || v[1].Found != "it tries what it must not: socket AF_INET" {
		t.Errorf("%+v", v)
	}
}

// However much a plugin says, a verdict is a few lines, of whole characters.
func TestLong(t *testing.T) {
	s := &suite{report: &Report{}}
	s.say("", Schema, Failed, "x"+strings.Repeat("\u00e9", 1<<20), "")
	if found := s.report.Verdicts[0].Found; len(found) > 2100 || !utf8.ValidString(found) || !strings.HasSuffix(found, "\u00e9 ...") {
		t.Errorf("%d bytes: %.20q", len(found), found)
	}
}
