//go:build python

package python_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// texts returns the texts of graphs and Programs that tests of the Go side have.
func texts(t *testing.T) (out []string) {
	t.Helper()
	add := func(text string) {
		if strings.HasPrefix(text, "graph 1") || strings.HasPrefix(text, "program 1") {
			out = append(out, text)
		}
	}
	for _, pattern := range []string{"../../runtime/*/testdata/*.txt", "../../runtime/*/testdata/*.roles", "../models/*/testdata/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			add(string(text))
			for _, part := range txtar.Parse(text).Files {
				add(string(part.Data))
				_, rest, _ := strings.Cut(string(part.Data), "\n") // behind the error that a case is for
				add(rest)
			}
		}
	}
	return out
}

// token is what a mutation takes for a piece of a text.
var token = regexp.MustCompile(`"[^"\n]*"|[A-Za-z_%][A-Za-z0-9_.-]*|[-+]?[0-9.]+(e[-+]?[0-9]+)?|[^\sA-Za-z0-9]|\n`)

// mutated returns a text with a few pieces changed: dropped, doubled, or put in the place of another one of the text.
func mutated(r *rand.Rand, text string) string {
	at := token.FindAllStringIndex(text, -1)
	for range 1 + r.IntN(2) {
		p, q := at[r.IntN(len(at))], at[r.IntN(len(at))]
		if p[1] > len(text) || q[1] > len(text) {
			continue
		}
		with := text[q[0]:q[1]]
		switch r.IntN(7) {
		case 0:
			with = ""
		case 1:
			with = text[p[0]:p[1]] + " " + text[p[0]:p[1]]
		case 2, 3: // what means the same
			with = []string{text[p[0]:p[1]] + " ", text[p[0]:p[1]] + " # so\n", " \t" + text[p[0]:p[1]]}[r.IntN(3)]
		case 4:
			with = []string{"0", "1", "-1", "7", "2097153", "4294967297", "1e400", "x", "t", "n", "N", "T4", "T0", "state", "bit", "i32", `"a\x41"`, `"\q"`}[r.IntN(18)]
		}
		text = text[:p[0]] + with + text[p[1]:]
	}
	return text
}

// verdict is what a reader says: the canonical text, or the error.
type verdict struct{ Text, Error string }

func judge(text string) verdict {
	var p interface{ Print() string }
	var err error
	if strings.HasPrefix(text, "program") {
		p, err = program.Parse(text)
	} else {
		p, err = graph.Parse(text)
	}
	if err != nil {
		return verdict{Error: err.Error()}
	}
	return verdict{Text: p.Print()}
}

// Both readers take the same texts and print them the same, and refuse the same: those of the tests, and what becomes of them
// when pieces are changed. Where a text cannot be read, they say so of the same line in the same words.
func TestReaders(t *testing.T) {
	const seed, each = 3, 200 // a text is changed once for so many bytes, and 10 times
	r := rand.New(rand.NewPCG(seed, 0))
	all := []string{constants(r)}
	for _, text := range texts(t) {
		all = append(all, text)
		for range 10 + len(text)/each {
			all = append(all, mutated(r, text))
		}
	}
	var in bytes.Buffer
	for _, text := range all {
		line, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&in, "%s\n", line)
	}
	c := exec.Command("python", "tests/judge.py")
	c.Stdin, c.Stderr = &in, os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	taken, wrong := 0, 0
	for _, text := range all {
		var theirs verdict
		if err := d.Decode(&theirs); err != nil {
			t.Fatal(err)
		}
		ours := judge(text)
		if ours.Error == "" {
			taken++
		}
		words := strings.HasPrefix(ours.Error, "line ")
		if ours.Text != theirs.Text || (ours.Error == "") != (theirs.Error == "") || words && ours.Error != theirs.Error {
			if wrong++; wrong <= 10 {
				t.Errorf("Go: %q\nPython: %q\n%s", ours.Error, theirs.Error, near(text, ours.Error+theirs.Error))
			}
		}
	}
	if taken < len(all)/20 || taken > len(all)*19/20 {
		t.Errorf("%d of %d texts are taken", taken, len(all))
	}
	t.Logf("%d texts, %d taken, %d differences", len(all), taken, wrong)
}

// constants is a graph of numbers of every size, and of those at which their text changes its form.
func constants(r *rand.Rand) string {
	values := []float64{0, math.Copysign(0, -1), 1, 1e5, 999_999, 1e6, 1e-4, 9.99e-5, math.MaxFloat64, math.SmallestNonzeroFloat64}
	for len(values) < 2000 {
		if v := math.Float64frombits(r.Uint64()); !math.IsNaN(v) && !math.IsInf(v, 0) {
			values = append(values, v, float64(float32(r.NormFloat64())), math.Round(1e7*r.Float64())/1e3)
		}
	}
	b := graph.NewBuilder("f", nil)
	b.Output("y", b.Op(graph.OpConstant, graph.Attrs{"values": values, "dims": []int{len(values)}}))
	g, err := b.Finish()
	if err != nil {
		panic(err)
	}
	return (&graph.Module{Functions: []*graph.Graph{g}}).Print()
}

// near returns the lines of a text around the one that an error names.
func near(text, said string) string {
	var n int
	fmt.Sscanf(said, "line %d", &n)
	lines := strings.SplitAfter(text, "\n")
	return strings.Join(lines[max(0, min(len(lines), n-2)):min(len(lines), n+1)], "")
}
