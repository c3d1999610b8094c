package metric

import "fmt"

// Layer is what a spiking layer does for one sample, in all evaluations of its network together.
type Layer struct {
	Name   string
	Spikes float64
	Steps  float64 // neurons times time steps: the spikes if all fired always
	Silent float64 // neurons that give no spike in an evaluation, in all of these
	// Neurons are those of all evaluations: of a network that is evaluated twice, twice as many.
	Neurons float64
}

// Firing accumulates how often neurons fire while samples are drawn, in parts of equally many samples. The zero value has seen none.
type Firing struct {
	samples int
	total   fired
	layers  map[string]*fired
	names   []string
}

// fired is how often some neurons fire for one sample, in the mean of each part.
type fired struct {
	spikes, rates, silent []float64
}

func (f *fired) add(l Layer) {
	f.spikes = append(f.spikes, l.Spikes)
	if l.Neurons > 0 {
		f.rates, f.silent = append(f.rates, l.Spikes/l.Steps), append(f.silent, l.Silent/l.Neurons)
	}
}

// Add takes a part: what the layers do for one of its samples. All parts have the same layers.
func (f *Firing) Add(samples int, layers []Layer) {
	f.samples += samples
	if f.layers == nil {
		f.layers = map[string]*fired{}
	}
	var sum Layer
	for _, l := range layers {
		if f.layers[l.Name] == nil {
			f.layers[l.Name], f.names = &fired{}, append(f.names, l.Name)
		}
		f.layers[l.Name].add(l)
		sum.Spikes, sum.Steps, sum.Silent, sum.Neurons = sum.Spikes+l.Spikes, sum.Steps+l.Steps, sum.Silent+l.Silent, sum.Neurons+l.Neurons
	}
	f.total.add(sum)
}

// Figures returns how often the neurons of all networks fire while one sample is drawn: spikes, of all of them over the whole
// sampler; firing_rate, spikes per neuron and time step; and silent, the share of neurons that give no spike in an evaluation of
// their network. The details are the same of each layer, spikes_LAYER and so on. Networks without spikes have spikes, 0, and
// nothing else. The intervals are the bootstrap of the parts.
func (f *Firing) Figures() ([]Figure, error) {
	if f.samples == 0 {
		return nil, fmt.Errorf("spike counts: %w", ErrNone)
	}
	var figures []Figure
	add := func(name, what string, values []float64, detail bool) {
		if len(values) > 0 {
			figures = append(figures, Figure{Name: name, Value: average(values), Count: f.samples, Interval: bootstrap(values, name),
				Recipe: fmt.Sprintf("%s, mean of %d samples", what, f.samples), Detail: detail})
		}
	}
	all := func(suffix, of string, x *fired, detail bool) {
		add("spikes"+suffix, "spikes of "+of+" for one sample", x.spikes, detail)
		add("firing_rate"+suffix, "spikes per neuron and time step of "+of, x.rates, detail)
		add("silent"+suffix, "share of the neurons of "+of+" without a spike in an evaluation of the network", x.silent, detail)
	}
	all("", "all layers", &f.total, false)
	for _, name := range f.names {
		all("_"+name, name, f.layers[name], true)
	}
	return figures, nil
}
