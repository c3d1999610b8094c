package build

import (
	"fmt"
	"strings"

	"snnc.dev/snnc/dsl/diag"
)

// Attributed returns the place of an attribute that a plugin complains of, by its path ("latent.scheduled", "targets[0].cores").
// Where the spec leaves the attribute at its default it is the place of what the attribute is a part of, at last that of the whole,
// and the note says so.
func Attributed(path string, place func(path string) (diag.Range, bool), whole diag.Range) (diag.Range, []diag.Note) {
	for at := path; at != ""; at = at[:max(strings.LastIndexAny(at, ".["), 0)] {
		if where, ok := place(at); ok && at == path {
			return where, nil
		} else if ok {
			return where, unset(path)
		}
	}
	if path == "" {
		return whole, nil
	}
	return whole, unset(path)
}

func unset(path string) []diag.Note {
	return []diag.Note{{Message: fmt.Sprintf("this is about `%s`, which the spec leaves at its default", path)}}
}
