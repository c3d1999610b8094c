// Command leap is a plugin of one neuron.
package main

import (
	_ "embed"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

//go:embed leap.snn
var equations string

func main() {
	sdk.Serve(sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.3.1",
		Equations: []schema.Component{{
			Kind: schema.Neuron, Name: "leap", Version: "0.3.1", Equations: equations,
			Doc: "The adaptive exponential integrate-and-fire neuron, with a membrane in units of its threshold (Brette & Gerstner 2005).",
		}},
	})
}
