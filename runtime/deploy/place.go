package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

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
	Refused  []place.Refusal
	// Nodes are what populations and layers of the host come from in their modules, by role and name: see cut.Result.
	Nodes map[string]map[string][]*graph.Node

	runs map[string]float64 // of circuits
}

// Place puts networks on a chip as far as the target takes them and has not refused them before, see place.Networks. Limits that are
// violated, and complaints, are in the reply.
func Place(ctx context.Context, check place.Check, parts []Part, before []place.Refusal) (*Placed, error) {
	var networks []place.Network
	for _, part := range parts {
		if part.Stays == "" {
			networks = append(networks, place.Network{Name: part.Role, Module: part.Module, Vars: part.Variables})
		}
	}
	r, err := place.Networks(ctx, check, networks, before)
	if err != nil {
		return nil, err
	}
	p := &Placed{Reply: r.Reply, Circuits: r.Circuits, Tensors: r.Tensors, Modules: map[string]*graph.Module{}, Refused: r.Refused, Nodes: map[string]map[string][]*graph.Node{}, runs: map[string]float64{}}
	if len(p.Circuits) == 0 {
		p.Reply.Fits = true
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
		p.Modules[part.Role], p.Nodes[part.Role] = own.Module, own.Nodes
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
			why := cmp.Or(part.Stays, l.Reason)
			if why == cut.NotAllowed {
				i := slices.IndexFunc(r.Refused, func(x place.Refusal) bool {
					return x.Network == part.Role && slices.ContainsFunc(own.Nodes[x.Population], func(n *graph.Node) bool { return slices.Contains(own.Nodes[l.Name], n) })
				})
				if i >= 0 {
					why = r.Refused[i].Reason
				}
			}
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

// Reason is why the host computes layers.
type Reason struct {
	Words       string // with the names of some of them
	Role, Layer string // the first of them
}

// Reasons lists why the host computes layers, each reason once.
func (p *Placed) Reasons() (out []Reason) {
	var order []string
	of := map[string][]*record.DeployedLayer{}
	for i := range p.Layers {
		if l := &p.Layers[i]; l.Reason != "" {
			if of[l.Reason] == nil {
				order = append(order, l.Reason)
			}
			of[l.Reason] = append(of[l.Reason], l)
		}
	}
	for _, why := range order {
		var names []string
		for i, l := range of[why] {
			if i == 3 {
				names = append(names, fmt.Sprintf("%d more", len(of[why])-i))
				break
			}
			names = append(names, l.Network+" "+l.Layer)
		}
		out = append(out, Reason{strings.Join(names, ", ") + ": " + why, of[why][0].Network, of[why][0].Layer})
	}
	return out
}
