package emulator

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// seeds are texts that were read wrong or are of members added later, with the error that they have.
var seeds = [][2]string{
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10,"vmin_exp":-1}],"steps":2}`, `group "a": vmin_exp is -1, outside 0..31`},
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10,"vmin_exp":-9223372036854775808}],"steps":2}`, `group "a": vmin_exp is -9223372036854775808, outside 0..31`},
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10,"vmax_exp":-9}],"steps":2}`, `group "a": vmax_exp is -9, outside 0..7`},
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10}],"spikes":[{"step":0,"input":"i","index":0}]}`, `steps is missing or 0, and there are spikes`},
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10}],"steps":0,"spikes":[{"step":0,"input":"i","index":0}]}`, `steps is missing or 0, and there are spikes`},
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10,"reset_by":100,"bias":1000}],"steps":4,"generation":2}`, ``},
	{`{"format":"snnc loihi network 1","groups":[{"name":"a","dims":[1],"threshold":10,"bias":1000}],"steps":3,"totals":true}`, ``},
	{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1]}],"groups":[{"name":"a","dims":[1],"threshold":10,"start":3}],"steps":2,"from":9223372036854775807}`, ``},
}

// FuzzTrace: any text is traced or has an error, without a panic; a network that is read is printed as a text that reads as the same.
func FuzzTrace(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatalf("no networks: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add(`{"format":"snnc loihi network 1","inputs":[{"name":"x","dims":[2,3,3]}],"groups":[{"name":"y","dims":[4,3,3],"threshold":1}],"synapses":[{"from":"x","to":"y","kind":"conv","kernel":1,"stride":1,"weights":[2,4,6,8,2,4,6,8],"exponent":0,"bits":8,"view":{"from":[2,3,3],"dims":[2,3,3]}}],"steps":2}`)
	for _, x := range seeds {
		f.Add(x[0])
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Read(text, nil, nil)
		if err != nil {
			return
		}
		total := 0
		for _, g := range n.Groups {
			total += circuit.Size(g.Dims)
		}
		for _, in := range n.Inputs {
			total += circuit.Size(in.Dims)
		}
		if total > 1<<12 || n.Steps > 1<<8 || len(n.Synapses) > 8 { // right, and longer than a fuzzer waits
			return
		}
		printed, _, _, err := n.Print()
		if err != nil {
			t.Fatal(err)
		}
		a, err := Trace(schema.TraceRequest{Text: text}, nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Trace(schema.TraceRequest{Text: printed}, nil)
		if err != nil || a != b {
			t.Fatalf("printed, it is another network: %v\n%s\n%s", err, a.Error+a.Lines, b.Error+b.Lines)
		}
	})
}

// What is wrong with a text is told with its place and what would be right.
func TestErrors(t *testing.T) {
	good := `{"format": "snnc loihi network 1", "inputs": [{"name": "x", "dims": [2]}], "groups": [{"name": "y", "dims": [3], "threshold": 10}],
"synapses": [{"from": "x", "to": "y", "kind": "dense", "weights": [2, 4, 6, 8, 10, 12], "exponent": 0, "bits": 8}], "steps": 3, "spikes": [{"step": 1, "input": "x", "index": 1}]}`
	if _, err := Read(good, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, x := range [][3]string{
		{`"threshold": 10`, `"treshold": 10`, `line 1: groups[0]: unknown member "treshold"; there are name, dims`},
		{`"threshold": 10`, `"threshold": 131072`, `group "y": threshold is 131072, outside 0..131071`},
		{`"threshold": 10`, `"threshold": 10, "decay_v": 4096`, `group "y": decay_v is 4096, outside 0..4095`},
		{`"threshold": 10`, `"threshold": 10, "bias": [1, 2]`, `bias has 2 numbers, and there are 3 compartments`},
		{`[2, 4, 6, 8, 10, 12]`, `[2, 4, 6, 8, 10]`, `synapses[0], from "x" to "y": there are 5 weights, and the kind dense has 6 of dims [3 2]`},
		{`[2, 4, 6, 8, 10, 12]`, `[2, 4, 6, 8, 10, 13]`, `weights[5] is 13, which lava keeps as 12 in 8 bits`},
		{`[2, 4, 6, 8, 10, 12]`, `{"tensor": "w"}`, `there is no tensor "w"`},
		{`"kind": "dense"`, `"kind": "conv"`, `synapses[0], from "x" to "y": kind conv: synapses of kind "conv" lead from maps to maps`},
		{`"to": "y"`, `"to": "x"`, `lead to "x", and there is no such group`},
		{`[2, 4, 6, 8, 10, 12]`, `null`, `line 2: synapses[0].weights: must not be null`},
		{`[2, 4, 6, 8, 10, 12]`, `[2, 4, null, 8, 10, 12]`, `synapses[0].weights: must be whole numbers of 32 bits: one, a list, or {"tensor": "NAME"}`},
		{`[2, 4, 6, 8, 10, 12]`, `{"tensor": "a", "tensor": "b"}`, `synapses[0].weights: member "tensor" is there twice`},
		{`[2, 4, 6, 8, 10, 12]`, `{"tensor": "a", "of": "b"}`, `synapses[0].weights: must be whole numbers`},
		{`"steps": 3`, `"steps": 3, "steps": 4`, `line 2: member "steps" is there twice`},
		{`"steps": 3`, `"steps": "3"`, `line 2: steps: must be a whole number`},
		{`"index": 1`, `"index": 2`, `spikes[0] is of element 2, and input "x" has 2`},
		{`"steps": 3`, `"steps": -3`, `steps is -3`},
		{`"bits": 8`, `"bits": 7`, `synapse memory has weights of 1 to 6 bits, or of 8`},
		{`}]}`, `}]`, `line 2: the text ends too early`},
	} {
		text := strings.Replace(good, x[0], x[1], 1)
		if _, err := Read(text, nil, nil); err == nil || !strings.Contains(err.Error(), x[2]) {
			t.Errorf("%s: %v, want %s", x[1], err, x[2])
		}
	}
	for _, x := range seeds {
		r, err := Trace(schema.TraceRequest{Text: x[0]}, nil)
		if err != nil || (x[1] == "") != (r.Error == "") || !strings.HasPrefix(r.Error, x[1]) {
			t.Errorf("%s\n%v %s, want %s", x[0], err, r.Error, x[1])
		}
	}
	for _, x := range [][2]string{{`"dims": [3]`, `"dims": [3000000]`}} {
		text := strings.Replace(strings.Replace(good, x[0], x[1], 1), `"kind": "dense", "weights": [2, 4, 6, 8, 10, 12]`, `"kind": "list", "weights": []`, 1)
		r, err := Trace(schema.TraceRequest{Text: text}, nil)
		if err != nil || !strings.Contains(r.Error, "name fewer groups in record") {
			t.Errorf("%v %s", err, r.Error)
		}
	}
}

// What would take all memory or run for minutes is refused before it is made.
func TestBounds(t *testing.T) {
	pool := func(map_, kernel int) string {
		return fmt.Sprintf(`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[1,%d,%d]}],"groups":[{"name":"a","dims":[1,%d,%d],"threshold":10}],
"synapses":[{"from":"i","to":"a","kind":"pool","kernel":%d,"stride":1,"weights":2,"exponent":0,"bits":8}],"steps":1,"record":["a"],"from":1}`, map_, map_, map_-kernel+1, map_-kernel+1, kernel)
	}
	lists := strings.Repeat(`,{"from":"i","to":"a","kind":"list","weights":[],"sources":[],"targets":[],"exponent":0,"bits":8}`, 100)[1:]
	for _, x := range [][2]string{
		{pool(1024, 64), `synapses[0], from "i" to "a", take 3784839168 entries`},
		{pool(4096, 2048), `an emulation holds at most 67108864: make the kernel`},
		{`{"format":"snnc loihi network 1","inputs":[{"name":"i","dims":[60000000]}],"groups":[{"name":"a","dims":[1],"threshold":10}],"synapses":[` + lists + `],"steps":1}`, `synapses[1], from "i" to "a", take 60000000 entries of synapse lists, which makes 120000000`},
		{`{"format":"snnc loihi network 1","groups":[{"name":"a","dims":[16000],"threshold":1}],"steps":1048576,"from":1048575}`, `1048576 steps of 16000 compartments are 16777216000 updates, and a trace computes at most 2147483648: write at most 134217 steps`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := Trace(schema.TraceRequest{Text: x[0]}, nil)
		runtime.ReadMemStats(&after)
		if err != nil || !strings.Contains(r.Error, x[1]) {
			t.Errorf("%v %s, want %s", err, r.Error, x[1])
		}
		if taken := (after.TotalAlloc - before.TotalAlloc) >> 20; taken > 256 {
			t.Errorf("%s: %d MiB", x[1], taken)
		}
	}
}

// Totals are what happened in all steps: of the page's network, spikes of the input at steps 0 and 1, of leaky at 1 and 2, and of relay at 2
// and 3.
func TestTotals(t *testing.T) {
	r, err := Trace(schema.TraceRequest{Text: `{"format": "snnc loihi network 1", "inputs": [{"name": "in", "dims": [1]}],
"groups": [{"name": "leaky", "dims": [1], "decay_u": 1023, "decay_v": 1024, "threshold": 150}, {"name": "relay", "dims": [2], "decay_u": 4095, "decay_v": 4095, "threshold": 10}],
"synapses": [{"from": "in", "to": "leaky", "kind": "dense", "weights": [124], "exponent": 0, "bits": 8}, {"from": "leaky", "to": "relay", "kind": "dense", "weights": [20, 2], "exponent": 0, "bits": 8}],
"steps": 4, "from": 3, "record": ["leaky"], "totals": true, "spikes": [{"step": 0, "input": "in", "index": 0}, {"step": 1, "input": "in", "index": 0}]}`}, nil)
	const want = `{"step":3,"group":"leaky","u":[7812],"v":[7812],"spikes":[]}
{"totals":{"steps":4,"groups":[{"group":"leaky","spikes":2,"synops":2,"active":3,"inactive":1,"clipped":0},{"group":"relay","spikes":2,"synops":4,"active":4,"inactive":4,"clipped":0}],"spikes":4,"synops":6,"active":7,"inactive":5,"clipped":0}}
`
	if err != nil || r.Error != "" || r.Lines != want {
		t.Errorf("%v %s\n%swant\n%s", err, r.Error, r.Lines, want)
	}
}
