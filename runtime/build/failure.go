package build

import (
	"errors"
	"fmt"
	"slices"
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
	said, places, _ := strings.Cut(f.Err.Error(), "\n")
	d.Summary = fmt.Sprintf("%s failed in %s: %s", name, f.Call, shortened(said))
	if f.Exit != "" {
		d.Summary += " (" + f.Exit + ")"
	}
	if places != "" {
		d.Notes = append(d.Notes, diag.Note{Message: wrote("it says further:", strings.Split(shortened(places), "\n"))})
	}
	if f.Limit != "" {
		d.Notes = append(d.Notes, diag.Note{Message: f.Limit})
	}
	if len(f.Stderr) > 0 {
		d.Notes = append(d.Notes, diag.Note{Message: wrote("it wrote:", f.Stderr)})
	}
	d.Help = f.Mend()
	return d
}

// wrote puts lines of a plugin below what is said of them, without the blanks that all of them begin with; a single one stands behind it.
func wrote(title string, lines []string) string {
	blanks := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	least := blanks(slices.MinFunc(lines, func(a, b string) int { return blanks(a) - blanks(b) }))
	if len(lines) == 1 {
		return title + " " + lines[0][least:]
	}
	for _, line := range lines {
		title += "\n" + line[least:]
	}
	return title
}

// shortened cuts a text of a plugin to what a person reads.
func shortened(text string) string {
	const most = 1000
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}
