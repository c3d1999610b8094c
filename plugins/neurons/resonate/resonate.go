// Package resonate is the resonate-and-fire neuron: its equations are in resonate.snn.
package resonate

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed resonate.snn
var equations string

//go:embed resonate.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Neuron, Name: "resonate", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"RAFNode", "RAF", "ResonateAndFire", "ResonateFire"}}
}
