package mapping

import (
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// searchWork bounds the search for tiles of all layers: elements and neurons that are looked at.
const searchWork = 100_000_000

// tiling is a layer in tiles.
type tiling struct {
	tiles []*Tile
	cost  float64 // in cores: the tiles, and what the copies of the sources take
}

// shape is tiles of so many rows and columns; the first of either have offset of them, where that is not 0.
type shape struct{ rows, cols, top, left int }

// spans cuts so many places into pieces of a size, of which the first is offset.
func spans(places, size, offset int) []span {
	var out []span
	for from := 0; from < places; {
		to := min(from+size, places)
		if from == 0 && offset > 0 {
			to = min(offset, places)
		}
		out = append(out, span{from, to})
		from = to
	}
	return out
}

// cut cuts a layer into tiles of a shape, and of as many channels as fit. Each neuron is there as often as copies
// says. It returns nil where that does not fit, or where it comes to more than a cost.
func (m *Map) cut(l *Layer, copies []int, x shape, most float64, seen *marks) *tiling {
	t := &tiling{}
	across := spans(l.dims[2], x.cols, x.left)
	room := (Axons - len(l.On)) / l.Axons
	for _, rows := range spans(l.dims[1], x.rows, x.top) {
		for _, cols := range across {
			b := box{{0, 0}, rows, cols}
			for b[0].from < l.dims[0] {
				tile := l.fill(&b, copies, room, seen, &m.work)
				if tile == nil {
					return nil
				}
				t.tiles = append(t.tiles, tile)
				t.cost++
				for _, s := range tile.Sources {
					if l.feeds[s.Synapses].from != nil {
						t.cost += float64(l.Axons) / Neurons
					}
				}
				if t.cost > most {
					return nil
				}
				b[0].from = b[0].to
			}
		}
	}
	return t
}

// fill makes a tile of the rows and columns of a box and of as many channels from its first on as fit, to where it sets the end of the
// box. It returns nil where not even one does.
func (l *Layer) fill(b *box, copies []int, room int, seen *marks, work *int) *Tile {
	tile := &Tile{Layer: l}
	seen.clear()
	add := func(f *feed, part box) bool {
		return f.elements(part, func(e int) bool {
			*work--
			if seen.add(f.base + e) {
				s := f.source
				s.Element = e
				tile.Sources = append(tile.Sources, s)
			}
			return len(tile.Sources) <= room
		})
	}
	for _, f := range l.feeds {
		if !f.channelled() && !add(f, *b) {
			return nil
		}
	}
	for c := b[0].from; c < l.dims[0]; c++ {
		part := *b
		part[0] = span{c, c + 1}
		before, had := len(tile.Sources), tile.copies
		fits := true
		for _, f := range l.feeds {
			if f.channelled() {
				fits = fits && add(f, part)
			}
		}
		n := len(tile.Elements)
		for y := b[1].from; fits && y < b[1].to; y++ {
			for x := b[2].from; x < b[2].to; x++ {
				e := (c*l.dims[1]+y)*l.dims[2] + x
				tile.Elements = append(tile.Elements, e)
				tile.copies += copies[e]
			}
			fits = tile.copies <= Neurons
			*work -= b[2].to - b[2].from
		}
		if !fits {
			if c == b[0].from {
				return nil
			}
			tile.Sources, tile.copies, tile.Elements = tile.Sources[:before], had, tile.Elements[:n]
			break
		}
		b[0].to = c + 1
	}
	tile.axons = len(tile.Sources)*l.Axons + len(l.On)
	return tile
}

// tile searches the sizes of tiles for the cheapest. It returns nil where there is none.
func (m *Map) tile(l *Layer, copies []int) *tiling {
	seen := newMarks(l.elements)
	least := slices.Min(copies)
	var best *tiling
	stride := 1 // of a transposed convolution: outputs whose inputs are the same lie side by side, and begin at some place of each stride
	for _, f := range l.feeds {
		if f.s.Kind == schema.Deconv {
			stride = max(stride, f.s.Stride)
		}
	}
	var shapes []shape
	for rows := 1; rows <= min(l.dims[1], Neurons); rows++ {
		for cols := 1; cols <= min(l.dims[2], Neurons/rows); cols++ {
			if rows*cols*least <= Neurons {
				for top := range min(rows, stride) {
					for left := range min(cols, stride) {
						shapes = append(shapes, shape{rows, cols, top, left})
					}
				}
			}
		}
	}
	slices.SortStableFunc(shapes, func(a, b shape) int { return b.rows*b.cols - a.rows*a.cols })
	room := (Axons - len(l.On)) / l.Axons
	for _, s := range shapes {
		if m.work < 0 && best != nil {
			m.Cut = true
			break
		}
		// A tile from the middle is the first to be too large.
		down, across := spans(l.dims[1], s.rows, s.top), spans(l.dims[2], s.cols, s.left)
		b := box{{0, 0}, down[len(down)/2], across[len(across)/2]}
		if l.fill(&b, copies, room, seen, &m.work) == nil {
			continue
		}
		most := 1e300
		if best != nil {
			most = best.cost - 1e-9
		}
		if t := m.cut(l, copies, s, most, seen); t != nil {
			best = t
		}
	}
	return best
}
