package opaquetest

import (
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/opaque"
)

// Any is a server that computes something for every declaration, whatever plugin and component it names: at each time step the sum of
// inputs and states, of which half is the next value of each state; where it spikes whether that is at least 1. It saves that sum, and
// passes on the gradient times one more than what it has saved. It is an opaque.Server.
type Any struct{ Server }

// Prepare implements opaque.Server.
func (*Any) Prepare(o *graph.Opaque, dims []int) (opaque.Operator, error) {
	size := 1
	for _, d := range dims {
		size *= d
	}
	return &anything{o, size}, nil
}

type anything struct {
	*graph.Opaque
	size int
}

// each calls f for each time step, and each number of the block's examples at it: at is its place in a block with time steps, still that
// in one without.
func (a *anything) each(b opaque.Block, f func(t, at, still int)) {
	for t := range b.Steps {
		for i := b.First * a.size; i < (b.First+b.Count)*a.size; i++ {
			f(t, t*b.Batch*a.size+i, i)
		}
	}
}

// Forward implements opaque.Operator.
func (a *anything) Forward(m opaque.Memory, f opaque.Forward) error {
	x := m.Floats()
	states := make(map[int][]float32, f.Count*a.size)
	a.each(f.Block, func(t, at, still int) {
		s := states[still]
		for k, state := range a.States {
			if len(s) == k {
				if s = append(s, float32(state.Start)); len(f.State) > 0 {
					s[k] = x[f.State[k]+still]
				}
			}
		}
		var sum float32
		for _, from := range f.Inputs {
			if a.Direction == graph.Encode {
				sum += x[from+still]
			} else {
				sum += x[from+at]
			}
		}
		for _, v := range s {
			sum += v
		}
		for k := range s {
			if s[k] = sum / 2; len(f.Next) > 0 {
				x[f.Next[k]+still] = s[k]
			}
		}
		states[still] = s
		for _, to := range f.Saved {
			x[to+at] = sum
		}
		if a.Spikes {
			if sum >= 1 {
				sum = 1
			} else {
				sum = 0
			}
		}
		if a.Direction == graph.Decode {
			at = still
		}
		x[f.Output+at] = sum
	})
	return nil
}

// Backward implements opaque.Operator.
func (a *anything) Backward(m opaque.Memory, b opaque.Backward) error {
	x := m.Floats()
	a.each(b.Block, func(t, at, still int) {
		factor, from := float32(1), at
		for _, k := range b.Saved {
			factor += x[k+at]
		}
		if a.Direction == graph.Decode {
			from = still
		}
		d := x[b.Gradient+from] * factor
		for _, to := range b.Inputs {
			switch {
			case a.Direction != graph.Encode:
				x[to+at] = d
			case t == 0:
				x[to+still] = d
			default:
				x[to+still] += d
			}
		}
	})
	return nil
}

// Close implements opaque.Operator.
func (a *anything) Close() error { return nil }
