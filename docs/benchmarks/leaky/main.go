// Command leaky is the plugin that the benchmarks compare with the built-in neuron lif: `leaky equations` has its equations, `leaky opaque`
// computes it in Go.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/opaquetest"
)

//go:embed leaky.snn
var equations string

func main() {
	const name, version = "leaky", "0.3.1"
	p := sdk.Plugin{Name: "bench/leaky", Version: version}
	switch kind := slices.Concat(os.Args, []string{""})[1]; kind {
	case "equations":
		p.Equations = []schema.Component{{Kind: schema.Neuron, Name: name, Version: "1.0", Doc: "A leaky neuron.", Equations: equations}}
	case "opaque":
		for _, o := range opaquetest.Plugin().Opaque {
			if o.Component.Name == name {
				p.Opaque = append(p.Opaque, o)
			}
		}
	default:
		fmt.Fprintf(os.Stderr, "leaky: %q is neither equations nor opaque\n", kind)
		os.Exit(2)
	}
	sdk.Serve(p)
}
