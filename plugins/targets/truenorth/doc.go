// Package truenorth is the target TrueNorth, IBM's digital chip of 4,096 cores (Merolla et al., Science 345, 2014): it says whether
// circuits fit, and puts them on the chip.
//
// Target is the component. Check refuses populations that the chip's neuron cannot be (refuse.go) and asks package mapping how the
// others lie on cores. Compile also has package quantize turn their weights into registers (build.go), and gives a chip whose circuits
// package emulator runs (chip.go). What was built is named by a validate.Legend, from which package validate judges it in tests.
//
// Only plugins/builtin imports this package.
package truenorth
