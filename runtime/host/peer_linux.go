package host

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// listens returns an error where it is not the process, or one of its group, that listens at the other end of a connection.
func (p *process) listens(conn *net.UnixConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var peer *unix.Ucred
	var bad error
	if err := raw.Control(func(fd uintptr) { peer, bad = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return err
	}
	if bad != nil {
		return fmt.Errorf("ask who listens: %w", bad)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if group, err := unix.Getpgid(int(peer.Pid)); err != nil || group != p.pid {
		return fmt.Errorf("process %d listens, which is not the plugin's", peer.Pid)
	}
	return nil
}
