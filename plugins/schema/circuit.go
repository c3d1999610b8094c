package schema

// Circuit is what a chip can take of a network: populations of spiking neurons and of read-outs, the synapses onto them, and what
// the host sends. The host cuts it out of the network's graph: batch norms, biases and constant factors are folded into weights,
// and what is left over stays on the host. A network may have several circuits, one behind the other with host work between them.
//
// Elements of a wire are counted in row-major order of its dims, channels first, so that a map that is flattened keeps its order.
//
// In the equations below t is the time step of the network. A chip that takes a step from one population to the next computes the
// same later: what a population spikes at time step t, it spikes at the chip's step t + Depth - 1, and who takes it in does so one
// step later. The inputs of time step t are there at the chip's step t, as if they had Depth 0. Depth is one more than the largest
// of the sources; a population that is Late has the largest itself. Synapses from a source that lies less deep say how many steps
// spikes have to wait (Delay), so that all that a neuron takes in at one step is of one time step. A neuron must not take in bias
// and drive before time step 0, which is the chip's step Depth - 1 (Depth where it is Late).
type Circuit struct {
	Name        string       `json:"name"` // unique in a request: the network's name, and ".2" and so on for its later ones
	Network     string       `json:"network"`
	Steps       int          `json:"steps"` // time steps of an example
	Inputs      []Input      `json:"inputs"`
	Populations []Population `json:"populations"` // each behind those that it has synapses from
}

// InputKind is what an input of a circuit brings.
type InputKind string

// The kinds of inputs.
const (
	// SpikeInput is spikes, 0 or 1, at each time step: [T][N][dims].
	SpikeInput InputKind = "spikes"
	// DriveInput is a current for each neuron that is the same at all time steps of an example, a real number: [N][dims].
	DriveInput InputKind = "drive"
)

// Input is what the host sends.
type Input struct {
	Name string    `json:"name"` // for people: the layer that gives it, or the network's input
	Kind InputKind `json:"kind"`
	Dims []int     `json:"dims"` // of one example at one time step: [channels, height, width], or [n]
	// Once is set where each element spikes at one time step of an example at most, as `times` do. The host sees to it.
	Once bool `json:"once,omitempty"`
}

// Population is neurons of one kind, the same for all of them but for bias and drive. With x the sum of what flows in,
//
//	x[t] = bias + drive + sum over synapses of weight * spike[t]
//	u[t] = CurrentDecay u[t-1] + x[t]                    (u[t] = x[t] without a current)
//	v[t] = Decay v'[t-1] + u[t]                          v'[-1] = Start
//	s[t] = 1 where v[t] > Threshold, or >= unless Strict
//	v'[t] = v[t] where s[t] = 0; else Reset.Value, or v[t] - Reset.Value, or v[t]
//
// A neuron that is Late asks for v'[t-1] > Threshold first and resets, and integrates then: it has the membrane of one that is not,
// and each spike one step later. One that fires Once is silent after its first spike. One with a Refractory of r stays at the value
// of its reset, without a spike, for r steps behind its spike (of one that is Late: for the step of its spike and the r - 1 behind
// that); its current goes on.
// A read-out (Reads) has no spikes and no reset; what it gives is v[t] of the last time step times Scale, which is not 0.
type Population struct {
	Name string `json:"name"` // of the layer, such as "2.conv"
	Dims []int  `json:"dims"` // [channels, height, width] or [n]
	Dynamics
	Bias     *Tensor    `json:"bias,omitempty"`  // [channels], or one number per neuron where its dims are Dims; absent: 0
	Drive    []int      `json:"drive,omitempty"` // inputs of kind drive
	Synapses []Synapses `json:"synapses"`
	Depth    int        `json:"depth"`           // see Circuit
	Gives    bool       `json:"gives,omitempty"` // the host reads it: the spikes of every step, or the read-out
	// Measured on examples of the training data, where the host has done so: nil before.
	Measured *Measured `json:"measured,omitempty"`
}

// Dynamics is the behaviour of a population, see Population.
type Dynamics struct {
	Decay        float64 `json:"decay"`                   // of the membrane, per time step, 0 to 1: 0 without memory, 1 without leak
	Current      bool    `json:"current,omitempty"`       // there is a synaptic current u
	CurrentDecay float64 `json:"current_decay,omitempty"` // of u, 0 to 1
	Start        float64 `json:"start,omitempty"`         // v before the first time step
	Threshold    float64 `json:"threshold"`
	Strict       bool    `json:"strict,omitempty"`
	Late         bool    `json:"late,omitempty"`
	Reset        Reset   `json:"reset"`
	Once         bool    `json:"once,omitempty"`
	Refractory   int     `json:"refractory,omitempty"`
	Reads        bool    `json:"reads,omitempty"` // a read-out
	Scale        float64 `json:"scale,omitempty"` // of a read-out
}

// Reset is what a spike does to the membrane.
type Reset struct {
	Kind  ResetKind `json:"kind"`
	Value float64   `json:"value,omitempty"`
}

// ResetKind is a way to reset.
type ResetKind string

// The ways to reset: to a value, by a value, not at all.
const (
	ResetTo   ResetKind = "to"
	ResetBy   ResetKind = "by"
	ResetNone ResetKind = "none"
)

// SynapseKind is how synapses connect.
type SynapseKind string

// The kinds of synapses, with the dims of their weights.
const (
	Dense  SynapseKind = "dense"  // every element with every neuron: [out, in]
	Conv   SynapseKind = "conv"   // cross-correlation: [out channels, in channels, kernel, kernel]
	Deconv SynapseKind = "deconv" // its transpose: [in channels, out channels, kernel, kernel]
	Same   SynapseKind = "same"   // each element with the neuron of its place: one weight, [1]
	Pool   SynapseKind = "pool"   // a window of a channel with a neuron of that channel: one weight, [1]
)

// Synapses connect a source with a population.
type Synapses struct {
	// Population is the source's index, or -1: then Input is that of the input.
	Population int         `json:"population"`
	Input      int         `json:"input,omitempty"`
	Kind       SynapseKind `json:"kind"`
	View       View        `json:"view"` // how the source's elements are seen
	Kernel     int         `json:"kernel,omitempty"`
	Stride     int         `json:"stride,omitempty"`
	Pad        int         `json:"pad,omitempty"` // rows and columns of zeros around what comes in; of a deconv: rows and columns cut off
	Weights    Tensor      `json:"weights"`
	Delay      int         `json:"delay,omitempty"` // steps that spikes wait on a chip, see Circuit: 0 where the source is the deepest
}

// View is a source as synapses see it: its elements from Offset on in the shape of From, each row repeated Tall times and each
// column Wide times. Dims is the outcome, [channels, height, width], or flat, [n].
type View struct {
	Offset int   `json:"offset,omitempty"`
	From   []int `json:"from"`
	Tall   int   `json:"tall,omitempty"` // 0 as 1
	Wide   int   `json:"wide,omitempty"`
	Dims   []int `json:"dims"`
}

// Tensor is where numbers lie: float32, finite, little-endian, row-major, from Offset bytes of the request's arena on. In a request
// without arena only the dims hold.
type Tensor struct {
	Dims   []int `json:"dims"`
	Offset int   `json:"offset,omitempty"`
}

// Measured is what the network did on examples in software.
type Measured struct {
	Examples int     `json:"examples"`
	Rate     float64 `json:"rate"`   // spikes per neuron and time step
	Active   float64 `json:"active"` // share of neurons that spiked at all
	Low      float64 `json:"low"`    // the 0.1 % quantile of v before reset
	High     float64 `json:"high"`   // the 99.9 % quantile
	// Rates has the spikes per time step of each neuron, of dims Dims, in the arena.
	Rates *Tensor `json:"rates,omitempty"`
}

// CompileRequest asks a target to put circuits on the chip, all of them at once, and to keep them under a handle.
type CompileRequest struct {
	// Handle is the name by which the calls that follow mean the compiled circuits; the host chooses it.
	Handle    string    `json:"handle"`
	Component string    `json:"component"`
	Arguments Arguments `json:"arguments"`
	Circuits  []Circuit `json:"circuits"`
	Arena     string    `json:"arena"` // path of the file with the tensors
	Bytes     int       `json:"bytes"` // its size
	Seed      uint64    `json:"seed"`  // of what the chip itself draws once, such as mismatch
}

// CompileReply says how the circuits lie on the chip and what was lost on the way.
type CompileReply struct {
	TargetReply
	// Programs is what the emulation of each circuit takes.
	Programs []Compiled `json:"programs,omitempty"`
	// Losses say of each layer how its numbers were changed.
	Losses []Loss `json:"losses,omitempty"`
	Cores  []Core `json:"cores,omitempty"`
	Chips  int    `json:"chips"`
	// Constants are all figures that times and energies are computed from.
	Constants []Constant `json:"constants,omitempty"`
	// Tensors are those of the export, see ExportRequest.
	Tensors []NamedTensor `json:"tensors,omitempty"`
}

// Compiled is what the emulation of a circuit takes.
type Compiled struct {
	Circuit string `json:"circuit"`
	Ticks   int    `json:"ticks"` // steps of the chip for one example: those of the network and what waits in layers
}

// Loss says how the numbers of a layer were changed.
type Loss struct {
	Circuit string `json:"circuit"`
	Layer   string `json:"layer"`
	// Weights is the root of the mean squared difference of the weights, as a share of their root mean square.
	Weights   float64 `json:"weights"`
	Bias      float64 `json:"bias"`      // the same of the biases
	Threshold float64 `json:"threshold"` // the relative difference of the threshold, in the scale of the weights
	Decay     float64 `json:"decay"`     // the difference of the membrane's decay per step
	Bits      float64 `json:"bits"`      // of a weight
	Scale     float64 `json:"scale"`     // the chip's units for 1 of the network's
	Clipped   int     `json:"clipped"`   // weights and biases beyond what the chip holds
	Zeroed    float64 `json:"zeroed"`    // share of the weights that were not 0 and are now
	Note      string  `json:"note,omitempty"`
}

// Core is one core of a chip, for the picture of its use.
type Core struct {
	Chip   int      `json:"chip"`
	X      int      `json:"x"`
	Y      int      `json:"y"`
	Layers []string `json:"layers"` // CIRCUIT: LAYER
	Used   []Amount `json:"used"`
}

// Constant is a figure about a chip, from a publication.
type Constant struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Voltage string  `json:"voltage,omitempty"`
	Kind    string  `json:"kind"` // silicon, spice, fit or derived
	Source  string  `json:"source"`
	// Unverified is set where no primary text confirms it.
	Unverified bool `json:"unverified,omitempty"`
}

// EmulateRequest runs examples of a circuit on the emulated chip, each from its beginning, for as many time steps as it was compiled for;
// a target may take others. A block is float32, little-endian,
// row-major without gaps, from a multiple of 4 bytes of the arena on: [Steps][Batch][dims], and [Batch][dims] for drives and
// read-outs, which have no time steps. The call is about the examples First to First + Count - 1 of each block. Its outcome for
// an example depends on that example and its seed alone.
type EmulateRequest struct {
	Handle  string   `json:"handle"`
	Circuit string   `json:"circuit"`
	Arena   string   `json:"arena"`
	Bytes   int      `json:"bytes"`
	Steps   int      `json:"steps"`
	Batch   int      `json:"batch"`
	First   int      `json:"first"`
	Count   int      `json:"count"`
	Inputs  []int    `json:"inputs"`          // offsets, one for each input
	Outputs []int    `json:"outputs"`         // offsets, one for each population that Gives, in their order
	Taps    []int    `json:"taps,omitempty"`  // offsets of the spikes of each population that is no read-out, in their order; none: nobody wants them
	Seeds   []uint64 `json:"seeds,omitempty"` // one for each of Count examples, below 2^48: whatever is drawn for an example follows from it
}

// EmulateReply counts what the chip did for the Count examples together.
type EmulateReply struct {
	Layers []Activity `json:"layers"`
	Ticks  float64    `json:"ticks"`  // steps of the chip
	Energy []Energy   `json:"energy"` // of all examples
	Time   []Amount   `json:"time"`   // seconds of all examples one after another, Used the least and Limit the most
}

// Activity counts what a layer of the chip did.
type Activity struct {
	Layer    string    `json:"layer"`
	Spikes   []float64 `json:"spikes"` // at each time step of the network
	Synops   float64   `json:"synops"` // synaptic events: one synapse that a spike reaches
	Active   float64   `json:"active"` // updates of neurons that took something in or fired
	Inactive float64   `json:"inactive"`
	Messages float64   `json:"messages"` // between cores
	Hops     float64   `json:"hops"`
	Clipped  float64   `json:"clipped,omitempty"` // updates in which a state left its range
}

// EnergyPart is what a share of energy is spent on.
type EnergyPart string

// The parts of energy.
const (
	Dynamic EnergyPart = "dynamic" // events: synapses, neurons, messages
	PerStep EnergyPart = "step"    // what each step of the chip costs whatever happens
	Static  EnergyPart = "static"  // leakage and idling over the time
	HostIO  EnergyPart = "host"    // processors beside the cores, and what goes in and out
)

// Energy is one part of the energy in joules, as an interval.
type Energy struct {
	Profile string     `json:"profile"` // which set of constants
	Part    EnergyPart `json:"part"`
	Low     float64    `json:"low"`
	High    float64    `json:"high"`
	// From names the constants that it was computed from.
	From []string `json:"from"`
	Note string   `json:"note,omitempty"`
}

// NamedTensor is a tensor of an exported network.
type NamedTensor struct {
	Name  string `json:"name"`
	DType string `json:"dtype"` // as safetensors has it: I8, I16, I32, U8, F32
	Dims  []int  `json:"dims"`
}

// ExportRequest asks for the compiled circuits in the target's own terms: a JSON text, and tensors that it names, which are written
// at the offsets given in the order of CompileReply.Tensors. Where there are examples the text and the tensors hold what goes in for
// them, so that Trace does with the circuits what Emulate does with these examples. Without them nothing goes in.
type ExportRequest struct {
	Handle   string    `json:"handle"`
	Arena    string    `json:"arena"`
	Bytes    int       `json:"bytes"`
	Offsets  []int     `json:"offsets"`
	Examples []Example `json:"examples,omitempty"` // at most one for each circuit
}

// Example is what goes into a circuit for one example: blocks of a batch of 1, as in EmulateRequest.
type Example struct {
	Circuit string `json:"circuit"`
	Steps   int    `json:"steps"`
	Inputs  []int  `json:"inputs"` // offsets, one for each input
	Seed    uint64 `json:"seed,omitempty"`
}

// ExportReply has the JSON text, which `snnc emulate` reads.
type ExportReply struct {
	Text string `json:"text"`
}

// TraceRequest runs a network given in the target's own terms: the JSON text of an export or one that a person has written, with
// the spikes that go in.
type TraceRequest struct {
	Component string    `json:"component"`
	Arguments Arguments `json:"arguments"`
	Text      string    `json:"text"`
	// Arena holds the tensors that the text names, at Offsets; "" where there are none.
	Arena   string        `json:"arena,omitempty"`
	Bytes   int           `json:"bytes,omitempty"`
	Tensors []NamedTensor `json:"tensors,omitempty"`
	Offsets []int         `json:"offsets,omitempty"`
}

// TraceReply has what the chip did, as JSON lines, or says what is wrong with the text.
type TraceReply struct {
	Lines string `json:"lines"`
	Error string `json:"error,omitempty"`
}

// Grid is how a target rounds the weights of a layer, so that a training can do the same: a weight is a whole number from Low to
// High times a scale, which is the largest magnitude of the layer's weights, or of those of one output channel, divided by the
// larger of -Low and High. What is rounded are the weights as a circuit has them, with all that is folded in.
type Grid struct {
	Low     int  `json:"low"`
	High    int  `json:"high"`
	Channel bool `json:"channel,omitempty"`
	// Mirrored is set where each scale may be negative: it is, where that puts the weight of the largest magnitude on the longer side
	// of the grid.
	Mirrored bool `json:"mirrored,omitempty"`
	// Shared is set where all Synapses onto a population have the scale in common: the magnitude is the largest of all of them.
	Shared bool   `json:"shared,omitempty"`
	Layer  string `json:"layer,omitempty"` // "": all layers of the chip
}

// dtypes are the bytes of a number of each type that a NamedTensor can have.
var dtypes = map[string]int{"I8": 1, "U8": 1, "I16": 2, "I32": 4, "F32": 4}

// Size returns how many bytes the tensor has; -1 where there is no such type, or where it has no such dims.
func (t NamedTensor) Size() int {
	n, ok := dtypes[t.DType]
	if !ok {
		return -1
	}
	for _, d := range t.Dims {
		if d < 0 || d > 0 && n > (1<<40)/d {
			return -1
		}
		n *= d
	}
	return n
}
