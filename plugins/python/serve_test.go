//go:build python

package python_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
)

// ask asks tests/plugins/odd to do something.
func ask(h *host.Host, do string, value float64) (schema.BuildReply, error) {
	return h.Build(context.Background(), "acme/odd", schema.BuildRequest{Component: "odd", Arguments: schema.Arguments{
		"do": {Type: schema.String, Text: do}, "value": {Type: schema.Real, Number: value}}})
}

// works checks that the plugin does what it should, and returns a Program that is another one for every process.
func works(t *testing.T, h *host.Host) string {
	t.Helper()
	r, err := ask(h, "process", 1)
	if err != nil || !strings.Contains(r.Program, "constant value=") {
		t.Errorf("%+v %v", r, err)
	}
	return r.Program
}

// What goes wrong in a call is the failure of that call, in the plugin's words, and the next call works; only a process that ends
// is replaced. Whatever a plugin prints, before it serves and later, disturbs nobody.
func TestCalls(t *testing.T) {
	h := start(t)
	first := works(t, h)
	for _, x := range []struct {
		do   string
		says []string
	}{
		{"raise", []string{"ValueError: the moon is full", "odd.py:27 in build"}},
		{"long", []string{"ValueError: ééé", "odd.py"}},
		{"graph", []string{"GraphError: a value of g is used in f", "odd.py:33 in build"}},
		{"quit", []string{"SystemExit: 3"}},
		{"huge", []string{"over 64 MB"}},
	} {
		_, err := ask(h, x.do, 1)
		var f *host.Failure
		if !errors.As(err, &f) || f.Exit != "" {
			t.Errorf("%s: %v", x.do, err)
			continue
		}
		for _, s := range x.says {
			if !strings.Contains(f.Error(), s) {
				t.Errorf("%s: %q is not said in: %v", x.do, s, f)
			}
		}
		works(t, h)
	}
	r, err := ask(h, "refuse", 1)
	if err != nil || len(r.Complaints) != 1 || r.Complaints[0] != (schema.Complaint{Path: "value", Summary: "too small", Help: "make it larger"}) {
		t.Errorf("%+v %v", r, err)
	}
	if r, err = ask(h, "big", 1); err != nil || len(r.Complaints) != 1 || len(r.Complaints[0].Summary) != 20<<20 {
		t.Errorf("%d complaints %v", len(r.Complaints), err)
	}
	if _, err := ask(h, "print", 1); err != nil {
		t.Error(err)
	}
	if works(t, h) != first {
		t.Error("the process was replaced")
	}
	if _, err := ask(h, "exit", 1); err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), "goodbye") {
		t.Error(err)
	}
	if works(t, h) == first {
		t.Error("the process is still there")
	}
}

// Many calls at once share one process.
func TestConcurrent(t *testing.T) {
	h := start(t)
	var all sync.WaitGroup
	answers := make([]string, 20)
	for i := range answers {
		all.Go(func() { answers[i] = works(t, h) })
	}
	all.Wait()
	if len(slices.Compact(answers)) != 1 {
		t.Error("several processes answered")
	}
}
