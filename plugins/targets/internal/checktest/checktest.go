// Package checktest is what tests of the targets' Check have in common: replies as text, archives of what is checked and what is said of it,
// and what holds of any reply.
//
// Tests of the targets import it.
package checktest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"snnc.dev/snnc/plugins/schema"
)

// Golden goes through the files of archives. One is called by a name with arguments of the target behind it, such as `a cores=16`; beside it
// lies NAME.out, with the Text of what answer says of it, which update writes anew.
func Golden(t *testing.T, archives string, update bool, answer func(name, text string, args schema.Arguments) (schema.TargetReply, error)) {
	t.Helper()
	files, err := filepath.Glob(archives)
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives %s: %v", archives, err)
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
			reply, err := answer(words[0], string(f.Data), arguments(words[1:]))
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			got := Text(reply)
			if d := cmp.Diff(want[f.Name+".out"], got); d != "" && !update {
				t.Errorf("%s: %s (-want +got)\n%s", file, f.Name, d)
			}
			out = append(out, f, txtar.File{Name: f.Name + ".out", Data: []byte(got)})
		}
		if a.Files = out; update {
			if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// arguments reads words such as axons=2 and leak=refuse.
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

// Text writes a reply.
func Text(r schema.TargetReply) string {
	var w strings.Builder
	fmt.Fprintf(&w, "fits %v\n", r.Fits)
	if len(r.Used) > 0 {
		fmt.Fprintf(&w, "all: %s\n", amounts(r.Used))
	}
	for _, l := range r.Layers {
		fmt.Fprintf(&w, "%s %s", l.Network, l.Layer)
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
		w.WriteString("grid")
		if g.Layer != "" {
			w.WriteString(" of " + g.Layer)
		}
		fmt.Fprintf(&w, ": %d to %d", g.Low, g.High)
		if g.Mirrored {
			w.WriteString(" or mirrored")
		}
		if g.Shared {
			w.WriteString(", of one scale")
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

func amounts(list []schema.Amount) string {
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

// Judged sees what holds of any reply: amounts are finite, what is placed without a problem keeps the limits, what stays on the host has a
// reason, and where there is a problem the circuits do not fit.
func Judged(t interface{ Errorf(string, ...any) }, r schema.TargetReply) {
	for _, l := range r.Layers {
		for _, x := range l.Used {
			if !(x.Used >= 0 && x.Used < 1e30) || l.Problem == "" && x.Limit > 0 && x.Used > x.Limit {
				t.Errorf("%s: %+v", l.Layer, x)
			}
		}
		if l.Host && l.Problem == "" || r.Fits && l.Problem != "" {
			t.Errorf("%s fits %v, on the host %v, with the problem %q", l.Layer, r.Fits, l.Host, l.Problem)
		}
	}
}
