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
	ended := PluginFailed(&host.Failure{Plugin: "other", Call: "Build", Err: errors.New("it has ended"), Exit: "signal: killed", Stderr: []string{"no memory"}}, at)
	if ended.Summary != "plugin `other` failed in Build: it has ended (signal: killed)" || len(ended.Notes) != 1 || ended.Notes[0].Message != "it wrote: no memory" ||
		!strings.HasPrefix(ended.Help, "run the command again") || ended.Range != at || ended.Code != diag.PluginFailed {
		t.Errorf("%+v", ended)
	}
	answered := PluginFailed(&host.Failure{Call: "Build", Err: errors.New("a" + strings.Repeat("ö", 600))}, at)
	if !strings.HasPrefix(answered.Summary, "the built-in plugin failed in Build: aö") || !strings.HasSuffix(answered.Summary, "ö ...") || !utf8.ValidString(answered.Summary) ||
		len(answered.Summary) > 1060 || !strings.HasPrefix(answered.Help, "make the sizes and numbers smaller") {
		t.Errorf("%d bytes: %+v", len(answered.Summary), answered)
	}
	if other := PluginFailed(errors.New("the context is over"), at); other.Summary != "the context is over" || other.Help != "" {
		t.Errorf("%+v", other)
	}
}
