// Package strict reads the JSON texts of networks that people write for the chips: what it does not know, what is there twice and what is
// null is an error with its place, and never silently something else. The targets import it for what `snnc emulate` reads.
package strict
