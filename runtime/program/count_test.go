package program_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/interp"
	"snnc.dev/snnc/runtime/program"
)

// firing spikes where its input is 1/2 or more, and weighs the spikes and then the real numbers of its input.
const firing = `graph 1

variable "weight" f32[3 2] parameter constant(1.0, 0.0)

equation "e0" spikes {
  input x
  %0 = constant value=0.5 : f32[]
  %1 = spike %x %0 %0 : bit[]
  emit %1
}

function train(x: f32[T2 N 2]) {
  %0 = equation "e0" %x : bit[T2 N 2]
  %1 = read var="weight" : f32[3 2]
  %2 = matmul %0 %1 transpose=true : f32[T2 N 3]
  %3 = matmul %x %1 transpose=true : f32[T2 N 3]
  %4 = add %2 %3 : f32[T2 N 3]
  return y = %4
}

function eval(x: f32[T2 N 2]) {
  %0 = equation "e0" %x : bit[T2 N 2]
  %1 = read var="weight" : f32[3 2]
  %2 = matmul %0 %1 transpose=true : f32[T2 N 3]
  %3 = matmul %x %1 transpose=true : f32[T2 N 3]
  %4 = add %2 %3 : f32[T2 N 3]
  return y = %4
}
`

const firingProgram = `role "net" network (f32[T2 N 2]) -> (f32[T2 N 3])

function draw(x: f32[T2 N 2]) {
  %0 = apply %x mode="eval" role="net" : f32[T2 N 3]
  %1 = neg %x : f32[T2 N 2]
  %2 = apply %1 frozen=true mode="eval" role="net" : f32[T2 N 3]
  %3 = apply %x mode="train" role="net" : f32[T2 N 3]
  %4 = add %0 %2 : f32[T2 N 3]
  return y = %4
}
`

// Of two applications both are counted, also where one is frozen, and not a third one that nothing needs. Of two neurons of two
// examples at two steps three give five spikes in the first, and one gives one in the second.
func TestCounted(t *testing.T) {
	l, err := program.NewLinker(parsed(t, firingProgram), map[string]*graph.Module{"net": named(module(t, firing), "2.fire")})
	if err != nil {
		t.Fatal(err)
	}
	g, counts, err := l.Counted("draw")
	if err != nil {
		t.Fatal(err)
	}
	spikes, reals, layer := program.Product{Operations: 12, Spikes: true}, program.Product{Operations: 12}, program.Layer{Name: "net.2.fire", Neurons: 2, Steps: 2}
	if d := cmp.Diff(program.Counts{Products: []program.Product{spikes, reals, spikes, reals}, Layers: []program.Layer{layer, layer}}, counts); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	env := environment(l, g)
	env.N = 2
	env.Inputs["x"] = interp.Value{Type: graph.Signal(2, 2), N: 2, Data: []float64{1, -1, 0.5, 0, 1, 0.75, 0.5, 0}} // step, example, neuron
	res, err := interp.Run(g, env)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for name, v := range res.Outputs {
		if program.IsCount(name) {
			got[name] = v.Data[0]
		}
	}
	want := map[string]float64{
		program.Input + "0": 5. / 8, program.Input + "2": 1. / 8,
		program.Spiked + "0": 5. / 8, program.Silent + "0": 1. / 4,
		program.Spiked + "1": 1. / 8, program.Silent + "1": 3. / 4,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// named gives the equations of a module a place.
func named(m *graph.Module, layer string) *graph.Module {
	for _, f := range m.Functions {
		for _, n := range f.Nodes {
			if n.Op == graph.OpEquation {
				n.Layer = layer
			}
		}
	}
	return m
}
