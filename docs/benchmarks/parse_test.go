package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestParseKernels(t *testing.T) {
	have, err := parseKernels([]byte(`goos: linux
BenchmarkDense/3x3@64x28/avx512-2    	  12	  9 ns/op	  170.0 GFLOP/s
BenchmarkDense/3x3@64x28/avx512-2    	  12	  9 ns/op	  180.5 GFLOP/s
BenchmarkDense/1x1@64x28/avx512-2    	  12	  9 ns/op	  1.0 GFLOP/s
BenchmarkEventProduct/3x3/64@28x28/avx512/10%       	  12	  9 ns/op	  900.0 GFLOP/s
BenchmarkEventSums/3x3/256@8x8/avx512/5%-4        	  12	  9 ns/op	  7 B/op	  8e+02 GFLOP/s
BenchmarkEventProduct/3x3s2/64@28x28-128/avx512/10%	  12	  9 ns/op	  1.0 GFLOP/s
BenchmarkRows-2	  12	  9 ns/op
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	both := figure{Median: 175.25, Min: 170, Max: 180.5, Repeats: 2}
	want := map[string]figure{
		"64@28x28 forward":     both,
		"64@28x28 dX":          both,
		"64@28x28 forward 10%": {Median: 900, Min: 900, Max: 900, Repeats: 1},
		"256@8x8 dW 5%":        {Median: 800, Min: 800, Max: 800, Repeats: 1},
	}
	if !reflect.DeepEqual(have.Figures, want) {
		t.Errorf("have %v", have.Figures)
	}
	rows := map[string]bool{}
	for _, g := range []group{dense(), events()} {
		for _, r := range g.rows {
			rows[r.figure] = true
		}
	}
	for name := range want {
		if !rows[name] {
			t.Errorf("no row shows %s", name)
		}
	}
	if _, err := parseKernels([]byte("PASS\n")); err == nil {
		t.Error("no error where no benchmark ran")
	}
}

func TestParseNeurons(t *testing.T) {
	have, err := parseNeurons([]byte("BenchmarkNeuron/leaky/T4/forward\t 12\t 9 ns/op\t 0.5 ns/step\nBenchmarkNeuron/leaky/T4/forward-2 \t 12\t 9 ns/op\t 5.5e-01 ns/step\nPASS\n"))
	want := map[string]figure{"leaky T4 forward": {Median: 0.525, Min: 0.5, Max: 0.55, Repeats: 2}}
	if err != nil || !reflect.DeepEqual(have.Figures, want) {
		t.Errorf("have %v, %v", have.Figures, err)
	}
}

func TestParseOpaque(t *testing.T) {
	have, err := parseOpaque([]byte(`goos: linux
BenchmarkOpaque/dry/go-2 	 60	 28524983 ns/op	 2.0 above-here-ms	 0.5 above-own-ms	 1.25 at-once	 6.3 here-ms	 7.5 own-ms	 8 process-ms
BenchmarkOpaque/dry/go-2 	 60	 28524983 ns/op	 -1.0 above-here-ms	 1.5 above-own-ms	 1.75 at-once	 6.3 here-ms	 7.5 own-ms	 8 process-ms
BenchmarkOpaque/leaky/numpy	 60	 9 ns/op	 3e+00 above-own-ms
PASS
`), 3)
	want := map[string]figure{
		"dry/go above-here-ms": {0.5, -1, 2, 2}, "dry/go above-own-ms": {1, 0.5, 1.5, 2}, "dry/go at-once": {1.5, 1.25, 1.75, 2}, "dry/go own-ms": {7.5, 7.5, 7.5, 2},
		"dry/go process-ms": {8, 8, 8, 2}, "leaky/numpy above-own-ms": {3, 3, 3, 1},
	}
	if err != nil || !reflect.DeepEqual(have.Figures, want) || have.Threads != 3 {
		t.Errorf("have %+v, %v", have, err)
	}
	rows := map[string]bool{}
	for _, r := range opaques().rows {
		rows[r.figure] = true
	}
	for name := range want {
		if !rows[name] {
			t.Errorf("no row shows %s", name)
		}
	}
	if _, err := parseOpaque([]byte("PASS\n"), 1); err == nil {
		t.Error("no error where no benchmark ran")
	}
}

func TestParseChip(t *testing.T) {
	have, err := parseChip([]byte(`cpu: any
BenchmarkStep/workers=2-2 	 1309	 1854231 ns/op	 70.5 Mupdates/s	 2.0 ms/step	 0.0503 rate
BenchmarkStep/workers=2-2 	 1309	 1854231 ns/op	 70.5 Mupdates/s	 1.5 ms/step	 0.0503 rate
BenchmarkExamples/plain-2 	 3	 9 ms/step
BenchmarkChip/all-2 	 3	 1 GSOPS	 2.5e+00 ms/step
PASS
`), 2)
	want := map[string]figure{"step": {2, 1.5, 2.5, 3}}
	if err != nil || !reflect.DeepEqual(have.Figures, want) || !reflect.DeepEqual(have.Rates, []float64{0.0503}) || have.Threads != 2 {
		t.Errorf("have %+v, %v", have, err)
	}
	if _, err := parseChip([]byte("PASS\n"), 1); err == nil {
		t.Error("no error where no benchmark ran")
	}
}

func TestParseBench(t *testing.T) {
	report := `{"train":{"action":"train four","batch":32,"step_ms":{"median":2,"min":1,"max":4,"count":5},"forward_ms":1,"bytes":640},
"sample":{"network":"stack","evaluation_ms":{"median":0.5,"min":0.25,"max":1,"count":5},"rates":{"b":0.5,"a":0.125}},
"peak_bytes":1,"threads":2,"cpu":{"model":"A","level":"avx2"},"layers":[
{"layer":"a","rate":0.25,"both_ms":{"median":1.5,"min":1,"max":2,"count":5}},{"layer":"b","forward_ms":1,"backward_ms":1}]}`
	have, err := parseBench([]byte(report), "decode")
	if err != nil {
		t.Fatal(err)
	}
	if len(have.Versions) != 1 || have.Versions["Go"] == "" {
		t.Errorf("versions %v", have.Versions)
	}
	have.Versions = nil
	want := measured{
		Figures: map[string]figure{"train": {2, 1, 4, 5}, "decode": {0.5, 0.25, 1, 5}, "neuron": {1.5, 1, 2, 5}},
		Rates:   []float64{0.25}, Evaluation: []float64{0.125, 0.5}, Planned: 640, Threads: 2, CPU: "avx2",
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v", have)
	}
	if have, err := parseBench([]byte(`{"train":{},"draw":{"samples_ms":{"median":3,"min":2,"max":5,"count":7}}}`), ""); err != nil || have.Figures["sample"] != (figure{3, 2, 5, 7}) {
		t.Errorf("samples take %v, %v", have.Figures["sample"], err)
	}
	if _, err := parseBench([]byte(`{"train":{}}`), "decode"); err == nil {
		t.Error("no error where the evaluation is missing")
	}
}

func TestParseTraining(t *testing.T) {
	have, err := parseTraining([]byte(`{"action":"train a","kind":"step","step":1,"seconds":0.5,"rates":{"b.0.fire":0.1,"a.0.fire":0.2}}
{"action":"train a","kind":"step","step":2,"seconds":1,"rates":{"b.0.fire":0.9,"a.0.fire":0.9}}
{"action":"train a","kind":"epoch","epoch":1,"step":2,"seconds":1.25,"rates":{"b.0.fire":0.3,"a.0.fire":0.3}}
{"action":"train a","kind":"epoch","epoch":2,"step":4,"seconds":2,"rates":{"b.0.fire":0.5,"a.0.fire":0.25}}
{"action":"train a","kind":"done","seconds":2}
`), "epoch")
	if err != nil {
		t.Fatal(err)
	}
	want := measured{
		Figures: map[string]figure{"epoch": {Median: 1, Min: 0.75, Max: 1.25, Repeats: 2}},
		Layers:  []layer{{"a.0.fire", 0.2, 0.25}, {"b.0.fire", 0.1, 0.5}},
	}
	if !reflect.DeepEqual(have, want) {
		t.Errorf("have %+v", have)
	}
	for _, bad := range []string{"", "no JSON\n"} {
		if _, err := parseTraining([]byte(bad), "epoch"); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestParseUse(t *testing.T) {
	have, err := parseUse("cpu  100 20 30 4000 500 6 7 80 9 9")
	if want := float64(100+20+30+6+7+80) / tick; err != nil || have != want {
		t.Errorf("have %v, %v, want %v", have, err, want)
	}
	for _, bad := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2", "cpu 1 2 3 4 x 6 7 8"} {
		if _, err := parseUse(bad); err == nil {
			t.Errorf("no error for %q", bad)
		}
	}
}

func TestWrap(t *testing.T) {
	if have := wrap("one two  three four", 9); have != "one two\nthree\nfour" {
		t.Errorf("have %q", have)
	}
	if have := tail("a\nb\nc\n", 2); have != "b\nc" {
		t.Errorf("have %q", have)
	}
	if have := strings.Count(wrap(groups()[0].about, 120), "\n"); have == 0 {
		t.Error("a long paragraph is one line")
	}
}

// The Go benchmarks that are run are there.
func TestBenchmarks(t *testing.T) {
	source := func(pattern string) string {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		var all strings.Builder
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
		return all.String()
	}
	kernels := source("../../runtime/kernel/*_test.go")
	for name := range products {
		if !strings.Contains(kernels, "func Benchmark"+name+"(") {
			t.Errorf("runtime/kernel has no Benchmark%s", name)
		}
	}
	if !strings.Contains(source("../../runtime/exec/*_test.go"), "func BenchmarkNeuron(") {
		t.Error("runtime/exec has no BenchmarkNeuron")
	}
	for target, name := range map[string]string{"loihi": "Step", "truenorth": "Chip"} {
		if !strings.Contains(source("../../plugins/targets/"+target+"/emulator/*_test.go"), "func Benchmark"+name+"(") {
			t.Errorf("the emulator of %s has no Benchmark%s", target, name)
		}
	}
}
