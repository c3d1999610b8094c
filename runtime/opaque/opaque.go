// Package opaque is what runs a graph's opaque operators asks whoever computes them: for memory that both sides see, and for calls
// on blocks that lie in it. Chips is the same of the circuits of a graph that lie on emulated chips.
//
// The main type is Server. The plugin host is one; tests have one that computes in their own process. The operators and circuits
// themselves are declared in package graph.
//
// It imports runtime/graph. runtime/interp and runtime/exec, which ask, runtime/host and plugins/sdk/opaquetest, which serve, and
// plugins/plugintest import it.
package opaque

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unsafe"

	"snnc.dev/snnc/runtime/graph"
)

// Server computes opaque operators. Its methods, and those of its operators, may be called concurrently.
type Server interface {
	// Memory returns memory for so many numbers, at least one, which are 0. Close it after use.
	Memory(floats int) (Memory, error)
	// Prepare makes an operator ready for examples of the given dims, in the order of memory: of three or more the channels are the
	// last. It fails where the component's answer is another one than the declaration. Close the operator after use.
	Prepare(o *graph.Opaque, dims []int) (Operator, error)
}

// Memory is what operands lie in.
type Memory interface {
	// Floats returns all of it; it begins at a multiple of 64 bytes.
	Floats() []float32
	// Close gives it back. Nothing may use it any more.
	Close() error
}

// Operator computes what is declared for examples of some dims.
type Operator interface {
	// Forward computes outputs. It returns when they are in the memory, which is the server's; after an error what it writes is undefined,
	// and what it reads is as it was.
	Forward(m Memory, f Forward) error
	// Backward computes gradients by the inputs, of an operator that has a derivative. It returns as Forward does.
	Backward(m Memory, b Backward) error
	// Close forgets the operator. Nothing may use it any more.
	Close() error
}

// Block says which examples of which blocks a call is about: First to First + Count - 1 of the Batch, at all time steps.
type Block struct {
	Steps, Batch, First, Count int
}

// Forward has the places of operands, as indices into Memory.Floats. A block is [Steps][Batch][dims]; the input of a coder that
// encodes, the output of one that decodes and the states are [Batch][dims]. What is written overlaps nothing that is read.
type Forward struct {
	Block
	Inputs []int
	State  []int // at the beginning; none: the starts
	Output int
	Saved  []int    // none: there will be no Backward
	Next   []int    // the states behind the last step; none: nobody wants them
	Seeds  []uint64 // one for each of Count examples, below 2^48, of an operator that is Random
}

// Backward has the places of operands, as indices into Memory.Floats.
type Backward struct {
	Block
	Saved    []int
	Gradient int   // by the output
	Inputs   []int // where the gradient by each input goes
}

// Seed returns the seed of an example, a whole number below 2^48, from the first two uniform numbers of its label, which are
// multiples of 2^-24.
func Seed(first, second float64) uint64 { return uint64(first*(1<<48)) + uint64(second*(1<<24)) }

// The limits of cutting a block into calls, see Ranges.
const (
	slots = 8         // of a batch, as package plan has them: a call is about whole ones
	piece = 512 << 10 // numbers of a call's block from which on another call is worth its while
)

// Ranges cuts a block of so many numbers for each of batch examples into calls, which run at the same time: first and count of
// each. It depends on the sizes alone, and so does what a plugin is asked.
func Ranges(batch, floats int) []Block {
	parts := 1
	for parts < slots && batch*floats > parts*piece {
		parts *= 2
	}
	var out []Block
	for k := range parts {
		from, to := k*slots/parts*batch/slots, (k+1)*slots/parts*batch/slots
		if from < to {
			out = append(out, Block{Batch: batch, First: from, Count: to - from})
		}
	}
	return out
}

// Each calls f for each of the blocks at the same time, waits for all, and returns the errors in their order.
func Each(blocks []Block, f func(i int, b Block) error) error {
	if len(blocks) == 1 {
		return f(0, blocks[0])
	}
	bad := make([]error, len(blocks))
	var all sync.WaitGroup
	for i, b := range blocks {
		all.Go(func() { bad[i] = f(i, b) })
	}
	all.Wait()
	for _, err := range bad {
		if err != nil {
			return err // the others have most likely the same cause
		}
	}
	return nil
}

// ErrNone is the error where there is nobody who computes opaque operators.
var ErrNone = errors.New("no plugins are at hand that compute opaque operators")

// Spikes returns an error where numbers that an operator gives as spikes are neither 0 nor 1.
func Spikes(o *graph.Opaque, x []float32) error {
	if v, bad := odd(x); bad {
		return fmt.Errorf("component %s of plugin %q gives %v where it should spike, with 0 or 1", o.Component, o.Plugin, v)
	}
	return nil
}

// odd returns the first number that is neither 0 nor 1, and whether there is one.
func odd(x []float32) (float32, bool) {
	if !plain(x) {
		for _, v := range x {
			if v != 0 && v != 1 { // so that -0 is welcome
				return v, true
			}
		}
	}
	return 0, false
}

// plain reports whether all numbers have the bits of 0 or of 1, without a branch for each: spikes are what no processor foresees. Of 1 all
// bits are 0 but for seven neighbours of the exponent, which are 1; two numbers are looked at together.
func plain(x []float32) bool {
	const (
		others     = 0xc07fffff_c07fffff // not among the seven
		neighbours = 0x1f800000_1f800000 // those of the seven that have another one of them above
	)
	var any, turns uint64 // bits that some number has, and those that differ from the one above
	for len(x) > 0 && uintptr(unsafe.Pointer(unsafe.SliceData(x)))%8 != 0 || len(x) == 1 {
		b := uint64(math.Float32bits(x[0]))
		any, turns = any|b, turns|(b^b>>1)
		x = x[1:]
	}
	last := x[len(x)/2*2:]
	words := unsafe.Slice((*uint64)(unsafe.Pointer(unsafe.SliceData(x))), len(x)/2)
	for ; len(words) >= 4; words = words[4:] { // a third faster than one by one
		a, b, c, d := words[0], words[1], words[2], words[3]
		any |= a | b | c | d
		turns |= (a ^ a>>1) | (b ^ b>>1) | (c ^ c>>1) | (d ^ d>>1)
	}
	for _, b := range words {
		any, turns = any|b, turns|(b^b>>1)
	}
	return any&others|turns&neighbours == 0 && (len(last) == 0 || plain(last))
}

// Agree returns an error where what a component says that it keeps is not what the operator is declared with: it has changed since
// the graph was made.
func Agree(o *graph.Opaque, states []graph.EquationState, saved []string) error {
	if !slices.Equal(o.States, states) || !slices.Equal(o.Saved, saved) {
		return fmt.Errorf("component %s of plugin %q keeps the states %v and saves %q, and did keep %v and save %q when the graph was made", o.Component, o.Plugin,
			states, saved, o.States, o.Saved)
	}
	return nil
}
