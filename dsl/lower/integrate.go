package lower

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"snnc.dev/snnc/dsl"
	"snnc.dev/snnc/runtime/graph"
)

// system is a system of differential equations x' = f(x) that is advanced over one time step, of length 1. Whatever f reads
// besides the system's own states keeps its value over the step: inputs, random numbers, `t`, other states.
type system struct {
	c     *compiler
	names []string
	right []dsl.Expr
	held  []bool // by `refractory ... holds`
}

// advance advances neighbouring derivatives together.
func (c *compiler) advance(lines []dsl.Equation) {
	s := &system{c: c}
	for _, q := range lines {
		d := q.(*dsl.Derivative)
		if slices.Contains(s.names, d.Name.Text) {
			c.fail("%s' stands twice in one system", d.Name.Text)
			return
		}
		s.names, s.right = append(s.names, d.Name.Text), append(s.right, d.Value)
		s.held = append(s.held, slices.Contains(c.holds, d.Name.Text))
	}
	x := make([]graph.Value, len(s.names))
	for i, n := range s.names {
		x[i] = c.env[n]
	}
	var next []graph.Value
	switch c.integrate {
	case "", "euler":
		next = s.step(x, s.slopes(x), 1)
	case "rk2": // the midpoint rule, of second order
		next = s.step(x, s.slopes(s.step(x, s.slopes(x), 0.5)), 1)
	case "rk4":
		next = s.rk4(x)
	case "exponential":
		next = s.exponential(x)
	case "exact":
		next = s.exact(x)
	default:
		c.fail("unknown integrator %q", c.integrate)
		return
	}
	for i, n := range s.names {
		c.assign(n, next[i])
	}
}

// slopes returns f(x); what is held does not move, so that the others see it at rest in all stages.
func (s *system) slopes(x []graph.Value) []graph.Value {
	c := s.c
	old := make([]graph.Value, len(x))
	for i, n := range s.names {
		old[i], c.env[n] = c.env[n], x[i]
	}
	out := make([]graph.Value, len(x))
	for i, e := range s.right {
		out[i] = c.expr(e)
	}
	for i, n := range s.names {
		c.env[n] = old[i]
		if s.held[i] && c.integrate != "" && c.integrate != "euler" {
			out[i] = c.op(graph.OpWhere, c.active, c.number(0), out[i])
		}
	}
	return out
}

// step returns x + h k.
func (s *system) step(x, k []graph.Value, h float64) []graph.Value {
	out := make([]graph.Value, len(x))
	for i := range x {
		out[i] = s.c.op(graph.OpAdd, x[i], s.c.product(s.c.number(h), k[i]))
	}
	return out
}

// rk4 is the classic Runge-Kutta method of fourth order (Kutta 1901).
func (s *system) rk4(x []graph.Value) []graph.Value {
	c := s.c
	k1 := s.slopes(x)
	k2 := s.slopes(s.step(x, k1, 0.5))
	k3 := s.slopes(s.step(x, k2, 0.5))
	k4 := s.slopes(s.step(x, k3, 1))
	sum := make([]graph.Value, len(x))
	for i := range x {
		outer := c.op(graph.OpAdd, k1[i], k4[i])
		inner := c.op(graph.OpAdd, k2[i], k3[i])
		sum[i] = c.op(graph.OpAdd, outer, c.op(graph.OpMul, c.number(2), inner))
	}
	return s.step(x, sum, 1.0/6)
}

// exponential is the exponential Euler method (Rosenbrock-Euler; Rush & Larsen 1978 for gates): each equation is linearised
// in its own state at the start of the step, v + f(v) phi(df/dv).
func (s *system) exponential(x []graph.Value) []graph.Value {
	c := s.c
	out := make([]graph.Value, len(x))
	for i, n := range s.names {
		f, d := c.slopes(s.right[i], []string{n})
		a := c.number(0)
		if d != nil && d[0].Valid() {
			a = d[0]
		}
		out[i] = c.op(graph.OpAdd, x[i], c.product(c.phi(a), f))
	}
	return out
}

// exact solves a system that is linear in its states, x' = A x + b with b constant over the step: from
// x(1) = exp(A) x + phi(A) b, with phi(A) = A^-1 (exp(A) - 1) also where A has no inverse, follows x(1) = x + phi(A) f(x).
// States that do not act on each other are solved by themselves; there the coefficient may be trained or change from step to
// step. The checker has refused what is not linear.
func (s *system) exact(x []graph.Value) []graph.Value {
	c := s.c
	n := len(s.names)
	a := make([]map[int]graph.Value, n) // what is not 0
	for i, e := range s.right {
		a[i] = map[int]graph.Value{}
		read := map[string]bool{}
		names(e, read)
		var by []string
		var at []int
		for j, name := range s.names {
			if read[name] {
				by, at = append(by, name), append(at, j)
			}
		}
		_, d := c.slopes(e, by)
		for k, v := range d {
			if v.Valid() {
				a[i][at[k]] = v
			}
		}
	}
	f := s.slopes(x)
	out := make([]graph.Value, n)
	for _, part := range parts(a) {
		if len(part) == 1 {
			i := part[0]
			coefficient, ok := a[i][i]
			if !ok {
				coefficient = c.number(0)
			}
			out[i] = c.op(graph.OpAdd, x[i], c.product(c.phi(coefficient), f[i]))
			continue
		}
		s.coupled(part, a, x, f, out)
	}
	return out
}

// coupled solves the states of one part, whose coefficients are numbers. Where some of them are held in refractory steps, the
// others are solved with those at rest.
func (s *system) coupled(part []int, a []map[int]graph.Value, x, f, out []graph.Value) {
	c := s.c
	n := len(part)
	free, rest := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	held := false
	for r, i := range part {
		held = held || s.held[i]
		for k, j := range part {
			v, there := a[i][j]
			if !there {
				continue
			}
			number, known := c.constants[v]
			if !known || math.Abs(number) > 1e6 {
				c.fail("the coefficient of `%s` in `%s'` is no number below a million, as `integrate = exact` needs where equations act on each other", s.names[j], s.names[i])
				return
			}
			if free.Set(r, k, number); !s.held[i] {
				rest.Set(r, k, number)
			}
		}
	}
	open := phi(free)
	closed := open
	if held {
		closed = phi(rest)
	}
	for r, i := range part {
		sum := x[i]
		for k, j := range part {
			v, at := open.At(r, k), closed.At(r, k)
			if math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(at) || math.IsInf(at, 0) {
				c.fail("`%s` grows beyond all numbers within a step", s.names[i])
				return
			}
			w := c.number(v)
			if at != v {
				w = c.op(graph.OpWhere, c.active, c.number(at), w)
			}
			sum = c.sum(sum, c.product(w, f[j]))
		}
		out[i] = sum
	}
}

// phi returns (exp(A) - 1) A^-1 as a block of the exponential of [[A, 1], [0, 0]] (Van Loan 1978).
func phi(a *mat.Dense) *mat.Dense {
	n, _ := a.Dims()
	wide := mat.NewDense(2*n, 2*n, nil)
	wide.Slice(0, n, 0, n).(*mat.Dense).Copy(a)
	for i := range n {
		wide.Set(i, n+i, 1)
	}
	wide.Exp(wide)
	return mat.DenseCopyOf(wide.Slice(0, n, n, 2*n))
}

// phi returns (exp(a) - 1) / a, 1 at 0. Near 0 it is the series, whose derivative is right there too: what is left out,
// a^7/8! below 1/4, is less than 2e-9.
func (c *compiler) phi(a graph.Value) graph.Value {
	if v, known := c.constants[a]; known {
		if v == 0 {
			return c.number(1)
		}
		if p := math.Expm1(v) / v; !math.IsInf(p, 0) {
			return c.number(p)
		}
	}
	one := c.number(1)
	near := c.op(graph.OpLess, c.op(graph.OpAbs, a), c.number(0.25))
	series := one
	for k := 7.0; k >= 2; k-- { // 1 + a/2 (1 + a/3 (1 + ... a/7))
		series = c.op(graph.OpAdd, one, c.product(series, c.op(graph.OpMul, a, c.number(1/k))))
	}
	away := c.op(graph.OpWhere, near, one, a)
	far := c.op(graph.OpDiv, c.op(graph.OpSub, c.op(graph.OpExp, a), one), away)
	return c.op(graph.OpWhere, near, series, far)
}

// parts returns the sets of states that act on each other, directly or by way of others.
func parts(a []map[int]graph.Value) [][]int {
	set := make([]int, len(a))
	for i := range set {
		set[i] = i
	}
	root := func(i int) int {
		for set[i] != i {
			set[i] = set[set[i]]
			i = set[i]
		}
		return i
	}
	for i, row := range a {
		for j := range row {
			set[max(root(i), root(j))] = min(root(i), root(j))
		}
	}
	var out [][]int
	number := map[int]int{}
	for i := range set {
		r := root(i)
		if _, seen := number[r]; !seen {
			number[r] = len(out)
			out = append(out, nil)
		}
		out[number[r]] = append(out[number[r]], i)
	}
	return out
}

// names adds the names that an expression reads.
func names(e dsl.Expr, to map[string]bool) {
	dsl.Inspect(e, func(e dsl.Expr) {
		if r, ok := e.(*dsl.Ref); ok && !r.Called {
			to[r.Name.Text] = true
		}
	})
}
