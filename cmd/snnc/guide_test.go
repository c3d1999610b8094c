package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// guide is the page that TestGuide follows.
const guide = "plugins.md"

// What the guide for authors of plugins says is done here from its beginning to its end, in one folder that is empty at first and in one
// shell, in which `cd` and what an environment's `activate` does last. Besides what TestDocs does with blocks,
//
//   - `LANGUAGE as FILE` is all of a file, and written;
//   - `diff FILE` changes a file: its lines with `-` or a blank stand there once, one below the other, and become those with `+` or a blank;
//   - commands are any commands; those of a block marked `python`, which fetch packages or need them, run with the tag python alone.
func TestGuide(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	built, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output() // which XDG_CACHE_HOME would move
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"GOCACHE", "GOMODCACHE"} {
		t.Setenv(name, strings.Split(string(built), "\n")[i])
	}
	dir, kept := t.TempDir(), t.TempDir()
	t.Chdir(dir)
	t.Setenv("XDG_DATA_HOME", filepath.Join(kept, "data"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(kept, "cache"))
	sh := newShell(t)
	for _, b := range blocks(t, filepath.Join(root, "docs", guide)) {
		where := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("%s:%d: "+format, append([]any{b.file, b.line}, args...)...) // what follows builds on it
		}
		switch {
		case b.lang == "sh":
			if slices.Contains(b.flags, "python") && !python {
				continue
			}
			for _, c := range told(b) {
				out, status := sh.do(t, c.line)
				switch {
				case c.want == nil && status != 0:
					where("`%s` gives status %d\n%s", c.line, status, strings.Join(out, "\n"))
				case c.want != nil && !matches(c.want, out):
					where("`%s` prints\n%s", c.line, strings.Join(out, "\n"))
				}
			}
		case len(b.flags) == 2 && b.flags[0] == "as":
			if err := os.WriteFile(b.flags[1], []byte(b.text), 0o666); err != nil {
				where("%v", err)
			}
		case b.lang == "diff" && len(b.flags) == 1:
			if err := change(b.flags[0], b.text); err != nil {
				where("%v", err)
			}
		default:
			judge(t, root, b)
		}
	}
}

// toldCommand is a command of a block, and what the page says that it prints; nil: nothing is said of that.
type toldCommand struct {
	line string
	want []string
}

// told returns the commands of a block, as the function commands reads them; one that ends in `\` goes on in the next line.
func told(b block) (out []toldCommand) {
	lines := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	prompt := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "$ ") })
	for _, line := range lines {
		command, ok := strings.CutPrefix(line, "$ ")
		switch last := len(out) - 1; {
		case last >= 0 && strings.HasSuffix(out[last].line, `\`):
			out[last].line += "\n" + line
		case ok || !prompt:
			out = append(out, toldCommand{line: command})
		case last >= 0:
			out[last].want = append(out[last].want, line)
		}
	}
	return out
}

// change makes of the lines of a file those that a diff says.
func change(file, diff string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var was, is strings.Builder
	for line := range strings.Lines(diff) {
		switch line[0] {
		case '-':
			was.WriteString(line[1:])
		case '+':
			is.WriteString(line[1:])
		case ' ':
			was.WriteString(line[1:])
			is.WriteString(line[1:])
		default:
			return fmt.Errorf("a line of a diff begins with `-`, `+` or a blank: %s", line)
		}
	}
	if n := strings.Count(string(text), was.String()); n != 1 {
		return fmt.Errorf("%s has %d times\n%s", file, n, was.String())
	}
	return os.WriteFile(file, []byte(strings.Replace(string(text), was.String(), is.String(), 1)), 0o666)
}

// shell is a process of sh that is given one command after another.
type shell struct {
	in  io.Writer
	out *bufio.Reader
}

func newShell(t *testing.T) *shell {
	t.Helper()
	c := exec.Command("sh")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	return &shell{in: in, out: bufio.NewReader(out)}
}

// do runs a command, which has no input, and returns the lines that it prints on both streams, and its status.
func (s *shell) do(t *testing.T, command string) (lines []string, status int) {
	t.Helper()
	const end = "\x04 "
	if _, err := fmt.Fprintf(s.in, "{ %s\n} </dev/null 2>&1\necho \"\n%s$?\"\n", command, end); err != nil {
		t.Fatalf("`%s`: %v", command, err)
	}
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			t.Fatalf("`%s` ends the shell: %v\n%s", command, err, strings.Join(lines, "\n"))
		}
		line = strings.TrimSuffix(line, "\n")
		if number, ok := strings.CutPrefix(line, end); ok {
			if status, err = strconv.Atoi(number); err != nil {
				t.Fatal(err)
			}
			if n := len(lines) - 1; lines[n] == "" { // what ends the command's last line, where that is none already
				lines = lines[:n]
			}
			return lines, status
		}
		lines = append(lines, line)
	}
}
