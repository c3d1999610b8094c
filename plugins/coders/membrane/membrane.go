// Package membrane is the membrane read-out: its equations are in membrane.snn.
package membrane

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed membrane.snn
var equations string

//go:embed membrane.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "membrane", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"leaky_integrator", "LI", "LICell", "last_membrane"}}
}
