package plugintest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
)

// malformed sends requests that are wrong: each has an error, and the process lives on and answers what is right as before. What is not a
// number comes in too, of which nothing is asked but an answer.
func (s *suite) malformed(t *trial) (string, error) {
	memory, op, h, err := s.begin(t, 1)
	if err != nil {
		return "", err
	}
	all, names, err := t.whole(memory, op, t.asked(1))
	if err != nil {
		return "", err
	}
	prepare := map[string]any{"handle": "probe", "component": t.Component, "arguments": json.RawMessage(t.Arguments), "dims": t.dims, "fromLater": []int{1}}
	if t.Direction != "" {
		prepare["direction"] = t.Direction
	}
	if _, err := h.Probe(s.ctx, s.name, "Prepare", text(prepare)); err != nil {
		return "", fmt.Errorf("a request with a member that is not known yet: %w", err)
	}
	const bytes = 4096
	arena, path, err := h.Arena(bytes / 4)
	if err != nil {
		return "", err
	}
	defer arena.Close()
	forward := func(change func(*schema.ForwardRequest)) string {
		q := schema.ForwardRequest{Operands: schema.Operands{Handle: "probe", Arena: path, Bytes: bytes, Steps: 1, Batch: 1, Count: 1}, Output: bytes / 2}
		for range t.Inputs {
			q.Inputs = append(q.Inputs, 0)
		}
		if t.Random {
			q.Seeds = []uint64{1}
		}
		change(&q)
		return text(q)
	}
	if _, err := h.Probe(s.ctx, s.name, "Forward", forward(func(*schema.ForwardRequest) {})); err != nil {
		return "", err
	}
	for _, x := range []struct{ what, call, request string }{
		{"text that is no JSON", "Prepare", "{"},
		{"a component that is not there", "Prepare", `{"handle":"x","component":"no such component","dims":[3]}`},
		{"text that is no JSON", "Forward", "nonsense"},
		{"a handle that is not known", "Forward", forward(func(q *schema.ForwardRequest) { q.Handle = "no such handle" })},
		{"an arena that is not there", "Forward", forward(func(q *schema.ForwardRequest) { q.Arena += "-gone" })},
		{"an output behind the end of the arena", "Forward", forward(func(q *schema.ForwardRequest) { q.Output = bytes - 4 })},
		{"an output before the beginning of the arena", "Forward", forward(func(q *schema.ForwardRequest) { q.Output = -4 })},
		{"no time steps", "Forward", forward(func(q *schema.ForwardRequest) { q.Steps = 0 })},
		{"more time steps than the arena has room for", "Forward", forward(func(q *schema.ForwardRequest) { q.Steps = 1 << 20 })},
		{"examples that the batch does not have", "Forward", forward(func(q *schema.ForwardRequest) { q.First = 1 })},
		{"an input less", "Forward", forward(func(q *schema.ForwardRequest) { q.Inputs = nil })},
		{"a handle that is not known", "Backward", `{"handle":"no such handle","steps":1,"batch":1,"count":1}`},
	} {
		if err := s.refused(h, x.call, x.what, x.request); err != nil {
			return "", err
		}
	}
	odd := t.asked(1)
	for _, x := range odd.inputs {
		for k := range x {
			x[k] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, -math.MaxFloat32}[k%5]
		}
	}
	var wrong *fault
	if _, err := t.forward(memory, op, odd); err != nil && !errors.As(err, &wrong) { // what comes out is no matter
		var f *host.Failure
		if errors.As(err, &f) && f.Kind != host.Refused {
			return "", err
		}
	}
	again, _, err := t.whole(memory, op, t.asked(1))
	if err != nil {
		return "", err
	}
	if x := differs(all, again, names); x != "" {
		return "", &fault{Leak, "behind wrong requests, and inputs that are no numbers, a right one differs in " + x, "keep nothing from call to call"}
	}
	return "", nil
}

// text is the JSON of what has no values that JSON has not.
func text(v any) string {
	var b bytes.Buffer
	json.NewEncoder(&b).Encode(v)
	return b.String()
}

// memory makes the same call often, each time in another arena, and looks at the memory that the process has, its files left out.
func (s *suite) memory(t *trial) (string, error) {
	const (
		warm, calls = 20, 60
		most        = 16 << 20 // more than garbage that waits to be collected
	)
	server, op, h, err := s.begin(t, 1)
	if err != nil {
		return "", err
	}
	q, _ := t.many(256, steps)
	made := 0
	call := func(n int) (int64, error) { // n calls; the memory behind them
		for range n {
			made++
			if _, err := t.forward(server, op, q); err != nil {
				return 0, err
			}
		}
		return s.private(h), nil
	}
	before, err := call(warm)
	if err != nil {
		return "", err
	}
	// Garbage that a collector lets grow to its own bound grows once, and what is kept of each call in the next round as well.
	after := before
	for round := 0; round < 2 && (round == 0 || after-before > most); round++ {
		if round > 0 {
			before = after
		}
		if after, err = call(calls); err != nil {
			return "", err
		}
	}
	switch {
	case before == 0 || after == 0:
		return "", untested("not measured: this system does not tell how much memory a process has")
	case after-before > most:
		return "", &fault{Memory, fmt.Sprintf("in %d equal calls the process grows from %d MB to %d MB", calls, before>>20, after>>20),
			"keep nothing of a call: give back what is allocated, unmap arenas whose file is gone"}
	}
	return fmt.Sprintf("%d MB after %d calls", after>>20, made), nil
}

// private returns how many bytes of memory the plugin's process has for itself and in arenas, without other files; 0 where that is not known.
func (s *suite) private(h *host.Host) int64 {
	for _, p := range h.Running() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.ID))
		if err != nil {
			return 0
		}
		var sum int64
		for line := range strings.Lines(string(status)) {
			if f := strings.Fields(line); len(f) == 3 && (f[0] == "RssAnon:" || f[0] == "RssShmem:") {
				kb, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					return 0
				}
				sum += kb << 10
			}
		}
		return sum
	}
	return 0
}

// speed measures a block of 16 MB, the best of a few.
func (s *suite) speed(t *trial) (string, error) {
	const (
		examples, neurons, long = 64, 4096, 16
		rounds                  = 5
	)
	wide := &trial{Opaque: t.Opaque, dims: []int{neurons}, size: neurons}
	server, op, _, err := s.begin(wide, 1)
	// It is right: a layer of this size may take its time, of what looks at all pairs of neurons say.
	late := func(err error) (string, error) {
		if f := (*host.Failure)(nil); errors.As(err, &f) && f.Kind == host.Late {
			return "", untested(fmt.Sprintf("not measured: %d neurons take longer than %v, and a run gives a call a minute; pass a longer --timeout", neurons, s.o.Timeout))
		}
		return "", err
	}
	if err != nil {
		var f *host.Failure
		if errors.As(err, &f) && f.Kind != host.Refused && f.Kind != host.Nonsense {
			return late(err)
		}
		return "", untested(fmt.Sprintf("not measured: the component does not take %d neurons in a row", neurons))
	}
	b := opaque.Block{Steps: long, Batch: examples, Count: examples}
	timed := func(call func() error) (time.Duration, error) {
		best := time.Duration(math.MaxInt64)
		for range rounds {
			begun := time.Now()
			if err := call(); err != nil {
				return 0, err
			}
			best = min(best, time.Since(begun))
		}
		return best, nil
	}
	var l layout
	f := opaque.Forward{Block: b}
	for range t.Inputs {
		f.Inputs = append(f.Inputs, l.add(wide.length(b, wide.in())))
	}
	f.Output = l.add(wide.length(b, wide.out()))
	g := opaque.Backward{Block: b}
	if t.Gradient {
		for range t.Saved {
			f.Saved = append(f.Saved, l.add(wide.length(b, true)))
		}
		g.Saved, g.Gradient = f.Saved, f.Output
		for range t.Inputs {
			g.Inputs = append(g.Inputs, l.add(wide.length(b, wide.in())))
		}
	}
	if t.Random {
		f.Seeds = make([]uint64, examples)
	}
	m, err := server.Memory(l.total)
	if err != nil {
		return "", err
	}
	defer m.Close()
	forward, err := timed(func() error { return op.Forward(m, f) })
	if err != nil {
		return late(err)
	}
	said := fmt.Sprintf("%d time steps of %d examples of %d neurons, 16 MB, in %.1f ms", long, examples, neurons, forward.Seconds()*1e3)
	if t.Gradient {
		backward, err := timed(func() error { return op.Backward(m, g) })
		if err != nil {
			return late(err)
		}
		said += fmt.Sprintf(", and backward in %.1f ms", backward.Seconds()*1e3)
	}
	return said, nil
}
