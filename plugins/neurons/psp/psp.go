// Package psp is the post-synaptic potential: its equations are in psp.snn.
package psp

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed psp.snn
var equations string

//go:embed psp.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "psp", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"PSP", "psp_filter", "SynapseFilter", "ExponentialFilter"}}
}
