package circuit

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/plugins/schema"
)

// The bounds of what is verified: sizes beyond them are taken for mistakes, and keep products of them inside of int.
const (
	maxElements = 1 << 31
	maxSide     = 1 << 20
	maxSteps    = 1 << 20
)

// VerifyAll verifies the circuits of a request: each of them, and that their names differ.
func VerifyAll(circuits []schema.Circuit) error {
	names := map[string]bool{}
	for i := range circuits {
		c := &circuits[i]
		if names[c.Name] {
			return fmt.Errorf("two circuits are called %q", c.Name)
		}
		names[c.Name] = true
		if err := Verify(*c); err != nil {
			return err
		}
	}
	return nil
}

// Verify says what is wrong with a circuit: with its names, dims, numbers, connections, and with the depths and delays that the
// comment at schema.Circuit demands. Where it returns nil the other functions of this package neither fail nor panic on the circuit.
// The offsets of tensors are not looked at, see Within.
func Verify(c schema.Circuit) error {
	fail := func(err error) error { return fmt.Errorf("circuit %q: %w", c.Name, err) }
	switch {
	case c.Name == "":
		return fail(fmt.Errorf("it has no name"))
	case c.Steps < 1 || c.Steps > maxSteps:
		return fail(fmt.Errorf("%d time steps are not 1 to %d", c.Steps, maxSteps))
	case len(c.Populations) == 0:
		return fail(fmt.Errorf("it has no population"))
	}
	for i, in := range c.Inputs {
		if err := verifyDims(in.Dims); err != nil {
			return fail(fmt.Errorf("input %d (%s): %w", i, in.Name, err))
		}
		if in.Once && in.Kind != schema.SpikeInput {
			return fail(fmt.Errorf("input %d (%s): of the kind %q nothing spikes once", i, in.Name, in.Kind))
		}
		if in.Kind != schema.SpikeInput && in.Kind != schema.DriveInput {
			return fail(fmt.Errorf("input %d (%s): kind %q is neither %q nor %q", i, in.Name, in.Kind, schema.SpikeInput, schema.DriveInput))
		}
	}
	names := map[string]bool{}
	for i := range c.Populations {
		p := &c.Populations[i]
		switch {
		case p.Name == "":
			return fail(fmt.Errorf("population %d has no name", i))
		case names[p.Name]:
			return fail(fmt.Errorf("two populations are called %q", p.Name))
		}
		names[p.Name] = true
		if err := verifyPopulation(&c, i); err != nil {
			return fail(fmt.Errorf("population %s: %w", p.Name, err))
		}
	}
	return nil
}

func verifyPopulation(c *schema.Circuit, i int) error {
	p := &c.Populations[i]
	if err := verifyDims(p.Dims); err != nil {
		return err
	}
	if err := verifyDynamics(p.Dynamics); err != nil {
		return err
	}
	if b := p.Bias; b != nil && !slices.Equal(b.Dims, p.Dims) && !slices.Equal(b.Dims, p.Dims[:1]) {
		return fmt.Errorf("a bias of %v is neither one number per channel of %v nor one per neuron", b.Dims, p.Dims)
	}
	for _, d := range p.Drive {
		if d < 0 || d >= len(c.Inputs) || c.Inputs[d].Kind != schema.DriveInput {
			return fmt.Errorf("drive %d is not an input of kind %q", d, schema.DriveInput)
		}
		if Size(c.Inputs[d].Dims) != Size(p.Dims) {
			return fmt.Errorf("drive %d has dims %v and the neurons %v", d, c.Inputs[d].Dims, p.Dims)
		}
	}
	deepest := 0
	for k := range p.Synapses {
		if err := verifySynapses(c, i, &p.Synapses[k]); err != nil {
			return fmt.Errorf("synapses %d: %w", k, err)
		}
		deepest = max(deepest, depth(c, &p.Synapses[k]))
	}
	if !p.Late {
		deepest++
	}
	if p.Depth != deepest {
		return fmt.Errorf("its depth is %d, and by its sources it should be %d", p.Depth, deepest)
	}
	for k := range p.Synapses {
		s := &p.Synapses[k]
		want := p.Depth - depth(c, s)
		if !p.Late {
			want--
		}
		if s.Delay != want {
			return fmt.Errorf("synapses %d: their delay is %d, and from a source of depth %d it should be %d", k, s.Delay, depth(c, s), want)
		}
	}
	if m := p.Measured; m != nil {
		if !finite(m.Rate, m.Active, m.Low, m.High) || m.Examples < 1 || m.Rate < 0 || m.Rate > 1 || m.Active < 0 || m.Active > 1 || m.Low > m.High {
			return fmt.Errorf("what was measured makes no sense: %+v", *m)
		}
		if m.Rates != nil && !slices.Equal(m.Rates.Dims, p.Dims) {
			return fmt.Errorf("the measured rates have dims %v, not %v", m.Rates.Dims, p.Dims)
		}
	}
	return nil
}

// depth returns that of the source of synapses.
func depth(c *schema.Circuit, s *schema.Synapses) int {
	if s.Population < 0 {
		return 0
	}
	return c.Populations[s.Population].Depth
}

func verifyDynamics(d schema.Dynamics) error {
	switch {
	case !finite(d.Decay, d.CurrentDecay, d.Start, d.Threshold, d.Reset.Value, d.Scale):
		return fmt.Errorf("a number of its dynamics is not finite: %+v", d)
	case d.Decay < 0 || d.Decay > 1:
		return fmt.Errorf("a membrane with decay %v is none: it is 0 to 1", d.Decay)
	case d.CurrentDecay < 0 || d.CurrentDecay > 1:
		return fmt.Errorf("a current with decay %v is none: it is 0 to 1", d.CurrentDecay)
	case !d.Current && d.CurrentDecay != 0:
		return fmt.Errorf("it has a decay of a current, and no current")
	case d.Refractory < 0 || d.Refractory > maxSteps:
		return fmt.Errorf("a refractory time of %d steps is not 0 to %d", d.Refractory, maxSteps)
	case d.Reads && (d.Late || d.Once || d.Refractory != 0 || d.Reset != schema.Reset{} && d.Reset.Kind != schema.ResetNone):
		return fmt.Errorf("a read-out has no spikes: it is not late, has no reset and no refractory time, and fires not once")
	case d.Reads && d.Scale == 0:
		return fmt.Errorf("a read-out of scale 0 gives nothing")
	case !d.Reads && !slices.Contains([]schema.ResetKind{schema.ResetTo, schema.ResetBy, schema.ResetNone}, d.Reset.Kind):
		return fmt.Errorf("reset %q is none of %q, %q and %q", d.Reset.Kind, schema.ResetTo, schema.ResetBy, schema.ResetNone)
	}
	return nil
}

func verifySynapses(c *schema.Circuit, i int, s *schema.Synapses) error {
	p := &c.Populations[i]
	var source []int
	switch {
	case s.Population < -1 || s.Population >= i:
		return fmt.Errorf("population %d is not one before %d, nor -1", s.Population, i)
	case s.Population >= 0:
		if c.Populations[s.Population].Reads {
			return fmt.Errorf("population %d is a read-out, which gives no spikes", s.Population)
		}
		source = c.Populations[s.Population].Dims
	case s.Input < 0 || s.Input >= len(c.Inputs) || c.Inputs[s.Input].Kind != schema.SpikeInput:
		return fmt.Errorf("input %d is not one of kind %q", s.Input, schema.SpikeInput)
	default:
		source = c.Inputs[s.Input].Dims
	}
	if err := verifyView(s.View, source); err != nil {
		return err
	}
	in, out := s.View.Dims, p.Dims
	switch s.Kind {
	case schema.Dense, schema.Same:
		if s.Kind == schema.Same && Size(in) != Size(out) {
			return fmt.Errorf("elements of %v are not those at the places of %v", in, out)
		}
		if s.Kernel != 0 || s.Stride != 0 || s.Pad != 0 {
			return fmt.Errorf("synapses of kind %q have no kernel, stride or pad", s.Kind)
		}
	case schema.Conv, schema.Deconv, schema.Pool:
		switch {
		case len(in) != 3 || len(out) != 3:
			return fmt.Errorf("synapses of kind %q lead from maps to maps, not from %v to %v", s.Kind, in, out)
		case s.Kernel < 1 || s.Kernel > maxSide || s.Stride < 1 || s.Stride > maxSide || s.Pad < 0 || s.Pad > maxSide:
			return fmt.Errorf("a kernel of %d, a stride of %d or a pad of %d does not work", s.Kernel, s.Stride, s.Pad)
		case s.Kind == schema.Pool && in[0] != out[0]:
			return fmt.Errorf("a pool keeps channels: %v to %v", in, out)
		}
		if g := GeometryOf(s, out); !g.Rows.Fits() || !g.Cols.Fits() {
			return fmt.Errorf("a %s of kernel %d, stride %d and pad %d does not lead from %v to %v", s.Kind, s.Kernel, s.Stride, s.Pad, in, out)
		}
	default:
		return fmt.Errorf("kind %q is none of synapses", s.Kind)
	}
	want := WeightDims(s, out)
	if !slices.Equal(s.Weights.Dims, want) {
		return fmt.Errorf("weights of %v: a %s from %v has those of %v", s.Weights.Dims, s.Kind, s.View.Dims, want)
	}
	if _, ok := product(want); !ok {
		return fmt.Errorf("weights of %v are too many", want)
	}
	return nil
}

func verifyView(v schema.View, source []int) error {
	if err := verifyDims(v.From); err != nil {
		return fmt.Errorf("view: %w", err)
	}
	if err := verifyDims(v.Dims); err != nil {
		return fmt.Errorf("view: %w", err)
	}
	if n := Size(source); v.Offset < 0 || v.Offset > n || Size(v.From) > n-v.Offset {
		return fmt.Errorf("view: elements %d to %d of a source with %d", v.Offset, v.Offset+Size(v.From), n)
	}
	if v.Tall < 0 || v.Tall > maxSide || v.Wide < 0 || v.Wide > maxSide {
		return fmt.Errorf("view: rows %d times and columns %d times", v.Tall, v.Wide)
	}
	tall, wide := max(v.Tall, 1), max(v.Wide, 1)
	if len(v.From) == 1 && (tall > 1 || wide > 1) {
		return fmt.Errorf("view: %v has no rows and columns to repeat", v.From)
	}
	whole := slices.Clone(v.From)
	if len(whole) == 3 {
		whole[1], whole[2] = whole[1]*tall, whole[2]*wide
	}
	n, ok := product(whole)
	if !ok || !slices.Equal(v.Dims, whole) && !slices.Equal(v.Dims, []int{n}) {
		return fmt.Errorf("view: %v with rows %d times and columns %d times is not %v", v.From, tall, wide, v.Dims)
	}
	return nil
}

func verifyDims(dims []int) error {
	if len(dims) != 1 && len(dims) != 3 {
		return fmt.Errorf("dims %v are neither [channels, height, width] nor [n]", dims)
	}
	if _, ok := product(dims); !ok {
		return fmt.Errorf("dims %v are not all at least 1, or too large", dims)
	}
	return nil
}

// product returns how many elements dims have, and whether these are positive and the elements not too many.
func product(dims []int) (int, bool) {
	n := 1
	for _, d := range dims {
		if d < 1 || d > maxElements/n {
			return 0, false
		}
		n *= d
	}
	return n, true
}

func finite(x ...float64) bool {
	return !slices.ContainsFunc(x, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
}

// Within says which tensor of a verified circuit does not lie in an arena of so many bytes.
func Within(c schema.Circuit, bytes int) error {
	check := func(what string, t *schema.Tensor) error {
		n := Size(t.Dims)
		if t.Offset < 0 || t.Offset%4 != 0 || t.Offset > bytes || n > (bytes-t.Offset)/4 {
			return fmt.Errorf("circuit %q: %s of %v at byte %d are not in an arena of %d bytes", c.Name, what, t.Dims, t.Offset, bytes)
		}
		return nil
	}
	for i := range c.Populations {
		p := &c.Populations[i]
		for k := range p.Synapses {
			if err := check(fmt.Sprintf("weights %d of %s", k, p.Name), &p.Synapses[k].Weights); err != nil {
				return err
			}
		}
		if p.Bias != nil {
			if err := check("the biases of "+p.Name, p.Bias); err != nil {
				return err
			}
		}
		if p.Measured != nil && p.Measured.Rates != nil {
			if err := check("the rates of "+p.Name, p.Measured.Rates); err != nil {
				return err
			}
		}
	}
	return nil
}
