// Package metric judges what a model makes: reconstructions, classifications and generated samples.
//
// What comes out is a Figure: a number with its confidence interval and the recipe that it was made by, since a figure without
// its sample count, its reference and its features cannot be compared with another. Schemas lists what `metrics =` accepts;
// docs/metrics.md has the formulas.
//
// Answers go into accumulators one by one: Reconstruction, Similarity, Accuracy, Active, Work. Samples and reference become
// Vectors by Features, which turn Images into what is compared; Frechet, KID, PrecisionRecall, DensityCoverage,
// InceptionScore, Histogram and, with Search, Copying are functions of these and of a Protocol. All sums are float64 and in
// the order of the examples, so a figure depends on nothing but these: not on the size of batches, nor on the number of
// threads.
//
// An interval says where the figure of as many other samples would lie. It is computed without drawing any: by the bootstrap of
// values or influences, the jackknife over groups, or Wilson's formula (interval.go).
//
// It imports plugins/schema for the schemas and runtime/rng for resampling; runtime/experiment imports it.
package metric
