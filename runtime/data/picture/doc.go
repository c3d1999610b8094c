// Package picture brings images of 8-bit pixels to the size, channels and frame that a data set is asked for.
//
// The main types are Picture, which Decode reads from a PNG, JPEG, GIF or WebP file, and Changer, which cuts, frames and resizes one
// picture after the other as a Change says. All is arithmetic of integers, so a pixel is the same on every machine.
//
// # Resizing
//
// Area averages over areas along an axis that shrinks and is bilinear with half-pixel centres along one that grows; each pixel is
// rounded once. Bilinear is Pillow's: a triangle filter as wide as the pixels it makes, first across, then down, with weights of 22
// bits and both results rounded to 8 bits (Pillow, src/libImaging/Resample.c). That is what torchvision's Resize does to images, and
// so what most published figures rest on.
//
// runtime/data imports it; it imports nothing of ours.
package picture
