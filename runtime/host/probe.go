package host

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/proto"
	"snnc.dev/snnc/runtime/opaque"
)

// Probe makes a call with any text as its request, and returns the answer as it is: what tests of plugins ask besides what a Host asks.
// The call is named as in the protocol. Errors are those of other calls.
func (h *Host) Probe(ctx context.Context, plugin, call, request string) (string, error) {
	release := method{name: "Release", rpc: proto.PluginClient.Release} // which a Host makes beside its calls
	all := []method{describeCall, buildCall, samplerCall, coderCall, checkCall, prepareCall, forwardCall, backwardCall, compileCall, emulateCall, exportCall, traceCall, release}
	i := slices.IndexFunc(all, func(m method) bool { return m.name == call })
	if i < 0 {
		return "", fmt.Errorf("%s %s: there is no such call", strings.ToLower(call), called(plugin))
	}
	s, err := h.served(plugin, all[i])
	if err != nil {
		return "", err
	}
	return h.send(ctx, s, all[i], request, nil, func(string) error { return nil })
}

// Process is a plugin process that has shaken hands.
type Process struct {
	Plugin string
	ID     int
	Early  []string // what it printed on its standard output before the handshake, also on its line: the last lines of that
}

// Running lists the plugin processes at work, by the names of their plugins. It waits for those that are just being started.
func (h *Host) Running() (out []Process) {
	h.mu.Lock()
	all := maps.Clone(h.plugins)
	h.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		s.lock <- struct{}{}
		if s.now != nil && !s.now.over() {
			s.now.mu.Lock()
			out = append(out, Process{s.name, s.now.pid, s.now.early})
			s.now.mu.Unlock()
		}
		<-s.lock
	}
	return out
}

// Arena returns memory that the host shares with its plugins, of so many numbers, and the path under which requests to Probe name it.
func (h *Host) Arena(floats int) (opaque.Memory, string, error) {
	a, err := h.memory(floats)
	if err != nil {
		return nil, "", err
	}
	return a, a.path, nil
}
