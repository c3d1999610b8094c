// Package iaf is the integrate-and-fire neuron: its equations are in iaf.snn.
package iaf

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed iaf.snn
var equations string

//go:embed iaf.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "iaf", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"IF", "IFNode", "IFCell", "IntegrateAndFire", "if_neuron"}}
}
