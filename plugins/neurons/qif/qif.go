// Package qif is the quadratic integrate-and-fire neuron: its equations are in qif.snn.
package qif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed qif.snn
var equations string

//go:embed qif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "qif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"QIFNode", "QuadraticIF"}}
}
