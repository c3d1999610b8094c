package emulator

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/targets/internal/strict"
)

// crossbarBytes is the size of a crossbar: row after row, bit j%8 of byte j/8 of a row is whether it reaches the neuron at place j.
const crossbarBytes = Axons * Neurons / 8

// listed bounds the cores that a text lists, so that a short text makes no large network; tensors may hold more.
const listed = Cores

// reader reads a text.
type reader struct {
	list []schema.NamedTensor
	data map[string][]byte
	t    *text
	f    *File
}

// Parse reads a file: its text and the tensors that it names, little-endian, of which list has the kinds and dims and data the bytes. The
// network is valid where there is no error.
func Parse(s string, list []schema.NamedTensor, data map[string][]byte) (*File, error) {
	r := &reader{list: list, data: data, t: &text{}, f: &File{}}
	if err := strict.Decode(s, r.t); err != nil {
		return nil, err
	}
	t, f := r.t, r.f
	if t.Version != 1 {
		return nil, fmt.Errorf("truenorth is %d: this reads version 1", t.Version)
	}
	if t.Ticks < 1 || t.Ticks > MaxTicks {
		return nil, fmt.Errorf("ticks is %d, and 1 to %d are possible", t.Ticks, MaxTicks)
	}
	f.Ticks, f.Seed, f.Columns, f.Layers, f.Outputs = t.Ticks, t.Seed, t.Columns, t.Layers, t.Outputs
	for _, step := range []func() error{r.rules, r.parameters, r.cores, r.lines, r.spikes, r.record, r.legend} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return f, nil
}

// either says whether a word is the second of two; "" stands for the first.
func either(path, word, first, second string) (bool, error) {
	switch word {
	case "", first:
		return false, nil
	case second:
		return true, nil
	}
	return false, fmt.Errorf("%s is %q: it is %q or %q", path, word, first, second)
}

func (r *reader) rules() error {
	t := r.t.Rules
	if t == nil {
		return nil
	}
	out := &r.f.Rules
	out.Low, out.High = t.Low, t.High
	for _, x := range []struct {
		path, word, first, second string
		to                        *bool
	}{
		{"rules.spike", t.Spike, ">=", ">", &out.Above},
		{"rules.negative", t.Negative, "<", "<=", &out.Reached},
		{"rules.order", t.Order, "synapses, leak", "leak, synapses", &out.LeakFirst},
		{"rules.draw", t.Draw, "threshold", "potential", &out.OnPotential},
		{"rules.negative_reset", t.NegativeReset, "towards zero", "away from zero", &out.Away},
	} {
		var err error
		if *x.to, err = either(x.path, x.word, x.first, x.second); err != nil {
			return err
		}
	}
	return nil
}

// flag reads 0 or 1.
func flag(path string, x int32) (bool, error) {
	if x != 0 && x != 1 {
		return false, fmt.Errorf("%s is %d: it is 0 or 1", path, x)
	}
	return x == 1, nil
}

func (r *reader) parameters() error {
	for i := range r.t.Parameters {
		t := &r.t.Parameters[i]
		path := fmt.Sprintf("parameters[%d]", i)
		p := Parameters{Lambda: t.Lambda, Alpha: t.Alpha, TM: t.TM, Beta: t.Beta, Gamma: t.Gamma, R: t.R, V: t.V}
		if len(t.S) > Types || len(t.B) > Types {
			return fmt.Errorf("%s: s and b have one number for each type of axon, at most %d", path, Types)
		}
		copy(p.S[:], t.S)
		var err error
		for g, b := range t.B {
			if p.B[g], err = flag(fmt.Sprintf("%s.b[%d]", path, g), b); err != nil {
				return err
			}
		}
		for _, x := range []struct {
			name string
			from int32
			to   *bool
		}{{"epsilon", t.Epsilon, &p.Epsilon}, {"c", t.C, &p.C}, {"kappa", t.Kappa, &p.Kappa}} {
			if *x.to, err = flag(path+"."+x.name, x.from); err != nil {
				return err
			}
		}
		if t.Sigma != 0 || t.VR != 0 {
			if t.R != 0 {
				return fmt.Errorf("%s: r is given, and sigma and vr too: say either", path)
			}
			if t.Sigma != -1 && t.Sigma != 1 || t.VR < 0 || t.VR > 19 {
				return fmt.Errorf("%s: sigma is %d and vr is %d: the reset sigma (2^vr - 1) has a sigma of -1 or 1 and a vr from 0 to 19", path, t.Sigma, t.VR)
			}
			p.R = Encoded(t.Sigma, t.VR)
		}
		r.f.Parameters = append(r.f.Parameters, p)
	}
	return nil
}

func (r *reader) lines() error {
	for i, list := range r.t.Lines {
		var line []Line
		for k, x := range list {
			if len(x) != 2 && len(x) != 3 {
				return fmt.Errorf("lines[%d][%d] has %d numbers: it is [core, axon] or [core, axon, delay]", i, k, len(x))
			}
			l := Line{Core: x[0], Axon: x[1]}
			if len(x) == 3 {
				l.Delay = x[2]
			}
			line = append(line, l)
		}
		r.f.Lines = append(r.f.Lines, line)
	}
	return nil
}

func (r *reader) spikes() error {
	for i, x := range r.t.Spikes {
		if len(x) != 3 {
			return fmt.Errorf("spikes[%d] has %d numbers: it is [tick, core, axon]", i, len(x))
		}
		if x[0] < 0 || int(x[0]) >= r.f.Ticks {
			return fmt.Errorf("spikes[%d] is at tick %d, and there are ticks 0 to %d", i, x[0], r.f.Ticks-1)
		}
		if err := r.f.axon(x[1], x[2]); err != nil {
			return fmt.Errorf("spikes[%d] goes to %w", i, err)
		}
		r.f.Spikes = append(r.f.Spikes, Spike{x[0], x[1], x[2]})
	}
	for i, x := range r.t.Inputs {
		if len(x) != 2 {
			return fmt.Errorf("inputs[%d] has %d numbers: it is [tick, line]", i, len(x))
		}
		if x[0] < 0 || int(x[0]) >= r.f.Ticks {
			return fmt.Errorf("inputs[%d] is at tick %d, and there are ticks 0 to %d", i, x[0], r.f.Ticks-1)
		}
		if x[1] < 0 || int(x[1]) >= len(r.f.Lines) {
			return fmt.Errorf("inputs[%d] is of line %d, and there are %d lines", i, x[1], len(r.f.Lines))
		}
		r.f.Inputs = append(r.f.Inputs, LineSpike{x[0], x[1]})
	}
	return nil
}

func (r *reader) record() error {
	out := &r.f.Record
	*out = Record{To: r.f.Ticks, V: true, Spikes: true, Outputs: true}
	t := r.t.Record
	if t == nil {
		return nil
	}
	out.From, out.Cores, out.Places, out.Totals = t.From, t.Cores, t.Neurons, t.Totals
	if t.To != 0 {
		out.To = t.To
	}
	if out.From < 0 || out.From > out.To || out.To > r.f.Ticks {
		return fmt.Errorf("record: ticks from %d to below %d, and there are %d", out.From, out.To, r.f.Ticks)
	}
	for i, c := range t.Cores {
		if c < 0 || int(c) >= len(r.f.Cores) || i > 0 && c <= t.Cores[i-1] {
			return fmt.Errorf("record.cores[%d] is %d: the numbers of cores rise and are below %d", i, c, len(r.f.Cores))
		}
	}
	for i, p := range t.Neurons {
		if p < 0 || p >= Neurons || i > 0 && p <= t.Neurons[i-1] {
			return fmt.Errorf("record.neurons[%d] is %d: the places of neurons rise and are below %d", i, p, Neurons)
		}
	}
	for _, x := range []struct{ from, to *bool }{{t.V, &out.V}, {t.Spikes, &out.Spikes}, {t.Outputs, &out.Outputs}} {
		if x.from != nil {
			*x.to = *x.from
		}
	}
	return nil
}

// legend reads what a text says of its lines, outputs and neurons.
func (r *reader) legend() error {
	t := r.t.Legend
	if t == nil {
		return nil
	}
	if len(t.Layers) != len(r.f.Layers) {
		return fmt.Errorf("legend.layers has %d, and there are %d layers", len(t.Layers), len(r.f.Layers))
	}
	for i, l := range t.Lines {
		if l.First < 0 || l.Count < 0 || l.First > len(r.f.Lines)-l.Count {
			return fmt.Errorf("legend.lines[%d] is %d lines from %d on, and there are %d", i, l.Count, l.First, len(r.f.Lines))
		}
	}
	neurons := 0
	for i := range r.f.Cores {
		neurons += len(r.f.Cores[i].Neurons)
	}
	b, err := r.tensor(t.Tensor, "I32", neurons)
	if err != nil {
		return fmt.Errorf("legend.elements: %w", err)
	}
	t.Elements = make([]int32, neurons)
	for i := range t.Elements {
		t.Elements[i] = integer(b, i)
	}
	r.f.Legend = t
	return nil
}

func (r *reader) cores() error {
	t := r.t
	if t.Packed != nil {
		if len(t.Cores) > 0 {
			return fmt.Errorf("there are both cores and packed: say either")
		}
		return r.packed(t.Packed)
	}
	if len(t.Cores) == 0 {
		return fmt.Errorf("there are no cores")
	}
	if len(t.Cores) > listed {
		return fmt.Errorf("there are %d cores, and a text lists at most %d: put them into tensors (packed)", len(t.Cores), listed)
	}
	names := map[string]int32{}
	for i, p := range t.Parameters {
		if _, ok := names[p.Name]; ok && p.Name != "" {
			return fmt.Errorf("parameters[%d]: there are others of the name %q", i, p.Name)
		}
		names[p.Name] = int32(i)
	}
	layers := map[string]int32{}
	for i, l := range t.Layers {
		if _, ok := layers[l]; ok {
			return fmt.Errorf("layers[%d]: %q is there twice", i, l)
		}
		layers[l] = int32(i)
	}
	r.f.Cores = make([]Core, len(t.Cores))
	for i := range t.Cores {
		if err := r.core(&t.Cores[i], &r.f.Cores[i], names, layers); err != nil {
			return fmt.Errorf("cores[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *reader) core(t *textCore, c *Core, names, layers map[string]int32) error {
	c.Chip, c.X, c.Y = t.Chip, t.X, t.Y
	if len(t.Types) > Axons {
		return fmt.Errorf("types has %d numbers, and a core has %d axons", len(t.Types), Axons)
	}
	for i, g := range t.Types {
		if g < 0 || g >= Types {
			return fmt.Errorf("types[%d] is %d: a type is 0 to %d", i, g, Types-1)
		}
		c.Types[i] = uint8(g)
	}
	if t.Crossbar != nil {
		if err := r.crossbar(t.Crossbar, c); err != nil {
			return fmt.Errorf("crossbar: %w", err)
		}
	}
	for i := range t.Neurons {
		x := &t.Neurons[i]
		n, err := r.neuron(x, names, layers)
		if err != nil {
			return fmt.Errorf("neurons[%d]: %w", i, err)
		}
		count := max(x.Count, 1)
		if x.Count < 0 || count > Neurons {
			return fmt.Errorf("neurons[%d]: count is %d, and 1 to %d are possible", i, x.Count, Neurons)
		}
		for range count {
			c.Neurons = append(c.Neurons, n)
			n.Place++
			if n.Kind == ToAxon {
				n.Axon++
			} else if n.Kind == ToOutput {
				n.To++
			}
		}
		if len(c.Neurons) > Neurons {
			return fmt.Errorf("there are more than %d neurons", Neurons)
		}
	}
	return nil
}

func (r *reader) crossbar(t *textCrossbar, c *Core) error {
	given := 0
	for _, x := range []bool{t.Pairs != nil, t.Base64 != "", t.Tensor != ""} {
		if x {
			given++
		}
	}
	if given != 1 {
		return fmt.Errorf("it is given by one of pairs, base64 and tensor, and there are %d", given)
	}
	for i, x := range t.Pairs {
		if len(x) != 2 || x[0] < 0 || x[0] >= Axons || x[1] < 0 || x[1] >= Neurons {
			return fmt.Errorf("pairs[%d] is %v: it is [axon, neuron], each 0 to %d", i, x, Axons-1)
		}
		c.Connect(int(x[0]), int(x[1]))
	}
	var b []byte
	var err error
	switch {
	case t.Base64 != "":
		if b, err = base64.StdEncoding.DecodeString(t.Base64); err == nil && len(b) != crossbarBytes {
			err = fmt.Errorf("it has %d bytes, and %d are needed: 32 for each axon", len(b), crossbarBytes)
		}
	case t.Tensor != "":
		b, err = r.tensor(t.Tensor, "U8", Axons, Neurons/8)
	}
	if err != nil || b == nil {
		return err
	}
	c.fill(b)
	return nil
}

// fill sets the crossbar from its bytes.
func (c *Core) fill(b []byte) {
	for i := range c.Rows {
		for w := range c.Rows[i] {
			c.Rows[i][w] = binary.LittleEndian.Uint64(b[(i*Neurons/64+w)*8:])
		}
	}
}

func (r *reader) neuron(t *textNeuron, names, layers map[string]int32) (Neuron, error) {
	n := Neuron{Place: t.At}
	if t.Parameters != "" || len(r.t.Parameters) != 1 {
		p, ok := names[t.Parameters]
		if !ok || t.Parameters == "" {
			return n, fmt.Errorf("there are no parameters of the name %q", t.Parameters)
		}
		n.Parameters = p
	}
	if t.Layer != "" || len(r.t.Layers) > 1 {
		l, ok := layers[t.Layer]
		if !ok {
			return n, fmt.Errorf("there is no layer %q", t.Layer)
		}
		n.Layer = l
	}
	to := t.To
	switch {
	case to == nil:
	case to.Output != nil && to.Core == nil && to.Axon == nil && to.Delay == nil:
		n.Destination = Destination{Kind: ToOutput, To: *to.Output}
	case to.Output == nil && to.Core != nil && to.Axon != nil && to.Delay != nil:
		n.Destination = Destination{Kind: ToAxon, To: *to.Core, Axon: *to.Axon, Delay: *to.Delay}
	default:
		return n, fmt.Errorf("to has core, axon and delay, or output alone")
	}
	return n, nil
}
