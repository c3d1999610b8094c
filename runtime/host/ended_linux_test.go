package host_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"snnc.dev/snnc/runtime/confine"
	"snnc.dev/snnc/runtime/host"
)

// What ends the plugins of a host that dies is started again where somebody has ended it, and knows of all of them.
func TestEnderEnded(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := start(t, "exit", host.Options{Confine: self, Dev: map[string]string{"acme/one": inFolder(t, "acme/one", "leaver"), "acme/two": inFolder(t, "acme/two", "leaver")}})
	h.WithoutNamespaces()
	// ender waits for the process, which may just be starting, that is not another one.
	ender := func(not int) int {
		t.Helper()
		for begun := time.Now(); time.Since(begun) < 5*time.Second; time.Sleep(time.Millisecond) {
			all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
			for _, path := range all {
				argv, _ := os.ReadFile(path)
				status, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
				pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
				if string(argv) == self+"\x00"+confine.EndCommand+"\x00" && strings.Contains(string(status), fmt.Sprintf("\nPPid:\t%d\n", os.Getpid())) && pid != not {
					return pid
				}
			}
		}
		t.Fatal("nothing ends the plugins with the host")
		return 0
	}
	ask := func(plugin string) {
		t.Helper()
		if _, err := h.Build(context.Background(), plugin, request("", 1)); err != nil {
			t.Fatal(err)
		}
	}
	ask("acme/one")
	first := ender(0)
	syscall.Kill(first, syscall.SIGKILL)
	gone(t, first)
	ask("acme/two")
	ender(first)
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// A confined process ends with its host, whatever it heeds; its memory is bounded, and it has no privileges.
func TestConfinedProcess(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, namespaces := range []bool{true, false} {
		h := start(t, "exit", host.Options{Confine: self, Dev: map[string]string{"acme/stubborn": inFolder(t, "acme/stubborn", "stubborn")}, Timeout: 10 * time.Second})
		if !namespaces {
			h.WithoutNamespaces()
		}
		_, err = h.Describe(context.Background(), "acme/stubborn")
		failure(t, err, "makes no sense")
		pid := h.Processes()[0]
		var memory, core unix.Rlimit
		if err := errors.Join(unix.Prlimit(pid, unix.RLIMIT_DATA, nil, &memory), unix.Prlimit(pid, unix.RLIMIT_CORE, nil, &core)); err != nil {
			t.Fatal(err)
		}
		if memory.Max != confine.Memory() || core.Max != 0 {
			t.Errorf("%d bytes of memory, of %d; core files of %d", memory.Max, confine.Memory(), core.Max)
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			t.Fatal(err)
		}
		expendable, err := os.ReadFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid))
		if n, bad := strconv.Atoi(strings.TrimSpace(string(expendable))); err != nil || bad != nil || n < 500 {
			t.Errorf("the system's choice when it runs out of memory: %q %v", expendable, err)
		}
		for _, line := range []string{"NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapAmb:\t0000000000000000"} {
			if !strings.Contains(string(status), line) {
				t.Errorf("no %q in\n%s", line, status)
			}
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		gone(t, pid)
	}
}

// inner returns the process that has a number in the namespace of processes of another one, by the number that it has here; 0 where there is
// none.
func inner(of int, number string) int {
	space := func(pid string) string {
		link, err := os.Readlink(filepath.Join("/proc", pid, "ns/pid"))
		if err != nil {
			return ""
		}
		return link
	}
	want := space(strconv.Itoa(of))
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid := filepath.Base(dir)
		status, err := os.ReadFile(filepath.Join(dir, "status"))
		if err != nil || space(pid) != want {
			continue
		}
		_, numbers, _ := strings.Cut(string(status), "NSpid:")
		numbers, _, _ = strings.Cut(numbers, "\n")
		if f := strings.Fields(numbers); len(f) > 0 && f[len(f)-1] == number {
			n, _ := strconv.Atoi(pid)
			return n
		}
	}
	return 0
}

// killable runs a confined plugin that ignores whatever it can, and lets it start processes; it prints the numbers of all, and waits to be
// killed.
func killable(dir string, namespaces bool) {
	self, _ := os.Executable()
	h := host.New(host.Options{Confine: self, Dev: map[string]string{"acme/leaver": dir}})
	if !namespaces {
		h.WithoutNamespaces()
	}
	for _, do := range []string{"child", "orphan"} {
		r, err := h.Build(context.Background(), "acme/leaver", request(do, 1))
		plugin := h.Processes()[0]
		if do == "child" {
			if _, _, err := h.Arena(1 << 20); err != nil {
				panic(err)
			}
			fmt.Print(h.Folder(), " ", h.Shared(), " ", plugin, " ")
		}
		if err != nil {
			fmt.Print("refused ")
			continue
		}
		fmt.Print(inner(plugin, r.Complaints[0].Summary), " ")
	}
	fmt.Println()
	time.Sleep(time.Hour)
}

// A host that is killed takes with it what its confined plugins have started: in a namespace of processes also what leaves the plugin's
// group; without one nothing can leave it. Its folders and arenas go with the next host. A plugin cannot take away the signal that ends it (TestConfined).
func TestConfinedHostKilled(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"confining host", "confining host without namespaces"} {
		t.Run(how, func(t *testing.T) {
			argv := command(t, how)
			c := exec.Command(argv[0], argv[1:]...)
			c.Env = append(os.Environ(), "SNNC_TEST_FOLDER="+inFolder(t, "acme/leaver", "leaver"))
			c.Stderr = os.Stderr
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
			f := strings.Fields(line)
			if err != nil || len(f) != 5 {
				t.Fatalf("%q %v", line, err)
			}
			if (f[4] == "refused") != (how != "confining host" || !namespaces()) {
				t.Errorf("a plugin that starts something outside of its group: %s", f[4])
			}
			for _, number := range f[2:] {
				if pid, err := strconv.Atoi(number); err == nil {
					if pid == 0 {
						t.Errorf("a process was not found: %s", line)
						continue
					}
					gone(t, pid)
				}
			}
			next := start(t, "good", host.Options{})
			works(t, next)
			if _, err := next.Opaque().Memory(1); err != nil {
				t.Fatal(err)
			}
			for _, folder := range f[:2] {
				if _, err := os.Stat(folder); !os.IsNotExist(err) {
					t.Errorf("%s is left behind: %v", folder, err)
				}
			}
		})
	}
}
