// Package kernel holds the inner loops of the executor, on plain slices: the operations of a register program, sums of
// selected rows, and what turns spikes from bits to numbers and back.
//
// Each has one order of summation that depends on its operands' shapes alone, and what is 0 or not set is left out in that
// order, so that the number of spikes, of threads or of examples in a batch never changes a bit of a result. Long products of
// real numbers are dot products by gonum's assembly, whose order is another one but as fixed; which form a product takes
// follows from its shapes.
//
// Only runtime/plan and runtime/exec import it; it imports nothing of ours.
package kernel
