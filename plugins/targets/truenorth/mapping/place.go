package mapping

import (
	"cmp"
	"slices"
)

// placeWork bounds the search for places: connections that are looked at.
const placeWork = 20_000_000

// unknownRate is the spikes per neuron and time step of populations that were not measured.
const unknownRate = 0.1

// wire is the spikes per time step between a core and another.
type wire struct {
	core int
	rate float64
}

// place puts the cores on the grid such that spikes have few hops: first in the order of layers along a curve that keeps close what is
// close in it, then by exchanging cores where that helps, until nothing does or the work is done. Nothing is placed where there are
// more cores than places.
func (m *Map) place() {
	n := len(m.Cores)
	if m.Chips > max(1, m.options.Chips) || m.Chips > MaxChips {
		return
	}
	wires := m.wires()
	width := Side * min(m.Chips, Board)
	height := Side * ((m.Chips + Board - 1) / Board)
	at := make([]int, width*height) // which core is at a place, or -1
	for i := range at {
		at[i] = -1
	}
	usable := func(x, y int) bool {
		return x >= 0 && y >= 0 && x < width && y < height && y/Side*Board+x/Side < m.Chips
	}
	for i, c := range m.Cores {
		x, y := hilbert(Side, i%ChipCores)
		chip := i / ChipCores
		c.X, c.Y = chip%Board*Side+x, chip/Board*Side+y
		at[c.Y*width+c.X] = i
	}
	work := placeWork
	// cost is the hops of a core's spikes if it were at a place; other is a core that is exchanged with it, -1: none.
	cost := func(i, x, y, other, ox, oy int) float64 {
		sum := 0.0
		for _, w := range wires[i] {
			c := m.Cores[w.core]
			cx, cy := c.X, c.Y
			if w.core == other {
				cx, cy = ox, oy
			}
			sum += w.rate * float64(abs(cx-x)+abs(cy-y))
		}
		work -= len(wires[i])
		return sum
	}
	var xs, ys []weighted
	for range 16 {
		moved := false
		for i := range n {
			c := m.Cores[i]
			if len(wires[i]) == 0 {
				continue
			}
			xs, ys = xs[:0], ys[:0]
			for _, w := range wires[i] {
				xs = append(xs, weighted{m.Cores[w.core].X, w.rate})
				ys = append(ys, weighted{m.Cores[w.core].Y, w.rate})
			}
			x, y := median(xs), median(ys) // the best place if it were free
			for _, d := range [][2]int{{0, 0}, {1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {1, -1}, {-1, 1}} {
				tx, ty := x+d[0], y+d[1]
				if work < 0 || !usable(tx, ty) || tx == c.X && ty == c.Y {
					continue
				}
				j := at[ty*width+tx]
				gain := cost(i, c.X, c.Y, -1, 0, 0) - cost(i, tx, ty, j, c.X, c.Y)
				if j >= 0 {
					gain += cost(j, tx, ty, -1, 0, 0) - cost(j, c.X, c.Y, i, tx, ty)
				}
				if gain <= 1e-9 {
					continue
				}
				at[c.Y*width+c.X], at[ty*width+tx] = j, i
				if j >= 0 {
					m.Cores[j].X, m.Cores[j].Y = c.X, c.Y
				}
				c.X, c.Y = tx, ty
				moved = true
				break
			}
		}
		if !moved || work < 0 {
			break
		}
	}
}

// wires returns for each core how many spikes go to and come from others.
func (m *Map) wires() [][]wire {
	sums := make([]map[int]float64, len(m.Cores))
	for i := range sums {
		sums[i] = map[int]float64{}
	}
	for _, l := range m.Layers {
		rate := unknownRate
		p := l.Population
		for _, t := range l.Tiles {
			if l.Population < 0 {
				p = t.Sources[0].Index
			}
			if x := m.circuits[l.Circuit].Populations[p].Measured; x != nil {
				rate = x.Rate
			}
			for _, list := range t.Targets {
				for _, to := range list {
					if to.Tile != nil && to.Tile.Core != t.Core {
						sums[t.Core][to.Tile.Core] += rate
						sums[to.Tile.Core][t.Core] += rate
					}
				}
			}
		}
	}
	out := make([][]wire, len(sums))
	for i, s := range sums {
		for j, r := range s {
			out[i] = append(out[i], wire{j, r})
		}
		slices.SortFunc(out[i], func(a, b wire) int { return a.core - b.core })
	}
	return out
}

// weighted is a place with a weight.
type weighted struct {
	at     int
	weight float64
}

// median returns where half of the weight lies before.
func median(list []weighted) int {
	slices.SortFunc(list, func(a, b weighted) int { return cmp.Compare(a.at, b.at) })
	half := 0.0
	for _, w := range list {
		half += w.weight / 2
	}
	for _, w := range list {
		if half -= w.weight; half <= 0 {
			return w.at
		}
	}
	return list[len(list)-1].at
}

// hilbert returns place i of Hilbert's curve through a square whose side is a power of two (Hilbert, Mathematische Annalen 38, 1891).
func hilbert(side, i int) (x, y int) {
	for s := 1; s < side; s *= 2 {
		right, up := i/2%2, (i^i/2)%2
		if up == 0 {
			if right == 1 {
				x, y = s-1-x, s-1-y
			}
			x, y = y, x
		}
		x, y = x+s*right, y+s*up
		i /= 4
	}
	return x, y
}

func abs(x int) int { return max(x, -x) }
