// Package quantize turns weights, biases and thresholds of a population into registers of TrueNorth's neurons.
//
// An input comes to a core by 1 to 4 axons of different types, and a neuron has one signed weight of 9 bits for each type. With two
// axons the weights of a neuron are a times -1, 0 or 1, with three a times -4 to 3, with four a times -8 to 7; with one it is there or
// not. The integer a is free for each channel, as is the real number that one unit of the membrane stands for; Lattice searches for
// the weights' step, and the layer for the largest a whose thresholds and biases are rounded least.
//
// The chip's neuron is that of Cassidy et al., "Cognitive Computing Building Block", IJCNN 2013, without its stochastic modes.
//
// plugins/targets/truenorth imports it.
package quantize
