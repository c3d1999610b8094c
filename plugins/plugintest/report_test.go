package plugintest_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/plugintest"
)

var update = flag.Bool("update", false, "write the table of docs/plugin-tests.md")

// docs/plugin-tests.md explains each verdict in the words of Explanations.
func TestExplained(t *testing.T) {
	file := filepath.Join("..", "..", "docs", "plugin-tests.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	table := plugintest.Markdown()
	head, _, _ := strings.Cut(table, "\n")
	before, rest, ok := strings.Cut(string(text), head+"\n")
	_, after, more := strings.Cut(rest, "\n\n")
	if !ok || !more {
		t.Fatalf("%s has no table that begins with %s", file, head)
	}
	want := before + table + "\n" + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Error("the table of docs/plugin-tests.md is not that of Explanations: run go test ./plugins/plugintest -run TestExplained -update")
	}
	for _, x := range plugintest.Explanations() {
		if x.What == "" || (x.Mend == "") != (x.Name == plugintest.Speed) {
			t.Errorf("%s is not explained", x.Name)
		}
	}
}

// The report for programs has the members that docs/plugin-tests.md tells of, and no others; what has nothing to say is absent.
func TestJSON(t *testing.T) {
	r := plugintest.Report{Plugin: "acme/leap", Version: "1.0.0", Verdicts: []plugintest.Verdict{
		{Name: plugintest.Manifest, Outcome: plugintest.Passed},
		{Component: "neuron leap", Name: plugintest.Crash, Outcome: plugintest.Failed, Found: "Forward: a < b", Mend: "mend it", Output: []string{"no memory"}},
		{Component: "neuron leap", Name: plugintest.Steps, Outcome: plugintest.Untested, Found: "not for a coder"},
	}}
	var out bytes.Buffer
	if err := r.JSON(&out); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "report": 1,
  "plugin": "acme/leap",
  "version": "1.0.0",
  "verdicts": [
    {
      "name": "manifest",
      "outcome": "passed"
    },
    {
      "component": "neuron leap",
      "name": "crash",
      "outcome": "failed",
      "found": "Forward: a < b",
      "mend": "mend it",
      "output": [
        "no memory"
      ]
    },
    {
      "component": "neuron leap",
      "name": "steps",
      "outcome": "untested",
      "found": "not for a coder"
    }
  ]
}
`
	if out.String() != want {
		t.Errorf("got\n%s", out.String())
	}
	var back plugintest.Report
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || len(back.Failures()) != 1 {
		t.Errorf("%+v %v", back, err)
	}
}

// What people read is what docs/plugin-tests.md shows.
func TestText(t *testing.T) {
	const leap = "neuron leap"
	r := plugintest.Report{Plugin: "acme/leap", Version: "1.0.0", Verdicts: []plugintest.Verdict{
		{Name: plugintest.Manifest, Outcome: plugintest.Passed},
		{Name: plugintest.Handshake, Outcome: plugintest.Passed, Found: "and the description in 9 ms"},
		{Name: plugintest.Schema, Outcome: plugintest.Passed},
		{Name: plugintest.Determinism, Outcome: plugintest.Passed},
		{Name: plugintest.Files, Outcome: plugintest.Passed},
		{Name: plugintest.Network, Outcome: plugintest.Failed, Found: "it tries what it must not: socket AF_INET",
			Mend: "ship what the plugin needs in its folder: there is no network where it is used, and it serves on its one socket"},
		{Component: leap, Name: plugintest.Schema, Outcome: plugintest.Passed},
		{Component: leap, Name: plugintest.Determinism, Outcome: plugintest.Passed},
		{Component: leap, Name: plugintest.Leak, Outcome: plugintest.Failed, Found: "a sequence that is computed once more, behind another one, differs in the output",
			Mend: "keep nothing from call to call: states begin at their start or where the call says, and Backward uses what was saved alone"},
		{Component: leap, Name: plugintest.Examples, Outcome: plugintest.Untested, Found: "not looked at: `leak` failed"},
		{Component: leap, Name: plugintest.Steps, Outcome: plugintest.Untested, Found: "not looked at: `leak` failed"},
	}}
	var out strings.Builder
	if err := r.Text(&out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "plugin-tests.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := "\n    " + strings.ReplaceAll(strings.TrimSuffix(out.String(), "\n"), "\n", "\n    ") + "\n\n"
	if !strings.Contains(string(page), shown) {
		t.Errorf("docs/plugin-tests.md does not show\n%s", shown)
	}
}
