package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/place"
	"snnc.dev/snnc/runtime/record"
)

// Part is a network that is to lie on the chip.
type Part struct {
	Role   string // what it fills, and is called
	Module *graph.Module
	// Variables returns the values of a variable of the module, in the row-major order of its dims.
	Variables func(name string) []float32
	// Stays says why the host keeps all of it; "" where the chip may take what it can.
	Stays string
	Runs  float64 // how often an inference applies it
	// Steps is the mean number of time steps at which it does so, where the network works at any; 0: as in its types.
	Steps float64
}

// Placed is networks cut for a target.
type Placed struct {
	Reply    schema.TargetReply // of the last check; what fits where there are no circuits
	Circuits []schema.Circuit   // of all parts
	Tensors  []float32
	Modules  map[string]*graph.Module // by role: with nodes for circuits, or as they were
	Layers   []record.DeployedLayer   // without what the chip does

	runs map[string]float64 // of circuits
}

// Place puts networks on a chip as far as the target takes them, see place.Networks. Limits that are violated, and complaints, are in the
// reply.
func Place(ctx context.Context, check place.Check, parts []Part) (*Placed, error) {
	var networks []place.Network
	for _, part := range parts {
		if part.Stays == "" {
			networks = append(networks, place.Network{Name: part.Role, Module: part.Module, Vars: part.Variables})
		}
	}
	r, err := place.Networks(ctx, check, networks)
	if err != nil {
		return nil, err
	}
	p := &Placed{Reply: r.Reply, Circuits: r.Circuits, Tensors: r.Tensors, Modules: map[string]*graph.Module{}, runs: map[string]float64{}}
	if len(p.Circuits) == 0 {
		p.Reply.Fits = true
	}
	refused := map[[2]string]string{} // role and population -> why
	only := map[string]string{}       // role -> the one reason that there is
	for _, x := range r.Refused {
		refused[[2]string{x.Network, x.Population}] = x.Reason
		if why, there := only[x.Network]; there && why != x.Reason {
			only[x.Network] = ""
			continue
		}
		only[x.Network] = x.Reason
	}
	placed := 0
	for _, part := range parts {
		var own *cut.Result
		if part.Stays == "" {
			own = r.Cut[placed]
			placed++
		} else if own, err = cut.Network(part.Role, part.Module, part.Variables, cut.Options{Allowed: func(string) bool { return false }}); err != nil {
			return nil, err
		}
		p.Modules[part.Role] = own.Module
		for _, c := range own.Circuits {
			p.runs[c.Name] = part.Runs
			for _, q := range c.Populations {
				synapses := 0
				for k := range q.Synapses {
					synapses += circuit.Count(&q.Synapses[k], q.Dims)
				}
				p.Layers = append(p.Layers, record.DeployedLayer{Network: part.Role, Layer: q.Name, Where: record.OnChip, Circuit: c.Name, Neurons: circuit.Size(q.Dims), Synapses: synapses})
			}
		}
		for _, l := range own.Host {
			why := cmp.Or(part.Stays, refused[[2]string{part.Role, l.Name}])
			if why == "" && l.Reason == cut.NotAllowed {
				why = only[part.Role]
			}
			why = cmp.Or(why, l.Reason)
			steps := float64(l.Steps)
			if l.Free && part.Steps > 0 {
				steps = part.Steps
			}
			p.Layers = append(p.Layers, record.DeployedLayer{Network: part.Role, Layer: l.Name, Where: record.OnHost, Kind: l.Kind, Reason: why, Operations: float64(l.Operations) * steps * part.Runs})
		}
	}
	if len(p.Reply.Complaints) == 0 {
		p.used()
	}
	return p, nil
}

// used notes what the target says that layers use.
func (p *Placed) used() {
	for _, l := range p.Reply.Layers {
		i := slices.IndexFunc(p.Layers, func(x record.DeployedLayer) bool {
			return x.Where == record.OnChip && x.Layer == l.Layer && (x.Circuit == l.Network || x.Network == l.Network)
		})
		if i >= 0 {
			p.Layers[i].Used = append(p.Layers[i].Used, l.Used...)
		}
	}
}

// Reasons lists why nothing lies on the chip, each reason once, with the layers that it is of.
func (p *Placed) Reasons() (out []string) {
	var order []string
	of := map[string][]string{}
	for _, l := range p.Layers {
		if l.Reason != "" {
			if of[l.Reason] == nil {
				order = append(order, l.Reason)
			}
			of[l.Reason] = append(of[l.Reason], l.Network+" "+l.Layer)
		}
	}
	for _, why := range order {
		layers := of[why]
		if len(layers) > 3 {
			layers = append(slices.Clone(layers[:3]), fmt.Sprintf("%d more", len(of[why])-3))
		}
		out = append(out, fmt.Sprintf("%v: %s", layers, why))
	}
	return out
}
