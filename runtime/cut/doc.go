// Package cut takes a network apart for chips: it finds the populations of neurons in the graph of its eval function, folds batch norms,
// biases and constant factors into their weights, and puts a node `chip` in the place of each circuit (schema.Circuit) that they make.
// What is left stays a graph of the host, so a deployed network runs wherever the network did.
//
// The main function is Network. It takes three stages: find walks over the nodes (find.go; name.go says what they are called) and gives each value its form, sums of weighted
// spikes (package synapse), which flow into equations, of which package dynamics finds those that chips have; rewrite builds the
// graph that is left, with the circuits (emit.go); fill computes the numbers. What is the same at all time steps is taken out of time, and
// flows in as a current for each example, a drive. Populations that depend on each other through work of the host are on different
// levels, each of which is a circuit of its own. host.go lists what is left to the host.
//
// It imports plugins/schema, plugins/sdk/circuit, by which it verifies what it gives, runtime/cut/dynamics, runtime/cut/synapse, runtime/graph and, to evaluate what
// follows from variables, runtime/interp.
package cut
