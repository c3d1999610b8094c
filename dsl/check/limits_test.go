package check_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
)

// base is a neuron to make others of.
const base = "neuron base(level = 1, span: time = 1 steps) {\ninput x\nspike when x > level * span\n}\n"

// shapes are specs as large as a spec may be, or as much work as little text can ask for.
func shapes() map[string]string {
	// few is as many units as the limit of words and signs leaves.
	few := func(before, unit, after string, n int) string {
		return "snn 1\n" + before + strings.Repeat(unit, n) + after
	}
	each := func(n int, before, form, after string) string {
		var b strings.Builder
		b.WriteString("snn 1\n" + before)
		for i := range n {
			fmt.Fprintf(&b, strings.ReplaceAll(form, "#", "%[1]d"), i)
		}
		return b.String() + after
	}
	net := func(body string) string { return "network f(x: real[4]) -> real[4] {\n" + body + "\nreturn x\n}\n" }
	return map[string]string{
		"statements read":  few("block b(x) {\n", "y=x\n", "return x\n}\n"+net("x = x -> b"), 60_000),
		"unknown names":    few("block b(x) {\n", "y=z\n", "return x\n}\n", 30_000),
		"sums":             few("param a: [int] = [1", "+1", "]\n", 100_000),
		"turns":            "snn 1\n" + net("repeat 1_000_000_000 { x = x -> relu }"),
		"empty turns":      "snn 1\n" + net("repeat 1_000_000_000 { }"),
		"turns of turns":   "snn 1\n" + net(strings.Repeat("repeat 1000 {", 90)+strings.Repeat("}", 90)),
		"turns of values":  "snn 1\n" + net("n = 1\nrepeat 4_000_000 { n = 1 }"),
		"long list turns":  few("param a: [int] = [", "1,", "]\n"+net("for i in a { for j in a { y = i } }"), 100_000),
		"reversed":         few("param a: [int] = [", "1,", "]\n"+net("repeat 10_000 { b = reverse(a) }"), 100_000),
		"searched":         few("param a: [int] = [", "1,", "]\n"+net("repeat 10_000 { b = 2 in a }"), 100_000),
		"doubled blocks":   each(99, "block b0(x) { return x -> relu -> relu }\n", "block c#(x) { return x -> b# -> b# }\n", "") + "",
		"layers":           "snn 1\n" + net("repeat 19_990 { x = x -> relu }"),
		"wide concat":      "snn 1\n" + net("repeat 20 { x = concat(x, x) }"),
		"deep ifs":         "snn 1\n" + net(strings.Repeat("if true {\n", 95)+strings.Repeat("}\n", 95)),
		"params":           each(14_000, "", "param a#: int = 1\n", ""),
		"chained params":   each(14_000, "param a: int = 1\n", "param a#: int = b#\n", ""),
		"a long chain":     chain(14_000),
		"neurons":          each(20_000, base, "neuron n# = base\n", ""),
		"chained neurons":  chained(2_500),
		"wrong neurons":    each(20_000, base, "neuron n# = base(span = #)\n", ""),
		"same names":       few("", "param a: int = 1\n", "", 30_000),
		"presets":          few("param a: int = 1\npreset p {\n", "a=1\n", "}\n", 30_000),
		"paths to nothing": each(8_000, "", "param a#: int = 1\n", "preset p {\n") + strings.Repeat("b.c=1\nd=1\n", 10_000) + "}\n",
		"names of nothing": each(8_000, "", "param a#: int = 1\n", "") + strings.Repeat("neuron n = x\n", 8_000) + net(strings.Repeat("y = z\nw = x -> q\n", 8_000)),
		"deep paths":       few(base+"neuron n = base\npreset p { n", ".a", " = 1 }\n", 40_000),
		"actions":          few("", "train m { }\n", "", 20_000),
		"equations used":   few("neuron n {\ninput x\nstate v = 0\n", "v=v+x\n", "spike when v>1\n}\nnetwork g(x: signal[4]) -> spikes[4] {\nrepeat 300 { x = x -> n }\nreturn x\n}\n", 20_000),
		"states":           each(20_000, "neuron n {\ninput x\n", "state v# = 0\n", "spike when x>1\n}\n"),
		"parameters":       each(20_000, "block b(x", ", p#", ") { return x }\n"),
		"dims":             few("network f(x: real[", "1,", "]) -> real[1] { return x }\n", 60_000),
		"types":            each(8_000, "", "network f#(x: real[4]) -> real[4] { return x }\n", ""),
		"wrong shapes":     each(5_000, "", "network f#(x: real[4]) -> real[5] { return x -> linear(6) -> relu }\n", ""),
		"chains of shapes": "snn 1\n" + net("repeat 9_000 { x = x -> relu }\nfor i in ["+strings.Repeat("1, ", 150)+"] { y = x -> conv(3, kernel = 3) }"),
		"pushes":           "snn 1\n" + net("repeat 19_000 { x = x -> push(s) }"),
		"imports":          each(20_000, "", "import \"a#.snn\"\n", ""),
		"powers":           few("param a: int = 2", "^2", "\n", 99),
		"large power":      "snn 1\nparam a: int = (-1) ^ 9_000_000_000_000_000_000\nparam b: int = 1 ^ 9_000_000_000_000_000_000\nparam c: int = 2 ^ 9_000_000_000_000_000_000\n",
		"flow":             few("block b(x) { return x", "->relu", "}\n"+net("x = x -> b"), 18_000),
		"unknown flow":     few("block b(x) { return x", "->rellu", "}\n", 100_000),
		"wide":             "snn 1\nnetwork f(x: real[2_000_000_000]) -> real[1] { return x -> linear(2_000_000_000) -> linear(2_000_000_000) }\n",
		"indices":          few("param a: [int] = [1]\nparam b: int = a", "[0]", "\n", 999),
		"lists in lists":   few("param a: [int] = ", "[", strings.Repeat("]", 99)+"\n", 99),
	}
}

// chain is a chain of params, each defined by the next.
func chain(n int) string {
	var b strings.Builder
	b.WriteString("snn 1\n")
	for i := range n {
		fmt.Fprintf(&b, "param a%d: int = a%d\n", i, i+1)
	}
	fmt.Fprintf(&b, "param a%d: int = 1\n", n)
	return b.String()
}

// chained is a chain of neurons, each made of the next.
func chained(n int) string {
	var b strings.Builder
	b.WriteString("snn 1\n" + base)
	for i := range n {
		fmt.Fprintf(&b, "neuron n%d = n%d(level = 1)\n", i, i+1)
	}
	fmt.Fprintf(&b, "neuron n%d = base\n", n)
	return b.String()
}

// Whatever a text asks for is done or refused within a second and 300 MB; that a mebibyte of anything is read so is a test of
// package dsl. Time is that of the processor, so that a busy machine says nothing, and twice the promise is allowed. Memory is
// all that was allocated, of which about half is garbage before the end.
func TestLimits(t *testing.T) {
	cat := catalogue(t)
	for name, text := range shapes() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := processorTime()
		f, found := dsl.Parse("x.snn", []byte(text))
		dsl.Resolve(f, func(string) ([]byte, error) { return nil, fmt.Errorf("there is none") })
		_, more := check.Check(f, check.Options{Catalogue: cat})
		took := processorTime() - start
		runtime.ReadMemStats(&after)
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 2*time.Second || mb > 600 || len(found) > 100 || len(more) > 100 {
			t.Errorf("%s: %v, %d MB, %d and %d findings", name, took, mb, len(found), len(more))
		}
	}
}
