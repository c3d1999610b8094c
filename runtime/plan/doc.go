// Package plan turns a linked graph into a list of steps over planned memory: what is fused into one pass, which kernel
// computes what, and where each value lies.
//
// The main type is Plan, made by New for one batch size. Its steps are of few kinds: loops (chains of element-wise operators
// with the sums at their ends, run chunk by chunk as a small register program), equations (the same with time outermost),
// moves (copies that permute), and one kernel per remaining operator. Values are buffers of planned memory, what the caller
// hands in, constants, or aliases: parts of the memory of a value before them. Results are never the caller's own memory.
// What an opaque operator reads and writes lies in a memory of its own, which its plugin sees as well.
// Nothing here runs; package exec does that. A plan depends on the graph and the batch size alone, never on the machine, so
// that a run gives the same bytes everywhere that arithmetic does. New verifies what it has made, in particular that nothing
// is written over before it was read for the last time.
//
// Package pass rewrites the graph first, by named passes of which Options can leave some out.
//
// runtime/exec, runtime/train, runtime/bench and runtime/experiment import this package; it imports runtime/graph, runtime/kernel,
// runtime/plan/pass and runtime/tensor.
package plan
