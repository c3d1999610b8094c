package emulator

// cell is a neuron in the midst of a tick.
type cell struct {
	v         int32
	low, high int32
	clipped   bool
}

func (c *cell) add(x int32) { c.set(c.v + x) }

func (c *cell) set(v int32) {
	c.v = min(max(v, c.low), c.high)
	c.clipped = c.clipped || c.v != v
}

func sign(x int32) int32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// synapse integrates a spike that came over an axon of type g.
func (c *cell) synapse(p *Parameters, g uint8, axon uint32, d *draws) {
	s := p.S[g&3]
	if p.B[g&3] {
		if max(s, -s) < d.byte(axon) {
			return
		}
		s = sign(s)
	}
	c.add(s)
}

// leak adds the leak.
func (c *cell) leak(p *Parameters, d *draws) {
	x := p.Lambda
	if x == 0 {
		return
	}
	if p.C {
		if max(x, -x) < d.byte(leakDraw) {
			return
		}
		x = sign(x)
	}
	if !p.Epsilon {
		c.add(x)
		return
	}
	before := sign(c.v)
	c.add(before * x)
	if sign(c.v) == -before { // no ringing about 0
		c.v = 0
	}
}

// threshold compares V with the thresholds, resets, and says whether the neuron spikes.
func (c *cell) threshold(p *Parameters, r *Rules, d *draws) bool {
	most := c.v // what a draw can make of V for the first test
	if r.OnPotential {
		most += 1<<p.TM - 1
	}
	if most < p.Alpha && c.v > -p.Beta { // between the thresholds, whatever is drawn
		return false
	}
	var eta int32
	if p.TM > 0 {
		eta = int32(d.word(thresholdDraw) & (1<<p.TM - 1))
	}
	up, down := p.Alpha+eta, p.Beta
	if !p.Kappa {
		down += eta
	}
	v := c.v
	if r.OnPotential {
		v += eta
		up, down = p.Alpha, p.Beta
	}
	if v > up || v == up && !r.Above {
		switch p.Gamma {
		case 0:
			c.v = p.R
		case 1:
			c.set(c.v - up)
		}
		return true
	}
	if v > -down || v == -down && !r.Reached {
		return false
	}
	switch {
	case p.Kappa:
		c.set(-p.Beta)
	case p.Gamma == 0:
		c.v = -p.R
	case p.Gamma == 1 && r.Away:
		c.set(c.v - p.Beta)
	case p.Gamma == 1:
		c.set(c.v + down)
	}
	return false
}
