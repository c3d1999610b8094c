package experiment

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/builtin"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/host"
)

// withOpaque is the argument that makes the test binary serve the built-ins and the opaque components of opaquetest.
const withOpaque = "serve-opaque"

func serveOpaque() {
	if len(os.Args) == 2 && os.Args[1] == withOpaque {
		p := builtin.Plugin()
		p.Opaque = opaquetest.Plugin().Opaque
		sdk.Serve(p)
		os.Exit(0)
	}
}

// opaques is a host with the components of opaquetest.
func opaques(t testing.TB) *host.Host {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := host.New(host.Options{Builtin: []string{self, withOpaque}, Timeout: 30 * time.Second})
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestOpaqueKilled: a spec whose neurons and coders are computed by their plugin is trained, drawn from, with states carried from turn
// to turn, and evaluated; and a plugin process that is killed at any moment of its training changes no byte of the run folder. A run that
// is stopped goes on to the same bytes.
func TestOpaqueKilled(t *testing.T) {
	text := spec(t, "opaque")
	right := filepath.Join(t.TempDir(), "right")
	h := opaques(t)
	mustRun(t, load(t, h, text), right)
	others := children(t, withOpaque)
	var killed atomic.Int64
	for i := range 3 {
		h := opaques(t)
		x := load(t, h, text)
		random := rand.New(rand.NewPCG(uint64(i), 7))
		var deaths sync.WaitGroup
		kill := func() { // in the course of the step that comes
			deaths.Add(1)
			time.AfterFunc(time.Duration(random.Int64N(int64(6*time.Millisecond))), func() {
				defer deaths.Done()
				for _, pid := range children(t, withOpaque) {
					if !slices.Contains(others, pid) {
						syscall.Kill(pid, syscall.SIGKILL)
						killed.Add(1)
					}
				}
			})
		}
		dir := filepath.Join(t.TempDir(), "run")
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		w := &watcher{step: func(p Progress) {
			if p.Step%3 == 1 {
				kill()
			}
			if p.Step == 5 && i == 1 { // in two parts
				cancel()
			}
		}}
		o := RunOptions{Folder: dir, Threads: 1, Watch: w, Version: "test"}
		err := x.Run(ctx, o)
		if i == 1 {
			if err == nil {
				t.Error("the run was not stopped")
			}
			err = load(t, h, text).Run(context.Background(), o)
		}
		deaths.Wait()
		if err != nil {
			t.Fatal(err)
		}
		same(t, right, dir)
	}
	t.Logf("%d processes killed", killed.Load())
	if killed.Load() == 0 {
		t.Error("nothing was killed")
	}
}

// TestOpaqueFindings: what the plugin says of an argument is shown there; a neuron without derivative cannot be trained through, and is
// welcome where nothing is; surrogates are for equations.
func TestOpaqueFindings(t *testing.T) {
	h := opaques(t)
	for _, c := range []struct {
		old, new string
		code     diag.Code
		says     string
	}{
		{"threshold = 0.25", "threshold = 0", diag.PluginComplains, "a membrane at rest would fire"},
		{"threshold = 0.25", "threshold = -1", diag.OutOfRange, "`threshold`"},
		{"threshold = 0.25", "surrogate = atan", diag.BadArguments, "neuron `leaky` has no argument `surrogate`"},
		{"blur(gain = x -> fire)", "blur", diag.BadArguments, "neuron `blur` needs its input `gain`"},
		{"linear(24) -> batchnorm -> fire", "linear(24) -> batchnorm -> dry -> fire", diag.BadModel, "`dry` has no derivative, and model `a` trains what lies before layer `encoder.0.dry`"},
	} {
		_, found, _ := Load(context.Background(), h, "a.snn", []byte(spec(t, "opaque", c.old, c.new)), Options{})
		if len(found) == 0 || found[0].Code != c.code || !strings.Contains(found[0].Summary, c.says) {
			t.Errorf("%s: %v", c.new, found)
			continue
		}
	}
	load(t, h, strings.Replace(spec(t, "opaque"), "image -> encode(shown) -> flatten", "image -> encode(shown) -> dry -> flatten", 1))
}
