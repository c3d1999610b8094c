package host

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"snnc.dev/snnc/plugins/schema"
)

// circuits are one of two populations, without the rest of what they have.
var circuits = []schema.Circuit{{Name: "net", Network: "net", Populations: []schema.Population{{Name: "0.conv"}, {Name: "1.linear"}}}}

// Of a target's answer, what contradicts itself or the request is refused.
func TestJudgeChecked(t *testing.T) {
	q := schema.TargetRequest{Circuits: circuits}
	for text, want := range map[string]string{
		`{"fits":true,"used":[{"name":"cores","used":3,"limit":128}],"layers":[{"network":"net","layer":"0.conv"}]}`: "",
		`{"fits":false,"layers":[{"network":"net","layer":"0.conv","problem":"too many inputs"}]}`:                   "",
		`{"fits":false,"complaints":[{"path":"cores","summary":"too few"}]}`:                                         "",
		`{"fits":true,"complaints":[{"path":"cores","summary":"too few"}]}`:                                          "or both",
		`{"fits":true,"layers":[{"network":"net","layer":"0.conv","problem":"too many inputs"}]}`:                    "all fits, but",
		`{"fits":true,"layers":[{"network":"encoder","layer":"0.conv"}]}`:                                            "the request does not have",
		`{"fits":true,"used":[{"name":"cores","used":-1}]}`:                                                          "no amount",
		`{"fits":true,"layers":[{"network":"net","layer":"0.conv","used":[{"name":"","used":1}]}]}`:                  "no amount",
		`{"fits":"yes"}`: "read JSON: fits is a string and has to be true or false",
		`{"fits":true,"used":[{"name":"cores","used":129,"limit":128}]}`:                                "all fits, but it takes 129 of 128 cores",
		`{"fits":false,"used":[{"name":"cores","used":129,"limit":128}]}`:                               "",
		`{"fits":true,"layers":[{"network":"net","layer":"0.conv"},{"network":"net","layer":""}]}`:      "",
		`{"fits":false,"layers":[{"network":"net","layer":"0.conv","host":true,"problem":"it leaks"}]}`: "",
		`{"fits":true,"layers":[{"network":"net","layer":"2.conv"}]}`:                                   `no circuit of network "net" has a population "2.conv"`,
		`{"fits":true,"grids":[{"low":-8,"high":7,"layer":"0.conv"},{"low":-1,"high":1}]}`:              "",
		`{"fits":true,"grids":[{"low":-8,"high":7,"layer":"9"}]}`:                                       "which no circuit has",
		`{"fits":true,"grids":[{"low":1,"high":7}]}`:                                                    "is none",
	} {
		_, err := judgeChecked(text, q)
		refused(t, text, err, want)
	}
}

// refused fails where an error does not say what it should; "": there should be none.
func refused(t *testing.T, text string, err error, want string) {
	t.Helper()
	if err == nil != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", text, err, want)
	}
}

func TestJudgeCompiled(t *testing.T) {
	constant := `{"name":"event","value":1,"unit":"J","kind":"fit","source":"a paper"}`
	for rest, want := range map[string]string{
		``: "",
		`,"losses":[{"circuit":"net","layer":"0.conv","weights":0.1,"threshold":-0.1,"decay":0,"bits":8,"scale":64,"clipped":0,"zeroed":0.5}]`: "",
		`,"losses":[{"circuit":"net","layer":"2.conv"}]`:                                                      `no population "2.conv"`,
		`,"losses":[{"circuit":"net","layer":"0.conv","zeroed":2}]`:                                           "make no sense",
		`,"losses":[{"circuit":"net","layer":"0.conv","bias":-1}]`:                                            "make no sense",
		`,"cores":[{"chip":0,"x":1,"y":2,"layers":["net: 0.conv"],"used":[{"name":"n","used":1,"limit":1}]}]`: "",
		`,"cores":[{"chip":1}]`:                                                  "chip 1 of 1",
		`,"cores":[{"chip":0,"layers":["0.conv"]}]`:                              "no CIRCUIT: LAYER",
		`,"cores":[{"chip":0,"used":[{"name":"n","used":2,"limit":1}]}]`:         "2 of 1 n",
		`,"constants":[` + constant + `]`:                                        "",
		`,"constants":[` + constant + `,` + constant + `]`:                       "stands twice",
		`,"constants":[` + strings.Replace(constant, "fit", "guess", 1) + `]`:    `kind "guess"`,
		`,"constants":[` + strings.Replace(constant, "a paper", "", 1) + `]`:     "no source",
		`,"tensors":[{"name":"w","dtype":"I8","dims":[2,3]}]`:                    "",
		`,"tensors":[{"name":"w","dtype":"F64","dims":[2,3]}]`:                   "which is none",
		`,"tensors":[{"name":"w","dtype":"I8","dims":[-2]}]`:                     "which is none",
		`,"tensors":[{"name":"w","dtype":"I8","dims":[1099511627776]}]`:          "more than",
		`,"tensors":[{"name":"w","dtype":"F32","dims":[1099511627776,4194304]}]`: "which is none",
	} {
		text := `{"fits":true,"chips":1,"programs":[{"circuit":"net","ticks":3}]` + rest + `}`
		_, err := judgeCompiled(text, circuits)
		refused(t, text, err, want)
	}
	for text, want := range map[string]string{
		`{"fits":false}`: "",
		`{"complaints":[{"path":"cores","summary":"too few"}]}`:                "",
		`{"fits":true,"chips":1}`:                                              "0 of 1 circuits",
		`{"fits":true,"chips":1,"programs":[{"circuit":"other","ticks":3}]}`:   `should be of "net"`,
		`{"fits":true,"chips":1,"programs":[{"circuit":"net"}]}`:               "0 steps",
		`{"fits":true,"programs":[{"circuit":"net","ticks":3}]}`:               "0 chips",
		`{"fits":true,"chips":1,"programs":[{"circuit":"net","ticks":"all"}]}`: "whole number",
	} {
		_, err := judgeCompiled(text, circuits)
		refused(t, text, err, want)
	}
}

func TestJudgeEmulated(t *testing.T) {
	constants := []schema.Constant{{Name: "event"}}
	for text, want := range map[string]string{
		`{}`: "",
		`{"layers":[{"layer":"0.conv","spikes":[1,2],"synops":3}],"ticks":3,"energy":[{"profile":"a","part":"dynamic","low":1,"high":2,"from":["event"]}],"time":[{"name":"t","used":1,"limit":2}]}`: "",
		`{"layers":[{"layer":"0.conv"},{"layer":"0.conv"}]}`: "stands twice",
		`{"layers":[{"layer":"2"}]}`:                         "is none of circuit",
		`{"layers":[{"layer":"0.conv","spikes":[1]}]}`:       "1 time steps of 2",
		`{"layers":[{"layer":"0.conv","spikes":[1,-1]}]}`:    "less than nothing",
		`{"layers":[{"layer":"0.conv","hops":-1}]}`:          "less than nothing",
		`{"ticks":-1}`:                 "-1 steps",
		`{"ticks":1e999}`:              "read JSON",
		`{"energy":[{"part":"heat"}]}`: `no part "heat"`,
		`{"energy":[{"part":"static","low":2,"high":1}]}`:              "no interval",
		`{"energy":[{"part":"static","low":1,"high":1,"from":["x"]}]}`: `constant "x"`,
		`{"time":[{"name":"t","used":2,"limit":1}]}`:                   "no interval",
	} {
		_, err := judgeEmulated(text, &circuits[0], 2, constants)
		refused(t, text, err, want)
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, x := range []struct {
		v            float32
		spikes, good bool
	}{{0, true, true}, {1, true, true}, {2, true, false}, {nan, true, false}, {-3.5, false, true}, {nan, false, false}, {inf, false, false}} {
		if err := judgeNumbers([]float32{0, x.v}, x.spikes); err == nil != x.good {
			t.Errorf("%v, spikes: %v: %v", x.v, x.spikes, err)
		}
	}
}

func TestJudgeTraced(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "", `{"lines":"{\"t\":0}\n[1]\n"}`: "", `{"error":"no such neuron"}`: "",
		`{"lines":"{\"t\":0}\nspike\n"}`: "line 2 of the trace is no JSON", `{"lines":"{}","error":"x"}`: "both",
	} {
		_, err := judgeTraced(text)
		refused(t, text, err, want)
	}
	for text, want := range map[string]string{`{"text":"{}"}`: "", `{"text":"cores"}`: "no JSON", `{}`: "no JSON"} {
		_, err := judgeExported(text)
		refused(t, text, err, want)
	}
}

// Whatever a process answers about chips, judging it neither panics nor hangs.
func FuzzJudgeChip(f *testing.F) {
	f.Add(`{"fits":true,"used":[{"name":"cores","used":3,"limit":128}],"layers":[{"network":"net","layer":"0.conv"}],"chips":1,"programs":[{"circuit":"net","ticks":3}]}`)
	f.Add(`{"layers":[{"layer":"0.conv","spikes":[1,2],"synops":3}],"ticks":3,"energy":[{"part":"dynamic","low":1,"high":2,"from":["event"]}],"time":[{"name":"t","used":1,"limit":2}]}`)
	f.Add(`{"lines":"{\"t\":0}\n"}`)
	f.Add(`{"text":"{}"}`)
	f.Fuzz(func(t *testing.T, text string) {
		judgeChecked(text, schema.TargetRequest{Circuits: circuits})
		judgeCompiled(text, circuits)
		judgeEmulated(text, &circuits[0], 2, nil)
		judgeTraced(text)
		judgeExported(text)
	})
}

// Replies are added up by layer, part of energy and time, whatever their order.
func TestAddReply(t *testing.T) {
	one := schema.EmulateReply{Ticks: 2, Layers: []schema.Activity{{Layer: "a", Spikes: []float64{1, 2}, Synops: 3}},
		Energy: []schema.Energy{{Part: schema.Static, Low: 1, High: 2, From: []string{"p"}}}, Time: []schema.Amount{{Name: "step", Used: 1, Limit: 2}}}
	two := schema.EmulateReply{Ticks: 1, Layers: []schema.Activity{{Layer: "b"}, {Layer: "a", Spikes: []float64{1, 1}, Hops: 4}},
		Energy: []schema.Energy{{Part: schema.Dynamic, Low: 1, High: 1}, {Part: schema.Static, Low: 1, High: 1, From: []string{"q", "p"}}}, Time: []schema.Amount{{Name: "step", Used: 1, Limit: 1}}}
	var sum schema.EmulateReply
	Add(&sum, one)
	Add(&sum, two)
	want := `{3 [{a [2 3] 3 0 0 0 4 0} {b [] 0 0 0 0 0 0}] [{ static 2 3 [p q] } { dynamic 1 1 [] }] [{step 2 3 false}]}`
	got := fmt.Sprint(struct {
		ticks  float64
		layers []schema.Activity
		energy []schema.Energy
		time   []schema.Amount
	}{sum.Ticks, sum.Layers, sum.Energy, sum.Time})
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if one.Layers[0].Spikes[0] != 1 || len(one.Energy[0].From) != 1 {
		t.Error("a reply is changed that was added")
	}
}
