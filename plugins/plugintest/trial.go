package plugintest

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/host"
	"snnc.dev/snnc/runtime/opaque"
)

// guard is what lies in memory before a call and between operands: not a number, and none that arithmetic makes.
var guard = math.Float32frombits(0x7fc0dead)

func untouched(v float32) bool { return math.Float32bits(v) == math.Float32bits(guard) }

// apart is how many numbers of guard lie behind each operand, which begins at a multiple of it.
const apart = 16

// trial is an opaque component at dims, and how a question is put to it.
type trial struct {
	*graph.Opaque
	dims []int
	size int // of an example at one time step

	local bool // no gradient goes through time, as the description says
}

// question is a call: all blocks of it, and which examples it is about.
type question struct {
	opaque.Block
	inputs [][]float32
	state  [][]float32 // nil: at their starts
	seeds  []uint64    // of all examples of the batch
	keep   bool        // what is saved
	next   bool        // the states at the end
}

// answer is what a call gives: whole blocks.
type answer struct {
	output      []float32
	saved, next [][]float32
}

// length returns how many numbers a block has with time steps or without.
func (t *trial) length(b opaque.Block, timed bool) int {
	if !timed {
		b.Steps = 1
	}
	return b.Steps * b.Batch * t.size
}

// in and out report whether what flows in and out has time steps.
func (t *trial) in() bool  { return t.Direction != graph.Encode }
func (t *trial) out() bool { return t.Direction != graph.Decode }

// layout lays operands into memory.
type layout struct {
	at     []int
	length []int
	total  int
}

// add gives an operand its place.
func (l *layout) add(n int) int {
	at := l.total
	l.at, l.length = append(l.at, at), append(l.length, n)
	l.total += (n+apart-1)/apart*apart + apart
	return at
}

// filled returns memory that holds guards, and in the first operands numbers.
func (l *layout) filled(s opaque.Server, given [][]float32) (opaque.Memory, error) {
	m, err := s.Memory(l.total)
	if err != nil {
		return nil, err
	}
	x := m.Floats()
	for i := range x {
		x[i] = guard
	}
	for i, v := range given {
		copy(x[l.at[i]:], v)
	}
	return m, nil
}

// judge holds memory behind a call against what the call may write: nothing of the given operands, which come first, and of the others all
// numbers of its examples and no others. names are those of the operands.
func (l *layout) judge(t *trial, b opaque.Block, call string, x []float32, given [][]float32, names []string) error {
	for i, name := range names {
		own := x[l.at[i]:][:l.length[i]]
		beyond := x[l.at[i]+l.length[i]:]
		for _, v := range beyond[:min(apart, len(beyond))] {
			if !untouched(v) {
				return &fault{Operands, fmt.Sprintf("%s writes behind the end of %s", call, name), "write at the places of the operands' own numbers only: steps x batch x dims of them, the call's examples among those"}
			}
		}
		if i < len(given) {
			for k, v := range given[i] {
				if math.Float32bits(own[k]) != math.Float32bits(v) {
					return &fault{Operands, fmt.Sprintf("%s changes %s, which it should only read", call, name), "copy what is to be changed: a call that fails in its middle is made again from its inputs"}
				}
			}
			continue
		}
		for k, v := range own {
			e := k / t.size % b.Batch
			mine := b.First <= e && e < b.First+b.Count
			switch {
			case mine && untouched(v):
				return &fault{Operands, fmt.Sprintf("%s leaves numbers of %s unwritten, the first one of example %d at time step %d", call, name, e, k/t.size/b.Batch), "write all numbers, also those that are 0: what lies there before is left from other calls"}
			case !mine && !untouched(v):
				return &fault{Operands, fmt.Sprintf("%s for the examples %d to %d writes %s of example %d", call, b.First, b.First+b.Count-1, name, e), "write the call's own examples only: others are computed at the same time"}
			}
		}
	}
	return nil
}

// late is the error of a call, which says how large the call was where it took too long.
func (t *trial) late(b opaque.Block, err error) error {
	var f *host.Failure
	if !errors.As(err, &f) || f.Kind != host.Late {
		return err
	}
	sized := *f
	sized.Err = fmt.Errorf("%w for %d time steps of %d examples of %d neurons", f.Err, b.Steps, b.Count, t.size)
	return &sized
}

// forward makes a call and judges what it writes.
func (t *trial) forward(s opaque.Server, op opaque.Operator, q question) (a answer, err error) {
	var l layout
	var names []string
	f := opaque.Forward{Block: q.Block}
	if t.Random {
		f.Seeds = q.seeds[q.First : q.First+q.Count]
	}
	given := slices.Concat(q.inputs, q.state)
	add := func(name string, n int) int { names = append(names, name); return l.add(n) }
	for _, name := range t.Inputs {
		f.Inputs = append(f.Inputs, add("input "+name, t.length(q.Block, t.in())))
	}
	for i := range q.state {
		f.State = append(f.State, add("state "+t.States[i].Name, t.length(q.Block, false)))
	}
	f.Output = add("the output", t.length(q.Block, t.out()))
	if q.keep {
		for _, name := range t.Saved {
			f.Saved = append(f.Saved, add(name+", which is saved,", t.length(q.Block, true)))
		}
	}
	if q.next {
		for _, x := range t.States {
			f.Next = append(f.Next, add("state "+x.Name+" at the end", t.length(q.Block, false)))
		}
	}
	m, err := l.filled(s, given)
	if err != nil {
		return a, err
	}
	defer m.Close()
	if err := op.Forward(m, f); err != nil {
		return a, t.late(q.Block, err)
	}
	x := m.Floats()
	if err := l.judge(t, q.Block, "Forward", x, given, names); err != nil {
		return a, err
	}
	own := func(at, n int) []float32 { return slices.Clone(x[at : at+n]) }
	a.output = own(f.Output, t.length(q.Block, t.out()))
	for _, at := range f.Saved {
		a.saved = append(a.saved, own(at, t.length(q.Block, true)))
	}
	for _, at := range f.Next {
		a.next = append(a.next, own(at, t.length(q.Block, false)))
	}
	return a, t.spikes(q.Block, a.output)
}

// backward returns the gradients by the inputs.
func (t *trial) backward(s opaque.Server, op opaque.Operator, b opaque.Block, saved [][]float32, gradient []float32) (out [][]float32, err error) {
	var l layout
	var names []string
	q := opaque.Backward{Block: b}
	add := func(name string, n int) int { names = append(names, name); return l.add(n) }
	for _, name := range t.Saved {
		q.Saved = append(q.Saved, add(name+", which was saved,", t.length(b, true)))
	}
	q.Gradient = add("the gradient by the output", t.length(b, t.out()))
	for _, name := range t.Inputs {
		q.Inputs = append(q.Inputs, add("the gradient by input "+name, t.length(b, t.in())))
	}
	given := append(slices.Clone(saved), gradient)
	m, err := l.filled(s, given)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if err := op.Backward(m, q); err != nil {
		return nil, t.late(b, err)
	}
	x := m.Floats()
	if err := l.judge(t, b, "Backward", x, given, names); err != nil {
		return nil, err
	}
	for _, at := range q.Inputs {
		out = append(out, slices.Clone(x[at:at+t.length(b, t.in())]))
	}
	return out, nil
}

// spikes judges what comes out, of the call's examples.
func (t *trial) spikes(b opaque.Block, y []float32) error {
	fired := make(map[int]bool)
	for k, v := range y {
		if e := k / t.size % b.Batch; e < b.First || e >= b.First+b.Count {
			continue
		}
		where := func(what string) string {
			return fmt.Sprintf("the output is %v at time step %d, %s", v, k/t.size/b.Batch, what)
		}
		still := k % (b.Batch * t.size)
		switch {
		case t.Spikes && v != 0 && v != 1:
			return &fault{Spikes, where("and the description says that it spikes, with 0 or 1"), "give 0 or 1, or take `spikes` out of the description"}
		case math.IsNaN(float64(v)) || math.IsInf(float64(v), 0):
			return &fault{Spikes, where("at inputs of ordinary size"), "look for a division by 0, a logarithm of 0, an exponential of much"}
		case t.Once && v == 1 && fired[still]:
			return &fault{Spikes, where("where it has spiked before, and the description says that it does so once"), "stay silent after a spike, or take `once` out of the description"}
		}
		fired[still] = fired[still] || v == 1
	}
	return nil
}
