package deploy

import "slices"

// How many membranes of a layer are looked at in an example, on average, and how many are kept of all examples at most.
const (
	picks    = 1 << 10
	mostSeen = 1 << 20
)

// looks are some of the membranes of a layer: those whose keys are below a bound, which halves where they get too many (adaptive sampling,
// Flajolet 1990). A key is a hash of the example, the time step and the neuron: every membrane is as likely to be there as any other, and
// which ones are hangs neither on the order of examples nor on the blocks that they come in.
type looks struct {
	bound uint64 // of 32 bits
	all   []look
}

type look struct {
	key uint32
	v   float32
}

// newLooks returns room for the membranes of a layer of n neurons at so many time steps.
func newLooks(n, steps int) looks {
	return looks{bound: min(1<<32, picks<<32/uint64(n*steps))}
}

// see adds a membrane, the i-th of all neurons and time steps of an example of this number, where its key is below the bound. Keys of an
// example are those of SplitMix64 (Steele et al. 2014).
func (l *looks) see(example uint64, i int, v float64) {
	if key := uint32(mixed(example+uint64(i+1)*0x9e3779b97f4a7c15) >> 32); uint64(key) < l.bound {
		l.all = append(l.all, look{key, float32(v)})
	}
}

// add adds the looks at other examples.
func (l *looks) add(more looks) {
	l.all = append(l.all, more.all...)
	if l.bound != more.bound {
		l.below(min(l.bound, more.bound))
	}
	for len(l.all) > mostSeen {
		l.below(l.bound / 2)
	}
}

// below drops what is not below a bound.
func (l *looks) below(bound uint64) {
	l.bound = bound
	l.all = slices.DeleteFunc(l.all, func(x look) bool { return uint64(x.key) >= bound })
}

// sorted returns the membranes, smallest first.
func (l *looks) sorted() []float32 {
	var out []float32
	for _, x := range l.all {
		out = append(out, x.v)
	}
	slices.Sort(out)
	return out
}

// mixed is the function of SplitMix64 that mixes the bits of a number.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
