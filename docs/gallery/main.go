// Command gallery draws how each built-in neuron answers a step of current, into docs/neurons.svg:
//
//	go run ./docs/gallery
//
// The neurons run as the interpreter runs them, from their equations; equal equations give equal bytes.
package main

import (
	"fmt"
	"os"
)

func main() {
	picture, err := gallery()
	if err == nil {
		err = os.WriteFile("docs/neurons.svg", picture, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gallery:", err)
		os.Exit(1)
	}
}
