// Package kernel holds the inner loops of the executor, on plain slices: the operations of a register program (Eval), sums of
// selected rows (AddRows, Product), dot products (DotEach), the windows of convolutions (Phase), and what turns spikes from
// bits to numbers and back.
//
// Each has one order of summation that its operands' shapes decide, and leaves out what is 0 or not set in that order. So
// neither the number of spikes nor that of threads or of examples in a batch changes a bit of a result, and the rows of
// spikes (AddRows) add up to the same bytes as the numbers 0 and 1 (Product, AxpyRows).
//
// Dot products are gonum's and have an order of their own: a long product of real numbers, for which they are taken, may
// differ in the last bits from the same product of bits. Which form a product takes follows from its shapes and element
// types alone (plan.Dots, plan.Spread); nothing is chosen by how many spikes there are, nor by the machine.
//
// Only runtime/plan and runtime/exec import it; it imports nothing of ours.
package kernel
