package experiment

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
	"snnc.dev/snnc/runtime/host"
)

// tracing is a target that runs a network in its own terms by saying how many cores it has.
func tracing(name string) sdk.Target {
	return sdk.Target{Component: schema.Component{Kind: schema.Target, Name: name, Version: "1.0", Doc: "A board.", Params: []schema.Param{{Name: "cores", Type: schema.Int, Default: "2", Doc: "that it has"}}},
		Check: func(schema.TargetRequest) (schema.TargetReply, error) { return schema.TargetReply{Fits: true}, nil },
		Trace: func(q schema.TraceRequest, _ map[string][]byte) (schema.TraceReply, error) {
			return schema.TraceReply{Lines: fmt.Sprintf("{%q:%d}\n", name, q.Arguments.Int("cores"))}, nil
		}}
}

// withTraced is the argument that makes the test binary serve a plugin whose only target is called chip.
const withTraced = "serve-traced"

func serveTraced() {
	if len(os.Args) == 2 && os.Args[1] == withTraced {
		p := opaquetest.Plugin()
		p.Targets = []sdk.Target{tracing("chip")}
		sdk.Serve(p)
		os.Exit(0)
	}
}

// A target of a plugin stands behind the plugin's name and a dot, with its arguments, whether the plugin has others besides or not.
func TestEmulatePlugin(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name, several, one := opaquetest.Plugin().Name, t.TempDir(), t.TempDir()
	pluginFolder(t, several)
	pluginFolder(t, one)
	edit(t, filepath.Join(one, "main"), "#!/bin/sh\nexec "+self+" "+withTraced+"\n")
	file := filepath.Join(t.TempDir(), "network.json")
	edit(t, file, "{}")
	for dir, all := range map[string][]struct {
		target, set string
		lines, says string
	}{
		several: {
			{".traced", "", "{\"traced\":2}\n", ""},
			{".traced(cores = 3)", "", "{\"traced\":3}\n", ""},
			{".traced(cores = 3)", "cores=4", "{\"traced\":4}\n", ""},
			{".traced(core = 3)", "", "", "has no argument `core`"},
			{".traced(cores = 1.5)", "", "", "1.5"},
			{".traces", "", "", "targets, and its name stands for one"},
			{".chip", "", "", "runs none that is given in its own terms"},
		},
		one: {
			{".chip", "", "{\"chip\":2}\n", ""},
			{".chip(cores = 3)", "cores=4", "{\"chip\":4}\n", ""},
			{".chop(cores = 3)", "", "", "has no target `chop`"},
		},
	} {
		h := folderHost(t, host.Options{Dev: map[string]string{name: dir}})
		for _, x := range all {
			var sets []string
			if x.set != "" {
				sets = append(sets, x.set)
			}
			lines, found, sources, err := Emulate(t.Context(), h, EmulateOptions{Target: name + x.target, Sets: sets, File: file})
			var said strings.Builder
			if err := found.Text(&said, sources, false); err != nil {
				t.Fatal(err)
			}
			if err != nil {
				said.WriteString(err.Error())
			}
			if lines != x.lines || (said.Len() > 0) != (x.says != "") || !strings.Contains(said.String(), x.says) {
				t.Errorf("%s %s: %q, and it says %q", x.target, x.set, lines, said.String())
			}
			if sources["TARGET"] == nil { // what is found is told also where it is no error
				t.Errorf("%s %s: what findings point into is not there", x.target, x.set)
			}
		}
	}
}
