package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// spike is one of a population at a time step of the network.
type spike struct {
	population   string
	step, neuron int
}

// What snnc emulate makes of an exported example is what the deployed network made of it: the same spikes of each population at each time
// step, on all three chips. Of TrueNorth those are compared that the host reads.
func TestExportedExample(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := command(args, &out, &errs); code != 0 {
			t.Fatalf("%v gives status %d\n%s", args, code, errs.String())
		}
		return out.String()
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(root, "docs/schema/example.json"))
	if err != nil {
		t.Fatal(err)
	}
	folder, exports := filepath.Join(dir, "digits"), filepath.Join(dir, "exp")
	run("run", filepath.Join(root, "specs/deploy.snn"), "--set", "train.digit.epochs=1", "--set", "deploy.digit.targets=[loihi]", "--set", "deploy.digit.count=2",
		"--set", "deploy.digit.examples=1", "--out", folder)
	run("deploy", folder, "--target", "loihi", "--target", "truenorth", "--target", "neurogrid", "--count", "2", "--examples", "1", "--example", "3", "--export", exports)
	for _, target := range []string{"loihi", "truenorth", "neurogrid"} {
		text, err := os.ReadFile(filepath.Join(exports, target+".example.json"))
		if err != nil {
			t.Fatal(err)
		}
		if v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text)); err != nil || schema.Validate(v) != nil {
			t.Errorf("%s: %v, %v", target, err, schema.Validate(v))
		}
		var e struct {
			Example  int
			Label    *int
			Output   []float64
			Circuits []struct {
				Steps       int
				Populations []struct {
					Name   string
					Depth  int
					Spikes [][]int
				}
			}
		}
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		if e.Example != 3 || e.Label == nil || len(e.Output) != 10 || len(e.Circuits) != 1 {
			t.Fatalf("%s: %s", target, text)
		}
		c := e.Circuits[0]
		want, depth := map[spike]bool{}, map[string]int{}
		for _, p := range c.Populations {
			depth[p.Name] = p.Depth
			for step, list := range p.Spikes {
				for _, k := range list {
					want[spike{p.Name, step, k}] = true
				}
			}
		}
		file := filepath.Join(exports, target+".json")
		var of struct {
			Layers []string
			Legend struct {
				Layers []struct {
					Dims   []int
					Tick   int
					Output *int
				}
			}
		}
		if text, err = os.ReadFile(file); err == nil {
			err = json.Unmarshal(text, &of)
		}
		if err != nil {
			t.Fatal(err)
		}
		if target == "truenorth" && len(of.Layers) != len(c.Populations) {
			t.Fatalf("the legend has %d layers of %d", len(of.Layers), len(c.Populations))
		}
		got := map[spike]bool{}
		for line := range strings.Lines(run("emulate", target, file)) {
			var x struct {
				Step       int
				Group      string
				Spikes     json.RawMessage // of the totals, a number
				Tick       int
				Outputs    []int
				At         *float64
				Population string
				Neuron     int
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			var list []int
			switch {
			case x.Group != "":
				if err := json.Unmarshal(x.Spikes, &list); err != nil {
					t.Fatal(err)
				}
				for _, k := range list {
					got[spike{x.Group, x.Step - depth[x.Group] + 1, k}] = true
				}
			case x.At != nil:
				got[spike{x.Population, x.Step, x.Neuron}] = true
			}
			for _, o := range x.Outputs {
				for i, l := range of.Legend.Layers {
					n := 1
					for _, d := range l.Dims {
						n *= d
					}
					if l.Output != nil && o >= *l.Output && o < *l.Output+n {
						got[spike{of.Layers[i], x.Tick - l.Tick, o - *l.Output}] = true
					}
				}
			}
		}
		maps.DeleteFunc(got, func(s spike, _ bool) bool { return s.step < 0 || s.step >= c.Steps })
		maps.DeleteFunc(want, func(s spike, _ bool) bool {
			i := slices.Index(of.Layers, s.population)
			return i >= 0 && of.Legend.Layers[i].Output == nil
		})
		if len(want) == 0 || !maps.Equal(got, want) {
			t.Errorf("%s: the trace has %d spikes, and the deployed network made %d, or others", target, len(got), len(want))
		}
	}
	var out, errs bytes.Buffer
	for says, args := range map[string][]string{
		"name a folder for it by --export": {"deploy", folder, "--example", "1"},
		"counted from 0":                   {"deploy", folder, "--example=-1", "--export", exports},
		"there is no example 100000":       {"deploy", folder, "--target", "loihi", "--count", "2", "--example", "100000", "--export", exports},
	} {
		if code := command(args, &out, &errs); code == 0 || !strings.Contains(errs.String(), says) {
			t.Errorf("%v: status %d, %s", args, code, errs.String())
		}
	}
}
