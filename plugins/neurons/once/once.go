// Package once is the integrate-and-fire neuron that fires once: its equations are in once.snn.
package once

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed once.snn
var equations string

//go:embed once.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "once", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"S4NN", "SingleSpikeIF", "OnceIF"}}
}
