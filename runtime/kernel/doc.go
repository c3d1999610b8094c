// Package kernel holds the inner loops of the executor, on plain slices: products of real numbers (Dense) and of spikes
// (EventProduct) with packed weights, their derivatives by the weights (DenseSums, EventSums), register programs that run
// over chunks of elements and over time (Tape), the windows of convolutions (Phase), sums in double precision (Sum,
// SumColumns), and what turns spikes from bits to numbers and back. They are written for three levels of instructions
// (Level), of which a process uses one (Used).
//
// # Bits
//
// Which bits results have is said here and nowhere else. It depends on shapes and operands, never on threads, on how work
// is cut or on the number of spikes.
//
//   - A result of Dense or EventProduct is one sum in single precision. It begins with 0 (with Dense.Add, with what is there) and
//     takes its products in the order of window row, window column and channel in.
//   - A sum of DenseSums or EventSums is one for each slot of the batch. It begins with 0 and takes its products in the order of
//     time steps, the slot's examples, and pixels row by row. Total adds eight slots up as a balanced binary tree.
//   - SumColumns has one sum for each column, of the rows in order; Sum has 32 interleaved ones, added up in halves. All are in
//     double precision, and squares are exact there.
//   - An operation of a Tape is rounded by itself. Exp, Log, Tanh, Sigmoid and Pow are the double precision steps of math.go,
//     Sin and Cos are Go's; these are rounded to single precision once.
//
// AVX2 and AVX512 fuse a product with its sum, Generic rounds the two apart. So:
//
//	                                      AVX2 and AVX512   Generic too
//	products and sums of real numbers     same bits         same up to rounding
//	the same where one operand is 0 or 1  same bits         same bits, by events too
//	sums in double precision, tapes       same bits         same bits
//
// Two things are left out of this. Denormal numbers may count as 0 in assembly, where they are read and where they would be
// written: each function sets FTZ and DAZ and restores MXCSR when it ends. And where numbers are not finite, 0 times such a
// one is no number where kernels multiply and nothing where they leave zeros out, as events, Generic and the rim of images
// do.
//
// runtime/plan names its operations and layouts, runtime/exec and runtime/train run it, runtime/bench and cmd/snnc ask for the
// level; it imports runtime/kernel/machine, which encodes instructions.
package kernel
