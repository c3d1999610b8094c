// Package plif is the leaky integrate-and-fire neuron with a learned time constant: its equations are in plif.snn.
package plif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed plif.snn
var equations string

//go:embed plif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "plif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"ParametricLIFNode", "ParametricLIF", "LearnableLIF"}}
}
