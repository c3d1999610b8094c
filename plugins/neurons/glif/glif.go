// Package glif is the gated leaky integrate-and-fire neuron: its equations are in glif.snn.
package glif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed glif.snn
var equations string

//go:embed glif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "glif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"GatedLIFNode", "GatedLIF", "GLIFNode"}}
}
