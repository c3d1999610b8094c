// Package neurogrid is the target Neurogrid, Stanford's board of sixteen analog Neurocores (Benjamin et al., Proceedings of the IEEE
// 102, 2014): it says whether circuits fit, maps them to shared parameters and probabilistic softwires, and emulates them.
//
// Target is the component. Check looks at each population (refuse.go) and lays all of them on Neurocores (layout.go). Compile finds
// the time constants and gains of the chip's neurons (gain.go) and makes the softwires (compile.go); Emulate runs them in package
// emulator (chip.go), Export writes them as parameters and softwires (export.go), and Trace runs such a text (trace.go). constants.go has the figures that time and energy are computed from.
//
// Only plugins/builtin imports this package.
package neurogrid
