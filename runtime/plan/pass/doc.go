// Package pass rewrites a linked graph into one that takes less to compute and gives the same results up to rounding, and exact ones on
// numbers whose sums are exact.
//
// The main function is Rewrite, which sends a graph through a list of named passes. Each is a rule that says what takes the place of a
// node, given what its inputs have become; every rule has a file that says by which identity it holds. Operators that passes and
// planner alike tell apart (Elementwise, View, Weighted) are named here too. Moments is the one operator that only passes make.
//
// runtime/plan imports this package; it imports runtime/graph and runtime/kernel.
package pass
