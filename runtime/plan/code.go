package plan

import (
	"fmt"
	"math"
	"slices"

	"snnc.dev/snnc/runtime/graph"
	"snnc.dev/snnc/runtime/kernel"
	"snnc.dev/snnc/runtime/plan/pass"
)

// Instr is one operation on whole chunks; D, A, B, C and E are registers.
type Instr struct {
	Code          kernel.Code
	D, A, B, C, E int
	Node          *graph.Node // what it computes; nil inside an equation
}

// Const is a register that holds one number everywhere.
type Const struct {
	Reg   int
	Value float32
}

// coder writes a register program. Its registers are written once; finish then lets those share that can.
type coder struct {
	instrs []Instr
	regs   int
	consts []Const
	known  map[Instr]int
	made   map[int]Instr   // by the register of the result
	value  map[int]float32 // registers of constants
	node   *graph.Node
}

func newCoder() *coder {
	return &coder{known: map[Instr]int{}, made: map[int]Instr{}, value: map[int]float32{}}
}

// reg returns a new register.
func (c *coder) reg() int { c.regs++; return c.regs - 1 }

// constant returns the register that holds v.
func (c *coder) constant(v float32) int {
	for _, k := range c.consts {
		if math.Float32bits(k.Value) == math.Float32bits(v) {
			return k.Reg
		}
	}
	r := c.reg()
	c.consts = append(c.consts, Const{r, v})
	c.value[r] = v
	return r
}

// op adds an operation, unless its result is there already or known now.
func (c *coder) op(code kernel.Code, in ...int) int {
	var a [3]int
	copy(a[:], in)
	at := func(k int) (float32, bool) { v, ok := c.value[a[k]]; return v, ok && k < len(in) }
	is := func(r int, v float32) bool { x, ok := c.value[r]; return ok && x == v }
	x, kx := at(0)
	y, ky := at(1)
	switch {
	case code == kernel.Add && kx && x == 0, code == kernel.Mul && kx && x == 1:
		return a[1]
	case (code == kernel.Add || code == kernel.Sub) && ky && y == 0, (code == kernel.Mul || code == kernel.Div) && ky && y == 1:
		return a[0]
	case code == kernel.Pow && ky && y == 2: // both are exact in double precision before they are rounded
		return c.op(kernel.Mul, a[0], a[0])
	case code == kernel.Where && kx:
		if x != 0 {
			return a[1]
		}
		return a[2]
	case code == kernel.Where && a[1] == a[2]:
		return a[1]
	case code == kernel.Where && is(a[1], 1) && is(a[2], 0):
		return a[0]
	case code == kernel.Where && is(a[1], 0) && is(a[2], 1):
		return c.op(kernel.Not, a[0])
	}
	if code == kernel.Div && ky { // dividing by a power of two is multiplying by its inverse
		if f, e := math.Frexp(float64(y)); f == 0.5 && e > -100 && e < 100 {
			code, y = kernel.Mul, 1/y
			a[1] = c.constant(y)
		}
	}
	if kx && (len(in) == 1 || ky && len(in) == 2) {
		var out, p, q [1]float32
		p[0], q[0] = x, y
		kernel.Eval(code, out[:], p[:], q[:], nil, nil)
		return c.constant(out[0])
	}
	if r, ok := c.signed(code, a); ok {
		return r
	}
	key := Instr{Code: code, A: a[0], B: a[1], C: a[2]}
	if r, ok := c.known[key]; ok {
		return r
	}
	r := c.reg()
	c.known[key] = r
	key.D, key.Node = r, c.node
	c.instrs = append(c.instrs, key)
	c.made[r] = key
	return r
}

// signed moves a change of sign into a sum or into a constant factor: rounding is the same for both signs.
func (c *coder) signed(code kernel.Code, a [3]int) (int, bool) {
	of := func(r int, code kernel.Code) *Instr {
		if n, ok := c.made[r]; ok && n.Code == code {
			return &n
		}
		return nil
	}
	factor := func(x, y int) (int, bool) { // x times -y, or -x times y
		if v, ok := c.value[y]; ok {
			return c.op(kernel.Mul, x, c.constant(-v)), true
		}
		return 0, false
	}
	switch code {
	case kernel.Add:
		if n := of(a[1], kernel.Neg); n != nil {
			return c.op(kernel.Sub, a[0], n.A), true
		}
		if n := of(a[0], kernel.Neg); n != nil {
			return c.op(kernel.Sub, a[1], n.A), true
		}
	case kernel.Sub:
		if n := of(a[1], kernel.Neg); n != nil {
			return c.op(kernel.Add, a[0], n.A), true
		}
	case kernel.Neg:
		if n := of(a[0], kernel.Mul); n != nil {
			if r, ok := factor(n.A, n.B); ok {
				return r, true
			}
			return factor(n.B, n.A)
		}
	case kernel.Mul:
		if n := of(a[0], kernel.Neg); n != nil {
			return factor(n.A, a[1])
		}
		if n := of(a[1], kernel.Neg); n != nil {
			return factor(n.A, a[0])
		}
	}
	return 0, false
}

// apply adds an element-wise node whose inputs are in the registers given.
func (c *coder) apply(n *graph.Node, in []int) int {
	if n.Op == graph.OpCast {
		from := n.In[0].Type().DType
		switch {
		case n.Out[0].DType == graph.Bit && from != graph.Bit:
			return c.op(kernel.Unequal, in[0], c.constant(0))
		case n.Out[0].DType == graph.I32 && from == graph.F32:
			return c.op(kernel.Truncate, in[0])
		}
		return in[0]
	}
	code, swapped := pass.Code(n.Op)
	if swapped {
		in = []int{in[1], in[0]}
	}
	return c.op(code, in...)
}

// inputs returns the registers that an operation takes.
func (i *Instr) inputs() []int {
	all := [...]int{i.A, i.B, i.C, i.E}
	return all[:i.Code.Operands()]
}

// step adds the nodes of the step of an equation (or of its derivative) and returns the registers of its outputs. in has
// the registers of its inputs; time, steps and random give those of what else a step may read.
func (c *coder) step(g *graph.Graph, in []int, time func() int, steps int, random func(n *graph.Node) int) []int {
	at := map[*graph.Node]int{}
	for i, n := range g.Inputs {
		at[n] = in[i]
	}
	for _, n := range g.Nodes {
		x := make([]int, len(n.In))
		for k, v := range n.In {
			x[k] = at[v.Node]
		}
		switch n.Op {
		case graph.OpInput:
		case graph.OpConstant:
			v := n.Real("value")
			if many := n.Reals("values"); len(many) == 1 {
				v = many[0]
			}
			at[n] = c.constant(float32(v))
		case graph.OpTime:
			at[n] = time()
		case graph.OpSteps:
			at[n] = c.constant(float32(steps))
		case graph.OpUniform, graph.OpNormal:
			at[n] = random(n)
		case graph.OpStop:
			at[n] = x[0]
		case graph.OpSpike:
			code := kernel.LessEqual
			if n.Flag("strict") {
				code = kernel.Less
			}
			at[n] = c.op(code, x[1], x[0])
		default:
			if !pass.Elementwise(n.Op) {
				panic(fmt.Sprintf("plan: %s has no place in a step", n.Op)) // Equation.Verify forbids it
			}
			at[n] = c.apply(n, x)
		}
	}
	out := make([]int, len(g.Outputs))
	for i, o := range g.Outputs {
		out[i] = at[o.Value.Node]
	}
	return out
}

// live removes operations that none of the registers in keep needs, and those whose results are given.
func live(instrs []Instr, keep []int, given map[int]bool) []Instr {
	need := map[int]bool{}
	for _, r := range keep {
		need[r] = true
	}
	var out []Instr
	for i := len(instrs) - 1; i >= 0; i-- {
		if !need[instrs[i].D] || given[instrs[i].D] {
			continue
		}
		for _, r := range instrs[i].inputs() {
			need[r] = true
		}
		out = append(out, instrs[i])
	}
	slices.Reverse(out)
	return out
}

// join makes one operation of a product and the sum that alone takes it, which saves a pass over the chunk.
func join(instrs []Instr, keep []int) []Instr {
	uses, def := map[int]int{}, map[int]int{}
	for _, r := range keep {
		uses[r]++
	}
	for i := range instrs {
		def[instrs[i].D] = i
		for _, r := range instrs[i].inputs() {
			uses[r]++
		}
	}
	gone := map[int]bool{}
	only := func(r int, code kernel.Code) *Instr {
		if i, ok := def[r]; ok && uses[r] == 1 && instrs[i].Code == code && !gone[r] {
			return &instrs[i]
		}
		return nil
	}
	for i := range instrs {
		n := &instrs[i]
		if n.Code == kernel.Add {
			other, m := n.B, only(n.A, kernel.SubMul)
			if m == nil {
				other, m = n.A, only(n.B, kernel.SubMul)
			}
			if m != nil {
				gone[m.D] = true
				*n = Instr{Code: kernel.SubMulAdd, D: n.D, A: m.A, B: m.B, C: m.C, E: other, Node: n.Node}
				continue
			}
		}
		if n.Code == kernel.Add || n.Code == kernel.Sub {
			if m := only(n.A, kernel.Mul); m != nil {
				code := kernel.MulAdd
				if n.Code == kernel.Sub {
					code = kernel.MulSub
				}
				gone[m.D] = true
				*n = Instr{Code: code, D: n.D, A: m.A, B: m.B, C: n.B, Node: n.Node}
				continue
			}
			if m := only(n.B, kernel.Mul); m != nil && n.Code == kernel.Add {
				gone[m.D] = true
				*n = Instr{Code: kernel.MulAdd, D: n.D, A: m.A, B: m.B, C: n.A, Node: n.Node}
				continue
			}
		}
		if n.Code == kernel.Mul {
			if m := only(n.A, kernel.Sub); m != nil {
				gone[m.D] = true
				*n = Instr{Code: kernel.SubMul, D: n.D, A: m.A, B: m.B, C: n.B, Node: n.Node}
			} else if m := only(n.B, kernel.Sub); m != nil {
				gone[m.D] = true
				*n = Instr{Code: kernel.SubMul, D: n.D, A: m.A, B: m.B, C: n.A, Node: n.Node}
			}
		}
	}
	out := instrs[:0:0]
	for _, n := range instrs {
		if !gone[n.D] {
			out = append(out, n)
		}
	}
	return out
}

// share lets registers that are not alive together be one. Registers for which fixed reports true stay by themselves. It
// renames in place and returns how registers were renamed.
func share(instrs []Instr, regs int, fixed func(r int) bool) (rename []int, count int) {
	last := make([]int, regs)
	for i := range instrs {
		for _, r := range instrs[i].inputs() {
			last[r] = i
		}
	}
	rename = make([]int, regs)
	for r := range rename {
		rename[r] = -1
		if fixed(r) {
			rename[r] = count
			count++
		}
	}
	var free []int
	for i := range instrs {
		n := &instrs[i]
		in := n.inputs()
		if rename[n.D] < 0 {
			// The result may stand where an input was, since each operation reads an element before it writes it.
			for _, r := range in {
				if !fixed(r) && last[r] == i {
					last[r] = -1
					free = append(free, rename[r])
				}
			}
			if k := len(free); k > 0 {
				rename[n.D], free = free[k-1], free[:k-1]
			} else {
				rename[n.D] = count
				count++
			}
		}
		for _, r := range in {
			if !fixed(r) && last[r] == i {
				last[r] = -1
				free = append(free, rename[r])
			}
		}
		n.A, n.B, n.C, n.E, n.D = max(rename[n.A], 0), max(rename[n.B], 0), max(rename[n.C], 0), max(rename[n.E], 0), rename[n.D]
	}
	return rename, count
}
