package build

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/host"
)

// The end of a process is told with its exit and last lines, to be tried again; an error that a plugin answers with is about what it
// was given. What is long is cut, between letters; what has lines keeps them, below the summary's one.
func TestPluginFailed(t *testing.T) {
	at := diag.Range{File: "f", Start: diag.Pos{Line: 3}}
	ended := PluginFailed(&host.Failure{Plugin: "other", Call: "Build", Kind: host.Ended, Err: errors.New("it has ended"), Exit: "signal: killed", Limit: "it has 2 GB",
		Stderr: []string{"no memory"}}, at)
	if ended.Summary != "plugin `other` failed in Build: it has ended (signal: killed)" || len(ended.Notes) != 2 || ended.Notes[0].Message != "it has 2 GB" || ended.Notes[1].Message != "it wrote: no memory" ||
		!strings.HasPrefix(ended.Help, "run the command again") || ended.Range != at || ended.Code != diag.PluginFailed {
		t.Errorf("%+v", ended)
	}
	answered := PluginFailed(&host.Failure{Call: "Build", Kind: host.Refused, Err: errors.New("a" + strings.Repeat("ö", 600))}, at)
	if !strings.HasPrefix(answered.Summary, "the built-in plugin failed in Build: aö") || !strings.HasSuffix(answered.Summary, "ö ...") || !utf8.ValidString(answered.Summary) ||
		len(answered.Summary) > 1060 || !strings.HasPrefix(answered.Help, "change what it is given here") {
		t.Errorf("%d bytes: %+v", len(answered.Summary), answered)
	}
	for kind, help := range map[host.Kind]string{host.Other: "", host.Start: "mend what keeps its program", host.Late: "make the sizes", host.Nonsense: "it is the plugin's author"} {
		if d := PluginFailed(&host.Failure{Call: "Build", Kind: kind, Err: errors.New("what else")}, at); !strings.HasPrefix(d.Help, help) || (d.Help == "") != (help == "") {
			t.Errorf("kind %d: %q", kind, d.Help)
		}
	}
	placed := PluginFailed(&host.Failure{Plugin: "acme/leap", Call: "Coder", Kind: host.Refused, Err: errors.New("GraphError: no axis\n    main.py:3 in encode\n      x = 1"),
		Stderr: []string{"  loading", "    a table"}}, at)
	if placed.Summary != "plugin `acme/leap` failed in Coder: GraphError: no axis" || len(placed.Notes) != 2 ||
		placed.Notes[0].Message != "it says further:\nmain.py:3 in encode\n  x = 1" || placed.Notes[1].Message != "it wrote:\nloading\n  a table" {
		t.Errorf("%+v", placed)
	}
	if other := PluginFailed(errors.New("the context is over"), at); other.Summary != "the context is over" || other.Help != "" {
		t.Errorf("%+v", other)
	}
}
