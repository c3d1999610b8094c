//go:build !linux

package confine

import (
	"errors"
	"syscall"
)

// become fails: there are no walls here, and a host that sees that (Standing) starts plugins without this.
func become(Policy, []string) error { return errors.New("this system cannot confine processes") }

// Namespaces does nothing here.
func Namespaces(*syscall.SysProcAttr) {}

// Standing returns no walls.
func Standing(bool) Walls { return Walls{} }

// Memory returns 0: there is no limit here.
func Memory() uint64 { return 0 }
