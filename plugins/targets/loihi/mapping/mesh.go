package mapping

import (
	"cmp"
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// The mesh of a chip: 8 x 4 tiles of 4 cores (the shape is that of SANA-FE's arch/loihi.yaml). Chips lie side by side, so that a way to
// the next goes on east or west.
const (
	meshWidth  = 8
	meshHeight = 4
	tileCores  = 4
	chipCores  = meshWidth * meshHeight * tileCores
)

// Place is where a core is: the tile on the mesh of a chip, and which of its cores.
type Place struct{ Chip, X, Y, Slot int }

// placeOf numbers places chip by chip, and tiles in columns up and down, so that neighbours in number are neighbours on the mesh.
func placeOf(n int) Place {
	p := Place{Chip: n / chipCores, Slot: n % tileCores}
	tile := n % chipCores / tileCores
	if p.X, p.Y = tile/meshHeight, tile%meshHeight; p.X%2 == 1 {
		p.Y = meshHeight - 1 - p.Y
	}
	return p
}

// Hops returns the tiles that a message from p to q passes east or west, and north or south.
func (p Place) Hops(q Place) (across, down int) {
	across, down = p.Chip*meshWidth+p.X-q.Chip*meshWidth-q.X, p.Y-q.Y
	return max(across, -across), max(down, -down)
}

// link is how much one core sends to another, or takes in from it.
type link struct {
	core   int
	weight float64 // messages per step
}

// placeWork bounds the search for places.
const placeWork = 1 << 25

// place fills in what each core sends, and where it lies: in the order of layers each core to the free place nearest to those that send
// to it, and then whatever exchange of two places makes the ways shorter. The sum over messages of the tiles they pass is what counts.
func (l *Layout) place(rate func(circuit, population int) float64) {
	links := l.send(rate)
	at := make([]int, len(l.Cores)) // places
	l.Chips = ceilDiv(len(l.Cores), chipCores)
	held := make([]int, l.Chips*chipCores) // cores; -1: none
	for i := range held {
		held[i] = -1
	}
	places := make([]Place, len(held))
	for i := range places {
		places[i] = placeOf(i)
	}
	cost := func(k, place int) float64 {
		sum := 0.0
		for _, n := range links[k] {
			if n.core != k && at[n.core] >= 0 {
				across, down := places[place].Hops(places[at[n.core]])
				sum += n.weight * float64(across+down)
			}
		}
		return sum
	}
	for i := range at {
		at[i] = -1
	}
	work := budget{placeWork}
	for k := range l.Cores {
		chip := k / chipCores * chipCores
		best, least := -1, 0.0
		for p := chip; p < chip+chipCores; p++ {
			if held[p] >= 0 {
				continue
			}
			if best >= 0 && !work.spend(len(links[k])+1) {
				break
			}
			if c := cost(k, p); best < 0 || c < least {
				best, least = p, c
			}
		}
		at[k], held[best] = best, k
	}
	exchange := func(a, p int) { // core a and whatever is at place p
		b, from := held[p], at[a]
		at[a], held[p], held[from] = p, a, b
		if b >= 0 {
			at[b] = from
		}
	}
	both := func(a, b int) float64 {
		sum := cost(a, at[a])
		if b >= 0 {
			sum += cost(b, at[b])
		}
		return sum
	}
	for better := true; better && work.left > 0; {
		better = false
		for a := range l.Cores {
			for p := 0; p < len(held) && work.left > 0; p++ {
				b := held[p]
				if b == a {
					continue
				}
				work.spend(4 * (len(links[a]) + 1))
				if b >= 0 {
					work.spend(4 * len(links[b]))
				}
				from, was := at[a], both(a, b)
				if exchange(a, p); both(a, b) < was*(1-1e-9) {
					better = true
				} else {
					exchange(a, from)
				}
			}
		}
	}
	for k := range l.Cores {
		l.Cores[k].Place = places[at[k]]
	}
	l.reach()
}

// send counts the axons that cores send over, and returns with whom each core is linked.
func (l *Layout) send(rate func(circuit, population int) float64) [][]link {
	weights := map[[2]int]float64{}
	seen := make([]int, len(l.Cores))
	axons := 0
	for j := range l.layers {
		x := &l.layers[j]
		for k := l.first[j]; k < l.first[j]+l.tilings[j].cores; k++ {
			l.axons(j, k, func(a *axon) {
				source := x.groups[a.group].source
				if source < 0 {
					return
				}
				axons++
				for _, e := range a.elements {
					from := l.coreOf(source, e)
					if seen[from] != axons {
						seen[from] = axons
						l.Cores[from].Outputs += a.slots
					}
					weights[[2]int{from, k}] += rate(l.Cores[from].Circuit, l.Cores[from].Population)
				}
			})
		}
	}
	links := make([][]link, len(l.Cores))
	for pair, w := range weights {
		links[pair[0]] = append(links[pair[0]], link{pair[1], w})
		links[pair[1]] = append(links[pair[1]], link{pair[0], w})
	}
	for _, list := range links {
		slices.SortFunc(list, func(a, b link) int { return cmp.Or(a.core-b.core, cmp.Compare(a.weight, b.weight)) })
	}
	return links
}

// reach fills in what a spike of each neuron causes. Spikes that the host sends pass no mesh that is known.
func (l *Layout) reach() {
	for j := range l.layers {
		x := &l.layers[j]
		synapses := l.circuits[x.circuit].Populations[x.population].Synapses
		for k := l.first[j]; k < l.first[j]+l.tilings[j].cores; k++ {
			l.axons(j, k, func(a *axon) {
				group := &x.groups[a.group]
				if group.source < 0 {
					return
				}
				s := &synapses[group.synapses]
				for _, e := range a.elements {
					r := l.Populations[x.circuit][s.Population]
					across, down := l.Cores[l.coreOf(group.source, e)].Hops(l.Cores[k].Place)
					r.Messages[e]++
					r.Across[e] += across
					r.Down[e] += down
				}
			})
		}
	}
}

// Amounts lists what core k takes, for the picture.
func (l *Layout) Amounts(k int) []schema.Amount {
	c, r := &l.Cores[k], l.rules
	return []schema.Amount{
		{Name: "neurons", Used: float64(c.Neurons()), Limit: float64(r.limits().neurons)},
		{Name: "synapse words", Used: float64(c.Words), Limit: float64(r.limits().words)},
		{Name: "input axons", Used: float64(c.Inputs), Limit: shown(r.limits().inputs)},
		{Name: "output axons", Used: float64(c.Outputs), Limit: shown(r.limits().outputs)},
	}
}
