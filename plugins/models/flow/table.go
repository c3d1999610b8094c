package flow

import "math"

// columns of a sampler's table, a row of which is a turn of length h from time t: at time u a sampler asks a second time.
func columns() []string { return []string{"t", "u", "h"} }

// second says where within a turn a sampler asks a second time, and how much the two answers weigh.
type second struct {
	at            float64 // as a share of the turn; 0: it asks once
	before, after float64
}

// solvers are the samplers by name: those of Euler, of the midpoint and of Heun.
func solvers() map[string]second {
	return map[string]second{"euler": {0, 1, 0}, "midpoint": {0.5, 0, 1}, "heun": {1, 0.5, 0.5}}
}

// table returns the rows of a sampler that goes from time 0 to 1 in so many turns. Where times is not 0 there are so many times that
// the network knows, 0, 1/times, ... 1 - 1/times: turns begin and end at them, and a row holds the number of a time instead of the
// time, the last one for time 1, too.
func (a second) table(steps, times int) [][]float64 {
	var rows [][]float64
	for k := range steps {
		from, to := float64(k)/float64(steps), float64(k+1)/float64(steps)
		if times == 0 {
			rows = append(rows, []float64{from, from + a.at*(to-from), to - from})
			continue
		}
		n := float64(times)
		first, last := math.RoundToEven(from*n), math.RoundToEven(to*n)
		rows = append(rows, []float64{first, min(math.RoundToEven(first+a.at*(last-first)), n-1), (last - first) / n})
	}
	return rows
}
