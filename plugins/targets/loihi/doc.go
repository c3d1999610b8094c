// Package loihi is the target Loihi, Intel's first neuromorphic research chip (Davies et al. 2018): it says whether the
// spiking layers of networks fit the memories of its cores, which layer does not, and the smallest change that would.
//
// Target is the component. Check takes three stages: find reads the layers of the chip off a network's graph (network.go),
// place cuts them into cores (tile.go for one layer, place.go for all of them together), and changes looks for what would
// make a layer fit (change.go). chip.go holds the limits and what a synapse costs.
//
// Only plugins/builtin imports this package.
package loihi
