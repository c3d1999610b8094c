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
// was given. What is long is cut, between letters.
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
		len(answered.Summary) > 1060 || !strings.HasPrefix(answered.Help, "make the sizes and numbers smaller") {
		t.Errorf("%d bytes: %+v", len(answered.Summary), answered)
	}
	for kind, help := range map[host.Kind]string{host.Other: "", host.Start: "mend what keeps its program", host.Late: "make the sizes", host.Nonsense: "tell the plugin's author"} {
		if d := PluginFailed(&host.Failure{Call: "Build", Kind: kind, Err: errors.New("what else")}, at); !strings.HasPrefix(d.Help, help) || (d.Help == "") != (help == "") {
			t.Errorf("kind %d: %q", kind, d.Help)
		}
	}
	if other := PluginFailed(errors.New("the context is over"), at); other.Summary != "the context is over" || other.Help != "" {
		t.Errorf("%+v", other)
	}
}
