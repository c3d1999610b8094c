package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// figure is what repeated calls of one thing gave, in the unit of its group.
type figure struct {
	Median  float64 `json:"median"`
	Min     float64 `json:"min"`
	Max     float64 `json:"max"`
	Repeats int     `json:"repeats"`
}

// measured is what a contender says of itself.
type measured struct {
	Figures    map[string]figure `json:"figures"`                    // by the name of the row
	Parameters int               `json:"parameters,omitempty"`       // trainable ones of the network
	Rates      []float64         `json:"rates,omitempty"`            // share of ones that each neuron layer puts out, in the order of layers
	Evaluation []float64         `json:"evaluation_rates,omitempty"` // the same in evaluation; of snnc in the order of the layers' names
	Layers     []layer           `json:"layers,omitempty"`           // of a network that was trained
	Neurons    float64           `json:"neuron_steps,omitempty"`     // outputs of all neuron layers, of all steps and examples of a batch
	Planned    float64           `json:"planned_bytes,omitempty"`    // of snnc's plan of a training step
	Threads    int               `json:"threads"`
	Layouts    map[string]string `json:"layouts,omitempty"` // of images in the peers' memory, in training and in evaluation
	CPU        string            `json:"cpu,omitempty"`     // the instructions that were used
	Versions   map[string]string `json:"versions,omitempty"`
}

// layer is the firing rate of a layer in the first update of a training and over its last epoch.
type layer struct {
	Name  string  `json:"name"`
	First float64 `json:"first"`
	Last  float64 `json:"last"`
}

// run is one run of a contender: a file of the folder raw.
type run struct {
	Group     string `json:"group"`
	Contender string `json:"contender"`
	Round     int    `json:"round"`
	measured
	PeakBytes int64   `json:"peak_bytes"` // most resident memory of the process, as the system counted it
	Seconds   float64 `json:"seconds"`    // of the whole process
	Others    float64 `json:"others"`     // share of the machine that other processes took meanwhile
	Processor string  `json:"processor"`
	Cores     int     `json:"cores"`
	Revision  string  `json:"revision"` // of this module
	Date      string  `json:"date"`
}

func (r run) path(folder string) string {
	return filepath.Join(folder, fmt.Sprintf("%s.%s.%d.json", r.Group, r.Contender, r.Round))
}

func (r run) write(folder string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err == nil {
		err = os.MkdirAll(folder, 0o777)
	}
	if err == nil {
		err = os.WriteFile(r.path(folder), append(text, '\n'), 0o666)
	}
	if err != nil {
		return fmt.Errorf("write measurement: %w", err)
	}
	return nil
}

// readRuns returns the measurements of a folder, by group, contender and round. A folder that is not there has none.
func readRuns(folder string) ([]run, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("read measurements: %w", err)
	}
	slices.Sort(paths)
	var runs []run
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read measurements: %w", err)
		}
		var r run
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, fmt.Errorf("read measurements: %s: %w", path, err)
		}
		runs = append(runs, r)
	}
	return runs, nil
}

// of returns the runs of a contender.
func of(runs []run, group, contender string) []run {
	var out []run
	for _, r := range runs {
		if r.Group == group && r.Contender == contender {
			out = append(out, r)
		}
	}
	return out
}

// together returns a row's figure over the rounds of a contender: the median of their medians, the least and the greatest of
// all. False where no round has it.
func together(runs []run, group, contender, row string) (figure, bool) {
	var all figure
	var medians []float64
	for _, r := range of(runs, group, contender) {
		f, ok := r.Figures[row]
		if !ok {
			continue
		}
		if len(medians) == 0 {
			all = f
		}
		all.Min, all.Max = min(all.Min, f.Min), max(all.Max, f.Max)
		medians = append(medians, f.Median)
	}
	if len(medians) == 0 {
		return figure{}, false
	}
	all.Median = median(medians)
	return all, true
}

// median returns the middle one of values, or the mean of the middle two.
func median(values []float64) float64 {
	sorted := slices.Clone(values)
	sort.Float64s(sorted)
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
