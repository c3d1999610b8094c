// Package graph is snnc's intermediate representation: straight-line graphs of typed operators.
//
// Networks, losses, samplers and the step of a neuron are all graphs of the same closed set of operators (ops.go). A graph
// has no control flow: what repeats over time is unrolled by whoever builds it, and the only thing that runs over time by
// itself is the operator `equation`, which holds the step of a neuron, coder or trace as a small graph of its own.
//
// The main types are Graph, Node and Type; Module gathers graphs with the variables and equations they name. Builder makes
// graphs, Print and Parse are the text form (`graph 1`), Verify checks one, Gradient differentiates one.
//
// Everything of the runtime, the lowering stage and the plugin kit may import this package; it imports only dsl/diag.
package graph
