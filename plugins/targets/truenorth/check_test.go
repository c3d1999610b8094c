package truenorth

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// arguments reads those that a line names behind the name of a circuit: axons=2 chips=4 leak=refuse.
func arguments(words []string) schema.Arguments {
	out := schema.Arguments{}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		v := schema.Value{Type: schema.OneOf, Text: value}
		if n, err := strconv.Atoi(value); err == nil {
			v = schema.Value{Type: schema.Int, Number: float64(n)}
		}
		out[key] = v
	}
	return out
}

// rendered writes a reply as text.
func rendered(r schema.TargetReply) string {
	var w strings.Builder
	amounts := func(list []schema.Amount) string {
		var parts []string
		for _, a := range list {
			s := fmt.Sprintf("%.0f %s", a.Used, a.Name)
			if a.Limit > 0 {
				s += fmt.Sprintf(" of %.0f", a.Limit)
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, "; ")
	}
	fmt.Fprintf(&w, "fits %v: %s\n", r.Fits, amounts(r.Used))
	for _, l := range r.Layers {
		fmt.Fprintf(&w, "%s", l.Layer)
		if l.Host {
			w.WriteString(" on the host")
		}
		if len(l.Used) > 0 {
			fmt.Fprintf(&w, ": %s", amounts(l.Used))
		}
		w.WriteString("\n")
		if l.Problem != "" {
			fmt.Fprintf(&w, "  problem: %s\n", l.Problem)
		}
		if l.Change != "" {
			fmt.Fprintf(&w, "  change: %s\n", l.Change)
		}
	}
	for _, g := range r.Grids {
		fmt.Fprintf(&w, "grid of %s: %d to %d", g.Layer, g.Low, g.High)
		if g.Mirrored {
			w.WriteString(" or mirrored")
		}
		w.WriteString("\n")
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&w, "note: %s\n", n)
	}
	for _, c := range r.Complaints {
		fmt.Fprintf(&w, "complaint: %s: %s (%s)\n", c.Path, c.Summary, c.Help)
	}
	return w.String()
}

// Each archive of testdata holds circuits; a name such as `a axons=2` has the arguments, and NAME.out what Check says.
func TestCheck(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no circuits: %v", err)
	}
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for _, f := range a.Files {
			want[f.Name] = string(f.Data)
		}
		var out []txtar.File
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".out") {
				continue
			}
			words := strings.Fields(f.Name)
			c, err := circuittest.Parse(words[0], string(f.Data))
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			reply, err := Check(schema.TargetRequest{Arguments: arguments(words[1:]), Circuits: []schema.Circuit{c}})
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			got := rendered(reply)
			if d := cmp.Diff(want[f.Name+".out"], got); d != "" && !*update {
				t.Errorf("%s: %s (-want +got)\n%s", file, f.Name, d)
			}
			out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		}
		if a.Files = out; *update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Any circuits are judged, with any number of axons: each population is placed or refused with a reason, and what is placed keeps the limits.
func TestCheckRandom(t *testing.T) {
	placed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var circuits []schema.Circuit
		populations := 0
		for i := range rapid.IntRange(1, 2).Draw(t, "circuits") {
			c := circuittest.Generator(circuittest.Options{}).Draw(t, "net").Circuit
			c.Name += strings.Repeat("'", i)
			populations += len(c.Populations)
			circuits = append(circuits, c)
		}
		args := schema.Arguments{}
		if axons := rapid.IntRange(0, 4).Draw(t, "axons"); axons > 0 {
			args["axons"] = schema.Value{Type: schema.Int, Number: float64(axons)}
		}
		r, err := Check(schema.TargetRequest{Arguments: args, Circuits: circuits})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range r.Layers {
			for _, x := range l.Used {
				if !(x.Used >= -1 && x.Used < 1e30) || !l.Host && x.Limit > 0 && x.Used > x.Limit {
					t.Errorf("%s: %+v", l.Layer, x)
				}
			}
			if l.Host {
				refused++
			} else {
				placed++
			}
			if l.Host != (l.Problem != "") || r.Fits && l.Problem != "" {
				t.Errorf("%s fits %v, on the host %v, with the problem %q", l.Layer, r.Fits, l.Host, l.Problem)
			}
		}
		if len(r.Layers) != populations {
			t.Errorf("%d layers of %d", len(r.Layers), populations)
		}
	})
	if placed == 0 || refused == 0 {
		t.Errorf("%d layers were placed and %d refused", placed, refused)
	}
}
