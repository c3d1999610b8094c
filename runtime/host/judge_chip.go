package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
)

// maxTensors is how many bytes the tensors of an export have at most.
const maxTensors = 16 << 30

// judgeChecked judges the answer to Check.
func judgeChecked(text string, q schema.TargetRequest) (schema.TargetReply, error) {
	r, err := decode[schema.TargetReply](text)
	if err != nil {
		return r, err
	}
	return r, judgeTarget(r, q.Circuits)
}

// judgeTarget judges how circuits lie on a chip.
func judgeTarget(r schema.TargetReply, circuits []schema.Circuit) error {
	if len(r.Complaints) > 0 {
		return judgeComplaints(r.Complaints, r.Fits || len(r.Layers) > 0)
	}
	if err := judgeAmounts(r.Used, r.Fits); err != nil {
		return err
	}
	for _, l := range r.Layers {
		of, there := false, false
		for i := range circuits {
			if c := &circuits[i]; c.Network == l.Network || c.Name == l.Network {
				of, there = true, there || l.Layer == "" || has(c, l.Layer)
			}
		}
		switch {
		case !of:
			return fmt.Errorf("layer %q is of a network %q that the request does not have", l.Layer, l.Network)
		case !there:
			return fmt.Errorf("no circuit of network %q has a population %q", l.Network, l.Layer)
		case r.Fits && l.Problem != "":
			return fmt.Errorf("all fits, but layer %q does not: %s", l.Layer, l.Problem)
		}
		if err := judgeAmounts(l.Used, r.Fits); err != nil {
			return err
		}
	}
	for _, g := range r.Grids {
		switch {
		case g.Low > 0 || g.High < 0 || g.Low == g.High:
			return fmt.Errorf("a grid of the whole numbers from %d to %d is none", g.Low, g.High)
		case g.Layer != "" && !slices.ContainsFunc(circuits, func(c schema.Circuit) bool { return has(&c, g.Layer) }):
			return fmt.Errorf("a grid is of layer %q, which no circuit has", g.Layer)
		}
	}
	return nil
}

// has reports whether a circuit has a population.
func has(c *schema.Circuit, name string) bool {
	return slices.ContainsFunc(c.Populations, func(p schema.Population) bool { return p.Name == name })
}

func judgeAmounts(amounts []schema.Amount, fits bool) error {
	for _, a := range amounts {
		switch {
		case a.Name == "" || a.Used < 0 || a.Limit < 0:
			return fmt.Errorf("%v of %v %q is no amount", a.Used, a.Limit, a.Name)
		case fits && a.Limit > 0 && a.Used > a.Limit:
			return fmt.Errorf("all fits, but it takes %v of %v %s", a.Used, a.Limit, a.Name)
		}
	}
	return nil
}

// judgeCompiled judges the answer to Compile.
func judgeCompiled(text string, circuits []schema.Circuit) (schema.CompileReply, error) {
	r, err := decode[schema.CompileReply](text)
	if err == nil {
		err = judgeTarget(r.TargetReply, circuits)
	}
	if err != nil || len(r.Complaints) > 0 || !r.Fits {
		return r, err
	}
	if len(r.Programs) != len(circuits) {
		return r, fmt.Errorf("it compiles %d of %d circuits", len(r.Programs), len(circuits))
	}
	for i, p := range r.Programs {
		switch {
		case p.Circuit != circuits[i].Name:
			return r, fmt.Errorf("program %d is of circuit %q and should be of %q", i, p.Circuit, circuits[i].Name)
		case p.Ticks < 1:
			return r, fmt.Errorf("circuit %q takes %d steps of the chip", p.Circuit, p.Ticks)
		}
	}
	layer := func(circuit, layer string) error {
		i := slices.IndexFunc(circuits, func(c schema.Circuit) bool { return c.Name == circuit })
		if i < 0 || !has(&circuits[i], layer) {
			return fmt.Errorf("there is no population %q of a circuit %q", layer, circuit)
		}
		return nil
	}
	for _, l := range r.Losses {
		if err := layer(l.Circuit, l.Layer); err != nil {
			return r, fmt.Errorf("losses: %w", err)
		}
		if l.Weights < 0 || l.Bias < 0 || l.Bits < 0 || l.Scale < 0 || l.Clipped < 0 || l.Zeroed < 0 || l.Zeroed > 1 {
			return r, fmt.Errorf("the losses of %s of %s make no sense: %+v", l.Layer, l.Circuit, l)
		}
	}
	if r.Chips < 1 {
		return r, fmt.Errorf("it takes %d chips", r.Chips)
	}
	for _, c := range r.Cores {
		if c.Chip < 0 || c.Chip >= r.Chips {
			return r, fmt.Errorf("a core is on chip %d of %d", c.Chip, r.Chips)
		}
		for _, name := range c.Layers {
			if !slices.ContainsFunc(circuits, func(x schema.Circuit) bool {
				rest, ok := strings.CutPrefix(name, x.Name+": ")
				return ok && has(&x, rest)
			}) {
				return r, fmt.Errorf("a core has the layer %q, which is no CIRCUIT: LAYER of the request", name)
			}
		}
		if err := judgeAmounts(c.Used, true); err != nil {
			return r, fmt.Errorf("core %d, %d of chip %d: %w", c.X, c.Y, c.Chip, err)
		}
	}
	return r, errors.Join(judgeConstants(r.Constants), judgeTensors(r.Tensors))
}

// kindsOfConstants are those that docs/plugin-protocol.md explains.
var kindsOfConstants = []string{"silicon", "spice", "fit", "derived"}

func judgeConstants(all []schema.Constant) error {
	names := map[string]bool{}
	for _, c := range all {
		switch {
		case c.Name == "" || names[c.Name]:
			return fmt.Errorf("constant %q has no name, or stands twice", c.Name)
		case !slices.Contains(kindsOfConstants, c.Kind):
			return fmt.Errorf("constant %q is of kind %q, and there are %s", c.Name, c.Kind, strings.Join(kindsOfConstants, ", "))
		case c.Unit == "" || c.Source == "":
			return fmt.Errorf("constant %q has no unit or no source: one is needed of every figure", c.Name)
		}
		names[c.Name] = true
	}
	return nil
}

func judgeTensors(all []schema.NamedTensor) error {
	names, bytes := map[string]bool{}, 0
	for _, t := range all {
		size := t.Size()
		switch {
		case t.Name == "" || names[t.Name]:
			return fmt.Errorf("tensor %q has no name, or stands twice", t.Name)
		case size < 0:
			return fmt.Errorf("tensor %q is %s of %v, which is none", t.Name, t.DType, t.Dims)
		case size > maxTensors-bytes:
			return fmt.Errorf("its tensors have more than %d bytes", maxTensors)
		}
		names[t.Name], bytes = true, bytes+size
	}
	return nil
}

// judgeEmulated judges the answer to Emulate but for the numbers in memory, see judgeBlock.
func judgeEmulated(text string, c *schema.Circuit, steps int, constants []schema.Constant) (schema.EmulateReply, error) {
	r, err := decode[schema.EmulateReply](text)
	if err != nil {
		return r, err
	}
	seen := map[string]bool{}
	for _, l := range r.Layers {
		switch {
		case !has(c, l.Layer) || seen[l.Layer]:
			return r, fmt.Errorf("layer %q is none of circuit %q, or stands twice", l.Layer, c.Name)
		case len(l.Spikes) != 0 && len(l.Spikes) != steps:
			return r, fmt.Errorf("layer %q counts spikes at %d time steps of %d", l.Layer, len(l.Spikes), steps)
		case min(l.Synops, l.Active, l.Inactive, l.Messages, l.Hops, l.Clipped) < 0 || slices.ContainsFunc(l.Spikes, func(n float64) bool { return n < 0 }):
			return r, fmt.Errorf("layer %q counts less than nothing: %+v", l.Layer, l)
		}
		seen[l.Layer] = true
	}
	if r.Ticks < 0 {
		return r, fmt.Errorf("it took %v steps of the chip", r.Ticks)
	}
	for _, e := range r.Energy {
		switch {
		case !slices.Contains([]schema.EnergyPart{schema.Dynamic, schema.PerStep, schema.Static, schema.HostIO}, e.Part):
			return r, fmt.Errorf("there is no part %q of energy", e.Part)
		case e.Low < 0 || e.Low > e.High:
			return r, fmt.Errorf("an energy of %v to %v J is no interval", e.Low, e.High)
		}
		for _, name := range e.From {
			if !slices.ContainsFunc(constants, func(c schema.Constant) bool { return c.Name == name }) {
				return r, fmt.Errorf("energy is computed from a constant %q, which Compile did not name", name)
			}
		}
	}
	for _, a := range r.Time {
		if a.Name == "" || a.Used < 0 || a.Used > a.Limit {
			return r, fmt.Errorf("a time %q of %v to %v s is no interval", a.Name, a.Used, a.Limit)
		}
	}
	return r, nil
}

// judgeBlock judges the examples of a call in a block that a population gives, which lies so many bytes from the beginning of memory.
func judgeBlock(memory []float32, offset int, q schema.EmulateRequest, p *schema.Population) error {
	row, steps := 1, q.Steps
	for _, d := range p.Dims {
		row *= d
	}
	if p.Reads {
		steps = 1
	}
	for t := range steps {
		from := offset/4 + (t*q.Batch+q.First)*row
		if from < 0 || from+q.Count*row > len(memory) {
			return fmt.Errorf("it answers a call about numbers beyond the memory, at byte %d", 4*from)
		}
		if err := judgeNumbers(memory[from:from+q.Count*row], !p.Reads); err != nil {
			return fmt.Errorf("population %s: %w", p.Name, err)
		}
	}
	return nil
}

// judgeNumbers judges what a chip has written: spikes, or read-outs.
func judgeNumbers(x []float32, spikes bool) error {
	for _, v := range x {
		switch {
		case spikes && v != 0 && v != 1:
			return fmt.Errorf("it gives %v where it should spike, with 0 or 1", v)
		case math.IsNaN(float64(v)) || math.IsInf(float64(v), 0):
			return fmt.Errorf("a read-out gives %v", v)
		}
	}
	return nil
}

// judgeExported judges the answer to Export.
func judgeExported(text string) (schema.ExportReply, error) {
	r, err := decode[schema.ExportReply](text)
	if err == nil && !json.Valid([]byte(r.Text)) {
		err = errors.New("the text of its export is no JSON")
	}
	return r, err
}

// judgeTraced judges the answer to Trace.
func judgeTraced(text string) (schema.TraceReply, error) {
	r, err := decode[schema.TraceReply](text)
	if err != nil {
		return r, err
	}
	if r.Error != "" && r.Lines != "" {
		return r, errors.New("it holds both lines and an error")
	}
	n := 0
	for line := range strings.Lines(r.Lines) {
		if n++; !json.Valid([]byte(line)) {
			return r, fmt.Errorf("line %d of the trace is no JSON", n)
		}
	}
	return r, nil
}
