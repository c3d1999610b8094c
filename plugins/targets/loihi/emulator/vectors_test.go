package emulator

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// traced runs a file of testdata.
func traced(t *testing.T, file string) []Line {
	t.Helper()
	text, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Trace(schema.TraceRequest{Text: string(text)}, nil)
	if err != nil || r.Error != "" {
		t.Fatalf("%s: %v %s", file, err, r.Error)
	}
	var out []Line
	for line := range strings.Lines(r.Lines) {
		var l Line
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		out = append(out, l)
	}
	return out
}

// column is u or v of the first compartment from a step on.
func column(lines []Line, v bool, from, n int) (out []int32) {
	for _, l := range lines[from : from+n] {
		if x := l.U; v {
			out = append(out, l.V[0])
		} else {
			out = append(out, x[0])
		}
	}
	return out
}

func spikesOf(lines []Line) (out []int) {
	for _, l := range lines {
		if len(l.Spikes) > 0 {
			out = append(out, l.Step)
		}
	}
	return out
}

// The published vectors: L1 is the example of brian2_loihi with a single neuron, L5 what lava's tests have; L2 to L4 follow from the
// formulas of nengo-loihi's emulator (bias, the hidden decay of the current, refractory time; clipping; wrapping).
func TestVectors(t *testing.T) {
	for _, x := range []struct {
		file   string
		v      bool
		from   int
		want   []int32
		spikes []int
	}{
		{"L1.json", false, 13, []int32{7936, 5952, 12400, 9300, 6975, 5231, 3923, 2942, 2206, 1654, 1240}, []int{17}},
		{"L1.json", true, 13, []int32{7936, 11904, 21328, 25296, 25947, 0, 3923, 5884, 6619, 6618, 6203}, []int{17}},
		{"L1.json", false, 41, []int32{7942, 5956, 4467, 3350, 2512}, []int{17}},
		{"L1.json", true, 41, []int32{8090, 12023, 13484, 13463, 12609}, []int{17}},
		{"L1.json", false, 51, []int32{-7490, -5617, -4212}, []int{17}},
		{"L1.json", true, 51, []int32{-3014, -7877, -10119}, []int{17}},
		{"L1.json", false, 61, []int32{-8356, -6267, -4700}, []int{17}},
		{"L1.json", true, 61, []int32{-12318, -15505, -16328}, []int{17}},
		{"L2.json", false, 0, []int32{0, 0, 2560, 2240, 1960, 1715, 1500, 1312, -1924, 4077, 3567, 3121, 2730, 2388, 2089, 1827, 1598, 1398, 1223, 1070}, []int{4, 10, 16}},
		{"L2.json", true, 0, []int32{1200, 2362, 6048, 9299, 12168, 0, 0, 2512, 1709, 6932, 11482, 0, 0, 3588, 6764, 9579, 12077, 0, 0, 2270}, []int{4, 10, 16}},
		{"L2b.json", false, 7, []int32{-11488, -10052, -8795, -7695}, []int{4}},
		{"L2b.json", true, 7, []int32{-4095, -4095, -4095, -4095, -4095, -4095, -4095, -4095, -4095, -4095, -4095, -4095, -4095}, []int{4}},
		{"L3.json", false, 1, []int32{2097088, 4193664, 6289728, 8385280, -6296896, -4198270, -2100157}, nil},
		{"L5-bias.json", true, 4, []int32{640}, []int{4, 9}},
		{"L5-u.json", false, 1, []int32{8192, 4096, 2048, 1024, 512, 256, 128, 64}, nil},
		{"L5-v.json", true, 1, []int32{8192, 12286, 14331, 15351, 15859, 16111, 16235, 16295}, nil},
	} {
		lines := traced(t, x.file)
		if got := column(lines, x.v, x.from, len(x.want)); !slices.Equal(got, x.want) {
			t.Errorf("%s, v %v, from step %d: %v, want %v", x.file, x.v, x.from, got, x.want)
		}
		if x.spikes != nil {
			if got := spikesOf(lines); !slices.Equal(got, x.spikes) {
				t.Errorf("%s: spikes in %v, want %v", x.file, got, x.spikes)
			}
		}
	}
}

// L3 and L4: sums wrap at 21 bits, decays round toward zero.
func TestArithmetic(t *testing.T) {
	for _, x := range [][2]int64{{2097152, -2097152}, {3000000, -1194304}, {-2097153, 2097151}, {2097151, 2097151}} {
		if got := wrap(x[0], sumBits); got != x[1] {
			t.Errorf("%d wraps to %d, want %d", x[0], got, x[1])
		}
	}
	for _, x := range [][2]int64{{7, 5}, {-7, -5}, {1, 0}, {-1, 0}, {3, 2}, {-3, -2}, {1001, 750}, {-1001, -750}} {
		if got := decay(x[0], full-1024); got != x[1] {
			t.Errorf("%d decays to %d, want %d", x[0], got, x[1])
		}
	}
	for k := range int64(full + 1) { // both ends of the range, by division
		for _, x := range []int64{1<<23 - 1, -1 << 23} {
			want := x * (full - k) / full // Go's division rounds toward zero
			if got := decay(x, full-k); got != want {
				t.Fatalf("D(%d, %d) = %d, want %d", x, k, got, want)
			}
		}
	}
}

// What each of the open codes makes of weights. The first rows are mixed weights by bits; the last those of lava's tests.
func TestDialects(t *testing.T) {
	for _, x := range []struct {
		w, bits             int
		sign                Sign
		lava, brian2, nengo int
	}{
		{37, 8, Mixed, 36, 36, 36}, {-37, 8, Mixed, -38, -36, -36}, {-1, 8, Mixed, -2, 0, 0},
		{3, 8, Mixed, 2, 2, 4}, {-3, 8, Mixed, -4, -2, -4}, {37, 6, Mixed, 32, 32, 40}, {-37, 6, Mixed, -40, -32, -40},
		{254, 6, Mixed, 248, 248, 248}, {-256, 6, Mixed, -256, -256, -248}, {100, 6, Mixed, 96, 96, 96}, {-100, 6, Mixed, -104, -96, -96},
		{-37, 6, Inhibitory, -36, -36, -36}, {-256, 8, Inhibitory, -255, -256, -255},
	} {
		for d, want := range map[Dialect]int{Lava: x.lava, Brian2: x.brian2, Nengo: x.nengo} {
			if got := Mantissa(x.w, x.bits, x.sign, d); got != want {
				t.Errorf("%s: %d in %d bits, %s: %d, want %d", d, x.w, x.bits, x.sign, got, want)
			}
		}
	}
	for d, want := range map[Dialect]int64{Lava: -2097152, Brian2: -2097088} {
		if got := Effective(-256, 7, d); got != want {
			t.Errorf("%s: -256 with exponent 7 is %d, want %d", d, got, want)
		}
	}
	// Negative exponents: ten, ten, ten, minus ten and seven arrive together with exponent -3.
	for d, want := range map[Dialect]int32{Lava: 192, Brian2: 64, Nengo: 192} {
		n := &Network{Format: Format, Dialect: d, Inputs: []Input{{"in", []int{5}}}, Groups: []Group{{Name: "n", Dims: []int{1}, DecayU: 4095, Threshold: 1000}},
			Synapses: []Synapses{{From: "in", To: "n", Kind: "dense", Weights: Numbers{List: []int32{10, 10, 10, -10, 7}}, Exponent: -3, Bits: 8}}}
		if d == Nengo {
			n.Synapses[0].Weights.List[4] = 8 // 7 is odd, and kept as 8
		}
		p, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		s := p.NewState(0, 1)
		s.Step([][]int32{{0, 1, 2, 3, 4}})
		s.Step([][]int32{nil})
		if got := s.U(0)[0]; d == Lava && got != want {
			t.Errorf("%s: %d arrives, want %d", d, got, want)
		}
		s.Reset(0)
		s.Step([][]int32{{0, 1, 2, 3, 4}})
		if got := s.U(0)[0]; d != Lava && got != want {
			t.Errorf("%s: %d arrives, want %d", d, got, want)
		}
	}
}

// Current that reaches the end of its range: lava corrects it once, the chip wraps it.
func TestOverflow(t *testing.T) {
	for _, x := range []struct {
		d    Dialect
		bias int32
		v    int32
	}{{Lava, 4095, 1<<23 - 1}, {Nengo, 4095, -7866113}} {
		n := &Network{Format: Format, Dialect: x.d, Inputs: []Input{{"in", []int{2}}}, Groups: []Group{{Name: "n", Dims: []int{1}, DecayV: 4095, Threshold: 131071, Bias: &Numbers{List: []int32{x.bias}}, BiasExp: 7}},
			Synapses: []Synapses{{From: "in", To: "n", Kind: "list", Sources: []int{0}, Targets: []int{0}, Weights: Numbers{List: []int32{254}}, Exponent: 7, Bits: 8},
				{From: "in", To: "n", Kind: "list", Sources: []int{1}, Targets: []int{0}, Weights: Numbers{List: []int32{255}}, Bits: 8, Sign: Excitatory}}}
		p, err := Compile(n)
		if err != nil {
			t.Fatal(err)
		}
		s := p.NewState(0, 1)
		found := false
		for range 8 {
			s.Step([][]int32{{0, 1}})
			found = found || s.U(0)[0] == 8385280 && s.V(0)[0] == x.v
		}
		if !found {
			t.Errorf("%s: u = 8385280 with a bias of 524160 does not give v = %d", x.d, x.v)
		}
	}
}
