package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Mend says what a user, or the plugin's author, does about a failure; "" where its error says so. What the plugin wrote counts before the
// kind: a program whose package is missing is mended in another way than one with a wrong line. The words are those of Python, Go and the
// system (strerror(3)).
func (f *Failure) Mend() string {
	if f.Kind == Start || f.Kind == Ended || f.Kind == Refused {
		if s := f.mendOfWords(strings.Join(append([]string{f.Err.Error()}, f.Stderr...), "\n")); s != "" {
			return s
		}
	}
	switch f.Kind {
	case Start:
		return f.mendOfStart()
	case Ended:
		return "run the command again; if it fails again, look at what the plugin wrote"
	case Late:
		return "make the sizes smaller that it is given here; if it still fails, the plugin's author looks for a loop without end or a lock that is held"
	case Large:
		return "make the sizes smaller that it is given here; if it still fails, tell the plugin's author"
	case Refused:
		return "change what it is given here, if that is what it means; else it is an error in its program, for the plugin's author"
	case Nonsense, Unknown:
		return fmt.Sprintf("it is the plugin's author who mends that: `snnc plugin test %s` says how", f.folder())
	}
	return ""
}

// folder is the plugin's folder as a command has it: from the working directory where it lies below that.
func (f *Failure) folder() string {
	dir := f.Dir
	if here, err := os.Getwd(); err == nil {
		if below, err := filepath.Rel(here, dir); err == nil && filepath.IsLocal(below) {
			dir = below
		}
	}
	switch {
	case dir == "":
		return "DIR"
	case strings.ContainsAny(dir, " \t'\"$&;()*?<>|\\`"):
		return "'" + strings.ReplaceAll(dir, "'", `'\''`) + "'"
	}
	return dir
}

var (
	saysPackage = regexp.MustCompile(`ModuleNotFoundError: No module named '([A-Za-z_][A-Za-z0-9_.]*)'`)
	saysProgram = regexp.MustCompile(`can't open file '([^']+)'`)
	saysDenied  = regexp.MustCompile(`PermissionError: |(?i)permission denied|operation not permitted|read-only file system`)
	saysNetwork = regexp.MustCompile(`(?i)name resolution|name or service not known|network is (unreachable|down)|address family not supported|no such host|dial tcp|server misbehaving|urlopen error|Errno -[23]\]`)
	saysAbsent  = regexp.MustCompile(`FileNotFoundError: .*: '([^'/][^']*)'`)
	// The last line of a traceback, or the first one of an answer, names the exception.
	saysPython = regexp.MustCompile(`(?m)^([A-Za-z_][\w.]*\.)?((?:[A-Z]\w*)?(?:Error|Exception|Interrupt)|StopIteration|AssertionError)(:|$)`)
	saysLittle = regexp.MustCompile(`MemoryError|(?i)cannot allocate|unable to allocate`)
)

// mendOfWords says what mends what a program said; "" where it shows nothing that is known.
func (f *Failure) mendOfWords(said string) string {
	if m := saysPackage.FindStringSubmatch(said); m != nil {
		return f.mendOfPackage(m[1])
	}
	if f.Confined { // the network first: without it sockets are not permitted
		switch {
		case saysNetwork.MatchString(said):
			return "the sandbox gives plugins no network: put what it fetches into its folder beforehand"
		case saysDenied.MatchString(said):
			return "the sandbox keeps it out: what the plugin reads lies in its own folder, what it writes in its temporary one; a package installed by `pip install -e` or found by a path lies elsewhere, install it with `pip install`"
		}
	}
	if m := saysProgram.FindStringSubmatch(said); m != nil {
		return fmt.Sprintf("name a program that is there in `command` of %s", filepath.Join(f.Dir, "snn-plugin.toml"))
	}
	if m := saysAbsent.FindStringSubmatch(said); m != nil && f.Dir != "" {
		return fmt.Sprintf("a plugin runs in its own folder: put %s into %s", m[1], f.folder())
	}
	if f.Kind == Refused || f.Kind == Ended {
		switch {
		case saysLittle.MatchString(said):
			return "make the sizes smaller that it is given here"
		case saysPython.MatchString(said):
			return "it is an error in the plugin's program, at the line that is named: its author mends it there, and `snnc plugin test " + f.folder() + "` tries it"
		}
	}
	return ""
}

// mendOfPackage says how a Python package gets to where the plugin's program finds it.
func (f *Failure) mendOfPackage(name string) string {
	name, _, _ = strings.Cut(name, ".")
	how := fmt.Sprintf("install the package for the python3 of PATH: `pip install %s`", name)
	if name == "snnc" {
		how = "put the package snnc beside the program, as `snnc plugin new` does"
	} else if f.Dir != "" {
		needs := filepath.Join(f.Dir, "requirements.txt")
		if _, err := os.Stat(needs); err == nil {
			how = fmt.Sprintf("install what it imports, for the python3 of PATH: `pip install -r %s/requirements.txt`, which has to list it", f.folder())
		}
	}
	if f.Confined && name != "snnc" {
		how += "; one that is there by `pip install -e` or PYTHONPATH the sandbox keeps out: install it without -e, or copy it into the plugin's folder"
	}
	return how
}

// mendOfStart says what mends a program that did not come to its handshake and said nothing that is known.
func (f *Failure) mendOfStart() string {
	switch {
	case errors.Is(f.Err, fs.ErrPermission):
		return "let the program be executed: `chmod +x` its file"
	case strings.Contains(f.Err.Error(), "exec format error"):
		return "build the program for this machine: `snnc plugin test " + f.folder() + "` does where the manifest says how"
	case f.Exit == "exit status 0" && len(f.Stderr) == 0:
		return "end its main function in the call that serves the plugin: `snnc.serve(plugin())` in Python, `sdk.Serve(plugin)` in Go"
	case f.Plugin == "":
		return "mend what keeps its program from starting"
	}
	return fmt.Sprintf("mend what keeps its program from starting; `snnc plugin check %s` shows more of it", f.folder())
}
