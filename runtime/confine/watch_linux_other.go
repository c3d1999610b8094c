//go:build linux && !amd64

package confine

// legacy are the calls that other architectures do not have.
var legacy []watchedCall
