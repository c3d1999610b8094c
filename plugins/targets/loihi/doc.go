// Package loihi is the target Loihi, Intel's first neuromorphic research chip (Davies et al. 2018): it says whether the
// populations of circuits fit the memories of its cores, which does not, and the smallest change that would; it puts circuits into the
// chip's registers, and runs them.
//
// Target is the component. Check refuses populations that the chip's neuron cannot be (refuse.go), and asks package mapping how
// the others lie on cores. Compile has package quantize choose registers (compile.go), and makes networks of package emulator of
// them (program.go), which Emulate runs example by example (emulate.go). Synapses that the chip needs beside those
// of the network are put in before (added.go).
//
// Only plugins/builtin imports this package.
package loihi
