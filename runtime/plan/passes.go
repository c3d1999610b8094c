package plan

// Pass is a pass over the graph that a plan has been through: what is it called, what it does, and where it did it.
type Pass struct {
	Name, Does string
	Places     []string // structural places of the nodes that it replaced, "" outside networks
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
	{"normalisation", "a normalisation is moments and element-wise operators", normalisation},
	{"factors", "factors that are the same for all that is summed come after the sum", factors},
}
