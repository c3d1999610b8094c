package truenorth

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
	"snnc.dev/snnc/plugins/targets/truenorth/mapping"
)

// Compile puts circuits on the chip, each on cores of its own. The chip is nil where they do not fit.
func Compile(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
	o, bad := read(q.Arguments)
	if len(bad) > 0 {
		return nil, schema.CompileReply{TargetReply: schema.TargetReply{Complaints: bad}}, nil
	}
	placed, m, err := check(q.Circuits, o)
	reply := schema.CompileReply{TargetReply: placed}
	if err != nil || m == nil || !placed.Fits {
		return nil, reply, err
	}
	x := &chip{programs: map[string]*program{}, fast: o.fast}
	for i := range q.Circuits {
		c := &q.Circuits[i]
		if err := finite(c, w); err != nil {
			return nil, schema.CompileReply{}, err
		}
		b := build(c, i, m, circuit.Weights(w))
		p, err := load(c, b)
		if err != nil {
			return nil, schema.CompileReply{}, fmt.Errorf("load circuit %s: %w", c.Name, err)
		}
		x.order = append(x.order, p)
		x.programs[c.Name] = p
		reply.Programs = append(reply.Programs, schema.Compiled{Circuit: c.Name, Ticks: b.ticks})
		reply.Losses = append(reply.Losses, b.losses...)
		reply.Notes = append(reply.Notes, b.notes...)
	}
	reply.Cores = cores(q.Circuits, m, x)
	reply.Chips = m.Chips
	reply.Constants = emulator.Constants()
	if _, reply.Tensors, _, err = x.encode(nil); err != nil {
		return nil, schema.CompileReply{}, err
	}
	return x, reply, nil
}

// finite says which numbers of a circuit are none.
func finite(c *schema.Circuit, w sdk.Weights) error {
	all := func(what string, t schema.Tensor) error {
		for i, v := range w(t) {
			if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("compile circuit %s: number %d of %s is %v", c.Name, i, what, v)
			}
		}
		return nil
	}
	for i := range c.Populations {
		p := &c.Populations[i]
		for k := range p.Synapses {
			if err := all(fmt.Sprintf("weights %d of %s", k, p.Name), p.Synapses[k].Weights); err != nil {
				return err
			}
		}
		if p.Bias != nil {
			if err := all("the biases of "+p.Name, *p.Bias); err != nil {
				return err
			}
		}
		if p.Measured != nil && p.Measured.Rates != nil {
			if err := all("the rates of "+p.Name, *p.Measured.Rates); err != nil {
				return err
			}
		}
	}
	return nil
}

// cores lists those in use.
func cores(circuits []schema.Circuit, m *mapping.Map, x *chip) []schema.Core {
	var out []schema.Core
	next := make([]int, len(circuits)) // core of a circuit's network
	for _, core := range m.Cores {
		c := &circuits[core.Circuit]
		n := &x.order[core.Circuit].network.Cores[next[core.Circuit]]
		next[core.Circuit]++
		synapses := 0
		for a := range emulator.Axons {
			for k := range core.Neurons {
				if n.Connected(a, k) {
					synapses++
				}
			}
		}
		y := schema.Core{Chip: int(n.Chip), X: int(n.X), Y: int(n.Y), Used: []schema.Amount{
			{Name: "axons", Used: float64(core.Axons), Limit: mapping.Axons},
			{Name: "neurons", Used: float64(core.Neurons), Limit: mapping.Neurons},
			{Name: "crossbar points", Used: float64(synapses), Limit: mapping.Axons * mapping.Neurons},
		}}
		seen := map[string]bool{}
		for _, t := range core.Tiles {
			name := c.Name + ": " + t.Layer.Name // of relays, the layer whose spikes they pass on
			if !seen[name] {
				seen[name] = true
				y.Layers = append(y.Layers, name)
			}
		}
		out = append(out, y)
	}
	return out
}
