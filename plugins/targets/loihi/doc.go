// Package loihi is the target Loihi, Intel's first neuromorphic research chip (Davies et al. 2018): it says whether the
// populations of circuits fit the memories of its cores, which does not, and the smallest change that would.
//
// Target is the component. Check refuses populations that the chip's neuron cannot be (refuse.go), and asks package mapping how
// the others lie on cores.
//
// Only plugins/builtin imports this package.
package loihi
