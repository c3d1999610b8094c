package pass

import (
	"fmt"
	"slices"

	"snnc.dev/snnc/runtime/graph"
)

// Pass is a pass that a graph has been through: what it is called, what it does, and where it did it.
type Pass struct {
	Name, Does string
	Places     []string // structural places of the nodes that it replaced, "" outside networks
}

// Layers returns the layers in which a pass did something, each once.
func (p *Pass) Layers() []string {
	layers := []string{}
	for _, l := range p.Places {
		if l != "" && !slices.Contains(layers, l) {
			layers = append(layers, l)
		}
	}
	return layers
}

// passes are what rewrites a graph, in order. Each gives the same results up to rounding. Between them, whatever the pass, equal
// nodes become one, what is known is computed, and what changes nothing or is not used goes (rewriter.tidy).
var passes = []struct {
	name, does string
	rule       rule
}{
	{"direct coding", "what emits its input at all steps is repetition over time", direct},
	{"steady products", "a product with what is the same at all steps is computed once", steadyProducts},
	{"upsampled convolutions", "a convolution of repeated pixels is a transposed one with summed weights", upsampled},
	{"linear readouts", "a linear readout over time runs in front of the product that it reads, which then is one and not T", readouts},
	{"concatenated channels", "neurons and products take the parts of a concatenation, of which no copy is made", concatenated},
	{"fixed scales", "scale and shift by what is known from variables go into weights and bias", affine},
	{"accumulated products", "a product begins with what it is added to, where nobody else reads that", accumulated},
	{"gradients that are 0", "the gradient by a bias that a normalisation takes away is 0", vanishing},
	{needed, "a normalisation is moments and element-wise operators", normalisation},
	{numbers, "a plugin reads and writes real numbers, also where these are spikes", plain},
	{"factors", "factors that are the same for all that is summed come after the sum", factors},
}

// The passes that no plan can do without: no kernel computes what the first takes apart, and no plugin knows bits.
const (
	needed  = "normalisation"
	numbers = "opaque operators"
)

// spared reports whether the pass NAME can be left out.
func spared(name string) bool { return name != needed && name != numbers }

// Names returns the names of the passes that can be left out, in order.
func Names() []string {
	var names []string
	for _, p := range passes {
		if spared(p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Rewrite sends the linked graph g, for batches of so many examples, through the passes, all but those whose names are in without. It
// returns the graph that is left and the passes that it has been through. The nodes of g are not changed.
func Rewrite(g *graph.Graph, batch int, without []string) (*Graph, []Pass, error) {
	var done []Pass
	s := take(g)
	for _, p := range passes {
		if spared(p.name) && slices.Contains(without, p.name) {
			continue
		}
		out, places, err := s.rewrite(batch, p.rule)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", p.name, err)
		}
		done = append(done, Pass{Name: p.name, Does: p.does, Places: places})
		s = out
	}
	return s, done, nil
}
