package circuittest

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Plugin returns a plugin with the target of Ideal.
func Plugin() sdk.Plugin {
	return sdk.Plugin{Name: "ideal", Version: "1.0.0", Targets: []sdk.Target{Ideal()}}
}

// event is the joules of a synaptic event of Ideal, which are made up.
const event = 1e-12

// Ideal returns a target `ideal` without limits, whose chip computes in float32 by the reference of package circuit and so loses nothing;
// for tests of what calls targets. Populations that fire Once are none of its: it leaves them to the host.
func Ideal() sdk.Target {
	return sdk.Target{
		Component: schema.Component{Kind: schema.Target, Name: "ideal", Version: "1.0.0", Doc: "A chip that loses nothing."},
		Check: func(q schema.TargetRequest) (schema.TargetReply, error) {
			return check(q.Circuits), nil
		},
		Compile: func(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
			r := schema.CompileReply{TargetReply: check(q.Circuits), Chips: 1}
			if !r.Fits {
				return nil, r, nil
			}
			r.Constants = []schema.Constant{{Name: "event", Value: event, Unit: "J", Kind: "derived", Source: "made up", Unverified: true}}
			chip := &ideal{of: q.Circuits}
			core := schema.Core{Used: []schema.Amount{{Name: "neurons"}}}
			for k := range q.Circuits {
				c := &q.Circuits[k]
				deepest := 0
				for i := range c.Populations {
					p := &c.Populations[i]
					deepest = max(deepest, p.Depth)
					core.Layers = append(core.Layers, c.Name+": "+p.Name)
					core.Used[0].Used += float64(circuit.Size(p.Dims))
					r.Losses = append(r.Losses, schema.Loss{Circuit: c.Name, Layer: p.Name, Bits: 32, Scale: 1})
				}
				r.Programs = append(r.Programs, schema.Compiled{Circuit: c.Name, Ticks: c.Steps + deepest})
			}
			r.Cores = []schema.Core{core}
			for range q.Bytes / 4 { // the tensors are kept as they are
				chip.arena = append(chip.arena, 0)
			}
			chip.keep(w)
			r.Tensors = []schema.NamedTensor{{Name: "arena", DType: "F32", Dims: []int{len(chip.arena)}}}
			return chip, r, nil
		},
		Trace: trace,
	}
}

func check(circuits []schema.Circuit) schema.TargetReply {
	r := schema.TargetReply{Fits: true}
	neurons := schema.Amount{Name: "neurons"}
	for _, c := range circuits {
		for _, p := range c.Populations {
			l := schema.Placement{Network: c.Network, Layer: p.Name, Used: []schema.Amount{{Name: "neurons", Used: float64(circuit.Size(p.Dims))}}}
			if p.Once {
				l = schema.Placement{Network: c.Network, Layer: p.Name, Host: true, Problem: "it fires once, which the chip cannot do"}
				r.Fits = false
			}
			neurons.Used += float64(circuit.Size(p.Dims))
			r.Layers = append(r.Layers, l)
		}
	}
	r.Used = []schema.Amount{neurons}
	return r
}

// ideal is circuits with their tensors.
type ideal struct {
	of    []schema.Circuit
	arena []float32
}

// keep copies all tensors.
func (x *ideal) keep(w sdk.Weights) {
	for k := range x.of {
		for i := range x.of[k].Populations {
			p := &x.of[k].Populations[i]
			tensors := []schema.Tensor{}
			for _, s := range p.Synapses {
				tensors = append(tensors, s.Weights)
			}
			if p.Bias != nil {
				tensors = append(tensors, *p.Bias)
			}
			for _, t := range tensors {
				copy(x.arena[t.Offset/4:], w(t))
			}
		}
	}
}

// Emulate implements sdk.Chip.
func (x *ideal) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	i := slices.IndexFunc(x.of, func(c schema.Circuit) bool { return c.Name == b.Circuit })
	if i < 0 {
		return schema.EmulateReply{}, fmt.Errorf("there is no circuit %q", b.Circuit)
	}
	c := &x.of[i]
	run := circuit.Block{Steps: b.Steps, Examples: b.Examples}
	for k, in := range c.Inputs {
		var all []float32
		for t := range b.Steps {
			if t == 0 || in.Kind == schema.SpikeInput {
				all = append(all, b.Inputs[k].At(t)...)
			}
		}
		run.Inputs = append(run.Inputs, all)
	}
	out, err := circuit.Run[float32](c, circuit.In(x.arena), run)
	if err != nil {
		return schema.EmulateReply{}, err
	}
	r := schema.EmulateReply{Ticks: float64(b.Steps * b.Examples)}
	synops, given, spiking := 0.0, 0, 0
	for i := range c.Populations {
		p := &c.Populations[i]
		row := b.Examples * circuit.Size(p.Dims)
		if p.Gives {
			if p.Reads {
				copy(b.Outputs[given].At(0), out.ReadOuts[i])
			}
			for t := range b.Steps {
				if !p.Reads {
					copy(b.Outputs[given].At(t), out.Spikes[i][t*row:])
				}
			}
			given++
		}
		l := schema.Activity{Layer: p.Name, Active: float64(b.Steps * row)}
		if !p.Reads {
			for t := range b.Steps {
				l.Spikes = append(l.Spikes, 0)
				for _, s := range out.Spikes[i][t*row:][:row] {
					l.Spikes[t] += float64(s)
				}
				if len(b.Taps) > 0 {
					copy(b.Taps[spiking].At(t), out.Spikes[i][t*row:])
				}
			}
			spiking++
		}
		for k := range p.Synapses {
			s := &p.Synapses[k]
			from := run.Inputs[max(s.Input, 0)]
			if s.Population >= 0 {
				from = out.Spikes[s.Population]
			}
			elements := circuit.Size(circuit.SourceDims(c, s))
			for i, n := range circuit.FanOut(s, p.Dims, elements) {
				for at := i; at < len(from); at += elements {
					l.Synops += float64(n) * float64(from[at])
				}
			}
		}
		synops += l.Synops
		r.Layers = append(r.Layers, l)
	}
	r.Energy = []schema.Energy{{Part: schema.Dynamic, Low: synops * event, High: 2 * synops * event, From: []string{"event"}}}
	r.Time = []schema.Amount{{Name: "step", Used: r.Ticks * 1e-6, Limit: r.Ticks * 1e-3}}
	return r, nil
}

// Export implements sdk.Chip.
func (x *ideal) Export(examples ...*sdk.Block) (string, [][]byte, error) {
	e := exported{Circuits: x.of}
	for _, b := range examples {
		if b.Circuit != x.of[0].Name {
			continue
		}
		for i, in := range x.of[0].Inputs {
			e.Drives = append(e.Drives, []float32{})
			if in.Kind == schema.DriveInput {
				e.Drives[i] = slices.Clone(b.Inputs[i].At(0))
				continue
			}
			for t := range b.Steps {
				for k, v := range b.Inputs[i].At(t) {
					if v == 1 {
						e.Spikes = append(e.Spikes, going{t, i, k})
					}
				}
			}
		}
	}
	text, err := json.Marshal(e)
	var numbers []byte
	for _, v := range x.arena {
		numbers = binary.LittleEndian.AppendUint32(numbers, math.Float32bits(v))
	}
	return string(text), [][]byte{numbers}, err
}

// exported is the JSON of an export; for a trace the first circuit runs one example, with these numbers of its drives and these elements
// of its other inputs spiking.
type exported struct {
	Circuits []schema.Circuit `json:"circuits"`
	Drives   [][]float32      `json:"drives,omitempty"` // of each input; none of one of spikes
	Spikes   []going          `json:"spikes"`
}

// going is a spike of an input.
type going struct {
	T       int `json:"t"`
	Input   int `json:"input"`
	Element int `json:"element"`
}

func trace(q schema.TraceRequest, tensors map[string][]byte) (schema.TraceReply, error) {
	var e exported
	if err := json.Unmarshal([]byte(q.Text), &e); err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	if len(e.Circuits) == 0 {
		return schema.TraceReply{Error: "it has no circuits"}, nil
	}
	c := &e.Circuits[0]
	if err := circuit.Verify(*c); err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	if err := circuit.Within(*c, len(tensors["arena"])); err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	var arena []float32
	for numbers := tensors["arena"]; len(numbers) >= 4; numbers = numbers[4:] {
		arena = append(arena, math.Float32frombits(binary.LittleEndian.Uint32(numbers)))
	}
	b := Net{Circuit: *c}.Block(0, 1)
	for i := range b.Inputs {
		clear(b.Inputs[i])
		if i < len(e.Drives) && c.Inputs[i].Kind == schema.DriveInput {
			copy(b.Inputs[i], e.Drives[i])
		}
	}
	for _, s := range e.Spikes {
		if s.Input < 0 || s.Input >= len(c.Inputs) || s.T < 0 || s.T >= c.Steps || s.Element < 0 || s.Element >= circuit.Size(c.Inputs[s.Input].Dims) || c.Inputs[s.Input].Kind != schema.SpikeInput {
			return schema.TraceReply{Error: fmt.Sprintf("there is no place for the spike %+v", s)}, nil
		}
		b.Inputs[s.Input][s.T*circuit.Size(c.Inputs[s.Input].Dims)+s.Element] = 1
	}
	out, err := circuit.Run[float32](c, circuit.In(arena), b)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	var r schema.TraceReply
	for t := range c.Steps {
		for i, p := range c.Populations {
			n := circuit.Size(p.Dims)
			for k := range n {
				if !p.Reads && out.Spikes[i][t*n+k] == 1 {
					r.Lines += fmt.Sprintf(`{"t":%d,"layer":%q,"neuron":%d}`+"\n", t, p.Name, k)
				}
			}
		}
	}
	return r, nil
}
