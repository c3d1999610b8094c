// Package exec runs plans: it binds their values to memory and their steps to kernels, and spreads each step over a pool of
// workers. It opens no files and starts no goroutines but the pool's.
//
// The main type is Program, a plan with its memory; Run runs it once over an Env. Pool is the workers, shared by programs.
//
// A run gives the same bytes whatever the number of workers: each result is computed by one of them in one order (the doc
// of runtime/kernel has it), and sums over examples go to eight slots of the batch first, then over these as a balanced
// binary tree. In a graph that sums nothing over examples, what an example gives depends neither on the size of its batch
// nor on its place there; random numbers go by the example's number (Env.First, Env.Examples). Results of a Program hold
// until its next run, whatever becomes of the inputs and variables that they came from.
//
// runtime/train and runtime/experiment import this package; it imports runtime/graph, runtime/plan, runtime/kernel,
// runtime/tensor and runtime/rng. Only its tests import the interpreter, which judges it.
package exec
