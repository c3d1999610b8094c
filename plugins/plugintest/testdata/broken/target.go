package main

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/plugins/sdk/circuit/circuittest"
)

// target is a chip whose layers have room for 100 neurons, and which loses nothing.
func target() sdk.Target {
	ideal := circuittest.Ideal()
	t := sdk.Target{
		Component: schema.Component{Kind: schema.Target, Name: "chip", Version: "1.0.0", Doc: "A chip of 200 neurons a layer."},
		Check:     func(q schema.TargetRequest) (schema.TargetReply, error) { return room(q.Circuits), nil },
		Compile: func(q schema.CompileRequest, w sdk.Weights) (sdk.Chip, schema.CompileReply, error) {
			chip, r, err := ideal.Compile(q, w)
			r.TargetReply = room(q.Circuits)
			switch fault {
			case "target apart":
				r.Notes = []string{"all is well"}
			case "target compiled":
				r.Chips = 1 + rand.IntN(1000)
			}
			if chip == nil {
				return nil, r, err
			}
			out := &chipped{Chip: chip}
			if steppedFaults[fault] {
				for _, c := range q.Circuits {
					out.stepped = append(out.stepped, kept(c, w))
				}
			}
			return out, r, err
		},
		Trace: ideal.Trace,
	}
	switch fault {
	case "target trace":
		t.Trace = func(schema.TraceRequest, map[string][]byte) (schema.TraceReply, error) {
			return schema.TraceReply{Error: "there are no cores"}, nil
		}
	case "target checked":
		t.Compile, t.Trace = nil, nil
	}
	return t
}

// room looks for layers of more neurons than there is room for.
func room(circuits []schema.Circuit) schema.TargetReply {
	out := schema.TargetReply{Fits: true}
	for _, c := range circuits {
		for _, p := range c.Populations {
			l := schema.Placement{Network: c.Network, Layer: p.Name}
			if size := circuit.Size(p.Dims); size > 200 {
				l.Problem, l.Change = fmt.Sprintf("it has %d neurons", size), "a layer of 200 neurons"
				out.Fits = false
			}
			switch {
			case p.Once:
				l.Host, l.Problem = true, "it fires once, which the chip cannot do"
			case steppedFaults[fault] && (p.Reads || p.Current):
				l.Host, l.Problem = true, "it has neurons without current alone"
			}
			if fault == "target dense" && p.Synapses[0].Kind == schema.Conv {
				l.Host, l.Problem = true, "it has no synapses of kernels"
			}
			out.Fits = out.Fits && !l.Host
			switch fault {
			case "target silent":
				l.Problem = ""
			case "target helpless":
				l.Change = ""
			}
			out.Layers = append(out.Layers, l)
		}
	}
	return out
}

// chipped is a chip with a fault.
type chipped struct {
	sdk.Chip
	stepped []*stepped
	exports atomic.Int64
}

var (
	emulations atomic.Int64
	latest     atomic.Pointer[sdk.Block]
)

// Emulate implements sdk.Chip.
func (c *chipped) Emulate(b *sdk.Block) (schema.EmulateReply, error) {
	n := emulations.Add(1)
	switch fault {
	case "target hang":
		time.Sleep(time.Hour)
	case "target crash":
		go func() { panic("out of cheese") }()
		time.Sleep(time.Hour)
	case "target error":
		return schema.EmulateReply{}, errors.New("no cores are left")
	case "target shared":
		latest.Store(b)
		time.Sleep(20 * time.Millisecond)
		if latest.Load() != b { // another call has taken its place
			defer func() { b.Outputs[0].At(0)[0] = 1 - b.Outputs[0].At(0)[0] }()
		}
	}
	r, err := c.Chip.Emulate(b)
	if err != nil {
		return r, err
	}
	for _, x := range c.stepped {
		if x.Name == b.Circuit {
			x.overwrite(b, &r)
		}
	}
	first := b.Outputs[0].At(0)
	flip := func() { // of output and tap, and what is counted
		first[0] = 1 - first[0]
		r.Layers[0].Spikes[0] += 2*float64(first[0]) - 1
		if len(b.Taps) > 0 {
			b.Taps[0].At(0)[0] = first[0]
		}
	}
	switch fault {
	case "target random":
		r.Ticks += rand.Float64()
	case "target leak":
		if n > 2 {
			flip()
		}
	case "target batch":
		if b.Examples == 1 {
			flip()
		}
	case "target half":
		first[0] = 0.5
	case "target unwritten": // what the test had laid there
		if len(b.Taps) > 0 {
			copy(b.Taps[1].At(3)[:1], []float32{math.Float32frombits(0x7fc0dead)})
		}
	case "target writes":
		b.Inputs[0].At(1)[2] = 1 - b.Inputs[0].At(1)[2]
	case "target late":
		r.Layers[1].Spikes = append([]float64{0}, r.Layers[1].Spikes[:b.Steps-1]...)
	case "target uncounted":
		r.Layers = r.Layers[:2]
	case "target taps":
		if len(b.Taps) == 0 {
			r.Layers[0].Synops = 0
		}
	case "target summed":
		r.Layers[0].Synops += 100
	}
	return r, nil
}

// Export implements sdk.Chip.
func (c *chipped) Export(examples ...*sdk.Block) (string, [][]byte, error) {
	if fault == "target empty" {
		examples = nil
	}
	text, tensors, err := c.Chip.Export(examples...)
	switch fault {
	case "target export":
		text = strings.TrimSuffix(text, "}") + fmt.Sprintf(`,"made":%d}`, c.exports.Add(1))
	case "target order":
		order := ""
		for core := range map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true} {
			order += fmt.Sprint(core)
		}
		text = strings.TrimSuffix(text, "}") + fmt.Sprintf(`,"cores":%q}`, order)
	}
	return text, tensors, err
}
