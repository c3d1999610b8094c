// Package adex is the adaptive exponential integrate-and-fire neuron: its equations are in adex.snn.
package adex

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed adex.snn
var equations string

//go:embed adex.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "adex", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"AdEx", "AdaptiveExponential", "LIFAdExCell", "lif_adex", "aeif"}}
}
