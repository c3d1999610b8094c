package foreign

import (
	"fmt"
	"slices"
	"strings"
)

// Function says what is written instead of a function of other languages that is called with arguments, given as their texts; ""
// for other names.
func Function(name string, arguments []string) string {
	switch name {
	case "range", "arange", "xrange":
		if len(arguments) == 1 {
			return fmt.Sprintf("write `repeat %s { ... }`, or a list such as `[1, 2, 4]`", arguments[0])
		}
		return "write a list, such as `[1, 2, 4]`, or use `repeat N { ... }`"
	case "cat", "concatenate", "stack", "append":
		return "wires are joined by `concat(a, b)`"
	case "reversed":
		return "here it is `reverse`"
	case "len":
		return "`repeat N` counts, and in a loop `first` and `last` tell its ends"
	case "print":
		return "leave it out: `snnc plan` shows the layers and shapes of a network"
	case "add":
		return "write `a + b`"
	}
	return ""
}

// Type returns the type that other languages call name, of a wire or of a parameter; "" for other names.
func Type(name string, wire bool) string {
	switch strings.ToLower(name) {
	case "float", "float32", "float64", "double", "number", "f32", "num":
		return "real"
	case "tensor", "floattensor", "array", "ndarray", "image", "matrix", "vector":
		if wire {
			return "real"
		}
	case "spiketrain", "spike_train", "bits", "binary":
		if wire {
			return "spikes"
		}
	case "timestep", "t":
		if wire {
			return "step"
		}
	case "str", "text":
		return "string"
	case "integer", "int32", "int64", "long", "uint":
		return "int"
	case "boolean":
		return "bool"
	case "list", "array_of_int", "tuple":
		return "[int]"
	case "duration":
		return "time"
	}
	return ""
}

// Truth returns the reserved word that `True` or `False`, as other languages write them, stands for; "" for another name.
func Truth(name string) string {
	switch name {
	case "True", "TRUE":
		return "true"
	case "False", "FALSE":
		return "false"
	}
	return ""
}

// Nothing reports whether a name is that of no value in other languages.
func Nothing(name string) bool {
	return slices.Contains([]string{"None", "none", "null", "NULL", "nil", "undefined"}, name)
}
