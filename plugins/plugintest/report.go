package plugintest

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Outcome says how something was found.
type Outcome string

// The outcomes.
const (
	Passed   Outcome = "passed"
	Failed   Outcome = "failed"
	Untested Outcome = "untested"
)

// Verdict is what was found of one thing.
type Verdict struct {
	Component string   `json:"component,omitempty"` // "KIND NAME" and its arguments where they are given, and what of it; "" for the plugin as a whole
	Name      Name     `json:"name"`
	Outcome   Outcome  `json:"outcome"`
	Found     string   `json:"found,omitempty"`  // a sentence without full stop: what is wrong, or what was measured or not tested; "" where there is nothing to say
	Mend      string   `json:"mend,omitempty"`   // what the author does about it, of one that failed
	Output    []string `json:"output,omitempty"` // the last lines that the process printed, where it ended
}

// Report is what was found of a plugin.
type Report struct {
	Plugin   string    `json:"plugin,omitempty"` // by its manifest; "" where that cannot be read
	Version  string    `json:"version,omitempty"`
	Verdicts []Verdict `json:"verdicts"`
}

// JSON writes the report for programs: an object with the members of Report and Verdict, and `report`, the version of their meaning.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	const meaning = 1
	if err := e.Encode(struct {
		Meaning int `json:"report"`
		*Report
	}{meaning, r}); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
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
		outcome := map[Outcome]string{Passed: "ok", Failed: "FAILED", Untested: "-"}[v.Outcome]
		fmt.Fprintln(&b, strings.TrimRight(fmt.Sprintf("  %-11s  %-6s %s", v.Name, outcome, strings.Join(lines, "\n"+strings.Repeat(" ", margin))), " "))
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
