package host

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// reap waits for the end of the process and ends what it left in its group. While the process is a zombie nobody else can
// have its pid, so the group is that of the plugin.
func (p *process) reap() {
	for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
	}
	p.signal(syscall.SIGKILL)
	p.reaped()
	p.wait()
}
