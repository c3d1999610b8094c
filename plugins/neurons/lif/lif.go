// Package lif is the leaky integrate-and-fire neuron: its equations are in lif.snn.
package lif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed lif.snn
var equations string

//go:embed lif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "lif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"Leaky", "LIFNode", "LIFCell", "LIFBoxCell", "LeakyIntegrateAndFire"}}
}
