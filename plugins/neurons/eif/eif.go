// Package eif is the exponential integrate-and-fire neuron: its equations are in eif.snn.
package eif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed eif.snn
var equations string

//go:embed eif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "eif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"EIFNode", "ExponentialIF", "LIFExCell", "lif_ex"}}
}
