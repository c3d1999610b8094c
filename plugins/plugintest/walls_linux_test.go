package plugintest_test

import (
	"testing"

	"snnc.dev/snnc/plugins/plugintest"
)

// What a plugin tries against its walls is found although it goes on as if nothing were.
func TestWalls(t *testing.T) {
	for _, x := range []planted{
		{"files", plugintest.Files, "", "it tries what it must not: openat /"},
		{"network", plugintest.Network, "", "it tries what it must not: socket AF_INET"},
	} {
		t.Run(x.fault, func(t *testing.T) {
			t.Parallel()
			x.judge(t, broken(t, x.fault))
		})
	}
}
