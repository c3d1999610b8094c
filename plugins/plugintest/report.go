package plugintest

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Name is what a verdict is about.
type Name string

// What is looked at.
const (
	Manifest    Name = "manifest"    // the file snn-plugin.toml
	Handshake   Name = "handshake"   // the process starts, and prints its handshake before all else
	Schema      Name = "schema"      // what the plugin says of itself, and the components at their arguments
	Files       Name = "files"       // the process writes nothing but temporary files
	Network     Name = "network"     // and connects to nobody
	Program     Name = "program"     // the graphs that a coder, model or target gives
	Determinism Name = "determinism" // equal requests have equal answers in different processes
	Leak        Name = "leak"        // and in one process, whatever came between
	Operands    Name = "operands"    // a call writes all that it should, and nothing else
	Spikes      Name = "spikes"      // what spikes is 0 or 1, what spikes once does so once, what does not is finite
	Examples    Name = "examples"    // an example is the same in any batch
	Steps       Name = "steps"       // a block is what its time steps are one by one with the states carried
	Gradient    Name = "gradient"    // Backward is the derivative of Forward
	Malformed   Name = "malformed"   // wrong requests have errors
	Deadline    Name = "deadline"    // every call has an answer in time
	Crash       Name = "crash"       // the process lives
	Restart     Name = "restart"     // a process in the place of a killed one gives the same
	Memory      Name = "memory"      // answers have their size, and the process does not grow
	Speed       Name = "speed"       // how long a block takes
)

// Outcome says how something was found.
type Outcome string

// The outcomes.
const (
	Passed   Outcome = "ok"
	Failed   Outcome = "FAILED"
	Untested Outcome = "-"
)

// Verdict is what was found of one thing.
type Verdict struct {
	Component string // "KIND NAME" and its arguments where they are given; "" for the plugin as a whole
	Name      Name
	Outcome   Outcome
	Found     string   // a sentence without full stop: what is wrong, or what was measured or not tested; "" where there is nothing to say
	Mend      string   // what the author does about it, of one that failed
	Output    []string // the last lines that the process printed, where it ended
}

// Report is what was found of a plugin.
type Report struct {
	Plugin, Version string // by its manifest; "" where that cannot be read
	Verdicts        []Verdict
}

// Failures returns the verdicts that failed.
func (r *Report) Failures() []Verdict {
	return slices.DeleteFunc(slices.Clone(r.Verdicts), func(v Verdict) bool { return v.Outcome != Failed })
}

// Text writes the report for people: a line for each verdict, and below those that failed what mends it.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	if r.Plugin != "" {
		fmt.Fprintf(&b, "%s %s\n", r.Plugin, r.Version)
	}
	of := ""
	for _, v := range r.Verdicts {
		if v.Component != of {
			of = v.Component
			fmt.Fprintln(&b, of)
		}
		lines := strings.Split(v.Found, "\n")
		if v.Outcome == Failed {
			lines = append(lines, "mend: "+v.Mend)
			for _, line := range v.Output {
				lines = append(lines, "| "+line)
			}
		}
		const margin = 22
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  %-11s  %-6s %s", v.Name, v.Outcome, strings.Join(lines, "\n"+strings.Repeat(" ", margin))), " "))
	}
	switch n := len(r.Failures()); n {
	case 0:
		fmt.Fprintln(&b, "nothing failed")
	case 1:
		fmt.Fprintln(&b, "1 failure")
	default:
		fmt.Fprintf(&b, "%d failures\n", n)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	return nil
}
