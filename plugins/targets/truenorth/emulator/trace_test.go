package emulator

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// line is a line of a trace.
type line struct {
	Tick    int     `json:"tick"`
	Core    int     `json:"core"`
	V       []int   `json:"v"`
	Spikes  []int   `json:"spikes"`
	Outputs []int32 `json:"outputs"`
	Totals  struct {
		Merged float64           `json:"merged"`
		Layers []schema.Activity `json:"layers"`
	} `json:"totals"`
}

func lines(t *testing.T, text string) []line {
	t.Helper()
	var out []line
	for x := range strings.Lines(text) {
		var l line
		if err := json.Unmarshal([]byte(x), &l); err != nil {
			t.Fatalf("%s: %v", x, err)
		}
		out = append(out, l)
	}
	return out
}

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func trace(t *testing.T, text string) []line {
	t.Helper()
	r, err := Trace(schema.TraceRequest{Text: text}, nil)
	if err != nil || r.Error != "" {
		t.Fatal(err, r.Error)
	}
	return lines(t, r.Lines)
}

// One neuron by hand: V behind each tick, and the ticks of its spikes, by the equations of Cassidy et al. (IJCNN 2013).
func TestVectors(t *testing.T) {
	for _, c := range []struct {
		name   string
		v      []int
		spikes []int
	}{
		{"t1", []int{5, 0, -3, -6, 7, 6, 6, -6, -6, 0}, []int{1, 9}},
		{"t2", []int{5, 1, -2, -6, 7, 6, 6, -6, -6, 4}, []int{1, 9}},
		{"t3", []int{5, 1, -2, -7, 6, 5, 5, -5, -5, 5}, []int{1, 9}},
		{"t4", []int{5, 2, -1, -2, 2, 1, 1, -2, -2, 2}, []int{1, 4, 9}},
		{"t5", []int{5, 11, 8, -3, 10, 9, 9, -6, -6, 14}, []int{1, 4, 9}},
		{"t6", []int{3, 1, 0, 0, -3, -1, 0, 0}, nil},
		{"t7", []int{3, 5, 7, 9, 11, -6, -8, -10, -11}, nil},
		{"t8", []int{6, 12, 5, -6, -5}, []int{2}}, // every draw is 11
	} {
		text := read(t, c.name)
		f, err := Parse(text, nil, nil)
		if err != nil {
			t.Fatal(c.name, err)
		}
		for _, literal := range []bool{false, true} {
			m, err := New(&f.Network)
			if err != nil {
				t.Fatal(c.name, err)
			}
			m.literal = literal
			if c.name == "t8" {
				m.fixed = new(uint32(11))
			}
			var v, spikes []int
			if _, err := m.Run(&Block{Examples: 1, Ticks: f.Ticks,
				Input: func(_, tick int, in *Inputs) {
					for _, s := range f.Spikes {
						if int(s.Tick) == tick {
							in.Axon(int(s.Core), int(s.Axon))
						}
					}
				},
				Fired: func(_, tick, _ int, _ [4]uint64) { spikes = append(spikes, tick) },
				after: func(s *state) { v = append(v, int(s.membrane(0, 0))) },
			}); err != nil {
				t.Fatal(c.name, err)
			}
			if !slices.Equal(v, c.v) || !slices.Equal(spikes, c.spikes) {
				t.Errorf("%s: V %v, spikes at %v; want %v, %v", c.name, v, spikes, c.v, c.spikes)
			}
		}
		if c.name == "t8" {
			continue // draws are not fixed in a trace
		}
		var v, spikes []int
		for _, l := range trace(t, text) {
			v = append(v, l.V...)
			if len(l.Spikes) > 0 {
				spikes = append(spikes, l.Tick)
			}
		}
		if !slices.Equal(v, c.v) || !slices.Equal(spikes, c.spikes) {
			t.Errorf("%s, traced: V %v, spikes at %v; want %v, %v", c.name, v, spikes, c.v, c.spikes)
		}
	}
}

// Two spikes on one axon at one tick are one: two relays fire at tick 0, and one more sends with one tick more what meets two at tick 2.
func TestMerge(t *testing.T) {
	var v []int
	merged := 0.0
	for _, l := range trace(t, read(t, "t9")) {
		if l.Core == 1 && l.V != nil {
			v = append(v, l.V...)
		}
		merged += l.Totals.Merged
	}
	if want := []int{0, 1, 2, 2}; !slices.Equal(v, want) {
		t.Errorf("V is %v, want %v", v, want)
	}
	if merged != 3 { // of 5 spikes that arrive, at 2 times
		t.Errorf("%v spikes merged, want 3", merged)
	}
}

// A spike of tick t with delay d is integrated at tick t + d.
func TestDelay(t *testing.T) {
	text := read(t, "t10")
	got := map[int]int{} // output by tick
	for _, l := range trace(t, text) {
		for _, o := range l.Outputs {
			got[l.Tick] = int(o) + 1
		}
	}
	for d := 1; d <= MaxDelay; d++ {
		if got[1+d] != d {
			t.Errorf("what goes with delay %d is not there at tick %d: %v", d, 1+d, got)
		}
	}
	for _, d := range []int{0, 16} {
		wrong := strings.Replace(text, `"delay": 7`, fmt.Sprintf(`"delay": %d`, d), 1)
		r, err := Trace(schema.TraceRequest{Text: wrong}, nil)
		if want := fmt.Sprintf("core 0: neuron 6: its delay is %d ticks, and 1 to 15 are possible", d); err != nil || r.Error != want {
			t.Errorf("%v, %q, want %q", err, r.Error, want)
		}
	}
}

// A trace is cut by what is recorded, and too long a one says how.
func TestRecord(t *testing.T) {
	with := func(record string) string {
		return strings.Replace(read(t, "t9"), `{"totals": true}`, record, 1)
	}
	r, _ := Trace(schema.TraceRequest{Text: with(`{"from": 1, "to": 2, "cores": [0], "neurons": [2, 9]}`)}, nil)
	if want := `{"tick":1,"core":0,"v":[0],"spikes":[]}` + "\n"; r.Lines != want {
		t.Errorf("%q, want %q (%s)", r.Lines, want, r.Error)
	}
	r, _ = Trace(schema.TraceRequest{Text: with(`{"cores": [0], "v": false, "to": 2}`)}, nil)
	if want := `{"tick":0,"core":0,"spikes":[0,1,2]}` + "\n" + `{"tick":1,"core":0,"spikes":[0,1]}` + "\n"; r.Lines != want {
		t.Errorf("%q, want %q (%s)", r.Lines, want, r.Error)
	}
	r, _ = Trace(schema.TraceRequest{Text: strings.Replace(with(`{}`), `"ticks": 4`, `"ticks": 300000`, 1)}, nil)
	if want := "more than 16 MiB: record less"; !strings.Contains(r.Error, want) {
		t.Errorf("%q, want %q", r.Error, want)
	}
	r, _ = Trace(schema.TraceRequest{Text: strings.Replace(with(`{}`), `"ticks": 4`, `"ticks": 9000000`, 1)}, nil)
	if want := "more than a trace computes"; !strings.Contains(r.Error, want) {
		t.Errorf("%q, want %q", r.Error, want)
	}
}
