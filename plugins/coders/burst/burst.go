// Package burst is the burst coder: its equations are in burst.snn.
package burst

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed burst.snn
var equations string

//go:embed burst.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "burst", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"BurstEncoder", "burst_coding"}}
}
