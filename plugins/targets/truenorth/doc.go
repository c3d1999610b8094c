// Package truenorth is the target TrueNorth, IBM's digital chip of 4,096 cores (Merolla et al., Science 345, 2014): it says whether
// circuits fit, and puts them on the chip.
//
// Target is the component. Check refuses populations that the chip's neuron cannot be (refuse.go) and asks package mapping how the
// others lie on cores.
//
// Only plugins/builtin imports this package.
package truenorth
