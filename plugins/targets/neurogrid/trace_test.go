package neurogrid

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// written is two neurons in a row behind one address: every spike comes through, and each opens all gates.
const written = `{"target": "neurogrid", "mismatch": 0, "step": 40,
 "cores": [{"path": "0000", "tau": 10, "refractory": 2, "bias": 0, "synapses": [
  {"tau": 20, "gain": 2, "most": 2, "reversal": 3}, {"tau": 20, "gain": 2, "most": 2, "reversal": 0.1},
  {"tau": 20, "gain": 0, "most": 0, "reversal": 0}, {"tau": 20, "gain": 0, "most": 0, "reversal": 0}]}],
 "circuits": [{"name": "net", "integration": 0.1,
  "populations": [{"name": "a", "neurons": 1, "place": 0, "offset": 0}, {"name": "b", "neurons": 1, "place": 1, "offset": 0}],
  "addresses": [{"from": "in", "first": 0, "number": 1}], "wires": [[0, 1, 0, 1], [2, 0, 0, 1]]}],
 "trials": [{"circuit": "net", "board": 1, "seed": 1, "duration": 60, "spikes": [[0, 0]]}]}`

// One spike makes one of the first neuron, and this one of the second.
func TestTrace(t *testing.T) {
	reply, err := Trace(schema.TraceRequest{Text: written}, nil)
	if err != nil || reply.Error != "" {
		t.Fatal(err, reply.Error)
	}
	type line struct {
		At         float64
		Population string
		Neuron     int
		Spikes     float64
		Events     float64
	}
	var lines []line
	for _, text := range strings.Split(strings.TrimSpace(reply.Lines), "\n") {
		var l line
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	// Both neurons take as long: the second begins at the end of the step of integration in which the first spikes.
	if len(lines) != 4 || lines[0].Population != "a" || lines[1].Population != "b" || lines[1].At-2*lines[0].At < 0 || lines[1].At-2*lines[0].At > 0.1 ||
		lines[2].Spikes != 1 || lines[2].Events != 1 || lines[3].Spikes != 1 || lines[3].Events != 1 {
		t.Errorf("%s", reply.Lines)
	}
	alone := written[:strings.Index(written, ",\n \"trials\"")] + "}" // without a trial: a time step in which nothing comes in
	if reply, err := Trace(schema.TraceRequest{Text: alone}, nil); err != nil || reply.Error != "" || strings.Count(reply.Lines, "\n") != 2 {
		t.Error(err, reply)
	}
	for what, change := range map[string][2]string{
		"there are no \"trials\"":    {written[strings.Index(written, "[{\"circuit\""):], "[]}"},
		"step 0 ms":                  {`"step": 40`, `"step": 0`},
		"unknown member":             {`"mismatch": 0`, `"mitmatch": 0`},
		"target \"loihi\"":           {`"neurogrid"`, `"loihi"`},
		"circuit \"other\"":          {`{"circuit": "net"`, `{"circuit": "other"`},
		"softwire 0":                 {`[0, 1, 0, 1]`, `[0, 7, 0, 1]`},
		"order of sources":           {`[0, 1, 0, 1], [2, 0, 0, 1]`, `[2, 0, 0, 1], [0, 1, 0, 1]`},
		"with probability 2":         {`[0, 1, 0, 1]`, `[0, 1, 0, 2]`},
		"more than a trace runs":     {`"duration": 60`, `"duration": 1e18`},
		"from one of 1 addresses":    {`[[0, 0]]`, `[[0, 1]]`},
		"neurons from place":         {`"neurons": 1, "place": 0`, `"neurons": 99999999, "place": 0`},
		"as another one does":        {`"place": 1`, `"place": 0`},
		"the first is at least":      {`{"path": "0000", "tau": 10`, `{"path": "0000", "tau": 0`},
		"have 0, 0, 0 and 0 bytes: ": {`"wires": [[0, 1, 0, 1], [2, 0, 0, 1]]`, `"first": "none"`},
	} {
		text := strings.Replace(written, change[0], change[1], 1)
		if text == written {
			t.Fatalf("the text has no %s", change[0])
		}
		reply, err := Trace(schema.TraceRequest{Text: text}, nil)
		if err != nil || !strings.Contains(reply.Error, what) {
			t.Errorf("%s: %q %v", what, reply.Error, err)
		}
	}
}

// The trials of an export make the spikes that Emulate makes, neuron by neuron in each time step.
func TestTraceExport(t *testing.T) {
	n := single(1, 0.3, 0.8, 5, 6)
	c, reply := compiled(t, n, nil, 3)
	b := circuit.Block{Steps: 6, Examples: 1, Inputs: [][]float32{make([]float32, 30)}}
	for i := range 30 {
		if i%4 != 1 {
			b.Inputs[0][i] = 1
		}
	}
	text, data, err := c.Export(circuittest.Example(&n.Circuit, b, 9))
	if err != nil {
		t.Fatal(err)
	}
	tensors := map[string][]byte{}
	for i, x := range reply.Tensors {
		tensors[x.Name] = data[i]
	}
	traced, err := Trace(schema.TraceRequest{Text: text}, tensors)
	if err != nil || traced.Error != "" {
		t.Fatal(err, traced.Error)
	}
	a, err := circuittest.RunChip(c, &n.Circuit, b, []uint64{9})
	if err != nil {
		t.Fatal(err)
	}
	want := a.Reply.Layers[0]
	if line := fmt.Sprintf("\"events\":%.0f}", want.Synops); !strings.Contains(traced.Lines, line) {
		t.Errorf("%s has not %s", traced.Lines, line)
	}
	if spikes := strings.Count(traced.Lines, "\"at\""); float64(spikes) != want.Messages-want.Synops || spikes == 0 {
		t.Errorf("%d spikes, want %v", spikes, want.Messages-want.Synops)
	}
	got := make([]float32, len(a.Taps[0]))
	size := circuit.Size(n.Circuit.Populations[0].Dims)
	for line := range strings.Lines(traced.Lines) {
		var x struct {
			At           *float64
			Step, Neuron int
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		if x.At != nil && x.Step >= 0 && x.Step < b.Steps {
			got[x.Step*size+x.Neuron] = 1
		}
	}
	if !slices.Equal(got, a.Taps[0]) {
		t.Errorf("traced %v, and the chip gives %v", got, a.Taps[0])
	}
}

// Whatever the text, there is an answer.
func FuzzTrace(f *testing.F) {
	f.Add(written)
	f.Add(strings.Replace(written, `"bias": 0`, `"bias": 2`, 1))
	f.Add(`{"target": "neurogrid", "trials": [{"circuit": ""}], "circuits": [{}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		reply, err := Trace(schema.TraceRequest{Text: text}, map[string][]byte{"a": {0, 0, 0, 0}})
		if err != nil || reply.Error != "" && reply.Lines != "" {
			t.Errorf("%+v %v", reply, err)
		}
	})
}
