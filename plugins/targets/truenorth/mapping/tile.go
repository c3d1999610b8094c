package mapping

import (
	"slices"

	"snnc.dev/snnc/plugins/sdk/circuit"
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
func spans(places, size, offset int) []circuit.Span {
	var out []circuit.Span
	for from := 0; from < places; {
		to := min(from+size, places)
		if from == 0 && offset > 0 {
			to = min(offset, places)
		}
		out = append(out, circuit.Span{From: from, To: to})
		from = to
	}
	return out
}

// cut cuts a layer into tiles of a shape, and of as many channels as fit. Each neuron is there as often as copies
// says. It returns nil where that does not fit, or where it comes to more than a cost.
func (m *Map) cut(l *Layer, copies []int, x shape, most float64, seen *marks) *tiling {
	t := &tiling{}
	across := spans(l.dims.Width, x.cols, x.left)
	room := (Axons - len(l.On)) / l.Axons
	for _, rows := range spans(l.dims.Height, x.rows, x.top) {
		for _, cols := range across {
			b := box{1: rows, 2: cols}
			for b[0].From < l.dims.Channels {
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
				b[0].From = b[0].To
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
		if !f.Channelled() && !add(f, *b) {
			return nil
		}
	}
	for c := b[0].From; c < l.dims.Channels; c++ {
		part := *b
		part[0] = circuit.One(c)
		before, had := len(tile.Sources), tile.copies
		fits := true
		for _, f := range l.feeds {
			if f.Channelled() {
				fits = fits && add(f, part)
			}
		}
		n := len(tile.Elements)
		for y := b[1].From; fits && y < b[1].To; y++ {
			for x := b[2].From; x < b[2].To; x++ {
				e := l.dims.At(c, y, x)
				tile.Elements = append(tile.Elements, e)
				tile.copies += copies[e]
			}
			fits = tile.copies <= Neurons
			*work -= b[2].Len()
		}
		if !fits {
			if c == b[0].From {
				return nil
			}
			tile.Sources, tile.copies, tile.Elements = tile.Sources[:before], had, tile.Elements[:n]
			break
		}
		b[0].To = c + 1
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
		if f.Rows.Transposed {
			stride = max(stride, f.Rows.Stride)
		}
	}
	var shapes []shape
	for rows := 1; rows <= min(l.dims.Height, Neurons); rows++ {
		for cols := 1; cols <= min(l.dims.Width, Neurons/rows); cols++ {
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
		down, across := spans(l.dims.Height, s.rows, s.top), spans(l.dims.Width, s.cols, s.left)
		b := box{1: down[len(down)/2], 2: across[len(across)/2]}
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
