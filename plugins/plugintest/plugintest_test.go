package plugintest_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/plugins/plugintest"
	"snnc.dev/snnc/runtime/confine"
)

// program is the plugin of testdata/broken.
var program string

func TestMain(m *testing.M) {
	confine.Main()
	dir, err := os.MkdirTemp("", "plugintest-*")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "broken")
	if out, err := exec.Command("go", "build", "-o", program, "./testdata/broken").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the plugin: %v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// broken returns the folder of the plugin with a fault.
func broken(t *testing.T, fault string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(program, filepath.Join(dir, "broken")); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("name = \"acme/broken\"\nversion = \"1.0.0\"\ncommand = [\"./broken\", %q]\n", fault)
	if err := os.WriteFile(filepath.Join(dir, "snn-plugin.toml"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// report tests a plugin, and returns with the report what people read of it.
func report(t *testing.T, dir string, o plugintest.Options) (*plugintest.Report, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Timeout, o.Confine = cmp.Or(o.Timeout, 20*time.Second), self
	r, err := plugintest.Test(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	return r, text.String()
}

// A plugin that is right passes.
func TestRight(t *testing.T) {
	t.Parallel()
	r, text := report(t, broken(t, "none"), plugintest.Options{Uses: []string{"leap", "leap(tau = 5 steps)"}})
	if len(r.Failures()) > 0 {
		t.Error(text)
	}
	for _, want := range []string{"acme/broken 1.0.0\n", "neuron leap(tau = 5 steps)\n", "gradient     ok     as differences of the smoothed model say, with a correlation of 0.",
		"gradient     ok     as differences say, in 64 directions", "speed        ok     16 time steps of 64 examples of 4096 neurons, 16 MB, in "} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
}

// So do right components of all kinds: of several inputs, random ones, coders of both directions, without derivative. A test that says
// nothing of a component tells why.
func TestOthers(t *testing.T) {
	t.Parallel()
	r, text := report(t, broken(t, "others"), plugintest.Options{})
	if len(r.Failures()) > 0 {
		t.Error(text)
	}
	for _, want := range []string{"neuron dither\n", "coder window encode\n", "coder window decode\n", "steps        -      not for what is random",
		"steps        -      not for a coder", "gradient     -      not: the description has no `gradient`"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
}

// Each fault fails under its name, what is said of it is what has to be mended, and nothing else fails because of it.
func TestFaults(t *testing.T) {
	for _, x := range []struct {
		fault     string
		name      plugintest.Name
		component string
		says      string // in what is found
	}{
		{"early", plugintest.Handshake, "", `prints before its handshake: "loading weights ..."`},
		{"mute", plugintest.Handshake, "", "the process ended before it was ready (exit status 3)"},
		{"schema", plugintest.Schema, "", `parameter "tau": there is no type "duration"`},
		{"default", plugintest.Schema, "neuron leap", "metres"},
		{"dated", plugintest.Determinism, "", "describe the plugin differently"},
		{"files", plugintest.Files, "", "it tries what it must not: openat /"},
		{"network", plugintest.Network, "", "it tries what it must not: socket AF_INET"},
		{"random", plugintest.Determinism, "neuron leap", "two processes that are asked the same differ in"},
		{"leak", plugintest.Leak, "neuron leap", "computed once more"},
		{"batch", plugintest.Examples, "neuron leap", "alone than in a batch"},
		{"start", plugintest.Steps, "neuron leap", "time step 1 by itself"},
		{"half", plugintest.Spikes, "neuron leap", "the output is 0.5"},
		{"writes", plugintest.Operands, "neuron leap", "changes input x"},
		{"unwritten", plugintest.Operands, "neuron leap", "leaves numbers of the output unwritten"},
		{"sign", plugintest.Gradient, "neuron leap", "does not point"},
		{"clipped", plugintest.Gradient, "neuron leap", "twice the gradient"},
		{"forwards", plugintest.Gradient, "neuron leap", "reaches input x at time step"},
		{"gradient", plugintest.Gradient, "neuron filter", "in a direction in which the output changes by"},
		{"hang", plugintest.Deadline, "neuron leap", "Forward: no answer within 1s"},
		{"crash", plugintest.Crash, "neuron leap", "Forward: the process ended (exit status 2)"},
		{"grows", plugintest.Memory, "neuron leap", "in 60 equal calls the process grows"},
	} {
		t.Run(x.fault, func(t *testing.T) {
			t.Parallel()
			var o plugintest.Options
			if x.fault == "hang" {
				o.Timeout = time.Second
			}
			r, text := report(t, broken(t, x.fault), o)
			all := r.Failures()
			if len(all) == 0 {
				t.Fatalf("it passes:\n%s", text)
			}
			for _, v := range all[1:] {
				t.Errorf("%s of %q fails too: %s", v.Name, v.Component, v.Found)
			}
			if v := all[0]; v.Name != x.name || v.Component != x.component || !strings.Contains(v.Found, x.says) || v.Mend == "" {
				t.Errorf("the first verdict is %q of %q: %s; want %q, with %q\n%s", v.Name, v.Component, v.Found, x.name, x.says, text)
			}
		})
	}
}

// An answer of 1 GB is refused at its head: the host takes no memory for it.
func TestHuge(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, text := report(t, broken(t, "huge"), plugintest.Options{})
	runtime.ReadMemStats(&after)
	all := r.Failures()
	if len(all) != 1 || all[0].Name != plugintest.Memory || !strings.Contains(all[0].Found, "a message is over 64 MB") || !strings.Contains(all[0].Found, "(1073741830 vs. 67108864)") {
		t.Error(text)
	}
	const most = 16 << 20
	if took := after.TotalAlloc - before.TotalAlloc; took > most {
		t.Errorf("the host has taken %d MB for it", took>>20)
	}
}
