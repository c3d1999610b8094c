package exec_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/kernel"
)

// The executor agrees with the interpreter at every level that this processor has: the tests of this package run again at the
// lower ones.
func TestLevels(t *testing.T) {
	if os.Getenv("SNNC_CPU") != "" {
		return // one of those
	}
	used, err := kernel.Used()
	if err != nil {
		t.Fatal(err)
	}
	for l := range used {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			run := exec.Command(os.Args[0], "-test.run=^Test", "-test.short")
			run.Env = append(os.Environ(), "SNNC_CPU="+l.String())
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v:\n%s", err, strings.TrimSpace(string(out)))
			}
		})
	}
}
