package schema

// PrepareRequest asks an opaque component what it keeps at given arguments for examples of given dims, and makes it ready to
// compute them. The answer depends on nothing else.
type PrepareRequest struct {
	// Handle is the name by which the calls that follow mean what is made ready; the host chooses it. What had it before is
	// replaced. "": the host only asks, and nothing is to be kept.
	Handle    string    `json:"handle,omitempty"`
	Component string    `json:"component"`
	Arguments Arguments `json:"arguments"`           // complete with defaults, times in steps
	Direction Direction `json:"direction,omitempty"` // of a coder
	// Dims are those of one example at one time step in the order of memory: of three or more the channels are the last.
	Dims []int `json:"dims"`
}

// PrepareReply says what an opaque component keeps, or what is wrong with its arguments.
type PrepareReply struct {
	// States are what it carries from one time step to the next: for each one number per neuron of an example.
	States []State `json:"states,omitempty"`
	// Saved are what Forward keeps for Backward: for each one number per neuron, example and time step. Backward sees nothing else
	// of Forward.
	Saved      []string    `json:"saved,omitempty"`
	Complaints []Complaint `json:"complaints,omitempty"`
}

// State is a state of an opaque component and its value before the first time step.
type State struct {
	Name  string  `json:"name"`
	Start float64 `json:"start"`
}

// Operands says where the operands of a call lie, and which examples it is about.
//
// A file, the arena, is mapped by both sides. An operand is a block of float32, little-endian, [Steps][Batch][dims of Prepare] in
// row-major order without gaps, and begins at a multiple of 4 bytes (64 in the host's arenas). The input of a coder that encodes
// and the output of one that decodes have no time steps: [Batch][dims]. The call is about the examples First to First + Count - 1
// of each block, at all time steps; other calls are at work on the others at the same time. What a call writes overlaps nothing
// that it reads, so that a call that fails in its middle can be made again.
type Operands struct {
	Handle string `json:"handle"` // of Prepare
	Arena  string `json:"arena"`  // path of the file, whose size never changes
	Bytes  int    `json:"bytes"`  // that size
	Steps  int    `json:"steps"`
	Batch  int    `json:"batch"`
	First  int    `json:"first"`
	Count  int    `json:"count"`
}

// ForwardRequest asks for the outputs of some examples. Offsets are in bytes from the beginning of the arena.
type ForwardRequest struct {
	Operands
	Inputs []int `json:"inputs"`
	// State has a block [Batch][dims] for each state at the beginning; none: the states are at their starts.
	State  []int `json:"state,omitempty"`
	Output int   `json:"output"`
	Saved  []int `json:"saved,omitempty"` // none: there will be no Backward
	// Next has a block [Batch][dims] for each state behind the last time step; none: nobody wants them.
	Next []int `json:"next,omitempty"`
	// Seeds has, for a component that is Random, a number below 2^48 for each of the Count examples: what is drawn for an example
	// is a function of it.
	Seeds []uint64 `json:"seeds,omitempty"`
}

// BackwardRequest asks for the gradients of some examples by the inputs.
type BackwardRequest struct {
	Operands
	Saved    []int `json:"saved"`    // as Forward has written them
	Gradient int   `json:"gradient"` // by the output, a block like that
	Inputs   []int `json:"inputs"`   // where the gradient by each input goes, a block like that
}

// ReleaseRequest says that a handle is not used any more. Handles that are not known are no error.
type ReleaseRequest struct {
	Handle string `json:"handle"`
}

// Done is the answer to calls that answer in the arena, or not at all.
type Done struct{}
