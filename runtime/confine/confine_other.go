//go:build !linux

package confine

import (
	"errors"
	"os"
	"syscall"
)

// become fails: there are no walls here, and a host that sees that (Standing) starts plugins without this.
func become(Policy, []string) error { return errors.New("this system cannot confine processes") }

// Namespaces does nothing here.
func Namespaces(*syscall.SysProcAttr, bool) {}

// Standing returns no walls.
func Standing(bool) Walls { return Walls{} }

// Memory returns 0: there is no limit here.
func Memory() uint64 { return 0 }

// errUnwatched is why nothing is watched here.
var errUnwatched = errors.New("only Linux tells of the calls of processes")

// Watchable says why processes cannot be watched here.
func Watchable() error { return errUnwatched }

// Watch is the watch over one process; there is none here.
type Watch struct{ Theirs *os.File }

// NewWatch fails.
func NewWatch() (*Watch, error) { return nil, errUnwatched }

// Close does nothing.
func (*Watch) Close() {}

// Follow does nothing.
func (*Watch) Follow(Policy, func(Attempt)) {}
