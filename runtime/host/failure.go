package host

import (
	"errors"
	"fmt"
	"strings"
)

// ErrClosed is returned by calls on a Host that is closed.
var ErrClosed = errors.New("the plugin host is closed")

// Failure is what a call returns where the plugin is at fault: it cannot start, it died, it did not answer in time, it
// answered nonsense, or it answered with an error of its own.
type Failure struct {
	Plugin string   // name of the plugin; "" for the built-ins
	Call   string   // as the protocol names it: Describe, Build, Sampler, Coder, Check, Prepare, Forward, Backward, Compile, Emulate, Export or Trace
	Exit   string   // how the process ended, such as "exit status 3" or "signal: killed"; "" where that is not what went wrong
	Stderr []string // the last lines that the process printed, oldest first, with the blanks in front of them
	Limit  string   // the limit of confined processes that it seems to have run into; "" for none
	Err    error    // what went wrong; lines behind the first one say where in the plugin
	Kind   Kind     // of what went wrong

	Dir      string // the plugin's folder; "" of the built-ins, and where it was not found
	Confined bool   // a sandbox held the process
}

// Kind says who has to mend a failure, and where.
type Kind uint8

// The kinds of failures.
const (
	Other    Kind = iota // none of these: a plugin that is not there, a manifest that does not hold, a connection that cannot be made
	Start                // the process did not come to its handshake
	Ended                // the process ended, or its connection, in the middle of a call
	Late                 // no answer within the time of a call
	Large                // a message over the limit
	Nonsense             // an answer that does not hold
	Refused              // the plugin answered with an error of its own
	Unknown              // the plugin does not know the call
)

// Error says what went wrong, how the process ended and what it printed last.
func (f *Failure) Error() string {
	var b strings.Builder
	said, places, more := strings.Cut(f.Err.Error(), "\n")
	fmt.Fprintf(&b, "%s %s: %s", strings.ToLower(f.Call), called(f.Plugin), said)
	if f.Exit != "" {
		fmt.Fprintf(&b, " (%s)", f.Exit)
	}
	if f.Limit != "" {
		fmt.Fprintf(&b, "; %s", f.Limit)
	}
	if more {
		b.WriteString("\n" + places)
	}
	if len(f.Stderr) > 0 {
		b.WriteString("; its last output:")
		for _, line := range f.Stderr {
			b.WriteString("\n    ")
			b.WriteString(line)
		}
	}
	return b.String()
}

// Unwrap returns what went wrong.
func (f *Failure) Unwrap() error { return f.Err }

// called is the plugin's name in a sentence.
func called(plugin string) string {
	if plugin == "" {
		return "the built-in plugin"
	}
	return fmt.Sprintf("plugin %q", plugin)
}
