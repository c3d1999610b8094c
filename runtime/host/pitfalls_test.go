package host_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"snnc.dev/snnc/runtime/host"
)

// pitfalls are those of go-plugin v1.8.0 and of processes that the host's design names, and the tests that hold each.
var pitfalls = []struct{ what, tests string }{
	{"a line such as {\"@message\": 5} on standard error panics the client", "TestOutput"},
	{"Client.Kill has no deadline", "TestClose"},
	{"anything on standard output before the handshake is fatal", "TestOutput"},
	{"a line of more than 64 KB on standard output blocks the plugin", "TestOutput"},
	{"SecureConfig and RunnerFunc exclude each other: the host hashes folders itself", "TestLock"},
	{"requests of more than 4 MB fail", "TestLargeMessages"},
	{"sockets stay when a process crashes", "TestSockets"},
	{"a quiet plugin survives a host that is killed", "TestHostKilled TestConfinedHostKilled"},
	{"a Client and its exec.Cmd are single-use", "TestBadCalls TestKilled TestOpaqueRepeated"},
	{"AutoMTLS costs, and other languages do not have it", "TestPlain"},
	{"the broker and the output streams of go-plugin are calls that a plugin need not have", "TestPlain"},
	{"a socket's path has 107 bytes at most", "TestLongTemporaryFolder"},
	{"a socket's name leads to somebody else's", "TestDeputy"},
	{"the signal at a parent's death follows the thread that started the process", "TestThreads"},
	{"what a plugin started, and what left its group, holds its pipes", "TestChildren TestOrphan"},
	{"a variable of the host's environment is the plugin's", "TestEnvironment"},
	{"a plugin that fails again and again is asked for ever", "TestTries"},
	{"a call without a deadline waits for ever", "TestBadCalls TestOpaqueFailures"},
}

// Each pitfall has tests, which are there.
func TestPitfalls(t *testing.T) {
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`).FindAllStringSubmatch(string(text), -1) {
			there[m[1]] = true
		}
	}
	for _, p := range pitfalls {
		for _, test := range strings.Fields(p.tests) {
			if !there[test] {
				t.Errorf("%s: there is no %s", p.what, test)
			}
		}
	}
}

// The socket of a process, and its folder with temporary files, are gone with it, also where it crashed; the next process has others.
func TestSockets(t *testing.T) {
	h := start(t, "good", host.Options{})
	folders := func() []string {
		all, err := filepath.Glob(filepath.Join(h.Folder(), "plugin-dir*"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	works(t, h)
	first := folders()
	for range 3 {
		syscall.Kill(h.Processes()[0], syscall.SIGKILL)
		works(t, h)
	}
	if now := folders(); len(first) != 1 || len(now) != 1 || first[0] == now[0] {
		t.Errorf("%q, then %q", first, now)
	}
}

// A host in which processes die and are replaced has no more files, goroutines and threads than with the first ones, and none that are left
// when it is closed.
func TestNothingIsLeft(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("files and threads are counted in /proc")
		return
	}
	count := func() (all [3]int) {
		for i, dir := range []string{"/proc/self/fd", "/proc/self/task"} {
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			all[i] = len(entries)
		}
		all[2] = runtime.NumGoroutine()
		return all
	}
	// settles waits until nothing is more than before: what ends with a process does so a little behind it.
	settles := func(before [3]int) (now [3]int, ok bool) {
		for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(10 * time.Millisecond) {
			if now = count(); now[0] <= before[0] && now[1] <= before[1]+1 && now[2] <= before[2] { // Go's own threads come and stay
				return now, true
			}
		}
		return now, false
	}
	empty := count()
	h := start(t, "good", host.Options{})
	var first [3]int
	for k := range 12 {
		works(t, h)
		if k == 1 {
			first = count()
		}
		if k > 1 {
			if now, ok := settles(first); !ok {
				t.Fatalf("with process %d there are %d files, %d threads and %d goroutines; there were %d, %d and %d", k, now[0], now[1], now[2], first[0], first[1], first[2])
			}
		}
		syscall.Kill(h.Processes()[0], syscall.SIGKILL)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if now, ok := settles([3]int{empty[0], first[1], empty[2]}); !ok {
		t.Errorf("behind the host there are %d files and %d goroutines, before it %d and %d", now[0], now[2], empty[0], empty[2])
	}
}

// The connection is plain gRPC on a unix socket: no certificate is given, and nothing but the protocol's service is called.
func TestPlain(t *testing.T) {
	h := start(t, "raw {}", host.Options{Tries: 1}) // ends when something else is called
	for range 2 {
		if _, err := h.Build(context.Background(), "", request("", 1)); true {
			failure(t, err, "makes no sense")
		}
	}
	if runtime.GOOS != "linux" {
		return
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", h.Processes()[0]))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(env), "PLUGIN_CLIENT_CERT=") || strings.Contains(string(env), "PLUGIN_MULTIPLEX_GRPC=true") {
		t.Errorf("%q", env)
	}
}

// A plugin whose processes do not survive a call is asked as often as the options say, and then failed; the next call begins anew, so that
// failures do not add up over a long run.
func TestTries(t *testing.T) {
	t.Parallel()
	const tries = 4
	h := start(t, "good", host.Options{Tries: tries})
	for range 2 {
		log := filepath.Join(t.TempDir(), "log")
		_, err := h.Build(context.Background(), "", request("count "+log, 1))
		failure(t, err, "the process ended", "exit status 9")
		text, err := os.ReadFile(log)
		if err != nil || strings.Count(string(text), "\n") != tries {
			t.Errorf("tried %d times: %v", strings.Count(string(text), "\n"), err)
		}
		works(t, h)
	}
}
