package confine

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Command is the first argument of a process that is to confine itself.
const Command = "confine"

// failed is the exit status of a process that could not be confined, or not become the plugin: that of a shell for a command which cannot be
// executed.
const failed = 126

// Policy is what a process may do.
type Policy struct {
	Read   []string // files, and folders with all below them, to read and execute besides the system's
	Own    string   // folder in which it may do everything, sockets included
	Shared []string // folders whose files it may read and write, but neither make nor remove
	Memory uint64   // bytes of private memory that it can write to; 0: no limit
	Watch  int      // descriptor of Watch.Theirs in it, where the process is watched; 0: it is not
	Alone  bool     // it is in namespaces of its own (Namespaces), where the number of its threads can be told from the user's others
}

// Attempt is something that a watched process tries and that its policy does not allow.
type Attempt struct {
	Call    string // the system call
	Of      string // a file's path, a kind of address (AF_INET) or a socket's, unix:PATH; "" where that could not be read
	Network bool   // it is about a connection, not a file
	Bare    bool   // a socket that is made as a stream without flags such as SOCK_CLOEXEC
}

// String says in a few words what was tried.
func (a Attempt) String() string { return strings.TrimSpace(a.Call + " " + a.Of) }

// Argv returns the command that becomes another command under a policy; self is this program.
func (p Policy) Argv(self string, command []string) ([]string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("write a plugin's policy: %w", err)
	}
	return append([]string{self, Command, string(text), "--"}, command...), nil
}

// Main becomes a plugin where the process was started with Policy.Argv, and exits where that fails; otherwise it returns at once.
func Main() {
	if len(os.Args) < 5 || os.Args[1] != Command || os.Args[3] != "--" {
		return
	}
	var p Policy
	err := json.Unmarshal([]byte(os.Args[2]), &p)
	if err == nil {
		err = become(p, os.Args[4:])
	}
	fmt.Fprintln(os.Stderr, "confine the plugin:", err)
	os.Exit(failed)
}

// Walls are what holds a confined process on this system.
type Walls struct {
	Landlock   int  // version of its interface; 0: there is none
	Seccomp    bool // the filter on sockets
	Namespaces bool // the process has a network of its own, which is empty
}

// Whole reports whether neither files nor the network are open.
func (w Walls) Whole() bool { return w.Landlock > 0 && (w.Seccomp || w.Namespaces) }

// String says in a sentence what holds and, where something does not, what that leaves open.
func (w Walls) String() string {
	files := "they read and write whatever you can (this system has no Landlock)"
	if w.Landlock > 0 {
		files = fmt.Sprintf("they read their own files and write temporary ones (Landlock %d)", w.Landlock)
	}
	var by []string
	if w.Namespaces {
		by = append(by, "a network namespace")
	}
	if w.Seccomp {
		by = append(by, "a seccomp filter")
	}
	network := "the network is open to them (neither namespaces nor seccomp)"
	if len(by) > 0 {
		network = "they have no network (" + strings.Join(by, ", ") + ")"
	}
	return files + "; " + network
}
