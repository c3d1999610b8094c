//go:build unix

package bench

import (
	"runtime"
	"syscall"
	"time"
)

// usage is what the process has taken so far.
func usage() (u syscall.Rusage) {
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return syscall.Rusage{}
	}
	return u
}

// processorTime returns how long the processors have worked for this process, on all threads.
func processorTime() time.Duration {
	u := usage()
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak returns the most resident memory that the process has had, in bytes.
func peak() int {
	n := int(usage().Maxrss)
	if runtime.GOOS != "darwin" && runtime.GOOS != "ios" { // elsewhere it is in units of 1024
		n <<= 10
	}
	return n
}
