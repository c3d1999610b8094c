package host

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// What is kept of a process's output.
const (
	maxLine   = 4096 // bytes of a line that are looked at
	tailLines = 20   // lines
	tailLine  = 400  // bytes of a line
)

// eachLine calls f with every line of r, without its end; what exceeds maxLine bytes of a line is dropped.
func eachLine(r io.Reader, f func(line []byte)) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			f(bytes.TrimRight(line, "\r\n"))
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = in.ReadSlice('\n')
		}
		if err != nil {
			return
		}
	}
}

// LastLines returns the last lines of what a process printed, oldest first, as a terminal may show them: at most 20, each cut to 400 bytes.
func LastLines(printed []byte) []string {
	var t tail
	eachLine(bytes.NewReader(printed), t.add)
	return t.last()
}

// tail is the last lines that a process printed; of the report of a crash that is longer it has the beginning, which says what happened, and
// the end.
type tail struct {
	mu    sync.Mutex
	lines []string // tailLines of them at most
	fixed int      // as many of lines, the first ones, begin the report of a crash, and stay
}

// crashLines are the lines of a report's beginning that stay.
const crashLines = 3

// crashes begin the report of a crash that goes on with all that was at work when it came: those of Go, in the midst of which are lines about
// a stack, `runtime: g 0: ...`; and of Python, whose first place is a line of the plugin's own program.
var crashes = regexp.MustCompile(`^(panic|fatal error|runtime/cgo|SIG[A-Z]+): |^runtime: (g[^ ]|[^g])|^Traceback \(most recent call last\):`)

// add appends a line, readable and cut to tailLine bytes; empty lines are left out, and the marks that Python puts below the lines of a
// traceback.
func (t *tail) add(line []byte) {
	s := strings.TrimRightFunc(printable(line), unicode.IsSpace)
	if s == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.lines); n >= 2 && strings.HasPrefix(t.lines[n-2], `  File "`) && strings.Trim(s, " ~^") == "" {
		return
	}
	if len(t.lines) == tailLines {
		if crashes.MatchString(t.lines[t.fixed]) { // in the place of an earlier report
			t.lines = append(t.lines[:0], t.lines[t.fixed:]...)
			t.fixed = crashLines
		}
		if len(t.lines) == tailLines {
			t.lines = append(t.lines[:t.fixed], t.lines[t.fixed+1:]...)
		}
	}
	t.lines = append(t.lines, s)
}

// last returns the lines, oldest first.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

// printable makes a line safe to show on a terminal: escape sequences lose their escape, what is not UTF-8 is replaced.
func printable(line []byte) string {
	const cut = " ..."
	s := strings.ToValidUTF8(string(line[:min(len(line), tailLine)]), "\uFFFD")
	if len(line) > tailLine {
		s += cut
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s)
}

// readable makes what a plugin says of an error of its own safe to show on a terminal, and short: it can be megabytes. No line but the first
// begins at the margin, as what snnc says does.
func readable(message string) string {
	const (
		longest = 4096 // bytes
		cut     = " ..."
	)
	s := strings.ToValidUTF8(message[:min(len(message), longest)], "")
	if len(message) > longest {
		s += cut
	}
	s = strings.Map(func(r rune) rune {
		if r == '\r' || isSteering(r) {
			return -1
		}
		return r
	}, s)
	return strings.ReplaceAll(s, "\n", "\n    ")
}

// hello is go-plugin's handshake: CORE-PROTOCOL|PROTOCOL|NETWORK|ADDRESS|KIND and more, where 1 is the only core protocol.
var hello = regexp.MustCompile(`1\|[0-9]+\|[a-z]+\|[^|]+\|[a-z]+`)

// handshake finds the handshake in a line of standard output, also behind what was printed without a line's end; nil where
// there is none.
func handshake(line []byte) []byte {
	if at := hello.FindIndex(line); at != nil {
		return line[at[0]:]
	}
	return nil
}

// once is a reader of at most one line, given to it from another goroutine: what go-plugin reads in the place of the
// process's standard output. It ends behind the line.
type once struct {
	line chan []byte // of capacity 1; closed when there will be none
	rest []byte
}

// Read implements io.Reader.
func (o *once) Read(b []byte) (int, error) {
	if len(o.rest) == 0 {
		line, ok := <-o.line
		if !ok {
			return 0, io.EOF
		}
		o.rest = line
	}
	n := copy(b, o.rest)
	o.rest = o.rest[n:]
	return n, nil
}

// Close implements io.Closer.
func (o *once) Close() error { return nil }
