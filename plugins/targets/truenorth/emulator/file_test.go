package emulator

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/internal/schematest"
)

const docs = "../../../../docs/"

// page returns the blocks of a kind in the page of the docs.
func page(t *testing.T, kind string) []string {
	t.Helper()
	b, err := os.ReadFile(docs + "emulate-truenorth.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(string(b), -1) {
		out = append(out, m[1])
	}
	return out
}

// The example of the page gives what the page says, and the schema of the page takes it and all other examples.
func TestPage(t *testing.T) {
	check := schematest.Valid(t, docs+"schema/truenorth-network.json")
	texts, want := page(t, "json write two-cores.json"), page(t, `sh\n\$ snnc emulate truenorth two-cores.json`)
	if len(texts) != 1 || len(want) != 1 {
		t.Fatalf("the page has %d examples and %d traces", len(texts), len(want))
	}
	r, err := Trace(schema.TraceRequest{Text: texts[0]}, nil)
	if err != nil || r.Error != "" || r.Lines != want[0] {
		t.Errorf("%v %s\n%s\nwant\n%s", err, r.Error, r.Lines, want[0])
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(b))
	}
	for _, text := range texts {
		if err := check(text); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// The members of the schema are those that are read.
func TestMembers(t *testing.T) {
	schematest.Members(t, docs+"schema/truenorth-network.json", reflect.TypeFor[text]())
}

// Few bytes do not ask for many lines.
func TestManyLines(t *testing.T) {
	text := func(lines int) string {
		return fmt.Sprintf(`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "packed": {"cores": "c", "types": "t", "crossbars": "x", "neurons": "n", "lines": "l", "line_count": %d}}`, lines)
	}
	list := []schema.NamedTensor{{Name: "c", DType: "I32", Dims: []int{1, coreNumbers}}, {Name: "t", DType: "U8", Dims: []int{1, Axons}}, {Name: "x", DType: "U8", Dims: []int{1, Axons, Neurons / 8}}, {Name: "n", DType: "I32", Dims: []int{0, 7}}, {Name: "l", DType: "I32", Dims: []int{0, 4}}}
	data := map[string][]byte{"c": make([]byte, 4*coreNumbers), "t": make([]byte, Axons), "x": make([]byte, Axons*Neurons/8), "n": nil, "l": nil}
	if f, err := Parse(text(1000), list, data); err != nil || len(f.Lines) != 1000 {
		t.Errorf("lines that reach no axon: %v", err)
	}
	if _, err := Parse(text(1<<28), list, data); err == nil || !strings.Contains(err.Error(), "packed.line_count is 268435456, and with these packed.lines 0 to") {
		t.Errorf("2^28 lines: %v", err)
	}
}

// Wrong texts are refused, with where and what; in schema says whether the schema refuses them too.
func TestWrong(t *testing.T) {
	check := schematest.Valid(t, docs+"schema/truenorth-network.json")
	for _, c := range []struct {
		text, want string
		schema     bool
	}{
		{`{`, "line 1: the text ends too early", false},
		{`[]`, "line 1: must be an object", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}]} {}`, "something follows the network", false},
		{"{\"truenorth\": 1,\n\"tick\": 1}", `line 2: unknown member "tick"; there are truenorth, ticks, seed`, true},
		{`{"truenorth": 1, "Ticks": 1}`, `unknown member "Ticks"`, true},
		{`{"truenorth": 1, "ticks": 1, "ticks": 2, "cores": [{}]}`, `member "ticks" is there twice`, false},
		{`{"truenorth": 1, "ticks": null}`, "ticks: must be a whole number", true},
		{`{"truenorth": 1, "ticks": 1.5}`, "ticks: 1.5 is no whole number that is possible here", true},
		{`{"truenorth": 1, "ticks": "1"}`, "ticks: must be a whole number", true},
		{`{"truenorth": 1, "ticks": 1, "seed": -1}`, "seed: -1 is no whole number", true},
		{`{"truenorth": 2, "ticks": 1, "cores": [{}]}`, "truenorth is 2: this reads version 1", true},
		{`{"truenorth": 1, "ticks": 0, "cores": [{}]}`, "ticks is 0, and 1 to 16777216 are possible", true},
		{`{"truenorth": 1, "ticks": 1}`, "there are no cores", true},
		{`{"truenorth": 1, "ticks": 1, "cores": {}}`, "cores: must be a list", true},
		{`{"truenorth": 1, "ticks": 1, "layers": [1], "cores": [{}]}`, "layers[0]: must be a string", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"y": 1, "axons": 3}]}`, `cores[0]: unknown member "axons"; there are chip, x, y, types, crossbar, neurons`, true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "record": {"v": 1}}`, "record.v: must be true or false", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "rules": {"spike": "<"}}`, `rules.spike is "<": it is ">=" or ">"`, true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": 1, "s": [1, 2, 3, 4, 5]}]}`, "parameters[0]: s and b have one number for each type", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": 1, "kappa": 2}]}`, "parameters[0].kappa is 2: it is 0 or 1", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": 1, "b": [0, 2]}]}`, "parameters[0].b[1] is 2", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": 1, "r": 3, "sigma": 1}]}`, "r is given, and sigma and vr too", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": 1, "vr": 3}]}`, "sigma is 0 and vr is 3", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": -1}]}`, "parameters 0: alpha is -1", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "parameters": [{"alpha": 1, "name": "a"}, {"alpha": 1, "name": "a"}]}`, `parameters[1]: there are others of the name "a"`, false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "layers": ["a", "a"]}`, `layers[1]: "a" is there twice`, false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"types": [4]}]}`, "cores[0]: types[0] is 4: a type is 0 to 3", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"crossbar": {}}]}`, "crossbar: it is given by one of pairs, base64 and tensor, and there are 0", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"crossbar": {"pairs": [[0, 256]]}}]}`, "crossbar: pairs[0] is [0 256]: it is [axon, neuron], each 0 to 255", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"crossbar": {"base64": "AAAA"}}]}`, "it has 3 bytes, and 8192 are needed", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"crossbar": {"tensor": "x"}}]}`, `there is no tensor "x" beside the text`, false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"crossbar": {"pairs": [[0, 5]]}}]}`, "core 0: axon 0 has a synapse with neuron 5, which is not there", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{"neurons": [{}]}]}`, `neurons[0]: there are no parameters of the name ""`, false},
		{`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "cores": [{"neurons": [{"layer": "b"}]}]}`, `there is no layer "b"`, false},
		{`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "cores": [{"neurons": [{"count": 300}]}]}`, "count is 300, and 1 to 256 are possible", true},
		{`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "cores": [{"neurons": [{"count": 200}, {"at": 200, "count": 100}]}]}`, "there are more than 256 neurons", false},
		{`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "cores": [{"neurons": [{"to": {"core": 0, "axon": 0}}]}]}`, "to has core, axon and delay, or output alone", true},
		{`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "cores": [{"neurons": [{"to": {"core": 0, "axon": 0, "delay": 16}}]}]}`, "its delay is 16 ticks", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "spikes": [[1, 0, 0]]}`, "spikes[0] is at tick 1, and there are ticks 0 to 0", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "spikes": [[0, 0]]}`, "spikes[0] has 2 numbers: it is [tick, core, axon]", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "spikes": [[0, 1, 0]]}`, "spikes[0] goes to core 1, and there are 1 cores", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "inputs": [[0, 0]]}`, "inputs[0] is of line 0, and there are 0 lines", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "lines": [[[0]]]}`, "lines[0][0] has 1 numbers", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "lines": [[[0, 256]]]}`, "line 0, axon 0 of its list: axon 256 of core 0", true},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "record": {"to": 2}}`, "record: ticks from 0 to below 2, and there are 1", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "record": {"cores": [1]}}`, "record.cores[0] is 1: the numbers of cores rise and are below 1", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "record": {"neurons": [3, 3]}}`, "record.neurons[1] is 3", false},
		{`{"truenorth": 1, "ticks": 1, "cores": [{}], "packed": {"cores": "a", "types": "b", "crossbars": "c", "neurons": "d"}}`, "there are both cores and packed", true},
		{`{"truenorth": 1, "ticks": 1, "packed": {"cores": "a", "types": "b", "crossbars": "c", "neurons": "d"}}`, `packed.cores: there is no tensor "a"`, false},
	} {
		r, err := Trace(schema.TraceRequest{Text: c.text}, nil)
		if err != nil || !strings.Contains(r.Error, c.want) {
			t.Errorf("%s: %v, %q, want %q", c.text, err, r.Error, c.want)
		}
		if json.Valid([]byte(c.text)) {
			if err := check(c.text); c.schema != (err != nil) {
				t.Errorf("%s: the schema says %v", c.text, err)
			}
		}
	}
}

// The three ways to give a crossbar are the same.
func TestCrossbar(t *testing.T) {
	b := make([]byte, crossbarBytes)
	b[5*32+70/8] = 1 << (70 % 8)
	list := []schema.NamedTensor{{Name: "x", DType: "U8", Dims: []int{256, 32}}}
	var first *File
	for _, crossbar := range []string{`{"pairs": [[5, 70]]}`, `{"tensor": "x"}`, `{"base64": "` + base64.StdEncoding.EncodeToString(b) + `"}`} {
		f, err := Parse(`{"truenorth": 1, "ticks": 1, "parameters": [{"alpha": 1}], "cores": [{"crossbar": `+crossbar+`, "neurons": [{"at": 70}]}]}`, list, map[string][]byte{"x": b})
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = f
		}
		if !f.Cores[0].Connected(5, 70) || !reflect.DeepEqual(f, first) {
			t.Errorf("%s reads as another", crossbar)
		}
	}
}

// What Encode writes is what Parse reads, and the schema takes it.
func TestEncode(t *testing.T) {
	check := schematest.Valid(t, docs+"schema/truenorth-network.json")
	rapid.Check(t, func(r *rapid.T) {
		n, ticks, in := random(r, true)
		n.Layers = []string{"a", "b"}
		n.Lines = [][]Line{{{Core: 0, Axon: 3, Delay: 2}, {Core: 0, Axon: 4}}, nil, {{Core: 0, Axon: 5}}}
		f := &File{Network: *n, Ticks: ticks, Seed: rapid.Uint64().Draw(r, "seed"), Inputs: []LineSpike{{Tick: 0, Line: 2}}}
		f.Record = Record{To: rapid.IntRange(1, ticks).Draw(r, "to"), V: rapid.Bool().Draw(r, "v"), Totals: true, Places: []int32{3, 200}}
		for _, a := range in {
			f.Spikes = append(f.Spikes, Spike{int32(a.tick), int32(a.core), int32(a.axon)})
		}
		text, list, data, err := Encode(f)
		if err != nil {
			r.Fatal(err)
		}
		if err := check(text); err != nil {
			r.Fatal(err)
		}
		tensors := map[string][]byte{}
		for i, x := range list {
			tensors[x.Name] = data[i]
		}
		back, err := Parse(text, list, tensors)
		if err != nil {
			r.Fatal(err)
		}
		for i := range f.Cores {
			if f.Cores[i].Neurons == nil {
				f.Cores[i].Neurons = []Neuron{}
			}
		}
		if !reflect.DeepEqual(f, back) {
			r.Fatalf("%+v\nreads as\n%+v", f, back)
		}
		tensors["neurons"] = tensors["neurons"][:0]
		if _, err := Parse(text, list, tensors); len(data[3]) > 0 && (err == nil || !strings.Contains(err.Error(), "packed.neurons")) {
			r.Fatalf("%v of a tensor that is cut", err)
		}
	})
}

// Nothing that a file holds makes a trace panic, hang or grow without bound.
func FuzzTrace(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no examples", err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(b), []byte{}, 0)
	}
	p := pair()
	text, list, data, err := Encode(&File{Network: *p, Ticks: 3, Record: Record{To: 3, V: true}})
	if err != nil {
		f.Fatal(err)
	}
	for i := range list {
		f.Add(text, data[i], i)
	}
	f.Fuzz(func(t *testing.T, text string, tensor []byte, which int) {
		tensors := map[string][]byte{}
		some := append([]schema.NamedTensor(nil), list...)
		for i, x := range some {
			tensors[x.Name] = data[i]
			if i == which {
				tensors[x.Name] = tensor
				some[i].Dims = append([]int{len(tensor) / max(1, len(data[i])/x.Dims[0])}, x.Dims[1:]...)
			}
		}
		if strings.Contains(text, "0000") { // many ticks: bounded, and slow
			return
		}
		r, err := Trace(schema.TraceRequest{Text: text, Tensors: some}, tensors)
		if err != nil {
			t.Fatal(err)
		}
		if r.Error == "" {
			for l := range strings.Lines(r.Lines) {
				if !json.Valid([]byte(l)) {
					t.Fatalf("%q", l)
				}
			}
		}
	})
}
