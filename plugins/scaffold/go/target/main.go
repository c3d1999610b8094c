// Command leap is a plugin of one target: a chip that holds so many neurons.
package main

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

func plugin() sdk.Plugin {
	one := 1.0
	return sdk.Plugin{
		Name:    "acme/leap",
		Version: "0.1.0",
		Targets: []sdk.Target{{
			Component: schema.Component{Kind: schema.Target, Name: "leap", Version: "0.1.0", Doc: "A chip that holds so many neurons.",
				Params: []schema.Param{{Name: "neurons", Type: schema.Int, Default: "256", Min: &one, Doc: "that the chip holds"}}},
			Check: check,
		}},
	}
}

func main() { sdk.Serve(plugin()) }

// check counts the spiking neurons of each layer, and says of the layer that is one too many what would mend it.
func check(r schema.TargetRequest) (schema.TargetReply, error) {
	most, used := r.Arguments.Int("neurons"), 0
	reply := schema.TargetReply{Fits: true}
	for _, n := range r.Networks {
		m, err := graph.Parse(n.Graph)
		if err != nil {
			return reply, fmt.Errorf("read network %s: %w", n.Name, err)
		}
		layer := 0
		for _, node := range m.Function("eval").Nodes {
			spikes := node.Equation != nil && node.Equation.Spikes || node.Opaque != nil && node.Opaque.Spikes
			if !spikes {
				continue
			}
			size := node.Out[0].Size()
			p := schema.Placement{Network: n.Role, Layer: fmt.Sprintf("%d.neurons", layer), Used: []schema.Amount{{Name: "neurons", Used: float64(size)}}}
			if used+size > most {
				p.Problem = fmt.Sprintf("%d neurons find room for %d", size, max(most-used, 0))
				p.Change = fmt.Sprintf("a chip with neurons = %d", used+size)
				reply.Fits = false
			}
			reply.Layers = append(reply.Layers, p)
			used, layer = used+size, layer+1
		}
	}
	reply.Used = []schema.Amount{{Name: "neurons", Used: float64(used), Limit: float64(most)}}
	return reply, nil
}
