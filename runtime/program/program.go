package program

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"snnc.dev/snnc/runtime/graph"
)

// Program is a generative model, or any other, as its plugin describes it.
type Program struct {
	graph.Module
	Roles    []Role
	Streams  []Stream
	Stages   []Stage
	Samplers []Sampler
	Exports  []Export
}

// Role is something that the spec fills in: a network, a coder or another model. Its name is the attribute path of the
// model's argument, such as "encoder" or "latent.posterior". A coder and a model have a role for each of their functions:
// "coder.encode" and "coder.decode"; "tokens.encode" is the export "encode" of the model that fills "tokens".
type Role struct {
	Name      string
	Kind      string // network, coder or model
	In, Out   []graph.Type
	FreeSteps bool // works at any number of time steps; those of the types are an example
}

// Owner is the name under which the role's variables are kept and moved: its own, or that of the coder or model as a whole.
func (r Role) Owner() string {
	if i := strings.LastIndexByte(r.Name, '.'); i > 0 && r.Kind != "network" {
		return r.Name[:i]
	}
	return r.Name
}

// Stream is where the inputs of training come from: fields of the data (From empty), or another stream with one more field,
// which has the stream's name and is the first: what an export of a trained model makes of the first fields of the other
// stream, as many as it takes, in eval mode. It is computed once, before the training, and kept.
type Stream struct {
	Name   string
	Fields []string // of the data
	From   string   // a stream
	Export string   // ROLE.EXPORT
}

// The numbers that a node `host` asks for.
const (
	HostProgress  = "progress"  // the share of the training that is done, by whole epochs where it counts these; 1 after it
	HostIteration = "iteration" // updates done
	// HostVariance is a statistic of the examples, which only steps of a training are told: the variance of all numbers in the
	// first field of the stage's stream that is f32 and that a step of the stage takes, about their mean and divided by how many
	// they are.
	HostVariance = "variance"
)

// Fields returns the fields of the stream NAME, the one that it adds itself first.
func (p *Program) Fields(name string) []string {
	s := p.Stream(name)
	switch {
	case s == nil:
		return nil
	case s.From == "":
		return s.Fields
	}
	return append([]string{s.Name}, p.Fields(s.From)...)
}

// Stage is a phase of training: its steps run for each batch of the stream.
type Stage struct {
	Name   string
	Stream string
	Steps  []Step
}

// Step runs a function whose first output is the loss, a scalar, and moves parameters down its gradient. The other outputs
// are terms that are logged under their names. The inputs of the function are fields of the stream.
type Step struct {
	Function string
	Moves    []string // networks, coders (as a whole) and variables
	Slot     string   // which of the optimisers given by `each(...)` moves them; "" where there is one
	Every    int      // runs at every such batch (or epoch), 1 for all
	Epoch    bool     // Every counts epochs: the step runs after the last batch of one
}

// Sampler draws samples: Init, then Turns times Loop, then Result. All names are of functions; Loop and Turns may be absent.
// Init gives the carried values. Loop takes them, and the columns of its row of the table, as f32[]; it gives the carried values
// of the next turn and what is kept. Result takes, by name, carried values and kept ones, the latter joined along the time axis;
// its first output is the sample. All three may take what is given besides, by name. Everything runs in eval mode on averaged
// weights where there are some.
type Sampler struct {
	Name    string
	Given   []string // fields of the data with a class number, i32[N], that each sample is to be of: the host chooses them
	Init    string   // "" where nothing is carried into the first turn
	Loop    string
	Turns   int
	Result  string
	Columns []string
	Table   [][]float64 // Turns rows of len(Columns)
}

// Export is a function under the name by which metrics, other models and deployment ask for it.
type Export struct{ Name, Function string }

// Role returns the role NAME, or nil.
func (p *Program) Role(name string) *Role {
	for i := range p.Roles {
		if p.Roles[i].Name == name {
			return &p.Roles[i]
		}
	}
	return nil
}

// Stream returns the stream NAME, or nil.
func (p *Program) Stream(name string) *Stream {
	for i := range p.Streams {
		if p.Streams[i].Name == name {
			return &p.Streams[i]
		}
	}
	return nil
}

// Sampler returns the sampler NAME, or nil.
func (p *Program) Sampler(name string) *Sampler {
	for i := range p.Samplers {
		if p.Samplers[i].Name == name {
			return &p.Samplers[i]
		}
	}
	return nil
}

// Export returns the function exported as NAME, or nil.
func (p *Program) Export(name string) *graph.Graph {
	for _, e := range p.Exports {
		if e.Name == name {
			return p.Function(e.Function)
		}
	}
	return nil
}

// Env resolves the names that the functions of the program use.
func (p *Program) Env() graph.Env { return graph.ModuleEnv{Module: &p.Module, Outer: roles{p}} }

type roles struct{ p *Program }

func (r roles) Signature(name string) (in, out []graph.Type, free, ok bool) {
	role := r.p.Role(name)
	if role == nil {
		return nil, nil, false, false
	}
	return role.In, role.Out, role.FreeSteps, true
}
func (roles) VariableType(string) (graph.Type, bool) { return graph.Type{}, false }
func (roles) FunctionNamed(string) *graph.Graph      { return nil }

// Verify checks that everything the program names is there, that its graphs are well typed, and that stages, samplers and
// exports fit their functions.
func (p *Program) Verify() error {
	for _, v := range p.Variables {
		if err := v.Verify(); err != nil {
			return fmt.Errorf("verify: %w", err)
		}
		if v.Of != "" {
			return fmt.Errorf("verify: variable %q of the program is %q of a role; it has its own", v.Name, v.Of)
		}
	}
	env := p.Env()
	done := map[string]bool{}
	for _, g := range p.Functions {
		if err := g.Verify(env); err != nil {
			return err
		}
		for _, n := range g.Nodes {
			for _, name := range []string{n.Text("function"), n.Text("backward")} {
				if (n.Op == graph.OpCall || n.Op == graph.OpCustom) && name != "" && !done[name] {
					return fmt.Errorf("verify %s: it calls %s, which does not stand before it", g.Name, name)
				}
			}
		}
		done[g.Name] = true
	}
	seen := map[string]bool{}
	once := func(kind, name string) error {
		key := kind + " " + name
		if seen[key] {
			return fmt.Errorf("verify: %s stands twice", key)
		}
		seen[key] = true
		return nil
	}
	for _, s := range p.Streams {
		if err := once("stream", s.Name); err != nil {
			return err
		}
		if s.From == "" {
			continue
		}
		if !seen["stream "+s.From] || s.From == s.Name {
			return fmt.Errorf("verify stream %s: unknown stream %s (it must stand before)", s.Name, s.From)
		}
		role := p.Role(s.Export)
		if role == nil || role.Kind != "model" {
			return fmt.Errorf("verify stream %s: %s is no export of a model that fills a role", s.Name, s.Export)
		}
		if fields := p.Fields(s.From); len(role.In) > len(fields) {
			return fmt.Errorf("verify stream %s: %s takes %d inputs, and stream %s has %d", s.Name, s.Export, len(role.In), s.From, len(fields))
		} else if slices.Contains(fields, s.Name) {
			return fmt.Errorf("verify stream %s: stream %s has a field of this name", s.Name, s.From)
		}
	}
	for _, s := range p.Stages {
		if err := once("stage", s.Name); err != nil {
			return err
		}
		if err := p.verifyStage(s); err != nil {
			return fmt.Errorf("verify stage %s: %w", s.Name, err)
		}
	}
	for _, s := range p.Samplers {
		if err := once("sampler", s.Name); err != nil {
			return err
		}
		if err := p.verifySampler(s); err != nil {
			return fmt.Errorf("verify sampler %s: %w", s.Name, err)
		}
	}
	for _, e := range p.Exports {
		if err := once("export", e.Name); err != nil {
			return err
		}
		if p.Function(e.Function) == nil {
			return fmt.Errorf("verify export %s: unknown function %s", e.Name, e.Function)
		}
	}
	return nil
}

func (p *Program) verifyStage(s Stage) error {
	stream := p.Stream(s.Stream)
	if stream == nil {
		return fmt.Errorf("unknown stream %s", s.Stream)
	}
	fields := p.Fields(stream.Name)
	if len(s.Steps) == 0 {
		return fmt.Errorf("it has no step")
	}
	for _, step := range s.Steps {
		g := p.Function(step.Function)
		if g == nil {
			return fmt.Errorf("unknown function %s", step.Function)
		}
		for _, in := range g.Inputs {
			if !slices.Contains(fields, in.Text("name")) {
				return fmt.Errorf("%s takes %s, which stream %s has not", step.Function, in.Text("name"), stream.Name)
			}
		}
		if len(g.Outputs) == 0 || !g.Outputs[0].Value.Type().Equal(graph.Scalar()) {
			return fmt.Errorf("the first output of %s is no loss f32[]", step.Function)
		}
		for _, o := range g.Outputs {
			if !o.Value.Type().Equal(graph.Scalar()) {
				return fmt.Errorf("output %s of %s is %v, want f32[]", o.Name, step.Function, o.Value.Type())
			}
		}
		if step.Every < 1 || step.Every > 1_000_000 {
			return fmt.Errorf("%s runs every %d", step.Function, step.Every)
		}
		for _, m := range step.Moves {
			owner := func(r Role) bool { return r.Owner() == m && r.Kind != "model" }
			if !slices.ContainsFunc(p.Roles, owner) && p.Variable(m) == nil {
				return fmt.Errorf("%s moves %s, which is neither a network, a coder nor a variable", step.Function, m)
			}
		}
	}
	return nil
}

func (p *Program) verifySampler(s Sampler) error {
	result := p.Function(s.Result)
	if result == nil {
		return fmt.Errorf("unknown function %q", s.Result)
	}
	if len(result.Outputs) == 0 {
		return fmt.Errorf("%s gives no sample", s.Result)
	}
	have := map[string]graph.Type{}
	for _, name := range s.Given {
		if _, twice := have[name]; twice {
			return fmt.Errorf("%s is given twice", name)
		}
		have[name] = graph.Real().With(graph.I32)
	}
	given := maps.Clone(have)
	var carried []graph.Output
	if s.Init != "" {
		init := p.Function(s.Init)
		if init == nil {
			return fmt.Errorf("unknown function %q", s.Init)
		}
		for _, in := range init.Inputs {
			if t, ok := have[in.Text("name")]; !ok || !t.Equal(in.Out[0]) {
				return fmt.Errorf("%s starts the loop and takes %s: %v, which is not given", s.Init, in.Text("name"), in.Out[0])
			}
		}
		carried = init.Outputs
		for _, o := range init.Outputs {
			if _, twice := given[o.Name]; twice {
				return fmt.Errorf("%s is given and carried", o.Name)
			}
			have[o.Name] = o.Value.Type()
		}
	}
	if s.Loop != "" {
		loop := p.Function(s.Loop)
		if loop == nil {
			return fmt.Errorf("unknown function %q", s.Loop)
		}
		if s.Turns < 1 || s.Turns > 1_000_000 {
			return fmt.Errorf("%d turns", s.Turns)
		}
		if len(s.Columns) > 0 && len(s.Table) != s.Turns {
			return fmt.Errorf("%d rows for %d turns", len(s.Table), s.Turns)
		}
		for i, row := range s.Table {
			if len(row) != len(s.Columns) {
				return fmt.Errorf("row %d has %d numbers for %d columns", i, len(row), len(s.Columns))
			}
		}
		for _, in := range loop.Inputs {
			name := in.Text("name")
			if slices.Contains(s.Columns, name) {
				if !in.Out[0].Equal(graph.Scalar()) {
					return fmt.Errorf("column %s is %v, want f32[]", name, in.Out[0])
				}
				continue
			}
			if t, ok := have[name]; !ok || !t.Equal(in.Out[0]) {
				return fmt.Errorf("%s takes %s: %v, which %s does not give", s.Loop, name, in.Out[0], s.Init)
			}
		}
		for _, c := range carried {
			if o := loop.Output(c.Name); !o.Valid() || !o.Type().Equal(c.Value.Type()) {
				return fmt.Errorf("%s does not carry %s: %v on", s.Loop, c.Name, c.Value.Type())
			}
		}
		for _, o := range loop.Outputs {
			if _, carried := have[o.Name]; carried {
				if _, twice := given[o.Name]; twice {
					return fmt.Errorf("%s is given and kept", o.Name)
				}
				continue
			}
			t := o.Value.Type()
			if t.DType == graph.State {
				return fmt.Errorf("%s keeps the state %s, which has no time axis to be joined along", s.Loop, o.Name)
			}
			if t.Steps == 0 {
				t.Steps = 1
			}
			have[o.Name] = t.WithSteps(t.Steps * s.Turns)
		}
	}
	for _, in := range result.Inputs {
		if t, ok := have[in.Text("name")]; !ok || !t.Equal(in.Out[0]) {
			return fmt.Errorf("%s takes %s: %v, which nothing gives", s.Result, in.Text("name"), in.Out[0])
		}
	}
	return nil
}
