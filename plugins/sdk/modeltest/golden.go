package modeltest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// Golden compares what is answered to each case of a txtar file with what stands behind it, under the case's name and ".out";
// update writes the answers there.
func Golden(t testing.TB, file string, update bool, answer func(name, text string) string) {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []txtar.File
	for i, f := range a.Files {
		if strings.HasSuffix(f.Name, ".out") {
			continue
		}
		got := answer(f.Name, string(f.Data))
		out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		if update {
			continue
		}
		if i+1 == len(a.Files) || a.Files[i+1].Name != f.Name+".out" {
			t.Errorf("%s: nothing is expected", f.Name)
		} else if d := cmp.Diff(string(a.Files[i+1].Data), got); d != "" {
			t.Errorf("%s (-want +got)\n%s", f.Name, d)
		}
	}
	if a.Files = out; update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Lines returns a spec of these lines in which those of a case stand in the place of the ones that define the same: `network net`,
// `model m`, `sample m`. A line that is no more than such a beginning stands for one that only cases have.
func Lines(own string, right ...string) string {
	spec := "snn 1\n"
	for _, line := range right {
		start := line
		for _, end := range []string{"(", " {", " ="} {
			start, _, _ = strings.Cut(start, end)
		}
		for l := range strings.Lines(own) {
			if strings.HasPrefix(l, start) {
				line = strings.TrimSuffix(l, "\n")
			}
		}
		if line != start {
			spec += line + "\n"
		}
	}
	return spec
}
