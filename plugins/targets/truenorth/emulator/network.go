package emulator

// What a chip has (Merolla et al., Science 345, 2014; Akopyan et al., IEEE TCAD 34, 2015).
const (
	Side     = 64 // cores of a chip in a row, and rows
	Cores    = Side * Side
	Axons    = 256 // of a core
	Neurons  = 256 // of a core
	Types    = 4   // of axons
	MaxDelay = 15  // ticks
	Reach    = 255 // cores that a packet travels at most in x, and in y
	Board    = 4   // chips on a side of the largest board on which each core reaches each other
)

// The ranges of a neuron's registers. Those of S and V are published; of the others the widths are widely repeated and not confirmed.
const (
	MinWeight, MaxWeight       = -256, 255 // S and Lambda: 9 bits, signed
	MaxThreshold               = 1<<18 - 1 // Alpha and Beta: 18 bits
	MaxMask                    = 18        // TM: a threshold and the largest draw are within 20 bits
	MinPotential, MaxPotential = -1 << 19, 1<<19 - 1
)

// Network is neurons on cores, in the chip's terms. What is not used is left out. Nothing in it is changed by this package; a Machine
// keeps no part of it.
type Network struct {
	Columns    int      // chips in a row of the board: chip c is in column c % Columns and row c / Columns; 0 as Board
	Rules      Rules    // how what publications disagree on is computed
	Layers     []string // what activity is counted by; none: one layer without a name
	Parameters []Parameters
	Lines      [][]Line // numbered inputs: a spike of input i comes in at each of Lines[i]
	Outputs    int      // numbered outputs: 0 to Outputs - 1
	Cores      []Core
}

// Rules switches between readings of the chip's arithmetic that implementations disagree on. The zero value is the one that most have,
// and that follows Cassidy et al., "Cognitive Computing Building Block" (IJCNN 2013).
type Rules struct {
	// Above: V > α + η spikes; else V >= α + η.
	Above bool
	// Reached: V <= -(β + η) is reset; else V < -(β + η).
	Reached bool
	// LeakFirst: the leak is added before synapses are integrated. It makes a difference where ε is 1, and at the ends of the range.
	LeakFirst bool
	// OnPotential: the draw η is added to V for the tests, and takes no part in resets; else to the thresholds (SANA-FE, models.cpp).
	OnPotential bool
	// Away: a linear negative reset takes β away from V; else it adds β (+ η) to V (SANA-FE, models.cpp).
	Away bool
	// Low and High are the ends of V's range, where it saturates; both 0: 20 bits signed. NeMo (tn_neuron.c) has -393216 and 393216.
	Low, High int32
}

// ends returns the ends of V's range.
func (r Rules) ends() (low, high int32) {
	if r.Low == 0 && r.High == 0 {
		return MinPotential, MaxPotential
	}
	return r.Low, r.High
}

// Parameters is how neurons compute, shared by all that have them. With ρ uniform over 0 to 255, drawn anew at each use, and η uniform
// over 0 to 2^TM - 1, drawn once a tick, a neuron does at each tick
//
//	for each active axon that the crossbar connects, of type g, with s = S[g]:
//	    V += s                                         where B[g] is not set
//	    V += sign(s) if |s| >= ρ                        where it is
//	V += Ω Lambda, or Ω sign(Lambda) if |Lambda| >= ρ   where C is set; Ω = sign(V) where Epsilon is set, else 1
//	                                                    where Epsilon is set and that changes the sign of V: V = 0
//	V >= Alpha + η: a spike, and V = R, V - (Alpha + η) or V for Gamma 0, 1, 2
//	V < -Beta and Kappa:        V = -Beta
//	V < -(Beta + η), not Kappa: V = -R, V + Beta + η or V for Gamma 0, 1, 2
//
// V stays within its range after each addition. Axons are taken in their order.
type Parameters struct {
	S       [Types]int32 // weight for each type of axon: MinWeight to MaxWeight
	B       [Types]bool  // the type's synapses are stochastic
	Lambda  int32        // leak: MinWeight to MaxWeight
	Epsilon bool         // the leak follows the sign of V: away from 0, or for a negative Lambda towards it
	C       bool         // the leak is stochastic
	Alpha   int32        // threshold: 0 to MaxThreshold
	TM      int32        // bits of the random part of the threshold: 0 to MaxMask, 0: none
	Beta    int32        // negative threshold: V is held or reset below -Beta; 0 to MaxThreshold
	Kappa   bool         // V saturates at -Beta, else it is reset
	Gamma   int32        // what a reset does: 0 to R, 1 by the threshold, 2 nothing
	R       int32        // what V is reset to: -MaxPotential to MaxPotential; the chip has those of Encoded
	V       int32        // before the first tick
}

// Encoded returns the reset value of a sign, -1 or 1, and an exponent, as the chip encodes it: sigma (2^vr - 1), for vr from 0 to 19.
func Encoded(sigma, vr int32) int32 { return sigma * (1<<vr - 1) }

// Core is a core in use.
type Core struct {
	// Rows is the crossbar: bit j%64 of Rows[i][j/64] is whether axon i reaches the neuron at place j. It comes first, and a core is whole
	// lines of a cache, so that each row of many cores lies within one.
	Rows    [Axons][Neurons / 64]uint64
	Types   [Axons]uint8 // of each axon: 0 to Types - 1
	Neurons []Neuron     // in the order of their places
	Chip    int32
	X, Y    int32 // on its chip, 0 to Side - 1
	_       [28]byte
}

// Connect sets the synapse of an axon with the neuron at a place.
func (c *Core) Connect(axon, place int) { c.Rows[axon][place/64] |= 1 << (place % 64) }

// Connected says whether an axon has a synapse with the neuron at a place.
func (c *Core) Connected(axon, place int) bool { return c.Rows[axon][place/64]>>(place%64)&1 != 0 }

// Neuron is a neuron in use.
type Neuron struct {
	Place      int32 // in its core: 0 to Neurons - 1
	Parameters int32 // index in Network.Parameters
	Layer      int32 // index in Network.Layers
	Destination
}

// DestinationKind is where spikes go.
type DestinationKind int32

// The kinds of destinations.
const (
	Nowhere  DestinationKind = iota
	ToAxon                   // an axon of a core
	ToOutput                 // a numbered output, that the host reads at the same tick
)

// Destination is where the spikes of a neuron go: one place.
type Destination struct {
	Kind  DestinationKind
	To    int32 // index in Network.Cores, or number of the output
	Axon  int32
	Delay int32 // to an axon: a spike of tick t is integrated at tick t + Delay, 1 to MaxDelay
}

// Line is an axon that an input reaches.
type Line struct {
	Core  int32 // index in Network.Cores
	Axon  int32
	Delay int32 // ticks that the host waits, 0 to MaxLine
}

// MaxLine bounds the ticks that a host waits with an input.
const MaxLine = 1 << 16

// columns is how many chips are in a row of the board.
func (n *Network) columns() int32 {
	if n.Columns == 0 {
		return Board
	}
	return int32(n.Columns)
}

// at returns where a core lies on the board.
func (n *Network) at(c *Core) (x, y int32) {
	return c.Chip%n.columns()*Side + c.X, c.Chip/n.columns()*Side + c.Y
}

// Chips returns how many chips the network takes.
func (n *Network) Chips() int {
	chips := map[int32]bool{}
	for i := range n.Cores {
		chips[n.Cores[i].Chip] = true
	}
	return len(chips)
}
