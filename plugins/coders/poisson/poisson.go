// Package poisson is the Poisson coder: its equations are in poisson.snn.
package poisson

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed poisson.snn
var equations string

//go:embed poisson.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "poisson", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"PoissonGenerator", "spike_generator"}}
}
