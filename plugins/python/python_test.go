//go:build python

// Package python_test holds the Python package against the Go side. Its tests install it into an environment of their own, so they
// need python3 with venv and a package index; `go test -tags python ./plugins/python` runs them.
package python_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/build"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/host"
)

// bin is the folder of the environment's programs, first in PATH.
var bin string

func TestMain(m *testing.M) {
	serveOpaque()
	builtin.Main() // the process of the built-in plugin is this binary
	dir, err := os.MkdirTemp("", "snnc-python-*")
	if err == nil {
		err = install(dir)
	}
	code := 1
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// install makes an environment with the package in it, as its users do.
func install(dir string) error {
	bin = filepath.Join(dir, "bin")
	for _, argv := range [][]string{
		{"python3", "-m", "venv", dir},
		{filepath.Join(bin, "pip"), "install", "--quiet", "--disable-pip-version-check", "."},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, out)
		}
	}
	return os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// start returns a host that knows the plugins of tests/plugins.
func start(t *testing.T) *host.Host {
	t.Helper()
	argv, err := builtin.Argv()
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{Builtin: argv, Dev: map[string]string{"acme/twin": "tests/plugins/twin", "acme/flow": "tests/plugins/flow", "acme/odd": "tests/plugins/odd", "acme/opaque": "tests/plugins/opaque", "acme/chips": "tests/plugins/chips"}})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// load takes a spec to an experiment; it is nil where said holds an error.
func load(h *host.Host, spec string) (x *experiment.Experiment, said string) {
	x, found, sources := experiment.Load(context.Background(), h, "test.snn", []byte(spec), experiment.Options{})
	var w bytes.Buffer
	found.Text(&w, sources, false)
	return x, w.String()
}

// The package's own tests.
func TestUnittest(t *testing.T) {
	c := exec.Command("python", "-m", "unittest", "discover", "-s", "tests")
	out, err := c.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("\nOK")) {
		t.Errorf("%v\n%s", err, out)
	}
}

const networks = `
data d = optdigits(range = 0..1)
network draw(z: real[3]) -> real[1, 8, 8] { return z -> linear(64) -> reshape(1, 8, 8) }
network judge(image: real[1, 8, 8]) -> real[1] { return image -> flatten -> linear(1) }
network told(z: real[3], y: real[10]) -> real[1, 8, 8] { return concat(z, y) -> linear(64) -> reshape(1, 8, 8) }
network asked(image: real[1, 8, 8], y: step) -> real[1] { return concat(image -> flatten, y -> embedding(4, count = 10)) -> linear(1) }
network move(image: real[1, 8, 8], t: real[1]) -> real[1, 8, 8] { return concat(image -> flatten, t) -> linear(64) -> reshape(1, 8, 8) }
network short(image: real[1, 8, 8], t: real[1], y: step) -> real[1, 8, 8] {
    return concat(image -> flatten, t, y -> embedding(4, count = 10)) -> linear(64) -> reshape(1, 8, 8)
}
network all(image: real[1, 8, 8], t: real[1], y: real[10]) -> real[1, 8, 8] { return concat(image -> flatten, t, y) -> linear(64) -> reshape(1, 8, 8) }
network walk(image: real[1, 8, 8], s: step, y: step) -> real[1, 8, 8] {
    return concat(image -> flatten, s -> sinusoid(4, count = 20), y -> embedding(4, count = 11)) -> linear(64) -> reshape(1, 8, 8)
}
neuron fire = lif(tau = 2 steps)
network scored(image: real[1, 8, 8]) -> real[1] {
    return image -> encode(direct(steps = 3)) -> conv(2, kernel = 3, pad = 1) -> fire -> decode(scoring(width = 4)) -> flatten -> linear(1)
}
network reduced(image: real[1, 8, 8]) -> real[1] {
    return image -> encode(direct(steps = 2)) -> decode(scoring(width = 4, reduce = 5)) -> flatten -> linear(1)
}
`

// A model that is written in both languages is one Program, byte for byte, and so are its samplers and the networks with the coder
// that is; a refusal is one message.
func TestTwins(t *testing.T) {
	h := start(t)
	for _, x := range []struct{ name, model, draw string }{
		{"least squares", "gan(generator = draw, discriminator = judge)", ""},
		{"non saturating", "gan(generator = draw, discriminator = judge, loss = non_saturating, noise = uniform)", ""},
		{"hinge", "gan(generator = draw, discriminator = judge, loss = hinge, noise = uniform(-1..1), critic_steps = 2)", ""},
		{"penalty", "gan(generator = told, discriminator = asked, loss = wasserstein(penalty = 10), label = label)", "once(label = 3)"},
		{"critic", "gan(generator = draw, discriminator = judge, loss = wasserstein)", ""},
		{"a coder", "gan(generator = draw, discriminator = scored)", ""},
		{"a coder with a reduction", "gan(generator = draw, discriminator = reduced)", ""},
		{"a parameter too many", "gan(generator = draw, discriminator = asked)", ""},
		{"no such field", "gan(generator = told, discriminator = asked, label = image)", ""},
		{"no such class", "gan(generator = told, discriminator = asked, label = label)", "once(label = 10)"},
		{"flow", "flow(velocity = move)", "heun(steps = 3)"},
		{"cosine", "flow(velocity = move, path = cosine, time = logit_normal(mean = 0.5), clip = range(bounds = -1..2), loss = mse + mae / 2)", "midpoint(steps = 7)"},
		{"steps", "flow(velocity = walk, times = 20, path = straight(rest = 0.1), label = label, drop = 0.1, clip = none)", "euler(steps = 5, guidance = 2)"},
		{"a class", "flow(velocity = walk, times = 20, label = label, drop = 0.1)", "heun(steps = 6, label = 7, guidance = 0.5)"},
		{"a class too many", "flow(velocity = walk, times = 20, label = label, drop = 0.1)", "heun(steps = 6, label = 12)"},
		{"bounds that cut", "flow(velocity = move, clip = range(bounds = 0.2..2))", ""},
		{"a drop of all", "flow(velocity = walk, times = 20, label = label, drop = 1)", ""},
		{"some classes of all", "flow(velocity = all, label = label, drop = 0.1)", "heun(steps = 6, label = 2, guidance = 0.5)"},
		{"a short table", "flow(velocity = short, times = 20, label = label, drop = 0.1)", ""},
		{"a drop without a label", "flow(velocity = move, drop = 0.5)", ""},
		{"guidance without a drop", "flow(velocity = move)", "euler(guidance = 3)"},
	} {
		t.Run(x.name, func(t *testing.T) {
			text := "snn 1\n" + networks + "model m = " + x.model + "\ntrain m { data = d, batch = 10, iterations = 1, optimizer = sgd(rate = 1) }\n"
			if x.name == "some classes of all" {
				text = strings.Replace(text, "optdigits(", "optdigits(classes = [1, 4, 7], ", 1)
			}
			if x.draw != "" {
				text += "sample m { sampler = " + x.draw + ", count = 4, sheet = 2x2 }\n"
			}
			ours, ourWords := load(h, text)
			theirs, theirWords := load(h, twin.Replace(text))
			if ours == nil || theirs == nil {
				if d := cmp.Diff(words(ourWords), words(theirWords)); d != "" || ourWords == "" {
					t.Errorf("(-Go +Python)\n%s\n%s", d, theirWords)
				}
				return
			}
			m, n := ours.Models[0], theirs.Models[0]
			alike(t, "the program", m.Program.Print(), n.Program.Print())
			for role := range m.Modules {
				alike(t, role, m.Modules[role].Print(), n.Modules[role].Print())
			}
			for _, a := range theirs.Spec.Actions {
				if a.Kind == "sample" {
					alike(t, "the sampler", sampler(t, h, m, a.Settings["sampler"]), sampler(t, h, n, a.Settings["sampler"]))
				}
			}
		})
	}
}

// twin puts the components in Python in the place of the built-in ones.
var twin = strings.NewReplacer("snn 1\n", "snn 1\nuse \"acme/twin\" as twin\nuse \"acme/flow\" as flowing\n",
	"m = gan(", "m = twin(", "m = flow(", "m = flowing(", "decode(scoring(", "decode(twin(")

// words are the lines of findings that say what is wrong and what helps.
func words(said string) (lines []string) {
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "error[") || strings.Contains(line, " = help: ") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

func alike(t *testing.T, what, ours, theirs string) {
	t.Helper()
	if d := cmp.Diff(ours, theirs); d != "" {
		t.Errorf("%s (-Go +Python)\n%s", what, d)
	}
}

// sampler asks a model's plugin for a sampler.
func sampler(t *testing.T, h *host.Host, m *build.Model, v schema.Value) string {
	t.Helper()
	reply, err := h.Sampler(context.Background(), m.Plugin, schema.SamplerRequest{Build: m.Request(), Sampler: v.Text, Options: v.Args})
	if err != nil || reply.Program == "" {
		t.Fatalf("%+v %v", reply, err)
	}
	return reply.Program
}

// neuron is what tests/plugins/twin serves, written into a spec.
const neuron = `
neuron leap(tau: time = 4 steps, jump: real = 1 in 0..2) {
    input x
    state v = 0, a = 0
    v' = (x - v) / tau
    a' = -a / tau
    spike when v >= 1 + a
    on spike { v = 0, a += jump }
}
`

// A neuron in Python, from a spec to figures, by the command as its users run it: the weights that are trained with it are those
// that are trained with the same equations in the spec itself. The toy chip says how what it can take of the network lies on it: the
// sums behind the neurons, whose threshold rises as that of no chip.
func TestNeuron(t *testing.T) {
	dir := t.TempDir()
	snnc := filepath.Join(dir, "snnc")
	if out, err := exec.Command("go", "build", "-o", snnc, "../../cmd/snnc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	plugin, err := filepath.Abs("tests/plugins/twin")
	if err != nil {
		t.Fatal(err)
	}
	const spec = `
data digits = optdigits(range = 0..1)
neuron fire = leap(jump = 0.5)
network classify(image: real[1, 8, 8]) -> real[10] {
    return image -> encode(direct(steps = 4)) -> flatten -> linear(32) -> fire -> linear(10) -> decode(mean)
}
model read = supervised(network = classify)
train read { data = digits, batch = 50, epochs = 2, optimizer = adam(rate = 5e-3), seed = 7 }
evaluate read { metrics = [accuracy] }
`
	run := func(name, text string, flags ...string) string {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name+".snn"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(snnc, append([]string{"run", name + ".snn", "--out", name}, flags...)...)
		c.Dir = dir
		c.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	figure := func(out string) string { // from the figures on, without the folder and times
		_, rest, _ := strings.Cut(out, "evaluate read: ")
		line, _, _ := strings.Cut(rest, "\n")
		return line
	}
	own := run("own", "snn 1\n"+neuron+spec)
	theirs := run("theirs", "snn 1\nuse \"acme/twin\" as leap, version \"~> 1.0\"\n"+spec+"deploy read { targets = [leap, leap(neurons = 8)] }\n", "--plugin-dev", "acme/twin="+plugin)
	if figure(own) == "" || figure(own) != figure(theirs) {
		t.Errorf("%s\n%s", own, theirs)
	}
	files, err := filepath.Glob(filepath.Join(dir, "own", "checkpoints", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		a, err := os.ReadFile(f)
		b, bad := os.ReadFile(strings.Replace(f, "/own/", "/theirs/", 1))
		if err != nil || bad != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %d and %d bytes %v %v", filepath.Base(f), len(a), len(b), err, bad)
		}
	}
	if !strings.Contains(theirs, "10 neurons on a core of 8") {
		t.Errorf("the chip does not say that the layer is too large:\n%s", theirs)
	}
}
