package mapping

import "snnc.dev/snnc/plugins/schema"

// halves lists the tiles {rows, columns, channels} in which Loihi 2 is tried, the largest first: of the whole height and all channels and of
// a power of two of columns, as the tiles are that Intel's compiler prints of PilotNet. A tile counts as whole where it hangs over the map:
// 20 columns of 2 x 64 are two tiles of 16 and not one of 32, which would be 4,096 neurons. What follows behind the single column, powers of
// two of rows and then of channels in equal parts, is printed of no network.
func (l *layer) halves() (tiles [][3]int) {
	power := func(n int) int {
		p := 1
		for p < n {
			p *= 2
		}
		return p
	}
	for w := power(l.Width); w >= 1; w /= 2 {
		tiles = append(tiles, [3]int{l.Height, w, l.Channels})
	}
	for h := power(l.Height) / 2; h >= 1; h /= 2 {
		tiles = append(tiles, [3]int{h, 1, l.Channels})
	}
	for _, c := range sizes(l.Channels, l.Channels) {
		if c < l.Channels {
			tiles = append(tiles, [3]int{1, 1, c})
		}
	}
	return tiles
}

// memory2 is the synapse words of a core of Loihi 2 with so many neurons in so many channels. A convolution is stored once, a row of the
// channels' weights for each place of the kernel and channel that comes in, packed into words; this is what the compiler prints of PilotNet's
// five. Dense weights are stored beside an index of 10 bits, in blocks as Loihi's: of 8 bits they take the 1,500, 150 and 10 words that it
// prints of PilotNet's last layers.
func (l *layer) memory2(neurons, channels, bits int) (sum int64) {
	row := (int64(channels)*int64(bits) + 63) / 64
	for i := range l.groups {
		g := &l.groups[i]
		p := bits + g.delay + max(10, indexBits(neurons-1))
		places := int64(g.Rows.Kernel) * int64(g.Cols.Kernel)
		switch g.Kind {
		case schema.Dense:
			sum += int64(g.View.Channels) * words(int64(neurons), p)
		case schema.Same:
			sum += int64(neurons) * words(1, p)
		case schema.Pool:
			sum += places * row
		default:
			sum += places * int64(g.View.Channels) * row
		}
	}
	return sum
}
