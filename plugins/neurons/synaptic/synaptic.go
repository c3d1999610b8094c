// Package synaptic is the second-order leaky integrate-and-fire neuron: its equations are in synaptic.snn.
package synaptic

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed synaptic.snn
var equations string

//go:embed synaptic.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "synaptic", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"Synaptic", "LIF2", "second_order"}}
}
