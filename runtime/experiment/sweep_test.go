package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/record"
)

// The name of a folder says the values, and holds nothing that a file system or a shell makes much of.
func TestFolderName(t *testing.T) {
	for want, values := range map[string][]record.SweepValue{
		"a=1":                     {{Path: "a", Value: "1"}},
		"a=1,train.m.batch=[1,2]": {{Path: "a", Value: "1"}, {Path: "train.m.batch", Value: "[1, 2]"}},
		"x=f(tau=2steps)":         {{Path: "x", Value: "f(tau = 2 steps)"}},
		"x=_.._.._etc_":           {{Path: "x", Value: `"../../etc"`}},
		"x=_a__":                  {{Path: "x", Value: "\"a\n\""}},
	} {
		if got := folderName(values); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if n := len(folderName([]record.SweepValue{{Path: "x", Value: strings.Repeat("[1,2],", 100)}})); n > 120 {
		t.Errorf("a name of %d bytes", n)
	}
}

// sweepOf returns a sweep of so many members.
func sweepOf(n int) *Sweep {
	s := &Sweep{}
	for i := range n {
		name := string(rune('a' + i))
		s.Members = append(s.Members, Member{Name: name})
		s.index.Runs = append(s.index.Runs, record.SweepRun{Folder: name, State: record.RunLeft})
	}
	return s
}

func states(s *Sweep) string {
	var out []string
	for _, r := range s.index.Runs {
		out = append(out, string(r.State))
	}
	return strings.Join(out, " ")
}

// A member that fails does not keep the others from running; a cancelled sweep leaves the one at work, and those behind it, to
// the next time.
func TestSweepRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sweep")
	s := sweepOf(3)
	var ran []string
	err := s.Run(t.Context(), dir, func(i int, m Member, folder string, earlier []string) error {
		ran = append(ran, m.Name)
		if folder != filepath.Join(dir, m.Name) {
			t.Errorf("%s runs in %s", m.Name, folder)
		}
		if i == 1 {
			return errors.New("out of luck")
		}
		return nil
	})
	if err != nil || !slices.Equal(ran, []string{"a", "b", "c"}) || states(s) != "done failed done" || s.Failed() != 1 {
		t.Fatal(err, ran, states(s))
	}
	text, err := os.ReadFile(filepath.Join(dir, record.SweepFile))
	if err != nil || !strings.Contains(string(text), `"error": "out of luck"`) {
		t.Fatal(err, string(text))
	}

	ctx, cancel := context.WithCancel(t.Context())
	s = sweepOf(3)
	err = s.Run(ctx, dir, func(i int, m Member, folder string, earlier []string) error {
		if i == 1 {
			cancel()
			return ctx.Err()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || states(s) != "done left left" {
		t.Fatal(err, states(s))
	}
}
