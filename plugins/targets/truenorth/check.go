package truenorth

import (
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/mapping"
	"snnc.dev/snnc/plugins/targets/truenorth/quantize"
)

// Check says how the circuits of a request lie on the chip. It gives an error where a circuit does not hold together.
func Check(r schema.TargetRequest) (schema.TargetReply, error) {
	o, bad := read(r.Arguments)
	if len(bad) > 0 {
		return schema.TargetReply{Complaints: bad}, nil
	}
	reply, _, err := check(r.Circuits, o)
	return reply, err
}

// check maps circuits; the map is nil where a population is refused.
func check(circuits []schema.Circuit, o options) (schema.TargetReply, *mapping.Map, error) {
	if err := circuit.VerifyAll(circuits); err != nil {
		return schema.TargetReply{}, nil, err
	}
	reply := schema.TargetReply{Fits: true}
	why := map[[2]int]mapping.Refused{}
	refused := func(i, j int) bool { _, ok := why[[2]int{i, j}]; return ok }
	for i := range circuits {
		for j := range circuits[i].Populations {
			if problem := refusal(&circuits[i].Populations[j], o); problem != "" {
				why[[2]int{i, j}] = mapping.Refused{Circuit: i, Population: j, Problem: problem}
			}
		}
	}
	m, wide := mapping.New(circuits, refused, o.Options)
	for len(wide) > 0 { // each time some are refused that were not before
		for _, w := range wide {
			why[[2]int{w.Circuit, w.Population}] = w
		}
		m, wide = mapping.New(circuits, refused, o.Options)
	}
	report(&reply, circuits, m, o)
	for i := range circuits {
		for j := range circuits[i].Populations {
			if w, ok := why[[2]int{i, j}]; ok {
				reply.Fits = false
				x := schema.Placement{Network: circuits[i].Network, Layer: circuits[i].Populations[j].Name, Host: true, Problem: w.Problem, Change: w.Change}
				if w.Over.Name != "" {
					x.Used = []schema.Amount{w.Over}
				}
				reply.Layers = append(reply.Layers, x)
			}
		}
	}
	if len(why) > 0 {
		m = nil
	}
	return reply, m, nil
}

// report says how the layers of a map lie on the chip.
func report(reply *schema.TargetReply, circuits []schema.Circuit, m *mapping.Map, o options) {
	limit := float64(o.Chips * mapping.ChipCores)
	relays := map[[2]int]*mapping.Layer{}
	count := map[[2]int]int{} // relays by what they relay
	var neurons, copies, synapses float64
	largest, most := -1, 0
	for _, l := range m.Layers {
		copies += float64(l.Copies)
		if l.Population < 0 {
			k := [2]int{l.Circuit, l.Tiles[0].Sources[0].Index}
			relays[k] = l
			count[k] += l.Copies
		}
	}
	for _, l := range m.Layers {
		if l.Population < 0 {
			continue
		}
		c := &circuits[l.Circuit]
		p := &c.Populations[l.Population]
		all := 0.0
		for k := range p.Synapses {
			all += float64(circuit.Count(&p.Synapses[k], p.Dims))
		}
		neurons += float64(l.Size)
		synapses += all
		axons, fired := 0, 0
		cores := map[int]bool{}
		for _, t := range l.Tiles {
			cores[t.Core] = true
			axons = max(axons, len(t.Sources)*l.Axons+len(l.On))
			n := 0
			for _, list := range t.Targets {
				n += len(list)
			}
			fired = max(fired, n)
		}
		if len(cores) > most {
			largest, most = len(reply.Layers), len(cores)
		}
		x := schema.Placement{Network: c.Network, Layer: p.Name, Used: []schema.Amount{
			{Name: "cores", Used: float64(len(cores))},
			{Name: "neurons", Used: float64(l.Size)},
			{Name: "neurons with copies", Used: float64(l.Copies)},
			{Name: "relays", Used: float64(count[[2]int{l.Circuit, l.Population}])},
			{Name: "synapses", Used: all},
			{Name: "fan-in", Used: float64(l.FanIn), Limit: float64((mapping.Axons - len(l.On)) / l.Axons)},
			{Name: "axons per input", Used: float64(l.Axons), Limit: mapping.Types},
			{Name: "axons per core", Used: float64(axons), Limit: mapping.Axons},
			{Name: "neurons per core", Used: float64(fired), Limit: mapping.Neurons},
		}}
		if l.Fires >= 0 { // one of drives alone spikes in the tick before the first, whose number is no amount
			x.Used = append(x.Used, schema.Amount{Name: "tick", Used: float64(l.Fires)})
		}
		if p.Decay > 0 && p.Decay < 1 {
			reply.Notes = append(reply.Notes, fmt.Sprintf("%s of %s is an approximation: its membrane keeps %.4g of itself at each time step, and the chip takes the same amount off, toward zero", p.Name, c.Network, p.Decay))
		}
		if l.Axons == 1 && !l.Grouped {
			reply.Notes = append(reply.Notes, fmt.Sprintf("weights of %s of %s are there or not, of one size and sign for each channel: with %d inputs or fewer a neuron has better ones", p.Name, c.Network, mapping.Axons/2))
		}
		if l.Tight {
			reply.Notes = append(reply.Notes, fmt.Sprintf("%s of %s leaves no axon for its bias, which acts before the first time step: neurons with large negative ones begin too low", p.Name, c.Network))
		}
		reply.Layers = append(reply.Layers, x)
		reply.Grids = append(reply.Grids, grid(p.Name, l))
	}
	cores := float64(len(m.Cores))
	reply.Used = []schema.Amount{
		{Name: "cores", Used: cores, Limit: limit},
		{Name: "neurons", Used: neurons},
		{Name: "neurons with copies and relays", Used: copies, Limit: limit * mapping.Neurons},
		{Name: "synapses", Used: synapses},
	}
	if cores > limit {
		reply.Fits = false
		x := &reply.Layers[largest]
		x.Problem = fmt.Sprintf("it takes %d of the %.0f cores that all layers need, and there are %.0f", most, cores, limit)
		if chips := int(math.Ceil(cores / mapping.ChipCores)); chips <= mapping.MaxChips {
			x.Change = fmt.Sprintf("chips = %d", chips)
		} else {
			x.Change = fmt.Sprintf("fewer channels: %d chips are more than the %d of a board", chips, mapping.MaxChips)
		}
	}
	if m.Cut {
		reply.Notes = append(reply.Notes, "the search for tiles was ended early: fewer cores may do")
	}
}

// grid is how the weights of a layer are rounded.
func grid(name string, l *mapping.Layer) schema.Grid {
	if l.Grouped { // a weight of its own for each Synapses
		return schema.Grid{Low: -quantize.MaxWeight, High: quantize.MaxWeight, Channel: true, Layer: name}
	}
	x := quantize.Of(l.Axons)
	return schema.Grid{Low: x.Low, High: x.High, Channel: true, Mirrored: x.Low+x.High != 0 && l.Turns(), Shared: true, Layer: name}
}
