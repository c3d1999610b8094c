// Package delta is the delta modulator: its equations are in delta.snn.
package delta

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed delta.snn
var equations string

//go:embed delta.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "delta", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"delta_modulation", "DeltaModulator"}}
}
