// Package ttfs is the time-to-first-spike coder: its equations are in ttfs.snn.
package ttfs

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed ttfs.snn
var equations string

//go:embed ttfs.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "ttfs", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"LatencyEncoder", "temporal"}}
}
