package deploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
	"snnc.dev/snnc/runtime/record"
)

// Emulator is compiled circuits on an emulated chip: a *host.Chip.
type Emulator interface {
	Emulate(ctx context.Context, b host.Block) (schema.EmulateReply, error)
}

// Server computes the circuits of placed networks: in software at first, which it watches, and on the emulated chip once there is one. It
// is the Chips of a pool.
type Server struct {
	ctx      context.Context
	circuits []schema.Circuit
	software map[string]*software

	mu      sync.Mutex
	running int // calls of Run at work
	since   time.Time
	busy    time.Duration
	chip    Emulator
	steps   map[string]int // time steps that circuits have been run for in software
	count   bool
	compare bool
	times   map[string]map[uint64]uint64 // by circuit: how often an example of a seed has been counted in software
	did     map[string][]did             // in software, before there was a chip
	beside  map[string][]did             // in software, given what the chip was given
	on      map[string]*schema.EmulateReply
	agree   map[string][]record.LayerAgreement // by circuit, of populations with spikes
	kept    map[string]Kept                    // nil: nothing is kept
}

// Kept is a block that the chip has run, with its taps.
type Kept struct {
	Circuit schema.Circuit
	Block   host.Block
}

// Keep makes the server keep the first block of each circuit that the chip runs from here on.
func (s *Server) Keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = map[string]Kept{}
}

// Kept returns what was kept, in the order of circuits, and ends the keeping.
func (s *Server) Kept() (out []Kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.circuits {
		if k, ok := s.kept[c.Name]; ok {
			out = append(out, k)
		}
	}
	s.kept = nil
	return out
}

// keep keeps a block, where it is the first.
func (s *Server) keep(c *schema.Circuit, b host.Block) {
	if _, ok := s.kept[c.Name]; ok || s.kept == nil {
		return
	}
	own := func(all [][]float32) (out [][]float32) { // what the block has is written to again
		for _, x := range all {
			out = append(out, slices.Clone(x))
		}
		return out
	}
	b.Inputs, b.Outputs, b.Taps, b.Seeds = own(b.Inputs), own(b.Outputs), own(b.Taps), slices.Clone(b.Seeds)
	s.kept[c.Name] = Kept{*c, b}
}

// NewServer returns a server of placed networks that computes in software. The context ends what it computes.
func NewServer(ctx context.Context, p *Placed) *Server {
	s := &Server{ctx: ctx, circuits: p.Circuits, software: map[string]*software{}, steps: map[string]int{}, times: map[string]map[uint64]uint64{}, did: map[string][]did{}, beside: map[string][]did{}, on: map[string]*schema.EmulateReply{}, agree: map[string][]record.LayerAgreement{}}
	for i := range p.Circuits {
		c := &p.Circuits[i]
		s.software[c.Name] = newSoftware(c, circuit.In(p.Tensors))
	}
	return s
}

// Emulate lets the chip compute from here on.
func (s *Server) Emulate(chip Emulator) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chip = chip
}

// Watch says whether what is done from here on is counted, and whether the chip's spikes are compared with those of software.
func (s *Server) Watch(count, compare bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count, s.compare = count, compare
}

// Busy returns how long the server has been at work, by the clock on the wall: the rest of the time is the host's.
func (s *Server) Busy() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.busy
}

// at counts calls of Run that begin and, as -1, that end.
func (s *Server) at(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == 0 {
		s.since = time.Now()
	}
	if s.running += more; s.running == 0 {
		s.busy += time.Since(s.since)
	}
}

// Run computes a circuit for a block of examples.
func (s *Server) Run(g *graph.Chip, b opaque.Examples) error {
	s.at(1)
	defer s.at(-1)
	if err := s.ctx.Err(); err != nil {
		return err
	}
	soft := s.software[g.Circuit]
	if soft == nil {
		return fmt.Errorf("circuit %q is not placed", g.Circuit)
	}
	s.mu.Lock()
	chip, count, compare, keep := s.chip, s.count, s.compare, s.kept != nil
	s.mu.Unlock()
	block := host.Block{Circuit: g.Circuit, Steps: b.Steps, Batch: b.Batch, Inputs: b.Inputs, Outputs: b.Outputs, Seeds: b.Seeds}
	if chip == nil {
		s.mu.Lock()
		before := s.steps[g.Circuit]
		s.steps[g.Circuit] = cmp.Or(before, b.Steps)
		s.mu.Unlock()
		if before != 0 && before != b.Steps {
			return fmt.Errorf("circuit %q is run for %d time steps and for %d, and a chip is made ready for one number of them", g.Circuit, before, b.Steps)
		}
		var numbers []uint64
		if count {
			numbers = s.numbers(&block)
		}
		all, err := soft.run(block, numbers)
		if err == nil && count {
			s.mu.Lock()
			defer s.mu.Unlock()
			add(s.did, g.Circuit, all)
		}
		return err
	}
	if compare || keep {
		block.Taps = soft.taps(b.Steps, b.Batch)
	}
	reply, err := chip.Emulate(s.ctx, block)
	if err != nil {
		return err
	}
	var own host.Block
	var beside []did
	if compare {
		own = block
		own.Taps, own.Outputs = soft.taps(b.Steps, b.Batch), nil
		for _, x := range block.Outputs {
			own.Outputs = append(own.Outputs, make([]float32, len(x)))
		}
		if beside, err = soft.run(own, nil); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(soft.c, block)
	if count {
		if s.on[g.Circuit] == nil {
			s.on[g.Circuit] = &schema.EmulateReply{}
		}
		host.Add(s.on[g.Circuit], reply)
	}
	if compare {
		add(s.beside, g.Circuit, beside)
		s.compared(soft, own.Taps, block.Taps, b.Steps, b.Batch)
	}
	return nil
}

// numbers returns a number for each example of a block: of its seed, and of how often the circuit has had an example of that seed, which
// has one at each of the times that an inference applies its network.
func (s *Server) numbers(b *host.Block) []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := s.times[b.Circuit]
	if times == nil {
		times = map[uint64]uint64{}
		s.times[b.Circuit] = times
	}
	out := make([]uint64, b.Batch)
	for e := range out {
		seed := uint64(0)
		if len(b.Seeds) > 0 {
			seed = b.Seeds[e]
		}
		out[e] = mixed(seed + times[seed]<<48)
		times[seed]++
	}
	return out
}

// taps returns memory for the spikes of all populations that have some; not nil.
func (s *software) taps(steps, batch int) [][]float32 {
	out := [][]float32{}
	for i := range s.layers {
		if l := &s.layers[i]; !l.Reads {
			out = append(out, make([]float32, steps*batch*l.n))
		}
	}
	return out
}

// add adds what a circuit did in software.
func add(to map[string][]did, name string, all []did) {
	if to[name] == nil {
		to[name] = all
		return
	}
	for i := range all {
		to[name][i].add(all[i])
	}
}

// compared counts spikes of taps of a circuit, and keeps what the first example does.
func (s *Server) compared(soft *software, software, chip [][]float32, steps, batch int) {
	all := s.agree[soft.c.Name]
	if all == nil {
		for _, q := range soft.c.Populations {
			if k := len(all); !q.Reads {
				all = append(all, record.LayerAgreement{Network: soft.c.Network, Circuit: soft.c.Name, Layer: q.Name, Raster: raster(software[k], chip[k], steps, batch)})
			}
		}
		s.agree[soft.c.Name] = all
	}
	for k := range software {
		row := len(software[k]) / steps
		for len(all[k].Steps) < steps {
			all[k].Steps = append(all[k].Steps, record.StepAgreement{})
		}
		for t := range steps {
			var a record.StepAgreement
			x, y := software[k][t*row:][:row], chip[k][t*row:][:row]
			for i, v := range x {
				a.Software += float64(v)
				a.Chip += float64(y[i])
				a.Both += float64(v * y[i])
			}
			to := &all[k].Steps[t]
			to.Software += a.Software
			to.Chip += a.Chip
			to.Both += a.Both
		}
	}
}

// Measure writes what was counted in software, in so many inferences, into the circuits of p, its rates into the tensors, and into its layers.
// A circuit gets the time steps that it was run for, which are not those of its types where its network works at any number.
// It fails where a membrane is not finite.
func (s *Server) Measure(p *Placed, inferences int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p.Circuits {
		c := &p.Circuits[i]
		if n := s.steps[c.Name]; n > 0 {
			c.Steps = n
		}
		all := s.did[c.Name]
		if all == nil {
			continue // never applied
		}
		for k := range c.Populations {
			q, d := &c.Populations[k], &all[k]
			m := &schema.Measured{Examples: inferences}
			steps := float64(inferences) * p.runs[c.Name] * float64(len(d.spikes))
			m.Rates = &schema.Tensor{Dims: q.Dims, Offset: 4 * len(p.Tensors)}
			// Whole numbers are added up and divided once: sums of shares could be above 1 by rounding.
			spikes, active := 0.0, 0
			for _, n := range d.each {
				if spikes += n; n > 0 {
					active++
				}
				p.Tensors = append(p.Tensors, float32(n/steps))
			}
			m.Rate, m.Active = spikes/(steps*float64(len(d.each))), float64(active)/float64(len(d.each))
			sorted := d.seen.sorted()
			if n := len(sorted); n > 0 {
				for _, v := range []float64{float64(sorted[0]), float64(sorted[n-1])} {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						return fmt.Errorf("layer %s of network %s: a membrane is %v in software, before there is a chip: look for weights and inputs that are too large for single precision", q.Name, c.Network, v)
					}
				}
			}
			m.Low, m.High = quantile(sorted, 0.001), quantile(sorted, 0.999)
			q.Measured = m
			if l := p.layer(c.Name, q.Name); l != nil {
				shown := *m
				shown.Rates = nil
				l.Measured = &shown
			}
		}
	}
	return nil
}

// quantile returns a quantile of sorted numbers; 0 of none.
func quantile(sorted []float32, share float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[int(math.Round(share*float64(len(sorted)-1)))])
}

func scaled(x []float64, by float64) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * by
	}
	return out
}

// layer returns a layer on the chip.
func (p *Placed) layer(circuit, name string) *record.DeployedLayer {
	i := slices.IndexFunc(p.Layers, func(l record.DeployedLayer) bool { return l.Circuit == circuit && l.Layer == name })
	if i < 0 {
		return nil
	}
	return &p.Layers[i]
}

// Report writes what the chip did, in so many inferences, into a deployment: ticks, time, energy, activities and agreement; and what software
// did where it was given the same, in as many as were compared.
func (s *Server) Report(d *record.Deployment, inferences, compared int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	each := 1 / float64(inferences)
	d.Counted = inferences
	var sum schema.EmulateReply
	for _, name := range slices.Sorted(maps.Keys(s.on)) {
		r := s.on[name]
		for _, a := range r.Layers {
			i := slices.IndexFunc(d.Layers, func(l record.DeployedLayer) bool { return l.Circuit == name && l.Layer == a.Layer })
			if i < 0 {
				continue
			}
			a.Spikes = scaled(a.Spikes, each)
			for _, v := range []*float64{&a.Synops, &a.Active, &a.Inactive, &a.Messages, &a.Hops, &a.Clipped} {
				*v *= each
			}
			d.Layers[i].Activity = &a
		}
		host.Add(&sum, schema.EmulateReply{Ticks: r.Ticks, Energy: r.Energy, Time: r.Time})
	}
	d.Ticks = sum.Ticks * each
	for _, t := range sum.Time {
		d.Seconds.Low += t.Used * each
		d.Seconds.High += t.Limit * each
	}
	totals := map[string]record.Total{}
	for _, e := range sum.Energy {
		e.Low, e.High = e.Low*each, e.High*each
		d.Energy = append(d.Energy, e)
		t := totals[e.Profile]
		t.Profile, t.Low, t.High = e.Profile, t.Low+e.Low, t.High+e.High
		if !slices.Contains(t.Parts, e.Part) {
			t.Parts = append(t.Parts, e.Part)
		}
		totals[e.Profile] = t
	}
	for _, profile := range slices.Sorted(maps.Keys(totals)) {
		d.Totals = append(d.Totals, totals[profile])
	}
	for i := range s.circuits {
		c := &s.circuits[i]
		for i, x := range s.beside[c.Name] {
			at := slices.IndexFunc(d.Layers, func(l record.DeployedLayer) bool { return l.Circuit == c.Name && l.Layer == c.Populations[i].Name })
			d.Layers[at].Software = &record.SoftwareActivity{Spikes: scaled(x.spikes, 1/float64(compared)), Synops: x.synops / float64(compared)}
		}
		d.Agreement = append(d.Agreement, s.agree[c.Name]...)
	}
}

// Compiled writes what the target says of the compiled circuits into a deployment.
func (p *Placed) Compiled(d *record.Deployment, r schema.CompileReply) {
	d.Used, d.Chips, d.Cores, d.Constants = r.Used, r.Chips, r.Cores, r.Constants
	d.Notes = append(d.Notes, r.Notes...)
	for i := range p.Circuits {
		c := &p.Circuits[i]
		x := record.DeployedCircuit{Name: c.Name, Network: c.Network, Steps: c.Steps, Ticks: r.Programs[i].Ticks, Runs: p.runs[c.Name]}
		for k := range c.Populations {
			l := p.layer(c.Name, c.Populations[k].Name)
			x.Neurons += l.Neurons
			x.Synapses += l.Synapses
		}
		d.Circuits = append(d.Circuits, x)
	}
	for i := range r.Losses {
		if l := p.layer(r.Losses[i].Circuit, r.Losses[i].Layer); l != nil {
			l.Loss = &r.Losses[i]
		}
	}
	slices.SortStableFunc(d.Cores, func(a, b schema.Core) int {
		return cmp.Or(cmp.Compare(a.Chip, b.Chip), cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X))
	})
}
