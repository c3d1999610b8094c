// Command tclif is a plugin of one neuron, which equations say all of.
package main

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

//go:embed tclif.snn
var equations string

func main() {
	sdk.Serve(sdk.Plugin{
		Name:    "acme/tclif",
		Version: "1.0.0",
		Equations: []schema.Component{{
			Kind: schema.Neuron, Name: "tclif", Version: "1.0", Equations: equations,
			Doc: "A neuron of two compartments, dendrite and soma (TC-LIF, Zhang et al., AAAI 2024, equations 8 to 10).",
		}},
	})
}
