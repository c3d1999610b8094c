// Package synapse says what flows into neurons as sums of weighted spikes and of what is the same at all time steps, and folds factors, sums
// and products into the weights.
//
// The main type is Form: a value of a network as such sums, in Parts, of Terms, which become schema.Synapses, and of Constants, which become
// biases and drives. Fold makes forms of forms as operators do, or says why the outcome is none. It computes no number before somebody asks
// for it (Weights), and has those of the network from a Source. No neuron is known here: runtime/cut finds these.
//
// runtime/cut imports it; it imports plugins/schema and runtime/graph.
package synapse
