// Command keep writes the weights that a feature network is used with: those of a run's newest checkpoint whose names begin
// with one of some prefixes, averaged where there are averages.
//
//	go run ./specs/features/_keep RUN MODEL FILE PREFIX...
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"snnc.dev/snnc/runtime/checkpoint"
	"snnc.dev/snnc/runtime/record"
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: keep RUN MODEL FILE PREFIX...")
		os.Exit(2)
	}
	if err := keep(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func keep(run, model, path string, prefixes []string) error {
	found, err := checkpoint.Latest(filepath.Join(run, record.CheckpointFolder), model)
	if err != nil {
		return fmt.Errorf("keep weights of %s: %w", run, err)
	}
	out := &checkpoint.File{Metadata: map[string]string{"format": "pt"}}
	for _, t := range found.File.Tensors {
		for _, p := range prefixes {
			if !strings.HasPrefix(t.Name, p) {
				continue
			}
			if a, ok := found.File.Tensor("average/" + t.Name); ok {
				t.Data = a.Data
			}
			out.Tensors = append(out.Tensors, t)
		}
	}
	return checkpoint.Write(path, out)
}
