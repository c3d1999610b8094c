package emulator

// Neurons without draws whose leak does not follow the sign of V are computed 256 at a time, as long as no V can leave its range: sums
// then do not depend on their order, and each kind of reset is V & keep + add.

// plain is the parameters of a core's neurons by place, as the vectors read them; a place without neuron never spikes and stays.
// plain_amd64.s knows where each field is.
type plain struct {
	up                [Neurons]int32 // V of a spike: above this
	down              [Neurons]int32 // V of a negative reset: not above this
	keepUp, addUp     [Neurons]int32
	keepDown, addDown [Neurons]int32
	lambda            [Neurons]int16
	s                 [Types][Neurons]int16
}

// narrow is the thresholds and resets of a plain for V of 16 bits, as most networks keep to: half the memory, twice the neurons of a
// vector. plain_amd64.s knows where each field is.
type narrow struct {
	up, down          [Neurons]int16
	keepUp, addUp     [Neurons]int16
	keepDown, addDown [Neurons]int16
}

// mostPlain is how many axons fit into sums of 16 bits beside the leak.
const mostPlain = 126

// row is an active axon: who it reaches, and with which weights.
type row struct {
	reaches *[Neurons / 64]uint64
	s       *[Neurons]int16
}

// outcome says what a tick did with the neurons of a core.
type outcome struct {
	fired   [Neurons / 64]uint64
	reset   [Neurons / 64]uint64 // V was below the negative threshold
	bits    uint32               // of V, or of -V - 1, of all neurons: none is above this, and none below -bits - 1
	changed uint32               // 0 where each V is as before
}

// newPlain returns the parameters by place; nil where a neuron does not compute so.
func newPlain(list *[Neurons]*Parameters, r Rules) *plain {
	out := &plain{}
	for j, p := range list {
		out.up[j], out.down[j] = 1<<31-1, -1<<31
		if p == nil {
			continue
		}
		stochastic := p.TM > 0 || p.Lambda != 0 && p.C
		for g, s := range p.S {
			out.s[g][j] = int16(s)
			stochastic = stochastic || p.B[g]
		}
		if stochastic || p.Lambda != 0 && p.Epsilon || r.Away && p.Gamma == 1 && !p.Kappa {
			return nil
		}
		out.lambda[j] = int16(p.Lambda)
		out.up[j], out.down[j] = p.Alpha-1, -p.Beta-1
		if r.Above {
			out.up[j]++
		}
		if r.Reached {
			out.down[j]++
		}
		switch p.Gamma {
		case 0:
			out.addUp[j], out.addDown[j] = p.R, -p.R
		case 1:
			out.keepUp[j], out.addUp[j] = -1, -p.Alpha
			out.keepDown[j], out.addDown[j] = -1, p.Beta
		case 2:
			out.keepUp[j], out.keepDown[j] = -1, -1
		}
		if p.Kappa {
			out.keepDown[j], out.addDown[j] = 0, -p.Beta
		}
	}
	return out
}

// newNarrow returns the parameters for V of at most 16 bits; nil where a reset leads elsewhere. A threshold beyond is one that no V
// reaches.
func newNarrow(p *plain) *narrow {
	const most = 1<<15 - 1
	out := &narrow{}
	for j := range p.up {
		out.up[j], out.down[j] = most, -most-1
		if p.up[j] < most {
			if x := p.addUp[j]; x < -most || x > most {
				return nil
			}
			out.up[j], out.keepUp[j], out.addUp[j] = int16(p.up[j]), int16(p.keepUp[j]), int16(p.addUp[j])
		}
		if p.down[j] >= -most {
			if x := p.addDown[j]; x < -most || x > most {
				return nil
			}
			out.down[j], out.keepDown[j], out.addDown[j] = int16(p.down[j]), int16(p.keepDown[j]), int16(p.addDown[j])
		}
	}
	return out
}

// integrateGo adds to each sum, which begins with that of from, the weights of the rows that reach it.
func integrateGo(sums, from *[Neurons]int16, rows []row) {
	*sums = *from
	for _, r := range rows {
		for w, x := range r.reaches {
			to, s := (*[64]int16)(sums[w*64:]), (*[64]int16)(r.s[w*64:])
			for j := range to {
				to[j] += s[j] & -int16(x>>j&1)
			}
		}
	}
}

// updateGo adds the sums to V and compares with the thresholds.
func updateGo(v *[Neurons]int32, sums *[Neurons]int16, p *plain, o *outcome) {
	*o = outcome{}
	for j := range v {
		old := v[j]
		x := old + int32(sums[j])
		if x > p.up[j] {
			x = x&p.keepUp[j] + p.addUp[j]
			o.fired[j/64] |= 1 << (j % 64)
		} else if x <= p.down[j] {
			x = x&p.keepDown[j] + p.addDown[j]
			o.reset[j/64] |= 1 << (j % 64)
		}
		o.changed |= uint32(x ^ old)
		o.bits |= uint32(x ^ x>>31)
		v[j] = x
	}
}

// updateNarrowGo is updateGo for V of 16 bits. No sum leaves -32767 to 32767.
func updateNarrowGo(v, sums *[Neurons]int16, p *narrow, o *outcome) {
	*o = outcome{}
	for j := range v {
		old := v[j]
		x := old + sums[j]
		if x > p.up[j] {
			x = x&p.keepUp[j] + p.addUp[j]
			o.fired[j/64] |= 1 << (j % 64)
		} else if x <= p.down[j] {
			x = x&p.keepDown[j] + p.addDown[j]
			o.reset[j/64] |= 1 << (j % 64)
		}
		o.changed |= uint32(uint16(x ^ old))
		o.bits |= uint32(uint16(x ^ x>>15))
		v[j] = x
	}
}
