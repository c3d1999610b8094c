package lower_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/dsl/lower"
	"snnc.dev/snnc/plugins/schema"
)

// Neurons that their plugin computes are operators with its declaration, one for all that are declared alike; an input without time steps
// is the same at all of them, in a network that works at any number too.
func TestOpaque(t *testing.T) {
	catalogue := &check.Catalogue{
		Components: []schema.Component{{Kind: schema.Neuron, Name: "leap", Version: "1.0", Params: []schema.Param{{Name: "tau", Type: schema.Real, Default: "2"}},
			Opaque: &schema.Opaque{Inputs: []string{"x", "gain"}, Spikes: true, Random: true}}},
		Opaque: func(n *check.Neuron, dims []int, _ diag.Range) (string, diag.List) {
			return fmt.Sprintf("graph 1\n\nopaque \"o0\" plugin=\"\" component=\"leap\" version=\"1.0\" arguments=\"{\\\"tau\\\":%v}\" spikes random {\n  input x\n  input gain\n}\n", n.Opaque.Args.Real("tau")), nil
		},
	}
	text := `snn 1
neuron slow = leap(tau = 5)
network n(x: signal[2], r: real[2]) -> spikes[2] { return x -> leap(gain = r) -> slow(gain = x) -> leap(gain = x) }
`
	f, found := dsl.Parse("spec", []byte(text))
	s, more := check.Check(f, check.Options{Catalogue: catalogue})
	if found = append(found, more...); found.HasErrors() {
		t.Fatal(found)
	}
	m, found := lower.Network(s.Networks[0], 3)
	if found.HasErrors() {
		t.Fatal(found)
	}
	want := `graph 1

opaque "o0" plugin="" component="leap" version="1.0" arguments="{\"tau\":2}" spikes random {
  input x
  input gain
}

opaque "o1" plugin="" component="leap" version="1.0" arguments="{\"tau\":5}" spikes random {
  input x
  input gain
}

function train(x: f32[T3 N 2], r: f32[N 2]) free-steps {
  %0 = slice %x axis=0 length=1 start=0 : f32[T3 N 1]
  %1 = eq %0 %0 : bit[T3 N 1]
  %2 = where %1 %r %r : f32[T3 N 2]
  %3 = opaque "o0" %x %2 label="2" : bit[T3 N 2]
  %4 = opaque "o1" %3 %x label="3" : bit[T3 N 2]
  %5 = opaque "o0" %4 %x label="4" : bit[T3 N 2]
  return y = %5
}
`
	m.Functions = m.Functions[:1]
	if d := cmp.Diff(want, m.Print()); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
