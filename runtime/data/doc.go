// Package data gives the data sets that a spec may name: their schemas for the checker, and their examples for training,
// sampling and evaluation.
//
// Open reads one into a Set, which fills tensors with images and labels. Schemas and Shape are what dsl/check's catalogue
// wants; List, Fetch, Forget and Folders are the command `snnc data`. The table of data sets is in sets.go, their arguments are judged
// in arguments.go, their files found in locate.go and read by stored, and picture cuts, frames and resizes. cache.go keeps decoded
// images, and what is more than memory should hold, in a file; vary.go mirrors images; random.go draws examples that no file has. What
// is wrong with files is an Error that says what to do.
//
// # What is kept
//
// Images of PNG, JPEG, GIF and WebP files are decoded, cut and resized once. What becomes of them is a file in the folder
// snnc/data of the user's cache, named by the SHA-256 of the names, sizes and times of the images and of all that was asked
// for, and mapped into memory from there; so are arrays whose pixels are more than a gibibyte. The file ends with a checksum,
// and is made anew where that is not right. Whatever was kept, Hash is that of the examples themselves.
//
// It imports plugins/schema, runtime/data/picture, runtime/data/stored, runtime/graph, runtime/rng, runtime/tensor and
// runtime/record/wholefile; runtime/experiment and cmd/snnc import it.
package data
