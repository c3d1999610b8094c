// Command leap is a plugin of one neuron, which equations say all of: snnc compiles them, and nothing is computed in this process.
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

// equations are in the language of specs: a leaky membrane, whose threshold each spike lifts by jump for a while.
const equations = `
neuron leap(tau: time = 2 steps, fade: time = 10 steps, jump: real = 0.2 in 0..2) {
    input x
    state v = 0, lift = 0
    v' = (x - v) / tau
    lift' = -lift / fade
    spike when v >= 1 + lift
    on spike { v = 0, lift += jump }
}
`

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Equations: []schema.Component{{
			Kind: schema.Neuron, Name: "leap", Version: "0.1.0", Equations: equations,
			Doc: "A leaky neuron whose threshold adapts.",
		}},
	}
}

func main() { sdk.Serve(plugin()) }
