//go:build !amd64 || noasm

package kernel

// best returns the highest level there is without assembly.
func best() Level { return Generic }
