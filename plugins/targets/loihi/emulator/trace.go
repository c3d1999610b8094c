package emulator

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// Line is what is printed of a group in a step: currents and membranes, these before a spike resets them, and which compartments spiked.
type Line struct {
	Step   int     `json:"step"`
	Group  string  `json:"group"`
	U      []int32 `json:"u"`
	V      []int32 `json:"v"`
	Spikes []int32 `json:"spikes"`
}

// The bounds of what is printed, and of what is computed to print it.
const (
	maxPrinted = 1 << 22 // numbers
	maxTicks   = 1 << 34 // compartments times steps
)

// Trace runs a network with the spikes of its text and prints a Line for each recorded group and step. What is wrong with the text
// is in the reply.
func Trace(q schema.TraceRequest, tensors map[string][]byte) (schema.TraceReply, error) {
	n, err := Read(q.Text, q.Tensors, tensors)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	p, err := Compile(n)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	record, size, all := []int{}, 0, 0
	for i := range n.Groups {
		all += p.groups[i].size
		if len(n.Record) == 0 || slices.Contains(n.Record, n.Groups[i].Name) {
			record, size = append(record, i), size+p.groups[i].size
		}
	}
	if steps := max(n.Steps-n.From, 0); 2*size*steps > maxPrinted {
		return schema.TraceReply{Error: fmt.Sprintf("%d steps of %d compartments are %d numbers, and at most %d are printed: name fewer groups in record, or begin later with from", steps, size, 2*size*steps, maxPrinted)}, nil
	}
	if all*n.Steps > maxTicks {
		return schema.TraceReply{Error: fmt.Sprintf("%d steps of %d compartments are too many for a trace", n.Steps, all)}, nil
	}
	inputs := map[string]int{}
	for i, in := range n.Inputs {
		inputs[in.Name] = i
	}
	spikes := make([][][]int32, n.Steps) // by step and input
	for _, e := range n.Spikes {
		if spikes[e.Step] == nil {
			spikes[e.Step] = make([][]int32, len(n.Inputs))
		}
		spikes[e.Step][inputs[e.Input]] = append(spikes[e.Step][inputs[e.Input]], int32(e.Index))
	}
	none := make([][]int32, len(n.Inputs))
	var out strings.Builder
	to := json.NewEncoder(&out)
	s := p.NewState(n.Seed, runtime.GOMAXPROCS(0))
	for step := range n.Steps {
		in := spikes[step]
		if in == nil {
			in = none
		}
		if s.Step(in); step < n.From {
			continue
		}
		for _, g := range record {
			l := Line{Step: step, Group: n.Groups[g].Name, U: s.U(g), V: s.V(g), Spikes: s.Spikes(g)}
			if l.Spikes == nil {
				l.Spikes = []int32{}
			}
			if err := to.Encode(l); err != nil {
				return schema.TraceReply{}, fmt.Errorf("print step %d: %w", step, err)
			}
		}
	}
	return schema.TraceReply{Lines: out.String()}, nil
}
