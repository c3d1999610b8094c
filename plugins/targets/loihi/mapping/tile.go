package mapping

import (
	"encoding/binary"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// tiling cuts a layer into cores that hold h x w pixels of c channels each, or c outputs of a dense layer.
type tiling struct {
	h, w, c    int
	rows, cols *strip
	parts      int // cores that share the channels
	cores      int
	words      int64 // of the fullest core
	inputs     int   // input axons of the fullest core
	total      int64 // words of all cores
}

// neurons returns how many the fullest core holds.
func (t *tiling) neurons() int { return t.h * t.w * t.c }

// strip cuts one side of a map into tiles of the same size, the last of which may be smaller.
type strip struct {
	tiles int
	kinds []stripKind
	kind  []int   // of each tile
	cover [][]int // of each group: how many tiles each of its inputs reaches
	most  map[[2]int]int
}

// stripKind is tiles whose inputs reach them in the same way.
type stripKind struct {
	size   int
	count  int
	groups []reach
}

// reach is how the inputs of a group reach a tile: classes of inputs with the same valid kernel places.
type reach struct {
	inputs  int
	classes []reachClass
}

type reachClass struct {
	kernel, n int   // the first valid kernel place, and how many there are
	first     []int // for each input of the class the first output of the tile that it reaches
}

// key appends what tells kinds apart.
func (k *stripKind) key(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(k.size))
	for _, r := range k.groups {
		b = binary.AppendUvarint(b, uint64(len(r.classes)))
		for _, c := range r.classes {
			b = binary.AppendUvarint(b, uint64(c.kernel))
			b = binary.AppendUvarint(b, uint64(c.n))
			b = binary.AppendUvarint(b, uint64(len(c.first)))
			for _, first := range c.first {
				b = binary.AppendUvarint(b, uint64(first))
			}
		}
	}
	return b
}

func (g *group) axis(vertical bool) circuit.Axis {
	if vertical {
		return g.Rows
	}
	return g.Cols
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// budget bounds a search by the work it does, so that its end does not depend on the machine.
type budget struct{ left int }

func (b *budget) spend(work int) bool {
	b.left -= work
	return b.left >= 0
}

// cut returns the strip of tiles of a size; nil where the work is too much.
func (l *layer) cut(vertical bool, size int, work *budget) *strip {
	length := l.Width
	if vertical {
		length = l.Height
	}
	s := &strip{tiles: ceilDiv(length, size), cover: make([][]int, len(l.groups)), most: map[[2]int]int{}}
	for i := range l.groups {
		x := l.groups[i].axis(vertical)
		if !work.spend(x.In) {
			return nil
		}
		s.cover[i] = make([]int, x.In)
	}
	seen := map[string]int{}
	var key []byte
	for a := 0; a < length; a += size {
		b := min(a+size, length)
		k := stripKind{size: b - a, count: 1}
		for i := range l.groups {
			x, tile := l.groups[i].axis(vertical), circuit.Span{From: a, To: b}
			var r reach
			if !work.spend(2 * max(x.Inputs(b-1).To-x.Inputs(a).From, 1)) {
				return nil
			}
			for in := range x.InputsOf(tile) {
				outs := x.Outputs(in).Within(tile)
				kernel := x.Tap(in, outs.From)
				s.cover[i][in]++
				r.inputs++
				c := slices.IndexFunc(r.classes, func(c reachClass) bool { return c.kernel == kernel && c.n == outs.Len() })
				if c < 0 {
					c = len(r.classes)
					r.classes = append(r.classes, reachClass{kernel: kernel, n: outs.Len()})
					if !work.spend(c) {
						return nil
					}
				}
				r.classes[c].first = append(r.classes[c].first, outs.From-a)
			}
			k.groups = append(k.groups, r)
		}
		key = k.key(key[:0])
		if j, ok := seen[string(key)]; ok {
			s.kinds[j].count++
			s.kind = append(s.kind, j)
			continue
		}
		seen[string(key)] = len(s.kinds)
		s.kind = append(s.kind, len(s.kinds))
		s.kinds = append(s.kinds, k)
	}
	return s
}

// reached returns, for group i, the greatest sum of what `size` neighbours among its inputs reach that begin at a multiple of
// size: how often a tile of the source sends a row or column. It is kept; where the work is too much, it is too many.
func (s *strip) reached(i, size int, work *budget) int {
	best, ok := s.most[[2]int{i, size}]
	if ok {
		return best
	}
	if !work.spend(len(s.cover[i])) {
		return maxOutputs + 1
	}
	sum := 0
	for k, n := range s.cover[i] {
		if k%size == 0 {
			sum = 0
		}
		sum += n
		best = max(best, sum)
	}
	s.most[[2]int{i, size}] = best
	return best
}

// overrun is a limit of a core that no tile keeps: the least that any tile needs.
type overrun struct {
	what         string
	needs, limit int64
}

func (o *overrun) lower(what string, needs, limit int64) {
	if o.what == "" || float64(needs)/float64(limit) < float64(o.needs)/float64(o.limit) {
		*o = overrun{what, needs, limit}
	}
}

// fill computes what the fullest core of a tiling holds; it reports false where a limit is passed, which it notes.
func (l *layer) fill(t *tiling, rule rules, over *overrun, work *budget) bool {
	limit := rule.limits()
	last := l.Channels - (t.parts-1)*t.c
	for i := range t.rows.kinds {
		for j := range t.cols.kinds {
			r, c := &t.rows.kinds[i], &t.cols.kinds[j]
			inputs := l.axons(r, c, t.c)
			if t.inputs = max(t.inputs, inputs); inputs > limit.inputs {
				over.lower("input axons", int64(inputs), int64(limit.inputs))
				return false
			}
			full, ok := l.memory(r, c, t.c, rule, work)
			if !ok {
				return false
			}
			if t.words = max(t.words, full); full > limit.words {
				over.lower("synapse words", full, limit.words)
				return false
			}
			rest := full
			if last != t.c {
				if rest, ok = l.memory(r, c, last, rule, work); !ok {
					return false
				}
			}
			t.total += int64(r.count*c.count) * (int64(t.parts-1)*full + rest)
		}
	}
	return true
}

// axons is the input axons of a core with channels of the tile r x c: one for each input of a dense group, one for each neuron where
// they lie side by side, and one for each pixel of a map.
func (l *layer) axons(r, c *stripKind, channels int) int {
	n := 0
	for g := range l.groups {
		switch l.groups[g].Kind {
		case schema.Dense:
			n += l.groups[g].View.Channels
		case schema.Same:
			n += r.size * c.size * channels
		default:
			n += r.groups[g].inputs * c.groups[g].inputs
		}
	}
	return n
}

// memory is the synapse words of a core with channels of the tile r x c. Compartments are numbered row by row, channels
// last. Pixels with the same valid kernel places share one block of weights in the sparse format, whose indices count from
// the pixel's first compartment; a base reaches one window, so that blocks of later windows are others (nengo-loihi, conv.py).
func (l *layer) memory(r, c *stripKind, channels int, rule rules, work *budget) (int64, bool) {
	if rule.second {
		return l.memory2(r.size*c.size*channels, channels, rule.bits), true
	}
	var sum int64
	for g := range l.groups {
		p := rule.bits + l.groups[g].delay
		switch l.groups[g].Kind {
		case schema.Dense:
			sum += int64(l.groups[g].View.Channels) * words(int64(r.size*c.size*channels), p)
			continue
		case schema.Same:
			sum += int64(r.size*c.size*channels) * words(1, p+indexBits(maxCompartments-1))
			continue
		}
		in := int64(l.groups[g].View.Channels)
		if l.groups[g].Kind == schema.Pool { // an atom's entries are those of its own channel
			in = 1
		}
		for _, y := range r.groups[g].classes {
			for _, x := range c.groups[g].classes {
				if !work.spend(len(y.first) * len(x.first)) {
					return 0, false
				}
				seen := 0 // windows, of which a core has at most four
				for _, y0 := range y.first {
					for _, x0 := range x.first {
						seen |= 1 << ((y0*c.size + x0) * channels / window)
					}
				}
				n := in * int64(y.n*x.n*channels)
				for w := 0; seen>>w != 0; w++ {
					if seen>>w&1 == 1 {
						most := ((y.n-1)*c.size+x.n)*channels - 1 + w*window
						sum += words(n, p+indexBits(most))
					}
				}
			}
		}
	}
	return sum, true
}

// maxTilings bounds how many tilings of a layer are tried together with those of others.
const maxTilings = 256

// tilings returns the tilings of a layer that keep the limits of a core except the output axons, those with the fewest cores
// first: for each tile of pixels the one with the most channels, which is better than its like in all that counts, or with
// single set, where its neurons have output axons of their own, with each number of channels. cut is set where the search
// was ended early. Where there is none, over says why.
func (l *layer) tilings(r rules, single bool, work *budget) (found []*tiling, over overrun, cut bool) {
	rows, cols := map[int]*strip{}, map[int]*strip{}
	strips := func(m map[int]*strip, vertical bool, size int) *strip {
		if _, ok := m[size]; !ok {
			m[size] = l.cut(vertical, size, work)
		}
		return m[size]
	}
	try := func(h, w, c int) (*tiling, bool) {
		t := &tiling{h: h, w: w, c: c, parts: ceilDiv(l.Channels, c)}
		if t.rows, t.cols = strips(rows, true, h), strips(cols, false, w); t.rows == nil || t.cols == nil {
			cut = true
			return nil, false
		}
		t.cores = t.rows.tiles * t.cols.tiles * t.parts
		return t, l.fill(t, r, &over, work)
	}
	if r.second {
		for _, s := range l.halves() {
			if s[0]*s[1]*s[2] > r.limits().neurons {
				continue
			}
			if t, ok := try(min(s[0], l.Height), min(s[1], l.Width), s[2]); ok {
				return []*tiling{t}, over, cut
			} else if cut = cut || work.left < 0; cut {
				return nil, over, cut
			}
		}
		return nil, over, cut
	}
	for _, h := range sizes(l.Height, maxCompartments) {
		for _, w := range sizes(l.Width, maxCompartments/h) {
			for _, c := range sizes(l.Channels, maxCompartments/h/w) {
				t, ok := try(h, w, c)
				if work.left < 0 {
					cut = true
					break
				}
				if ok {
					found = append(found, t)
				}
				if ok && !single {
					break
				}
			}
		}
	}
	slices.SortStableFunc(found, func(a, b *tiling) int { return a.cores - b.cores })
	if len(found) > maxTilings { // and the smallest tiles, which ask least of the layer before
		found, cut = append(found[:maxTilings-1], found[len(found)-1]), true
	}
	return found, over, cut
}

// sizes returns the sizes up to most of equal parts of n, the greatest first.
func sizes(n, most int) []int {
	var out []int
	for size := ceilDiv(n, ceilDiv(n, most)); ; size = ceilDiv(n, ceilDiv(n, size-1)) {
		if out = append(out, size); size == 1 {
			return out
		}
	}
}
