package experiment

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/host"
)

// failing returns a neuron that is called failsForward or failsBackward, and whose call of this name fails.
func failing(n sdk.Opaque, call string) sdk.Opaque {
	prepare := n.Prepare
	n.Component.Name = "fails" + call
	n.Prepare = func(u sdk.Use) (sdk.Prepared, []schema.Complaint, error) {
		p, found, err := prepare(u)
		if call == "Forward" {
			p.Forward = func(*sdk.Forward) error { return errors.New("there is no water") }
		} else {
			p.Backward = func(*sdk.Backward) error { return errors.New("there is no water") }
		}
		return p, found, err
	}
	return n
}

// What a plugin says in the course of an action is shown at the line of the spec that uses its component, in the network where that is.
func TestFailed(t *testing.T) {
	name, dir := opaquetest.Plugin().Name, t.TempDir()
	pluginFolder(t, dir)
	h := folderHost(t, host.Options{Dev: map[string]string{name: dir}})
	for _, call := range []string{"Forward", "Backward"} {
		text := strings.ReplaceAll(strings.Replace(spec(t, "code"), "as plain", "as fails"+call, 1), "-> plain", "->\n    fails"+call)
		out := filepath.Join(t.TempDir(), "run")
		_, err := run(t, load(t, h, text), out)
		var failed *Failed
		var cause *host.Failure
		if !errors.As(err, &failed) || !errors.As(err, &cause) || !strings.HasPrefix(err.Error(), "train m: ") {
			t.Errorf("%s: %v", call, err)
			continue
		}
		d := failed.Found[0]
		if len(failed.Found) != 1 || d.Code != diag.PluginFailed || !strings.Contains(d.Summary, "failed in "+call+": ") || !strings.Contains(d.Summary, "there is no water") ||
			d.Range.File != "a.snn" || d.Range.Start.Line != 6 || d.Notes[0].Message != "in `train m`, layer `network.0.fails"+call+"`" {
			t.Errorf("%s: %+v", call, d)
		}
	}
	x := load(t, h, spec(t, "code"))
	for _, err := range []error{nil, errors.New("no plugin"), context.Canceled} {
		if got := x.located("train m", err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}
