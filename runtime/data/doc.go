// Package data gives the data sets that a spec may name: their schemas for the checker, and their examples for training,
// sampling and evaluation.
//
// Open reads one into a Set, which fills tensors with images and labels. Schemas and Shape are what dsl/check's catalogue
// wants; List, Fetch and Folders are the command `snnc data`. The table of data sets is in sets.go, files of the IDX format
// are read in idx.go and found in open.go, resize.go changes the size of images, random.go draws examples that no file has. What
// is wrong with files is an Error that says what to do.
//
// It imports plugins/schema, runtime/graph, runtime/rng, runtime/tensor and runtime/record/wholefile; runtime/experiment and cmd/snnc
// import it.
package data
