// Package features has the networks of this folder by whose features metrics compare images, and the weights of those that
// were trained here. It imports nothing of ours.
//
// Each is a spec with one model that exports `features`, and `logits` where it is a classifier. Its weights are safetensors
// with a tensor for each variable that these exports read, by the name that a checkpoint has. They come of
//
//	bash specs/features/train.sh DATA
//
// with the data sets mnist and fashion_mnist in the folder DATA. Figures compare only under the same weights: after a training
// on another machine the hashes may differ, and so do all figures.
//
// inception.snn has weights that cannot be part of this program: convert_inception.py makes them from what the package
// pytorch-fid loads.
package features
