package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"snnc.dev/snnc/runtime/host"
)

// inquiry is a call whose answer is text: a right request, and how a host makes it and judges the answer.
type inquiry struct {
	call    string // as the protocol names it
	request any
	ask     func(context.Context, *host.Host) (any, error)
}

// inquire returns the inquiry that a method of a host makes of a plugin.
func inquire[Q, R any](call, plugin string, request Q, by func(*host.Host, context.Context, string, Q) (R, error)) inquiry {
	return inquiry{call, request, func(ctx context.Context, h *host.Host) (any, error) { return by(h, ctx, plugin, request) }}
}

// pure are the tests of what answers with text alone: equal requests have equal answers, and wrong ones have errors.
func (s *suite) pure(all []inquiry) []test {
	return []test{
		{Determinism, func() (string, error) {
			return "", s.same(all, &fault{name: Determinism, found: "two processes that are asked the same differ in", mend: "let the answer depend on the request alone: no random numbers, no dates, no order of a map"},
				func(first bool) (*host.Host, error) { return s.host(1), nil })
		}},
		{Leak, func() (string, error) {
			h := s.host(1)
			return "", s.same(all, &fault{name: Leak, found: "a request that is made once more, behind others, has another answer:", mend: "keep nothing from call to call"},
				func(first bool) (*host.Host, error) {
					if first {
						return h, nil
					}
					for _, q := range slices.Backward(all) {
						if _, err := q.ask(s.ctx, h); err != nil {
							return nil, err
						}
					}
					return h, nil
				})
		}},
		{Malformed, func() (string, error) { return "", s.wrong(all) }},
		{Restart, func() (string, error) {
			h := s.host(3)
			return "", s.same(all, &fault{name: Restart, found: "the process that takes the place of a killed one differs in", mend: "keep nothing outside the process that calls depend on, such as files and locks"},
				func(first bool) (*host.Host, error) {
					if first {
						return h, nil
					}
					return h, kill(h)
				})
		}},
	}
}

// kill ends the processes of a host.
func kill(h *host.Host) error {
	for _, p := range h.Running() {
		if err := syscall.Kill(p.ID, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill the process: %w", err)
		}
	}
	return nil
}

// same makes all inquiries twice, of the hosts that it is given, and returns the fault where answers differ, with the first line that does.
func (s *suite) same(all []inquiry, bad *fault, of func(first bool) (*host.Host, error)) error {
	var was []string
	for _, first := range []bool{true, false} {
		h, err := of(first)
		if err != nil {
			return err
		}
		for i, q := range all {
			answer, err := q.ask(s.ctx, h)
			if err != nil {
				return err
			}
			now := text(answer)
			if first {
				was = append(was, now)
			} else if was[i] != now {
				bad.found += fmt.Sprintf(" %s: %s", q.call, unequal(was[i], now))
				return bad
			}
		}
	}
	return nil
}

// unequal shows the first line in which two answers differ; graphs are text with lines, in JSON.
func unequal(a, b string) string {
	x, y := strings.Split(a, `\n`), strings.Split(b, `\n`)
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d is `%.100s`, then `%.100s`", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("it has %d lines, then %d", len(x), len(y))
}

// wrong sends requests that are wrong, of each call, and then those that are right.
func (s *suite) wrong(all []inquiry) error {
	h := s.host(1)
	asked := map[string]bool{}
	for _, q := range all {
		if asked[q.call] {
			continue
		}
		asked[q.call] = true
		right, err := q.ask(s.ctx, h)
		if err != nil {
			return err
		}
		if _, err := h.Probe(s.ctx, s.name, q.call, changed(q.request, func(m map[string]any) { m["fromLater"] = []int{1} })); err != nil {
			return fmt.Errorf("a request with a member that is not known yet: %w", err)
		}
		requests := []struct{ what, text string }{
			{"text that is no JSON", "{"},
			{"a component that is not there", changed(q.request, func(m map[string]any) { m["component"] = "no such component" })},
		}
		switch q.call {
		case "Check":
			for what, change := range map[string]func(circuit, population map[string]any){
				"a population that is its own source":  func(_, p map[string]any) { p["synapses"].([]any)[0].(map[string]any)["population"] = 7 },
				"weights of other dims":                func(_, p map[string]any) { p["dims"] = []int{5, 5, 5} },
				"a depth that its sources do not give": func(_, p map[string]any) { p["depth"] = 5 },
				"no time steps":                        func(c, _ map[string]any) { c["steps"] = 0 },
			} {
				text := changed(q.request, func(m map[string]any) {
					c := m["circuits"].([]any)[0].(map[string]any)
					change(c, c["populations"].([]any)[0].(map[string]any))
				})
				requests = append(requests, struct{ what, text string }{what, text})
			}
			slices.SortFunc(requests, func(a, b struct{ what, text string }) int { return strings.Compare(a.what, b.what) })
		case "Build":
			networks := 0
			text := changed(q.request, func(m map[string]any) {
				all, _ := m["networks"].([]any)
				for _, n := range all {
					n.(map[string]any)["graph"] = "no graph"
				}
				networks = len(all)
			})
			if networks > 0 {
				requests = append(requests, struct{ what, text string }{"networks that are no graphs", text})
			}
		case "Coder":
			requests = append(requests, struct{ what, text string }{"an input of no type", changed(q.request, func(m map[string]any) { m["input"] = "no type" })})
		}
		for _, x := range requests {
			if err := s.refused(h, q.call, x.what, x.text); err != nil {
				return err
			}
		}
		again, err := q.ask(s.ctx, h)
		if err != nil {
			return err
		}
		if text(right) != text(again) {
			return &fault{Leak, "behind wrong requests a right one has another answer", "keep nothing from call to call"}
		}
	}
	return nil
}

// refused makes a call whose request is wrong: it has an error of the plugin's own.
func (s *suite) refused(h *host.Host, call, what, request string) error {
	_, err := h.Probe(s.ctx, s.name, call, request)
	var f *host.Failure
	switch {
	case err == nil:
		return &fault{Malformed, fmt.Sprintf("%s answers a request with %s as if it were right", call, what), "check what a request says before it is followed, and return an error"}
	case errors.As(err, &f) && f.Kind != host.Refused && f.Kind != host.Unknown:
		return fmt.Errorf("a request with %s: %w", what, err)
	}
	return nil
}

// changed returns the JSON of a request, or of the one that it is about, with a change.
func changed(request any, change func(map[string]any)) string {
	var m map[string]any
	if err := json.Unmarshal([]byte(text(request)), &m); err != nil {
		panic(err) // it was written a line before
	}
	if own, ok := m["build"].(map[string]any); ok {
		change(own)
	} else {
		change(m)
	}
	return text(m)
}
