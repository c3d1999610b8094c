// Package checkpoint reads and writes named arrays as safetensors files and keeps the newest two of a training run.
//
// The main type is File: tensors and text metadata. Write and Read handle one file; Save, Latest and Steps handle the folder
// of a training run, in which a file may be torn and the one before it is then used. The files are ordinary safetensors
// (8 bytes of header length, a JSON header, the data) and load in other programs; files of other programs are read likewise.
//
// A File always gives the same bytes: the header lists tensors and metadata by name and is padded with spaces to a multiple of
// 8 bytes; the data are laid out by falling element size, then by name, so that every tensor is aligned to its elements.
//
// The format alone cannot see a flipped bit. Write therefore adds the metadata entry `snnc.sha256`: the SHA-256, in lower-case
// hexadecimal, of the whole file with the 64 digits of that entry itself replaced by zeros (the character 0). Read verifies it
// where it is there, and leaves it out of File.Metadata.
//
// Any part of the runtime may import this package; of ours it imports only runtime/record/wholefile.
package checkpoint
