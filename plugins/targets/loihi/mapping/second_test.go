package mapping

import (
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// PilotNet on Loihi 2 as Intel's compiler puts it there (lava-dl, tutorials/lava/lib/dl/netx/pilotnet_sdnn/benchmark.ipynb, which prints
// columns, rows and channels): cores, columns of a tile, neurons of a core and synapse words, of weights in the bits that the words fit.
func TestPilotNet(t *testing.T) {
	for _, x := range []struct {
		width, height, channels, in   int
		bits, cores, columns, neurons int
		words                         int64
	}{
		{99, 32, 24, 3, 6, 25, 4, 3072, 81},
		{99, 32, 24, 3, 8, 25, 4, 3072, 81},
		{49, 15, 36, 24, 6, 13, 4, 2160, 864},
		{24, 7, 48, 36, 6, 3, 8, 2688, 1620},
		{22, 4, 64, 48, 6, 3, 8, 2048, 2592},
		{22, 4, 64, 48, 5, 3, 8, 2048, 2160}, // of the network with spikes
		{20, 2, 64, 64, 5, 2, 16, 2048, 2880},
	} {
		l := convLayer(schema.Conv, -1, []int{x.in, 2*x.height + 1, 2*x.width + 1}, []int{x.channels, x.height, x.width}, 3, 2, 0)
		p := newSearch().place([]layer{l}, rules{bits: x.bits, second: true})
		got := p.tilings[0]
		if got == nil || p.cores != x.cores || got.w != x.columns || got.h != x.height || got.c != x.channels || got.neurons() != x.neurons || got.words != x.words {
			t.Errorf("%dx%dx%d in %d bits: %d cores of %+v, want %+v", x.width, x.height, x.channels, x.bits, p.cores, got, x)
		}
	}
	for _, x := range []struct{ in, out, words int }{{100, 50, 1500}, {50, 10, 150}, {10, 1, 10}} {
		got := newSearch().place([]layer{denseLayer(x.in, x.out)}, rules{bits: 8, second: true})
		if got.cores != 1 || got.tilings[0].words != int64(x.words) {
			t.Errorf("%d -> %d: %d cores of %+v, want %+v", x.in, x.out, got.cores, got.tilings[0], x)
		}
	}
}

// What is too large for the single column is cut further, and what no cut makes fit is not.
func TestSecondFurther(t *testing.T) {
	r := rules{bits: 8, second: true}
	p := newSearch().place([]layer{mapLayer(schema.Conv, -1, 64, 64, 128, 64, 3, 1, 1)}, r)
	if x := p.tilings[0]; x == nil || x.h != 16 || x.w != 1 || x.c != 128 || p.cores != 256 || x.words != 9*64*16 {
		t.Errorf("%d cores of %+v", p.cores, x) // 64 x 128 neurons in a column
	}
	p = newSearch().place([]layer{mapLayer(schema.Conv, -1, 512, 4, 512, 4, 3, 1, 1)}, r)
	if x := p.tilings[0]; x == nil || x.h != 1 || x.w != 1 || x.c != 16 || x.words != 9*512*2 {
		t.Errorf("%d cores of %+v", p.cores, x) // 294,912 words in all
	}
	p = newSearch().place([]layer{denseLayer(13000, 1)}, r)
	if p.tilings[0] != nil || p.over[0] != (overrun{"synapse words", 13000, maxWords2}) {
		t.Errorf("%+v %+v", p.tilings[0], p.over)
	}
}
