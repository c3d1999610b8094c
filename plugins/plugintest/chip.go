package plugintest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"snnc.dev/snnc/plugins/schema"
	geometry "snnc.dev/snnc/plugins/sdk/circuit"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
)

// chip is a target at arguments with a circuit that it takes.
type chip struct {
	of        *suite
	title     string
	component *schema.Component
	arguments schema.Arguments
	circuit
}

// emulated tests what a chip computes.
func (s *suite) emulated(c *chip) {
	s.each(c.title, []test{{Determinism, c.determinism}, {Agreement, c.agreement}, {Leak, c.leak}, {Examples, c.examples}, {Counts, c.counts},
		{Time, c.time}, {Export, c.export}, {Malformed, c.malformed}, {Restart, c.restart}}, Operands, Spikes, Answer, Deadline, Crash)
}

// begin compiles the circuit in a process of its own.
func (c *chip) begin(tries int) (*host.Host, *host.Chip, schema.CompileReply, error) {
	h := c.of.host(tries)
	on, r, err := c.compile(h)
	return h, on, r, err
}

func (c *chip) compile(h *host.Host) (*host.Chip, schema.CompileReply, error) {
	on, r, err := h.Compile(c.of.ctx, c.of.name, schema.CompileRequest{Component: c.component.Name, Arguments: c.arguments, Circuits: []schema.Circuit{c.Circuit}, Seed: 3}, c.tensors)
	if err == nil && on == nil {
		what := "says that it does not fit"
		if len(r.Complaints) > 0 {
			what = "complains: " + r.Complaints[0].Summary
		}
		err = &fault{Agreement, "Check lets a circuit in, and Compile of the same " + what, "let Check and Compile judge circuits by the same function"}
	}
	return on, r, err
}

// asked is a call about some examples of a block.
type asked struct {
	input        []float32
	examples     int
	first, count int
	seeds        []uint64 // of all examples
	taps         bool
}

// ask returns the call about a block of so many examples that follows from a seed.
func (c *chip) ask(seed uint64, examples int) asked {
	a := asked{input: c.input(seed, examples), examples: examples, count: examples, taps: true}
	for e := range examples {
		a.seeds = append(a.seeds, 1<<40+1000*seed+uint64(e))
	}
	return a
}

// told is what a call gave: the outputs, then the taps, whole blocks, and the reply.
type told struct {
	blocks [][]float32
	reply  schema.EmulateReply
}

// run makes a call, with guards around all blocks.
func (c *chip) run(h *host.Host, on *host.Chip, a asked) (t told, err error) {
	dims, names := c.blocks()
	if !a.taps {
		dims, names = dims[:len(dims)-len(c.Populations)], names[:len(names)-len(c.Populations)]
	}
	var l layout
	q := schema.EmulateRequest{Circuit: c.Name, Steps: steps, Batch: a.examples, First: a.first, Count: a.count, Outputs: []int{}, Seeds: a.seeds[a.first : a.first+a.count]}
	for i, d := range dims {
		at := 4 * l.add(steps*a.examples*geometry.Size(d))
		switch {
		case i == 0:
			q.Inputs = []int{at}
		case i < len(dims)-len(c.Populations) || !a.taps:
			q.Outputs = append(q.Outputs, at)
		default:
			q.Taps = append(q.Taps, at)
		}
	}
	m, err := l.filled(h.Opaque(), [][]float32{a.input})
	if err != nil {
		return t, err
	}
	defer m.Close()
	var wrong error // of what the host has judged
	if t.reply, err = on.Ask(c.of.ctx, m, q); err != nil {
		if bad := (*host.Failure)(nil); !errors.As(err, &bad) || bad.Kind != host.Nonsense {
			return t, err
		}
		wrong = err
	}
	for i, d := range dims {
		part := layout{at: l.at[i : i+1], length: l.length[i : i+1]}
		var given [][]float32
		if i == 0 {
			given = [][]float32{a.input}
		}
		b := opaque.Block{Steps: steps, Batch: a.examples, First: a.first, Count: a.count}
		if err := part.judge(&trial{size: geometry.Size(d)}, b, "Emulate", m.Floats(), given, names[i:i+1]); err != nil {
			return t, err
		}
		if i > 0 {
			t.blocks = append(t.blocks, slices.Clone(m.Floats()[l.at[i]:][:l.length[i]]))
		}
	}
	for i, b := range t.blocks {
		for k, v := range b {
			if e := k / geometry.Size(dims[i+1]) % a.examples; a.first <= e && e < a.first+a.count && v != 0 && v != 1 {
				return t, &fault{Spikes, fmt.Sprintf("%s is %v, of example %d", names[i+1], v, e), "give 0 or 1 for each neuron and time step"}
			}
		}
	}
	return t, wrong
}

// picked returns some examples of each block of a call that was about so many, in the order given.
func (c *chip) picked(t told, examples int, which ...int) (out [][]float32) {
	dims, _ := c.blocks()
	for i, b := range t.blocks {
		var own []float32
		for row, size := 0, geometry.Size(dims[i+1]); row < len(b); row += examples * size {
			for _, e := range which {
				own = append(own, b[row+e*size:][:size]...)
			}
		}
		out = append(out, own)
	}
	return out
}

// unlike returns in what two answers differ; "" where they are the same.
func (c *chip) unlike(a, b told) string {
	_, names := c.blocks()
	if x := differs(a.blocks, b.blocks, names[1:]); x != "" {
		return x
	}
	if text(a.reply) != text(b.reply) {
		return "the reply, " + unequal(text(a.reply), text(b.reply))
	}
	return ""
}

// determinism asks two fresh processes the same.
func (c *chip) determinism() (string, error) {
	var first told
	var compiled string
	for k := range 2 {
		h, on, r, err := c.begin(1)
		if err != nil {
			return "", err
		}
		t, err := c.run(h, on, c.ask(1, batch))
		if err != nil {
			return "", err
		}
		bad := &fault{name: Determinism, mend: "draw random numbers from the seeds of the request alone, and sum in a fixed order"}
		switch {
		case k == 0:
			first, compiled = t, text(r)
		case text(r) != compiled:
			bad.found = "two processes compile the same otherwise: " + unequal(compiled, text(r))
			return "", bad
		case c.unlike(first, t) != "":
			bad.found = "two processes that emulate the same differ in " + c.unlike(first, t)
			return "", bad
		}
	}
	return "", nil
}

// agreement compares what Check and Compile say of the same circuit.
func (c *chip) agreement() (string, error) {
	h, _, r, err := c.begin(1)
	if err != nil {
		return "", err
	}
	said, err := h.Check(c.of.ctx, c.of.name, schema.TargetRequest{Component: c.component.Name, Arguments: c.arguments, Circuits: []schema.Circuit{c.Circuit}})
	if err != nil {
		return "", err
	}
	if text(said) != text(r.TargetReply) {
		return "", &fault{Agreement, "Check and Compile say different things of a circuit: " + unequal(text(said), text(r.TargetReply)),
			"let Compile begin with what Check answers: fits, used, layers, notes and grids"}
	}
	return fmt.Sprintf("%d steps of the chip for %d time steps", r.Programs[0].Ticks, steps), nil
}

// leak asks for a block, for another one on a chip of other weights, and for the first one again.
func (c *chip) leak() (string, error) {
	h, on, _, err := c.begin(1)
	if err != nil {
		return "", err
	}
	first, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	other := *c
	other.tensors = slices.Clone(c.tensors)
	for i := range other.tensors {
		other.tensors[i] *= -1
	}
	another, _, err := other.compile(h)
	if err != nil {
		return "", err
	}
	if _, err := other.run(h, another, c.ask(2, batch+2)); err != nil {
		return "", err
	}
	if _, err := c.run(h, on, c.ask(2, batch+2)); err != nil {
		return "", err
	}
	again, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	if x := c.unlike(first, again); x != "" {
		return "", &fault{Leak, "a block that is emulated once more, behind others and with another chip beside, differs in " + x, "begin each example at rest, and keep what belongs to a handle with it"}
	}
	return "", nil
}

// examples asks for each example alone, for parts of the block at the same time, and for all in another order.
func (c *chip) examples() (string, error) {
	h, on, _, err := c.begin(1)
	if err != nil {
		return "", err
	}
	a := c.ask(1, batch)
	whole, err := c.run(h, on, a)
	if err != nil {
		return "", err
	}
	_, names := c.blocks()
	var summed schema.EmulateReply
	for e := range batch {
		one := a
		one.first, one.count = e, 1
		t, err := c.run(h, on, one)
		if err != nil {
			return "", err
		}
		if x := differs(c.picked(t, batch, e), c.picked(whole, batch, e), names[1:]); x != "" {
			return "", &fault{Examples, fmt.Sprintf("example %d is another one alone than in a batch of %d, in %s", e, batch, x), "compute each example by itself: nothing of it may depend on its place or on the others"}
		}
		add(&summed, t.reply)
	}
	if x := apart64(summed, whole.reply); x != "" {
		return "", &fault{Counts, fmt.Sprintf("the counts of the examples one by one are not together those of the batch: %s", x), "count for all examples of the call together, and nothing else"}
	}
	turned, back := a, make([]int, batch)
	turned.input, turned.seeds = nil, nil
	size := geometry.Size(c.Inputs[0].Dims)
	for e := range batch {
		back[e] = batch - 1 - e
		turned.seeds = append(turned.seeds, a.seeds[batch-1-e])
	}
	for row := 0; row < len(a.input); row += batch * size {
		for _, e := range back {
			turned.input = append(turned.input, a.input[row+e*size:][:size]...)
		}
	}
	t, err := c.run(h, on, turned)
	if err != nil {
		return "", err
	}
	if x := differs(c.picked(t, batch, back...), whole.blocks, names[1:]); x != "" {
		return "", &fault{Examples, "in another order of the batch examples are other ones, in " + x, "let what is drawn for an example follow from its seed alone, and nothing from its place in the batch"}
	}
	parts := []asked{a, a, a}
	parts[0].count, parts[1].first, parts[1].count, parts[2].first, parts[2].count = 2, 2, 1, 3, batch-3
	answers, bad := make([]told, len(parts)), make([]error, len(parts))
	var all sync.WaitGroup
	for i, p := range parts {
		all.Go(func() { answers[i], bad[i] = c.run(h, on, p) })
	}
	all.Wait()
	if err := errors.Join(bad...); err != nil {
		return "", err
	}
	for i, p := range parts {
		var which []int
		for e := range p.count {
			which = append(which, p.first+e)
		}
		if x := differs(c.picked(answers[i], batch, which...), c.picked(whole, batch, which...), names[1:]); x != "" {
			return "", &fault{Examples, "where parts of a batch are asked for at the same time, examples are other ones, in " + x, "let calls share nothing that they write: Emulate is called concurrently"}
		}
	}
	return "", nil
}

// add adds the counts of a reply.
func add(sum *schema.EmulateReply, r schema.EmulateReply) {
	sum.Ticks += r.Ticks
	for i, l := range r.Layers {
		if i == len(sum.Layers) {
			sum.Layers = append(sum.Layers, schema.Activity{Layer: l.Layer, Spikes: make([]float64, len(l.Spikes))})
		}
		to := &sum.Layers[i]
		for t, n := range l.Spikes {
			to.Spikes[min(t, len(to.Spikes)-1)] += n
		}
		to.Synops, to.Active, to.Inactive = to.Synops+l.Synops, to.Active+l.Active, to.Inactive+l.Inactive
		to.Messages, to.Hops, to.Clipped = to.Messages+l.Messages, to.Hops+l.Hops, to.Clipped+l.Clipped
	}
}

// apart64 returns the first count in which two replies differ by more than their rounding; "" where none does.
func apart64(a, b schema.EmulateReply) string {
	list := func(r schema.EmulateReply) (names []string, counts []float64) {
		names, counts = []string{"ticks"}, []float64{r.Ticks}
		for _, l := range r.Layers {
			for t, n := range l.Spikes {
				names, counts = append(names, fmt.Sprintf("%s: spikes at time step %d", l.Layer, t)), append(counts, n)
			}
			names = append(names, l.Layer+": synops", l.Layer+": active", l.Layer+": inactive", l.Layer+": messages", l.Layer+": hops", l.Layer+": clipped")
			counts = append(counts, l.Synops, l.Active, l.Inactive, l.Messages, l.Hops, l.Clipped)
		}
		return names, counts
	}
	names, x := list(a)
	others, y := list(b)
	if !slices.Equal(names, others) {
		return fmt.Sprintf("there are %d counts, then %d others", len(names), len(others))
	}
	for i := range x {
		if math.Abs(x[i]-y[i]) > 1e-9*math.Abs(y[i]) {
			return fmt.Sprintf("%s, %v and %v", names[i], x[i], y[i])
		}
	}
	return ""
}

// counts holds what a reply counts against the spikes that come with it, and both against a call without taps.
func (c *chip) counts() (string, error) {
	h, on, _, err := c.begin(1)
	if err != nil {
		return "", err
	}
	t, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	taps, outputs := t.blocks[len(t.blocks)-len(c.Populations):], t.blocks
	all := 0.0
	for i, p := range c.Populations {
		k := slices.IndexFunc(t.reply.Layers, func(l schema.Activity) bool { return l.Layer == p.Name })
		if k < 0 || len(t.reply.Layers[k].Spikes) != steps {
			return "", &fault{Counts, fmt.Sprintf("the reply does not count the spikes of population %s at each time step", p.Name), "give an Activity with `spikes` for each population that is no read-out"}
		}
		row := batch * geometry.Size(p.Dims)
		for at := range steps {
			n := 0.0
			for _, s := range taps[i][at*row:][:row] {
				n += float64(s)
			}
			if got := t.reply.Layers[k].Spikes[at]; got != n {
				return "", &fault{Counts, fmt.Sprintf("population %s counts %v spikes at time step %d, and its tap has %v", p.Name, got, at, n),
					"count the spikes of the network's time steps, not of the chip's: population p computes time step t at the chip's step t + depth - 1"}
			}
			all += n
		}
		if p.Gives {
			if !slices.Equal(outputs[0], taps[i]) {
				return "", &fault{Counts, fmt.Sprintf("the output of population %s and its tap are other spikes", p.Name), "write both from the same spikes, at the network's time steps"}
			}
			outputs = outputs[1:]
		}
	}
	bare := c.ask(1, batch)
	bare.taps = false
	u, err := c.run(h, on, bare)
	if err != nil {
		return "", err
	}
	t.blocks = t.blocks[:len(u.blocks)]
	if x := c.unlike(t, u); x != "" {
		return "", &fault{Counts, "without taps a call differs in " + x, "let the taps be a copy of the spikes, and nothing depend on whether somebody wants them"}
	}
	return fmt.Sprintf("%v spikes of %d examples", all, batch), nil
}

// repeats is how often an export is asked for again: the order of a small map is one of few, and comes twice in a row one time in eight.
const repeats = 8

// export asks for the compiled circuit in the target's own terms, with an example again and again, and has it run where the target does
// that.
func (c *chip) export() (string, error) {
	h, on, _, err := c.begin(1)
	if err != nil {
		return "", err
	}
	empty, bare, err := on.Export(c.of.ctx)
	if err != nil {
		return "", err
	}
	a := c.ask(1, 1)
	example := host.Block{Circuit: c.Name, Steps: steps, Batch: 1, Inputs: [][]float32{a.input}, Seeds: a.seeds}
	said, tensors, err := on.Export(c.of.ctx, example)
	if err != nil {
		return "", err
	}
	for range repeats {
		again, others, err := on.Export(c.of.ctx, example)
		if err != nil {
			return "", err
		}
		if said != again {
			return "", &fault{Export, "two exports differ: " + unequal(said, again), "let an export depend on the compiled circuits and the examples alone"}
		}
		for i, t := range tensors {
			if i >= len(others) || !slices.Equal(t.Bytes, others[i].Bytes) {
				return "", &fault{Export, fmt.Sprintf("two exports differ in tensor %s", t.Name), "let an export depend on the compiled circuits and the examples alone"}
			}
		}
	}
	bytes, held := 0, said != empty
	for i, t := range tensors {
		bytes += len(t.Bytes)
		held = held || i >= len(bare) || !slices.Equal(t.Bytes, bare[i].Bytes)
	}
	if !held {
		return "", &fault{Export, "an export of an example is that without one", "write what goes in of the examples that Export is given into the text"}
	}
	found := fmt.Sprintf("%d bytes of JSON, and %d of %d tensors", len(said), bytes, len(tensors))
	if !c.component.Traces {
		return found, nil
	}
	for _, text := range []string{empty, said} {
		of := tensors
		if text == empty {
			of = bare
		}
		r, err := h.Trace(c.of.ctx, c.of.name, c.component.Name, c.arguments, text, of)
		switch {
		case err != nil:
			return "", err
		case r.Error != "":
			return "", &fault{Export, "Trace does not run what Export gives: " + r.Error, "let Trace read the text and the tensors of an export"}
		}
	}
	return found + ", which Trace runs", nil
}

// malformed makes calls that are not about the circuit, and then one that is.
func (c *chip) malformed() (string, error) {
	h, on, _, err := c.begin(1)
	if err != nil {
		return "", err
	}
	right, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	const numbers = 1 << 14
	m, err := h.Opaque().Memory(numbers)
	if err != nil {
		return "", err
	}
	defer m.Close()
	good := func() schema.EmulateRequest {
		q := schema.EmulateRequest{Circuit: c.Name, Steps: steps, Batch: 1, Count: 1, Inputs: []int{0}}
		for i, p := range c.Populations {
			if p.Gives {
				q.Outputs = append(q.Outputs, 4096*(i+1))
			}
		}
		return q
	}
	if _, err := on.Ask(c.of.ctx, m, good()); err != nil {
		return "", fmt.Errorf("one example by itself: %w", err)
	}
	for _, x := range []struct {
		what   string
		change func(*schema.EmulateRequest)
	}{
		{"examples that are not in the batch", func(q *schema.EmulateRequest) { q.Count = 2 }},
		{"no time steps", func(q *schema.EmulateRequest) { q.Steps = 0 }},
		{"an input too few", func(q *schema.EmulateRequest) { q.Inputs = []int{} }},
		{"an output too many", func(q *schema.EmulateRequest) { q.Outputs = append(q.Outputs, 0) }},
		{"one tap of several", func(q *schema.EmulateRequest) { q.Taps = []int{0} }},
		{"an input beyond the memory", func(q *schema.EmulateRequest) { q.Inputs[0] = 4 * numbers }},
		{"an input at no multiple of 4 bytes", func(q *schema.EmulateRequest) { q.Inputs[0] = 2 }},
		{"seeds of other examples", func(q *schema.EmulateRequest) { q.Seeds = []uint64{1, 2} }},
	} {
		q := good()
		x.change(&q)
		_, err := on.Ask(c.of.ctx, m, q)
		var f *host.Failure
		switch {
		case err == nil, errors.As(err, &f) && f.Kind == host.Nonsense:
			return "", &fault{Malformed, fmt.Sprintf("Emulate answers a request with %s as if it were right", x.what), "check what a request says before it is followed, and return an error"}
		case f == nil || f.Kind != host.Refused:
			return "", fmt.Errorf("a request with %s: %w", x.what, err)
		}
	}
	for _, call := range []string{"Emulate", "Export"} {
		if err := c.of.refused(h, call, "a handle that is not there", `{"handle":"no such handle","circuit":"classify","steps":1,"batch":1,"count":1}`); err != nil {
			return "", err
		}
	}
	again, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	if x := c.unlike(right, again); x != "" {
		return "", &fault{Leak, "behind wrong requests a right one differs in " + x, "keep nothing from call to call"}
	}
	return "", nil
}

// restart kills the process: the one that takes its place compiles again and goes on.
func (c *chip) restart() (string, error) {
	h, on, _, err := c.begin(3)
	if err != nil {
		return "", err
	}
	first, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	if err := kill(h); err != nil {
		return "", err
	}
	again, err := c.run(h, on, c.ask(1, batch))
	if err != nil {
		return "", err
	}
	if x := c.unlike(first, again); x != "" {
		return "", &fault{Restart, "the process that takes the place of a killed one differs in " + x, "keep nothing outside the process that calls depend on, such as files and locks"}
	}
	return "", nil
}
