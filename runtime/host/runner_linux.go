package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts a process into a group of its own and lets it die with the thread that starts it.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func signalGroup(pid int, s syscall.Signal) { unix.Kill(-pid, s) }

// reap waits for the end of the process and ends what it left in its group. While the process is a zombie nobody else can
// have its pid, so the group is that of the plugin.
func (p *process) reap() {
	for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.signal(syscall.SIGKILL)
	p.reaped()
	p.wait()
}
