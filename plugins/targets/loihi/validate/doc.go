// Package validate judges a placement on Loihi from the circuits and the limits of the chip alone: Check says which limits of a core it
// breaks and which connections it lacks, has twice or has made up. It knows nothing of how placements are found: it reads what the
// memories of the cores hold (mapping.Tables), and follows every spike of every neuron through them.
//
// It imports plugins/schema, plugins/sdk/circuit and loihi/mapping. Tests import it.
package validate
