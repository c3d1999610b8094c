// Package machine writes machine code: instructions of AVX-512 and the few others that a loop over vectors takes, into memory
// that the processor may run.
//
// The main types are Assembler, which encodes instructions one after another, and Memory, which holds finished code. Encodings
// are those of the Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2; an instruction has the name that
// Go's assembler gives it, operands stand in Intel's order: the result first.
//
// Only runtime/kernel imports it; it imports nothing of ours.
package machine
