package neurogrid

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/internal/strict"
	"snnc.dev/snnc/plugins/targets/neurogrid/emulator"
)

// trial is one run of a circuit.
type trial struct {
	Circuit  string     `json:"circuit"`
	Board    uint64     `json:"board"`    // seed of the mismatch
	Seed     uint64     `json:"seed"`     // of what softwires let through
	Duration float64    `json:"duration"` // ms
	Spikes   []spikeRow `json:"spikes"`   // of the host: ms and address
}

// The bounds of a trace, so that no text takes the process with it.
const (
	maxWork  = 5e8 // steps of the board times neurons, and softwires that the host's spikes go over
	maxLines = 1 << 20
	maxTime  = time.Minute
)

// Trace runs the trials of a text in the form of an export. It gives a line for each spike, with its time in ms and the time step of its
// population in which that is, and behind those of a trial one with the events for each population.
func Trace(q schema.TraceRequest, tensors map[string][]byte) (schema.TraceReply, error) {
	lines, err := trace(q.Text, tensors)
	if err != nil {
		return schema.TraceReply{Error: err.Error()}, nil
	}
	return schema.TraceReply{Lines: lines}, nil
}

func trace(text string, tensors map[string][]byte) (string, error) {
	var e exported
	if err := strict.Decode(text, &e); err != nil {
		return "", fmt.Errorf("read the text: %w", err)
	}
	if e.Trials == nil { // an export without an example: one time step in which the host sends nothing
		for _, c := range e.Circuits {
			e.Trials = append(e.Trials, trial{Circuit: c.Name, Duration: e.Step})
		}
	}
	switch {
	case e.Target != "neurogrid":
		return "", fmt.Errorf("target %q: it is \"neurogrid\" here", e.Target)
	case len(e.Trials) == 0:
		return "", fmt.Errorf("there are no \"trials\": write [{\"circuit\": NAME, \"board\": SEED, \"seed\": SEED, \"duration\": MS, \"spikes\": [[MS, ADDRESS], ...]}]")
	case !(e.Mismatch >= 0 && e.Mismatch <= 1):
		return "", fmt.Errorf("mismatch %v is not 0 to 1", e.Mismatch)
	case !(e.Step > 0):
		return "", fmt.Errorf("step %v ms: that of a network takes time", e.Step)
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxTime)
	defer cancel()
	x := &tracer{exported: &e, tensors: tensors, cancel: cancel}
	for k := range e.Trials {
		t := &e.Trials[k]
		i := slices.IndexFunc(e.Circuits, func(c exportedCircuit) bool { return c.Name == t.Circuit })
		if i < 0 {
			return "", fmt.Errorf("a trial is of circuit %q, which is not there", t.Circuit)
		}
		if err := x.run(ctx, &e.Circuits[i], t); err != nil {
			return "", err
		}
	}
	return x.out.String(), nil
}

// tracer runs trials and prints what comes of them.
type tracer struct {
	*exported
	tensors map[string][]byte
	cancel  func() // ends the trials where they print too much
	work    float64
	lines   int
	out     strings.Builder
}

// run runs a trial of a circuit.
func (e *tracer) run(ctx context.Context, c *exportedCircuit, t *trial) error {
	b, err := e.board(c, e.tensors)
	if err != nil {
		return fmt.Errorf("circuit %q: %w", c.Name, err)
	}
	of := ""
	if len(e.Circuits) > 1 {
		of = `"circuit":` + quoted(c.Name) + ","
	}
	var events []emulator.Event
	e.work += float64(len(b.Place)) * t.Duration / b.Step
	for i, s := range t.Spikes {
		if !(s[0] >= 0 && s[0] <= t.Duration) || !(s[1] >= 0 && s[1] < float64(b.Inputs)) || s[1] != math.Trunc(s[1]) {
			return fmt.Errorf("trial: spike %d at %v ms from address %v: it is 0 to %v ms, from one of %d addresses", i, s[0], s[1], t.Duration, b.Inputs)
		}
		source := len(b.Place) + int(s[1])
		e.work += float64(b.First[source+1] - b.First[source])
		events = append(events, emulator.Event{At: s[0], Source: int(s[1])})
	}
	if !(t.Duration > 0 && t.Duration/b.Step <= maxWork && e.work <= maxWork) {
		return fmt.Errorf("trial: %v ms of %d neurons in steps of %v ms, with %d spikes: that is none, or more than a trace runs", t.Duration, len(b.Place), b.Step, len(t.Spikes))
	}
	emulator.Ordered(events)
	type spike struct {
		at     float64
		neuron int
	}
	var spikes []spike
	counts, err := b.Draw(t.Board, e.Mismatch).Run(ctx, t.Seed, t.Duration, events, func(i int, at float64) {
		if e.lines < maxLines {
			spikes = append(spikes, spike{at, i})
			e.lines++
		}
		if e.lines == maxLines {
			e.cancel()
		}
	})
	if e.lines == maxLines {
		return fmt.Errorf("trial: more than %d spikes", maxLines)
	}
	if err != nil {
		return fmt.Errorf("trial: ended after %v: %w", maxTime, err)
	}
	slices.SortFunc(spikes, func(a, b spike) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.neuron, b.neuron)) })
	for _, s := range spikes {
		j, first := 0, 0
		for s.neuron-first >= c.Populations[j].Neurons {
			first += c.Populations[j].Neurons
			j++
		}
		fmt.Fprintf(&e.out, "{%s\"at\":%.4f,\"step\":%d,\"population\":%s,\"neuron\":%d}\n", of, s.at, timeStep(s.at, c.Populations[j].Offset, e.Step), quoted(c.Populations[j].Name), s.neuron-first)
	}
	for j, p := range c.Populations {
		fmt.Fprintf(&e.out, "{%s\"population\":%s,\"spikes\":%.0f,\"offered\":%.0f,\"events\":%.0f}\n", of, quoted(p.Name), counts.Spikes[j], counts.Offered[j], counts.Delivered[j])
	}
	return nil
}

// quoted is a text in JSON.
func quoted(s string) string {
	b, _ := json.Marshal(s) // a string cannot fail
	return string(b)
}

// board makes the board of a circuit and verifies it.
func (e *exported) board(c *exportedCircuit, tensors map[string][]byte) (*emulator.Board, error) {
	b := &emulator.Board{Step: c.Integration, Layers: len(c.Populations)}
	for _, p := range e.Cores {
		b.Cores = append(b.Cores, p.Parameters)
	}
	const most = emulator.Neurocores * emulator.Neurons
	for j, p := range c.Populations {
		if p.Neurons < 0 || p.Neurons > most-len(b.Place) || p.Place < 0 || p.Place > most-p.Neurons {
			return nil, fmt.Errorf("population %q: %d neurons from place %d on: the board has %d", p.Name, p.Neurons, p.Place, most)
		}
		for k := range p.Neurons {
			b.Place, b.Layer = append(b.Place, int32(p.Place+k)), append(b.Layer, int32(j))
		}
	}
	for _, a := range c.Addresses {
		if a.First < 0 || a.Number < 0 || a.First > most || a.Number > most-a.First {
			return nil, fmt.Errorf("addresses %d and %d from there on: they are 0 to %d", a.First, a.Number, most)
		}
		b.Inputs = max(b.Inputs, a.First+a.Number)
	}
	sources := len(b.Place) + b.Inputs
	b.First = make([]int, sources+1)
	if len(c.Wires) > 0 || c.First == "" {
		for i, w := range c.Wires {
			for k, limit := range []float64{float64(sources), float64(len(b.Place)), emulator.Types} {
				if !(w[k] >= 0 && w[k] < limit) || w[k] != math.Trunc(w[k]) {
					return nil, fmt.Errorf("softwire %d, %v: it is [source below %d, target below %d, type below %d, probability]", i, w, sources, len(b.Place), emulator.Types)
				}
			}
			if i > 0 && w[0] < c.Wires[i-1][0] {
				return nil, fmt.Errorf("softwire %d, %v, comes behind one of a later source: they stand in the order of sources", i, w)
			}
			b.First[int(w[0])+1]++
			b.Wires = append(b.Wires, emulator.Wire{Target: int32(w[1]), Type: uint8(w[2]), Probability: float32(w[3])})
		}
		for k := range sources {
			b.First[k+1] += b.First[k]
		}
		return b, b.Verify()
	}
	first, target, kind, probability := tensors[c.First], tensors[c.Target], tensors[c.Type], tensors[c.Probability]
	if n := len(kind); len(first) != 4*(sources+1) || len(target) != 4*n || len(probability) != 4*n {
		return nil, fmt.Errorf("tensors %q, %q, %q and %q have %d, %d, %d and %d bytes: for %d sources they are %d, and 4, 1 and 4 for each softwire", c.First, c.Target, c.Type, c.Probability, len(first), len(target), n, len(probability), sources, 4*(sources+1))
	}
	for k := range b.First {
		b.First[k] = int(binary.LittleEndian.Uint32(first[4*k:]))
	}
	for k, t := range kind {
		b.Wires = append(b.Wires, emulator.Wire{Target: int32(binary.LittleEndian.Uint32(target[4*k:])), Type: t,
			Probability: math.Float32frombits(binary.LittleEndian.Uint32(probability[4*k:]))})
	}
	return b, b.Verify()
}
