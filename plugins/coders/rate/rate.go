// Package rate is the rate coder: its equations are in rate.snn.
package rate

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed rate.snn
var equations string

//go:embed rate.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "rate", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"PoissonEncoder", "bernoulli"}}
}
