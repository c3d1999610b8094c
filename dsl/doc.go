// Package dsl reads the spec language: text in, syntax tree out.
//
// Parse gives a File (tree.go) with the place of every node, and all independent findings in one pass: the text is cut into
// tokens (lexer.go), the tokens into top-level items, and each item is parsed by itself with participle (grammar.go), expressions
// by precedence climbing (expr.go). convert.go makes the tree, explain.go words the errors. Resolve reads what a file imports
// (imports.go). ParseEquations does the same as Parse for the text that plugins return. Inspect and its kin go through what is in
// an expression or a body (walk.go). The package imports only dsl/diag; dsl/check and dsl/lower build on it.
package dsl
