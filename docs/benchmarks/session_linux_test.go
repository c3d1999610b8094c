package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// shell is a contender that a shell plays.
func shell(script string) contender {
	return contender{name: "shell", command: func(*session) program {
		return program{argv: []string{"/bin/sh", "-c", script}, env: []string{"GIVEN=7"}, parse: lastLine}
	}}
}

func testSession(t *testing.T) *session {
	return &session{root: t.TempDir(), threads: 2, processor: "A", revision: "r", options: options{raw: filepath.Join(t.TempDir(), "raw"), repeat: 1}}
}

// A run is kept with what the system says of it, is not made again, and not mixed with those of another processor.
func TestContend(t *testing.T) {
	s, ctx := testSession(t), context.Background()
	g := group{name: "g", unit: "ms", parameters: 7, rows: []row{{figure: "train"}}}
	c := shell(`echo ran >> count; echo noise; echo '{"figures":{"train":{"median":2,"min":1,"max":3,"repeats":5}},"parameters":'$GIVEN'}'`)
	for range 2 {
		if err := s.contend(ctx, g, c, 1); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(filepath.Join(s.root, "count")); err != nil || string(text) != "ran\n" {
		t.Errorf("ran %q, %v: want once", text, err)
	}
	runs, err := readRuns(s.options.raw)
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	r := runs[0]
	if r.Figures["train"] != (figure{2, 1, 3, 5}) || r.PeakBytes < 100<<10 || r.Seconds <= 0 || r.Others < 0 || r.Others > 1 || r.Processor != "A" || r.Cores != 2 {
		t.Errorf("have %+v", r)
	}
	s.processor = "B"
	if err := s.contend(ctx, g, c, 1); err == nil || !strings.Contains(err.Error(), "another processor") {
		t.Errorf("another processor: %v", err)
	}
	s.options.fresh = true
	if err := s.contend(ctx, g, c, 1); err != nil {
		t.Error(err)
	}
	g.parameters = 8
	if err := s.contend(ctx, g, c, 2); err == nil || !strings.Contains(err.Error(), "7 parameters") {
		t.Errorf("another network: %v", err)
	}
	for script, want := range map[string]string{
		"echo no module named torch >&2; exit 3": "no module named torch",
		"echo nothing":                           "last line",
		"":                                       "last line",
	} {
		if err := s.contend(ctx, g, shell(script), 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", script, err)
		}
	}
}

// The figures that the command takes itself: the whole time, and that to the first output.
func TestClock(t *testing.T) {
	s := testSession(t)
	c := shell(`sleep 0.2; echo first; sleep 0.2; echo '{"figures":{}}'`)
	c.spoke, c.whole = "start", "all"
	r, err := s.once(context.Background(), group{name: "g"}, c, 1)
	if err != nil {
		t.Fatal(err)
	}
	start, all := r.Figures["start"].Median, r.Figures["all"].Median
	if start < 0.2 || all < start+0.2 || all != r.Seconds {
		t.Errorf("first output after %v s, all %v s", start, all)
	}
}

// A measurement that is interrupted ends what it has started, and what that has started.
func TestInterrupt(t *testing.T) {
	s := testSession(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() {
		_, err := s.once(ctx, group{name: "g"}, shell("sleep 60 & echo $! > new; mv new pid; wait"), 1)
		done <- err
	}()
	var pid []byte
	for len(pid) == 0 {
		time.Sleep(time.Millisecond)
		pid, _ = os.ReadFile(filepath.Join(s.root, "pid"))
	}
	cancel()
	if err := <-done; err == nil {
		t.Error("no error")
	}
	var stat []byte
	for range 5000 {
		var err error
		stat, err = os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(pid)), "stat"))
		if err != nil || strings.Contains(string(stat), ") Z ") { // a zombie has ended, and waits for its parent
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("it still runs: %s", stat)
}

func TestMachine(t *testing.T) {
	name, err := processor()
	if err != nil || name == "" {
		t.Errorf("%q, %v", name, err)
	}
	if used, err := coreSeconds(); err != nil || used <= 0 {
		t.Errorf("%v, %v", used, err)
	}
}
