//go:build unix && !linux

package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts a process into a group of its own. There is no signal at the death of the parent here: the lifeline alone
// ends a plugin whose host was killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func signalGroup(pid int, s syscall.Signal) { unix.Kill(-pid, s) }

// reap waits for the end of the process and ends what it left in its group.
func (p *process) reap() {
	p.wait()
	p.signal(syscall.SIGKILL)
	p.reaped()
}
