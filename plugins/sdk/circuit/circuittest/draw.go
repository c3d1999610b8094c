package circuittest

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
)

// Options say which circuits are drawn. The zero value allows all.
type Options struct {
	Populations int                  // at most so many; 0: 6
	Neurons     int                  // of a population at most about so many; 0: 64
	Steps       int                  // exactly; 0: 2 to 8
	Kinds       []schema.SynapseKind // nil: all
	Decays      []float64            // of membranes; nil: 0, 1 and some between
	Resets      []schema.ResetKind   // nil: all
	// Whole, where it is not 0, makes weights, biases, drives, thresholds, starts and values of resets whole numbers, of at most
	// this magnitude but for thresholds.
	Whole int
	FanIn int // most connections onto a neuron; 0: any

	NoSkips      bool // each source lies just before the population
	NoViews      bool // a source is seen as it is, but for being flat
	NoBias       bool
	NoDrive      bool
	NoStart      bool
	NoCurrent    bool
	NoLate       bool
	NoOnce       bool
	NoRefractory bool
	NoReadOut    bool
	OneSource    bool // one Synapses onto each population
}

// Net is a circuit with its weights.
type Net struct {
	Circuit schema.Circuit
	Arena   []float32 // the numbers of its tensors, whose offsets count bytes
	whole   int
}

// Weights returns the numbers of a tensor of the circuit.
func (n Net) Weights(t schema.Tensor) []float32 { return circuit.In(n.Arena)(t) }

// Random draws a circuit from a seed.
func Random(seed uint64, o Options) Net {
	return draw(seeded{rand.New(rand.NewPCG(seed, 1))}, o)
}

// Generator draws circuits for properties. Examples become smaller as package rapid makes them.
func Generator(o Options) *rapid.Generator[Net] {
	return rapid.Custom(func(t *rapid.T) Net { return draw(drawn{t}, o) })
}

// Block draws a block of examples for the circuit: spikes of a rate of about a third, and drives.
func (n Net) Block(seed uint64, examples int) circuit.Block {
	r := rand.New(rand.NewPCG(seed, 2))
	b := circuit.Block{Steps: n.Circuit.Steps, Examples: examples}
	for _, in := range n.Circuit.Inputs {
		size := examples * circuit.Size(in.Dims)
		if in.Kind == schema.SpikeInput {
			size *= b.Steps
		}
		x := make([]float32, size)
		for i := range x {
			switch {
			case in.Kind == schema.DriveInput:
				x[i] = number(r, n.whole)
			case r.IntN(3) == 0:
				x[i] = 1
			}
		}
		b.Inputs = append(b.Inputs, x)
	}
	return b
}

// number draws a weight or what is like one.
func number(r *rand.Rand, whole int) float32 {
	if whole > 0 {
		return float32(r.IntN(2*whole+1) - whole)
	}
	return float32(r.NormFloat64())
}

// source of choices.
type source interface {
	below(n int) int // 0 to n - 1
	seed() uint64
}

type seeded struct{ *rand.Rand }

func (s seeded) below(n int) int { return s.IntN(n) }
func (s seeded) seed() uint64    { return s.Uint64() }

type drawn struct{ *rapid.T }

func (d drawn) below(n int) int { return rapid.IntRange(0, n-1).Draw(d.T, "choice") }
func (d drawn) seed() uint64    { return rapid.Uint64().Draw(d.T, "seed") }

// drawing is a circuit on its way.
type drawing struct {
	source
	Options
	net *Net
}

// one in so many times it is true; with the smallest choices it is not.
func (d *drawing) one(in int) bool { return d.below(in) == in-1 }

func draw(s source, o Options) Net {
	o.Populations, o.Neurons = cmp.Or(o.Populations, 6), cmp.Or(o.Neurons, 64)
	if o.Kinds == nil {
		o.Kinds = []schema.SynapseKind{schema.Dense, schema.Conv, schema.Deconv, schema.Same, schema.Pool}
	}
	if o.Decays == nil {
		o.Decays = []float64{1, 0.5, 0.9, 0, 0.25, 0.8187307530779818}
	}
	if o.Resets == nil {
		o.Resets = []schema.ResetKind{schema.ResetTo, schema.ResetBy, schema.ResetNone}
	}
	net := &Net{whole: o.Whole}
	d := &drawing{s, o, net}
	c := &net.Circuit
	c.Name, c.Network, c.Steps = "net", "net", cmp.Or(o.Steps, 2+d.below(7))
	for i := range 1 + d.below(2) {
		c.Inputs = append(c.Inputs, schema.Input{Name: fmt.Sprintf("in%d", i), Kind: schema.SpikeInput, Dims: d.dims()})
	}
	numbers := rand.New(rand.NewPCG(d.seed(), 3))
	last := 1 + d.below(o.Populations)
	for i := range last {
		d.population(i, i == last-1, numbers)
	}
	// What nobody takes in is given to the host, and some of the rest.
	taken := map[int]bool{}
	for _, p := range c.Populations {
		for _, s := range p.Synapses {
			taken[s.Population] = true
		}
	}
	for i := range c.Populations {
		c.Populations[i].Gives = !taken[i] || d.one(4)
	}
	if err := circuit.Verify(*c); err != nil {
		panic(fmt.Sprintf("circuittest: %v in %+v", err, *c))
	}
	return *net
}

// dims draws those of maps or, now and then, of a vector.
func (d *drawing) dims() []int {
	if d.one(4) {
		return []int{1 + d.below(min(d.Neurons, 16))}
	}
	side := max(1, int(math.Sqrt(float64(d.Neurons)/2)))
	dims := []int{1, 1 + d.below(side), 1 + d.below(side)}
	dims[0] += d.below(max(1, min(4, d.Neurons/(dims[1]*dims[2]))))
	return dims
}

// population adds one, with what flows into it.
func (d *drawing) population(i int, last bool, numbers *rand.Rand) {
	c := &d.net.Circuit
	p := schema.Population{Name: fmt.Sprintf("%d", i), Depth: 1}
	d.dynamics(&p, last)
	p.Dims = d.first(&p)
	if !d.OneSource {
		for d.one(3) && len(p.Synapses) < 4 {
			d.another(&p)
		}
	}
	for k := range p.Synapses {
		p.Depth = max(p.Depth, d.depth(&p.Synapses[k])+1)
	}
	for k := range p.Synapses {
		p.Synapses[k].Delay = p.Depth - 1 - d.depth(&p.Synapses[k])
		d.fill(&p.Synapses[k].Weights, numbers)
	}
	if p.Late {
		p.Depth--
	}
	if !d.NoBias && d.one(2) {
		p.Bias = &schema.Tensor{Dims: slices.Clone(p.Dims[:1])}
		if d.one(2) {
			p.Bias.Dims = slices.Clone(p.Dims)
		}
		d.fill(p.Bias, numbers)
	}
	if !d.NoDrive && d.one(4) {
		p.Drive = []int{len(c.Inputs)}
		c.Inputs = append(c.Inputs, schema.Input{Name: "drive" + p.Name, Kind: schema.DriveInput, Dims: slices.Clone(p.Dims)})
	}
	c.Populations = append(c.Populations, p)
	d.threshold(i)
}

func (d *drawing) dynamics(p *schema.Population, last bool) {
	p.Decay = d.Decays[d.below(len(d.Decays))]
	if !d.NoCurrent && d.one(4) {
		p.Current, p.CurrentDecay = true, d.Decays[d.below(len(d.Decays))]
		if d.Whole == 0 && p.CurrentDecay == 1 && p.Decay == 1 {
			p.CurrentDecay = 0.5
		}
	}
	if !d.NoReadOut && last && d.one(2) {
		p.Reads, p.Scale = true, 0.5
		return
	}
	p.Strict = d.one(2)
	p.Late = !d.NoLate && d.one(4)
	p.Once = !d.NoOnce && d.one(6)
	if !d.NoRefractory && d.one(5) {
		p.Refractory = 1 + d.below(3)
	}
	p.Reset.Kind = d.Resets[d.below(len(d.Resets))]
}

// seen draws a source and how it is seen.
func (d *drawing) seen() schema.Synapses {
	c := &d.net.Circuit
	var s schema.Synapses
	n := len(c.Populations)
	switch {
	case n == 0:
		s.Population, s.Input = -1, d.input()
	case d.NoSkips || !d.one(3):
		s.Population = n - 1
	default:
		if s.Population = d.below(n+1) - 1; s.Population < 0 {
			s.Input = d.input()
		}
	}
	dims := circuit.SourceDims(c, &s)
	s.View = schema.View{From: slices.Clone(dims), Dims: slices.Clone(dims)}
	if d.NoViews || !d.one(3) {
		return s
	}
	v := &s.View
	from := d.below(dims[0])
	v.From[0] = 1 + d.below(dims[0]-from) // some channels
	v.Offset = from * circuit.Size(dims[1:])
	if len(dims) == 3 && circuit.Size(v.From)*4 <= 2*d.Neurons {
		v.Tall, v.Wide = d.below(3), d.below(3)
	}
	v.Dims = slices.Clone(v.From)
	if len(dims) == 3 {
		v.Dims[1], v.Dims[2] = v.Dims[1]*max(1, v.Tall), v.Dims[2]*max(1, v.Wide)
	}
	return s
}

// input draws one of spikes: those come first but for drives of earlier populations.
func (d *drawing) input() int {
	var spikes []int
	for i, in := range d.net.Circuit.Inputs {
		if in.Kind == schema.SpikeInput {
			spikes = append(spikes, i)
		}
	}
	return spikes[d.below(len(spikes))]
}

func (d *drawing) depth(s *schema.Synapses) int {
	if s.Population < 0 {
		return 0
	}
	return d.net.Circuit.Populations[s.Population].Depth
}

// tries is how many synapses are drawn before a simple kind is taken.
const tries = 20

// first adds the first synapses, which say what dims the population has.
func (d *drawing) first(p *schema.Population) []int {
	for range tries {
		s := d.seen()
		in := s.View.Dims
		s.Kind = d.Kinds[d.below(len(d.Kinds))]
		var out []int
		switch s.Kind {
		case schema.Dense:
			out = d.dims()
		case schema.Same:
			out = slices.Clone(in)
		default:
			if len(in) != 3 {
				continue
			}
			s.Kernel, s.Stride = 1+d.below(4), 1+d.below(3)
			s.Pad = d.below(s.Kernel)
			out = slices.Clone(in)
			if s.Kind != schema.Pool {
				out[0] = 1 + d.below(4)
			}
			good := true
			for k := 1; k < 3; k++ {
				if s.Kind == schema.Deconv {
					out[k] = (in[k]-1)*s.Stride - 2*s.Pad + s.Kernel + d.below(s.Stride)
					good = good && out[k]+2*s.Pad >= s.Kernel
				} else if good = good && in[k]+2*s.Pad >= s.Kernel; good {
					out[k] = (in[k]+2*s.Pad-s.Kernel)/s.Stride + 1
				}
				good = good && out[k] > 0
			}
			if !good {
				continue
			}
		}
		if d.add(p, s, out) {
			return out
		}
	}
	// One-to-one with a few elements, or the only kind that there is.
	s := d.seen()
	dims := circuit.SourceDims(&d.net.Circuit, &s)
	s.View = schema.View{From: slices.Clone(dims), Dims: slices.Clone(dims)}
	if !d.NoViews && !slices.Contains(d.Kinds, schema.Same) {
		n := circuit.Size(dims)
		if d.FanIn > 0 {
			n = min(n, d.FanIn)
		}
		s.View = schema.View{From: []int{n}, Dims: []int{n}}
	}
	s.Kind = schema.Same
	out := s.View.Dims
	if !slices.Contains(d.Kinds, schema.Same) && slices.Contains(d.Kinds, schema.Dense) {
		s.Kind, out = schema.Dense, []int{1 + d.below(8)}
	}
	d.add(p, s, slices.Clone(out))
	return slices.Clone(out)
}

// another tries to add synapses from another source.
func (d *drawing) another(p *schema.Population) {
	for range tries {
		s := d.seen()
		in, out := s.View.Dims, p.Dims
		s.Kind = d.Kinds[d.below(len(d.Kinds))]
		switch s.Kind {
		case schema.Dense:
		case schema.Same:
			if circuit.Size(in) != circuit.Size(out) {
				continue
			}
		default:
			if len(in) != 3 || len(out) != 3 || s.Kind == schema.Pool && in[0] != out[0] {
				continue
			}
			s.Kernel, s.Stride = 1+d.below(4), 1+d.below(3)
			s.Pad = d.below(s.Kernel)
		}
		if d.add(p, s, out) {
			return
		}
	}
}

// add adds synapses where they lead to the dims and keep the limits.
func (d *drawing) add(p *schema.Population, s schema.Synapses, out []int) bool {
	if s.Kind == schema.Dense && d.one(2) {
		s.View.Dims = []int{circuit.Size(s.View.Dims)}
	}
	s.Weights.Dims = circuit.WeightDims(&s, out)
	if g := circuit.GeometryOf(&s, out); !g.Rows.Fits() || !g.Cols.Fits() {
		return false
	}
	if circuit.Size(out) > 4*d.Neurons {
		return false
	}
	if d.FanIn > 0 {
		most := make([]int, circuit.Size(out))
		for _, x := range append(slices.Clone(p.Synapses), s) {
			for i, n := range circuit.FanIn(&x, out) {
				if most[i] += n; most[i] > d.FanIn {
					return false
				}
			}
		}
	}
	p.Synapses = append(p.Synapses, s)
	return true
}

// fill lays a tensor into the arena.
func (d *drawing) fill(t *schema.Tensor, numbers *rand.Rand) {
	t.Offset = 4 * len(d.net.Arena)
	for range circuit.Size(t.Dims) {
		d.net.Arena = append(d.net.Arena, number(numbers, d.Whole))
	}
}

// threshold puts that of the last population where about a fifth of the values of its membranes are above it, were there no spikes. It
// is positive, so that silence stays silence, and the membrane starts and is reset below it.
func (d *drawing) threshold(i int) {
	c := d.net.Circuit
	p := &d.net.Circuit.Populations[i]
	if p.Reads {
		return
	}
	silent := *p
	silent.Threshold, silent.Once, silent.Refractory = math.MaxFloat32, false, 0
	c.Populations = append(slices.Clone(c.Populations[:i]), silent)
	out, err := circuit.Run[float64](&c, d.net.Weights, Net{Circuit: c, whole: d.Whole}.Block(4, 3))
	if err != nil {
		panic(err)
	}
	v := slices.Sorted(slices.Values(out.Membranes[i]))
	p.Threshold = math.Max(v[len(v)*4/5], 0.1*math.Max(math.Abs(v[0]), math.Abs(v[len(v)-1])))
	if p.Threshold == 0 {
		p.Threshold = 1
	}
	unit := func(x float64) float64 {
		if d.Whole > 0 {
			return math.Round(math.Max(-float64(d.Whole), math.Min(x, float64(d.Whole))))
		}
		return x
	}
	if d.Whole > 0 {
		p.Threshold = math.Max(1, math.Round(p.Threshold))
	}
	switch p.Reset.Kind {
	case schema.ResetBy:
		p.Reset.Value = p.Threshold
	case schema.ResetTo:
		if d.one(3) {
			p.Reset.Value = unit(-p.Threshold / 4)
		}
	}
	if !d.NoStart && d.one(5) {
		p.Start = unit(p.Threshold / 2)
	}
}
