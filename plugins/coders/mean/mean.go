// Package mean is the mean read-out: its equations are in mean.snn.
package mean

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed mean.snn
var equations string

//go:embed mean.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "mean", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"average", "mean_rate"}}
}
