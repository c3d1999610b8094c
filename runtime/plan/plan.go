package plan

import (
	"fmt"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan/pass"
	"snnc.dev/snnc/runtime/tensor"
)

// Slots is how many slots a batch is cut into: slot s holds the examples [s*N/8, (s+1)*N/8). Whatever is summed over
// examples is summed slot by slot, then over the slots as a balanced binary tree.
const Slots = 8

// Chunk is how many elements a register of a loop holds.
const Chunk = kernel.Chunk

// Options say what a plan is made for.
type Options struct {
	Batch int // examples in a batch
	// Memory is how many bytes the plan may take; 0 is no bound. What is kept for the way back is then computed once more there, as
	// far as the bound asks for it. Where that does not do, the plan takes more: as little as was found.
	Memory int
	// Repeated says that the plan will run several times with the same variables: what depends on these alone stays in memory, and the
	// steps that compute it are Fixed.
	Repeated bool
	// Without are names of passes that are left out, such as Passes lists: for tests of the others, and to see what one is worth.
	Without []string
}

// The passes that are no rewriting of the graph.
const (
	moments = "channel moments"
	inPlace = "results in place"
)

// Passes returns the names of the passes that Options.Without can leave out, in order.
func Passes() []string { return append(pass.Names(), moments, inPlace) }

// Place says where the memory of a value comes from.
type Place uint8

// The places of values.
const (
	Buffer   Place = iota // planned memory
	Input                 // handed in at each run
	Variable              // a variable, read where it lies
	Constant              // known when planning
	Alias                 // part of another value's memory
)

// Value is a value of a plan with its memory.
type Value struct {
	ID      int
	Type    graph.Type
	Place   Place
	Name    string         // of an input or variable
	Average bool           // of a variable: its average is read where there is one
	Data    *tensor.Tensor // of a constant
	Of      *Value         // of an alias: whose memory it is
	From    int            // of an alias: the first time step of Of
	Over    *Value         // of a buffer: the operand of the step that computes it whose memory it takes, element for element
	Shared  bool           // of a buffer: an operand of an opaque operator, which lies in memory that a plugin sees
	Offset  int            // of a buffer: where it begins in the memory of its element type, or in the shared one, in elements
	Source  graph.Op       // the operator that gives it

	first, last int // steps between which it holds, see place
}

// Root returns the value whose memory v is.
func (v *Value) Root() *Value {
	for v.Place == Alias {
		v = v.Of
	}
	return v
}

// Step is one thing to run. Exactly one of Loop, Equation, Move and Node says what.
type Step struct {
	Loop     *Loop
	Equation *Equation
	Move     *Move
	Node     *graph.Node // a kernel of its own for this operator

	Moments *ChannelMoments // of what a product gives, taken along with it
	Opaque  *Opaque         // where Node is opaque: its results
	Layer   string          // structural place of what it computes
	Fixed   bool            // need not run again until a variable changes, see Options.Repeated
	In, Out []*Value
}

// Load is a register that is filled from a value before a chunk is computed.
type Load struct {
	Reg            int
	Value          *Value
	Timed, Batched bool // which axes of the loop the value has
	Map            Map
}

// Store is a register that becomes a value, of the type of the loop.
type Store struct {
	Reg    int
	Value  *Value
	Direct bool // the register may be the memory of the value
}

// SumKind says what becomes of the sums.
type SumKind uint8

// The kinds of sums.
const (
	Total   SumKind = iota // the sum
	Mean                   // divided by how many
	Moments                // mean and biased variance
)

// Sum adds the elements of a register up into the rows of a smaller value, in double precision.
type Sum struct {
	Reg            int
	Kind           SumKind
	Count          float64 // how many elements go into each result
	Out            []*Value
	Timed, Batched bool // which axes of the loop are left in the result
	Map            Map
}

// ChannelMoments are the mean and the biased variance of each channel of a convolution's result, over its steps, examples and pixels:
// they are summed image by image while an image is at hand, and not by a loop that has to fetch it anew.
type ChannelMoments struct {
	Mean, Variance *Value
	Count          float64 // numbers of a channel
}

// Loop computes a register program for every element of a shape, chunk by chunk.
type Loop struct {
	Steps, N, Size int // rows are Steps * N, each of Size elements
	Batched        bool
	Loads          []Load
	Consts         []Const
	Code           []Instr
	Stores         []Store
	Sums           []Sum
	Regs           int
	Rows           bool // chunks end where rows do, or at multiples of 64 elements in a row: bits are written
}

// Part is what a move copies from one value.
type Part struct {
	From           int // index into the step's inputs
	Steps          int // how many time steps
	TimeIn, TimeTo int // the first of them in the source and in the result
	Timed, Batched bool
	Runs           []Run   // of neighbours, or else
	Elements       []int32 // the source of each element of the result's row, or of each that To names
	To             []int32
}

// Move copies rows and permutes their elements.
type Move struct {
	Zero  bool // the result starts as zeros
	Parts []Part
}

// Opaque has the results of an opaque operator or of its derivative, which a plugin computes. Its operands are the step's inputs, in
// the order of the node's; all are buffers of real numbers in shared memory.
type Opaque struct {
	Output      *Value   // nil of a derivative
	Saved, Next []*Value // none where nobody reads any of them
	Inputs      []*Value // of a derivative: by each input
}

// Output is a named result.
type Output struct {
	Name  string
	Value *Value
}

// Plan is a graph made ready to run with one batch size.
type Plan struct {
	Name           string
	Batch          int
	Passes         []pass.Pass // that the graph has gone through, in order
	Values         []*Value
	Steps          []*Step
	Outputs        []Output
	Assigns        []Output // the next values of variables
	F32, I32, Bits int      // elements of planned memory by element type
	Shared         int      // real numbers of planned memory that plugins see

	repeated  bool
	without   []string
	rewritten []pass.Pass // of Passes, those before fusing
}

// New plans the linked graph g, which must be verified.
func New(g *graph.Graph, o Options) (*Plan, error) {
	if o.Batch < 1 {
		return nil, fmt.Errorf("plan %s: a batch of %d examples", g.Name, o.Batch)
	}
	for _, name := range o.Without {
		if !slices.Contains(Passes(), name) {
			return nil, fmt.Errorf("plan %s: leave out %q: no such pass, those are %s", g.Name, name, strings.Join(Passes(), ", "))
		}
	}
	for _, n := range g.Nodes {
		if !linked(n.Op) {
			return nil, fmt.Errorf("plan %s: %s is not linked, or has its place in the step of an equation alone", g.Name, n.Op)
		}
		for _, t := range n.Out {
			if t.DType == graph.State {
				return nil, fmt.Errorf("plan %s: %s gives a state", g.Name, n.Op)
			}
		}
	}
	p := &Plan{Name: g.Name, Batch: o.Batch, repeated: o.Repeated, without: o.Without}
	// The passes rewrite the graph. Fusing then decides which values exist at all, and only after that is it known when each
	// value is used last, from which its place follows.
	s, rewritten, err := pass.Rewrite(g, o.Batch, o.Without)
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", g.Name, err)
	}
	p.rewritten = rewritten
	f, err := p.build(s)
	if err == nil && o.Memory > 0 && p.Bytes() > o.Memory {
		p, err = within(p, f, o.Memory)
	}
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", g.Name, err)
	}
	return p, nil
}

// build makes the steps of s and places their values.
func (p *Plan) build(s *pass.Graph) (*fuser, error) {
	f, err := fuse(p, s)
	if err != nil {
		return nil, err
	}
	place(p)
	p.Passes = append(slices.Clone(p.rewritten), p.after()...)
	if err := p.verify(); err != nil {
		return nil, fmt.Errorf("the plan is wrong: %w", err)
	}
	return f, nil
}

// after returns the passes after rewriting, as the steps show what they did.
func (p *Plan) after() []pass.Pass {
	summed := pass.Pass{Name: moments, Does: "the mean and variance of a convolution's channels are summed while each image is at hand"}
	over := pass.Pass{Name: inPlace, Does: "a result takes the memory of an operand that nobody reads any more"}
	for _, s := range p.Steps {
		if s.Moments != nil {
			summed.Places = append(summed.Places, s.Layer)
		}
		for _, v := range s.Out {
			if v.Over != nil {
				over.Places = append(over.Places, s.Layer)
			}
		}
	}
	var done []pass.Pass
	for _, x := range []pass.Pass{summed, over} {
		if !slices.Contains(p.without, x.Name) {
			done = append(done, x)
		}
	}
	return done
}

// linked reports whether a linked graph may have the operator.
func linked(op graph.Op) bool {
	switch op {
	case graph.OpSpike, graph.OpTime, graph.OpSteps, graph.OpApply, graph.OpZero, graph.OpCall, graph.OpCustom, graph.OpGrad:
		return false
	}
	return true
}

// Bytes returns how much planned memory a run needs, without inputs, variables and the workers' scratch.
func (p *Plan) Bytes() int { return 4*p.F32 + 4*p.Shared + 4*p.I32 + 8*p.Bits }

// Target returns where element i of Elements goes.
func (p *Part) Target(i int) int {
	if p.To != nil {
		return int(p.To[i])
	}
	return i
}
