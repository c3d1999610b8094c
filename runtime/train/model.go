package train

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"snnc.dev/snnc/runtime/exec"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/program"
	"snnc.dev/snnc/runtime/rng"
	"snnc.dev/snnc/runtime/tensor"
)

// Model is a program with its weights.
type Model struct {
	Program   *program.Program
	Linker    *program.Linker
	Variables []graph.Variable
	Weights   map[string]*tensor.Tensor
	Averages  map[string]*tensor.Tensor // nil without averaging

	pool     *exec.Pool
	mu       sync.Mutex
	compiled map[compiledKey]*exec.Program
}

type compiledKey struct {
	function string
	batch    int
}

// NewModel links the program and starts its weights from the seed.
func NewModel(p *program.Program, filled map[string]*graph.Module, seed uint64, pool *exec.Pool) (*Model, error) {
	m, err := linked(p, filled, pool)
	if err != nil {
		return nil, err
	}
	m.Weights = map[string]*tensor.Tensor{}
	for _, v := range m.Variables {
		m.Weights[v.Name] = start(v, seed)
	}
	return m, nil
}

// As returns a model of another Program over the weights of m, which it shares: every variable of p is one of m, by name and
// type. So the networks of a trained model are applied with other thresholds, or drawn from by a sampler with options.
func (m *Model) As(p *program.Program, filled map[string]*graph.Module) (*Model, error) {
	other, err := linked(p, filled, m.pool)
	if err != nil {
		return nil, err
	}
	for _, v := range other.Variables {
		if w := m.Weights[v.Name]; w == nil || !w.Type.Equal(v.Type) {
			return nil, fmt.Errorf("share weights: the model has no variable %s of type %v", v.Name, v.Type)
		}
	}
	other.Weights, other.Averages = m.Weights, m.Averages
	return other, nil
}

// Take gives the variables of a role that is another model the values that the other model has learned, averaged ones where it
// has averages. OWNER names the role: "tokens" of the exports "tokens.encode" and "tokens.decode".
func (m *Model) Take(owner string, of *Model) error {
	weights := of.Weights
	if of.Averages != nil {
		weights = of.Averages
	}
	for _, v := range m.Variables {
		name, ok := strings.CutPrefix(v.Name, owner+".")
		if !ok {
			continue
		}
		w := weights[name]
		if w == nil || !w.Type.Equal(v.Type) {
			return fmt.Errorf("take weights of %s: the model has no variable %s of type %v", owner, name, v.Type)
		}
		m.Weights[v.Name].CopyFrom(w)
		if m.Averages != nil {
			m.Averages[v.Name].CopyFrom(w)
		}
	}
	return nil
}

// linked returns a model without weights.
func linked(p *program.Program, filled map[string]*graph.Module, pool *exec.Pool) (*Model, error) {
	l, err := program.NewLinker(p, filled)
	if err != nil {
		return nil, err
	}
	return &Model{Program: p, Linker: l, Variables: l.Variables(), pool: pool, compiled: map[compiledKey]*exec.Program{}}, nil
}

// start returns the first value of a variable; its random numbers belong to its structural name.
func start(v graph.Variable, seed uint64) *tensor.Tensor {
	t := tensor.New(v.Type, 1)
	s := rng.New(seed, "start/"+v.Name, 0)
	for i := range t.F32 {
		switch v.Init.Kind {
		case "uniform":
			t.F32[i] = float32(v.Init.A + (v.Init.B-v.Init.A)*s.Uniform64(0, uint64(i)))
		case "normal":
			t.F32[i] = float32(v.Init.A + v.Init.B*s.Normal64(0, uint64(i)))
		case "sinusoid":
			t.F32[i] = float32(v.Init.Sinusoid(i, v.Type.Dims[len(v.Type.Dims)-1]))
		default:
			t.F32[i] = float32(v.Init.A)
		}
	}
	return t
}

// function compiles a function without gradient for a batch size, once.
func (m *Model) function(name string, batch int) (*exec.Program, error) {
	return m.compile(compiledKey{name, batch}, func() (*graph.Graph, error) { return m.Linker.Function(name) })
}

// compile compiles what link gives, once for a key.
func (m *Model) compile(key compiledKey, link func() (*graph.Graph, error)) (*exec.Program, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.compiled[key]; p != nil {
		return p, nil
	}
	g, err := link()
	if err != nil {
		return nil, err
	}
	name, batch := key.function, key.batch
	pl, err := plan.New(g, plan.Options{Batch: batch, Repeated: true})
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", name, err)
	}
	p, err := exec.New(pl, m.pool)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", name, err)
	}
	m.compiled[key] = p
	return p, nil
}

// env returns what a run without gradient sees: the averaged weights where there are some.
func (m *Model) env(inputs map[string]*tensor.Tensor, seed, iteration, first uint64) *exec.Env {
	weights := m.Weights
	if m.Averages != nil {
		weights = m.Averages
	}
	return &exec.Env{
		Inputs:    inputs,
		Variables: func(name string) *tensor.Tensor { return weights[name] },
		Seed:      seed, Iteration: iteration, First: first,
		Host: func(string) float64 { return 1 },
	}
}

// Digest returns the SHA-256, in hex, of the weights that a run without gradient sees: averaged ones where there are some.
func (m *Model) Digest() string {
	weights, of := Weights{}, m.Weights
	if m.Averages != nil {
		of = m.Averages
	}
	for _, v := range m.Variables {
		weights[v.Name] = of[v.Name].F32
	}
	return weights.Digest()
}

// Apply runs the export NAME on a batch: n examples of which the first has the number first. The result holds until the
// next call for the same export and batch size.
func (m *Model) Apply(export string, inputs map[string]*tensor.Tensor, n int, seed, first uint64) (*tensor.Tensor, error) {
	return m.apply(export, inputs, n, seed, first, false)
}

// Again is Apply where no weight has changed since the last call for the same export and batch size, as in the turns of a
// sampler: what depends on weights alone is not computed again.
func (m *Model) Again(export string, inputs map[string]*tensor.Tensor, n int, seed, first uint64) (*tensor.Tensor, error) {
	return m.apply(export, inputs, n, seed, first, true)
}

func (m *Model) apply(export string, inputs map[string]*tensor.Tensor, n int, seed, first uint64, same bool) (*tensor.Tensor, error) {
	p, err := m.ran(export, inputs, n, seed, first, same)
	if err != nil {
		return nil, err
	}
	return p.Output(m.Program.Export(export).Outputs[0].Name), nil
}

// Outputs is Again that returns all that the export gives, by name.
func (m *Model) Outputs(export string, inputs map[string]*tensor.Tensor, n int, seed, first uint64) (map[string]*tensor.Tensor, error) {
	p, err := m.ran(export, inputs, n, seed, first, true)
	if err != nil {
		return nil, err
	}
	out := map[string]*tensor.Tensor{}
	for _, name := range p.Outputs() {
		out[name] = p.Output(name)
	}
	return out, nil
}

// ran runs an export.
func (m *Model) ran(export string, inputs map[string]*tensor.Tensor, n int, seed, first uint64, same bool) (*exec.Program, error) {
	g := m.Program.Export(export)
	if g == nil {
		return nil, fmt.Errorf("apply %s: the model has no such export", export)
	}
	p, err := m.function(g.Name, n)
	if err != nil {
		return nil, err
	}
	env := m.env(inputs, seed, 0, first)
	env.Same = same
	if err := p.Run(env); err != nil {
		return nil, fmt.Errorf("apply %s: %w", export, err)
	}
	return p, nil
}

// Fired is Apply that returns the firing rate of each layer: spikes per neuron and time step. It is prepared anew each time.
func (m *Model) Fired(export string, inputs map[string]*tensor.Tensor, n int, seed, first uint64) (map[string]float64, error) {
	e := m.Program.Export(export)
	if e == nil {
		return nil, fmt.Errorf("count spikes of %s: the model has no such export", export)
	}
	g, err := m.Linker.Fired(e.Name)
	if err != nil {
		return nil, err
	}
	pl, err := plan.New(g, plan.Options{Batch: n})
	if err != nil {
		return nil, fmt.Errorf("plan %s: %w", export, err)
	}
	p, err := exec.New(pl, m.pool)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", export, err)
	}
	if err := p.Run(m.env(inputs, seed, 0, first)); err != nil {
		return nil, fmt.Errorf("count spikes of %s: %w", export, err)
	}
	rates := map[string]float64{}
	for _, o := range g.Outputs {
		if layer, ok := strings.CutPrefix(o.Name, program.Rate); ok {
			rates[layer] = float64(p.Output(o.Name).F32[0])
		}
	}
	return rates, nil
}

// PlanOf returns the plan that the export NAME runs by on batches of n.
func (m *Model) PlanOf(export string, n int) (*plan.Plan, error) {
	g := m.Program.Export(export)
	if g == nil {
		return nil, fmt.Errorf("plan %s: the model has no such export", export)
	}
	p, err := m.function(g.Name, n)
	if err != nil {
		return nil, err
	}
	return p.Plan(), nil
}

// Sample draws samples number first to first+n-1 with the sampler NAME; each sample is a function of seed and number.
// Nothing is given to it.
func (m *Model) Sample(sampler *program.Sampler, n int, seed, first uint64) (*tensor.Tensor, error) {
	return m.SampleGiven(sampler, nil, n, seed, first)
}

// SampleGiven is Sample for a sampler to which class numbers are given: one for each sample, by field.
func (m *Model) SampleGiven(sampler *program.Sampler, given map[string]*tensor.Tensor, n int, seed, first uint64) (*tensor.Tensor, error) {
	return m.sample(sampler, given, n, seed, first, m.function, func(string, *exec.Program) {})
}

// Work is what the networks of a sampler do for one sample.
type Work struct {
	Synaptic    float64  // additions: of a weight for each 1 that a product meets
	Accumulates float64  // multiply-accumulates of real numbers in products
	Layers      []Firing // of spiking layers, in the order in which they first run
}

// Firing is what a spiking layer does for one sample, in all applications of its network together.
type Firing struct {
	Name    string // "decoder.1.fire"
	Spikes  float64
	Steps   float64 // neurons times time steps: the spikes if all fired always
	Silent  float64 // neurons that give no spike in an application, in all of these
	Neurons float64 // those of all applications: of a network that is applied twice, twice as many
}

// Worked draws samples as SampleGiven does and returns what that takes, in the mean of these samples.
func (m *Model) Worked(sampler *program.Sampler, given map[string]*tensor.Tensor, n int, seed, first uint64) (Work, error) {
	counts := map[string]program.Counts{}
	prepare := func(name string, batch int) (*exec.Program, error) {
		return m.compile(compiledKey{"counted " + name, batch}, func() (*graph.Graph, error) {
			g, _, err := m.Linker.Counted(name)
			return g, err
		})
	}
	for _, name := range []string{sampler.Init, sampler.Loop, sampler.Result} {
		if name == "" {
			continue
		}
		_, c, err := m.Linker.Counted(name)
		if err != nil {
			return Work{}, err
		}
		counts[name] = c
	}
	var w Work
	places := map[string]int{}
	_, err := m.sample(sampler, given, n, seed, first, prepare, func(name string, p *exec.Program) {
		share := func(prefix string, i int) float64 { return float64(p.Output(prefix + strconv.Itoa(i)).F32[0]) }
		for i, product := range counts[name].Products {
			if product.Spikes {
				w.Synaptic += float64(product.Operations) * share(program.Input, i)
			} else {
				w.Accumulates += float64(product.Operations)
			}
		}
		for i, l := range counts[name].Layers {
			at, ok := places[l.Name]
			if !ok {
				at = len(w.Layers)
				places[l.Name], w.Layers = at, append(w.Layers, Firing{Name: l.Name})
			}
			f, neurons := &w.Layers[at], float64(l.Neurons)
			f.Neurons += neurons
			f.Steps += neurons * float64(l.Steps)
			f.Spikes += neurons * float64(l.Steps) * share(program.Spiked, i)
			f.Silent += neurons * share(program.Silent, i)
		}
	})
	return w, err
}

// sample draws with functions that prepare compiles, and calls ran with each that has run. Functions may have more outputs than
// those of the Program; only those are carried.
func (m *Model) sample(sampler *program.Sampler, given map[string]*tensor.Tensor, n int, seed, first uint64, prepare func(name string, batch int) (*exec.Program, error), ran func(name string, p *exec.Program)) (*tensor.Tensor, error) {
	carried := map[string]*tensor.Tensor{}
	kept := map[string][]*tensor.Tensor{}
	run := func(name string, iteration uint64, inputs map[string]*tensor.Tensor, again bool) (*exec.Program, error) {
		p, err := prepare(name, n)
		if err != nil {
			return nil, err
		}
		env := m.env(inputs, seed, iteration, first)
		env.Same = again
		if err := p.Run(env); err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		ran(name, p)
		return p, nil
	}
	if sampler.Init != "" {
		p, err := run(sampler.Init, 0, given, false)
		if err != nil {
			return nil, err
		}
		for _, name := range own(p) {
			carried[name] = p.Output(name).Clone()
		}
	}
	for turn := range sampler.Turns {
		inputs := map[string]*tensor.Tensor{}
		maps.Copy(inputs, given)
		maps.Copy(inputs, carried)
		for i, name := range sampler.Columns {
			inputs[name] = tensor.Scalar(float32(sampler.Table[turn][i]))
		}
		// All turns see the same weights.
		p, err := run(sampler.Loop, uint64(turn)+1, inputs, turn > 0)
		if err != nil {
			return nil, err
		}
		for _, name := range own(p) {
			if _, ok := carried[name]; ok {
				carried[name].CopyFrom(p.Output(name))
			} else {
				kept[name] = append(kept[name], p.Output(name).Clone())
			}
		}
	}
	inputs := carried
	maps.Copy(inputs, given)
	for name, parts := range kept {
		inputs[name] = tensor.JoinTime(parts)
	}
	p, err := run(sampler.Result, uint64(sampler.Turns)+1, inputs, false)
	if err != nil {
		return nil, err
	}
	return p.Output(m.Program.Function(sampler.Result).Outputs[0].Name), nil
}

// own returns the outputs of a function that are the Program's.
func own(p *exec.Program) []string {
	return slices.DeleteFunc(slices.Clone(p.Outputs()), program.IsCount)
}
