// Package quantize rounds the weights of a network in the forward pass as a chip will, so that it is trained for the chip:
// quantization-aware training with the straight-through estimator (Jacob et al., "Quantization and Training of Neural Networks
// for Efficient Integer-Arithmetic-Only Inference", 2018; Bengio et al. 2013 for the estimator).
//
// The function is Weights, over graph.Module and schema.Grid. It imports plugins/schema and runtime/graph; runtime/build, which makes
// the networks of a training so, imports it.
package quantize
