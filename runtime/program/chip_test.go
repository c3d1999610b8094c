package program_test

import (
	"errors"
	"testing"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/program"
)

// A role of which a part lies on a chip is applied at other numbers of time steps and twice with other seeds; its state cannot be
// carried. An export of such a Program fills a role with chips of its own.
func TestChip(t *testing.T) {
	m, err := graph.Parse(`graph 1
chip "c0" circuit="net" steps=4 {
  input bit[T4 N 2]
  output bit[T4 N 3]
  output f32[N 3]
}
function train(x: bit[T4 N 2]) free-steps {
  %0 = chip "c0" %x label="chip"
  return y = %0.0
}
function eval(x: bit[T4 N 2]) free-steps {
  %0 = chip "c0" %x label="chip"
  return y = %0.0
}
`)
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Parse(`program 1
role "net" network (bit[T4 N 2]) -> (bit[T4 N 3]) free-steps
function twice(x: bit[T4 N 2]) {
  %0 = slice %x axis=t start=0 length=3
  %1 = apply %0 role="net" mode="eval"
  %2 = apply %x role="net" mode="eval"
  return short = %1, long = %2
}
function carried(x: bit[T4 N 2]) {
  %0 = zero role="net"
  %1 = apply %x %0 role="net" mode="eval" state=true
  return y = %1.0
}
export features = twice
`)
	if err != nil {
		t.Fatal(err)
	}
	l, err := program.NewLinker(p, map[string]*graph.Module{"net": m})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Function("twice")
	if err != nil {
		t.Fatal(err)
	}
	want := `function twice(x: bit[T4 N 2]) {
  %0 = slice %x axis=t length=3 start=0 : bit[T3 N 2]
  %1 = chip "c0" %0 label="net.chip#0" : bit[T3 N 3] f32[N 3]
  %2 = chip "c0" %x label="net.chip#1" : bit[T4 N 3] f32[N 3]
  return short = %1.0, long = %2.0
}
`
	if got := g.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	var carried *program.CarriedError
	if _, err := l.Function("carried"); !errors.As(err, &carried) || carried.Role != "net" || carried.Circuit != "net" {
		t.Errorf("a state that is carried: %v", err)
	}
	out, err := l.Module("features")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := graph.Parse(out.Print()); err != nil || len(again.Chips) != 1 {
		t.Errorf("%v\n%s", err, out.Print())
	}
}
