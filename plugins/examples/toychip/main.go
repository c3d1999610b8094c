// Command toychip is a plugin of one target: a chip of cores, each of which holds some neurons of one layer. It is emulated: weights
// have four bits, membranes are whole numbers.
package main

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

func main() {
	one := 1.0
	sdk.Serve(sdk.Plugin{
		Name:    "acme/toychip",
		Version: "1.1.0",
		Targets: []sdk.Target{{
			Component: schema.Component{Kind: schema.Target, Name: "toychip", Version: "1.1", Doc: "A chip whose cores hold so many neurons of one layer each.",
				Params: []schema.Param{
					{Name: "cores", Type: schema.Int, Default: "4", Min: &one, Doc: "of the chip"},
					{Name: "neurons", Type: schema.Int, Default: "64", Min: &one, Doc: "that a core holds"},
				}},
			Check:   func(q schema.TargetRequest) (schema.TargetReply, error) { return check(q.Arguments, q.Circuits), nil },
			Compile: compile,
		}},
	})
}

// check gives each layer as many cores as it needs, one layer after another, until there are no more. Layers of neurons that the chip does
// not have are refused: the host keeps these, and asks again about the others.
func check(arguments schema.Arguments, circuits []schema.Circuit) schema.TargetReply {
	cores, each := arguments.Int("cores"), arguments.Int("neurons")
	reply := schema.TargetReply{Fits: true, Grids: []schema.Grid{{Low: -most, High: most}}}
	used := 0
	for _, c := range circuits {
		for _, p := range c.Populations {
			size := circuit.Size(p.Dims)
			need := coresOf(size, each)
			l := schema.Placement{Network: c.Network, Layer: p.Name, Used: []schema.Amount{{Name: "neurons", Used: float64(size)}, {Name: "cores", Used: float64(need)}}}
			if why := refused(p.Dynamics); why != "" {
				l.Host, l.Used, l.Problem = true, nil, why
				reply.Fits = false
				reply.Layers = append(reply.Layers, l)
				continue
			}
			if left := max(cores-used, 0); need > left {
				l.Problem = fmt.Sprintf("%d neurons need %d of the cores, of which %d are left", size, need, left)
				l.Change = fmt.Sprintf("a chip with cores = %d", used+need)
				if left > 0 {
					l.Change = fmt.Sprintf("a layer of %d neurons", left*each)
				}
				reply.Fits = false
			}
			reply.Layers = append(reply.Layers, l)
			used += need
		}
	}
	reply.Used = []schema.Amount{{Name: "cores", Used: float64(used), Limit: float64(cores)}}
	return reply
}

// coresOf returns how many cores so many neurons need.
func coresOf(neurons, each int) int { return (neurons + each - 1) / each }

// refused says why the chip cannot be neurons of a kind; "" where it can.
func refused(d schema.Dynamics) string {
	switch {
	case d.Reads:
		return "the chip gives spikes, and nobody reads its membranes"
	case d.Reset != schema.Reset{Kind: schema.ResetTo}:
		return "a spike resets a membrane of the chip to 0, and in no other way"
	case d.Current, d.Late, d.Once, d.Refractory > 0, d.Start != 0, d.Strict, d.Threshold <= 0:
		return "the chip has leaky neurons alone, with a threshold above 0, that begin at 0 and fire where they reach it"
	}
	return ""
}
