package emulator

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/targets/internal/schematest"
)

const docs = "../../../../docs/"

// The schema of the docs takes the page's example and those of testdata, and what Print writes of them.
func TestSchema(t *testing.T) {
	check := schematest.Valid(t, docs+"schema/loihi-network.json")
	page, err := os.ReadFile(docs + "emulate-loihi.md")
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, m := range regexp.MustCompile("(?s)```json write [a-z.]*\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		texts = append(texts, m[1])
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(texts) != 1 || len(files) == 0 {
		t.Fatalf("%d examples of the page, %d files: %v", len(texts), len(files), err)
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
		n, err := Read(text, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		printed, _, _, err := n.Print()
		if err != nil {
			t.Fatal(err)
		}
		if err := check(printed); err != nil {
			t.Errorf("%s\n%v", printed, err)
		}
	}
}

// The members of the schema are those that are read.
func TestMembers(t *testing.T) {
	schematest.Members(t, docs+"schema/loihi-network.json", reflect.TypeFor[Network](), reflect.TypeFor[Numbers]())
}

// What the schema refuses is refused when it is read.
func TestRefused(t *testing.T) {
	check := schematest.Valid(t, docs+"schema/loihi-network.json")
	const good = `{"format": "snnc loihi network 1", "inputs": [{"name": "i", "dims": [2]}], "groups": [{"name": "g", "dims": [1], "bias": 1, "noise": {"to": "u"}}],
 "synapses": [{"from": "i", "to": "g", "kind": "dense", "weights": [2, 4], "bits": 8}], "steps": 2, "spikes": [{"step": 1, "input": "i", "index": 1}]}`
	if err := check(good); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(good, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, x := range [][2]string{
		{`network 1`, `network 2`}, {`"steps": 2`, `"steps": -1`}, {`"steps": 2`, `"steps": 2.5`}, {`"bias": 1`, `"bias": 4096`}, {`"bias": 1`, `"bias": [-4096]`}, {`"bias": 1`, `"bias": {"tensor": ""}`},
		{`"bias": 1`, `"decay_u": 4096`}, {`"bias": 1`, `"threshold": 131072`}, {`"bias": 1`, `"vmax_exp": 8`}, {`"bias": 1`, `"bios": 1`}, {`"to": "u"`, `"to": "w"`}, {`"dims": [1]`, `"dims": [1, 1]`},
		{`"dims": [1]`, `"dims": [0]`}, {`"bits": 8`, `"bits": 7`}, {`"bits": 8`, `"bits": 8, "delay": 63`}, {`"bits": 8`, `"bits": 8, "exponent": 8`}, {`"bits": 8`, `"bits": 8, "sign": "both"`}, {`"dense"`, `"sparse"`},
		{`[2, 4]`, `[2, 300]`}, {`"index": 1`, `"index": -1`}, {`"steps": 2`, `"steps": 2, "offset_u": 2`}, {`"steps": 2`, `"steps": 2, "dialect": "intel"`}, {`"groups": [`, `"groups": [], "none": [`},
	} {
		text := strings.Replace(good, x[0], x[1], 1)
		if err := check(text); err == nil {
			t.Errorf("the schema takes %s", text)
		}
		if _, err := Read(text, nil, nil); err == nil {
			t.Errorf("this is read: %s", text)
		}
	}
}

// The page's ranges of weights are those that are taken.
func TestWeights(t *testing.T) {
	page, err := os.ReadFile(docs + "emulate-loihi.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (\d) \| (\d+) \| (-?\d+) to (\d+) \| (\d+) \| (\d+) to (\d+) \| (-\d+) to (\d+) \|$`).FindAllStringSubmatch(string(page), -1)
	if len(rows) != 7 {
		t.Fatalf("the page has %d rows of weights", len(rows))
	}
	for _, row := range rows {
		var x [9]int
		for i := range x {
			if x[i], err = strconv.Atoi(row[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		for _, of := range []struct {
			sign           Sign
			per, low, high int
		}{{Mixed, x[1], x[2], x[3]}, {Excitatory, x[4], x[5], x[6]}, {Inhibitory, x[4], x[7], x[8]}} {
			for w := -257; w <= 257; w++ {
				s := Synapses{Kind: list, Sources: []int{0}, Targets: []int{0}, Weights: Numbers{List: []int32{int32(w)}}, Bits: x[0], Sign: of.sign}
				err := s.validate([]int{1}, []int{1}, Chip)
				if want := w >= of.low && w <= of.high && w%of.per == 0; (err == nil) != want {
					t.Errorf("%d bits, %s: a weight of %d: %v, and the page says %v", x[0], of.sign, w, err, want)
				}
			}
		}
	}
}
