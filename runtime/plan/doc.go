// Package plan turns a linked graph into a list of steps over planned memory: what is fused into one pass, which kernel
// computes what, and where each value lies.
//
// The main type is Plan, made by New for one batch size. Its steps are of few kinds: loops (chains of element-wise operators
// with the sums at their ends, run chunk by chunk as a small register program), equations (the same with time outermost),
// moves (copies that permute), and one kernel per remaining operator. Nothing here runs; package exec does that. A plan
// depends on the graph and the batch size alone, never on the machine, so that a run gives the same bytes everywhere that
// arithmetic does.
//
// runtime/exec, runtime/train and the commands import this package; it imports runtime/graph and runtime/tensor.
package plan
