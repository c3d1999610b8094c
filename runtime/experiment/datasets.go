package experiment

import (
	"context"
	"errors"
	"sync"

	"snnc.dev/snnc/dsl/check"
	"snnc.dev/snnc/dsl/diag"
	"snnc.dev/snnc/runtime/data"
)

// datasets are those that a run reads, each split once. It is for one goroutine at a time.
type datasets struct {
	folders []string // where they are looked for, in order
	spec    string   // the folder of the spec, where files that it names are looked for last; "" without a spec
	sets    map[splitOf]*data.Set
	reads   map[splitOf]func() (*data.Set, error) // those that are being read, until they are in sets
}

// splitOf is a split of a data definition of the spec.
type splitOf struct {
	name  string
	split data.Split
}

func newDatasets(folders []string, spec string) *datasets {
	return &datasets{folders, spec, map[splitOf]*data.Set{}, map[splitOf]func() (*data.Set, error){}}
}

// begin begins to read a split. Several are read at once: unpacking them is most of what comes before the first step.
func (s *datasets) begin(ctx context.Context, d *check.Data, split data.Split) {
	p := splitOf{d.Name, split}
	if s.reads[p] != nil {
		return
	}
	read := sync.OnceValues(func() (*data.Set, error) {
		set, err := s.read(ctx, d, split)
		if err == nil {
			set.Hash() // which the keys of the jobs want
		}
		return set, err
	})
	s.reads[p] = read
	go read()
}

// read reads a split.
func (s *datasets) read(ctx context.Context, d *check.Data, split data.Split) (*data.Set, error) {
	args := d.Args
	if s.spec != "" {
		args = data.Beside(d.Set, args, s.folders, s.spec)
	}
	return data.Open(ctx, d.Set, args, split, s.folders)
}

// open reads a split; it is nil where that has failed, which is a finding the first time.
func (s *datasets) open(ctx context.Context, d *check.Data, split data.Split) (*data.Set, diag.List) {
	p := splitOf{d.Name, split}
	if set, tried := s.sets[p]; tried {
		return set, nil
	}
	read := s.reads[p]
	if read == nil {
		read = func() (*data.Set, error) { return s.read(ctx, d, split) }
	}
	set, err := read()
	s.sets[p] = set
	if err == nil {
		return set, nil
	}
	finding := diag.Diagnostic{Code: diag.DataFailed, Range: d.Range, Summary: err.Error()}
	var bad *data.Error
	if errors.As(err, &bad) {
		finding.Help = bad.Help
	}
	return nil, diag.List{finding}
}

// of returns a split that open has read; nil where it has not.
func (s *datasets) of(d *check.Data, split data.Split) *data.Set {
	return s.sets[splitOf{d.Name, split}]
}
