package plugintest_test

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/plugintest"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/confine"
)

// programs is the folder with the plugins of testdata.
var programs string

func TestMain(m *testing.M) {
	confine.Main()
	if len(os.Args) == 2 && os.Args[1] == builtin.Command {
		sdk.Serve(builtin.Plugin())
		return
	}
	var err error
	if programs, err = os.MkdirTemp("", "plugintest-*"); err != nil {
		panic(err)
	}
	if out, err := exec.Command("go", "build", "-o", programs, "./testdata/broken", "./testdata/all").CombinedOutput(); err != nil {
		panic(fmt.Sprintf("build the plugins: %v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(programs)
	os.Exit(code)
}

// folder returns the folder of a plugin with the program of testdata.
func folder(t *testing.T, name, program string, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(programs, program), filepath.Join(dir, program)); err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("%q", "./"+program)
	for _, a := range args {
		command += fmt.Sprintf(", %q", a)
	}
	text := fmt.Sprintf("name = %q\nversion = \"1.0.0\"\ncommand = [%s]\n", name, command)
	if err := os.WriteFile(filepath.Join(dir, "snn-plugin.toml"), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// broken returns the folder of the plugin with a fault.
func broken(t *testing.T, fault string) string {
	t.Helper()
	return folder(t, "acme/broken", "broken", fault)
}

// report tests a plugin, and returns with the report what people read of it.
func report(t *testing.T, dir string, o plugintest.Options) (*plugintest.Report, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Timeout, o.Confine, o.Builtin = cmp.Or(o.Timeout, 20*time.Second), self, []string{self, builtin.Command}
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
	for _, want := range []string{"acme/broken 1.0.0\n", "neuron leap(tau = 5 steps)\n", "gradient     ok     as differences of the smoothed model say, with a correlation of 0.", ", through time of 0.",
		"gradient     ok     as differences say, in 64 directions, through time of 1.00",
		"neuron count\n  schema       ok\n", "speed        ok     16 time steps of 64 examples of 4096 neurons, 16 MB, in "} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
}

// So does one that takes other layers than most, one that is slow at large ones, one whose threshold hardly anything reaches, and one whose
// spikes have two signs.
func TestPeculiar(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"flat": "gradient     ok     as differences of the smoothed model say", "wide": "gradient     ok     as differences of the smoothed model say",
		"local":   "through time not, as it is `local`\n",
		"ternary": "gradient     ok     as differences of the smoothed model say",
		"slow":    "speed        -      not measured: 4096 neurons take longer than 1s", "deaf": "gradient     -      not by differences: of 2048 changes of the input few change what comes out",
	} {
		r, text := report(t, broken(t, fault), plugintest.Options{Timeout: time.Second})
		if len(r.Failures()) > 0 || !strings.Contains(text, want) {
			t.Errorf("%s: the report does not say %q:\n%s", fault, want, text)
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

// What is built in passes, as a plugin: its neurons, coders, models and targets are many right ones.
func TestBuiltins(t *testing.T) {
	t.Parallel()
	r, text := report(t, folder(t, "acme/all", "all"), plugintest.Options{Uses: []string{"vqvae(codes = 32)"}})
	if len(r.Failures()) > 0 {
		t.Error(text)
	}
	for _, want := range []string{
		"coder scoring\n  schema       ok\n  program      ok     of 4 inputs\n",
		"model diffusion\n  schema       ok\n  program      ok     for the networks of the test, and 3 samplers with options\n",
		"model flow sampler heun\n  samples      ok     f32[N 1 8 8], drawn together and alone\n",
		"model gan deceive\n  program      ok     a step computes the loss 0.",
		"\n  fit          ok     a layer of 1024 neurons fits; a layer of 8192 neurons does not: a core needs",
		"\n  time         ok     89 spikes of `relay`, `chain`, `delay`, `bias`, `drive`, `late`, `membrane`, `inhibition`, `reset to 0`, `refractory`, `once`, `start`, `current`, `read-out`\n",          // of Loihi
		"\n  time         ok     84 spikes of `relay`, `chain`, `delay`, `bias`, `late`, `membrane`, `inhibition`, `reset to 0`, `reset by the threshold`, `reset below 0`, `no reset`, `once`, `start`\n", // of TrueNorth
		"\n  time         -      not: the description has `seeded`, and chips that are not alike do not spike alike\n",
		"model absorbing\n  schema       ok\n  program      -      not: there is no right example.snn that uses it, and standard networks do not fill its roles: role tokens takes a model\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %q:\n%s", want, text)
		}
	}
	for _, v := range r.Verdicts {
		if v.Outcome == plugintest.Untested && v.Name != plugintest.Gradient && v.Name != plugintest.Time && v.Component != "model absorbing" && !strings.Contains(v.Found, "has no `emulates`") {
			t.Errorf("%+v", v)
		}
	}
}

// Each fault fails under its name, what is said of it is what has to be mended, and nothing else fails because of it.
func TestFaults(t *testing.T) {
	for _, x := range []planted{
		{"early", plugintest.Handshake, "", `prints before its handshake: "loading weights ..."`},
		{"mute", plugintest.Handshake, "", "the process ended before it was ready (exit status 3)"},
		{"idle", plugintest.Handshake, "", "the process ended before it was ready (exit status 0)"},
		{"neuron named", plugintest.Schema, "neuron ramp", "the equations of neuron `ramp` define neuron `rampp`"},
		{"schema", plugintest.Schema, "", `parameter "tau": there is no type "duration"`},
		{"default", plugintest.Schema, "neuron leap", "metres"},
		{"dated", plugintest.Determinism, "", "describe the plugin differently"},
		{"random", plugintest.Determinism, "neuron leap", "two processes that are asked the same differ in"},
		{"leak", plugintest.Leak, "neuron leap", "computed once more"},
		{"last", plugintest.Leak, "neuron leap", "the gradient of a sequence is another one behind the Forward of another sequence"},
		{"prepared", plugintest.Leak, "neuron leap", "where the component is prepared at dims [4 2 3] as well, a sequence at dims [3 2 4] differs"},
		{"buffer", plugintest.Examples, "neuron leap", "where parts of a batch are asked for at the same time"},
		{"carried", plugintest.Examples, "neuron leap", "example 4 of a sequence that goes on from states is another one alone"},
		{"late", plugintest.Gradient, "neuron leap", "it is 0 everywhere by input x at the time steps 0 to 2, whose changes change what comes out"},
		{"maps", plugintest.Memory, "neuron leap", "in 60 equal calls the process grows"},
		{"large", plugintest.Gradient, "neuron leap", "the gradient by input x is NaN"},
		{"batch", plugintest.Examples, "neuron leap", "alone than in a batch of 5, in "},
		{"start", plugintest.Steps, "neuron leap", "time step 1 by itself"},
		{"half", plugintest.Spikes, "neuron leap", "the output is 0.5"},
		{"writes", plugintest.Operands, "neuron leap", "changes input x"},
		{"unwritten", plugintest.Operands, "neuron leap", "leaves numbers of the output unwritten"},
		{"sign", plugintest.Gradient, "neuron leap", "does not point"},
		{"instant", plugintest.Gradient, "neuron leap", "no gradient goes through time: by input x in the time steps 0 to 7"},
		{"reversed", plugintest.Gradient, "neuron leap", "through time it points away: by input x"},
		{"straight", plugintest.Gradient, "neuron count", "does not point"},
		{"clipped", plugintest.Gradient, "neuron leap", "twice the gradient"},
		{"forwards", plugintest.Gradient, "neuron leap", "reaches input x at time step"},
		{"gradient", plugintest.Gradient, "neuron filter", "in a direction in which the output changes by"},
		{"hang", plugintest.Deadline, "neuron leap", "Forward: no answer within 1s for 7 time steps of 5 examples of 24 neurons"},
		{"crash", plugintest.Crash, "neuron leap", "Forward: the process ended (exit status 2)"},
		{"error", plugintest.Answer, "neuron leap", "Forward: one example is no batch"},
		{"grows", plugintest.Memory, "neuron leap", "in 60 equal calls the process grows"},
		{"neuron infinite", plugintest.Spikes, "neuron ramp", "the output y0 is +Inf"},
		{"coder random", plugintest.Determinism, "coder rate", "two processes that are asked the same differ in Coder: line 3 is `variable"},
		{"coder timed", plugintest.Program, "coder rate", "a decoder gives one real for an example"},
		{"model nonsense", plugintest.Schema, "model copy", "Build: the reply makes no sense"},
		{"model error", plugintest.Answer, "model copy", "Build: no"},
		{"model leak", plugintest.Leak, "model copy", "a request that is made once more, behind others, has another answer: Build: line "},
		{"model infinite", plugintest.Program, "model copy step", "the output total is -Inf"},
		{"model endless", plugintest.Samples, "model copy sampler draw", "a sample has the number"},
		{"model crowd", plugintest.Samples, "model copy sampler draw", "a sample is another one when it is drawn alone"},
		{"model hang", plugintest.Deadline, "model copy", "Build: no answer within 1s"},
		{"model crash", plugintest.Crash, "model copy", "Build: the process ended (exit status 2)"},
		{"target silent", plugintest.Fit, "target chip", "a layer of 1024 neurons does not fit, and no layer has a problem"},
		{"target helpless", plugintest.Fit, "target chip", "has no change"},
		{"target apart", plugintest.Agreement, "target chip emulated", "Check and Compile say different things of a circuit: line 1 is"},
		{"target compiled", plugintest.Determinism, "target chip emulated", "two processes compile the same otherwise"},
		{"target random", plugintest.Determinism, "target chip emulated", "two processes that emulate the same differ in"},
		{"target leak", plugintest.Leak, "target chip emulated", "a block that is emulated once more, behind others and with another chip beside, differs in the output of population 0.conv"},
		{"target batch", plugintest.Examples, "target chip emulated", "example 0 is another one alone than in a batch of 5, in the output of population 0.conv"},
		{"target shared", plugintest.Examples, "target chip emulated", "where parts of a batch are asked for at the same time"},
		{"target half", plugintest.Spikes, "target chip emulated", "the output of population 0.conv is 0.5"},
		{"target unwritten", plugintest.Operands, "target chip emulated", "Emulate leaves numbers of the tap of population 1.linear unwritten, the first one of example 0 at time step 3"},
		{"target writes", plugintest.Operands, "target chip emulated", "Emulate changes the input"},
		{"target late", plugintest.Counts, "target chip emulated", "population 1.linear counts"},
		{"target uncounted", plugintest.Counts, "target chip emulated", "the reply does not count the spikes of population 2.linear"},
		{"target taps", plugintest.Counts, "target chip emulated", "without taps a call differs in the reply"},
		{"target summed", plugintest.Counts, "target chip emulated", "the counts of the examples one by one are not together those of the batch: 0.conv: synops"},
		{"target tardy", plugintest.Time, "target chip emulated", "relay: neuron 0 of population 0.fire spikes at the time steps `..|..||`, and by the equations at `.|..||.`, a step late"},
		{"target hasty", plugintest.Time, "target chip emulated", "bias: neuron 0 of population 1.fire spikes at the time steps `.|..|..`, and by the equations at `..|..|.`, a step early"},
		{"target undelayed", plugintest.Time, "target chip emulated", "delay: neuron 0 of population 2.fire spikes at the time steps `.|..|..`, and by the equations at `|..|..|`"},
		{"target punctual", plugintest.Time, "target chip emulated", "late: neuron 0 of population 1.fire spikes at the time steps `..|..|.`, and by the equations at `...|..|`, a step early"},
		{"target export", plugintest.Export, "target chip emulated", "two exports differ"},
		{"target order", plugintest.Export, "target chip emulated", "two exports differ"},
		{"target empty", plugintest.Export, "target chip emulated", "an export of an example is that without one"},
		{"target trace", plugintest.Export, "target chip emulated", "Trace does not run what Export gives: there are no cores"},
		{"target hang", plugintest.Deadline, "target chip emulated", "Emulate: no answer within 1s"},
		{"target crash", plugintest.Crash, "target chip emulated", "Emulate: the process ended (exit status 2)"},
		{"target error", plugintest.Answer, "target chip emulated", "Emulate: emulate classify: no cores are left"},
	} {
		t.Run(x.fault, func(t *testing.T) {
			t.Parallel()
			x.judge(t, broken(t, x.fault))
		})
	}
}

// planted is a fault of a plugin, and what has to be said of it.
type planted struct {
	fault     string
	name      plugintest.Name
	component string
	says      string // in what is found
}

// judge tests the plugin in a folder.
func (x planted) judge(t *testing.T, dir string) {
	t.Helper()
	var o plugintest.Options
	if strings.HasSuffix(x.fault, "hang") {
		o.Timeout = time.Second
	}
	r, text := report(t, dir, o)
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
}

// A target that is right passes; so do one that runs circuits by its own steps, one that has not the layers of most networks, and one that
// only tells whether circuits fit.
func TestTargets(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"target right": "target chip emulated\n  determinism  ok\n  agreement    ok     10 steps of the chip for 7 time steps\n",
		"target stepped": "  time         -      not `once`: it fires once, which the chip cannot do\n" +
			"  time         -      not `current`, `read-out`: it has neurons without current alone\n" +
			"  time         ok     98 spikes of `relay`, `chain`, `delay`, `bias`, `drive`, `late`, `membrane`, `inhibition`, `reset to 0`, `reset by the threshold`, `reset below 0`, `no reset`, `refractory`, `start`\n",
		"target dense": "of the last it says: it has no synapses of kernels\n" +
			"target chip emulated\n" +
			"  time         -      not `once`: it fires once, which the chip cannot do\n" +
			"  time         ok     100 spikes of ",
		"target checked": "target chip emulated\n  answer       -      not: the description has no `emulates`\n",
	} {
		r, text := report(t, broken(t, fault), plugintest.Options{})
		if len(r.Failures()) > 0 || !strings.Contains(text, want) {
			t.Errorf("%s: the report does not say %q:\n%s", fault, want, text)
		}
	}
}

// What mends a start says what the start shows: a call that is missing, a line that the process says.
func TestStarts(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{"idle": "sdk.Serve(plugin)", "mute": "mend what keeps its program from starting\n"} {
		if _, text := report(t, broken(t, fault), plugintest.Options{}); !strings.Contains(text, want) {
			t.Errorf("%s: the report does not say %q:\n%s", fault, want, text)
		}
	}
}

// A protocol that this program does not speak is the manifest's fault.
func TestRequires(t *testing.T) {
	t.Parallel()
	dir := broken(t, "none")
	manifest := filepath.Join(dir, "snn-plugin.toml")
	text, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(manifest, append(text, "requires = 2\n"...), 0o666); err != nil {
		t.Fatal(err)
	}
	r, said := report(t, dir, plugintest.Options{})
	if all := r.Failures(); len(all) != 1 || all[0].Name != plugintest.Manifest || !strings.Contains(all[0].Mend, "write requires = 1") {
		t.Error(said)
	}
}

// A default in ms needs no time step from the author: the test gives one.
func TestMilliseconds(t *testing.T) {
	t.Parallel()
	r, text := report(t, broken(t, "neuron milliseconds"), plugintest.Options{})
	if len(r.Failures()) > 0 || !strings.Contains(text, "gradient     ok") {
		t.Error(text)
	}
}

// A program that bash starts, as a chooser of versions does, passes: bash opens its terminal, which is no file that changes.
func TestShell(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile(filepath.Join(programs, "broken"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"broken": string(program), "start": "#!/usr/bin/env bash\nexec ./broken none\n", "snn-plugin.toml": "name = \"acme/broken\"\nversion = \"1.0.0\"\ncommand = [\"./start\"]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r, err := plugintest.Check(context.Background(), dir, plugintest.Options{Confine: self})
	if err != nil || len(r.Failures()) > 0 {
		t.Errorf("%+v %v", r.Failures(), err)
	}
}

// What is not looked at behind a fault has a verdict that says so, and each test is told of before it is made.
func TestBehind(t *testing.T) {
	t.Parallel()
	var begun []string
	r, text := report(t, broken(t, "leak"), plugintest.Options{Begin: func(component string, name plugintest.Name) {
		begun = append(begun, strings.TrimSpace(component+" "+string(name)))
	}})
	for _, name := range []plugintest.Name{plugintest.Examples, plugintest.Steps, plugintest.Gradient, plugintest.Speed} {
		if want := (plugintest.Verdict{Component: "neuron leap", Name: name, Outcome: plugintest.Untested, Found: "not looked at: `leak` failed"}); !slices.ContainsFunc(r.Verdicts, func(v plugintest.Verdict) bool {
			return reflect.DeepEqual(v, want)
		}) {
			t.Errorf("there is no verdict %+v:\n%s", want, text)
		}
	}
	if want := []string{"handshake", "neuron leap determinism", "neuron leap leak"}; !slices.Equal(begun, want) {
		t.Errorf("told of %q, want %q", begun, want)
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

// The example is judged as a run judges it, and shows what a model is built for.
func TestExample(t *testing.T) {
	const right = `snn 1
use "acme/broken" as copy, version "~> 1.0"
data digits = optdigits(range = 0..1)
network same(image: real[1, 8, 8]) -> real[1, 8, 8] { return image -> flatten -> linear(64) -> reshape(1, 8, 8) }
model it = copy(network = same)
train it { data = digits, batch = 2, iterations = 1, optimizer = sgd(rate = 0.1) }
`
	for _, x := range []struct{ what, from, to, want string }{
		{"right", "", "", "\n  program      ok     for the networks of example.snn\n"},
		{"another version", "~> 1.0", "~> 2.0", "\n  example      FAILED example.snn does not hold:\n"},
		{"another plugin", "data digits", "use \"acme/other\" as other\ndata digits", "\n  example      -      not: it uses plugins that are not there\n"},
	} {
		dir := broken(t, "model right")
		if err := os.WriteFile(filepath.Join(dir, "example.snn"), []byte(strings.Replace(right, x.from, x.to, 1)), 0o666); err != nil {
			t.Fatal(err)
		}
		if r, text := report(t, dir, plugintest.Options{}); !strings.Contains(text, x.want) || len(r.Failures()) > 0 != strings.Contains(x.want, "FAILED") {
			t.Errorf("%s: the report does not say %q:\n%s", x.what, x.want, text)
		}
	}
}
