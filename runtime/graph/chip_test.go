package graph_test

import (
	"strings"
	"testing"

	"snnc.dev/snnc/runtime/graph"
)

// chipText is a network of which a chip computes a part; the canonical text.
const chipText = `graph 1

chip "c0" circuit="digit.encoder" steps=4 {
  input bit[T4 N 1 8 8]
  input f32[N 16]
  output bit[T4 N 32]
  output f32[N 10]
}

function eval(s: bit[T4 N 1 8 8], x: f32[N 16]) free-steps {
  %0 = chip "c0" %s %x label="chip" : bit[T4 N 32] f32[N 10]
  return spikes = %0.0, read = %0.1
}
`

// At another number of time steps a chip gives as many as it takes; it has no derivative.
func TestChip(t *testing.T) {
	m, err := graph.Parse(chipText)
	if err != nil {
		t.Fatal(err)
	}
	b := graph.NewBuilder("f", nil)
	outs := b.Inline(m.Functions[0], []graph.Value{b.Input("s", graph.Spikes(7, 1, 8, 8)), b.Input("x", graph.Real(16))}, nil)
	if b.Err() != nil || !outs[0].Type().Equal(graph.Spikes(7, 32)) || !outs[1].Type().Equal(graph.Real(10)) || outs[0].Node.ChipSteps() != 7 {
		t.Errorf("%v and %v: %v", outs[0].Type(), outs[1].Type(), b.Err())
	}
	refuses(t, `circuit "digit.encoder" lies on a chip and has no derivative`, func(b *graph.Builder, in []graph.Value) graph.Value {
		return b.Like(&graph.Node{Op: graph.OpChip, Chip: m.Chips[0]}, nil, b.Op(graph.OpGreater, nil, in[0], b.Const(0)), in[1])[1]
	}, graph.Signal(4, 1, 8, 8), graph.Real(16))
}

// What is no chip, and a use that is none, is said.
func TestChipRejects(t *testing.T) {
	for old, c := range map[string]struct{ now, want string }{
		`steps=4`:                      {`steps=0`, "0 time steps"},
		`circuit=`:                     {`of=`, `want "circuit", got "of"`},
		`  input f32[N 16]`:            {`  input f32[T4 N 16]`, "is neither spikes at 4 time steps nor numbers without time steps"},
		`  output f32[N 10]`:           {`  output bit[T3 N 10]`, "is neither spikes at 4 time steps nor numbers without time steps"},
		`  input bit[T4 N 1 8 8]`:      {`  input bit[T4 1 8 8]`, "is neither spikes at 4 time steps"},
		`  output bit[T4 N 32]` + "\n": {"", `chip gives f32[N 10], the text says bit[T4 N 32]`},
		`  output f32[N 10]` + "\n}":   {"  input f32[N 2]\n}", "which has inputs and then outputs"},
		`chip "c0" %s %x`:              {`chip "c1" %s %x`, `unknown chip "c1"`},
		`%s %x label`:                  {`%s label`, "c0 wants 2 inputs, got 1"},
		`%s %x label="chip"`:           {`%s %s label="chip"`, "c0: input 1 is bit[T4 N 1 8 8], want f32[N 16]"},
		"\n\nfunction":                 {"\nchip \"c0\" circuit=\"\" steps=1 {\n}\nfunction", `chip "c0" stands twice`},
		`steps=4 {`:                    {"steps=4 {\n}\nchip \"c1\" circuit=\"\" steps=1 {", "has 0 inputs and 0 outputs"},
	} {
		text := strings.Replace(chipText, old, c.now, 1)
		if _, err := graph.Parse(text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.now, err, c.want)
		}
	}
}
