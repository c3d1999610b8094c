package confine

import "golang.org/x/sys/unix"

// legacy are the calls that other architectures do not have.
var legacy = []watchedCall{{name: "renameat", number: unix.SYS_RENAMEAT, paths: []int{1, 3}}}
