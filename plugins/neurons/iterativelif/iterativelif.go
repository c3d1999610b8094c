// Package iterativelif is the iterative leaky integrate-and-fire neuron: its equations are in iterative_lif.snn.
package iterativelif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed iterative_lif.snn
var equations string

//go:embed iterative_lif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "iterative_lif", Version: "1.0", Doc: doc, Equations: equations}
}
