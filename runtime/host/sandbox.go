package host

import (
	"errors"
	"fmt"
	"io/fs"
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

	mu      sync.Mutex
	ender   *confine.Ender // of what is not in namespaces of its own; nil until there is something
	watched map[int]bool   // whose groups it knows of
}

// watch sees to it that what a process without namespaces has started ends with the host, and returns what is to be done when all that has
// ended.
func (s *sandbox) watch(pid int) (ended func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ender == nil || s.ender.Add(pid) != nil {
		if err := s.replace(pid); err != nil {
			return nil, err
		}
	}
	s.watched[pid] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watched, pid)
		if s.ender != nil {
			s.ender.Remove(pid) // whose process, if it is gone, ends nothing
		}
	}, nil
}

// replace starts what ends groups, in the place of one that somebody has ended, and tells it of a process and of those that are watched.
func (s *sandbox) replace(pid int) error {
	if s.ender != nil {
		s.ender.Close() // that it was ended is known
		s.ender = nil
	}
	e, err := confine.NewEnder(s.self)
	if err != nil {
		return err
	}
	if err = e.Add(pid); err == nil {
		for other := range s.watched {
			err = errors.Join(err, e.Add(other))
		}
	}
	if err != nil {
		return errors.Join(err, e.Close())
	}
	if s.ender = e; s.watched == nil {
		s.watched = map[int]bool{}
	}
	return nil
}

// close ends what watches.
func (s *sandbox) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ender == nil {
		return nil
	}
	e := s.ender
	s.ender = nil
	return e.Close()
}

// told says once what holds the processes.
func (s *sandbox) told() {
	s.once.Do(func() {
		if s.notice != nil {
			s.notice(confine.Standing(!s.shared.Load()).Notice())
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
	p := confine.Policy{List: []string{s.dir}, Own: own, Memory: confine.Memory()}
	var err error
	if p.Read, err = covered(s.dir); err != nil {
		return nil, err
	}
	more, err := confine.Interpreter(s.argv[0])
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

// covered returns what a plugin reads of its folder: all that a lock covers, and so nothing of what Git keeps there.
func covered(dir string) ([]string, error) {
	const most = 500 // the policy is an argument of a program, of at most 128 KiB on Linux
	if st, err := os.Lstat(filepath.Join(dir, git)); errors.Is(err, fs.ErrNotExist) || err == nil && !st.IsDir() {
		return []string{dir}, nil
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("look into the plugin's folder: %w", err)
	}
	if len(all) > most {
		return nil, fmt.Errorf("%s has a folder %s, which no lock covers and the plugin does not read, beside more than %d others: move it away, or put the files into folders", dir, git, most)
	}
	var out []string
	for _, e := range all {
		if e.Name() != git && e.Type() != fs.ModeSymlink { // what a link leads to would be open, wherever it lies
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// git is the folder of a checkout in which Git keeps everything.
const git = ".git"

// limit says which limit a confined process has run into, by a failure of a call of it.
func (p *process) limit(f *Failure) string {
	if p.confined == nil {
		return ""
	}
	policy := p.confined.policy
	policy.Alone = !p.confined.shared.Load()
	return policy.Hint(strings.Join(append([]string{f.Err.Error()}, f.Stderr...), "\n"), f.Exit)
}

// start starts a command as its process is confined, in namespaces of its own or, where the system refuses these, without. It returns the
// command that runs, and whether it is in namespaces.
func (c *confined) start(cmd *exec.Cmd) (*exec.Cmd, bool, error) {
	out, alone, err := c.policy.Start(c.self, cmd, !c.shared.Load(), c.tell)
	if err == nil && !alone {
		c.shared.Store(true)
	}
	return out, alone, err
}
