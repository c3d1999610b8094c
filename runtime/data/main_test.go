package data

import (
	"fmt"
	"os"
	"testing"
)

// TestMain gives the tests a cache of their own.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "snnc-data-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv("XDG_CACHE_HOME", dir)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}
