package confine

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
)

// EndCommand is the first argument of a process that ends groups of processes when the host is gone.
const EndCommand = "end-with-host"

// Ender ends the process groups of plugins when the host dies, however it does, by a process of its own: a plugin itself ends with its host
// (on Linux the system sees to that, elsewhere it should), but what it has started does not. Where processes have a namespace of their own
// (Namespaces) nothing of this is needed.
type Ender struct {
	cmd *exec.Cmd

	mu sync.Mutex
	to *os.File // its standard input, of which the host holds the only other end
}

// NewEnder starts the process; self is this program.
func NewEnder(self string) (*Ender, error) {
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start what ends plugins: %w", err)
	}
	defer theirs.Close()
	c := exec.Command(self, EndCommand)
	c.Env = []string{}
	c.Stdin = theirs
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // what a terminal sends to the host's group is not for it
	if err := c.Start(); err != nil {
		ours.Close()
		return nil, fmt.Errorf("start what ends plugins: %w", err)
	}
	return &Ender{cmd: c, to: ours}, nil
}

// Add says that the group of a process is to end with the host.
func (e *Ender) Add(pid int) error { return e.tell("+", pid) }

// Remove says that a group has ended. It comes before its number can be another one's.
func (e *Ender) Remove(pid int) error { return e.tell("-", pid) }

func (e *Ender) tell(what string, pid int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, err := fmt.Fprintf(e.to, "%s%d\n", what, pid); err != nil {
		return fmt.Errorf("tell what ends plugins: %w", err)
	}
	return nil
}

// Close ends the process, and the groups that have not ended.
func (e *Ender) Close() error {
	e.to.Close()
	if err := e.cmd.Wait(); err != nil {
		return fmt.Errorf("end what ends plugins: %w", err)
	}
	return nil
}

// end reads of groups until the host is gone, and ends those that are left.
func end(in *os.File) {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	groups := map[int]bool{}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		switch {
		case err != nil || n == 0:
		case n > 0:
			groups[n] = true
		default:
			delete(groups, -n)
		}
	}
	for pid := range groups {
		syscall.Kill(-pid, syscall.SIGKILL)
	}
}
