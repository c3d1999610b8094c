// Package program is what a model plugin returns, and the linker that turns it into graphs to run.
//
// A Program is data: roles (networks, coders, other models), variables of the model's own, functions as graphs, and which
// function trains what, how samples are drawn and what the model exports. Its text form is `program 1`, an extension of the
// text form of graphs. A Linker replaces the applications of roles by the networks' graphs and differentiates; it also makes
// an export of a trained model fill a role of another one.
//
// It imports only runtime/graph; the trainer, the plugin kit and the lowering stage import it.
package program
