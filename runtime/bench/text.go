package bench

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Text prints the report for people.
func (r *Report) Text(out io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d threads on %s, kernels for %s\n", r.Threads, r.CPU.Model, r.CPU.Level)
	if t := r.Train; t != nil {
		fmt.Fprintf(&b, "\n%s: batches of %d, %d updates\n", t.Action, t.Batch, t.Step.Count)
		fmt.Fprintf(&b, "    step        %s, %s examples/s\n", t.Step.text(), count(t.Examples))
		fmt.Fprintf(&b, "    of which    forward %s, backward %s, optimiser %s\n", duration(t.Forward), duration(t.Backward), duration(t.Optimiser))
		fmt.Fprintf(&b, "    besides     reading examples %s\n", duration(t.Read))
		t.Amount.text(&b)
	}
	if s := r.Sample; s != nil {
		fmt.Fprintf(&b, "\nnetwork %s: batches of %d, %d evaluations\n", s.Network, s.Batch, s.Time.Count)
		fmt.Fprintf(&b, "    evaluation  %s, %s evaluations/s of one example\n", s.Time.text(), count(s.Rate))
		s.Amount.text(&b)
		if len(s.Rates) > 0 {
			rates := slices.Sorted(maps.Values(s.Rates))
			fmt.Fprintf(&b, "    fires       at rates of %.3f to %.3f, by layer\n", rates[0], rates[len(rates)-1])
		}
	}
	if d := r.Draw; d != nil {
		fmt.Fprintf(&b, "\n%s: %d samples, drawn %d times\n", d.Action, d.Count, d.Time.Count)
		fmt.Fprintf(&b, "    samples     %s, %s samples/s\n", d.Time.text(), count(d.Rate))
		fmt.Fprintf(&b, "    takes       %s of processor time\n", duration(d.Processor))
	}
	if r.PeakBytes > 0 {
		fmt.Fprintf(&b, "\nresident memory: %s at most\n", bytesText(r.PeakBytes))
	}
	if len(r.Layers) > 0 {
		if err := r.table(&b); err != nil {
			return err
		}
	}
	if _, err := out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("print times: %w", err)
	}
	return nil
}

// table prints the layers.
func (r *Report) table(out io.Writer) error {
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "layer\trate\tforward\tbackward\tGFLOP/s\tkernel\n")
	for _, l := range r.Layers {
		name, rate, speed := l.Name, "", ""
		if name == "" {
			name = "outside of layers"
		}
		if l.Rate != nil {
			rate = fmt.Sprintf("%.3f", *l.Rate)
		}
		if l.GFLOPS > 0 {
			speed = count(l.GFLOPS)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", name, rate, duration(l.Forward), duration(l.Backward), speed, l.Kernel)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print times: %w", err)
	}
	fmt.Fprintln(out)
	for line := range strings.Lines(table.String()) {
		fmt.Fprintln(out, strings.TrimRight(line, " \n"))
	}
	return nil
}

func (s Spread) text() string {
	return fmt.Sprintf("%s (%s to %s)", duration(s.Median), duration(s.Min), duration(s.Max))
}

func (a Amount) text(out io.Writer) {
	work := ""
	if a.Operations > 0 {
		work = fmt.Sprintf("%s GFLOP, %s GFLOP/s, ", count(a.Operations/1e9), count(a.GFLOPS))
	}
	fmt.Fprintf(out, "    takes       %s%s of processor time, %s of planned memory\n", work, duration(a.Processor), bytesText(a.Bytes))
}

// duration is a time in milliseconds for people.
func duration(ms float64) string {
	switch {
	case ms >= 1e4:
		return fmt.Sprintf("%.1f s", ms/1e3)
	case ms >= 100:
		return fmt.Sprintf("%.0f ms", ms)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms >= 0.1:
		return fmt.Sprintf("%.2f ms", ms)
	}
	return fmt.Sprintf("%.0f us", ms*1e3)
}

func bytesText(n int) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f KB", float64(n)/1e3)
}

// count is a number of something per second for people.
func count(n float64) string {
	if n >= 100 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", n)
}
