// Package count is the spike counter: its equations are in count.snn.
package count

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed count.snn
var equations string

//go:embed count.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "count", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"sum", "spike_count"}}
}
