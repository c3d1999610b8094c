// Package exec runs plans: it binds their values to memory and their steps to kernels, and spreads each step over a pool of
// workers. It opens no files and starts no goroutines but the pool's.
//
// The main type is Program, a plan with its memory; Run runs it once over an Env. Pool is the workers, shared by programs.
//
// A run gives the same bytes whatever the number of workers: each result is computed by one of them in one order, and sums
// over examples go to eight parts of the batch first, then over these as a balanced binary tree. In a graph that sums
// nothing over examples, what an example gives depends neither on the size of its batch nor on its place there.
//
// runtime/train and the commands import this package; it imports runtime/plan, runtime/kernel, runtime/tensor and
// runtime/rng. Only its tests import the interpreter, which judges it.
package exec
