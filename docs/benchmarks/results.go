package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// results returns results.md: nothing in it comes from elsewhere than the runs and the table of groups.
func results(runs []run) []byte {
	var w bytes.Buffer
	fmt.Fprint(&w, "# Side by side: results\n\n",
		"Written by the command of [README.md](README.md) from the measurements in [raw](raw), which says how to read it. Lost rows are\n",
		"printed like won ones.\n\n")
	if len(runs) == 0 {
		fmt.Fprint(&w, "Nothing has been measured.\n")
		return w.Bytes()
	}
	machine(&w, runs)
	fmt.Fprint(&w, "![Speed of each contender over SpikingJelly eager](speed.svg)\n\n")
	bars(&w, runs)
	for _, g := range groups() {
		if !slices.ContainsFunc(runs, func(r run) bool { return r.Group == g.name }) {
			continue
		}
		fmt.Fprintf(&w, "## %s\n\n", g.title)
		if g.about != "" {
			fmt.Fprintf(&w, "%s\n\n", wrap(g.about, 120))
		}
		switch {
		case g.name == "trained":
			training(&w, runs, g)
		case g.name == "neurons":
			equations(&w, runs)
		case g.name == "plugins":
			plugs(&w, runs, g)
		case g.name == "opaque":
			calls(&w, runs, g)
		case g.name == "loihi" || g.name == "truenorth":
			emulations(&w, runs, g)
		case g.unit == "GFLOP/s":
			speeds(&w, runs, g)
		default:
			times(&w, runs, g)
		}
	}
	return w.Bytes()
}

// machine says what was measured on and with.
func machine(w *bytes.Buffer, runs []run) {
	versions, processors, revisions, days := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	busy := 0
	for _, r := range runs {
		for name, v := range r.Versions {
			versions[name+" "+v] = true
		}
		processors[fmt.Sprintf("%s, %d cores", r.Processor, r.Cores)] = true
		if r.Contender == ours {
			revisions[r.Revision] = true
			if r.CPU != "" {
				processors[r.CPU] = true
			}
		}
		day, _, _ := strings.Cut(r.Date, " ")
		days[day] = true
		if r.Others > disturbed {
			busy++
		}
	}
	list := func(m map[string]bool) string { return strings.Join(slices.Sorted(maps.Keys(m)), ", ") }
	fmt.Fprintf(w, "| | |\n|---|---|\n| processor | %s |\n| versions | %s |\n| snnc | %s |\n| measured | %s, %d runs, %d of them while others took more than %.0f %% of the machine |\n\n",
		list(processors), list(versions), list(revisions), list(days), len(runs), busy, 100*disturbed)
}

// bars prints each bar with what was measured.
func bars(w *bytes.Buffer, runs []run) {
	all := verdicts(runs)
	musts, targets := 0, 0
	fmt.Fprint(w, "## Bars\n\nFactors are how many times as fast snnc is; limits are marked.\n\n| row | against | must | target | measured | |\n|---|---|---|---|---|---|\n")
	for _, v := range all {
		against, number := v.against, factor
		if v.limit {
			against = "at most, " + v.unit
			number = func(x float64) string { return fmt.Sprintf("%.3g", x) }
		}
		target := ""
		if v.target > 0 {
			target = number(v.target)
		}
		verdict, measured := "**missed**", ""
		switch {
		case !v.there:
			verdict = "not measured"
		case v.target > 0 && v.held(v.target):
			verdict = "held, and the target"
			musts, targets = musts+1, targets+1
		case v.held(v.must):
			verdict = "held"
			musts++
		}
		if v.there {
			measured = number(v.measured)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", v.row, against, number(v.must), target, measured, verdict)
	}
	fmt.Fprintf(w, "\n%d of %d musts are held, %d targets reached.\n\n", musts, len(all), targets)
}

// times prints a group of networks: a line for each contender.
func times(w *bytes.Buffer, runs []run, g group) {
	compared := slices.ContainsFunc(g.contenders, func(c contender) bool { return c.name == eager })
	columns := 2 // of a row
	if compared {
		columns = 3
	}
	fmt.Fprint(w, "| |")
	for _, r := range g.rows {
		fmt.Fprintf(w, " %s, %s | min to max |", r.figure, g.unit)
		if compared {
			fmt.Fprint(w, " x eager |")
		}
	}
	fmt.Fprint(w, " peak memory, GB | firing rates in training | in evaluation | others took |\n|---|", strings.Repeat("---|", columns*len(g.rows)), "---|---|---|---|\n")
	for _, c := range g.contenders {
		rounds := of(runs, g.name, c.name)
		if len(rounds) == 0 {
			fmt.Fprintf(w, "| %s | not measured |%s\n", c.title, strings.Repeat(" |", columns*len(g.rows)+3))
			continue
		}
		fmt.Fprintf(w, "| %s |", c.title)
		for _, r := range g.rows {
			f, ok := together(runs, g.name, c.name, r.figure)
			if !ok {
				fmt.Fprint(w, strings.Repeat(" |", columns))
				continue
			}
			fmt.Fprintf(w, " %s | %s to %s |", number(f.Median), number(f.Min), number(f.Max))
			if e, ok := together(runs, g.name, eager, r.figure); ok {
				fmt.Fprintf(w, " %s |", factor(e.Median/f.Median))
			} else if compared {
				fmt.Fprint(w, " |")
			}
		}
		peak, others := int64(0), 0.0
		for _, r := range rounds {
			peak, others = max(peak, r.PeakBytes), max(others, r.Others)
		}
		fmt.Fprintf(w, " %.2f | %s | %s | %.0f %% |\n", float64(peak)/1e9, span(rounds[0].Rates), span(rounds[0].Evaluation), 100*others)
	}
	fmt.Fprint(w, "\n")
}

// span prints the firing rates of layers: the least, the mean and the greatest.
func span(rates []float64) string {
	if len(rates) == 0 {
		return ""
	}
	sum := 0.0
	for _, r := range rates {
		sum += r
	}
	if len(rates) == 1 {
		return fmt.Sprintf("%.3f", sum)
	}
	return fmt.Sprintf("%.3f to %.3f, mean %.3f", slices.Min(rates), slices.Max(rates), sum/float64(len(rates)))
}

// speeds prints a group of kernels: a line for each row, two columns and their quotient for each instruction set.
func speeds(w *bytes.Buffer, runs []run, g group) {
	fmt.Fprint(w, "| GFLOP/s |")
	for _, i := range instructions {
		fmt.Fprintf(w, " snnc %s | oneDNN | x |", i.title)
	}
	fmt.Fprint(w, "\n|---|", strings.Repeat("---|---|---|", len(instructions)), "\n")
	for _, r := range g.rows {
		line, any := "| "+r.figure+" |", false
		for _, i := range instructions {
			mine, ok := together(runs, g.name, i.ours, r.figure)
			_, peer, ok2 := r.peers(runs, g, i.ours)
			cells := [3]string{}
			if ok {
				cells[0] = number(mine.Median)
			}
			if ok2 {
				cells[1] = number(peer)
			}
			if ok && ok2 {
				cells[2] = factor(mine.Median / peer)
			}
			any = any || ok
			line += " " + strings.Join(cells[:], " | ") + " |"
		}
		if any {
			fmt.Fprintln(w, line)
		}
	}
	fmt.Fprint(w, "\n")
}

// training prints what was trained.
func training(w *bytes.Buffer, runs []run, g group) {
	fmt.Fprint(w, "| | seconds | peak memory, GB | others took |\n|---|---|---|---|\n")
	for _, r := range g.rows {
		for _, c := range g.contenders {
			if f, ok := together(runs, g.name, c.name, r.figure); ok {
				x := of(runs, g.name, c.name)[0]
				fmt.Fprintf(w, "| %s | %.3g | %.2f | %.0f %% |\n", r.title, f.Median, float64(x.PeakBytes)/1e9, 100*x.Others)
			}
		}
	}
	fmt.Fprint(w, "\n| firing rates | layer | first update | last epoch |\n|---|---|---|---|\n")
	for _, c := range g.contenders {
		if c.name == "start" {
			continue // the quickstart, one epoch of it
		}
		for _, x := range of(runs, g.name, c.name) {
			for _, l := range x.Layers {
				fmt.Fprintf(w, "| %s | `%s` | %.3f | %.3f |\n", c.name, l.Name, l.First, l.Last)
			}
		}
	}
	fmt.Fprint(w, "\n")
}

// number prints a time or a speed with three digits.
func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// wrap breaks a paragraph into lines of at most so many bytes.
func wrap(text string, wide int) string {
	out, line := "", ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > wide {
			out, line = out+line+"\n", ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return out + line
}
