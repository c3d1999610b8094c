//go:build !python

package scaffold_test

import (
	"testing"

	"snnc.dev/snnc/plugins/scaffold"
)

// A plugin in Go of each kind is built, passes its tests and is used, outside of the project, with the command alone. TestPython makes
// them, too.
func TestGo(t *testing.T) {
	dir := t.TempDir()
	for _, c := range combinations() {
		made(t, dir, c, scaffold.Go)
	}
}
