// Command leap is a plugin of one coder, which equations say all of: snnc compiles them, and nothing is computed in this process.
package main

import (
	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
)

// equations are in the language of specs. To encode, the value is added up, from 1/2, and a spike takes 1 away.
const equations = `
coder leap(steps: int = 8 in 1..4096) {
    encode x {
        state sum = 0.5
        sum = sum + x
        spike when sum >= 1
        on spike { sum -= 1 }
    }
    decode s {
        state sum = 0
        sum = sum + s
        output sum / steps
    }
}
`

func plugin() sdk.Plugin {
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Equations: []schema.Component{{
			Kind: schema.Coder, Name: "leap", Version: "0.1.0", Equations: equations,
			Doc: "Values of 0..1 as so many spikes, evenly spread; decodes to the mean over time.",
		}},
	}
}

func main() { sdk.Serve(plugin()) }
