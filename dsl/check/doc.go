// Package check turns a syntax tree into a checked spec: names resolved, presets and --set applied, compile-time values
// computed, networks unrolled into layers with known shapes, arguments judged by the schemas of plugins.
//
// Check is the one function; Spec, its result, is plain data (spec.go) that dsl/lower and the experiment read. The way
// through a spec is check.go. value.go computes values, param.go those of params; instance.go resolves what a name comes
// down to and binds its arguments, define.go makes neurons, coders and data sets of that, surrogate.go their surrogates;
// arguments.go judges arguments by schemas, equation.go reads equations. unroll.go runs the bodies of networks, flow.go what
// stands behind arrows, layers.go the layers among that, wire.go the types and the arithmetic of wires, stack.go the stacks.
// model.go and action.go do the rest, replace.go the models of actions that replace definitions; foreign.go, coderhelp.go and
// settinghelp.go word help for people who come from other libraries, whose names dsl/foreign knows. It imports dsl, dsl/diag,
// dsl/foreign and plugins/schema; commands and dsl/lower import it.
//
// What is particular about values: `/` of two ints is an int where it comes out even and a real elsewhere; where an int is
// wanted an integral real is taken; a sum, product or power of ints that int64 cannot hold is an error. A path such as
// sample.sddpm[1].count counts from 0; without an index it reaches all actions of that kind and model. Setting one of
// `epochs` and `iterations` by a path removes the other.
package check
