package main

import (
	"strings"
	"testing"
)

// What specs name is what the equations declare; whether these hold, `snnc plugin test` says.
func TestDescription(t *testing.T) {
	for _, c := range plugin().Components() {
		if !strings.Contains(c.Equations, string(c.Kind)+" "+c.Name+"(") {
			t.Errorf("the equations declare no %s %s", c.Kind, c.Name)
		}
		if c.Version == "" || c.Doc == "" {
			t.Errorf("%s %s has no version, or no text", c.Kind, c.Name)
		}
	}
}
