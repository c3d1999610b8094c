//go:build unix && !linux

package sdk

import "syscall"

// mapping is how an arena is mapped.
const mapping = syscall.MAP_SHARED
