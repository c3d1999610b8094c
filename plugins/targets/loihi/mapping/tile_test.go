package mapping

import (
	"slices"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Words of a full block of 64 dense entries, and how many synapses a core holds at them: the formula of nengo-loihi's
// SynapseConfig.bits_per_axon, ceil((64 p + 10) / 64), evaluated by hand.
func TestWords(t *testing.T) {
	for _, x := range []struct {
		bits    int
		words   int64
		largest int64
	}{{1, 2, 524288}, {2, 3, 349504}, {3, 4, 262144}, {4, 5, 209664}, {5, 6, 174720}, {6, 7, 149760}, {8, 9, 116480}, {9, 10, 104832}} {
		if got := words(64, x.bits); got != x.words {
			t.Errorf("64 synapses of %d bits take %d words, want %d", x.bits, got, x.words)
		}
		if got := maxWords / words(64, x.bits) * 64; got != x.largest {
			t.Errorf("a core holds %d synapses of %d bits, want %d", got, x.bits, x.largest)
		}
	}
	for _, x := range []struct{ n, want int64 }{{0, 0}, {1, 1}, {62, 8}, {63, 9}, {65, 10}} { // 62 * 8 + 10 = 506 <= 512
		if got := words(x.n, 8); got != x.want {
			t.Errorf("%d synapses of 8 bits take %d words, want %d", x.n, got, x.want)
		}
	}
}

// denseLayer is a dense layer that the host feeds.
func denseLayer(in, out int) layer {
	s := schema.Synapses{Kind: schema.Dense, View: schema.View{Dims: []int{in}}}
	return layer{name: "0.linear", kind: "linear", Map: circuit.MapOf([]int{out}), dense: true,
		groups: []group{{Geometry: circuit.GeometryOf(&s, []int{out}), source: -1, tall: 1, wide: 1}}}
}

// mapLayer is a convolution, or a transposed one, between maps of in x inSide^2 and out x outSide^2.
func mapLayer(kind schema.SynapseKind, source, in, inSide, out, outSide, kernel, stride, pad int) layer {
	return convLayer(kind, source, []int{in, inSide, inSide}, []int{out, outSide, outSide}, kernel, stride, pad)
}

func convLayer(kind schema.SynapseKind, source int, in, out []int, kernel, stride, pad int) layer {
	s := schema.Synapses{Kind: kind, View: schema.View{Dims: in}, Kernel: kernel, Stride: stride, Pad: pad}
	return layer{name: "0.conv", kind: "conv", Map: circuit.MapOf(out),
		groups: []group{{Geometry: circuit.GeometryOf(&s, out), source: source, tall: 1, wide: 1, aligned: true}}}
}

// How nengo-loihi's split_blocks cuts dense layers (equal chunks of outputs, the fewest that keep all limits), by hand.
func TestDense(t *testing.T) {
	for _, x := range []struct {
		in, out, bits              int
		axon, all                  int64 // words of one axon and of all, uncut
		cores, chunk, words, input int
	}{
		{784, 512, 8, 72, 56448, 4, 128, 14112, 784},
		{784, 512, 4, 40, 31360, 2, 256, 15680, 784},
		{784, 512, 1, 16, 12544, 1, 512, 12544, 784},
		{512, 1024, 8, 144, 73728, 5, 205, 14848, 512},
		{1024, 1024, 8, 144, 147456, 9, 114, 16384, 1024},
		{256, 784, 8, 111, 28416, 2, 392, 14336, 256},
		{2000, 100, 8, 14, 28000, 2, 50, 14000, 2000},
	} {
		if got := words(int64(x.out), x.bits); got != x.axon || got*int64(x.in) != x.all {
			t.Errorf("%d -> %d: %d words for an axon, %d for all, want %d and %d", x.in, x.out, got, got*int64(x.in), x.axon, x.all)
		}
		p := newSearch().place([]layer{denseLayer(x.in, x.out)}, rules{bits: x.bits})
		got := p.tilings[0]
		if got == nil || got.cores != x.cores || got.c != x.chunk || got.words != int64(x.words) || got.inputs != x.input {
			t.Errorf("%d -> %d at %d bits: %+v, want %+v", x.in, x.out, x.bits, got, x)
		}
	}
}

// The example of a convolution in tiles with shared weights: 16x16x8, kernel 3, 16 channels out, 8 bits. Four tiles of
// 8x8x16, each with 81 input axons. Blocks by the rules of nengo-loihi's conv.py: an interior pixel has 9 * 16 * 8 = 1152
// entries of 8 + 10 bits, 18 blocks of 19 words. Distinct ones take 4144 words.
func TestConvolution(t *testing.T) {
	if got := words(1152, 8+10); got != 342 {
		t.Errorf("an interior pixel takes %d words, want 342", got)
	}
	l := mapLayer(schema.Conv, -1, 8, 16, 16, 16, 3, 1, 1)
	tile := tiled(t, l, 8, 8, 16)
	if tile.cores != 4 || tile.neurons() != 1024 || tile.inputs != 81 || tile.words != 4144 {
		t.Errorf("tiles of 8x8x16: %d cores, %d neurons, %d axons, %d words, want 4, 1024, 81 and 4144", tile.cores, tile.neurons(), tile.inputs, tile.words)
	}
	// Without the rule of the window there are 16 blocks, of 2192 words.
	blocks, sum := 0, int64(0)
	for _, y := range tile.rows.kinds[0].groups[0].classes {
		for _, x := range tile.cols.kinds[0].groups[0].classes {
			blocks++
			sum += words(int64(8*16*y.n*x.n), 8+indexBits(((y.n-1)*8+x.n)*16-1))
		}
	}
	if blocks != 16 || sum != 2192 {
		t.Errorf("%d distinct blocks of %d words, want 16 of 2192", blocks, sum)
	}
}

// tiled cuts a layer of 8-bit weights into tiles of a size.
func tiled(t *testing.T, l layer, h, w, c int) *tiling {
	t.Helper()
	work := &budget{layerWork}
	x := &tiling{h: h, w: w, c: c, parts: ceilDiv(l.Channels, c), rows: l.cut(true, h, work), cols: l.cut(false, w, work)}
	x.cores = x.rows.tiles * x.cols.tiles * x.parts
	var over overrun
	if !l.fill(x, rules{bits: 8}, &over, work) && over.what == "" {
		t.Fatalf("%dx%dx%d was not searched", h, w, c)
	}
	return x
}

// decoder is transposed convolutions of kernel 3, stride 2 and pad 1 that double the side: 4x4x256 -> 8x8x128 -> 16x16x64 ->
// 32x32x32.
func decoder() []layer {
	return []layer{
		mapLayer(schema.Deconv, -1, 256, 4, 128, 8, 3, 2, 1),
		mapLayer(schema.Deconv, 0, 128, 8, 64, 16, 3, 2, 1),
		mapLayer(schema.Deconv, 1, 64, 16, 32, 32, 3, 2, 1),
	}
}

// Each layer of the decoder alone: the fewest cores, and the words and neurons of one. By enumeration with the rules of
// nengo-loihi's conv.py, independently of this program.
func TestDecoderAlone(t *testing.T) {
	for i, x := range []struct{ h, w, c, words, neurons, cores int }{
		{8, 8, 6, 13392, 384, 22},
		{16, 16, 4, 10040, 1024, 16},
		{32, 32, 1, 1230, 1024, 32},
	} {
		l := decoder()[i]
		l.groups[0].source = -1
		got := newSearch().place([]layer{l}, rules{bits: 8})
		if got.cores != x.cores {
			t.Errorf("layer %d takes %d cores, want %d", i, got.cores, x.cores)
		}
		tile := tiled(t, l, x.h, x.w, x.c)
		if tile.words != int64(x.words) || tile.neurons() != x.neurons || tile.cores != x.cores {
			t.Errorf("layer %d in tiles of %dx%dx%d: %d words, %d neurons, %d cores, want %d, %d, %d", i, x.h, x.w, x.c, tile.words, tile.neurons(), tile.cores, x.words, x.neurons, x.cores)
		}
	}
}

// What the third layer's tiles ask of the second's output axons. A row of 16 pixels reaches 17 tiles of 16 rows, so tiles of
// 16x16x4 take 17 * 17 * 8 * 2 slots of a core that holds all pixels; in quarters the fullest holds 9 * 9 of the 17 * 17.
func TestSlots(t *testing.T) {
	l := decoder()
	for _, x := range []struct{ sourceSide, sourceChannels, side, channels, slots, words, cores int }{
		{16, 4, 32, 1, 16384, 1230, 32},
		{16, 4, 16, 4, 4624, 6480, 32},
		{16, 4, 8, 16, 19 * 19 * 2 * 2, 21216, 32},
		{16, 4, 8, 11, 2166, 10923, 48},
		{8, 8, 16, 4, 9 * 9 * 8 * 2, 6480, 32}, // 1156 on average
	} {
		from, to := tiled(t, l[1], x.sourceSide, x.sourceSide, x.sourceChannels), tiled(t, l[2], x.side, x.side, x.channels)
		s := newSearch()
		if got := s.demand(from, &l[2].groups[0], 0, to); got != x.slots || to.words != int64(x.words) || to.cores != x.cores {
			t.Errorf("%d^2 x %d -> %d^2 x %d: %d slots, %d words, %d cores, want %d, %d, %d", x.sourceSide, x.sourceChannels, x.side, x.channels, got, to.words, to.cores, x.slots, x.words, x.cores)
		}
	}
	if got := tiled(t, l[1], 8, 8, 8); got.cores != 32 || got.words != 14880 {
		t.Errorf("the second layer in 8x8x8: %d cores and %d words, want 32 and 14880", got.cores, got.words)
	}
}

// With square tiles that divide the map the fewest cores of each layer, 22 + 16 + 32, ask too many output axons, and both
// ways out that were found by hand take 86 cores. Oblong tiles, which are as good for each layer, need no more than 70.
func TestJoint(t *testing.T) {
	square := newSearch()
	for i, l := range decoder() {
		o := square.options(&l, rules{bits: 8}, false)
		o.tilings = slices.DeleteFunc(o.tilings, func(x *tiling) bool { return x.h != x.w || l.Height%x.h != 0 })
		if i < 2 && o.tilings[0].cores != []int{22, 16}[i] {
			t.Errorf("layer %d takes %d cores", i, o.tilings[0].cores)
		}
	}
	if p := square.place(decoder(), rules{bits: 8}); p.cores != 86 || square.cut {
		t.Errorf("square tiles take %d cores, want 86", p.cores)
	}
	p := newSearch().place(decoder(), rules{bits: 8})
	if p.cores != 70 {
		t.Errorf("%d cores, want 70", p.cores)
	}
	for i, x := range p.tilings {
		if x.words > maxWords || x.inputs > maxInputs || x.neurons() > maxCompartments || p.slots[i] > maxOutputs {
			t.Errorf("layer %d breaks a limit: %+v, %d slots", i, x, p.slots[i])
		}
	}
}
