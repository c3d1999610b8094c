package check_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/plugins/schema"
)

// computed is a catalogue with a neuron that its plugin computes, which refuses a `tau` of 7. asked counts how often it is asked.
func computed(asked *int) *check.Catalogue {
	least := 1.0
	return &check.Catalogue{
		Components: []schema.Component{
			{Kind: schema.Neuron, Name: "leap", Version: "1.0", Params: []schema.Param{{Name: "tau", Type: schema.Time, Default: "2 steps", Min: &least}},
				Opaque: &schema.Opaque{Inputs: []string{"x", "gain"}, Spikes: true, Once: true}},
			{Kind: schema.Neuron, Name: "leak", Version: "1.0", Params: []schema.Param{{Name: "tau", Type: schema.Time, Required: true, Min: &least}}, Opaque: &schema.Opaque{}},
			{Kind: schema.Neuron, Name: "hollow", Version: "1.0"},
			{Kind: schema.Neuron, Name: "hop", Version: "1.0", Equations: "neuron hopp { input x\noutput x }"},
		},
		Opaque: func(n *check.Neuron, dims []int, at diag.Range) (text string, found diag.List) {
			*asked++
			if n.Opaque.Args["tau"].Number == 7 {
				found.Add(diag.Diagnostic{Code: diag.PluginComplains, Range: n.Opaque.Places["tau"], Summary: "it does not like 7"})
			}
			return fmt.Sprintf("%s %v of %v", n.Opaque.Component.Name, n.Opaque.Args["tau"].Number, dims), found
		},
	}
}

// A neuron that its plugin computes has arguments and inputs as one of equations; the plugin is asked once for each neuron and shape.
func TestOpaqueNeurons(t *testing.T) {
	text := `snn 1
neuron fire = leap(tau = 3 steps)
network whole(x: signal[5]) -> times[2] {
    y = x -> leak(tau = 1 steps)
    z = x -> fire(gain = y) -> linear(5) -> fire(gain = y)
    return z -> linear(2) -> leap(gain = y -> linear(2))
}
`
	asked := 0
	f, found := dsl.Parse("spec", []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: computed(&asked)})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	var got []string
	for _, l := range s.Networks[0].Layers {
		if l.Kind == "neuron" {
			got = append(got, fmt.Sprintf("%v %v of %v: %s", l.Title, l.Wire, l.In, l.Opaque))
		}
	}
	want := strings.Split(`whole.0.leak signal[5] of [0]: leak 1 of [5]
whole.0.fire times[5] of [0 1]: leap 3 of [5]
whole.1.fire times[5] of [3 1]: leap 3 of [5]
whole.0.leap times[2] of [5 6]: leap 2 of [2]`, "\n")
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if asked != 4 { // `fire` with an input is a neuron of its own at each use
		t.Errorf("asked %d times", asked)
	}
}

// Times reach the plugin in steps.
func TestOpaqueTimes(t *testing.T) {
	for text, want := range map[string]string{
		"param dt: time = 2 ms\nneuron fire = leak(tau = 5 ms)\n":    "2.5 steps",
		"param dt: time = 2 ms\nneuron fire = leak(tau = 3 steps)\n": "3 steps",
		"neuron fire = leak(tau = 5 ms)\n":                           "`tau` is 5 ms, but the spec does not say how long a step is",
		"param dt: time = 2 ms\nneuron fire = leak(tau = 1 ms)\n":    "`tau` is 1 ms, it must be at least 1 steps",
	} {
		asked := 0
		f, found := dsl.Parse("spec", []byte("snn 1\n"+text+"network n(x: signal[5]) -> signal[5] { return x -> fire }\n"))
		s, more := check.Check(f, check.Options{Catalogue: computed(&asked)})
		if found = append(found, more...); found.HasErrors() {
			if found[0].Summary != want {
				t.Errorf("%s: %v", text, found)
			}
			continue
		}
		if v := s.Neurons[0].Opaque.Args["tau"]; fmt.Sprint(v.Number, " ", v.Unit) != want {
			t.Errorf("%s: %+v", text, v)
		}
	}
}

// What is wrong with a use is said there.
func TestOpaqueNeuronFindings(t *testing.T) {
	for use, want := range map[string]string{
		"x -> leap(tau = 7 steps, gain = x)":                           "it does not like 7",
		"x -> leap":                                                    "neuron `leap` needs its input `gain`",
		"x -> leap(gain = 3)":                                          "input `gain` is a wire, and this is",
		"x -> leap(gain = x -> linear(3))":                             "input `gain` has the shape of the first",
		"x -> leap(tau = 2, gain = x)":                                 "`tau` is a time, but 2 has no unit",
		"x -> leap(0 steps, gain = x)":                                 "`tau`",
		"x -> leak(tau = 1 steps, surrogate = atan) -> leap(gain = x)": "neuron `leak` has no argument `surrogate`",
		"x -> leak -> leap(gain = x)":                                  "needs `tau`",
		"x -> hollow -> leap(gain = x)":                                "neuron `hollow` of its plugin has no equations",
		"x -> hop -> leap(gain = x)":                                   "the equations of neuron `hop` define neuron `hopp`",
	} {
		asked := 0
		f, found := dsl.Parse("spec", []byte("snn 1\nnetwork n(x: signal[5]) -> times[5] { return "+use+" }\n"))
		_, more := check.Check(f, check.Options{Catalogue: computed(&asked)})
		if found = append(found, more...); len(found) == 0 || !strings.Contains(found[0].Summary, want) {
			t.Errorf("%s: %v, want %s", use, found, want)
		}
	}
}
