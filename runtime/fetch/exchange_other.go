//go:build !linux

package fetch

// exchange puts a folder in the place of another one.
func exchange(fresh, old string) error { return swap(fresh, old) }
