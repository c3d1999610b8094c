package emulator

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"
)

// chip returns a full chip as the published benchmark has it (Akopyan et al. 2015; Cassidy et al. 2014): a million neurons that spike at
// 20 Hz, each with 128 synapses of each axon's row, and random destinations. The leak alone makes each spike every 50 ticks, and what
// comes in has no mean.
func chip() *Network {
	r := rand.New(rand.NewPCG(1, 1))
	n := &Network{Cores: make([]Core, Cores)}
	for v := range 50 {
		n.Parameters = append(n.Parameters, Parameters{S: [4]int32{1, -1, 2, -2}, Lambda: 2, Alpha: 100, Beta: 1000, Kappa: true, V: int32(2 * v)})
	}
	for i := range n.Cores {
		c := &n.Cores[i]
		c.X, c.Y = int32(i%Side), int32(i/Side)
		for a := range c.Types {
			c.Types[a] = uint8(r.IntN(4))
			for left := 128; left > 0; {
				if j := r.IntN(Neurons); !c.Connected(a, j) {
					c.Connect(a, j)
					left--
				}
			}
		}
		c.Neurons = make([]Neuron, Neurons)
		for j := range c.Neurons {
			c.Neurons[j] = Neuron{Place: int32(j), Parameters: int32(r.IntN(len(n.Parameters))), Destination: Destination{Kind: ToAxon, To: int32(r.IntN(Cores)), Axon: int32(r.IntN(Axons)), Delay: 1 + int32(r.IntN(MaxDelay))}}
		}
	}
	return n
}

// No row of many cores lies in two lines of a cache, and what each tick needs of a core is one line at most.
func TestLayout(t *testing.T) {
	if n := unsafe.Sizeof(Core{}); n%64 != 0 || unsafe.Offsetof(Core{}.Rows) != 0 {
		t.Errorf("a core of a network has %d bytes, no multiple of 64, or its rows begin at %d", n, unsafe.Offsetof(Core{}.Rows))
	}
	if n := unsafe.Sizeof(core{}); n > 64 {
		t.Errorf("a core has %d bytes, more than 64", n)
	}
}

// A chip with all its neurons, tick by tick; 1 ms/step is real time.
func BenchmarkChip(b *testing.B) {
	m, err := New(chip())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		workers int
	}{{"one", 1}, {"all", runtime.GOMAXPROCS(0)}} {
		b.Run(c.name, func(b *testing.B) {
			var a *Activity
			for b.Loop() {
				if a, err = m.Run(&Block{Examples: 1, Ticks: 300, Workers: c.workers}); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			spikes := 0.0
			for _, n := range a.Layers[0].Spikes {
				spikes += n
			}
			b.ReportMetric(1000*seconds/a.Ticks, "ms/step")
			b.ReportMetric(a.Synops()/seconds/1e9, "GSOPS")
			b.ReportMetric(spikes/Cores/Neurons/a.Ticks*1000, "Hz")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// Many examples of a small network, and none of its ticks without work.
func BenchmarkExamples(b *testing.B) {
	for _, c := range []struct {
		name       string
		stochastic bool
	}{{"plain", false}, {"stochastic", true}} {
		b.Run(c.name, func(b *testing.B) {
			m, err := New(crowd(16, c.stochastic))
			if err != nil {
				b.Fatal(err)
			}
			var a *Activity
			for b.Loop() {
				if a, err = m.Run(&Block{Examples: 64, Ticks: 100, Input: func(_, _ int, in *Inputs) { in.Line(0) }}); err != nil {
					b.Fatal(err)
				}
			}
			seconds := b.Elapsed().Seconds() / float64(b.N)
			b.ReportMetric(64/seconds, "examples/s")
			b.ReportMetric(a.Synops()/seconds/1e9, "GSOPS")
		})
	}
}
