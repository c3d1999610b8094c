// Package phase is the phase coder of weighted spikes: its equations are in phase.snn.
package phase

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed phase.snn
var equations string

//go:embed phase.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "phase", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"WeightedPhaseEncoder", "weighted_spikes", "PhaseEncoder"}}
}
