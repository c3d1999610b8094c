// Package alpha is the neuron whose synapses are alpha functions: its equations are in alpha.snn.
package alpha

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed alpha.snn
var equations string

//go:embed alpha.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "alpha", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"Alpha", "AlphaNeuron", "SRM0"}}
}
