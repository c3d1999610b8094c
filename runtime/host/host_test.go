package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
)

// failure returns the Failure that an error is, and checks what it says.
func failure(t *testing.T, err error, says ...string) *host.Failure {
	t.Helper()
	var f *host.Failure
	if !errors.As(err, &f) {
		t.Fatalf("%v is no failure of a plugin", err)
	}
	for _, s := range says {
		if !strings.Contains(f.Error(), s) {
			t.Errorf("%q is not said in: %v", s, f)
		}
	}
	return f
}

// works checks that a plugin does what it should.
func works(t *testing.T, h *host.Host) {
	t.Helper()
	want, _, err := constant(2, "draw")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := h.Build(context.Background(), "", request("", 2)); err != nil || got.Program != want {
		t.Errorf("%v %v", got, err)
	}
}

// gone waits until a process is gone, or only waits for its parent to notice.
func gone(t *testing.T, pid int) {
	t.Helper()
	for begun := time.Now(); time.Since(begun) < 2*time.Second; time.Sleep(5 * time.Millisecond) {
		if syscall.Kill(pid, 0) != nil {
			return
		}
		// The first thread of a process may have ended before others, which hold its files open.
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)); err == nil && strings.Contains(string(stat), ") Z ") && len(threads) < 2 {
			return
		}
	}
	t.Errorf("process %d is still there", pid)
	syscall.Kill(pid, syscall.SIGKILL)
}

// All calls of the protocol, answered by a plugin made with the kit.
func TestCalls(t *testing.T) {
	h := start(t, "good", host.Options{})
	ctx := context.Background()
	p, err := h.Describe(ctx, "")
	if err != nil || p.Name != "test" || len(p.Components) != 4 || p.Components[0].Equations != ramp {
		t.Errorf("%+v %v", p, err)
	}
	works(t, h)
	r, err := h.Build(ctx, "", request("complain", 1))
	if err != nil || len(r.Complaints) != 1 || r.Complaints[0] != (schema.Complaint{Path: "value", Summary: "too small", Help: "make it larger"}) {
		t.Errorf("%+v %v", r, err)
	}
	want, _, _ := constant(3, "slowly")
	r, err = h.Sampler(ctx, "", schema.SamplerRequest{Build: request("", 1), Sampler: "slowly", Options: schema.Arguments{"value": {Number: 3}}})
	if err != nil || r.Program != want {
		t.Errorf("%+v %v", r, err)
	}
	r, err = h.Coder(ctx, "", schema.CoderRequest{Component: "weigh", Input: "f32[T4 N 3]"})
	if _, err := h.Coder(ctx, "", schema.CoderRequest{Component: "weigh", Input: "f32[N 3]"}); err == nil || !strings.Contains(err.Error(), `coder "weigh" does not encode`) {
		t.Errorf("a coder that decodes is asked to encode: %v", err)
	}
	if err != nil || !strings.Contains(r.Program, `variable "weight" f32[3]`) {
		t.Errorf("%+v %v", r, err)
	}
	c, err := h.Check(ctx, "", schema.TargetRequest{Component: "chip"})
	if err != nil || !c.Fits || c.Used[0].Name != "cores" {
		t.Errorf("%+v %v", c, err)
	}
	if n := len(h.Processes()); n != 1 {
		t.Errorf("%d processes", n)
	}
	if _, err := h.Build(ctx, "", schema.BuildRequest{Component: "nosuch"}); err == nil {
		t.Error("a model that is not there was built")
	}
	if _, err := h.Build(ctx, "acme/nosuch", request("", 1)); true {
		failure(t, err, `plugin "acme/nosuch"`, "--plugin-dev acme/nosuch=DIR")
	}
}

// Many calls at once share one process.
func TestConcurrent(t *testing.T) {
	h := start(t, "good", host.Options{})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			want, _, _ := constant(float64(i), "draw")
			if got, err := h.Build(context.Background(), "", request("slow", float64(i))); err != nil || got.Program != want {
				t.Errorf("%d: %v %v", i, got, err)
			}
		})
	}
	all.Wait()
	if n := len(h.Processes()); n != 1 {
		t.Errorf("%d processes", n)
	}
}

// The death signal of a plugin's parent follows the thread that started the plugin: threads that end take none with them.
func TestThreads(t *testing.T) {
	h := start(t, "good", host.Options{})
	works(t, h)
	before := h.Processes()
	var all sync.WaitGroup
	hold := make(chan struct{})
	for range 50 { // goroutines that end locked end their threads
		all.Go(func() {
			runtime.LockOSThread()
			<-hold
		})
	}
	close(hold)
	all.Wait()
	time.Sleep(20 * time.Millisecond)
	works(t, h)
	if after := h.Processes(); after[0] != before[0] {
		t.Error("the process ended with a thread of the host")
	}
}

// A process that does not come to its handshake is a failure that says why, soon.
func TestNoHandshake(t *testing.T) {
	for what, x := range map[string]struct {
		exit string
		says []string
	}{
		"exit":    {"exit status 3", []string{"ended before it was ready", "cannot find the licence", "(exit status 3)"}},
		"garbage": {"exit status 0", []string{"ended before it was ready", "this is no handshake"}},
		"silent":  {"", []string{"not ready within 400ms"}},
		"deaf":    {"", []string{"closed its standard output"}},
		"version": {"", []string{"shake hands", "99"}},
		"tcp":     {"", []string{"shake hands", "127.0.0.1:1"}},
		"nobody":  {"", []string{"the connection broke"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			o := host.Options{Start: 5 * time.Second}
			if what == "silent" {
				o.Start = 400 * time.Millisecond
			}
			h := start(t, what, o)
			begun := time.Now()
			_, err := h.Describe(context.Background(), "")
			if f := failure(t, err, x.says...); f.Exit != x.exit || f.Call != "Describe" {
				t.Errorf("%+v", f)
			}
			if took := time.Since(begun); took > 4*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

// So is one that does not come to it within the time of the call, which waits for nothing else.
func TestNoHandshakeInCall(t *testing.T) {
	t.Parallel()
	h := start(t, "silent", host.Options{Start: 5 * time.Second, Timeout: 400 * time.Millisecond})
	_, err := h.Describe(context.Background(), "")
	if f := failure(t, err, "not ready within 400ms"); f.Kind != host.Start || f.Exit != "" {
		t.Errorf("%+v", f)
	}
}

// What a plugin prints, before its handshake or later, and however, neither stops it nor the host.
func TestOutput(t *testing.T) {
	t.Parallel()
	works(t, start(t, "chatty", host.Options{}))
	works(t, start(t, "loud", host.Options{}))
	h := start(t, "good", host.Options{})
	if _, err := h.Build(context.Background(), "", request("print", 1)); err != nil {
		t.Error(err)
	}
	works(t, h)
	if _, err := h.Build(context.Background(), "", request("exit", 1)); true {
		f := failure(t, err, "the process ended", "exit status 7")
		if len(f.Stderr) > 20 {
			t.Errorf("%d lines", len(f.Stderr))
		}
	}
}

// What goes wrong in a call is a failure of that call, and the next one works.
func TestBadCalls(t *testing.T) {
	for do, x := range map[string]struct {
		exit string
		says []string
	}{
		"panic":   {"", []string{"panic: runtime error: index out of range", "host_test.build", "plugin_test.go:"}},
		"crash":   {"exit status 2", []string{"the process ended", "panic: out of cheese"}},
		"exit":    {"exit status 7", []string{"the process ended"}},
		"wrong":   {"", []string{"makes no sense", "read the program"}},
		"nothing": {"", []string{"makes no sense"}},
		"error":   {"", []string{"build the built-in plugin: the moon is full"}},
		"huge":    {"", []string{"over 64 MB"}},
		"sleep":   {"", []string{"no answer within 700ms"}},
	} {
		t.Run(do, func(t *testing.T) {
			t.Parallel()
			o := host.Options{}
			if do == "sleep" {
				o.Timeout = 700 * time.Millisecond
			}
			h := start(t, "good", o)
			works(t, h)
			_, err := h.Build(context.Background(), "", request(do, 1))
			if f := failure(t, err, x.says...); f.Exit != x.exit || f.Call != "Build" {
				t.Errorf("%+v", f)
			}
			works(t, h)
		})
	}
}

// A message of 20 MB passes.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	h := start(t, "good", host.Options{})
	r := request("big", 1)
	r.Networks = []schema.Network{{Graph: strings.Repeat("x", 20<<20)}}
	if got, err := h.Build(context.Background(), "", r); err != nil || len(got.Complaints[0].Summary) != 20<<20 {
		t.Error(err)
	}
}

// Replies that are not of the protocol.
func TestNonsense(t *testing.T) {
	for _, text := range []string{"", "{", "[]", "null {}", `{"program": 5}`, `{"programme": "x"}`, `{"program": "x"}`, `{"program":"program 1\n","complaints":[{"path":"","summary":"x"}]}`,
		`{"complaints":[{"path":"","summary":""}]}`, `{"complaints":[{"path":"a b","summary":"x"}]}`} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			h := start(t, "raw "+text, host.Options{})
			_, err := h.Build(context.Background(), "", request("", 1))
			failure(t, err, "build the built-in plugin: the reply makes no sense")
		})
	}
}

// The caller's context ends a call; the plugin lives on.
func TestCancel(t *testing.T) {
	h := start(t, "good", host.Options{})
	works(t, h)
	before := h.Processes()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := h.Build(ctx, "", request("sleep", 1)); err != context.DeadlineExceeded {
		t.Error(err)
	}
	works(t, h)
	if after := h.Processes(); len(after) != 1 || after[0] != before[0] {
		t.Errorf("processes %v, then %v", before, after)
	}
	cancelled, stop := context.WithCancel(context.Background())
	stop()
	if _, err := start(t, "silent", host.Options{}).Describe(cancelled, ""); err != context.Canceled {
		t.Error(err)
	}
}

// Close ends calls under way, also in a process that listens to nobody, and later ones.
func TestClose(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"good", "silent"} {
		h := start(t, what, host.Options{})
		if what == "good" {
			works(t, h)
		}
		done := make(chan error)
		go func() {
			_, err := h.Build(context.Background(), "", request("sleep", 1))
			done <- err
		}()
		time.Sleep(100 * time.Millisecond)
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != host.ErrClosed {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := h.Describe(context.Background(), ""); err != host.ErrClosed {
			t.Errorf("%s: %v", what, err)
		}
	}
	h := start(t, "stubborn", host.Options{})
	if _, err := h.Describe(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	pid := h.Processes()[0]
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	gone(t, pid)
}

// What a plugin started goes with it.
func TestChildren(t *testing.T) {
	h := start(t, "good", host.Options{})
	r, err := h.Build(context.Background(), "", request("child", 1))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(r.Complaints[0].Summary)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" { // a plugin that dies by itself
		syscall.Kill(h.Processes()[0], syscall.SIGKILL)
		gone(t, child)
		return
	}
	h.Close()
	gone(t, child)
}

// A process that escapes from the plugin's group and holds its pipes open holds nothing up.
func TestOrphan(t *testing.T) {
	h := start(t, "good", host.Options{})
	r, err := h.Build(context.Background(), "", request("orphan", 1))
	if err != nil {
		t.Fatal(err)
	}
	orphan, err := strconv.Atoi(r.Complaints[0].Summary)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Kill(orphan, syscall.SIGKILL)
	if err := syscall.Kill(h.Processes()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	works(t, h)
	begun := time.Now()
	if err := h.Close(); err != nil || time.Since(begun) > 2*time.Second { // a process whose end is not seen takes 2 s from SIGKILL alone
		t.Errorf("Close took %v: %v", time.Since(begun), err)
	}
}

// While the process is killed at any moment, each call ends with the right answer or a failure, and soon.
func TestKilled(t *testing.T) {
	h := start(t, "good", host.Options{Timeout: 20 * time.Second})
	works(t, h)
	stop := make(chan struct{})
	var killer sync.WaitGroup
	killed := 0
	killer.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rand.IntN(80_000)) * time.Microsecond):
			}
			for _, pid := range h.Processes() {
				syscall.Kill(pid, syscall.SIGKILL)
				killed++
			}
		}
	})
	var callers sync.WaitGroup
	var mu sync.Mutex
	right, failed := 0, 0
	for c := range 3 {
		callers.Go(func() {
			for i := range 25 {
				value := float64(100*c + i)
				want, _, _ := constant(value, "draw")
				do := []string{"", "slow"}[i%2]
				got, err := h.Build(context.Background(), "", request(do, value))
				var f *host.Failure
				mu.Lock()
				switch {
				case err == nil && got.Program == want:
					right++
				case errors.As(err, &f) && f.Exit == "signal: killed":
					failed++
				default:
					t.Errorf("%v %v", got, err)
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	close(stop)
	killer.Wait()
	t.Logf("%d right answers, %d failures, %d kills", right, failed, killed)
	if killed < 5 || right == 0 {
		t.Errorf("%d kills, %d right answers: this tests nothing", killed, right)
	}
	works(t, h)
}

// A host that is killed takes its plugin with it, even one that heeds no lifeline where the system can do that; the folder
// that it leaves is removed by a later host.
func TestHostKilled(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux ends a process with its parent; the lifeline is tested in the kit")
		return
	}
	argv := command(t, "host")
	c := exec.Command(argv[0], argv[1:]...)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	c.Process.Kill()
	c.Wait()
	if err != nil {
		t.Fatal(err)
	}
	var folder string
	var pid int
	if _, err := fmt.Sscan(line, &folder, &pid); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)

	if _, err := os.Stat(folder); err != nil {
		t.Fatalf("the killed host left no folder: %v", err)
	}
	alive := start(t, "good", host.Options{})
	works(t, alive)
	works(t, start(t, "good", host.Options{}))
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("%s of a dead host is left", folder)
	}
	if _, err := os.Stat(alive.Folder()); err != nil {
		t.Errorf("the folder of a host that lives was removed: %v", err)
	}
	works(t, alive)
}

// A folder that a host is just making is left to it; one that a host died over is removed later.
func TestFolderBegun(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, files := range [][]string{nil, {"snnc-host.new"}} {
		dir, err := os.MkdirTemp("", "snnc-host-*")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, age := range []time.Duration{0, time.Hour} {
			then := time.Now().Add(-age)
			if err := os.Chtimes(dir, then, then); err != nil {
				t.Fatal(err)
			}
			works(t, start(t, "good", host.Options{}))
			if _, err := os.Stat(dir); (err == nil) != (age == 0) {
				t.Errorf("%q, %v old: %v", files, age, err)
			}
		}
	}
}

// A plugin whose socket is a link to somebody else's, or its other name, gets the host to say nothing there.
func TestDeputy(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("only Linux tells who listens")
		return
	}
	for _, how := range []string{"link", "name"} {
		at := filepath.Join(os.TempDir(), fmt.Sprintf("snnc-%d", os.Getpid())) // a path that is short, where hard links reach
		l, err := net.Listen("unix", at)
		if err != nil {
			t.Fatal(err)
		}
		said := make(chan string)
		go func() {
			defer close(said)
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				text, _ := io.ReadAll(c)
				c.Close()
				if len(text) > 0 {
					said <- string(text)
				}
			}
		}()
		_, err = start(t, "leads to "+how+" "+at, host.Options{Tries: 1}).Describe(context.Background(), "")
		l.Close()
		failure(t, err, map[string]string{"link": "is no socket", "name": "which is not the plugin's"}[how])
		for text := range said {
			t.Errorf("%s: the host says %q", how, text)
		}
	}
}

// A temporary folder with a long name is no place for sockets.
func TestLongTemporaryFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	works(t, start(t, "good", host.Options{}))
}

// The environment is a chosen one.
func TestEnvironment(t *testing.T) {
	t.Setenv("SNNC_SECRET", "secret")
	h := start(t, "good", host.Options{Env: []string{"SNNC_GIVEN=given"}})
	works(t, h)
	if runtime.GOOS != "linux" {
		return
	}
	env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", h.Processes()[0]))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(env); strings.Contains(s, "secret") || !strings.Contains(s, "SNNC_GIVEN=given") || !strings.Contains(s, "PATH=") {
		t.Errorf("%q", s)
	}
}

// What a plugin says of itself is kept; a torn or changed entry is not believed.
func TestCache(t *testing.T) {
	cache := t.TempDir()
	ask := func(processes int) {
		t.Helper()
		h := start(t, "good", host.Options{Cache: cache})
		p, err := h.Describe(context.Background(), "")
		if err != nil || len(p.Components) != 4 {
			t.Errorf("%+v %v", p, err)
		}
		if n := len(h.Processes()); n != processes {
			t.Errorf("%d processes, want %d", n, processes)
		}
	}
	ask(1)
	ask(0)
	entries, err := filepath.Glob(filepath.Join(cache, "*"))
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v %v", entries, err)
	}
	whole, err := os.ReadFile(entries[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(entries[0], whole[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		ask(1)
		ask(0)
	}
	changed := []byte(strings.Replace(string(whole), "1.2.3", "1.2.4", 1))
	if err := os.WriteFile(entries[0], changed, 0o644); err != nil {
		t.Fatal(err)
	}
	ask(1)
	old := time.Now().Add(-time.Hour)
	for i := range 120 { // descriptions of earlier versions
		path := filepath.Join(cache, fmt.Sprintf("%d.json", i))
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old.Add(time.Duration(i)*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(entries[0]); err != nil {
		t.Fatal(err)
	}
	ask(1)
	ask(0)
	left, err := filepath.Glob(filepath.Join(cache, "*.json"))
	if err != nil || len(left) != 100 || slices.Contains(left, filepath.Join(cache, "20.json")) || !slices.Contains(left, filepath.Join(cache, "21.json")) {
		t.Errorf("%d descriptions are kept: %v", len(left), err)
	}
	if err := os.RemoveAll(cache); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cache, nil, 0o644); err != nil { // a folder that cannot be
		t.Fatal(err)
	}
	ask(1)
}
