package neurogrid

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// exported is the JSON text of compiled circuits, and of trials on them.
type exported struct {
	Target   string            `json:"target"`
	Mismatch float64           `json:"mismatch"`
	Step     float64           `json:"step"` // ms, of the network
	Cores    []exportedCore    `json:"cores"`
	Circuits []exportedCircuit `json:"circuits"`
	Trials   []trial           `json:"trials,omitempty"` // what Trace runs; none: of each circuit a time step without spikes
}

type exportedCore struct {
	Path string `json:"path"` // turns from the root of the tree, 0 left and 1 right
	emulator.Parameters
}

type exportedCircuit struct {
	Name        string               `json:"name"`
	Integration float64              `json:"integration"` // ms
	Populations []exportedPopulation `json:"populations"`
	Addresses   []exportedAddress    `json:"addresses"`
	// The tensors of the softwires: those of source i are first[i] to first[i+1] of the others. Sources are the neurons of all
	// populations and then the addresses of the host.
	First       string `json:"first,omitempty"`
	Target      string `json:"target,omitempty"`
	Type        string `json:"type,omitempty"`
	Probability string `json:"probability,omitempty"`
	// Wires are the softwires where a person writes them: source, target, type, probability.
	Wires []wireRow `json:"wires,omitempty"`
}

type exportedPopulation struct {
	Name    string  `json:"name"`
	Neurons int     `json:"neurons"`
	Place   int     `json:"place"`  // of its first neuron: Neurocore * 65536 + row * 256 + column
	Offset  float64 `json:"offset"` // ms, when its time step 0 begins
}

type exportedAddress struct {
	From   string `json:"from"` // an input of the circuit, or `bias of` or `drive of` a population
	First  int    `json:"first"`
	Number int    `json:"number"`
	Spikes int    `json:"spikes,omitempty"` // in a time step, of biases and drives
}

// wireRow and spikeRow are rows of as many numbers: json would drop what is too much.
type (
	wireRow  [4]float64
	spikeRow [2]float64
)

func (r *wireRow) UnmarshalJSON(b []byte) error {
	return row(b, r[:], "[source, target, type, probability]")
}

func (r *spikeRow) UnmarshalJSON(b []byte) error { return row(b, r[:], "[ms, address]") }

func row(b []byte, to []float64, what string) error {
	var x []float64
	if json.Unmarshal(b, &x) != nil || len(x) != len(to) || bytes.ContainsRune(b, 'n') { // null, which json takes for 0
		return fmt.Errorf("%.80s is no %s", b, what)
	}
	copy(to, x)
	return nil
}

// tensors lists those of the softwires.
func (x *program) tensors() []schema.NamedTensor {
	name, n := x.circuit.Name, len(x.board.Wires)
	return []schema.NamedTensor{
		{Name: name + ".first", DType: "I32", Dims: []int{len(x.board.First)}},
		{Name: name + ".target", DType: "I32", Dims: []int{n}},
		{Name: name + ".type", DType: "U8", Dims: []int{n}},
		{Name: name + ".probability", DType: "F32", Dims: []int{n}},
	}
}

// Export returns the circuits as parameters of Neurocores and softwires, with the examples as trials.
func (c *chip) Export(examples ...*sdk.Block) (text string, tensors [][]byte, err error) {
	out := exported{Target: "neurogrid", Mismatch: c.mismatch, Step: c.step}
	for _, name := range c.order {
		x := c.programs[name]
		if out.Cores == nil {
			for k, p := range x.board.Cores {
				path := ""
				for _, turn := range emulator.Path(k) {
					path += fmt.Sprint(turn)
				}
				out.Cores = append(out.Cores, exportedCore{path, p})
			}
		}
		t := x.tensors()
		e := exportedCircuit{Name: name, Integration: c.dt, First: t[0].Name, Target: t[1].Name, Type: t[2].Name, Probability: t[3].Name,
			Populations: []exportedPopulation{}, Addresses: []exportedAddress{}}
		for j := range x.circuit.Populations {
			p := &x.circuit.Populations[j]
			e.Populations = append(e.Populations, exportedPopulation{p.Name, circuit.Size(p.Dims), int(x.board.Place[x.neurons[j]]), x.offset[j]})
		}
		for i, in := range x.circuit.Inputs {
			if in.Kind == schema.SpikeInput {
				e.Addresses = append(e.Addresses, exportedAddress{From: in.Name, First: x.inputs[i], Number: circuit.Size(in.Dims)})
			}
		}
		for _, s := range x.tonics {
			e.Addresses = append(e.Addresses, exportedAddress{"bias of " + x.circuit.Populations[s.population].Name, s.address, 1, s.spikes})
		}
		for _, s := range x.drives {
			p := &x.circuit.Populations[s.population]
			e.Addresses = append(e.Addresses, exportedAddress{"drive of " + p.Name, s.address, 2 * circuit.Size(p.Dims), s.spikes})
		}
		out.Circuits = append(out.Circuits, e)
		var first, target, kind, probability []byte
		for _, v := range x.board.First {
			first = binary.LittleEndian.AppendUint32(first, uint32(v))
		}
		for _, w := range x.board.Wires {
			target = binary.LittleEndian.AppendUint32(target, uint32(w.Target))
			kind = append(kind, w.Type)
			probability = binary.LittleEndian.AppendUint32(probability, math.Float32bits(w.Probability))
		}
		tensors = append(tensors, first, target, kind, probability)
	}
	for _, b := range examples {
		x := c.programs[b.Circuit]
		if x == nil {
			return "", nil, fmt.Errorf("export circuit %q: it is none of those compiled", b.Circuit)
		}
		t := trial{Circuit: b.Circuit, Board: c.seed, Seed: b.Seeds[0], Duration: x.span(b.Steps), Spikes: []spikeRow{}}
		events, _ := x.events(t.Seed, b.Steps, x.given(b, 0))
		for _, e := range events {
			t.Spikes = append(t.Spikes, spikeRow{e.At, float64(e.Source)})
		}
		out.Trials = append(out.Trials, t)
	}
	data, err := json.MarshalIndent(out, "", "  ")
	if err != nil {
		return "", nil, fmt.Errorf("export: %w", err)
	}
	return string(data) + "\n", tensors, nil
}
