package build

import (
	"errors"
	"fmt"
	"strings"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/installed"
)

// PluginFailed words the end of a plugin process, the error that it answered a call with, or that a lock refuses the plugin. at is the place in the spec that asked.
func PluginFailed(err error, at diag.Range) diag.Diagnostic {
	d := diag.Diagnostic{Code: diag.PluginFailed, Range: at, Summary: err.Error()}
	var f *host.Failure
	if !errors.As(err, &f) {
		return d
	}
	var changed *installed.Changed
	if errors.As(err, &changed) {
		d.Code = diag.PluginChanged
		d.Summary = fmt.Sprintf("plugin `%s` is not the one that %s has: its %s is another", f.Plugin, changed.Lock, changed.What)
		d.Notes = []diag.Note{{Message: "was " + changed.Was}, {Message: "is " + changed.Now}}
		d.Help = fmt.Sprintf("if you changed it or put another version there, accept it by `snnc plugin lock %s`; else do not run it", f.Plugin)
		return d
	}
	var unlocked *installed.Unlocked
	if errors.As(err, &unlocked) {
		d.Code = diag.PluginUnlocked
		d.Summary = fmt.Sprintf("%s does not have plugin `%s`", unlocked.Lock, f.Plugin)
		d.Help = fmt.Sprintf("add it by `snnc plugin lock %s`, and keep the file with the spec", f.Plugin)
		return d
	}
	name := "the built-in plugin"
	if f.Plugin != "" {
		name = fmt.Sprintf("plugin `%s`", f.Plugin)
	}
	d.Summary = fmt.Sprintf("%s failed in %s: %s", name, f.Call, shortened(f.Err.Error()))
	if f.Exit != "" {
		d.Summary += " (" + f.Exit + ")"
	}
	if f.Limit != "" {
		d.Notes = append(d.Notes, diag.Note{Message: f.Limit})
	}
	for _, line := range f.Stderr {
		d.Notes = append(d.Notes, diag.Note{Message: "it wrote: " + line})
	}
	d.Help = help(f.Kind)
	return d
}

// help says what a user does about a failure of a kind; "" where its error says so.
func help(k host.Kind) string {
	switch k {
	case host.Start:
		return "mend what keeps its program from starting; `snnc plugin check` of its folder shows more of it"
	case host.Ended:
		return "run the command again; if it fails again, look at what the plugin wrote"
	case host.Late, host.Large, host.Refused:
		return "make the sizes and numbers smaller that it is given here; if it still fails, tell the plugin's author"
	case host.Nonsense, host.Unknown:
		return "tell the plugin's author, who finds it by `snnc plugin test`"
	}
	return ""
}

// shortened cuts a text of a plugin to what a person reads.
func shortened(text string) string {
	const most = 1000
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}
