package plugintest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"snnc.dev/snnc/plugins/schema"
	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
)

// The sizes of what is asked: small, and odd, so that a dim that is taken for another one shows.
const (
	steps = 7
	batch = 5
)

// shapes are dims of the examples: the first that a component takes.
var shapes = [][]int{{3, 2, 4}, {24}, {8, 8, 16}}

// opaque tests a component that its plugin computes. What ends the process or takes too long ends the test.
func (s *suite) opaque(title string, u *use) {
	directions := []schema.Direction{""}
	if u.Kind == schema.Coder {
		directions = nil
		for _, d := range []schema.Direction{schema.Encode, schema.Decode} {
			if u.Goes(d) {
				directions = append(directions, d)
			}
		}
	}
	for _, d := range directions {
		title := strings.TrimSpace(title + " " + string(d))
		t, err := s.declare(u, d)
		if err != nil {
			s.failed(title, Schema, err)
			continue
		}
		s.judge(title, t)
		if s.done() {
			return
		}
	}
}

// declare asks what a component keeps.
func (s *suite) declare(u *use, d schema.Direction) (*trial, error) {
	q := schema.PrepareRequest{Component: u.Name, Arguments: u.args, Direction: d}
	var r, first schema.PrepareReply
	for i, dims := range shapes {
		q.Dims = dims
		var err error
		if r, err = s.host(1).Prepare(s.ctx, s.name, q); err != nil {
			return nil, err
		}
		if i == 0 {
			first = r
		}
		if len(r.Complaints) == 0 {
			break
		}
	}
	if len(r.Complaints) > 0 {
		c := first.Complaints[0]
		return nil, &fault{Schema, fmt.Sprintf("it complains of `%s`: %s", c.Path, c.Summary), "let the defaults be right for examples of [3 2 4], of [24] or of [8 8 16], or pass --use with arguments that are"}
	}
	again, err := s.host(1).Prepare(s.ctx, s.name, q)
	if err != nil {
		return nil, err
	}
	a, _ := json.Marshal(r) // plain structs
	if b, _ := json.Marshal(again); string(a) != string(b) {
		return nil, &fault{Determinism, fmt.Sprintf("two processes answer Prepare with %s and %s", a, b), "let what Prepare returns depend on the arguments and dims alone"}
	}
	arguments, err := json.Marshal(u.args)
	if err != nil {
		return nil, fmt.Errorf("write the arguments: %w", err)
	}
	decodes := d == schema.Decode
	o := &graph.Opaque{Name: "o0", Plugin: s.name, Component: u.Name, Version: u.Version, Arguments: string(arguments), Direction: graph.Direction(d),
		Spikes: u.Opaque.Spikes && !decodes, Once: u.Opaque.Once && !decodes, Gradient: u.Opaque.Gradient, Random: u.Opaque.Random, Inputs: u.Opaque.Takes(), Saved: r.Saved}
	for _, x := range r.States {
		o.States = append(o.States, graph.EquationState(x))
	}
	if err := o.Verify(); err != nil {
		return nil, &fault{Schema, err.Error(), "mend the states and what is saved in the answer to Prepare"}
	}
	t := at(o, q.Dims)
	t.local = u.Opaque.Local
	return t, nil
}

// at returns the trial of a component at dims.
func at(o *graph.Opaque, dims []int) *trial {
	t := &trial{Opaque: o, dims: dims, size: 1}
	for _, n := range dims {
		t.size *= n
	}
	return t
}

// judge makes all tests of an opaque component.
func (s *suite) judge(title string, t *trial) {
	of := func(f func(*trial) (string, error)) func() (string, error) {
		return func() (string, error) { return f(t) }
	}
	s.each(title, []test{
		{Determinism, of(s.determinism)}, {Leak, of(s.leak)}, {Examples, of(s.examples)}, {Steps, of(s.stepped)}, {Gradient, of(s.gradient)},
		{Malformed, of(s.malformed)}, {Restart, of(s.restart)}, {Memory, of(s.memory)}, {Speed, of(s.speed)},
	}, Operands, Spikes, Answer, Deadline, Crash)
}

// begin prepares the component in a process of its own.
func (s *suite) begin(t *trial, tries int) (opaque.Server, opaque.Operator, *host.Host, error) {
	h := s.host(tries)
	op, err := h.Opaque().Prepare(t.Opaque, t.dims)
	return h.Opaque(), op, h, err
}

// asked is a question with inputs that follow from a seed: of several sizes, so that some make neurons fire and others do not.
func (t *trial) asked(seed uint64) question {
	q := question{Block: opaque.Block{Steps: steps, Batch: batch, Count: batch}, keep: t.Gradient, next: true}
	draw := rand.New(rand.NewPCG(seed, 1))
	for range t.Inputs {
		q.inputs = append(q.inputs, t.drawn(draw, q.Block, func(e int) float64 { return math.Pow(4, float64(e%4-1)) }))
	}
	for range batch {
		q.seeds = append(q.seeds, draw.Uint64N(1<<48))
	}
	return q
}

// drawn draws an input: spikes for what decodes, numbers from 0 to 1 for what encodes, and for neurons numbers that are about the size of
// their example, most of them positive.
func (t *trial) drawn(draw *rand.Rand, b opaque.Block, size func(example int) float64) []float32 {
	x := make([]float32, t.length(b, t.in()))
	for k := range x {
		switch t.Direction {
		case graph.Encode:
			x[k] = draw.Float32()
		case graph.Decode:
			x[k] = float32(draw.IntN(2))
		default:
			x[k] = float32(size(k/t.size%b.Batch) * (0.5 + draw.NormFloat64()))
		}
	}
	return x
}

// whole makes a call and, where the component has a derivative, that of all it gives.
func (t *trial) whole(s opaque.Server, op opaque.Operator, q question) (all [][]float32, names []string, err error) {
	a, err := t.forward(s, op, q)
	if err != nil {
		return nil, nil, err
	}
	all, names = [][]float32{a.output}, []string{"the output"}
	for i, x := range a.saved {
		all, names = append(all, x), append(names, t.Saved[i]+", which is saved,")
	}
	for i, x := range a.next {
		all, names = append(all, x), append(names, "state "+t.States[i].Name+" at the end")
	}
	if !t.Gradient {
		return all, names, nil
	}
	g, err := t.backward(s, op, q.Block, a.saved, t.weights(q.Block))
	for i, x := range g {
		all, names = append(all, x), append(names, "the gradient by input "+t.Inputs[i])
	}
	return all, names, err
}

// weights are a gradient by the output.
func (t *trial) weights(b opaque.Block) []float32 {
	draw := rand.New(rand.NewPCG(3, 4))
	w := make([]float32, t.length(b, t.out()))
	for k := range w {
		w[k] = float32(draw.NormFloat64())
	}
	return w
}

// differs returns the name of the first block that is not bit for bit the same; "" where all are.
func differs(a, b [][]float32, names []string) string {
	for i := range a {
		if !slices.EqualFunc(a[i], b[i], func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) }) {
			return names[i]
		}
	}
	return ""
}

// determinism asks two fresh processes the same.
func (s *suite) determinism(t *trial) (string, error) {
	var first [][]float32
	for range 2 {
		memory, op, _, err := s.begin(t, 1)
		if err != nil {
			return "", err
		}
		all, names, err := t.whole(memory, op, t.asked(1))
		if err != nil {
			return "", err
		}
		if first == nil {
			first = all
		} else if x := differs(first, all, names); x != "" {
			return "", &fault{Determinism, "two processes that are asked the same differ in " + x,
				"draw random numbers from the call's seeds alone, say `random` in the description, and sum in a fixed order"}
		}
	}
	return "", nil
}

// leak asks one process for a sequence, for another one, and for the first one again, also where the other one is of other dims; and for the
// gradient of the first one behind the other.
func (s *suite) leak(t *trial) (string, error) {
	memory, op, _, err := s.begin(t, 1)
	if err != nil {
		return "", err
	}
	var first [][]float32
	for _, seed := range []uint64{1, 2, 1} {
		all, names, err := t.whole(memory, op, t.asked(seed))
		if err != nil {
			return "", err
		}
		if first == nil {
			first = all
			continue
		}
		if x := differs(first, all, names); seed == 1 && x != "" {
			return "", &fault{Leak, "a sequence that is computed once more, behind another one, differs in " + x,
				"keep nothing from call to call: states begin at their start or where the call says, and Backward uses what was saved alone"}
		}
	}
	if err := s.mixed(t, memory, op, first); err != nil || !t.Gradient {
		return "", err
	}
	a, err := t.forward(memory, op, t.asked(1))
	if err != nil {
		return "", err
	}
	if _, err := t.forward(memory, op, t.asked(2)); err != nil {
		return "", err
	}
	q := t.asked(1)
	g, err := t.backward(memory, op, q.Block, a.saved, t.weights(q.Block))
	if err != nil {
		return "", err
	}
	if x := differs(first[len(first)-len(g):], g, t.Inputs); x != "" {
		return "", &fault{Leak, "the gradient of a sequence is another one behind the Forward of another sequence, by input " + x,
			"let Backward use what Forward has saved alone: between the two come calls for other examples, and other processes"}
	}
	return "", nil
}

// mixed asks a process in which the component is prepared at other dims as well: once that has been asked, what is first has to come again.
func (s *suite) mixed(t *trial, memory opaque.Server, op opaque.Operator, first [][]float32) error {
	dims := slices.Clone(t.dims)
	if len(dims) == 1 {
		dims[0] /= 2
	}
	slices.Reverse(dims)
	other := at(t.Opaque, dims)
	beside, err := memory.Prepare(other.Opaque, dims)
	if f := (*host.Failure)(nil); errors.As(err, &f) && (f.Kind == host.Refused || f.Kind == host.Nonsense) { // it does not take these
		return nil
	}
	if err != nil {
		return err
	}
	defer beside.Close()
	if _, _, err := other.whole(memory, beside, other.asked(1)); err != nil {
		return err
	}
	all, names, err := t.whole(memory, op, t.asked(1))
	if err != nil {
		return err
	}
	if x := differs(first, all, names); x != "" {
		return &fault{Leak, fmt.Sprintf("where the component is prepared at dims %v as well, a sequence at dims %v differs in %s", dims, t.dims, x),
			"keep what belongs to a use, such as its arguments and dims, with its handle: a network has many layers, and one process computes all"}
	}
	return nil
}

// examples asks for a batch at once and for its examples one by one; and for a larger batch at once and in parts at the same time.
func (s *suite) examples(t *trial) (string, error) {
	memory, op, _, err := s.begin(t, 1)
	if err != nil {
		return "", err
	}
	q := t.asked(1)
	all, names, err := t.whole(memory, op, q)
	if err != nil {
		return "", err
	}
	for e := range batch {
		q.First, q.Count = e, 1
		alone, _, err := t.whole(memory, op, q)
		if err != nil {
			return "", err
		}
		if e, i, by := t.apart(q.Block, all, alone); i >= 0 {
			return "", &fault{Examples, fmt.Sprintf("example %d is another one alone than in a batch of %d, in %s, by up to %.2g", e, batch, names[i], by),
				"compute each example from its own numbers: a batch is cut into calls in any way. Where the difference is as small as roundings a product of matrices" +
					" rounds a row by how many there are: multiply each example by itself, in numpy x.reshape(examples, 1, n) @ k"}
		}
	}
	if err := t.carried(memory, op); err != nil {
		return "", err
	}
	return "", t.together(memory, op)
}

// carried asks for the last example alone where sequences go on from states.
func (t *trial) carried(memory opaque.Server, op opaque.Operator) error {
	if len(t.States) == 0 || t.Direction != "" {
		return nil
	}
	q := t.asked(1)
	before, err := t.forward(memory, op, q)
	if err != nil {
		return err
	}
	q.state = before.next
	all, err := t.forward(memory, op, q)
	if err != nil {
		return err
	}
	q.First, q.Count = batch-1, 1
	alone, err := t.forward(memory, op, q)
	if err != nil {
		return err
	}
	if e, i, by := t.apart(q.Block, append(all.next, all.output), append(alone.next, alone.output)); i >= 0 {
		return &fault{Examples, fmt.Sprintf("example %d of a sequence that goes on from states is another one alone than in a batch of %d, by up to %.2g", e, batch, by),
			"begin at the states of the call's own examples"}
	}
	return nil
}

// together asks for a batch in parts at the same time, some times.
func (t *trial) together(memory opaque.Server, op opaque.Operator) error {
	const (
		examples, parts = 128, 8
		rounds          = 4
	)
	q, _ := t.many(examples, steps)
	q.next = true
	q.keep = t.Gradient
	all, names, err := t.whole(memory, op, q)
	if err != nil {
		return err
	}
	var blocks []opaque.Block
	for k := range parts {
		blocks = append(blocks, opaque.Block{Steps: q.Steps, Batch: examples, First: k * examples / parts, Count: examples / parts})
	}
	for range rounds {
		if err := opaque.Each(blocks, func(_ int, b opaque.Block) error {
			q := q
			q.Block = b
			part, _, err := t.whole(memory, op, q)
			if err != nil {
				return err
			}
			if e, i, by := t.apart(b, all, part); i >= 0 {
				return &fault{Examples, fmt.Sprintf("example %d is another one where parts of a batch are asked for at the same time, in %s, by up to %.2g", e, names[i], by),
					"let calls share nothing that they write, such as a buffer: several come at a time"}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// apart returns the first example of a block, and the number of the first operand, in which the answers of two calls differ, and the largest
// difference in that; -1 where none does.
func (t *trial) apart(b opaque.Block, all, part [][]float32) (example, operand int, by float64) {
	example = -1
	for i := range all {
		for k, v := range all[i] {
			if e := k / t.size % b.Batch; b.First <= e && e < b.First+b.Count && math.Float32bits(v) != math.Float32bits(part[i][k]) {
				if example < 0 {
					example = e
				}
				by = max(by, math.Abs(float64(v)-float64(part[i][k])))
			}
		}
		if example >= 0 {
			return example, i, by
		}
	}
	return -1, -1, 0
}

// stepped asks for a block at once and step by step, with the states carried.
func (s *suite) stepped(t *trial) (string, error) {
	switch {
	case t.Direction != "":
		return "", untested("not for a coder, which is asked for whole sequences")
	case t.Random:
		return "", untested("not for what is random: each call has its own seeds")
	}
	memory, op, _, err := s.begin(t, 1)
	if err != nil {
		return "", err
	}
	q := t.asked(1)
	want, err := t.forward(memory, op, q)
	if err != nil {
		return "", err
	}
	row := batch * t.size
	var state [][]float32
	for k := range steps {
		one := question{Block: q.Block, state: state, next: true}
		one.Steps = 1
		for _, x := range q.inputs {
			one.inputs = append(one.inputs, x[k*row:(k+1)*row])
		}
		a, err := t.forward(memory, op, one)
		if err != nil {
			return "", err
		}
		if x := differs([][]float32{want.output[k*row : (k+1)*row]}, [][]float32{a.output}, []string{"output"}); x != "" {
			return "", &fault{Steps, fmt.Sprintf("time step %d by itself, with the states carried, is not that of the block", k),
				"keep all that goes on from step to step in states, begin at those that the call gives, and leave them as they are behind the last step"}
		}
		state = a.next
	}
	for i := range want.next {
		if x := differs(want.next[i:i+1], state[i:i+1], []string{t.States[i].Name}); x != "" {
			return "", &fault{Steps, fmt.Sprintf("state %s behind the last step is another one where the steps are made one by one", x),
				"leave states as they are behind the last step"}
		}
	}
	return "", nil
}

// restart kills the process between two calls.
func (s *suite) restart(t *trial) (string, error) {
	memory, op, h, err := s.begin(t, 3)
	if err != nil {
		return "", err
	}
	all, names, err := t.whole(memory, op, t.asked(1))
	if err != nil {
		return "", err
	}
	if err := kill(h); err != nil {
		return "", err
	}
	again, _, err := t.whole(memory, op, t.asked(1))
	if err != nil {
		return "", err
	}
	if x := differs(all, again, names); x != "" {
		return "", &fault{Restart, "the process that takes the place of a killed one differs in " + x, "keep nothing outside the process that calls depend on, such as files and locks"}
	}
	return "", nil
}
