package main

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var pluginKills = flag.Int("plugin-kills", 8, "how many processes of plugins TestPluginKill kills")

// killSpec trains neurons that a plugin computes, in two actions, and draws its figures by the plugin too.
const killSpec = `snn 1

use "acme/leap" as leap, version "~> 0.3"

data digits = optdigits(range = 0..1)
neuron fire = leap(tau = 2 steps)

network net(image: real[1, 8, 8]) -> real[10] {
    return image -> encode(direct(steps = 4)) -> flatten -> linear(64) -> fire -> linear(32) -> fire -> linear(10) -> decode(mean)
}
model m = supervised(network = net)
train m { data = digits, batch = 50, epochs = 12, optimizer = adam(rate = 5e-3), seed = 3 }
evaluate m { metrics = [accuracy], seed = 4 }
`

// children returns the processes that a process has started and what each is.
func children(t *testing.T, of int) map[int]string {
	out := map[int]string{}
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range all {
		status, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := bytes.Cut(status, []byte(") "))
		if f := strings.Fields(string(rest)); len(f) < 2 || f[0] == "Z" || f[1] != strconv.Itoa(of) {
			continue
		}
		argv, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		pid, bad := strconv.Atoi(filepath.Base(dir))
		if err == nil && bad == nil {
			out[pid] = string(argv)
		}
	}
	return out
}

// A training whose plugin, confined as users have it, is killed again and again, in its start as well as at work, gives the bytes that it
// gives undisturbed. More kills: go test ./cmd/snnc -run TestPluginKill -plugin-kills 200 -timeout 0
func TestPluginKill(t *testing.T) {
	if _, err := os.Stat("/proc/self/cmdline"); err != nil {
		t.Log("this system does not tell who started a process; that calls are repeated is tested in runtime/host")
		return
	}
	dir, plugin := t.TempDir(), builtPlugin(t, "leap")
	write(t, filepath.Join(dir, "a.snn"), killSpec)
	command := func(out string) []string {
		return []string{"run", "a.snn", "--quiet", "--out", out, "--plugin-dev", "acme/leap=" + plugin}
	}
	results := func(out string) map[string]string {
		return resultsOf(t, filepath.Join(dir, out), "metrics.json", "programs/*")
	}
	mustRun(t, snnc(t, dir, nil, command("undisturbed")...))
	want := results("undisturbed")

	// kill ends a process of the plugin that has lived for some time, seen from here, or waits until the run is done.
	kill := func(run int, age time.Duration, ended <-chan error) (done bool, early bool, err error) {
		born := map[int]time.Time{}
		for {
			for pid, argv := range children(t, run) {
				if !strings.Contains(argv, plugin) { // the built-in plugin
					continue
				}
				if _, ok := born[pid]; !ok {
					born[pid] = time.Now()
				}
				if time.Since(born[pid]) >= age {
					return false, strings.Contains(argv, "--\x00"), syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			select {
			case err := <-ended:
				return true, false, err
			case <-time.After(time.Millisecond):
			}
		}
	}
	killed, unborn, runs := 0, 0, 0
	for ; killed < *pluginKills; runs++ {
		out := "killed" + strconv.Itoa(runs)
		c := snnc(t, dir, nil, command(out)...)
		var words bytes.Buffer
		c.Stdout, c.Stderr = &words, &words
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		for n := 0; ; n++ {
			// One while it comes to work, one at work: three in one call would be a plugin that does not run.
			age := time.Duration(rand.Int64N(int64(40 * time.Millisecond)))
			if n%2 == 1 {
				age = 300*time.Millisecond + time.Duration(rand.Int64N(int64(100*time.Millisecond)))
			}
			if killed == *pluginKills {
				age = time.Hour
			}
			done, early, err := kill(c.Process.Pid, age, ended)
			if done {
				if err != nil {
					t.Fatalf("%v\n%s", err, words.String())
				}
				break
			}
			if err == nil {
				killed++
				if early {
					unborn++
				}
			}
		}
		got := results(out)
		for name, sum := range want {
			if got[name] != sum {
				t.Errorf("%s is %s, want %s", name, got[name], sum)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d files, want %d", len(got), len(want))
		}
		os.RemoveAll(filepath.Join(dir, out))
	}
	t.Logf("%d processes were killed in %d runs, %d of them before they were the plugin", killed, runs, unborn)
}
