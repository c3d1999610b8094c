package data

import "fmt"

// Error is what keeps a data set from being read: its files, or what was asked of it. The caller shows it at the place of
// the spec that names the data set.
type Error struct {
	Set     string // the data set
	Summary string // what is wrong, in one line
	Help    string // what to do about it
	Err     error  // what the system or a decoder said; may be nil

	absent bool // no file of it was found
}

// Error returns the data set and the summary.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("data set `%s`: %s: %v", e.Set, e.Summary, e.Err)
	}
	return fmt.Sprintf("data set `%s`: %s", e.Set, e.Summary)
}

// Unwrap returns what the system or a decoder said.
func (e *Error) Unwrap() error { return e.Err }
