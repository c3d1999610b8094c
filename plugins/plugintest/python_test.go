//go:build python

package plugintest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"snnc.dev/snnc/plugins/plugintest"
)

// install makes an environment with the Python package in it, once for all tests, and puts its programs first in PATH. It needs python3
// with venv and a package index.
var install = sync.OnceValue(func() error {
	env := filepath.Join(programs, "env")
	bin := filepath.Join(env, "bin")
	for _, argv := range [][]string{
		{"python3", "-m", "venv", env},
		{filepath.Join(bin, "pip"), "install", "--quiet", "--disable-pip-version-check", filepath.Join("..", "python")},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", argv, err, out)
		}
	}
	return os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
})

// brokenPython returns the folder of the plugin in Python with a fault.
func brokenPython(t *testing.T, fault string) string {
	t.Helper()
	if err := install(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join("testdata", "broken", "broken.py"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	manifest := fmt.Sprintf("name = \"acme/broken\"\nversion = \"1.0.0\"\ncommand = [\"python\", \"broken.py\", %q]\n", fault)
	for name, text := range map[string]string{"broken.py": string(text), "snn-plugin.toml": manifest} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A right plugin in Python passes: what its libraries do at their start is no attempt against the walls.
func TestPythonRight(t *testing.T) {
	if r, text := report(t, brokenPython(t, "none"), plugintest.Options{}); len(r.Failures()) > 0 {
		t.Error(text)
	}
}

// Faults have the same names in Python.
func TestPythonFaults(t *testing.T) {
	for _, x := range []planted{
		{"early", plugintest.Handshake, "", `prints before its handshake: "loading weights ..."`},
		{"files", plugintest.Files, "", "it tries what it must not: openat /"},
		{"network", plugintest.Network, "", "it tries what it must not: socket AF_INET"},
		{"leak", plugintest.Leak, "neuron leap", "computed once more"},
		{"sign", plugintest.Gradient, "neuron leap", "does not point"},
		{"crash", plugintest.Crash, "neuron leap", "Forward: the process ended (exit status 2)"},
	} {
		t.Run(x.fault, func(t *testing.T) { x.judge(t, brokenPython(t, x.fault)) })
	}
}
