// Package metric judges what a model makes: reconstructions, classifications and generated samples.
//
// A metric is an accumulator that examples are given to one by one, so its value depends on their order and on nothing
// else, whatever the size of batches: Reconstruction, Accuracy, and Moments, of which Frechet compares two. All sums are
// float64. What comes out is a Figure: a number together with the recipe that it was made by, since a figure without its
// sample count, its reference and its features cannot be compared with another. Schemas lists what `metrics =` accepts.
//
// It imports plugins/schema for the schemas and nothing else of ours; runtime/experiment imports it.
package metric
