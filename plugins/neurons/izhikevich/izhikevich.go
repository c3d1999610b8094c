// Package izhikevich is Izhikevich's neuron: its equations are in izhikevich.snn.
package izhikevich

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed izhikevich.snn
var equations string

//go:embed izhikevich.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "izhikevich", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"IzhikevichNode", "Izhikevich", "IzhikevichCell", "iz"}}
}
