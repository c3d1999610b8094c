package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/experiment"
	"snnc.dev/snnc/runtime/record"
)

// terminal reports whether w is one.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// watcher shows a run: a live line on a terminal, plain lines elsewhere, or the events as JSON.
type watcher struct {
	out, errors io.Writer
	json, quiet bool
	live        bool
	shown       time.Time // when the live line was drawn last
	width       int       // of the live line on the screen
	err         error     // the first that printing gave
}

// Write prints, and remembers what went wrong.
func (w *watcher) Write(text []byte) (int, error) {
	n, err := w.out.Write(text)
	if w.err == nil && err != nil {
		w.err = err
	}
	return n, err
}

func newWatcher(s streams, json, quiet bool) *watcher {
	out := s.out
	return &watcher{shown: time.Now(), out: out, errors: s.err, json: json, quiet: quiet, live: terminal(out) && !json && !quiet}
}

// Event prints what a line of events.jsonl says.
func (w *watcher) Event(e record.Event) {
	switch {
	case w.json:
		if line, err := e.Line(); err == nil {
			w.Write(line)
		}
	case e.Kind == record.Epoch:
		w.line(fmt.Sprintf("%s: epoch %d: %s", e.Action, e.Epoch, losses(e.Loss)))
	case e.Kind == record.Done && e.Step > 0:
		w.line(fmt.Sprintf("%s: done, %d updates in %s", e.Action, e.Step, duration(e.Seconds)))
	}
}

// Say prints what a person wants to know.
func (w *watcher) Say(action, words string) {
	if !w.json {
		w.line(action + ": " + words)
	}
}

// Warn prints findings that stop nothing.
func (w *watcher) Warn(found diag.List, sources diag.Sources) {
	if w.quiet {
		return
	}
	w.end()
	if err := printFindings(w.errors, found, sources); w.err == nil {
		w.err = err
	}
}

// plainEvery is the time between lines on the way through an epoch where there is no terminal.
const plainEvery = 30 * time.Second

// Step redraws the live line, ten times a second at most; elsewhere it prints a line every half a minute.
func (w *watcher) Step(p experiment.Progress) {
	between := 100 * time.Millisecond
	if !w.live {
		between = plainEvery
	}
	if w.quiet || w.json || time.Since(w.shown) < between {
		return
	}
	w.shown = time.Now()
	epoch := fmt.Sprintf("update %d/%d", p.Progress.Step, p.Steps)
	if p.Epochs > 0 {
		epoch = fmt.Sprintf("epoch %d/%d  %s", p.Epoch, p.Epochs, epoch)
	}
	text := fmt.Sprintf("%s: %s  %s  %.0f examples/s  %s left", p.Action, epoch, losses(p.Loss), p.ExamplesPerSecond, duration(p.Left.Seconds()))
	if !w.live {
		fmt.Fprintln(w, text)
		return
	}
	if cols, _, err := term.GetSize(int(w.out.(*os.File).Fd())); err == nil && len(text) >= cols && cols > 0 {
		text = text[:cols-1]
	}
	fmt.Fprintf(w, "\r%s%s", text, strings.Repeat(" ", max(0, w.width-len(text))))
	w.width = len(text)
}

// line prints a line for good.
func (w *watcher) line(text string) {
	if w.quiet || w.json {
		return
	}
	w.end()
	fmt.Fprintln(w, text)
}

// end clears the live line.
func (w *watcher) end() {
	if w.width > 0 {
		fmt.Fprintf(w, "\r%s\r", strings.Repeat(" ", w.width))
		w.width = 0
	}
}

// losses lists the terms of a loss, the total first.
func losses(loss map[string]float64) string {
	names := slices.Sorted(maps.Keys(loss))
	if i := slices.Index(names, "total"); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "total")
	}
	parts := make([]string, len(names))
	for i, name := range names {
		parts[i] = name + " " + short(loss[name])
	}
	return strings.Join(parts, "  ")
}

// short writes a loss: four digits behind the point, or powers of ten where these say nothing.
func short(v float64) string {
	if a := math.Abs(v); a != 0 && (a < 1e-3 || a >= 1e4) {
		return fmt.Sprintf("%.3e", v)
	}
	return fmt.Sprintf("%.4f", v)
}

// duration writes seconds as a person says them.
func duration(seconds float64) string {
	switch {
	case seconds < 10:
		return fmt.Sprintf("%.1f s", seconds)
	case seconds < 90:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 5400:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
