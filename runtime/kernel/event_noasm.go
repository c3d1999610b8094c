//go:build !amd64 || noasm

package kernel

// listKernel returns nil: there is no assembly.
func listKernel(Level) func(*byte) { return nil }

// rowKernel returns nil: there is no assembly.
func rowKernel(Level, int, int) func(*byte) { return nil }

// squareKernel returns nil: there is no assembly.
func squareKernel(int) func(*byte) { return nil }

// splitKernel returns nil: there is no assembly.
func splitKernel(Level, int) (func(*byte), int) { return nil, 0 }

// windowKernel returns nil: there is no assembly.
func windowKernel(Level, int, int, int) func(*byte) { return nil }
