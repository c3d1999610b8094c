// Package alif is the adaptive leaky integrate-and-fire neuron: its equations are in alif.snn.
package alif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed alif.snn
var equations string

//go:embed alif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "alif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"ALIF", "AdaptiveLIF", "LSNNCell", "lsnn", "AdaptLIFNode"}}
}
