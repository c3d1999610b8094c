package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What mends a failure follows from what the plugin wrote, then from how it ended and what was asked. A hand that follows it does not do
// what would not help: nothing is made smaller for a wrong line, nothing is run again for a missing package.
func TestMend(t *testing.T) {
	bare, needy := t.TempDir(), filepath.Join(t.TempDir(), "my leap")
	if err := os.MkdirAll(needy, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(needy, "requirements.txt"), []byte("numpy\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	traceback := func(last string) []string {
		return []string{"Traceback (most recent call last):", `  File "/p/main.py", line 7, in <module>`, "    import scipy", last}
	}
	early := errors.New("the process ended before it was ready")
	for name, x := range map[string]struct {
		f    Failure
		want string // "" where nothing is to be said
		not  string
	}{
		"package":       {Failure{Kind: Start, Err: early, Exit: "exit status 1", Dir: bare, Stderr: traceback("ModuleNotFoundError: No module named 'scipy.stats'")}, "`pip install scipy`", "sandbox"},
		"listed":        {Failure{Kind: Start, Err: early, Dir: needy, Stderr: traceback("ModuleNotFoundError: No module named 'scipy'")}, "`pip install -r '" + needy + "'/requirements.txt`", "sandbox"},
		"held package":  {Failure{Kind: Start, Err: early, Dir: bare, Confined: true, Stderr: traceback("ModuleNotFoundError: No module named 'mylab'")}, "install it without -e", ""},
		"sdk":           {Failure{Kind: Start, Err: early, Dir: needy, Confined: true, Stderr: traceback("ModuleNotFoundError: No module named 'snnc'")}, "put the package snnc beside the program", "pip"},
		"lazy package":  {Failure{Kind: Refused, Err: errors.New("ModuleNotFoundError: No module named 'scipy'\n    main.py:3 in forward"), Dir: bare}, "pip install scipy", "smaller"},
		"held file":     {Failure{Kind: Start, Err: early, Confined: true, Stderr: traceback("PermissionError: [Errno 13] Permission denied: '/data/table.npy'")}, "the sandbox keeps it out", "pip install -r"},
		"go file":       {Failure{Kind: Refused, Err: errors.New("open /data/table: permission denied"), Confined: true}, "the sandbox keeps it out", "smaller"},
		"open file":     {Failure{Kind: Start, Err: early, Dir: "/p", Stderr: traceback("PermissionError: [Errno 13] Permission denied: '/data/table.npy'")}, "`snnc plugin check /p`", "sandbox"},
		"network":       {Failure{Kind: Start, Err: early, Confined: true, Stderr: traceback("urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>")}, "no network", ""},
		"socket":        {Failure{Kind: Refused, Err: errors.New("dial tcp: socket: operation not permitted"), Confined: true}, "no network", ""},
		"absent file":   {Failure{Kind: Start, Err: early, Dir: "/p", Stderr: traceback("FileNotFoundError: [Errno 2] No such file or directory: 'table.npy'")}, "put table.npy into /p", ""},
		"no main":       {Failure{Kind: Start, Err: early, Dir: "/p", Stderr: []string{"python3: can't open file '/p/mian.py': [Errno 2] No such file or directory"}}, "`command` of /p/snn-plugin.toml", ""},
		"syntax":        {Failure{Kind: Start, Err: early, Exit: "exit status 1", Dir: "/p", Stderr: []string{`  File "/p/main.py", line 3`, "SyntaxError: expected ':'"}}, "`snnc plugin check /p`", "again"},
		"no serve":      {Failure{Kind: Start, Err: early, Exit: "exit status 0", Dir: "/p"}, "`snnc.serve(plugin())`", "check"},
		"no right":      {Failure{Kind: Start, Err: fmt.Errorf("fork/exec /p/leap: %w", fs.ErrPermission), Dir: "/p"}, "chmod +x", ""},
		"other machine": {Failure{Kind: Start, Err: errors.New("fork/exec /p/leap: exec format error"), Dir: "/p"}, "build the program for this machine", ""},
		"wrong line":    {Failure{Kind: Refused, Err: errors.New("TypeError: unsupported operand\n    /p/main.py:27 in forward"), Dir: "/p"}, "at the line that is named", "smaller"},
		"graph":         {Failure{Kind: Refused, Err: errors.New("snnc.graph.builder.GraphError: add: f32[3] and f32[4]"), Dir: "/p"}, "at the line that is named", "smaller"},
		"memory":        {Failure{Kind: Refused, Err: errors.New("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 64.0 GiB"), Dir: "/p"}, "make the sizes smaller", "line"},
		"own words":     {Failure{Kind: Refused, Err: errors.New("three neurons are no ring"), Dir: "/p"}, "change what it is given here", "smaller"},
		"killed":        {Failure{Kind: Ended, Err: errors.New("the process ended"), Exit: "signal: killed"}, "run the command again", ""},
		"late":          {Failure{Kind: Late, Err: errors.New("no answer within 1m0s")}, "make the sizes smaller", ""},
		"nonsense":      {Failure{Kind: Nonsense, Err: errors.New("the reply makes no sense"), Dir: "/p"}, "`snnc plugin test /p`", ""},
		"says itself":   {Failure{Kind: Other, Err: errors.New("read the plugin's manifest")}, "", ""},
	} {
		if x.f.Dir != "" {
			x.f.Plugin = "acme/leap"
		}
		got := x.f.Mend()
		if !strings.Contains(got, x.want) || (got == "") != (x.want == "") || x.not != "" && strings.Contains(got, x.not) {
			t.Errorf("%s: %q, want %q and not %q", name, got, x.want, x.not)
		}
	}
}

// A traceback of Python keeps its indentation and, where it is longer than what is kept, its first place and its last words; the marks below
// its lines are left out.
func TestTailPython(t *testing.T) {
	printed := "loading\nTraceback (most recent call last):\n  File \"/p/main.py\", line 9, in <module>\n    TABLE = load()\n            ^^^^^^\n"
	for i := range 2 * tailLines {
		printed += fmt.Sprintf("  File \"/lib/request.py\", line %d, in open\n    return self._open(req)\n           ~~~~~^^^^\n", i)
	}
	got := LastLines([]byte(printed + "URLError: no\n\n"))
	want := []string{"Traceback (most recent call last):", `  File "/p/main.py", line 9, in <module>`, "    TABLE = load()"}
	if len(got) != tailLines || strings.Join(got[:3], "\n") != strings.Join(want, "\n") || got[tailLines-1] != "URLError: no" || strings.ContainsAny(strings.Join(got, ""), "^~") {
		t.Errorf("%q", got)
	}
	if got := LastLines([]byte("main.c:3: error\n  x = ;\n      ^\n")); len(got) != 3 || got[2] != "      ^" {
		t.Errorf("%q", got)
	}
}

// What is known besides the error stands with its first line, and not behind where in the plugin it was.
func TestFailureLines(t *testing.T) {
	f := Failure{Plugin: "acme/leap", Call: "Forward", Err: errors.New("MemoryError\n    main.py:3 in forward"), Exit: "exit status 1", Limit: "it has 2 GB", Stderr: []string{"bye"}}
	const want = "forward plugin \"acme/leap\": MemoryError (exit status 1); it has 2 GB\n    main.py:3 in forward; its last output:\n    bye"
	if got := f.Error(); got != want {
		t.Errorf("%q", got)
	}
}
