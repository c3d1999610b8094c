package diag

// Severity says how bad a finding is.
type Severity uint8

// The severities: an error stops the command, a warning does not.
const (
	Error Severity = iota
	Warning
)

// Pos is a place in a text: Offset in bytes from 0, Line from 1, Column in characters from 1.
type Pos struct{ Offset, Line, Column int }

// Range is a part of a text, from Start up to and not including End. The zero Range means "no place".
type Range struct {
	File       string // the name the text was read under, as it is shown
	Start, End Pos
}

// IsZero reports whether r names no place.
func (r Range) IsZero() bool { return r.File == "" && r.Start.Line == 0 }

// Join returns the smallest range that covers r and s, which lie in one file.
func (r Range) Join(s Range) Range {
	if r.IsZero() {
		return s
	}
	if s.IsZero() {
		return r
	}
	if s.Start.Offset < r.Start.Offset {
		r.Start = s.Start
	}
	if s.End.Offset > r.End.Offset {
		r.End = s.End
	}
	return r
}

// Code is the stable name of a kind of diagnostic, such as SNN0231. Every code has a constant in codes.go.
type Code string

// Note is a remark on another place that is involved, or, with a zero Range, a remark without a place.
type Note struct {
	Message string
	Range   Range
}

// Diagnostic is one finding about a user's file.
type Diagnostic struct {
	Code     Code
	Severity Severity
	Summary  string // one line, lower case, no full stop; names in `backquotes`
	Range    Range
	Label    string // a few words behind the caret, or ""
	Help     string // what to write instead, or ""
	Notes    []Note
}

// List collects the findings of a stage, in the order they were made.
type List []Diagnostic

// Add appends d.
func (l *List) Add(d Diagnostic) { *l = append(*l, d) }

// HasErrors reports whether one of the findings is an error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}
