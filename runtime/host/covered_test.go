package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A plugin reads its folder; of a checkout what lies beside .git, and nothing that a link there leads to.
func TestCovered(t *testing.T) {
	dir := t.TempDir()
	in := func(names ...string) (out []string) {
		for _, n := range names {
			out = append(out, filepath.Join(dir, n))
		}
		return out
	}
	err := errors.Join(os.WriteFile(in("main.py")[0], nil, 0o600), os.Mkdir(in("lib")[0], 0o700), os.Symlink("/", in("root")[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := covered(dir); err != nil || !slices.Equal(got, []string{dir}) {
		t.Errorf("%q %v", got, err)
	}
	if err := os.Mkdir(in(".git")[0], 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := covered(dir); err != nil || !slices.Equal(got, in("lib", "main.py")) {
		t.Errorf("%q %v", got, err)
	}
	for i := range 500 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := covered(dir); err == nil || !strings.Contains(err.Error(), "which no lock covers") {
		t.Errorf("%d entries, %v", len(got), err)
	}
}
