package emulator

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Network is compartments with their registers, and the synapses between them. Its JSON is what `snnc emulate` reads; members that
// are not there have the value 0 but where something else is said.
type Network struct {
	Format  string  `json:"format"`            // Format
	Dialect Dialect `json:"dialect,omitempty"` // "": Chip
	// Generation is 2 of Loihi 2, whose neurons are programs: reset_by is for it. 0 as 1.
	Generation int        `json:"generation,omitempty"`
	OffsetU    *int       `json:"offset_u,omitempty"` // what is added to decay_u: 1 where absent
	OffsetV    *int       `json:"offset_v,omitempty"` // and to decay_v: 0
	Tensors    string     `json:"tensors,omitempty"`  // the safetensors file beside this one that Numbers may name
	Inputs     []Input    `json:"inputs,omitempty"`
	Groups     []Group    `json:"groups"`
	Synapses   []Synapses `json:"synapses,omitempty"`
	Run
}

// Format is the format of a network's JSON.
const Format = "snnc loihi network 1"

// Run is what Trace does with a network.
type Run struct {
	Steps  int      `json:"steps,omitempty"`
	Seed   uint64   `json:"seed,omitempty"`
	Spikes []Event  `json:"spikes,omitempty"` // of inputs
	Record []string `json:"record,omitempty"` // the groups that are printed; none: all
	From   int      `json:"from,omitempty"`   // the first step that is printed
	Totals bool     `json:"totals,omitempty"` // whether Totals are printed behind the lines
}

// Event is a spike of an input.
type Event struct {
	Step  int    `json:"step"`
	Input string `json:"input"`
	Index int    `json:"index"`
}

// Input is axons that the host writes spikes to.
type Input struct {
	Name string `json:"name"`
	Dims []int  `json:"dims"` // [n], or [channels, height, width]
}

// Group is compartments with the same registers. With k_u = decay_u + offset_u, k_v = decay_v + offset_v and D(x, k) = x (4096 - k) /
// 4096 rounded toward zero, a step is
//
//	q = the sum of the effective weights of all spikes that arrive, in 21 bits and sign
//	u = D(u, k_u) + q                in 23 bits and sign
//	v = D(v, k_v) + u + bias         clipped to vmin..vmax; 0 in a refractory period
//	a spike where v > 64 threshold; then v = 0, or ResetBy less, and the refractory counter is Refractory
//	the counter goes down by 1 to 0
type Group struct {
	Name      string   `json:"name"`
	Dims      []int    `json:"dims"`
	DecayU    int      `json:"decay_u"`              // 0..4095
	DecayV    int      `json:"decay_v"`              // 0..4095
	Threshold int      `json:"threshold"`            // mantissa, 0..131071
	Bias      *Numbers `json:"bias,omitempty"`       // mantissas -4095..4095: one, or one for each compartment
	BiasExp   int      `json:"bias_exp,omitempty"`   // 0..7
	Refract   int      `json:"refractory,omitempty"` // 1..63; 0 as 1, which is none
	Hold      int      `json:"hold,omitempty"`       // the refractory counter before the first step, 0..63
	Start     *Numbers `json:"start,omitempty"`      // v before the first step: one, or one for each
	ResetBy   int      `json:"reset_by,omitempty"`   // what a spike takes off v, up to 2^23 - 1; 0: v becomes 0
	VMin      *int     `json:"vmin_exp,omitempty"`   // vmin = 1 - 2^vmin_exp, 0..31; absent: 23
	VMax      *int     `json:"vmax_exp,omitempty"`   // vmax = 2^(9 + 2 vmax_exp) - 1, 0..7; absent: 7
	Noise     *Noise   `json:"noise,omitempty"`
}

// Noise adds (n + 64 offset) 2^(exponent - 7) in each step, n uniform from -127 to 127.
type Noise struct {
	To       string `json:"to"`       // "u": to q; "v": to the membrane, beside the bias
	Offset   int    `json:"offset"`   // -128..127
	Exponent int    `json:"exponent"` // 0..31
}

// Synapses connect an input or a group with a group. A spike of step t arrives at step t + 1 + Delay, that of an input at t + Delay.
type Synapses struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Kind is "list" (Sources and Targets name the ends of each weight), or one of schema.SynapseKind with the geometry and the order of
	// weights of schema.Synapses.
	Kind     string       `json:"kind"`
	Sources  []int        `json:"sources,omitempty"`
	Targets  []int        `json:"targets,omitempty"`
	View     *schema.View `json:"view,omitempty"` // absent: the source as it is
	Kernel   int          `json:"kernel,omitempty"`
	Stride   int          `json:"stride,omitempty"`
	Pad      int          `json:"pad,omitempty"`
	Weights  Numbers      `json:"weights"` // mantissas
	Exponent int          `json:"exponent"`
	Bits     int          `json:"bits"`           // of a weight: 1 to 6, or 8
	Sign     Sign         `json:"sign,omitempty"` // "": mixed
	Delay    int          `json:"delay,omitempty"`
	Delays   []int        `json:"delays,omitempty"` // of a list: one for each weight, in place of Delay
}

const (
	list     = "list"
	maxSize  = 1 << 26 // compartments of a network, and elements of an input
	maxDelay = 62
	maxSteps = 1 << 20
)

// Validate says what is wrong with a network: the first register out of its range, and where.
func (n *Network) Validate() error {
	if n.Format != Format {
		return fmt.Errorf("format is %q, and this reads %q", n.Format, Format)
	}
	switch n.Dialect {
	case "", Chip, Lava, Nengo, Brian2:
	default:
		return fmt.Errorf("dialect is %q; write chip, lava, nengo-loihi or brian2_loihi", n.Dialect)
	}
	if n.Generation < 0 || n.Generation > 2 {
		return fmt.Errorf("generation is %d; it is 1 or 2", n.Generation)
	}
	for _, o := range []struct {
		name string
		at   *int
	}{{"offset_u", n.OffsetU}, {"offset_v", n.OffsetV}} {
		if o.at != nil && *o.at != 0 && *o.at != 1 {
			return fmt.Errorf("%s is %d; it is 0 or 1", o.name, *o.at)
		}
	}
	names := map[string][]int{}
	total := 0
	named := func(what, name string, dims []int) error {
		if name == "" {
			return fmt.Errorf("%s has no name", what)
		}
		if _, taken := names[name]; taken {
			return fmt.Errorf("%s: %q names another one already", what, name)
		}
		if len(dims) != 1 && len(dims) != 3 {
			return fmt.Errorf("%s %q has dims %v; write [n] or [channels, height, width]", what, name, dims)
		}
		size := 1
		for _, d := range dims {
			if d < 1 || d > maxSize || size > maxSize/d {
				return fmt.Errorf("%s %q has dims %v, and at most %d elements are possible", what, name, dims, maxSize)
			}
			size *= d
		}
		if total += size; total > maxSize {
			return fmt.Errorf("%s %q: the network has more than %d elements", what, name, maxSize)
		}
		names[name] = dims
		return nil
	}
	for i, in := range n.Inputs {
		if err := named(fmt.Sprintf("inputs[%d]", i), in.Name, in.Dims); err != nil {
			return err
		}
	}
	if len(n.Groups) == 0 {
		return fmt.Errorf("groups is empty: there is nothing to compute")
	}
	for i := range n.Groups {
		g := &n.Groups[i]
		if err := named(fmt.Sprintf("groups[%d]", i), g.Name, g.Dims); err != nil {
			return err
		}
		if err := g.validate(); err != nil {
			return fmt.Errorf("group %q: %w", g.Name, err)
		}
		if g.ResetBy != 0 && n.Generation != 2 {
			return fmt.Errorf("group %q: reset_by is %d, and a spike resets to 0 but on a chip of generation 2", g.Name, g.ResetBy)
		}
	}
	isInput := map[string]bool{}
	for _, in := range n.Inputs {
		isInput[in.Name] = true
	}
	for i := range n.Synapses {
		s := &n.Synapses[i]
		from, ok := names[s.From]
		if !ok {
			return fmt.Errorf("synapses[%d] come from %q, and there is no such input or group", i, s.From)
		}
		to, ok := names[s.To]
		if !ok || isInput[s.To] {
			return fmt.Errorf("synapses[%d] lead to %q, and there is no such group", i, s.To)
		}
		if err := s.validate(from, to, n.Dialect); err != nil {
			return fmt.Errorf("synapses[%d], from %q to %q: %w", i, s.From, s.To, err)
		}
	}
	if n.Steps < 0 || n.Steps > maxSteps {
		return fmt.Errorf("steps is %d, outside 0..%d", n.Steps, maxSteps)
	}
	if n.From < 0 {
		return fmt.Errorf("from is %d", n.From)
	}
	if n.Steps == 0 && len(n.Spikes) > 0 {
		return fmt.Errorf("steps is missing or 0, and there are spikes: write how many steps are computed")
	}
	for i, e := range n.Spikes {
		switch dims, ok := names[e.Input]; {
		case !ok || !isInput[e.Input]:
			return fmt.Errorf("spikes[%d] is of %q, and there is no such input", i, e.Input)
		case e.Step < 0 || e.Step >= n.Steps:
			return fmt.Errorf("spikes[%d] is in step %d, outside 0..%d", i, e.Step, n.Steps-1)
		case e.Index < 0 || e.Index >= circuit.Size(dims):
			return fmt.Errorf("spikes[%d] is of element %d, and input %q has %d", i, e.Index, e.Input, circuit.Size(dims))
		}
	}
	for i, name := range n.Record {
		if _, ok := names[name]; !ok || isInput[name] {
			return fmt.Errorf("record[%d] is %q, and there is no such group", i, name)
		}
	}
	return nil
}

func within(name string, v, low, high int) error {
	if v < low || v > high {
		return fmt.Errorf("%s is %d, outside %d..%d", name, v, low, high)
	}
	return nil
}

func (g *Group) validate() error {
	size := circuit.Size(g.Dims)
	for _, exp := range []struct {
		name string
		at   *int
		high int
	}{{"vmin_exp", g.VMin, 31}, {"vmax_exp", g.VMax, 7}} {
		if exp.at == nil {
			continue
		}
		if err := within(exp.name, *exp.at, 0, exp.high); err != nil {
			return err
		}
	}
	vmin, vmax := g.clips()
	for _, err := range []error{
		within("decay_u", g.DecayU, 0, full-1), within("decay_v", g.DecayV, 0, full-1), within("threshold", g.Threshold, 0, 1<<17-1),
		within("bias_exp", g.BiasExp, 0, 7), within("refractory", g.Refract, 0, 63), within("hold", g.Hold, 0, 63),
		within("reset_by", g.ResetBy, 0, 1<<stateBits-1),
		g.Bias.each("bias", size, -4095, 4095), g.Start.each("start", size, int(vmin), int(vmax)),
	} {
		if err != nil {
			return err
		}
	}
	if o := g.Noise; o != nil {
		if o.To != "u" && o.To != "v" {
			return fmt.Errorf("noise goes to %q; write u or v", o.To)
		}
		if err := within("noise offset", o.Offset, -128, 127); err != nil {
			return err
		}
		if err := within("noise exponent", o.Exponent, 0, 31); err != nil {
			return err
		}
	}
	return nil
}

// clips returns vmin and vmax.
func (g *Group) clips() (vmin, vmax int64) {
	low, high := stateBits, 7
	if g.VMin != nil {
		low = *g.VMin
	}
	if g.VMax != nil {
		high = *g.VMax
	}
	return 1 - int64(1)<<low, int64(1)<<(9+2*high) - 1
}

func (s *Synapses) validate(from, to []int, d Dialect) error {
	if s.Sign == "" {
		s.Sign = Mixed
	}
	switch s.Sign {
	case Mixed, Excitatory, Inhibitory:
	default:
		return fmt.Errorf("sign is %q; write mixed, excitatory or inhibitory", s.Sign)
	}
	if err := within("exponent", s.Exponent, -8, 7); err != nil {
		return err
	}
	if s.Bits != 8 {
		if err := within("bits", s.Bits, 1, 6); err != nil {
			return fmt.Errorf("%w: synapse memory has weights of 1 to 6 bits, or of 8", err)
		}
	}
	if err := within("delay", s.Delay, 0, maxDelay); err != nil {
		return err
	}
	low, high := -256, 255
	switch {
	case s.Sign == Excitatory:
		low = 0
	case s.Sign == Inhibitory:
		high = 0
	case d == "" || d == Chip:
		high = 254
	}
	var kept [512]bool // weights that all dialects were asked for
	for i, w32 := range s.Weights.List {
		w := int(w32)
		if w < low || w > high {
			return fmt.Errorf("weights[%d] is %d, outside %d..%d", i, w, low, high)
		}
		if (d == "" || d == Chip) && !kept[w+256] {
			kept[w+256] = true
			for _, other := range []Dialect{Lava, Nengo, Brian2} {
				if m := Mantissa(w, s.Bits, s.Sign, other); m != w {
					return fmt.Errorf("weights[%d] is %d, which %s keeps as %d in %d bits: the chip's rounding is not published, so write a multiple of %d, or choose a dialect", i, w, other, m, s.Bits, 1<<(8-s.Bits+b2i(s.Sign == Mixed)))
				}
			}
		}
	}
	if s.Kind == list {
		return s.validateList(circuit.Size(from), circuit.Size(to))
	}
	if len(s.Sources)+len(s.Targets)+len(s.Delays) > 0 {
		return fmt.Errorf("sources, targets and delays are for the kind list")
	}
	c := s.circuit(from, to)
	if err := circuit.Verify(c); err != nil {
		text := err.Error()
		if _, rest, ok := strings.Cut(text, "synapses 0: "); ok { // the circuit is made here, and its names say nothing
			text = rest
		}
		return fmt.Errorf("kind %s: %s", s.Kind, text)
	}
	dims := c.Populations[0].Synapses[0].Weights.Dims
	if want := circuit.Size(dims); len(s.Weights.List) != want {
		return fmt.Errorf("there are %d weights, and the kind %s has %d of dims %v", len(s.Weights.List), s.Kind, want, dims)
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (s *Synapses) validateList(sources, targets int) error {
	n := len(s.Weights.List)
	if len(s.Sources) != n || len(s.Targets) != n || len(s.Delays) != 0 && len(s.Delays) != n {
		return fmt.Errorf("there are %d weights, %d sources, %d targets and %d delays; a list has as many of each (or no delays)", n, len(s.Sources), len(s.Targets), len(s.Delays))
	}
	for i := range n {
		if k := s.Sources[i]; k < 0 || k >= sources {
			return within(fmt.Sprintf("sources[%d]", i), k, 0, sources-1)
		}
		if k := s.Targets[i]; k < 0 || k >= targets {
			return within(fmt.Sprintf("targets[%d]", i), k, 0, targets-1)
		}
		if len(s.Delays) > 0 && (s.Delays[i] < 0 || s.Delays[i] > maxDelay) {
			return within(fmt.Sprintf("delays[%d]", i), s.Delays[i], 0, maxDelay)
		}
	}
	return nil
}

// view returns how the source is seen.
func (s *Synapses) view(from []int) schema.View {
	if s.View != nil {
		return *s.View
	}
	return schema.View{From: from, Dims: from}
}

// geometry is what package circuit knows such synapses by.
func (s *Synapses) geometry(from, to []int) schema.Synapses {
	x := schema.Synapses{Population: -1, Kind: schema.SynapseKind(s.Kind), View: s.view(from), Kernel: s.Kernel, Stride: s.Stride, Pad: s.Pad}
	if len(x.View.Dims) > 0 { // else Verify refuses it
		x.Weights.Dims = circuit.WeightDims(&x, to)
	}
	return x
}

// circuit is one of these synapses alone, to be verified.
func (s *Synapses) circuit(from, to []int) schema.Circuit {
	return schema.Circuit{Name: "n", Network: "n", Steps: 1, Inputs: []schema.Input{{Name: "x", Kind: schema.SpikeInput, Dims: from}},
		Populations: []schema.Population{{Name: "y", Dims: to, Depth: 1, Dynamics: schema.Dynamics{Threshold: 1, Reset: schema.Reset{Kind: schema.ResetTo}},
			Synapses: []schema.Synapses{s.geometry(from, to)}}}}
}
