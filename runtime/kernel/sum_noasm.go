//go:build !amd64 || noasm

package kernel

// sumGroups adds up groups of columns, and returns how many columns these have.
func sumGroups(Level, []float64, []float64, []float32) int { return 0 }
