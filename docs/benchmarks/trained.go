package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// trained is what has no peer beside it: how long snnc takes for specs of this project, on real images, and what networks fire
// once they are trained.
func trained() group {
	return group{
		name: "trained", title: "Training on digits", unit: "s", rounds: 1,
		about: "Seconds of snnc alone on the handwritten digits of MNIST and those that come with snnc, an epoch with its sheet and checkpoint. " +
			"Firing rates are those of the first update and of the last epoch.",
		contenders: []contender{
			{name: "start", title: "quickstart, from the command to the end of the first update", spoke: "start", command: func(s *session) program {
				return s.train("quickstart", "", "--set", "train.digit.epochs=1")
			}},
			{name: "quickstart", title: "quickstart as it stands", whole: "quickstart", command: func(s *session) program {
				p := s.train("quickstart", "")
				p.argv = slices.DeleteFunc(p.argv, func(a string) bool { return a == onlyTrain })
				return p
			}},
			{name: "classifier", title: "classifier, an epoch of 10,000 images", command: func(s *session) program {
				return s.train("classifier", "classifier epoch", "--set", "train.digit.epochs=3")
			}},
			{name: "fsvae-small", title: "fsvae --preset small, an epoch of 60,000 images", command: func(s *session) program {
				return s.train("fsvae", "fsvae epoch", "--preset", "small", "--set", "epochs=1")
			}},
		},
		rows: []row{
			{figure: "start", title: "quickstart, from the command to the end of the first update", most: 0.5, aim: 0.2},
			{figure: "quickstart", title: "quickstart", most: 20},
			{figure: "classifier epoch", title: "classifier, an epoch of 10,000 images", most: 60},
			{figure: "fsvae epoch", title: "fsvae (small), an epoch of 60,000 images", most: 240},
		},
	}
}

// weights is the networks of the group trained again, to be run behind it: with random weights and with those that it has left.
func weights() group {
	g := group{
		name: "weights", title: "The same networks untrained and trained", unit: "ms", rounds: 1,
		about: "Training steps and evaluations, of snnc alone, of networks with random weights and with those that the trainings above have left: " +
			"event kernels are faster where less fires. An evaluation is one of the network that samples are made with: the classifier, and of " +
			"fsvae-small the prior, which is small beside its decoder.",
		rows: []row{{figure: "train", title: "training step"}, {figure: "evaluation", title: "evaluation"}},
	}
	for _, n := range []struct {
		name, spec, start string
		args              []string
	}{
		{"classifier", "classifier", "train.digit.start", nil},
		{"fsvae-small", "fsvae", "train.fsvae.start", []string{"--preset", "small"}},
	} {
		for _, trained := range []bool{false, true} {
			c := contender{name: n.name + "-random", title: n.name + ", random weights"}
			if trained {
				c = contender{name: n.name + "-trained", title: n.name + ", trained"}
			}
			c.command = func(s *session) program {
				p := s.bench(filepath.Join("specs", n.spec+".snn"), "evaluation", s.times(usual))
				p.argv = append(p.argv, n.args...)
				if trained {
					p.argv = append(p.argv, "--data", filepath.Join(s.options.cache, "runs"), "--set", n.start+`="`+n.spec+`"`)
				}
				return p
			}
			g.contenders = append(g.contenders, c)
		}
	}
	return g
}

const onlyTrain = "--only=train"

// train is `snnc run` of a spec, whose epochs give the figure.
func (s *session) train(spec, figure string, args ...string) program {
	argv := []string{
		s.snnc(), "run", filepath.Join("specs", spec+".snn"), "--json", "--restart", onlyTrain,
		"--out", filepath.Join(s.options.cache, "runs", spec),
	}
	return program{argv: append(argv, args...), parse: func(output []byte) (measured, error) {
		m, err := parseTraining(output, figure)
		m.Threads = s.threads
		return m, err
	}}
}

// parseTraining reads the events that `snnc run --json` prints: the seconds of each epoch, under the name figure unless it is
// "", and the firing rates.
func parseTraining(output []byte, name string) (measured, error) {
	m := measured{Figures: map[string]figure{}}
	var epochs []float64
	var first, last map[string]float64
	before := 0.0
	lines := bufio.NewScanner(bytes.NewReader(output))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e struct {
			Kind    string
			Seconds float64
			Rates   map[string]float64
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return m, fmt.Errorf("read the event %.80q: %w", lines.Text(), err)
		}
		switch e.Kind {
		case "step":
			if first == nil {
				first = e.Rates
			}
		case "epoch":
			epochs = append(epochs, e.Seconds-before)
			before, last = e.Seconds, e.Rates
		}
	}
	if err := lines.Err(); err != nil {
		return m, fmt.Errorf("read events: %w", err)
	}
	if len(epochs) == 0 {
		return m, fmt.Errorf("no epoch was trained")
	}
	for _, name := range slices.Sorted(maps.Keys(last)) {
		m.Layers = append(m.Layers, layer{name, first[name], last[name]})
	}
	if name != "" {
		m.Figures[name] = figure{Median: median(epochs), Min: slices.Min(epochs), Max: slices.Max(epochs), Repeats: len(epochs)}
	}
	return m, nil
}
