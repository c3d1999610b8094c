// Package stored reads the examples of data sets out of the files that people have them in: IDX and NPY arrays, plain, gzipped or
// in a zip; the binary batches of CIFAR-10, in their folder or in the tar.gz that they are published in; folders and zips of images.
//
// The main type is Examples, the pictures and labels of one part of a data set. Arrays and Batches give them in order, Images gives
// any of them to any number of goroutines. Nothing is allocated by what a header claims, and no file makes a program run:
// Python's pickles are refused. What is wrong with a file is a FileError.
//
// It imports runtime/data/picture; runtime/data imports it.
package stored
