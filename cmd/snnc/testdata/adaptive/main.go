// Command adaptive is a plugin of one neuron, for the test of `use`.
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

const equations = `neuron adaptive(tau: time = 2 steps, step: real = 0.5 in 0..4) {
    input x
    state v = 0, a = 0
    v' = (x - v) / tau
    a = 0.9 * a
    spike when v >= 1 + a
    on spike { v = 0, a += step }
}
`

func main() {
	sdk.Serve(sdk.Plugin{
		Name:    "acme/adaptive",
		Version: "0.3.1",
		Equations: []schema.Component{{
			Kind: schema.Neuron, Name: "adaptive", Version: "0.3.1", Doc: "A leaky neuron whose threshold rises with each spike.", Equations: equations,
		}},
	})
}
