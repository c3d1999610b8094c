// Package direct is the direct input coder: its equations are in direct.snn.
package direct

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
)

//go:embed direct.snn
var equations string

//go:embed direct.md
var doc string

// Component returns the plugin component.
func Component() schema.Component {
	return schema.Component{Kind: schema.Coder, Name: "direct", Version: "1.0", Doc: doc, Equations: equations,
		Aliases: []string{"constant", "ConstantEncoder", "repeat_encoder"}}
}
