package main

import (
	"fmt"
	"strings"
)

// verdict is one bar and what was measured of it. Factors are speeds of snnc over those of the peer; limits have
// units of their own.
type verdict struct {
	row      string
	against  string  // what the factor is over; "" for a limit
	unit     string  // of a limit
	must     float64 // 0 is no bar
	target   float64
	measured float64
	limit    bool // less is better
	there    bool // whether all that it takes was measured
}

// held says whether what was measured keeps to a bar.
func (v verdict) held(bar float64) bool {
	if v.limit {
		return v.there && v.measured <= bar
	}
	return v.there && v.measured >= bar
}

// verdicts compares what was measured with every bar.
func verdicts(runs []run) []verdict {
	var out []verdict
	for _, g := range groups() {
		for _, r := range g.rows {
			out = append(out, r.verdicts(runs, g)...)
		}
		switch g.name {
		case "neurons":
			out = append(out, neuronVerdicts(runs)...)
		case "plugins":
			out = append(out, pluginVerdicts(runs)...)
		case "sddpm":
			out = append(out, memory(runs, g)...)
		}
	}
	return out
}

func (r row) verdicts(runs []run, g group) []verdict {
	var out []verdict
	switch {
	case r.most > 0:
		v := verdict{row: r.title, unit: g.unit, must: r.most, target: r.aim, limit: true}
		for _, c := range g.contenders {
			if f, ok := together(runs, g.name, c.name, r.figure); ok && !v.there { // snnc stands before its peers
				v.measured, v.there = f.Median, true
			}
		}
		out = append(out, v)
	case g.unit == "GFLOP/s" && r.must.best > 0:
		for _, i := range instructions {
			_, peer, ok := r.peers(runs, g, i.ours)
			mine, ok2 := together(runs, g.name, i.ours, r.figure)
			out = append(out, verdict{
				row: r.title, against: "oneDNN " + i.title, must: r.must.best, target: r.target.best,
				measured: mine.Median / peer, there: ok && ok2,
			})
		}
	case g.unit == "ms":
		mine, ok := together(runs, g.name, ours, r.figure)
		if r.must.eager > 0 {
			f, ok2 := together(runs, g.name, eager, r.figure)
			out = append(out, verdict{
				row: r.title, against: "SpikingJelly eager", must: r.must.eager, target: r.target.eager,
				measured: f.Median / mine.Median, there: ok && ok2,
			})
		}
		if r.must.best > 0 {
			name, best, ok2 := r.peers(runs, g, ours)
			out = append(out, verdict{
				row: r.title, against: strings.TrimSuffix("best: "+name, ": "), must: r.must.best, target: r.target.best,
				measured: best / mine.Median, there: ok && ok2,
			})
		}
	}
	return out
}

// peers returns the figure of the best peer in fp32, or for kernels that of oneDNN with the same instructions as the contender
// of ours.
func (r row) peers(runs []run, g group, mine string) (name string, best float64, ok bool) {
	if g.unit == "GFLOP/s" {
		for _, i := range instructions {
			if i.ours != mine {
				continue
			}
			f, ok := together(runs, "dense", i.peer, r.dense())
			return i.peer, f.Median, ok
		}
		return "", 0, false
	}
	for _, c := range g.contenders {
		f, there := together(runs, g.name, c.name, r.figure)
		if there && c.best && (!ok || f.Median < best) {
			name, best, ok = c.title, f.Median, true
		}
	}
	return name, best, ok
}

// memory is the bars on memory, of the U-Net's training step.
func memory(runs []run, g group) []verdict {
	peak := verdict{row: "SDDPM, peak resident memory", against: "SpikingJelly eager, times as much", must: 2, target: 4}
	planned := verdict{row: "SDDPM, planned memory of a training step per neuron and time step", unit: "B", must: 16, target: 5, limit: true}
	if mine, peer := of(runs, g.name, ours), of(runs, g.name, eager); len(mine) > 0 && len(peer) > 0 {
		peak.measured, peak.there = float64(peer[0].PeakBytes)/float64(mine[0].PeakBytes), true
		planned.measured, planned.there = mine[0].Planned/peer[0].Neurons, true
	}
	return []verdict{peak, planned}
}

// factor prints how many times as fast.
func factor(v float64) string {
	switch {
	case v >= 9.95:
		return fmt.Sprintf("%.1f", v)
	case v >= 1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}
