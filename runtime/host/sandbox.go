package host

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	"snnc.dev/snnc/runtime/confine"
)

// sandbox is how a host confines the processes of plugins that are not its own.
type sandbox struct {
	self   string       // program that calls confine.Main
	notice func(string) // told once what holds; nil for nobody
	once   sync.Once    // of the notice
	shared atomic.Bool  // the system refuses namespaces of their own
}

// told says once what holds the processes.
func (s *sandbox) told() {
	s.once.Do(func() {
		if s.notice != nil {
			w, how := confine.Standing(!s.shared.Load()), "plugins are confined: "
			if !w.Whole() {
				how = "plugins are not wholly confined: "
			}
			s.notice(how + w.String())
		}
	})
}

// Attempt is something that the process of a plugin tries and that its walls refuse.
type Attempt struct {
	confine.Attempt
	Early bool // it comes before the handshake
}

// confined says how one process is.
type confined struct {
	*sandbox
	policy confine.Policy
	tell   func(confine.Attempt) // nil: it is not watched
}

// confined returns how the process of a plugin in a folder is confined, which listens in the folder own; nil where nothing can hold it.
func (h *Host) confined(s *served, process *process, own string) (*confined, error) {
	if h.sandbox == nil || s.dir == "" {
		return nil, nil
	}
	if confine.Standing(false) == (confine.Walls{}) {
		h.sandbox.shared.Store(true)
		return nil, nil
	}
	p := confine.Policy{Read: []string{s.dir}, Own: own, Memory: confine.Memory()}
	more, err := interpreter(s.argv[0])
	if err != nil {
		return nil, fmt.Errorf("find the plugin's command: %w", err)
	}
	p.Read = append(p.Read, more...)
	// Folders are opened before the process is: those of arenas that come later have to be there.
	inFiles, err := h.inFiles()
	if err != nil {
		return nil, err
	}
	p.Shared = []string{inFiles}
	if dir, err := h.inMemory(); err == nil {
		p.Shared = append(p.Shared, dir)
	}
	c := &confined{sandbox: h.sandbox, policy: p}
	if h.o.Watch != nil {
		c.tell = func(a confine.Attempt) { h.o.Watch(Attempt{a, !process.shook()}) }
	}
	return c, nil
}

// start starts a command as its process is confined, in namespaces of its own or, where the system refuses these, without. It returns the
// command that runs: one can be started once.
func (c *confined) start(cmd *exec.Cmd) (*exec.Cmd, error) {
	attempt := func(alone bool) (out *exec.Cmd, err error) {
		p := c.policy
		p.Alone = alone
		var w *confine.Watch
		var files []*os.File
		if c.tell != nil {
			if w, err = confine.NewWatch(); err != nil {
				return nil, err
			}
			defer func() {
				if err != nil {
					w.Close()
					return
				}
				w.Theirs.Close()
				go w.Follow(p, c.tell)
			}()
			const afterStandard = 3
			files, p.Watch = []*os.File{w.Theirs}, afterStandard
		}
		argv, err := p.Argv(c.self, append([]string{cmd.Path}, cmd.Args[1:]...))
		if err != nil {
			return nil, err
		}
		out = exec.Command(argv[0], argv[1:]...)
		out.ExtraFiles = files
		out.Dir, out.Stdin, out.Stdout, out.Stderr, out.SysProcAttr = cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr, attributes()
		out.Env = append(cmd.Env[:len(cmd.Env):len(cmd.Env)], "TMPDIR="+p.Own)
		if alone {
			confine.Namespaces(out.SysProcAttr)
		}
		return out, out.Start()
	}
	if !c.shared.Load() {
		if out, err := attempt(true); err == nil {
			return out, nil
		}
	}
	out, err := attempt(false)
	if err == nil {
		c.shared.Store(true)
	}
	return out, err
}

// interpreter returns what a command reads besides its plugin's folder: the file itself and, where that is a link or a script, those that it
// leads to, with the libraries beside each.
func interpreter(path string) ([]string, error) {
	const longest = 16 // links and scripts on the way, as many as make no sense any more
	var out []string
	next := []string{path}
	for n := 0; len(next) > 0; n++ {
		path, next = next[0], next[1:]
		st, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		if n == longest {
			return nil, fmt.Errorf("%s leads on and on", path)
		}
		out = append(out, path)
		if bin := filepath.Dir(path); filepath.Base(bin) == "bin" {
			prefix := filepath.Dir(bin)
			out = append(out, bin, filepath.Join(prefix, "lib"), filepath.Join(prefix, "lib64"), filepath.Join(prefix, "pyvenv.cfg"))
		}
		if home, err := os.UserHomeDir(); err == nil && strings.HasPrefix(filepath.Base(path), "python") { // packages of the user (PEP 370)
			own, _ := filepath.Glob(filepath.Join(home, ".local/lib/python*"))
			out = append(out, own...)
		}
		if st.Mode()&os.ModeSymlink != 0 {
			to, err := os.Readlink(path)
			if err != nil {
				return nil, err
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(path), to)
			}
			next = append(next, to)
			continue
		}
		next = append(next, shebang(path)...)
	}
	return out, nil
}

// shebang returns the programs that a script names in its first line, with env(1) the one that it finds.
func shebang(path string) []string {
	const longest = 256 // what Linux reads (BINPRM_BUF_SIZE)
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	line, _ := bufio.NewReader(io.LimitReader(f, longest)).ReadString('\n')
	line, ok := strings.CutPrefix(line, "#!")
	words := strings.Fields(line)
	if !ok || len(words) == 0 {
		return nil
	}
	out := words[:1]
	if filepath.Base(words[0]) == "env" {
		for _, w := range words[1:] {
			if strings.HasPrefix(w, "-") || strings.Contains(w, "=") {
				continue
			}
			if found, err := exec.LookPath(w); err == nil {
				out = append(out, found)
			}
			break
		}
	}
	return out
}
