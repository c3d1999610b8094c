package exec

import (
	"fmt"
	"math"
	"time"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan"
	"snnc.dev/snnc/runtime/tensor"
)

// Env is what a run sees.
type Env struct {
	Inputs map[string]*tensor.Tensor // by name, of the types and the batch size of the plan
	// Variables returns a variable; the graph's assignments write to it after everything has run. Averages returns what a
	// read with `average` sees; where it is nil or returns nil that is the variable itself.
	Variables func(name string) *tensor.Tensor
	Averages  func(name string) *tensor.Tensor
	// Random numbers of a value with a batch axis belong to (Seed, label, Iteration) and the number of the example: Examples
	// has the number of the one at each place of the batch; where it is nil that is First plus the place.
	Seed, Iteration, First uint64
	Examples               []uint64
	Host                   func(what string) float64 // numbers that the trainer knows
	// Same says that no variable has changed since the run before of the same program, whose fixed steps are not run again
	// then.
	Same bool
	// Check makes the run look at every result and end with NotFinite at the first that is not finite. It is slow.
	Check bool
	// Profile, where it is not nil, has a place for each step of the plan, to which the time that the step takes is added.
	Profile []time.Duration
}

// example returns the number of the example at a place of the batch.
func (e *Env) example(place int) uint64 {
	if e.Examples != nil {
		return e.Examples[place]
	}
	return e.First + uint64(place)
}

// NotFinite is the error of a checked run: a result is infinite or no number.
type NotFinite struct {
	Layer string // structural place of the first such result, "" outside networks
	Op    string // the operator that gave it
}

// Error names the layer.
func (e *NotFinite) Error() string {
	if e.Layer == "" {
		return fmt.Sprintf("a result of %s is not finite", e.Op)
	}
	return fmt.Sprintf("a result of %s in layer %s is not finite", e.Op, e.Layer)
}

// memory is where a value lies; one of the slices is set.
type memory struct {
	f     []float32
	b     []uint64
	i     []int32
	size  int // elements of a row
	words int // of a row of bits
	n     int // rows of a time step
}

// row returns the bits of row r.
func (m *memory) row(r int) []uint64 { return m.b[r*m.words : (r+1)*m.words] }

// runner is a step bound to its program.
type runner interface {
	// run computes the step; it allocates nothing.
	run(p *Program) error
}

// Program is a plan with its memory. It runs once at a time.
type Program struct {
	plan    *plan.Plan
	pool    *Pool
	level   kernel.Level
	memory  []memory // by the number of the value
	outside []*plan.Value
	aliases []*plan.Value
	steps   []runner
	workers []*worker
	sums    []float64 // of all slots of the batch, for the step at work
	floats  []float32 // the same in single precision
	outputs []*tensor.Tensor
	names   []string
	shared  *shared // nil without opaque operators
	env     *Env
	whole   bool // the run before came to its end
}

// worker is the memory of one thread.
type worker struct {
	tape    *kernel.Tape // registers of chunks
	scratch []float32    // where they lie if not in memory
	stage   []float32    // chunks on the way from or to memory
	words   []uint64     // the same of bits
	seen    [][]float32  // what the sums of a loop add up
	states  []float32    // of an equation's chunk over time
	floats  []float32
	kernel  kernel.Work
	ints    []int32
	bad     int // the first operation of a checked loop that gave a number that is not finite
	err     error
}

// needs is how much of a worker's and a program's memory a step wants, in elements.
type needs struct {
	regs, stage, words, seen     int // of loops and equations
	states, floats, kernel, ints int
	sums, results                int // of the program
	events                       kernel.EventMemory
}

func (n *needs) grow(m needs) {
	n.regs, n.stage, n.words, n.seen = max(n.regs, m.regs), max(n.stage, m.stage), max(n.words, m.words), max(n.seen, m.seen)
	n.states, n.floats = max(n.states, m.states), max(n.floats, m.floats)
	n.kernel, n.events = max(n.kernel, m.kernel), n.events.Max(m.events)
	n.ints = max(n.ints, m.ints)
	n.sums, n.results = max(n.sums, m.sums), max(n.results, m.results)
}

// New allocates the memory of a plan and binds its steps to the pool's workers.
func New(p *plan.Plan, pool *Pool) (*Program, error) {
	level, err := kernel.Used()
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", p.Name, err)
	}
	g := &Program{plan: p, pool: pool, level: level, memory: make([]memory, len(p.Values))}
	f32, i32, bits := kernel.Aligned(p.F32), make([]int32, p.I32), make([]uint64, p.Bits)
	tensor.Huge(f32)
	seen, err := g.share()
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", p.Name, err)
	}
	for _, v := range p.Values {
		m := &g.memory[v.ID]
		m.size, m.n = v.Type.Size(), 1
		m.words = tensor.Words(m.size)
		if v.Type.Batch {
			m.n = p.Batch
		}
		switch v.Place {
		case plan.Buffer:
			n := p.Elements(v)
			switch v.Type.DType {
			case graph.Bit:
				m.b = bits[v.Offset : v.Offset+n]
			case graph.I32:
				m.i = i32[v.Offset : v.Offset+n]
			default:
				if m.f = f32; v.Shared {
					m.f = seen
				}
				m.f = m.f[v.Offset : v.Offset+n]
			}
		case plan.Constant:
			m.f, m.b, m.i = v.Data.F32, v.Data.Bits, v.Data.I32
		case plan.Alias:
			g.aliases = append(g.aliases, v)
		default:
			g.outside = append(g.outside, v)
		}
	}
	g.alias()
	var need needs
	for _, s := range p.Steps {
		r, n, err := g.bind(s)
		if err != nil {
			return nil, fmt.Errorf("prepare %s: %w", p.Name, err)
		}
		need.grow(n)
		g.steps = append(g.steps, r)
	}
	g.sums, g.floats = make([]float64, need.sums), make([]float32, need.results)
	for range pool.threads {
		w := &worker{tape: kernel.NewTape(need.regs), scratch: kernel.Aligned(need.regs * plan.Chunk),
			stage: kernel.Aligned(need.stage), words: make([]uint64, need.words), seen: make([][]float32, need.seen),
			states: kernel.Aligned(need.states), floats: make([]float32, need.floats),
			ints: make([]int32, need.ints)}
		w.kernel.Grow(need.kernel)
		w.kernel.GrowEvents(need.events)
		w.kernel.Workers = pool.threads
		g.workers = append(g.workers, w)
	}
	for _, o := range p.Outputs {
		t := &tensor.Tensor{Type: o.Value.Type, N: g.memory[o.Value.ID].n}
		m := g.memory[o.Value.ID]
		t.F32, t.Bits, t.I32 = m.f, m.b, m.i
		g.outputs, g.names = append(g.outputs, t), append(g.names, o.Name)
	}
	return g, nil
}

// alias makes aliases part of the memory of what they stand for. They come after it in the order of values.
func (p *Program) alias() {
	for _, v := range p.aliases {
		m, of := &p.memory[v.ID], &p.memory[v.Of.ID]
		from, rows := v.From*of.n, tensor.Rows(v.Type, p.plan.Batch)
		switch {
		case of.b != nil:
			m.b = of.b[from*of.words : (from+rows)*of.words]
		case of.i != nil:
			m.i = of.i[from*of.size : (from+rows)*of.size]
		case of.f != nil:
			m.f = of.f[from*of.size : (from+rows)*of.size]
		}
	}
}

// Run computes the graph once. A missing or wrong input or variable is an error, and so are an index that points nowhere and
// numbers of examples that are not as many as the batch.
func (p *Program) Run(env *Env) error {
	p.env = env
	defer func() { p.env = nil }()
	if err := p.given(); err != nil {
		return fmt.Errorf("run %s: %w", p.plan.Name, err)
	}
	again := env.Same && p.whole
	p.whole = false
	for i, r := range p.steps {
		if again && p.plan.Steps[i].Fixed {
			continue
		}
		var start time.Time
		if env.Profile != nil {
			start = time.Now()
		}
		if err := r.run(p); err != nil {
			return fmt.Errorf("run %s: %w", p.plan.Name, err)
		}
		if env.Profile != nil {
			env.Profile[i] += time.Since(start)
		}
		if env.Check {
			if err := p.check(p.plan.Steps[i]); err != nil {
				return err
			}
		}
	}
	for _, a := range p.plan.Assigns {
		to, from := env.Variables(a.Name), &p.memory[a.Value.ID]
		if to == nil || len(to.F32) != len(from.f) || len(to.Bits) != len(from.b) || len(to.I32) != len(from.i) {
			return fmt.Errorf("run %s: variable %s is not there to be assigned", p.plan.Name, a.Name)
		}
		copy(to.F32, from.f)
		copy(to.Bits, from.b)
		copy(to.I32, from.i)
	}
	p.whole = true
	return nil
}

// given takes inputs and variables from the environment.
func (p *Program) given() error {
	env := p.env
	if env.Examples != nil && len(env.Examples) != p.plan.Batch {
		return fmt.Errorf("%d numbers of examples for a batch of %d", len(env.Examples), p.plan.Batch)
	}
	for _, v := range p.outside {
		kind, t := "input", (*tensor.Tensor)(nil)
		if v.Place == plan.Input {
			t = env.Inputs[v.Name]
		} else {
			kind = "variable"
			if v.Average && env.Averages != nil {
				t = env.Averages(v.Name)
			}
			if t == nil && env.Variables != nil {
				t = env.Variables(v.Name)
			}
		}
		if t == nil {
			return fmt.Errorf("%s %s is not given", kind, v.Name)
		}
		m := &p.memory[v.ID]
		rows := tensor.Rows(v.Type, p.plan.Batch)
		var f, b, i int
		switch v.Type.DType {
		case graph.Bit:
			b = rows * m.words
		case graph.I32:
			i = rows * m.size
		default:
			f = rows * m.size
		}
		if !t.Type.Equal(v.Type) || len(t.F32) != f || len(t.Bits) != b || len(t.I32) != i {
			return fmt.Errorf("%s %s is %v of a batch of %d with %d elements, want %v and a batch of %d", kind, v.Name, t.Type, t.N,
				len(t.F32)+len(t.Bits)+len(t.I32), v.Type, p.plan.Batch)
		}
		m.f, m.b, m.i = t.F32, t.Bits, t.I32
	}
	p.alias()
	return nil
}

// check looks at the results of a step.
func (p *Program) check(s *plan.Step) error {
	for _, v := range s.Out {
		for _, x := range p.memory[v.ID].f {
			if !finite(x) {
				return &NotFinite{Layer: s.Layer, Op: string(v.Source)}
			}
		}
	}
	return nil
}

// finite reports whether x is neither infinite nor no number.
func finite(x float32) bool { return math.Float32bits(x)&0x7f800000 != 0x7f800000 }

// Plan returns the plan that the program runs.
func (p *Program) Plan() *plan.Plan { return p.plan }

// Outputs returns the names of the results, in the order of the graph.
func (p *Program) Outputs() []string { return p.names }

// Output returns a result by name, nil where there is none. It holds until the next Run of the program.
func (p *Program) Output(name string) *tensor.Tensor {
	for i, n := range p.names {
		if n == name {
			return p.outputs[i]
		}
	}
	return nil
}

// examples returns the first example of slot s of a batch of n, and the one after its last.
func examples(s, n int) (from, to int) { return s * n / plan.Slots, (s + 1) * n / plan.Slots }
