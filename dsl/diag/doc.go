// Package diag is how snnc speaks of a user's file: findings with a code, a place, a help line and notes, and their text and
// JSON forms. List gathers the findings of a stage; Sources holds the texts that places point into. It imports nothing of
// ours, and everything that judges a spec imports it.
package diag
