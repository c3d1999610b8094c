// Package lower turns checked networks, neurons and coders into graphs. It is the only part of dsl that knows the runtime.
//
// Network gives a module with the functions "train" and "eval"; equation.go compiles the step of a neuron or coder, the
// same way for text in a spec and text from a plugin. What it cannot say yet is a diagnostic at the place in the spec.
package lower
