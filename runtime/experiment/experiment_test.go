package experiment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/record"
)

// plugins is the host of the tests that do nothing to its process.
var plugins *host.Host

func TestMain(m *testing.M) {
	builtin.Main() // the plugin process of the tests is this binary
	servePainter()
	serveOpaque()
	serveInFolder()
	serveTraced()
	argv, err := builtin.Argv()
	if err != nil {
		panic(err)
	}
	plugins = host.New(host.Options{Builtin: argv})
	code := m.Run()
	if err := plugins.Close(); err != nil && code == 0 {
		panic(err)
	}
	os.Exit(code)
}

// spec returns the text of testdata/NAME.snn with some of it replaced: pairs of old and new.
func spec(t testing.TB, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".snn")
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	for i := 0; i < len(replace); i += 2 {
		if strings.Count(s, replace[i]) == 0 {
			t.Fatalf("%s has no %q", name, replace[i])
		}
		s = strings.ReplaceAll(s, replace[i], replace[i+1])
	}
	return s
}

// load takes a spec to an experiment, which it must become.
func load(t testing.TB, h *host.Host, text string, sets ...string) *Experiment {
	t.Helper()
	x, found, sources := Load(context.Background(), h, "a.snn", []byte(text), Options{Sets: sets})
	if x == nil {
		var w bytes.Buffer
		found.Text(&w, sources, false)
		t.Fatalf("%s", w.String())
	}
	return x
}

// watcher remembers what it is told.
type watcher struct {
	warned diag.List
	mu     sync.Mutex
	said   []string
	steps  int
	step   func(Progress)
}

func (w *watcher) Event(record.Event) {}

func (w *watcher) Step(p Progress) {
	w.steps++
	if w.step != nil {
		w.step(p)
	}
}

func (w *watcher) Say(action, words string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, action+": "+words)
}

func (w *watcher) Warn(found diag.List, _ diag.Sources) { w.warned = append(w.warned, found...) }

// says reports whether something was said.
func (w *watcher) says(part string) bool { return strings.Contains(strings.Join(w.said, "\n"), part) }

// only makes selections of words such as train:m.
func only(t testing.TB, words ...string) []Selection {
	t.Helper()
	var out []Selection
	for _, word := range words {
		s, err := ParseSelection(word)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// run runs an experiment in a folder and returns what was said.
func run(t testing.TB, x *Experiment, dir string, change ...func(*RunOptions)) (*watcher, error) {
	t.Helper()
	w := &watcher{}
	o := RunOptions{Folder: dir, Threads: 2, Watch: w, Version: "test"}
	for _, f := range change {
		f(&o)
	}
	if o.Watch != w {
		w = o.Watch.(*watcher)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return w, x.Run(ctx, o)
}

func mustRun(t testing.TB, x *Experiment, dir string, change ...func(*RunOptions)) *watcher {
	t.Helper()
	w, err := run(t, x, dir, change...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// metricsOf reads the figures of a run folder.
func metricsOf(t testing.TB, dir string) record.Metrics {
	t.Helper()
	folder, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	metrics, err := folder.Metrics()
	if err != nil {
		t.Fatal(err)
	}
	return metrics
}

func sum(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}

// state is what a run folder holds that depends neither on the clock nor on where it was interrupted: sums of files by name, of
// checkpoints the newest ones, and events without their times.
func state(t testing.TB, dir string) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, pattern := range []string{"checkpoints/*", "samples/*", "metrics.json", "actions.json", "programs/*", "spec/*", "deploy/*"} {
		names, err := fs.Glob(os.DirFS(dir), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			file := filepath.Join(dir, name)
			if model, _, ok := strings.Cut(name, "-0"); ok && filepath.Dir(name) == record.CheckpointFolder {
				name = model // the later ones come later
			}
			if out[name] = sum(t, file); filepath.Dir(name) == record.DeployFolder && filepath.Ext(name) == ".json" {
				text, err := json.MarshalIndent(timeless(t, file), "", " ")
				if err != nil {
					t.Fatal(err)
				}
				out[name] = string(text)
			}
		}
	}
	folder, err := record.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	events, err := folder.Events()
	if err != nil {
		t.Fatal(err)
	}
	for i := range events {
		events[i].Seconds, events[i].ExamplesPerSecond = 0, 0
	}
	out[record.EventFile] = events
	if _, err := os.Stat(filepath.Join(dir, record.ReportFile)); err != nil {
		t.Errorf("no report: %v", err)
	}
	return out
}

// timeless reads a deployment without what depends on the clock.
func timeless(t testing.TB, file string) (d record.Deployment) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.CPU = nil
	d.Baselines = slices.DeleteFunc(d.Baselines, func(b record.Baseline) bool { return b.Label == "assumed" })
	return d
}

// same checks that two run folders hold the same.
func same(t testing.TB, want, got string) {
	t.Helper()
	if d := cmp.Diff(state(t, want), state(t, got)); d != "" {
		t.Errorf("%s is not %s (-want +got)\n%s", got, want, d)
	}
}

// newest returns the file of the newest checkpoint of a model.
func newest(t testing.TB, dir, model string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, record.CheckpointFolder, model+"-*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no checkpoint of %s in %s: %v", model, dir, err)
	}
	return files[len(files)-1]
}

// samplesOf reads the numbers of a sheet.
func samplesOf(t testing.TB, dir, name string) []float32 {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(dir, record.SampleFolder, name+".npy"))
	if err != nil {
		t.Fatal(err)
	}
	body := file[10+int(binary.LittleEndian.Uint16(file[8:])):] // behind the header
	out := make([]float32, len(body)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(body[4*i:]))
	}
	return out
}
