//go:build linux && !amd64 && !arm64

package confine

// legacy are the calls that other architectures do not have. Nothing is watched here (architecture).
var legacy []watchedCall
