// Package mapping cuts the layers of circuits into cores of Loihi, and places the cores on the mesh.
//
// Chip is the layers (layer.go); Report says how they lie and what would make those fit that do not: tile.go cuts one layer, place.go all
// of them together, and change.go looks for what would make a layer fit. Layout says of a placement where each neuron, axon and synapse
// lies (layout.go, mesh.go). chip.go holds the limits and what a synapse costs.
//
// Packages loihi and loihi/validate import it.
package mapping
