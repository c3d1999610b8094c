//go:build unix && !linux

package host

import "syscall"

// reap waits for the end of the process and ends what it left in its group.
func (p *process) reap() {
	p.wait()
	p.signal(syscall.SIGKILL)
	p.reaped()
}
