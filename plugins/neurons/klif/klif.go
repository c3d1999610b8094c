// Package klif is the scaled leaky integrate-and-fire neuron: its equations are in klif.snn.
package klif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed klif.snn
var equations string

//go:embed klif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "klif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"KLIFNode", "KLIF"}}
}
