// Package dynamics recognises neurons that chips have: it finds decay, threshold, reset and the like of schema.Dynamics in the step of
// an equation, whoever has written it and however, and says in words why others are of no such form.
//
// The main function is Of. It imports plugins/schema and runtime/graph; runtime/cut imports it.
package dynamics
