// Package quantize puts the numbers of a population into Loihi's registers: weights, threshold, biases and decays in integers of a
// common scale.
//
// Population gives Registers and what was lost. The scale is chosen so that weights that are multiples of one unit stay what they are, or
// else so that the largest mantissa is the largest weight, or less where this makes the error of all less (scale.go, clip.go); sums that could leave the widths of the chip's
// accumulators are bounded (bound.go). The arithmetic is that of nengo-loihi's builder/discretize.py and emulator/interface.py and of
// lava's proc/lif/models.py, for neurons whose current is gone in one step or decays.
//
// It imports plugins/schema and plugins/sdk/circuit. Package loihi imports it.
package quantize
