package sdk

import "snnc.dev/snnc/runtime/graph"

// ShortestTable returns the number of rows of the shortest table that a network, given as the text of its module, looks one of its
// inputs up in, counted from 0: of a `sinusoid` or an `embedding`. It is 0 where there is none. A model that tells a network of more
// steps or classes refuses it.
func ShortestTable(text string, input int) int {
	m, err := graph.Parse(text)
	if err != nil {
		return 0 // NewProgram tells
	}
	found := 0
	for _, g := range m.Functions {
		for _, n := range g.Nodes {
			if n.Op != graph.OpRows {
				continue
			}
			from := n.In[1].Node
			for from.Op == graph.OpReshape { // tokens of a map are looked up in a row
				from = from.In[0].Node
			}
			if input >= len(g.Inputs) || from != g.Inputs[input] {
				continue
			}
			if rows := n.In[0].Type().Dims[0]; found == 0 || rows < found {
				found = rows
			}
		}
	}
	return found
}
