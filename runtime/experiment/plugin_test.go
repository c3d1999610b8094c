package experiment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/host"
)

// With plugin processes that cannot start a spec is never an experiment, and what is said names the plugin.
func TestCannotStart(t *testing.T) {
	for name, argv := range map[string][]string{
		"no such file":       {filepath.Join(t.TempDir(), "none")},
		"ends at once":       {"/bin/false"},
		"ends without words": {"/bin/true"},
		"never speaks":       {"/bin/sleep", "60"},
		"speaks nonsense":    {"/bin/echo", "hello"},
	} {
		h := host.New(host.Options{Builtin: argv, Start: 200 * time.Millisecond, Timeout: 2 * time.Second})
		begun := time.Now()
		x, found, _ := Load(context.Background(), h, "a.snn", []byte(spec(t, "classes")), Options{})
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if x != nil || !found.HasErrors() {
			t.Errorf("%s: became an experiment", name)
		}
		if !slices.ContainsFunc(found, func(d diag.Diagnostic) bool {
			return d.Code == diag.PluginFailed && strings.Contains(d.Summary, "the built-in plugin failed")
		}) {
			t.Errorf("%s: %v", name, found)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// children returns the processes of this one that are started with a word.
func children(t *testing.T, word string) (out []int) {
	t.Helper()
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		var pid, parent int
		var command, s string
		stat, err := os.ReadFile(dir + "/stat")
		if err != nil {
			continue // it has ended
		}
		if _, err := fmt.Sscan(strings.NewReplacer("(", "", ")", "").Replace(string(stat)), &pid, &command, &s, &parent); err != nil || parent != os.Getpid() {
			continue
		}
		if line, err := os.ReadFile(dir + "/cmdline"); err == nil && strings.Contains(string(line), word) {
			out = append(out, pid)
		}
	}
	return out
}

// A plugin process that is killed at any moment neither stops the host nor changes what comes out: that is right, or it is a
// diagnostic, or the error of the action that needed the plugin.
func TestKillPlugin(t *testing.T) {
	text := spec(t, "classes", "epochs = 3", "epochs = 1")
	right := filepath.Join(t.TempDir(), "right")
	load(t, plugins, text)
	shared := children(t, builtin.Command)
	if len(shared) != 1 {
		t.Fatalf("processes %v", shared)
	}
	mustRun(t, load(t, plugins, text), right)
	argv, err := builtin.Argv()
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	outcome := map[string]int{}
	for i := range 8 {
		h := host.New(host.Options{Builtin: argv, Timeout: 10 * time.Second})
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Duration(random.Int64N(int64(5+20*i))) * time.Millisecond):
				}
				for _, pid := range children(t, builtin.Command) {
					if !slices.Contains(shared, pid) {
						syscall.Kill(pid, syscall.SIGKILL)
						killed++
					}
				}
			}
		}()
		begun := time.Now()
		dir := filepath.Join(t.TempDir(), "run")
		x, found, _ := Load(context.Background(), h, "a.snn", []byte(text), Options{})
		var failure *host.Failure
		var refused *Refused
		ended := func(d diag.Diagnostic) bool { return d.Code == diag.PluginFailed }
		switch {
		case x == nil:
			outcome["diagnostic"]++
			if !slices.ContainsFunc(found, ended) {
				t.Errorf("%v", found)
			}
		default:
			_, err := run(t, x, dir)
			switch {
			case err == nil:
				outcome["right"]++
				same(t, right, dir)
			case errors.As(err, &refused): // a target could not be asked
				outcome["refused"]++
				if !slices.ContainsFunc(refused.Found, ended) {
					t.Errorf("%v", refused.Found)
				}
			case errors.As(err, &failure):
				outcome["failed action"]++
				if !strings.HasPrefix(err.Error(), "deploy m: ") {
					t.Errorf("%v does not name the action", err)
				}
				if sum(t, newest(t, right, "m")) != sum(t, newest(t, dir, "m")) {
					t.Error("other weights")
				}
			default:
				t.Error(err)
			}
		}
		close(stop)
		<-stopped
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("took %v", took)
		}
	}
	t.Logf("%d processes killed; outcomes %v", killed, outcome)
	if killed == 0 {
		t.Error("nothing was killed")
	}
}
