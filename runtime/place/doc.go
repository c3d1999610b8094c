// Package place puts networks on a chip as far as the chip takes them: it cuts them into circuits, asks the target, and cuts again
// without the populations that the target refuses, until it takes what is left.
//
// The function is Networks. It imports plugins/schema, runtime/cut and runtime/graph; runtime/deploy, which compiles and runs what is
// placed, and runtime/build, which trains networks for a chip, import it.
package place
