// Package tensor holds values in the memory layout that they keep from the data set to the checkpoint.
//
// The main type is Tensor. Its axes lie in memory in the order time, batch, then the dims of an example; a value with a time
// or batch axis and three or more dims is channels last ([T][N][H][W][C]), everything else, also every variable, is
// row-major (PyTorch's layouts). Spikes are bits: each example of a time step takes whole uint64 words, bit i is element i
// in the order of memory, and bits past the last element are 0. The logical order, in which the language and the graphs
// count, is row-major with channels first.
//
// runtime/plan, runtime/exec, runtime/train, runtime/data and runtime/experiment import this package; it imports
// runtime/graph.
package tensor
