package main

import (
	"bufio"
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
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
		return []string{"run", "a.snn", "--json", "--out", out, "--plugin-dev", "acme/leap=" + plugin}
	}
	results := func(out string) map[string]string {
		return resultsOf(t, filepath.Join(dir, out), "metrics.json", "programs/*")
	}
	mustRun(t, snnc(t, dir, nil, command("undisturbed")...))
	want := results("undisturbed")

	// victim waits for a process of the plugin that has lived for some time, seen from here, or for the end of the run.
	victim := func(run int, age time.Duration, ended <-chan bool) (pid int, argv string, found bool) {
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
					return pid, argv, true
				}
			}
			select {
			case <-ended:
				return 0, "", false
			case <-time.After(time.Millisecond):
			}
		}
	}
	killed, unborn, runs := 0, 0, 0
	for ; killed < *pluginKills; runs++ {
		out := "killed" + strconv.Itoa(runs)
		c := snnc(t, dir, nil, command(out)...)
		var words bytes.Buffer
		c.Stderr = &words
		events, err := c.StdoutPipe()
		if err == nil {
			err = c.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		// A call is tried three times: of those between two updates, told by a line each, at most two may go wrong. A line that comes just
		// behind a kill may be of an update before it.
		const each, behind = 2, 100 * time.Millisecond
		var mu sync.Mutex
		left, last := each, time.Time{}
		ended := make(chan bool)
		go func() {
			defer close(ended)
			lines := bufio.NewReader(events)
			for _, err := lines.ReadString('\n'); err == nil; _, err = lines.ReadString('\n') {
				mu.Lock()
				if left = each; time.Since(last) < behind {
					left--
				}
				mu.Unlock()
			}
		}()
		for killed < *pluginKills {
			age := time.Duration(rand.Int64N(int64(40 * time.Millisecond))) // while it comes to work
			if rand.IntN(2) == 0 {
				age *= 8 // at work
			}
			pid, argv, found := victim(c.Process.Pid, age, ended)
			if !found {
				break
			}
			mu.Lock()
			if left > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				left, last = left-1, time.Now()
				killed++
				if strings.Contains(argv, "--\x00") {
					unborn++
				}
			}
			mu.Unlock()
			time.Sleep(time.Millisecond)
		}
		<-ended
		if err := c.Wait(); err != nil {
			t.Fatalf("%v\n%s", err, words.String())
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
