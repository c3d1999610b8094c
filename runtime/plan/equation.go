package plan

import (
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/plan/pass"
	"snnc.dev/snnc/runtime/tensor"
)

// Random is a register that is filled with random numbers at each time step.
type Random struct {
	Reg    int
	Label  string
	Normal bool
}

// State is a state variable of an equation: its register before a step, that of its next value, and in a derivative those of
// the gradients by the next value and by the value before.
type State struct {
	Start          float32
	Load           int // index into Loads of the value before the first step, -1: Start
	Reg, Next      int
	Own            bool // Next is a register of its own, which may be where the state is kept
	DNext, DBefore int
	OwnBefore      bool // the same of DBefore
}

// Grad is the gradient by an input, parameter or state before the first step. It is summed over the axes of the loop that
// the value lacks.
type Grad struct {
	Reg            int // per step, or for a state at the end
	Value          *Value
	State          bool // of a state: once, after the first step
	Timed, Batched bool
	Map            Map
	Direct         bool // Reg may be the memory of the value
}

// Equation runs a step over time for every element, chunk by chunk with time inside; the memory of a chunk's states is the
// worker's own. A derivative runs Forward over all steps, keeps the states before each and then runs Backward from the last
// step to the first.
type Equation struct {
	Name           string
	Steps, N, Size int
	Batched        bool
	Rows           bool // as in Loop
	Loads          []Load
	Consts         []Const
	Randoms        []Random
	Order          []int // of Randoms: the logical index of each element of a row; nil where it is its place in memory
	Time           int   // register of the step's index, -1: none
	States         []State
	Regs           int

	Forward []Instr
	Emit    int
	Last    bool     // only what the last step emits is kept, or has a gradient
	Out     *Value   // nil where nobody reads it
	Final   []*Value // of each state after the last step; nil where nobody reads it
	Places  []int32  // of what has neither time nor batch axis: where each element of a row lies in it; nil where it is the same

	Gradient bool
	Backward []Instr
	DEmit    int // index into Loads; -1 where the gradient by what is emitted is computed in the program
	Grads    []Grad
	Sums     []Sum // of what Backward computes besides
	Temporal *graph.Temporal
	Slotted  bool // something is summed over examples: each slot of the batch is one worker's
}

// equation adds the step of an equation or of its derivative.
func (f *fuser) equation(n *graph.Node) {
	e := n.Equation
	shape := pass.EquationShape(n)
	l := f.loop(shape)
	q := &Equation{Name: e.Name, Steps: shape.Steps, N: l.loop.N, Batched: shape.Batch, Size: shape.Size(), Last: n.Flag("last"),
		Time: -1, Gradient: n.Op == graph.OpEquationGrad, DEmit: -1}
	step := &Step{Equation: q, Layer: n.Layer}

	// What flows in is computed here too where that is cheap, so that it need not be stored.
	given := len(e.Inputs) + len(e.Params)
	var args []int
	for _, v := range n.In[:given] {
		if f.pending(v, shape) && !f.cheap(v) {
			f.need(v)
		}
		args = append(args, l.register(v))
	}
	for i, s := range e.States {
		state := State{Start: float32(s.Start), Load: -1, Reg: l.c.reg()}
		if n.Flag("state") {
			state.Load = len(l.loop.Loads)
			l.load(n.In[given+i])
		}
		args = append(args, state.Reg)
		q.States = append(q.States, state)
	}
	l.c.node = nil
	time := func() int {
		if q.Time < 0 {
			q.Time = l.c.reg()
		}
		return q.Time
	}
	randoms := map[Random]int{}
	random := func(m *graph.Node) int {
		x := Random{Label: n.Text("label") + "/" + m.Text("label"), Normal: m.Op == graph.OpNormal}
		if r, ok := randoms[x]; ok {
			return r
		}
		r := l.c.reg()
		randoms[x] = r
		x.Reg = r
		q.Randoms = append(q.Randoms, x)
		return r
	}
	outs := l.c.step(e.Step, args, time, shape.Steps, random)
	q.Emit = outs[0]
	for i := range q.States {
		q.States[i].Next = outs[1+i]
	}
	if q.Gradient {
		if f.derivative(n, l, q, step, args, time, random); f.err != nil {
			return
		}
	} else {
		f.results(n, q, step)
	}
	if len(q.Randoms) > 0 {
		q.Order = tensor.Order(shape)
	}
	q.registers(l)
	for _, x := range q.Loads {
		step.In = append(step.In, x.Value)
	}
	f.step(step)
}

// wanted reports whether result i of n is used.
func (f *fuser) wanted(n *graph.Node, i int) bool {
	v := graph.Value{Node: n, Index: i}
	return f.outputs[v] || len(f.users[v]) > 0
}

// results declares what an equation gives.
func (f *fuser) results(n *graph.Node, q *Equation, step *Step) {
	q.Final = make([]*Value, len(q.States))
	if still := pass.EquationShape(n).WithSteps(0); tensor.ChannelsLast(still) != tensor.ChannelsLast(pass.EquationShape(n)) {
		q.Places = compose(broadcast(pass.EquationShape(n), still.Dims), tensor.Places(still))
	}
	for i, t := range n.Out {
		if !f.wanted(n, i) {
			continue
		}
		v := f.value(t, Buffer, n.Op)
		f.done[graph.Value{Node: n, Index: i}] = v
		step.Out = append(step.Out, v)
		if i > 0 {
			q.Final[i-1] = v
			continue
		}
		q.Out = v
		q.Rows = t.DType == graph.Bit && q.Size%64 != 0
	}
}

// derivative declares what the derivative of an equation reads and gives, and compiles its step back in time.
func (f *fuser) derivative(n *graph.Node, l *looper, q *Equation, step *Step, args []int, time func() int, random func(*graph.Node) int) {
	e := n.Equation
	q.Temporal = e.Temporal
	dy, args := n.In[len(n.In)-1], args[:len(args):len(args)]
	if q.Temporal == nil && !q.Last && f.pending(dy, l.shape) && f.cheap(dy) { // computed here, as what flows in is
		args = append(args, l.register(dy))
		l.c.node = nil
	} else {
		q.DEmit = len(l.loop.Loads)
		args = append(args, l.load(dy))
	}
	var grads []int
	if q.Temporal == nil {
		for i := range q.States {
			q.States[i].DNext = l.c.reg()
			args = append(args, q.States[i].DNext)
		}
		back, err := e.Backward()
		if err != nil {
			f.err = err
			return
		}
		grads = l.c.step(back, args, time, q.Steps, random)
		for i := range q.States {
			q.States[i].DBefore = grads[len(e.Inputs)+len(e.Params)+i]
		}
	}
	for i, t := range n.Out {
		if !f.wanted(n, i) {
			continue
		}
		g := Grad{Value: f.value(t, Buffer, n.Op), State: i >= len(e.Inputs)+len(e.Params), Timed: t.Steps > 0, Batched: t.Batch}
		g.Map = f.mapping(l.shape, t)
		switch {
		case q.Temporal != nil:
			g.Reg = i // the number of the input
		case g.State:
			g.Reg = q.States[i-len(e.Inputs)-len(e.Params)].DBefore
		default:
			g.Reg = grads[i]
		}
		q.Slotted = q.Slotted || q.Batched && !t.Batch || g.Map.Shape != Same
		q.Grads = append(q.Grads, g)
		step.Out = append(step.Out, g.Value)
	}
	if q.Temporal == nil {
		f.sumsOver(n, l, q, step, grads)
	}
	k := 0
	for i := range n.Out {
		if f.wanted(n, i) {
			f.done[graph.Value{Node: n, Index: i}] = q.Grads[k].Value
			k++
		}
	}
}

// sumsOver adds to a derivative the sums of what follows from its gradients element by element, such as those of a
// normalisation's derivative: they need not read the gradients again.
func (f *fuser) sumsOver(n *graph.Node, l *looper, q *Equation, step *Step, grads []int) {
	for i, t := range n.Out {
		if i < len(grads) && f.wanted(n, i) && pass.SameShape(t, l.shape) && t.Steps > 0 {
			l.regs[graph.Value{Node: n, Index: i}] = grads[i]
		}
	}
	before := f.when[n].after
	var here func(v graph.Value) bool
	here = func(v graph.Value) bool {
		if _, ok := l.regs[v]; ok {
			return true
		}
		if f.when[v.Node].after < before && !f.pending(v, l.shape) {
			return true
		}
		return f.pending(v, l.shape) && !slices.ContainsFunc(v.Node.In, func(u graph.Value) bool { return !here(u) })
	}
	for _, m := range f.s.Nodes {
		if m.Op != graph.OpReduce || !sum(m) || f.ran[m] || f.when[m] != (turn{before, 1}) || !pass.SameShape(m.In[0].Type(), l.shape) || !here(m.In[0]) {
			continue
		}
		l.sum(m)
		x := l.loop.Sums[len(l.loop.Sums)-1]
		q.Sums = append(q.Sums, x)
		q.Slotted = true
		step.Out = append(step.Out, x.Out...)
	}
	l.c.node = nil
}

// registers leaves out what is not needed and gives out the registers, alike for both directions.
func (q *Equation) registers(l *looper) {
	var ahead, back []int
	if !q.Gradient || q.Temporal != nil {
		ahead = append(ahead, q.Emit)
	}
	fixed := map[int]bool{}
	for _, s := range q.States {
		ahead = append(ahead, s.Next)
		fixed[s.Reg] = true
		if q.Gradient && q.Temporal == nil {
			back = append(back, s.DBefore)
			fixed[s.DNext] = true
		}
	}
	if q.Temporal == nil {
		for _, g := range q.Grads {
			back = append(back, g.Reg)
		}
	}
	// A state's own register may be its next value, which a step must then not write over.
	for _, r := range slices.Concat(ahead, back) {
		fixed[r] = true
	}
	for _, x := range l.loop.Loads {
		fixed[x.Reg] = true
	}
	for _, x := range l.c.consts {
		fixed[x.Reg] = true
	}
	for _, x := range q.Randoms {
		fixed[x.Reg] = true
	}
	if q.Time >= 0 {
		fixed[q.Time] = true
	}
	// The way back reads the next values of states where the way forward kept them.
	defined, given := map[int]bool{}, map[int]bool{}
	for _, n := range l.c.instrs {
		defined[n.D] = true
	}
	for i := range q.States {
		s := &q.States[i]
		s.Own = defined[s.Next] && !given[s.Next]
		given[s.Next] = given[s.Next] || s.Own
	}
	for i := range q.States {
		s := &q.States[i]
		s.OwnBefore = q.Gradient && q.Temporal == nil && once(back, s.DBefore) && defined[s.DBefore] && !given[s.DBefore]
	}
	for i := range q.Grads {
		g := &q.Grads[i]
		g.Direct = q.Temporal == nil && !g.State && g.Timed && g.Map.Shape == Same && g.Batched == q.Batched &&
			once(back, g.Reg) && defined[g.Reg] && !given[g.Reg]
	}
	for _, x := range q.Sums {
		back = append(back, x.Reg)
		fixed[x.Reg] = true
	}
	q.Forward = join(live(l.c.instrs, ahead, nil), ahead)
	q.Backward = join(live(l.c.instrs, back, given), back)
	is := func(r int) bool { return fixed[r] }
	rename, count := share(q.Forward, l.c.regs, is)
	_, more := share(q.Backward, l.c.regs, is)
	q.Regs = max(count, more)
	q.Loads, q.Consts = l.loop.Loads, l.c.consts
	for i := range q.Loads {
		q.Loads[i].Reg = rename[q.Loads[i].Reg]
	}
	for i := range q.Consts {
		q.Consts[i].Reg = rename[q.Consts[i].Reg]
	}
	for i := range q.Randoms {
		q.Randoms[i].Reg = rename[q.Randoms[i].Reg]
	}
	if q.Time >= 0 {
		q.Time = rename[q.Time]
	}
	if !q.Gradient || q.Temporal != nil {
		q.Emit = rename[q.Emit]
	}
	for i := range q.States {
		s := &q.States[i]
		s.Reg, s.Next = rename[s.Reg], rename[s.Next]
		if q.Gradient && q.Temporal == nil {
			s.DNext, s.DBefore = rename[s.DNext], rename[s.DBefore]
		}
	}
	if q.Temporal == nil {
		for i := range q.Grads {
			q.Grads[i].Reg = rename[q.Grads[i].Reg]
		}
	}
	for i := range q.Sums {
		q.Sums[i].Reg = rename[q.Sums[i].Reg]
	}
}

// once reports whether r stands once in regs.
func once(regs []int, r int) bool {
	i := slices.Index(regs, r)
	return i >= 0 && !slices.Contains(regs[i+1:], r)
}
