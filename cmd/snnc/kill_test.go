package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	kills  = flag.Int("kills", 5, "how often TestKill kills the quickstart")
	epochs = flag.Int("epochs", 6, "epochs of the quickstart that TestKill kills")
)

// snnc returns the command line as a process of its own, in folder dir.
func snnc(t *testing.T, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), append([]string{asCommand + "=1", "XDG_CACHE_HOME=" + filepath.Join(dir, "cache")}, env...)...)
	return c
}

func mustRun(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", c.Args[1:], err, out)
	}
}

// lastCheckpoint returns the name and the SHA-256 of the newest checkpoint of a run.
func lastCheckpoint(t *testing.T, run string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(run, "checkpoints", "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no checkpoints in %s: %v", run, err)
	}
	slices.Sort(files)
	file := files[len(files)-1]
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return filepath.Base(file) + " " + hex.EncodeToString(sum[:])
}

// clock is what of an event is not the same in another run.
var clock = regexp.MustCompile(`,"(seconds|examples_per_second)":[^,}]*`)

// results returns what a finished run must leave whatever happened to it: the newest checkpoint, the samples and the figures.
func results(t *testing.T, run string) map[string]string {
	t.Helper()
	return resultsOf(t, run, "samples/*", "metrics.json", "programs/*")
}

// resultsOf is results of a run that leaves files of certain patterns.
func resultsOf(t *testing.T, run string, patterns ...string) map[string]string {
	t.Helper()
	out := map[string]string{"checkpoint": lastCheckpoint(t, run)}
	events, err := os.ReadFile(filepath.Join(run, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(clock.ReplaceAll(events, nil))
	out["events.jsonl"] = hex.EncodeToString(sum[:])
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(run, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s in %s", pattern, run)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(text)
			out[filepath.Base(file)] = hex.EncodeToString(sum[:])
		}
	}
	return out
}

func quickstart(t *testing.T, args ...string) []string {
	t.Helper()
	spec, err := filepath.Abs("../../specs/quickstart.snn")
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{"run", spec, "--quiet", "--set", "train.digit.epochs=" + strconv.Itoa(*epochs), "--set", "sample.digit.replace=[fire(threshold = 0.3)]"}, args...)
}

// A run that is killed at any moment goes on to the same bytes, also those that are drawn with a sampler's options and with
// definitions that are replaced, and so does a sweep whose runs share a training. Between kill and resume samples come from its
// newest weights, where there are some. More kills, of the whole quickstart: go test ./cmd/snnc -run TestKill -kills 200 -epochs 60 -timeout 0
func TestKill(t *testing.T) {
	spec, err := filepath.Abs("testdata/samplers.snn")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("quickstart", func(t *testing.T) { kill(t, *kills, quickstart(t)) })
	t.Run("samplers", func(t *testing.T) { kill(t, (*kills+1)/2, []string{"run", spec, "--quiet"}) })
	t.Run("sweep", func(t *testing.T) {
		kill(t, (*kills+1)/2, quickstart(t, "--set", "sample.digit.seed=1..3"), "sample.digit.seed=1", "sample.digit.seed=2", "sample.digit.seed=3")
	})
}

// kill kills a command so often and goes on with it. members are the folders of the runs of a sweep.
func kill(t *testing.T, times int, command []string, members ...string) {
	if members == nil {
		members = []string{"."}
	}
	all := func(run string) map[string]string {
		out := map[string]string{}
		for _, member := range members {
			for name, sum := range results(t, filepath.Join(run, member)) {
				out[member+"/"+name] = sum
			}
		}
		return out
	}
	dir := t.TempDir()
	start := time.Now()
	mustRun(t, snnc(t, dir, nil, append(slices.Clone(command), "--out", "undisturbed")...))
	duration := time.Since(start)
	want := all(filepath.Join(dir, "undisturbed"))
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for i := range times {
		run := "killed" + strconv.Itoa(i)
		again := append(slices.Clone(command), "--out", run)
		c := snnc(t, dir, nil, again...)
		var out bytes.Buffer
		c.Stdout, c.Stderr = &out, &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(random.Int64N(int64(duration)))
		time.Sleep(after)
		c.Process.Kill()
		c.Wait()
		if words, err := snnc(t, dir, nil, "sample", filepath.Join(run, members[0]), "--count", "2", "--out", "drawn").CombinedOutput(); err != nil {
			if text := string(words); !strings.Contains(text, "has no checkpoint yet") && !strings.Contains(text, "has not begun") && !strings.Contains(text, "nothing has begun") {
				t.Errorf("killed after %v of %v: sample: %v\n%s", after, duration, err, text)
			}
		}
		mustRun(t, snnc(t, dir, nil, again...))
		got := all(filepath.Join(dir, run))
		for name, sum := range want {
			if got[name] != sum {
				t.Errorf("killed after %v of %v: %s is %s, want %s", after, duration, name, got[name], sum)
			}
		}
		if len(got) != len(want) {
			t.Errorf("killed after %v of %v: %d files, want %d", after, duration, len(got), len(want))
		}
		os.RemoveAll(filepath.Join(dir, run))
	}
}

// The number of processors and of worker threads changes no byte.
func TestThreadsChangeNothing(t *testing.T) {
	dir := t.TempDir()
	var want map[string]string
	for i, x := range []struct{ procs, threads string }{{"1", "1"}, {"2", "2"}, {"2", "3"}, {"1", "8"}} {
		run := "run" + strconv.Itoa(i)
		mustRun(t, snnc(t, dir, []string{"GOMAXPROCS=" + x.procs}, quickstart(t, "--set", "train.digit.epochs=2", "--threads", x.threads, "--out", run)...))
		got := results(t, filepath.Join(dir, run))
		if i == 0 {
			want = got
			continue
		}
		for name, sum := range want {
			if got[name] != sum {
				t.Errorf("GOMAXPROCS %s, %s threads: %s differs", x.procs, x.threads, name)
			}
		}
	}
}

// Ctrl-C ends the run after the update at work, with a checkpoint and status 130; the same command goes on to the same bytes.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	mustRun(t, snnc(t, dir, nil, quickstart(t, "--out", "undisturbed")...))
	want := results(t, filepath.Join(dir, "undisturbed"))
	c := snnc(t, dir, nil, append(quickstart(t, "--out", "interrupted"), "--quiet=false", "--json")...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	update := 0
	for n := 0; lines.Scan(); n++ {
		if n == 40 { // in the second epoch
			c.Process.Signal(os.Interrupt)
		}
		var event struct{ Step int }
		if json.Unmarshal(lines.Bytes(), &event) == nil {
			update = max(update, event.Step)
		}
	}
	c.Wait()
	if code := c.ProcessState.ExitCode(); code != statusInterrupted {
		t.Errorf("exit status %d, want %d\n%s", code, statusInterrupted, errs.String())
	}
	if last := lastCheckpoint(t, filepath.Join(dir, "interrupted")); !strings.HasPrefix(last, fmt.Sprintf("digit-%012d.", update)) {
		t.Errorf("the newest checkpoint is %s, and the last update was %d", last, update)
	}
	mustRun(t, snnc(t, dir, nil, quickstart(t, "--out", "interrupted")...))
	got := results(t, filepath.Join(dir, "interrupted"))
	for name, sum := range want {
		if got[name] != sum {
			t.Errorf("%s is %s, want %s", name, got[name], sum)
		}
	}
}
