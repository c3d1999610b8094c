package emulator

import (
	"encoding/json"
	"fmt"
	"strconv"

	"snnc.dev/snnc/plugins/schema"
)

// Bounds of a trace: the bytes that it prints, and how often a core is computed or a layer counted.
const (
	maxText = 16 << 20
	maxWork = 1 << 24
)

// Trace runs a file and prints, one JSON object a line, for each tick each core:
//
//	{"tick":3,"core":0,"v":[...],"spikes":[...]}
//
// with V of its neurons behind the tick, in the order of their places, and the places of those that spiked; behind these, where
// numbered outputs spiked, {"tick":3,"outputs":[...]}; and at the end, where the file asks for them, {"totals":{...}}. What is wrong with the
// file is in the reply's Error.
func Trace(q schema.TraceRequest, tensors map[string][]byte) (schema.TraceReply, error) {
	f, err := Parse(q.Text, q.Tensors, tensors)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	lines, err := f.trace()
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	return schema.TraceReply{Lines: string(lines)}, nil
}

// tracer prints ticks.
type tracer struct {
	f       *File
	cores   []int32
	outputs []int32
	lines   []byte
	over    bool
}

func (f *File) trace() ([]byte, error) {
	if most := max(len(f.Cores), len(f.Layers)); f.Ticks*most > maxWork {
		return nil, fmt.Errorf("%d ticks of %d cores and %d layers are more than a trace computes: ticks times cores, or layers, are at most %d", f.Ticks, len(f.Cores), len(f.Layers), maxWork)
	}
	m, err := New(&f.Network)
	if err != nil {
		return nil, err
	}
	p := &tracer{f: f, cores: f.Record.Cores}
	if p.cores == nil {
		for i := range f.Cores {
			p.cores = append(p.cores, int32(i))
		}
	}
	spikes, inputs := map[int][]Spike{}, map[int][]int{}
	for _, s := range f.Spikes {
		spikes[int(s.Tick)] = append(spikes[int(s.Tick)], s)
	}
	for _, s := range f.Inputs {
		inputs[int(s.Tick)] = append(inputs[int(s.Tick)], int(s.Line))
	}
	a, err := m.Run(&Block{Examples: 1, Ticks: f.Ticks, Seeds: []uint64{f.Seed},
		Input: func(_, tick int, in *Inputs) {
			for _, s := range spikes[tick] {
				in.Axon(int(s.Core), int(s.Axon))
			}
			for _, l := range inputs[tick] {
				in.Line(l)
			}
		},
		Output: func(_, _ int, outputs []int32) { p.outputs = append(p.outputs, outputs...) },
		after:  p.tick,
	})
	if err != nil {
		return nil, err
	}
	if p.over {
		return nil, fmt.Errorf("the trace has more than %d MiB: record less: fewer ticks (\"from\", \"to\"), \"cores\" or \"neurons\", or spikes without \"v\"", maxText>>20)
	}
	if f.Record.Totals {
		if err := p.totals(a); err != nil {
			return nil, err
		}
	}
	return p.lines, nil
}

// tick prints a tick.
func (p *tracer) tick(s *state) {
	r := &p.f.Record
	if s.tick >= r.From && s.tick < r.To && !p.over {
		for _, c := range p.cores {
			if r.V || r.Spikes {
				p.core(s, c)
			}
			if p.over = len(p.lines) > maxText; p.over {
				p.lines = nil
				break
			}
		}
		if r.Outputs && len(p.outputs) > 0 && !p.over {
			p.lines = strconv.AppendInt(append(p.lines, `{"tick":`...), int64(s.tick), 10)
			p.lines = append(numbers(append(p.lines, `,"outputs":[`...), p.outputs), "]}\n"...)
		}
	}
	p.outputs = p.outputs[:0]
}

// core prints a core.
func (p *tracer) core(s *state, c int32) {
	r := &p.f.Record
	wanted := s.m.plans[c].used
	if r.Places != nil {
		var some set
		for _, j := range r.Places {
			some[j/64] |= 1 << (j % 64) & wanted[j/64]
		}
		wanted = some
	}
	p.lines = strconv.AppendInt(append(p.lines, `{"tick":`...), int64(s.tick), 10)
	p.lines = strconv.AppendInt(append(p.lines, `,"core":`...), int64(c), 10)
	var v, fired []int32
	for j := range int32(Neurons) {
		if wanted[j/64]>>(j%64)&1 == 0 {
			continue
		}
		v = append(v, s.membrane(int(c), int(j)))
		if s.fired[c][j/64]>>(j%64)&1 != 0 {
			fired = append(fired, j)
		}
	}
	if r.V {
		p.lines = append(numbers(append(p.lines, `,"v":[`...), v), ']')
	}
	if r.Spikes {
		p.lines = append(numbers(append(p.lines, `,"spikes":[`...), fired), ']')
	}
	p.lines = append(p.lines, "}\n"...)
}

// numbers appends numbers with commas between them.
func numbers(to []byte, list []int32) []byte {
	for i, x := range list {
		if i > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendInt(to, int64(x), 10)
	}
	return to
}

// totals prints what was counted, and what it costs.
func (p *tracer) totals(a *Activity) error {
	for i := range a.Layers {
		sum := 0.0
		for _, n := range a.Layers[i].Spikes {
			sum += n
		}
		a.Layers[i].Spikes = []float64{sum}
	}
	type totals struct {
		Ticks   float64           `json:"ticks"`
		Layers  []schema.Activity `json:"layers"`
		Inputs  float64           `json:"inputs"`
		Outputs float64           `json:"outputs"`
		Merged  float64           `json:"merged"`
		Energy  []schema.Energy   `json:"energy"`
		Time    []schema.Amount   `json:"time"`
	}
	b, err := json.Marshal(map[string]totals{"totals": {a.Ticks, a.Layers, a.Inputs, a.Outputs, a.Merged, a.Energy(false), a.Time(false)}})
	p.lines = append(append(p.lines, b...), '\n')
	return err
}
