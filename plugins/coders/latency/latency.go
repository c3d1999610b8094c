// Package latency is the latency coder of a charging membrane: its equations are in latency.snn.
package latency

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed latency.snn
var equations string

//go:embed latency.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "latency", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"latency_code", "LatencyCode", "log_latency"}}
}
