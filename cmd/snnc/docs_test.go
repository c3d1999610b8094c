package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// block is a fenced block of a Markdown file.
type block struct {
	file  string
	line  int
	lang  string
	flags []string // the words behind the language
	text  string
}

var fence = regexp.MustCompile("^```(\\w*) ?(.*)$")

func blocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []block
	var open *block
	for i, line := range strings.Split(string(text), "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == nil && m != nil:
			open = &block{file: file, line: i + 1, lang: m[1], flags: strings.Fields(m[2])}
		case open != nil && line == "```":
			out = append(out, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		}
	}
	if open != nil {
		t.Errorf("%s:%d: the block is not closed", file, open.line)
	}
	return out
}

// Every block in README and docs holds: commands run and print what stands behind them, specs check. A block of commands that
// is marked `long` or `network` is judged for its flags and files only, one marked `python` runs with the tag python alone; a piece of a spec is marked `fragment`, a piece of a
// file of another kind names the file and stands in it.
func TestDocs(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, filepath.Join(root, "README.md"), filepath.Join(root, "docs", "benchmarks", "README.md"))
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "specs"), filepath.Join(dir, "specs")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "data"))
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s links to %v", file, err)
			}
		}
		if name := filepath.Base(file); name == "diagnostics.md" || name == guide {
			continue // see TestDiagnostics and TestGuide
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, b := range blocks(t, file) {
				judge(t, root, b)
			}
		})
	}
}

func judge(t *testing.T, root string, b block) {
	t.Helper()
	where := func(format string, args ...any) {
		t.Helper()
		t.Errorf("%s:%d: "+format, append([]any{b.file, b.line}, args...)...)
	}
	marked := func(flag string) bool { return slices.Contains(b.flags, flag) }
	switch b.lang {
	case "sh":
		if marked("python") && !python {
			return
		}
		run := !marked("long") && !marked("network")
		commands(t, b, root, run, where)
	case "snn":
		if marked("fragment") {
			return
		}
		if err := os.WriteFile("block.snn", []byte(b.text), 0o666); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := command([]string{"check", "block.snn"}, &out, &errs)
		if marked("wrong") != (code == statusSpec) || code != 0 && code != statusSpec {
			where("check gives status %d\n%s", code, errs.String())
		}
	case "ebnf": // the grammar, a notation for people
	case "":
		if len(b.flags) > 0 {
			where("a block without language has flags")
		}
		where("say the language of the block: sh, snn, or text with the file or command that it is a piece of")
	default:
		// A piece of a file: `text FILE`; every line stands in it, in this order. `json write FILE` is a file for the commands below.
		switch {
		case len(b.flags) == 0:
			where("say which file the block is a piece of")
			return
		case b.flags[0] == "write" && len(b.flags) == 2 && filepath.Base(b.flags[1]) == b.flags[1]:
			if err := os.WriteFile(b.flags[1], []byte(b.text), 0o666); err != nil {
				t.Fatal(err)
			}
			return
		}
		text, err := os.ReadFile(filepath.Join(root, b.flags[0]))
		if os.IsNotExist(err) { // a file that a command above has written
			text, err = os.ReadFile(b.flags[0])
		}
		if err != nil {
			where("%v", err)
			return
		}
		rest := string(text)
		for _, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
			if strings.TrimSpace(line) == "..." {
				continue
			}
			i := strings.Index(rest, line)
			if i < 0 {
				where("%s does not have, behind what stands above it here, the line\n%s", b.flags[0], line)
				return
			}
			rest = rest[i+len(line):]
		}
	}
}

// commands runs the lines of a block that begin with `$ `, or all lines where none does; other lines are what the command above
// prints, where `...` stands for anything.
func commands(t *testing.T, b block, root string, run bool, where func(string, ...any)) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	prompt := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "$ ") })
	for i := 0; i < len(lines); i++ {
		line := strings.TrimPrefix(lines[i], "$ ")
		var want []string
		for prompt && i+1 < len(lines) && !strings.HasPrefix(lines[i+1], "$ ") {
			i++
			want = append(want, lines[i])
		}
		line, _, _ = strings.Cut(line, " #")
		words := regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`).FindAllString(line, -1)
		for k, w := range words {
			if w[0] == '"' || w[0] == '\'' {
				words[k] = w[1 : len(w)-1]
			}
		}
		args, ok := snncArguments(words)
		if !ok {
			switch {
			case len(words) > 1 && words[0] == "go" && (words[1] == "test" || words[1] == "install" || words[1] == "build"):
			case len(words) > 2 && words[0] == "go" && words[1] == "run" && words[2] == "./docs/benchmarks" && !run:
			case len(words) == 2 && words[0] == "python3" && run:
				if out, err := script(words[1]); err != nil || !matches(want, strings.Split(strings.TrimSuffix(out, "\n"), "\n")) {
					where("`%s` ends with %v and prints\n%s", line, err, out)
				}
			default:
				where("`%s` is no command that this test knows", line)
			}
			continue
		}
		if !run {
			if err := parses(args); err != nil {
				where("`%s`: %v", line, err)
			}
			for _, a := range args {
				if strings.HasPrefix(a, "specs/") {
					if _, err := os.Stat(filepath.Join(root, a)); err != nil {
						where("%v", err)
					}
				}
			}
			continue
		}
		var out bytes.Buffer
		if code := command(args, &out, &out); code != 0 && len(want) == 0 {
			where("`%s` gives status %d\n%s", line, code, out.String())
		}
		if len(want) > 0 && !matches(want, strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")) {
			where("`%s` prints\n%s", line, out.String())
		}
	}
}

// script runs a script that stands above, which may call snnc.
func script(name string) (string, error) {
	out, err := exec.Command("python3", name).CombinedOutput()
	return string(out), err
}

// snncArguments returns the arguments of a call of the command.
func snncArguments(words []string) ([]string, bool) {
	switch {
	case len(words) > 0 && words[0] == "snnc":
		return words[1:], true
	case len(words) > 2 && words[0] == "go" && words[1] == "run" && words[2] == "./cmd/snnc":
		return words[3:], true
	}
	return nil, false
}

// parses judges the flags of a command without running it.
func parses(args []string) error {
	var c cli
	p, err := kong.New(&c, kong.Exit(func(int) {}), kong.Writers(new(bytes.Buffer), new(bytes.Buffer)))
	if err != nil {
		return err
	}
	_, err = p.Parse(args)
	return err
}

// matches compares lines; `...` in want stands for any lines, and inside a line for any text.
func matches(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if strings.TrimSpace(want[0]) == "..." {
		for i := range len(got) + 1 {
			if matches(want[1:], got[i:]) {
				return true
			}
		}
		return false
	}
	if len(got) == 0 {
		return false
	}
	pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(want[0], " ")), `\.\.\.`, ".*") + "$"
	ok, err := regexp.MatchString(pattern, strings.TrimRight(got[0], " "))
	return err == nil && ok && matches(want[1:], got[1:])
}
