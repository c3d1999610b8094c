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

// Totals are what the groups did in all steps, printed and not, and their sum.
type Totals struct {
	Steps  int          `json:"steps"`
	Groups []GroupTotal `json:"groups"` // all, in the order of the network
	Total
}

// GroupTotal is what a group did.
type GroupTotal struct {
	Group string `json:"group"`
	Total
}

// Total is a Count as it is printed.
type Total struct {
	Spikes   int `json:"spikes"`
	Synops   int `json:"synops"`   // spikes times the synapses onto the group that they reach
	Active   int `json:"active"`   // updates of compartments to which more or less than 0 arrived in sum, or that spiked
	Inactive int `json:"inactive"` // the other updates
	Clipped  int `json:"clipped"`  // updates in which a number left its width
}

// totals are those of a state behind so many steps.
func (n *Network) totals(s *State) Totals {
	out := Totals{Steps: n.Steps, Groups: []GroupTotal{}}
	for i := range n.Groups {
		c := s.Count(i)
		out.Groups = append(out.Groups, GroupTotal{n.Groups[i].Name, Total{c.Spikes, c.Synops, c.Active, c.Inactive, c.Clipped}})
		a := &out.Total
		*a = Total{a.Spikes + c.Spikes, a.Synops + c.Synops, a.Active + c.Active, a.Inactive + c.Inactive, a.Clipped + c.Clipped}
	}
	return out
}

// Trace runs a network with the spikes of its text and prints a Line for each recorded group and step, and where
// the text asks for them {"totals": Totals}. What is wrong with the text
// is in the reply.
func Trace(q schema.TraceRequest, tensors map[string][]byte) (schema.TraceReply, error) {
	n, err := Read(q.Text, q.Tensors, tensors)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	if err := n.traced(); err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	p, err := Compile(n)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	var record []int
	for i := range n.Groups {
		if n.recorded(i) {
			record = append(record, i)
		}
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
	if n.Totals {
		if err := to.Encode(map[string]Totals{"totals": n.totals(s)}); err != nil {
			return schema.TraceReply{}, fmt.Errorf("print totals: %w", err)
		}
	}
	return schema.TraceReply{Lines: out.String()}, nil
}

// recorded tells whether group i is printed.
func (n *Network) recorded(i int) bool {
	return len(n.Record) == 0 || slices.Contains(n.Record, n.Groups[i].Name)
}
