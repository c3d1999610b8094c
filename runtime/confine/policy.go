package confine

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Command is the first argument of a process that is to confine itself.
const Command = "confine"

// failed is the exit status of a process that could not be confined, or not become the plugin: that of a shell for a command which cannot be
// executed.
const failed = 126

// Policy is what a process may do.
type Policy struct {
	Read   []string // files, and folders with all below them, to read and execute besides the system's
	List   []string // folders in which it may see what there is besides, to be read only where Read says so
	Own    string   // folder for temporary files, in which it may do everything, sockets included
	Write  []string // more folders in which it may do everything
	Shared []string // folders whose files it may read and write, but neither make nor remove

	Memory  uint64 // bytes of private memory that it can write to; 0: no limit
	Network bool   // it may talk to the network, though not to this machine's services by sockets of the unix domain
	Watch   int    // descriptor of Watch.Theirs in it, where the process is watched; 0: it is not
	Alone   bool   // it is in namespaces of its own (Namespaces), where the number of its threads can be told from the user's others
}

// Attempt is something that a watched process tries and that its policy does not allow.
type Attempt struct {
	Call string // the system call
	// Of is a file's path, a kind of address (AF_INET) or a socket's, unix:PATH; "" where that could not be read: of a file it is not known
	// then whether the policy allows it.
	Of      string
	Network bool // it is about a connection, not a file
	Bare    bool // a socket that is made as a stream without flags such as SOCK_CLOEXEC
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

// Start starts a command under the policy, in namespaces of its own where alone is set and the system lets them be made; self is this
// program. It returns the command that runs, for one can be started once, and whether it is in such namespaces. Of the command given
// the path, arguments, folder, environment, streams and attributes count; TMPDIR is the policy's. Where tell is not nil, the process is
// watched and tell told what it tries.
func (p Policy) Start(self string, cmd *exec.Cmd, alone bool, tell func(Attempt)) (started *exec.Cmd, inNamespaces bool, err error) {
	attempt := func(alone bool) (out *exec.Cmd, err error) {
		p := p
		p.Alone = alone
		var files []*os.File
		if tell != nil {
			w, bad := NewWatch()
			if bad != nil {
				return nil, bad
			}
			defer func() {
				if err != nil {
					w.Close()
					return
				}
				w.Theirs.Close()
				go w.Follow(p, tell)
			}()
			const afterStandard = 3
			files, p.Watch = []*os.File{w.Theirs}, afterStandard
		}
		argv, err := p.Argv(self, append([]string{cmd.Path}, cmd.Args[1:]...))
		if err != nil {
			return nil, err
		}
		out = exec.Command(argv[0], argv[1:]...)
		out.Dir, out.Stdin, out.Stdout, out.Stderr, out.WaitDelay = cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.WaitDelay
		out.ExtraFiles = files
		out.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "TMPDIR="+p.Own)
		attributes := syscall.SysProcAttr{}
		if cmd.SysProcAttr != nil {
			attributes = *cmd.SysProcAttr
		}
		out.SysProcAttr = &attributes
		if alone {
			Namespaces(out.SysProcAttr, p.Network)
		}
		return out, out.Start()
	}
	if alone {
		if out, err := attempt(true); err == nil {
			return out, true, nil
		}
	}
	out, err := attempt(false)
	return out, false, err
}

// Main becomes a plugin where the process was started with Policy.Argv, and exits where that fails; it is what an Ender starts, and exits;
// otherwise it returns at once.
func Main() {
	if len(os.Args) == 2 && os.Args[1] == EndCommand {
		end(os.Stdin)
		os.Exit(0)
	}
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

// Notice is what a user is told of the processes of plugins: what holds them.
func (w Walls) Notice() string {
	if !w.Whole() {
		return "plugins are not wholly confined: " + w.String()
	}
	return "plugins are confined: " + w.String()
}

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
