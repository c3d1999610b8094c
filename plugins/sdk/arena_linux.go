package sdk

import "syscall"

// mapping is how an arena is mapped: all of its pages at once, which takes a quarter of the time of one after the other at the first touch.
const mapping = syscall.MAP_SHARED | syscall.MAP_POPULATE
