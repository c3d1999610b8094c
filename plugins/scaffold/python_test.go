//go:build python

package scaffold_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"snnc.dev/snnc/plugins/scaffold"
	"snnc.dev/snnc/plugins/schema"
)

// A plugin in Python of each kind passes its tests and is used, outside of the project, with the command and what requirements.txt has;
// and the same plugin in Go has the same figures, to the last digit. It needs python3 with venv and a package index.
func TestPython(t *testing.T) {
	dir := t.TempDir()
	o := scaffold.Options{Name: "acme/leap", Kind: schema.Neuron, Language: scaffold.Python}
	if err := scaffold.Write(filepath.Join(dir, "leap"), o); err != nil {
		t.Fatal(err)
	}
	env := filepath.Join(dir, "env")
	if _, err := sh(dir, "python3 -m venv env && env/bin/pip install --quiet --disable-pip-version-check -r leap/requirements.txt && rm -r leap"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Join(env, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	figure := regexp.MustCompile(`(?m)^(evaluate|deploy) .*$`)
	for _, c := range combinations() {
		python, inGo := figure.FindString(made(t, dir, c, scaffold.Python)), figure.FindString(made(t, dir, c, scaffold.Go))
		if python != inGo {
			t.Errorf("%s: %s, in Go %s", c.kind, python, inGo)
		}
	}
}
