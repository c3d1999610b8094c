package emulator

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
)

// Encode writes a file as Parse reads it: its text, and the tensors that the text names with their bytes, in the same order. Cores,
// neurons and lines lie in the tensors. The file must be valid.
func Encode(f *File) (string, []schema.NamedTensor, [][]byte, error) {
	if err := f.Validate(); err != nil {
		return "", nil, nil, err
	}
	if f.Ticks < 1 || f.Ticks > MaxTicks {
		return "", nil, nil, fmt.Errorf("a file has %d ticks, and 1 to %d are possible", f.Ticks, MaxTicks)
	}
	t := &text{Version: 1, Ticks: f.Ticks, Seed: f.Seed, Columns: f.Columns, Rules: encodeRules(f.Rules), Layers: f.Layers, Outputs: f.Outputs, Record: encodeRecord(f)}
	for _, p := range f.Parameters {
		x := textParameters{S: p.S[:], Lambda: p.Lambda, Epsilon: number(p.Epsilon), C: number(p.C), Alpha: p.Alpha, TM: p.TM, Beta: p.Beta, Kappa: number(p.Kappa), Gamma: p.Gamma, R: p.R, V: p.V}
		if p.B != [Types]bool{} {
			for _, b := range p.B {
				x.B = append(x.B, number(b))
			}
		}
		t.Parameters = append(t.Parameters, x)
	}
	for _, s := range f.Spikes {
		t.Spikes = append(t.Spikes, []int32{s.Tick, s.Core, s.Axon})
	}
	for _, s := range f.Inputs {
		t.Inputs = append(t.Inputs, []int32{s.Tick, s.Line})
	}
	t.Packed = &textPacked{Cores: "cores", Types: "types", Crossbars: "crossbars", Neurons: "neurons"}
	var cores, types, crossbars, neurons, lines []byte
	add := func(to []byte, list ...int32) []byte {
		for _, x := range list {
			to = binary.LittleEndian.AppendUint32(to, uint32(x))
		}
		return to
	}
	count := 0
	for i := range f.Cores {
		c := &f.Cores[i]
		cores = add(cores, c.Chip, c.X, c.Y, int32(len(c.Neurons)))
		types = append(types, c.Types[:]...)
		for _, row := range c.Rows {
			for _, w := range row {
				crossbars = binary.LittleEndian.AppendUint64(crossbars, w)
			}
		}
		for _, x := range c.Neurons {
			neurons = add(neurons, x.Place, x.Parameters, x.Layer, int32(x.Kind), x.To, x.Axon, x.Delay)
		}
		count += len(c.Neurons)
	}
	n := len(f.Cores)
	list := []schema.NamedTensor{
		{Name: "cores", DType: "I32", Dims: []int{n, coreNumbers}},
		{Name: "types", DType: "U8", Dims: []int{n, Axons}},
		{Name: "crossbars", DType: "U8", Dims: []int{n, Axons, Neurons / 8}},
		{Name: "neurons", DType: "I32", Dims: []int{count, neuronNumbers}},
	}
	data := [][]byte{cores, types, crossbars, neurons}
	if len(f.Lines) > 0 {
		t.Packed.Lines, t.Packed.LineCount = "lines", int32(len(f.Lines))
		rows := 0
		for i, line := range f.Lines {
			for _, l := range line {
				lines = add(lines, int32(i), l.Core, l.Axon, l.Delay)
			}
			rows += len(line)
		}
		list = append(list, schema.NamedTensor{Name: "lines", DType: "I32", Dims: []int{rows, lineNumbers}})
		data = append(data, lines)
	}
	if f.Legend != nil {
		legend := *f.Legend
		legend.Tensor = "elements"
		t.Legend = &legend
		list = append(list, schema.NamedTensor{Name: legend.Tensor, DType: "I32", Dims: []int{len(legend.Elements)}})
		data = append(data, add(nil, legend.Elements...))
	}
	b, err := json.MarshalIndent(t, "", " ")
	return string(b) + "\n", list, data, err
}

func number(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func encodeRules(r Rules) *textRules {
	if r == (Rules{}) {
		return nil
	}
	out := &textRules{Low: r.Low, High: r.High}
	for _, x := range []struct {
		set  bool
		word string
		to   *string
	}{
		{r.Above, ">", &out.Spike},
		{r.Reached, "<=", &out.Negative},
		{r.LeakFirst, "leak, synapses", &out.Order},
		{r.OnPotential, "potential", &out.Draw},
		{r.Away, "away from zero", &out.NegativeReset},
	} {
		if x.set {
			*x.to = x.word
		}
	}
	return out
}

func encodeRecord(f *File) *textRecord {
	r := &f.Record
	out := &textRecord{From: r.From, Cores: r.Cores, Neurons: r.Places, V: &r.V, Spikes: &r.Spikes, Outputs: &r.Outputs, Totals: r.Totals}
	if r.To != f.Ticks {
		out.To = r.To
	}
	return out
}
