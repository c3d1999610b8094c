package confine

import (
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// Group returns the attributes of a process in a group of its own, which dies with the thread that starts it.
func Group() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// SignalGroup signals all processes of a group that have not left it.
func SignalGroup(pid int, s syscall.Signal) { unix.Kill(-pid, s) }

// EndGroup waits for a process that was started in a group of its own, and ends what it left in the group. While the process is a zombie
// nobody else can have its number, so the group is its own; ended, where it is not nil, is called before that ends.
func EndGroup(cmd *exec.Cmd, ended func()) error {
	for unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	SignalGroup(cmd.Process.Pid, syscall.SIGKILL)
	if ended != nil {
		ended()
	}
	return cmd.Wait()
}
