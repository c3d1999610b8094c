package emulator

import (
	"math/bits"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Program is a network made ready to be computed. It does not change, and many States run it at the same time.
type Program struct {
	net       *Network
	dialect   Dialect
	groups    []group
	inputs    []int // sizes
	synapses  []synapses
	into      [][]int // synapses onto each group
	history   int     // steps for which spikes are kept
	sources   map[string]int
	receivers []bool // inputs and groups that something comes from
}

// group is the registers of a group as they are computed with. Compartments are kept channels last, so that what one spike reaches
// lies side by side.
type group struct {
	size          int
	order         []int32 // where compartment i is kept; nil: at i
	back          []int32 // and what is kept at i
	keepU, keepV  int64   // 4096 - k
	threshold     int64
	vmin, vmax    int64
	bias          []int32 // as kept, effective; nil: 0
	biasExp       int
	start         []int32
	refract, hold int32
	resetBy       int64 // 0: to 0
	noise         *Noise
	plain         bool // no compartment rests, nothing is drawn, and membranes have 32 bits whatever is added
}

// synapses are what a spike of each element of a source adds: runs of compartments side by side, each with a row of weights.
type synapses struct {
	source  int // inputs first, then groups
	delay   int // steps from the spike to the sum
	first   []int32
	runs    []run
	weights []int32
	late    uint // lava: the sum of these synapses is shifted by so many bits, and to a multiple of 64
	events  []int32
	// packed has, where every run is of one compartment, in place of runs and weights such for each block of the target.
	packed []packed
	shift  uint // of their weights
	fan    int  // synapses of an element, about
}

// packed are the synapses onto a block, a word for each, by source: the compartment in the upper bits, and in the lower nine what the
// weight is before it is shifted. A spike reaches synapses that lie apart in memory: what is read of them, and that the sums of a block
// stay in a cache, decides how fast it is.
type packed struct {
	first []int32
	words []uint32
}

const mantissaBits = 9

type run struct{ at, row, n int32 }

// Compile makes a validated network ready.
func Compile(n *Network) (*Program, error) {
	if err := n.Validate(); err != nil {
		return nil, err
	}
	if err := n.held(); err != nil {
		return nil, err
	}
	p := &Program{net: n, dialect: n.Dialect, sources: map[string]int{}, into: make([][]int, len(n.Groups))}
	if p.dialect == "" {
		p.dialect = Chip
	}
	for i, in := range n.Inputs {
		p.sources[in.Name] = i
		p.inputs = append(p.inputs, circuit.Size(in.Dims))
	}
	for i := range n.Groups {
		p.sources[n.Groups[i].Name] = len(n.Inputs) + i
		p.groups = append(p.groups, n.group(&n.Groups[i]))
	}
	p.receivers = make([]bool, len(p.inputs)+len(p.groups))
	for i := range n.Synapses {
		s := &n.Synapses[i]
		for _, delay := range s.delays() {
			made := p.connect(s, delay)
			target := p.sources[s.To] - len(p.inputs)
			p.into[target] = append(p.into[target], len(p.synapses))
			p.synapses = append(p.synapses, made)
			p.history = max(p.history, made.delay+1)
			p.receivers[made.source] = true
		}
	}
	return p, nil
}

// delays lists the delays that there are.
func (s *Synapses) delays() []int {
	if len(s.Delays) == 0 {
		return []int{s.Delay}
	}
	out := slices.Clone(s.Delays)
	slices.Sort(out)
	return slices.Compact(out)
}

func (n *Network) group(g *Group) group {
	offsetU, offsetV := 1, 0
	if n.OffsetU != nil {
		offsetU = *n.OffsetU
	}
	if n.OffsetV != nil {
		offsetV = *n.OffsetV
	}
	out := group{size: circuit.Size(g.Dims), keepU: int64(full - g.DecayU - offsetU), keepV: int64(full - g.DecayV - offsetV), threshold: int64(g.Threshold) * unit,
		refract: int32(max(g.Refract, 1)), hold: int32(g.Hold), resetBy: int64(g.ResetBy), biasExp: g.BiasExp, noise: g.Noise}
	out.vmin, out.vmax = g.clips()
	if len(g.Dims) == 3 && g.Dims[0] > 1 && g.Dims[1]*g.Dims[2] > 1 {
		channels, places := g.Dims[0], g.Dims[1]*g.Dims[2]
		out.order, out.back = make([]int32, out.size), make([]int32, out.size)
		for c := range channels {
			for k := range places {
				out.order[c*places+k] = int32(k*channels + c)
				out.back[k*channels+c] = int32(c*places + k)
			}
		}
	}
	if g.Bias != nil {
		out.bias = make([]int32, padded(out.size))
		for i := range out.size {
			out.bias[out.at(i)] = g.Bias.at(i) << g.BiasExp
		}
	}
	if g.Start != nil {
		out.start = make([]int32, out.size)
		for i := range out.start {
			out.start[out.at(i)] = g.Start.at(i)
		}
	}
	out.plain = g.Noise == nil && out.refract == 1 && out.hold == 0 && out.vmin >= -1<<30
	if out.keepU < 0 {
		out.keepU = 0
	}
	if out.keepV < 0 {
		out.keepV = 0
	}
	return out
}

// reset is what a spike leaves of a membrane.
func (g *group) reset(v int64) int64 {
	if g.resetBy == 0 {
		return 0
	}
	return v - g.resetBy
}

// at is where compartment i is kept.
func (g *group) at(i int) int {
	if g.order == nil {
		return i
	}
	return int(g.order[i])
}

// compartment is what is kept at i.
func (g *group) compartment(i int) int {
	if g.back == nil {
		return i
	}
	return int(g.back[i])
}

// edge is one run while synapses are gathered.
type edge struct {
	source int32
	run
}

// connect makes the synapses of a delay.
func (p *Program) connect(s *Synapses, delay int) synapses {
	source := p.sources[s.From]
	target := p.sources[s.To] - len(p.inputs)
	g := &p.groups[target]
	out := synapses{source: source, delay: delay}
	if source >= len(p.inputs) || p.dialect == Lava { // lava's Dense hands on in the next step what it gets from anybody
		out.delay++
	}
	sign := s.Sign
	if sign == "" {
		sign = Mixed
	}
	weight := func(w int32) int32 {
		m := int(w)
		if p.dialect != Chip {
			m = Mantissa(m, s.Bits, sign, p.dialect)
		}
		if p.dialect == Lava && s.Exponent < 0 {
			return int32(m)
		}
		return int32(Effective(m, s.Exponent, p.dialect))
	}
	if p.dialect == Lava && s.Exponent < 0 {
		out.late = uint(-s.Exponent)
	}
	elements := 0
	if source < len(p.inputs) {
		elements = p.inputs[source]
	} else {
		elements = p.groups[source-len(p.inputs)].size
	}
	var edges []edge
	if s.Kind == list {
		if len(s.Delays) == 0 {
			edges, out.weights = make([]edge, 0, len(s.Weights.List)), make([]int32, 0, len(s.Weights.List))
		}
		for i, w := range s.Weights.List {
			if len(s.Delays) > 0 && s.Delays[i] != delay {
				continue
			}
			edges = append(edges, edge{int32(s.Sources[i]), run{int32(g.at(s.Targets[i])), int32(len(out.weights)), 1}})
			out.weights = append(out.weights, weight(w))
		}
		out.gather(edges, elements, g.size)
		return out
	}
	from, to := p.dims(source), p.net.Groups[target].Dims
	geometry := s.geometry(from, to)
	element := circuit.Elements(geometry.View)
	list := s.Weights.List
	switch geometry.Kind {
	case schema.Dense:
		in := len(element)
		out.weights = make([]int32, len(list))
		for i := range list {
			t, e := i/in, i%in
			out.weights[e*g.size+g.at(t)] = weight(list[i])
		}
		for e, at := range element {
			edges = append(edges, edge{int32(at), run{0, int32(e * g.size), int32(g.size)}})
		}
	case schema.Conv, schema.Deconv:
		edges = out.convolve(&geometry, element, to, list, weight)
	default: // one weight
		out.weights = []int32{weight(list[0])}
		for c := range circuit.Connections(&geometry, to) {
			edges = append(edges, edge{int32(c.Source), run{int32(g.at(c.Target)), 0, 1}})
		}
	}
	out.gather(edges, elements, g.size)
	return out
}

func (p *Program) dims(source int) []int {
	if source < len(p.inputs) {
		return p.net.Inputs[source].Dims
	}
	return p.net.Groups[source-len(p.inputs)].Dims
}

// convolve lays the weights out as [in][ky][kx][out], with the places kx in the order in which a spike needs them from left to right, so
// that there is a run for each element and row of the map that it reaches.
func (x *synapses) convolve(s *schema.Synapses, element []int, to []int, list []int32, weight func(int32) int32) (edges []edge) {
	g := circuit.GeometryOf(s, to)
	outs, high, wide := g.Neurons.Channels, g.Rows.Kernel, g.Cols.Kernel
	order := make([]int, 0, wide) // places of the kernel
	if g.Cols.Transposed {
		for k := range wide {
			order = append(order, k)
		}
	} else { // one neuron further to the right, a stride further to the left in the kernel
		for first := range min(g.Cols.Stride, wide) {
			for k := first + (wide-1-first)/g.Cols.Stride*g.Cols.Stride; k >= 0; k -= g.Cols.Stride {
				order = append(order, k)
			}
		}
	}
	at := make([]int, wide)
	for i, k := range order {
		at[k] = i
	}
	x.weights = make([]int32, 0, len(list))
	for c := range g.View.Channels {
		for row := range high {
			for _, col := range order {
				for o := range outs {
					x.weights = append(x.weights, weight(list[g.Weight(c, o, row, col)]))
				}
			}
		}
	}
	for place, from := range element {
		c, y, z := g.View.Place(place)
		rows, cols := g.Rows.Outputs(y), g.Cols.Outputs(z)
		if cols.Len() == 0 {
			continue
		}
		first := at[g.Cols.Tap(z, cols.From)]
		for row := rows.From; row < rows.To; row++ {
			w := ((c*high+g.Rows.Tap(y, row))*wide + first) * outs
			edges = append(edges, edge{int32(from), run{int32((row*g.Neurons.Width + cols.From) * outs), int32(w), int32(cols.Len() * outs)}})
		}
	}
	return edges
}

// gather sorts runs onto so many compartments by source, keeping their order.
func (x *synapses) gather(edges []edge, elements, size int) {
	x.first = make([]int32, elements+1)
	x.events = make([]int32, elements)
	for _, e := range edges {
		x.first[e.source+1]++
		x.events[e.source] += e.n
	}
	for i := range elements {
		x.first[i+1] += x.first[i]
	}
	x.runs = make([]run, len(edges))
	at := slices.Clone(x.first)
	for _, e := range edges {
		x.runs[at[e.source]] = e.run
		at[e.source]++
	}
	x.pack(size)
}

// pack packs synapses onto so many compartments whose runs are of one each, if their weights fit.
func (x *synapses) pack(size int) {
	if x.late > 0 || slices.ContainsFunc(x.runs, func(r run) bool { return r.n != 1 }) {
		return
	}
	all := uint32(0)
	for _, w := range x.weights {
		all |= uint32(w)
	}
	if all != 0 {
		x.shift = uint(bits.TrailingZeros32(all))
	}
	const most = 1 << (mantissaBits - 1)
	if slices.ContainsFunc(x.weights, func(w int32) bool { return w>>x.shift < -most || w>>x.shift >= most }) {
		return
	}
	elements := len(x.first) - 1
	x.fan = len(x.runs)/max(elements, 1) + 1
	x.packed = make([]packed, blocks(size))
	for k := range x.packed {
		x.packed[k].first = make([]int32, elements+1)
	}
	for e := range elements {
		for _, r := range x.runs[x.first[e]:x.first[e+1]] {
			b := &x.packed[r.at/blockSize]
			b.words = append(b.words, uint32(r.at%blockSize)<<mantissaBits|uint32(x.weights[r.row]>>x.shift)&(1<<mantissaBits-1))
		}
		for k := range x.packed {
			x.packed[k].first[e+1] = int32(len(x.packed[k].words))
		}
	}
	x.runs, x.weights, x.first, x.events = nil, nil, nil, nil
}

// mix is a number of 64 bits that looks random, from others (the finaliser of SplitMix64, Steele et al. 2014, over each in turn).
func mix(x ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, v := range x {
		h ^= v
		h += 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

// draw returns a whole number from -127 to 127, each as likely.
func draw(x ...uint64) int64 {
	high, _ := bits.Mul64(mix(x...), 255)
	return int64(high) - 127
}
