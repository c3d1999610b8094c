package place

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/cut"
	"snnc.dev/snnc/runtime/graph"
)

// Network is one that is to lie on a chip.
type Network struct {
	Name   string // unique among those that are placed together
	Module *graph.Module
	// Vars returns the values of variables, see cut.Network; nil: only dims count.
	Vars func(name string) []float32
}

// Placed is what lies on the chip.
type Placed struct {
	Cut      []*cut.Result    // of each network
	Circuits []schema.Circuit // of all networks, in their order; the offsets of their tensors are bytes into Tensors
	Tensors  []float32
	Reply    schema.TargetReply // of the target, to Circuits; none where there are none
	Refused  []Refusal
}

// Refusal is a population that the target leaves to the host.
type Refusal struct {
	Network, Population, Reason string
	Used                        []schema.Amount // with the limit that it breaks, where it is one
	Change                      string          // the smallest that would let the target take it; ""
}

// Check asks a target whether circuits fit.
type Check func(ctx context.Context, circuits []schema.Circuit) (schema.TargetReply, error)

// Networks places networks, whose populations that the target has refused before stay on the host. Where the reply has complaints about arguments, they are all that it says. What breaks a limit of the chip is
// in the reply, and is no error.
func Networks(ctx context.Context, check Check, networks []Network, before []Refusal) (*Placed, error) {
	refused := make([]map[string]bool, len(networks))
	for i := range refused {
		refused[i] = map[string]bool{}
		for _, r := range before {
			if r.Network == networks[i].Name {
				refused[i][r.Population] = true
			}
		}
	}
	p := &Placed{Refused: slices.Clone(before)}
	for {
		p.Cut, p.Circuits, p.Tensors = nil, nil, nil
		for i, n := range networks {
			r, err := cut.Network(n.Name, n.Module, n.Vars, cut.Options{Allowed: func(population string) bool { return !refused[i][population] }})
			if err != nil {
				return nil, err
			}
			p.Cut = append(p.Cut, r)
			for _, c := range r.Circuits {
				p.Circuits = append(p.Circuits, moved(c, 4*len(p.Tensors)))
			}
			p.Tensors = append(p.Tensors, r.Tensors...)
		}
		p.Reply = schema.TargetReply{}
		if len(p.Circuits) == 0 {
			return p, nil
		}
		var err error
		if p.Reply, err = check(ctx, p.Circuits); err != nil {
			return nil, err
		}
		more := Refused(p.Circuits, p.Reply)
		if len(more) == 0 || len(p.Reply.Complaints) > 0 {
			return p, nil
		}
		for _, r := range more {
			i := slices.IndexFunc(networks, func(n Network) bool { return n.Name == r.Network })
			if i < 0 || refused[i][r.Population] {
				return nil, fmt.Errorf("the target leaves layer %q of network %q to the host, which it has not been shown", r.Population, r.Network)
			}
			refused[i][r.Population] = true
		}
		p.Refused = append(p.Refused, more...)
	}
}

// Refused returns the populations that a target leaves to the host by its reply to circuits.
func Refused(circuits []schema.Circuit, r schema.TargetReply) (out []Refusal) {
	for _, l := range r.Layers {
		if l.Host && l.Layer != "" {
			out = append(out, Refusal{cmp.Or(Owner(circuits, l), l.Network), l.Layer, l.Problem, l.Used, l.Change})
		}
	}
	return out
}

// Owner returns the network of a layer, which a target may call by the circuit; "" where there is no such population.
func Owner(circuits []schema.Circuit, l schema.Placement) string {
	for _, name := range []func(c *schema.Circuit) string{func(c *schema.Circuit) string { return c.Network }, func(c *schema.Circuit) string { return c.Name }} {
		for i := range circuits {
			c := &circuits[i]
			if name(c) == l.Network && slices.ContainsFunc(c.Populations, func(p schema.Population) bool { return p.Name == l.Layer }) {
				return c.Network
			}
		}
	}
	return ""
}

// moved is a circuit whose tensors lie so many bytes further on.
func moved(c schema.Circuit, by int) schema.Circuit {
	if by == 0 {
		return c
	}
	c.Populations = slices.Clone(c.Populations)
	for i := range c.Populations {
		p := &c.Populations[i]
		p.Synapses = slices.Clone(p.Synapses)
		for k := range p.Synapses {
			p.Synapses[k].Weights.Offset += by
		}
		if p.Bias != nil {
			b := *p.Bias
			b.Offset += by
			p.Bias = &b
		}
	}
	return c
}
