package emulator

import (
	"fmt"
	"math/bits"
)

// Bounds of a network, far beyond what was ever built, so that indices and counts stay small.
const (
	maxChips      = 1 << 12
	maxCores      = 1 << 18
	maxParameters = 1 << 24
	maxOutputs    = 1 << 28
	maxLines      = 1 << 28
)

// Validate returns the first thing that no chip can be loaded with, with where it is and which limit it breaks.
func (n *Network) Validate() error {
	if n.Columns < 0 || n.Columns > maxChips {
		return fmt.Errorf("columns is %d: a board has 1 to %d chips in a row, and 0 stands for %d", n.Columns, maxChips, Board)
	}
	if err := n.Rules.validate(); err != nil {
		return err
	}
	for i := range n.Parameters {
		if err := n.Parameters[i].validate(n.Rules); err != nil {
			return fmt.Errorf("parameters %d: %w", i, err)
		}
	}
	switch {
	case len(n.Parameters) > maxParameters:
		return fmt.Errorf("there are %d sets of parameters, and the limit is %d", len(n.Parameters), maxParameters)
	case len(n.Cores) > maxCores:
		return fmt.Errorf("there are %d cores, and the limit is %d", len(n.Cores), maxCores)
	case n.Outputs < 0 || n.Outputs > maxOutputs:
		return fmt.Errorf("outputs is %d, and 0 to %d are possible", n.Outputs, maxOutputs)
	case len(n.Lines) > maxLines:
		return fmt.Errorf("there are %d lines, and the limit is %d", len(n.Lines), maxLines)
	}
	if err := n.places(); err != nil {
		return err
	}
	for i := range n.Cores {
		if err := n.core(i); err != nil {
			return fmt.Errorf("core %d: %w", i, err)
		}
	}
	for i, list := range n.Lines {
		for k, l := range list {
			if err := n.axon(l.Core, l.Axon); err != nil {
				return fmt.Errorf("line %d, axon %d of its list: %w", i, k, err)
			}
			if l.Delay < 0 || l.Delay > MaxLine {
				return fmt.Errorf("line %d, axon %d of its list: delay is %d, and a host waits 0 to %d ticks", i, k, l.Delay, MaxLine)
			}
		}
	}
	return nil
}

func (r Rules) validate() error {
	low, high := r.ends()
	const most = 1 << 30 // sums of two stay within 32 bits
	if low < -most || high > most || low > 0 || high < 0 {
		return fmt.Errorf("rules: V from %d to %d: the range must have 0 in it and lie within %d to %d", low, high, -most, most)
	}
	return nil
}

func (p *Parameters) validate(r Rules) error {
	for g, s := range p.S {
		if s < MinWeight || s > MaxWeight {
			return fmt.Errorf("s[%d] is %d, and a weight has 9 bits: %d to %d", g, s, MinWeight, MaxWeight)
		}
	}
	low, high := r.ends()
	switch {
	case p.Lambda < MinWeight || p.Lambda > MaxWeight:
		return fmt.Errorf("lambda is %d, and a leak has 9 bits: %d to %d", p.Lambda, MinWeight, MaxWeight)
	case p.Alpha < 0 || p.Alpha > MaxThreshold:
		return fmt.Errorf("alpha is %d, and a threshold has 18 bits without sign: 0 to %d", p.Alpha, MaxThreshold)
	case p.Beta < 0 || p.Beta > MaxThreshold:
		return fmt.Errorf("beta is %d, and a negative threshold has 18 bits without sign: 0 to %d (V is compared with -beta)", p.Beta, MaxThreshold)
	case p.TM < 0 || p.TM > MaxMask:
		return fmt.Errorf("tm is %d, and the mask of the threshold has 0 to %d bits", p.TM, MaxMask)
	case p.Gamma < 0 || p.Gamma > 2:
		return fmt.Errorf("gamma is %d: 0 resets to r, 1 by the threshold, 2 does not reset", p.Gamma)
	case p.R < low || p.R > high || -p.R < low || -p.R > high:
		return fmt.Errorf("r is %d, and both r and -r must lie within V's range, %d to %d", p.R, low, high)
	case p.V < low || p.V > high:
		return fmt.Errorf("v is %d, and V's range is %d to %d", p.V, low, high)
	}
	return nil
}

// places says whether each core is where one can be, and alone there.
func (n *Network) places() error {
	taken := make(map[[3]int32]int, len(n.Cores))
	for i := range n.Cores {
		c := &n.Cores[i]
		if c.Chip < 0 || c.Chip >= maxChips {
			return fmt.Errorf("core %d: chip is %d, and 0 to %d are possible", i, c.Chip, maxChips-1)
		}
		if c.X < 0 || c.X >= Side || c.Y < 0 || c.Y >= Side {
			return fmt.Errorf("core %d is at x %d, y %d, and a chip has cores at 0 to %d in both", i, c.X, c.Y, Side-1)
		}
		place := [3]int32{c.Chip, c.X, c.Y}
		if other, ok := taken[place]; ok {
			return fmt.Errorf("cores %d and %d are both on chip %d at x %d, y %d", other, i, c.Chip, c.X, c.Y)
		}
		taken[place] = i
	}
	return nil
}

// core says whether the memory of a core holds together.
func (n *Network) core(index int) error {
	c := &n.Cores[index]
	for i, g := range c.Types {
		if g >= Types {
			return fmt.Errorf("axon %d has type %d, and there are types 0 to %d", i, g, Types-1)
		}
	}
	var used [Neurons / 64]uint64
	last := int32(-1)
	for _, x := range c.Neurons {
		if x.Place < 0 || x.Place >= Neurons {
			return fmt.Errorf("a neuron is at place %d, and a core has places 0 to %d", x.Place, Neurons-1)
		}
		if x.Place <= last {
			return fmt.Errorf("the neuron at place %d comes behind that at place %d: places must rise, and each is there once", x.Place, last)
		}
		last = x.Place
		used[x.Place/64] |= 1 << (x.Place % 64)
		if err := n.neuron(c, &x); err != nil {
			return fmt.Errorf("neuron %d: %w", x.Place, err)
		}
	}
	for i, row := range c.Rows {
		for w, x := range row {
			if x &^= used[w]; x != 0 {
				return fmt.Errorf("axon %d has a synapse with neuron %d, which is not there", i, w*64+bits.TrailingZeros64(x))
			}
		}
	}
	return nil
}

func (n *Network) neuron(c *Core, x *Neuron) error {
	if x.Parameters < 0 || int(x.Parameters) >= len(n.Parameters) {
		return fmt.Errorf("it has parameters %d, and there are %d sets", x.Parameters, len(n.Parameters))
	}
	if x.Layer < 0 || int(x.Layer) >= max(1, len(n.Layers)) {
		return fmt.Errorf("it is of layer %d, and there are %d layers", x.Layer, len(n.Layers))
	}
	switch x.Kind {
	case Nowhere:
		return nil
	case ToOutput:
		if x.To < 0 || int(x.To) >= n.Outputs {
			return fmt.Errorf("it goes to output %d, and there are %d outputs", x.To, n.Outputs)
		}
		return nil
	case ToAxon:
		if err := n.axon(x.To, x.Axon); err != nil {
			return fmt.Errorf("it goes to %w", err)
		}
		if x.Delay < 1 || x.Delay > MaxDelay {
			return fmt.Errorf("its delay is %d ticks, and 1 to %d are possible", x.Delay, MaxDelay)
		}
		fx, fy := n.at(c)
		tx, ty := n.at(&n.Cores[x.To])
		if dx, dy := tx-fx, ty-fy; max(dx, -dx) > Reach || max(dy, -dy) > Reach {
			return fmt.Errorf("it goes to core %d, which is %d cores away in x and %d in y, and a packet travels at most %d in each", x.To, dx, dy, Reach)
		}
		return nil
	}
	return fmt.Errorf("its destination is of kind %d, and there are 0 to %d", x.Kind, ToOutput)
}

// axon says whether there is such an axon.
func (n *Network) axon(core, axon int32) error {
	if core < 0 || int(core) >= len(n.Cores) {
		return fmt.Errorf("core %d, and there are %d cores", core, len(n.Cores))
	}
	if axon < 0 || axon >= Axons {
		return fmt.Errorf("axon %d of core %d, and a core has axons 0 to %d", axon, core, Axons-1)
	}
	return nil
}
