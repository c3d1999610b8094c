// Package reference says what a spec may name: statements, layers, neurons, surrogates, coders, models, data sets, optimisers,
// metrics, targets, settings and equations, each an Entry made of the schemas that the checker judges by. It prints an entry
// for a terminal and all of them as the page docs/reference.md, so that neither can differ from what is checked.
//
// It imports dsl/check, dsl/diag and plugins/schema; cmd/snnc imports it.
package reference
