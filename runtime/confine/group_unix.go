//go:build unix && !linux

package confine

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Group returns the attributes of a process in a group of its own. There is no signal at the death of the parent here.
func Group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// SignalGroup signals all processes of a group that have not left it.
func SignalGroup(pid int, s syscall.Signal) { unix.Kill(-pid, s) }

// EndGroup waits for a process that was started in a group of its own, and ends what it left in the group; ended, where it is not nil, is
// called then.
func EndGroup(cmd *exec.Cmd, ended func()) error {
	err := cmd.Wait()
	SignalGroup(cmd.Process.Pid, syscall.SIGKILL)
	if ended != nil {
		ended()
	}
	return err
}
