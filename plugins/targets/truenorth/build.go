package truenorth

import (
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/truenorth/emulator"
	"snnc.dev/snnc/plugins/targets/truenorth/mapping"
	"snnc.dev/snnc/plugins/targets/truenorth/quantize"
	"snnc.dev/snnc/plugins/targets/truenorth/validate"
)

// built is a circuit in the chip's terms.
type built struct {
	network emulator.Network
	legend  validate.Legend
	losses  []schema.Loss
	notes   []string
	ticks   int
	fires   []int // of each population: time step t comes at tick t + this
}

// relay fires when its axon, of type 0, is active.
var relay = emulator.Parameters{S: [emulator.Types]int32{1}, Alpha: 1, Beta: emulator.MaxThreshold, Kappa: true}

// build turns circuit i of a map into a network of its own, in the places that the map has for its cores.
func build(c *schema.Circuit, i int, m *mapping.Map, w circuit.Weights) *built {
	b := &built{}
	n := &b.network
	n.Columns = mapping.Board
	cores := map[int]int32{} // by their number in the map
	for k, core := range m.Cores {
		if core.Circuit == i {
			cores[k] = int32(len(n.Cores))
			n.Cores = append(n.Cores, emulator.Core{Chip: int32(core.Y/mapping.Side*mapping.Board + core.X/mapping.Side),
				X: int32(core.X % mapping.Side), Y: int32(core.Y % mapping.Side)})
			b.legend.Neurons = append(b.legend.Neurons, make([]validate.Neuron, core.Neurons))
		}
	}
	places := make([][]emulator.Neuron, len(n.Cores))
	for k, core := range m.Cores {
		if core.Circuit == i {
			places[cores[k]] = make([]emulator.Neuron, core.Neurons)
		}
	}
	inputs := 0
	for _, in := range c.Inputs {
		b.legend.Inputs = append(b.legend.Inputs, inputs)
		if in.Kind == schema.SpikeInput {
			inputs += circuit.Size(in.Dims)
		}
	}
	b.legend.On = inputs
	n.Lines = make([][]emulator.Line, inputs+1)
	for _, p := range c.Populations {
		n.Layers = append(n.Layers, p.Name)
		b.legend.Outputs = append(b.legend.Outputs, n.Outputs)
		if p.Gives {
			n.Outputs += circuit.Size(p.Dims)
		}
	}
	b.legend.Ticks = make([]int, n.Outputs)
	b.fires = make([]int, len(c.Populations))
	b.legend.Units = make([][]float64, len(c.Populations))
	sets := map[emulator.Parameters]int32{}
	set := func(p emulator.Parameters) int32 {
		k, ok := sets[p]
		if !ok {
			k = int32(len(n.Parameters))
			sets[p] = k
			n.Parameters = append(n.Parameters, p)
		}
		return k
	}
	for _, l := range m.Layers {
		if l.Circuit != i {
			continue
		}
		b.ticks = max(b.ticks, c.Steps+l.Integrates)
		var q *quantize.Layer
		if l.Population >= 0 {
			b.fires[l.Population] = l.Fires
			q = quantize.New(c, l, w)
			b.say(q, l, c)
			for _, ch := range q.Channels {
				b.legend.Units[l.Population] = append(b.legend.Units[l.Population], ch.Unit)
			}
		}
		for _, t := range l.Tiles {
			at := cores[t.Core]
			core := &n.Cores[at]
			axon := t.First
			index := map[mapping.Source]int{} // where the axons of a source begin
			for _, s := range t.Sources {
				group := s.Synapses
				s.Synapses = 0
				index[s] = axon
				for k := range l.Axons {
					core.Types[axon] = uint8(k)
					if l.Grouped {
						core.Types[axon] = uint8(group)
					}
					if s.Input {
						line := b.legend.Inputs[s.Index] + s.Element
						n.Lines[line] = append(n.Lines[line], emulator.Line{Core: at, Axon: int32(axon), Delay: int32(l.Integrates)})
					}
					axon++
				}
			}
			on := axon
			for _, kind := range l.On {
				core.Types[axon] = uint8(kind)
				n.Lines[inputs] = append(n.Lines[inputs], emulator.Line{Core: at, Axon: int32(axon), Delay: int32(l.Integrates)})
				axon++
			}
			place := t.Base
			var reaches []quantize.Input
			for k, e := range t.Elements {
				var rows []int // axons that reach it
				parameters, layer, tag := relay, l.Population, validate.Neuron{Relay: true}
				if q == nil {
					layer, rows = t.Sources[0].Index, []int{t.First + k}
				} else {
					tag = validate.Neuron{Population: l.Population, Element: e, From: t.First, To: axon}
					var cell quantize.Cell
					cell, reaches = q.Cell(e, reaches[:0])
					parameters = registers(cell)
					for _, r := range reaches {
						r.Source.Synapses = 0
						for bit := range l.Axons {
							if r.Axons>>bit&1 != 0 {
								rows = append(rows, index[r.Source]+bit)
							}
						}
					}
					for bit := range l.On {
						if cell.On>>bit&1 != 0 {
							rows = append(rows, on+bit)
						}
					}
				}
				p := set(parameters)
				for _, to := range t.Targets[k] {
					x := emulator.Neuron{Place: int32(place), Parameters: p, Layer: int32(layer)}
					switch {
					case to.Host:
						// Relays are numbered by themselves; what they relay is the element of their source.
						element := e
						if q == nil {
							element = t.Sources[k].Element
						}
						number := b.legend.Outputs[layer] + element
						x.Destination = emulator.Destination{Kind: emulator.ToOutput, To: int32(number)}
						b.legend.Ticks[number] = l.Fires
					case to.Tile != nil:
						x.Destination = emulator.Destination{Kind: emulator.ToAxon, To: cores[to.Tile.Core], Axon: int32(to.Tile.First + to.Axon), Delay: int32(to.Delay)}
					}
					places[at][place] = x
					b.legend.Neurons[at][place] = tag
					for _, r := range rows {
						core.Connect(r, place)
					}
					place++
				}
			}
		}
	}
	for k := range n.Cores {
		n.Cores[k].Neurons = places[k]
	}
	return b
}

// registers are a cell in the emulator's terms.
func registers(c quantize.Cell) emulator.Parameters {
	p := emulator.Parameters{Lambda: int32(c.Leak), Epsilon: c.TowardZero, Alpha: int32(c.Alpha), Beta: int32(c.Beta), Kappa: c.Saturates,
		Gamma: int32(c.Reset), R: int32(c.R), V: int32(c.V)}
	for g, s := range c.S {
		p.S[g] = int32(s)
	}
	return p
}

// say notes what was lost with a layer.
func (b *built) say(q *quantize.Layer, l *mapping.Layer, c *schema.Circuit) {
	loss := q.Loss
	p := &c.Populations[l.Population]
	if p.Decay > 0 && p.Decay < 1 {
		loss.Note = "its membrane decays, and the chip takes the same amount off at each tick: decay is the root of the mean squared difference, as a share of membranes"
	}
	b.losses = append(b.losses, loss)
	if n := q.Cut(); n > 0 {
		b.notes = append(b.notes, plural(n, "neuron")+" of "+p.Name+" of "+c.Name+" have a bias, threshold or beginning that registers do not hold: they have the nearest")
	}
	if p.Decay > 0 && p.Decay < 1 && l.Axons == mapping.Types && q.Loss.Bias > 0 {
		b.notes = append(b.notes, "biases of "+p.Name+" of "+c.Name+" are multiples of the step of its weights, and smaller ones are lost: with axons = 3 they have a weight of their own")
	}
	if n := q.Beyond(); n > 0 {
		b.notes = append(b.notes, plural(n, "neuron")+" of "+p.Name+" of "+c.Name+" could leave the range of a membrane, where it saturates, if all that is large came in at once")
	}
}

// plural is a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
