// Command toychip is a plugin of one target: a chip of cores, each of which holds some neurons of one layer.
package main

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/runtime/graph"
)

func main() {
	one := 1.0
	sdk.Serve(sdk.Plugin{
		Name:    "acme/toychip",
		Version: "1.0.0",
		Targets: []sdk.Target{{
			Component: schema.Component{Kind: schema.Target, Name: "toychip", Version: "1.0", Doc: "A chip whose cores hold so many neurons of one layer each.",
				Params: []schema.Param{
					{Name: "cores", Type: schema.Int, Default: "4", Min: &one, Doc: "of the chip"},
					{Name: "neurons", Type: schema.Int, Default: "64", Min: &one, Doc: "that a core holds"},
				}},
			Check: check,
		}},
	})
}

// check gives each layer of spiking neurons as many cores as it needs, one layer after another, until there are no more.
func check(r schema.TargetRequest) (schema.TargetReply, error) {
	cores, each := r.Arguments.Int("cores"), r.Arguments.Int("neurons")
	reply := schema.TargetReply{Fits: true}
	used := 0
	for _, n := range r.Networks {
		m, err := graph.Parse(n.Graph)
		if err != nil {
			return reply, fmt.Errorf("read network %s: %w", n.Name, err)
		}
		layers := 0
		for _, node := range m.Function("eval").Nodes {
			spikes := node.Equation != nil && node.Equation.Spikes || node.Opaque != nil && node.Opaque.Spikes
			if !spikes {
				continue
			}
			size := node.Out[0].Size()
			need := (size + each - 1) / each
			p := schema.Placement{Network: n.Role, Layer: fmt.Sprintf("%d.neurons", layers), Used: []schema.Amount{
				{Name: "neurons", Used: float64(size)}, {Name: "cores", Used: float64(need)}}}
			if left := max(cores-used, 0); need > left {
				p.Problem = fmt.Sprintf("%d neurons need %d of the cores, of which %d are left", size, need, left)
				p.Change = fmt.Sprintf("a chip with cores = %d", used+need)
				if left > 0 {
					p.Change = fmt.Sprintf("a layer of %d neurons", left*each)
				}
				reply.Fits = false
			}
			reply.Layers = append(reply.Layers, p)
			used, layers = used+need, layers+1
		}
	}
	reply.Used = []schema.Amount{{Name: "cores", Used: float64(used), Limit: float64(cores)}}
	reply.Notes = []string{"what is no neuron is computed beside the chip"}
	return reply, nil
}
