package mapping

import "slices"

// spread cuts the layers of a circuit into tiles, from the last on, since how often a neuron has to be there depends on the tiles that
// take in its spikes; puts relays where they are cheaper than copies; and finds the ticks of all.
func (m *Map) spread(layers []*Layer) {
	var all []*Layer // the last first
	for _, l := range slices.Backward(layers) {
		made := m.layer(l, layers)
		all = append(append(all, made...), l)
	}
	slices.Reverse(all)
	m.Layers = append(m.Layers, all...)
	times(all)
}

// layer cuts one layer whose demands are known, and hands on its own demands. It returns the relays behind it, the last first.
func (m *Map) layer(l *Layer, layers []*Layer) (made []*Layer) {
	for _, q := range layers {
		hops := l.far[q]
		if hops == 0 {
			continue
		}
		way := make([][]demand, len(l.demands)) // what leads to q
		for e, list := range l.demands {
			near := list[:0:0]
			for _, d := range list {
				if d.tile != nil && d.tile.Layer == q {
					way[e] = append(way[e], d)
				} else {
					near = append(near, d)
				}
			}
			l.demands[e] = near
		}
		for i := 1; i <= hops; i++ {
			r := l.relays(way)
			r.until, r.left = q, i
			way = r.feed(len(l.demands))
			made = append(made, r)
		}
		for e := range way {
			l.demands[e] = append(l.demands[e], way[e]...)
		}
	}
	// Copies of a neuron in its own core, or fewer of them and relays, of which several may lie one behind the other.
	var best *tiling
	var used []*Layer
	demands, relays := l.demands, []*Layer(nil)
	cost := 0.0
	for {
		if n := counts(demands); slices.Max(n) <= Neurons {
			if t := m.tile(l, n); t != nil && (best == nil || t.cost+cost < best.cost-1e-9) {
				best = t
				best.cost += cost
				used, l.demands = relays, demands
			}
		}
		if slices.Max(counts(demands)) == 1 {
			break
		}
		one, several := make([][]demand, len(demands)), make([][]demand, len(demands))
		for e, list := range demands {
			if len(list) > 1 {
				several[e] = list
			} else {
				one[e] = list
			}
		}
		r := l.relays(several)
		if cost += float64(len(r.Tiles)); best != nil && cost >= best.cost {
			break
		}
		relays = append(slices.Clone(relays), r)
		for e, list := range r.feed(len(demands)) {
			one[e] = append(one[e], list...)
		}
		demands = one
	}
	made = append(made, used...)
	l.Tiles = best.tiles
	for _, t := range l.Tiles {
		l.Copies += t.copies
		for i, s := range t.Sources {
			if from := l.feeds[s.Synapses].from; from != nil {
				for k := range l.Axons {
					from.demands[s.Element] = append(from.demands[s.Element], demand{t, i*l.Axons + k})
				}
			}
		}
	}
	return made
}

// counts returns how often neurons have to be there: once where nobody wants their spikes.
func counts(demands [][]demand) []int {
	out := make([]int, len(demands))
	for i, list := range demands {
		out[i] = max(1, len(list))
	}
	return out
}

// relays returns a layer that serves demands on elements of a layer: neurons that fire when their only axon brings a spike, each there
// as often as it has demands. An element with more of them than a core has neurons is relayed by several. A core of relays takes in
// 256 / f elements of f demands each.
func (l *Layer) relays(demands [][]demand) *Layer {
	r := &Layer{Name: l.Name, Circuit: l.Circuit, Population: -1, Axons: 1, FanIn: 1, far: map[*Layer]int{}}
	var t *Tile
	for e, list := range demands {
		for len(list) > 0 {
			n := min(len(list), Neurons)
			if t == nil || t.copies+n > Neurons || t.axons == Axons {
				t = &Tile{Layer: r}
				r.Tiles = append(r.Tiles, t)
			}
			t.Elements = append(t.Elements, len(r.demands))
			t.Sources = append(t.Sources, Source{Index: l.Population, Element: e})
			t.axons++
			t.copies += n
			r.demands = append(r.demands, list[:n])
			r.Copies += n
			list = list[n:]
		}
	}
	r.Size = len(r.demands)
	return r
}

// feed returns the demands of relays on the elements of what they relay, of which there are so many.
func (l *Layer) feed(elements int) [][]demand {
	out := make([][]demand, elements)
	for _, t := range l.Tiles {
		for i, s := range t.Sources {
			out[s.Element] = append(out[s.Element], demand{t, i})
		}
	}
	return out
}

// times finds the ticks of the layers of a circuit, sources first: a spike takes at least one tick, and all inputs of a layer come
// together. Relays on a long way wait as long as they may.
func times(layers []*Layer) {
	sources := map[*Layer][]*Layer{}
	for _, l := range layers {
		for _, list := range l.demands {
			for _, d := range list {
				if d.tile == nil {
					continue
				}
				if q := d.tile.Layer; !slices.Contains(sources[q], l) {
					sources[q] = append(sources[q], l)
				}
			}
		}
	}
	var at func(l *Layer)
	at = func(l *Layer) {
		if l.timed {
			return
		}
		l.timed = true
		for _, s := range sources[l] {
			if at(s); s.Fires+1 > l.Integrates {
				l.Integrates = s.Fires + 1
			}
		}
		l.Fires = l.Integrates
		if l.late {
			l.Fires-- // the membrane of a neuron that is not, and each spike one time step later
		}
	}
	for _, l := range layers {
		if l.until == nil {
			at(l)
		}
	}
	// The way by relays is no longer than that by which the layer's time was found.
	for _, l := range layers {
		if l.until != nil {
			at(l)
			if late := l.until.Integrates - MaxDelay*l.left; late > l.Integrates {
				l.Integrates, l.Fires = late, late
			}
		}
	}
}

// deliver turns demands into targets with delays.
func (m *Map) deliver() {
	for _, l := range m.Layers {
		for _, t := range l.Tiles {
			t.Targets = make([][]Target, len(t.Elements))
			for i, e := range t.Elements {
				for _, d := range l.demands[e] {
					if d.tile == nil {
						t.Targets[i] = append(t.Targets[i], Target{Host: true})
						continue
					}
					t.Targets[i] = append(t.Targets[i], Target{Tile: d.tile, Axon: d.axon, Delay: d.tile.Layer.Integrates - l.Fires})
				}
				if len(t.Targets[i]) == 0 {
					t.Targets[i] = []Target{{}}
				}
			}
		}
	}
}
