package kernel

// What runs in assembly cannot be interrupted: the collector and the scheduler wait. So one call takes at most callCycles,
// by the costs below, which are those of the slowest processors with operands that come from memory; usual calls take a
// tenth. A call that would take more is cut, at places where sums that are not complete lie in memory anyway; so no bit of a
// result tells.
const (
	callCycles  = 200_000 // 70 us at 3 GHz
	lineCycles  = 20      // a line of the cache that is read from memory or written to it, 64 bytes at about 10 GB/s
	nearCycles  = 6       // one from a second cache
	eventCycles = 8       // an event beside what it adds
	breakCycles = 40      // where a loop ends that cannot be foreseen, with what is done there
)

// atMost returns how many elements of so many cycles each one call takes, at least one.
func atMost(cycles int) int { return max(1, callCycles/cycles) }

// ofOneCall returns how many of n elements one call takes: mostly all, and without a division.
func ofOneCall(n, cycles int) int {
	if n*cycles <= callCycles {
		return n
	}
	return atMost(cycles)
}

// cycles is what an operation takes at most for 16 elements that lie in a near cache.
func (c Code) cycles() int {
	const operand = 5
	n := operand * (1 + c.Operands())
	switch c {
	case Div, Sqrt:
		return n + 40
	case Exp, Log, Tanh, Sigmoid:
		return n + 120
	case Pow:
		return n + 300
	}
	return n
}
