// Package interp is the reference interpreter: it defines what every operator of package graph means.
//
// It computes in float64, one element after another, as plainly as can be said. It is slow on purpose: it judges the
// executor's kernels and, through Base, every derivative that graph.Gradient makes.
//
// The main function is Run, over Env and Value. An opaque operator is what its plugin makes of the numbers in single precision,
// a chip what its emulation does.
//
// Only tests and tools that check numbers import this package, and runtime/cut, which evaluates what follows from variables alone; no
// program runs on it. It imports runtime/graph, runtime/opaque and runtime/tensor.
package interp
