package diag

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sources holds texts by the name that ranges give.
type Sources map[string][]byte

// shown is how many columns of a source line are shown.
const shown = 120

// Sorted returns the findings by file and place, in the order they were made where these agree, and of the findings with
// one code at one place the first.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Diagnostic) int {
		return cmp.Or(strings.Compare(a.Range.File, b.Range.File), cmp.Compare(a.Range.Start.Offset, b.Range.Start.Offset))
	})
	type place struct {
		code Code
		at   Range
	}
	seen := map[place]bool{}
	return slices.DeleteFunc(out, func(d Diagnostic) bool {
		p := place{d.Code, d.Range}
		if d.Range.IsZero() || !seen[p] {
			seen[p] = true
			return false
		}
		return true
	})
}

// shown returns the findings sorted, errors up to the 100th, and how many more errors there are.
func (l List) shown() (out List, more int) {
	const most = 100
	errors := 0
	for _, d := range l.Sorted() {
		if d.Severity == Error {
			if errors++; errors > most {
				more++
				continue
			}
		}
		out.Add(d)
	}
	return out, more
}

// Text writes the findings for people, sorted: each with its source line, where sources has it, and a caret range; colour
// adds the colours of a terminal.
func (l List) Text(w io.Writer, sources Sources, colour bool) error {
	var b bytes.Buffer
	found, more := l.shown()
	for i, d := range found {
		if i > 0 {
			b.WriteByte('\n')
		}
		d.text(&b, sources, colour)
	}
	if more > 0 {
		fmt.Fprintf(&b, "\nand %d more errors\n", more)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func (d Diagnostic) text(b *bytes.Buffer, sources Sources, colour bool) {
	paint := func(s string) string { return s }
	word := "error"
	if d.Severity == Warning {
		word = "warning"
	}
	if colour {
		hue := "\x1b[1;31m"
		if d.Severity == Warning {
			hue = "\x1b[1;33m"
		}
		paint = func(s string) string { return hue + s + "\x1b[0m" }
	}
	fmt.Fprintf(b, "%s: %s\n", paint(fmt.Sprintf("%s[%s]", word, d.Code)), plain(d.Summary))
	margin := " "
	if !d.Range.IsZero() {
		line := strconv.Itoa(d.Range.Start.Line)
		margin = strings.Repeat(" ", len(line))
		fmt.Fprintf(b, "%s--> %s\n", margin, d.Range.place())
		if source, blank, caret, ok := excerpt(sources[d.Range.File], d.Range); ok {
			label := ""
			if d.Label != "" {
				label = " " + plain(d.Label)
			}
			fmt.Fprintf(b, "%s |\n%s\n%s | %s%s\n", margin, strings.TrimRight(line+" | "+source, " "), margin, blank, paint(caret+label))
			if d.Help != "" || len(d.Notes) > 0 {
				fmt.Fprintf(b, "%s |\n", margin)
			}
		}
	}
	if d.Help != "" {
		fmt.Fprintf(b, "%s = help: %s\n", margin, d.indent(margin, d.Help))
	}
	for _, n := range d.Notes {
		fmt.Fprintf(b, "%s = note: %s", margin, d.indent(margin, n.Message))
		if !n.Range.IsZero() {
			fmt.Fprintf(b, " --> %s", n.Range.place())
		}
		b.WriteByte('\n')
	}
}

// indent puts the lines of a help or note below its first.
func (Diagnostic) indent(margin, text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n"+margin+strings.Repeat(" ", len(" = help: ")))
}

// place is FILE:LINE:COLUMN.
func (r Range) place() string {
	return fmt.Sprintf("%s:%d:%d", plain(r.File), r.Start.Line, r.Start.Column)
}

// plain replaces what would steer a terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case unicode.IsPrint(r):
			return r
		}
		return utf8.RuneError
	}, s)
}

// excerpt returns the source line of r, cut around its start, the blanks below it and the carets: what is wide on a
// terminal has blanks and carets as wide. A range over several lines has carets to the end of its first line.
func excerpt(text []byte, r Range) (line, blank, caret string, ok bool) {
	at := r.Start.Offset
	if at < 0 || at > len(text) || r.Start.Line < 1 {
		return "", "", "", false
	}
	from := bytes.LastIndexByte(text[:at], '\n') + 1
	to := len(text)
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		to = at + i
	}
	if from == 0 && bytes.HasPrefix(text, []byte("\ufeff")) {
		from = min(len("\ufeff"), at)
	}
	end := min(max(r.End.Offset, at), to, at+4*shown)
	from = max(from, at-4*shown) // no character is longer than four bytes
	before, width := tail(show(text[from:at]), shown*3/4)
	marked, cols := head(show(text[at:end]), shown-width)
	rest, _ := head(show(bytes.TrimRight(text[end:min(to, end+4*shown)], "\r")), shown-width-cols)
	return before + marked + rest, strings.Repeat(" ", width), strings.Repeat("^", max(1, cols)), true
}

// show makes a part of a line fit to be shown: a tab is one space, what is not printed is a replacement character.
func show(part []byte) string { return plain(string(part)) }

// columns is how many columns of a terminal a character takes.
func columns(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case r < 0x1100:
		return 1
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul), r >= 0x3000 && r <= 0x303e,
		r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f9ff:
		return 2
	}
	return 1
}

// head returns the first characters of s that fit into most columns, and their width.
func head(s string, most int) (string, int) {
	width := 0
	for i, r := range s {
		if width+columns(r) > most {
			return s[:i], width
		}
		width += columns(r)
	}
	return s, width
}

// tail returns the last characters of s that fit into most columns, and their width.
func tail(s string, most int) (string, int) {
	width := 0
	for i := len(s); i > 0; {
		r, size := utf8.DecodeLastRuneInString(s[:i])
		if width+columns(r) > most {
			return s[i:], width
		}
		width += columns(r)
		i -= size
	}
	return s, width
}

type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}

type jsonNote struct {
	Message string   `json:"message"`
	File    string   `json:"file,omitempty"`
	Start   *jsonPos `json:"start,omitempty"`
	End     *jsonPos `json:"end,omitempty"`
}

type jsonDiagnostic struct {
	Code     Code       `json:"code"`
	Severity string     `json:"severity"`
	Summary  string     `json:"summary"`
	File     string     `json:"file"`
	Start    jsonPos    `json:"start"`
	End      jsonPos    `json:"end"`
	Help     string     `json:"help"`
	Notes    []jsonNote `json:"notes"`
}

// JSON writes the findings for tools, sorted, as `{"diagnostics": [...]}` on one line. Lines and columns count from 1; a
// finding without a place has an empty file and zeros.
func (l List) JSON(w io.Writer) error {
	out := struct {
		Diagnostics []jsonDiagnostic `json:"diagnostics"`
	}{[]jsonDiagnostic{}}
	found, _ := l.shown()
	for _, d := range found {
		j := jsonDiagnostic{Code: d.Code, Severity: "error", Summary: d.Summary, File: d.Range.File, Start: jsonPos{d.Range.Start.Line, d.Range.Start.Column},
			End: jsonPos{d.Range.End.Line, d.Range.End.Column}, Help: d.Help, Notes: []jsonNote{}}
		if d.Severity == Warning {
			j.Severity = "warning"
		}
		for _, n := range d.Notes {
			jn := jsonNote{Message: n.Message}
			if !n.Range.IsZero() {
				jn.File = n.Range.File
				jn.Start = &jsonPos{n.Range.Start.Line, n.Range.Start.Column}
				jn.End = &jsonPos{n.Range.End.Line, n.Range.End.Column}
			}
			j.Notes = append(j.Notes, jn)
		}
		out.Diagnostics = append(out.Diagnostics, j)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(out)
}
