package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// bench is `snnc bench` of a spec with some parameters set, for so many timed steps. Its evaluations are the figure called evaluation;
// none if it is "".
func (s *session) bench(spec, evaluation string, steps int, set ...string) program {
	argv := []string{s.snnc(), "bench", spec, "--json", "--steps", fmt.Sprint(steps), "--threads", fmt.Sprint(s.threads)}
	if evaluation == "" {
		argv = append(argv, "--only", "train")
	}
	for _, p := range set {
		argv = append(argv, "--set", p)
	}
	return program{argv: argv, parse: func(output []byte) (measured, error) { return parseBench(output, evaluation) }}
}

// spread is how `snnc bench --json` tells times.
type spread struct {
	Median, Min, Max float64
	Count            int
}

func (s spread) figure() figure { return figure{s.Median, s.Min, s.Max, s.Count} }

// parseBench reads the report of `snnc bench --json`. The figure `neuron` is what all layers of neurons take of a training
// step, `sample` what drawing takes where samples were drawn.
func parseBench(output []byte, evaluation string) (measured, error) {
	var report struct {
		Train *struct {
			Step  spread `json:"step_ms"`
			Bytes float64
		}
		Sample *struct {
			Time  spread `json:"evaluation_ms"`
			Rates map[string]float64
		}
		Draw *struct {
			Time spread `json:"samples_ms"`
		}
		Threads int
		CPU     struct{ Level string }
		Layers  []struct {
			Rate *float64
			Both spread `json:"both_ms"` // forward and backward together
		}
	}
	if err := json.Unmarshal(output, &report); err != nil {
		return measured{}, fmt.Errorf("read the report: %w", err)
	}
	if report.Train == nil || evaluation != "" && report.Sample == nil {
		return measured{}, fmt.Errorf("read the report: it lacks a part")
	}
	m := measured{
		Figures: map[string]figure{"train": report.Train.Step.figure()},
		Planned: report.Train.Bytes, Threads: report.Threads, CPU: report.CPU.Level,
		Versions: map[string]string{"Go": strings.TrimPrefix(runtime.Version(), "go")}, // which built both
	}
	if evaluation != "" {
		m.Figures[evaluation] = report.Sample.Time.figure()
		for _, layer := range slices.Sorted(maps.Keys(report.Sample.Rates)) {
			m.Evaluation = append(m.Evaluation, report.Sample.Rates[layer])
		}
	}
	if report.Draw != nil {
		m.Figures["sample"] = report.Draw.Time.figure()
	}
	neurons := figure{Repeats: report.Train.Step.Count}
	for _, l := range report.Layers {
		if l.Rate != nil {
			m.Rates = append(m.Rates, *l.Rate)
			neurons.Median, neurons.Min, neurons.Max = neurons.Median+l.Both.Median, neurons.Min+l.Both.Min, neurons.Max+l.Both.Max
		}
	}
	m.Figures["neuron"] = neurons
	return m, nil
}
