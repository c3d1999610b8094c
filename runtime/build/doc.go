// Package build makes Programs of the models of a checked spec. It lowers the networks and coders that fill a model's roles, shows
// them with its arguments to the plugin that offers the model, and links the Program that this answers with. Models does so for
// all that are trained; Model.Variant with what an action replaces in one of them, and Built.WithSampler for a sampler with options.
// CoderGraph is what the checker asks for where a coder is a graph of its plugin, OpaqueNeuron where the plugin computes a neuron.
//
// It reads no data and runs nothing. What a plugin complains of, and what does not hold in its answer, are findings at the place in
// the spec that they are about (place.go).
package build
