// Package cubalif is the leaky integrate-and-fire neuron with synaptic current: its equations are in cubalif.snn.
package cubalif

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed cubalif.snn
var equations string

//go:embed cubalif.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "cubalif", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"CUBALIFNode", "CubaLIF", "CUBA", "CurrentLIF"}}
}
