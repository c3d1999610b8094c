// Package builtin gathers the built-in neurons, coders, models and targets into the one plugin that a re-executed program
// serves: Plugin is what it holds, Main what the program's main function (and TestMain of a test that needs plugins) calls
// first, Argv how the host starts it.
//
// Whatever starts the built-ins may import it: cmd/snnc and tests.
package builtin
