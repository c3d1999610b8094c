// Package kernel holds the inner loops of the executor, on plain slices: products of real numbers (Dense) and of spikes
// (EventProduct) with packed weights, their derivatives by the weights (DenseSums, EventSums), register programs that run
// over chunks of elements and over time (Tape), the windows of convolutions (Phase), sums in double precision (Sum, SumColumns),
// and what turns spikes from bits to numbers and back.
//
// They are written for three levels of instructions (Level), of which a process uses one. Each result is one sum in one order
// that its operands' shapes decide, so neither the number of spikes nor that of threads or of examples in a batch changes a
// bit of it, and AVX2 and AVX-512 give the same bits. Spikes give the same bits at every level and as numbers 0 and 1 too;
// real products are fused with sums in assembly and rounded apart in Go. A Tape rounds each operation and gives the same bits at
// all levels. Two things are left out of this: denormal numbers, which count as 0 in assembly, and numbers that are not finite,
// since 0 times such a one is no number where kernels multiply, and nothing where they leave zeros out.
//
// runtime/plan names its operations and layouts, runtime/exec and runtime/train run it, runtime/bench and cmd/snnc ask for the
// level; it imports runtime/kernel/machine, which encodes instructions.
package kernel
