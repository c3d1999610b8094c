package graph

import (
	"fmt"
	"math"
	"slices"
)

// attrKind says what an attribute holds; a leading `?` in the table marks it optional.
type attrKind string

// operator is a row of the table: how many inputs (max -1: any number), which attributes, and the shape rule.
type operator struct {
	min, max int
	attrs    map[string]attrKind
	infer    func(n *Node, env Env) ([]Type, error)
}

// Env resolves what a graph names: the roles, variables and functions of the Program it belongs to. A nil Env has none.
type Env interface {
	// Signature returns the inputs and outputs of a role, and whether it works at any number of steps.
	Signature(role string) (in, out []Type, freeSteps bool, ok bool)
	VariableType(name string) (Type, bool)
	FunctionNamed(name string) *Graph
}

func table() map[Op]operator {
	a := func(kv ...string) map[string]attrKind {
		m := map[string]attrKind{}
		for i := 0; i < len(kv); i += 2 {
			m[kv[i]] = attrKind(kv[i+1])
		}
		return m
	}
	t := map[Op]operator{
		OpInput:    {0, 0, a("name", "string", "type", "type"), inferInput},
		OpRead:     {0, 0, a("var", "string", "average", "?bool", "frozen", "?bool"), inferRead},
		OpConstant: {0, 0, a("value", "?real", "values", "?reals", "dims", "?ints", "dtype", "?string"), inferConstant},
		OpIota:     {0, 0, a("steps", "?int", "dims", "?ints"), inferIota},
		OpUniform:  {0, 0, a("label", "string", "steps", "?int", "batch", "?bool", "dims", "ints"), inferRandom},
		OpNormal:   {0, 0, a("label", "string", "steps", "?int", "batch", "?bool", "dims", "ints"), inferRandom},
		OpHost:     {0, 0, a("what", "string"), inferHost},
		OpCount:    {1, 1, a("axes", "axes"), inferCount},

		OpReshape:   {1, 1, a("dims", "ints"), inferReshape},
		OpTranspose: {1, 1, a("axes", "axes"), inferTranspose},
		OpSlice:     {1, 1, a("axis", "axis", "start", "int", "length", "int"), inferSlice},
		OpPad:       {1, 1, a("axis", "axis", "before", "int", "after", "int"), inferPad},
		OpConcat:    {1, -1, a("axis", "axis"), inferConcat},
		OpRepeat:    {1, 1, a("axis", "axis", "count", "?int"), inferRepeat},
		OpCast:      {1, 1, a("dtype", "string"), inferCast},

		OpReduce:     {1, 1, a("kind", "string", "axes", "axes"), inferReduce},
		OpGather:     {2, 2, a("axis", "axis"), inferGather},
		OpScatter:    {2, 2, a("axis", "axis", "size", "int"), inferScatter},
		OpRows:       {2, 2, a(), inferRows},
		OpScatterAdd: {2, 2, a("size", "int"), inferScatterAdd},

		OpMatmul:        {2, 2, a("transpose", "?bool"), inferMatmul},
		OpMatmulWeight:  {2, 2, a("transpose", "?bool"), inferMatmulWeight},
		OpConv:          {2, 2, a("stride", "int", "pad", "int"), inferConv},
		OpConvInput:     {2, 2, a("stride", "int", "pad", "int", "height", "int", "width", "int"), inferConvInput},
		OpConvWeight:    {2, 2, a("stride", "int", "pad", "int", "kernel", "int"), inferConvWeight},
		OpMaxPool:       {1, 1, a("kernel", "int", "stride", "int"), inferMaxPool},
		OpMaxPoolGrad:   {2, 2, a("kernel", "int", "stride", "int"), inferMaxPoolGrad},
		OpNormalise:     {1, 1, a("axes", "axes", "epsilon", "real"), inferNormalise},
		OpNormaliseGrad: {3, 3, a("axes", "axes", "epsilon", "real"), inferNormaliseGrad},
		OpEquation:      {0, -1, a("steps", "?int", "last", "?bool", "state", "?bool", "label", "?string"), inferEquation},
		OpEquationGrad:  {0, -1, a("steps", "?int", "last", "?bool", "state", "?bool", "label", "?string"), inferEquationGrad},

		OpWhere: {3, 3, a(), inferWhere},
		OpStop:  {1, 1, a(), sameResult},
		OpSpike: {3, 3, a("strict", "?bool"), inferSpike},
		OpTime:  {0, 0, a(), scalarResult},
		OpSteps: {0, 0, a(), scalarResult},

		OpApply: {0, -1, a("role", "string", "mode", "string", "average", "?bool", "frozen", "?bool", "state", "?bool",
			"gate", "?string"), inferApply},
		OpZero:   {0, 0, a("role", "string"), inferZero},
		OpAssign: {1, 1, a("var", "string"), inferAssign},
		OpCall:   {0, -1, a("function", "string"), inferCall},
		OpCustom: {0, -1, a("function", "string", "backward", "string"), inferCall},
		OpGrad:   {2, -1, a(), inferGrad},
	}
	for _, op := range []Op{OpAdd, OpSub, OpMul, OpDiv, OpPow, OpMin, OpMax} {
		t[op] = operator{2, 2, a(), inferBinary}
	}
	for _, op := range []Op{OpNeg, OpAbs, OpSign, OpExp, OpLog, OpSqrt, OpTanh, OpSigmoid, OpSin, OpCos, OpRound, OpFloor} {
		t[op] = operator{1, 1, a(), inferUnary}
	}
	for _, op := range []Op{OpLess, OpLessEq, OpGreater, OpGreatEq, OpEqual, OpUnequal, OpAnd, OpOr} {
		t[op] = operator{2, 2, a(), inferCompare}
	}
	t[OpNot] = operator{1, 1, a(), inferCompare}
	return t
}

var operators = table() // read-only

// Ops returns every operator's name, sorted.
func Ops() []Op {
	out := make([]Op, 0, len(operators))
	for op := range operators {
		out = append(out, op)
	}
	slices.Sort(out)
	return out
}

// Infer checks the inputs and attributes of n and returns the types of its results.
func Infer(n *Node, env Env) ([]Type, error) {
	spec, ok := operators[n.Op]
	if !ok {
		return nil, fmt.Errorf("unknown operator %q", n.Op)
	}
	if len(n.In) < spec.min || spec.max >= 0 && len(n.In) > spec.max {
		return nil, fmt.Errorf("%s: wrong number of inputs: %d", n.Op, len(n.In))
	}
	for _, v := range n.In {
		if v.Node == nil || v.Index < 0 || v.Index >= len(v.Node.Out) {
			return nil, fmt.Errorf("%s: an input is not a value", n.Op)
		}
	}
	for name, value := range n.Attrs {
		kind, ok := spec.attrs[name]
		if !ok {
			return nil, fmt.Errorf("%s: unknown attribute %s", n.Op, name)
		}
		if !kind.holds(value) {
			return nil, fmt.Errorf("%s: attribute %s: want %s, got %T", n.Op, name, kind.plain(), value)
		}
		if !finite(value) {
			return nil, fmt.Errorf("%s: attribute %s is not finite", n.Op, name)
		}
	}
	for name, kind := range spec.attrs {
		if _, ok := n.Attrs[name]; !ok && kind[0] != '?' {
			return nil, fmt.Errorf("%s: attribute %s is missing", n.Op, name)
		}
	}
	out, err := spec.infer(n, env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.Op, err)
	}
	for _, t := range out {
		if size := t.Size(); t.Steps < 0 || t.Steps > maxSteps || size < 0 || size > maxElements || len(t.Dims) > maxDims || slices.ContainsFunc(t.Dims, func(d int) bool { return d < 1 || d > maxElements }) {
			return nil, fmt.Errorf("%s: impossible type %v", n.Op, t)
		}
	}
	return out, nil
}

// The limits of a type, so that products of dims never overflow and a mistaken attribute does not allocate the machine.
const (
	maxSteps    = 1 << 20
	maxElements = 1 << 31
	maxDims     = 6
)

func (k attrKind) plain() string {
	if k[0] == '?' {
		k = k[1:]
	}
	return string(k)
}

func (k attrKind) holds(v any) bool {
	switch v.(type) {
	case int:
		return k.plain() == "int"
	case float64:
		return k.plain() == "real"
	case string:
		return k.plain() == "string"
	case bool:
		return k.plain() == "bool"
	case []int:
		return k.plain() == "ints"
	case []float64:
		return k.plain() == "reals"
	case Axis:
		return k.plain() == "axis"
	case Axes:
		return k.plain() == "axes"
	case Type:
		return k.plain() == "type"
	}
	return false
}

// finite reports whether the numbers of a real attribute are finite: the text form has no others.
func finite(v any) bool {
	reals, _ := v.([]float64)
	if x, ok := v.(float64); ok {
		reals = []float64{x}
	}
	return !slices.ContainsFunc(reals, func(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) })
}

func one(t Type) ([]Type, error)                  { return []Type{t}, nil }
func scalarResult(n *Node, _ Env) ([]Type, error) { return one(Scalar()) }
func sameResult(n *Node, _ Env) ([]Type, error)   { return one(n.In[0].Type()) }
func inferInput(n *Node, _ Env) ([]Type, error)   { return one(n.Attrs["type"].(Type)) }
func inferUnary(n *Node, _ Env) ([]Type, error)   { return number(n.In[0].Type()) }
func inferZero(n *Node, _ Env) ([]Type, error)    { return one(Type{DType: State, Role: n.Text("role")}) }
func inferRandom(n *Node, _ Env) ([]Type, error) {
	return one(Type{Steps: n.Int("steps"), Batch: n.Flag("batch"), Dims: n.Ints("dims")})
}

func number(t Type) ([]Type, error) {
	if t.DType == State {
		return nil, fmt.Errorf("state is not a number")
	}
	return one(t.With(F32))
}

func inferRead(n *Node, env Env) ([]Type, error) {
	if env == nil {
		return nil, fmt.Errorf("no variables here")
	}
	t, ok := env.VariableType(n.Text("var"))
	if !ok {
		return nil, fmt.Errorf("unknown variable %q", n.Text("var"))
	}
	return one(t)
}

func inferHost(n *Node, _ Env) ([]Type, error) {
	switch what := n.Text("what"); what {
	case "progress", "iteration", "variance":
		return one(Scalar())
	default:
		return nil, fmt.Errorf("nobody knows %q; it is progress, iteration or variance", what)
	}
}

func inferConstant(n *Node, _ Env) ([]Type, error) {
	t := Type{Dims: n.Ints("dims")}
	switch n.Text("dtype") {
	case "", "f32":
	case "i32":
		t.DType = I32
	case "bit":
		t.DType = Bit
	default:
		return nil, fmt.Errorf("unknown element type %q", n.Text("dtype"))
	}
	values, many := n.Attrs["values"].([]float64)
	if _, single := n.Attrs["value"]; single == many {
		return nil, fmt.Errorf("wants either value or values")
	}
	if many && len(values) != t.Size() {
		return nil, fmt.Errorf("%d values for dims %v", len(values), t.Dims)
	}
	if !many {
		values = []float64{n.Real("value")}
	}
	for _, v := range values {
		if t.DType == Bit && v != 0 && v != 1 || t.DType == I32 && v != float64(int32(v)) {
			return nil, fmt.Errorf("%v is no %v", v, t.DType)
		}
	}
	return one(t)
}

func inferIota(n *Node, _ Env) ([]Type, error) {
	dims := n.Ints("dims")
	if len(dims) > 1 || (n.Int("steps") > 0) == (len(dims) == 1) {
		return nil, fmt.Errorf("wants either steps or one dim")
	}
	return one(Type{Steps: n.Int("steps"), Dims: dims})
}

func inferCount(n *Node, _ Env) ([]Type, error) {
	if _, err := without(n.In[0].Type(), n.Axes()); err != nil {
		return nil, err
	}
	return one(Scalar())
}

func inferReshape(n *Node, _ Env) ([]Type, error) {
	t := n.In[0].Type()
	dims := n.Ints("dims")
	if slices.ContainsFunc(dims, func(d int) bool { return d < 1 || d > maxElements }) || len(dims) > maxDims || product(dims) != t.Size() {
		return nil, fmt.Errorf("%d elements do not fit %v", t.Size(), dims)
	}
	return one(t.WithDims(dims...))
}

func inferTranspose(n *Node, _ Env) ([]Type, error) {
	t := n.In[0].Type()
	axes := n.Axes()
	dims := make([]int, len(axes))
	seen := map[Axis]bool{}
	for i, a := range axes {
		if a < 0 || int(a) >= len(t.Dims) || seen[a] {
			return nil, fmt.Errorf("axes %v are no permutation of the dims %v", axes, t.Dims)
		}
		seen[a] = true
		dims[i] = t.Dims[a]
	}
	if len(dims) != len(t.Dims) {
		return nil, fmt.Errorf("axes %v are no permutation of the dims %v", axes, t.Dims)
	}
	return one(t.WithDims(dims...))
}

// resized returns t with another length along an axis that it has (t or a dim).
func resized(t Type, a Axis, length func(old int) int) (Type, error) {
	switch {
	case a == TimeAxis && t.Steps > 0:
		t.Steps = length(t.Steps)
		if t.Steps < 1 {
			return t, fmt.Errorf("no time step is left")
		}
	case a >= 0 && int(a) < len(t.Dims):
		t.Dims = slices.Clone(t.Dims)
		t.Dims[a] = length(t.Dims[a])
		if t.Dims[a] < 1 {
			return t, fmt.Errorf("nothing is left along axis %v", a)
		}
	default:
		return t, fmt.Errorf("%v has no axis %v", t, a)
	}
	return t, nil
}

func inferSlice(n *Node, _ Env) ([]Type, error) {
	start, length := n.Int("start"), n.Int("length")
	var old int
	t, err := resized(n.In[0].Type(), n.Axis(), func(o int) int { old = o; return length })
	if err != nil {
		return nil, err
	}
	if start < 0 || length < 1 || length > old || start > old-length {
		return nil, fmt.Errorf("%d from %d lies outside %d", length, start, old)
	}
	return one(t)
}

func inferPad(n *Node, _ Env) ([]Type, error) {
	before, after := n.Int("before"), n.Int("after")
	if before < 0 || after < 0 || before > maxSteps || after > maxSteps {
		return nil, fmt.Errorf("negative or huge padding")
	}
	t, err := resized(n.In[0].Type(), n.Axis(), func(o int) int { return o + before + after })
	if err != nil {
		return nil, err
	}
	return one(t)
}

func inferConcat(n *Node, _ Env) ([]Type, error) {
	axis := n.Axis()
	out := n.In[0].Type()
	for i, v := range n.In {
		t := v.Type()
		if i == 0 {
			if _, err := resized(t, axis, func(o int) int { return o }); err != nil {
				return nil, err
			}
			continue
		}
		var more int
		same, err := resized(t, axis, func(o int) int { more = o; return 1 })
		if err != nil {
			return nil, err
		}
		mine, _ := resized(out, axis, func(int) int { return 1 })
		same.DType, mine.DType = F32, F32
		if !same.Equal(mine) {
			return nil, fmt.Errorf("%v and %v differ elsewhere than along axis %v", out, t, axis)
		}
		if t.DType != out.DType {
			out.DType = F32
		}
		out, _ = resized(out, axis, func(o int) int { return o + more })
	}
	return one(out)
}

func inferRepeat(n *Node, _ Env) ([]Type, error) {
	t, count := n.In[0].Type(), n.Int("count")
	switch axis := n.Axis(); {
	case axis == BatchAxis:
		if t.Batch {
			return nil, fmt.Errorf("%v has a batch axis already", t)
		}
		t.Batch = true
		return one(t)
	case count < 1 || count > maxSteps:
		return nil, fmt.Errorf("count %d", count)
	case axis == TimeAxis && t.Steps == 0:
		return one(t.WithSteps(count))
	default:
		t, err := resized(t, axis, func(o int) int { return o * count })
		if err != nil {
			return nil, err
		}
		return one(t)
	}
}

func inferCast(n *Node, _ Env) ([]Type, error) {
	i := slices.Index(dtypeNames[:3], n.Text("dtype"))
	if i < 0 || n.In[0].Type().DType == State {
		return nil, fmt.Errorf("no cast to %q", n.Text("dtype"))
	}
	return one(n.In[0].Type().With(DType(i)))
}

// without returns t without the axes.
func without(t Type, axes Axes) (Type, error) {
	out := Type{DType: F32, Steps: t.Steps, Batch: t.Batch}
	for i, a := range axes {
		switch {
		case i > 0 && axes[i-1] >= a:
			return t, fmt.Errorf("axes %v are not in the order t, n, 0, 1, ...", axes)
		case a == TimeAxis && t.Steps > 0:
			out.Steps = 0
		case a == BatchAxis && t.Batch:
			out.Batch = false
		case a >= 0 && int(a) < len(t.Dims):
		default:
			return t, fmt.Errorf("%v has no axis %v", t, a)
		}
	}
	for i, d := range t.Dims {
		if !axes.Has(Axis(i)) {
			out.Dims = append(out.Dims, d)
		}
	}
	return out, nil
}

func inferReduce(n *Node, _ Env) ([]Type, error) {
	out, err := without(n.In[0].Type(), n.Axes())
	if err != nil {
		return nil, err
	}
	switch n.Text("kind") {
	case "sum", "mean", "max", "min":
	case "argmax", "argmin":
		out.DType = I32
		if len(n.Axes()) != 1 || n.Axes()[0] == BatchAxis {
			return nil, fmt.Errorf("%s takes one axis, t or a dim", n.Text("kind"))
		}
	default:
		return nil, fmt.Errorf("unknown kind %q", n.Text("kind"))
	}
	return one(out)
}

func inferGather(n *Node, _ Env) ([]Type, error) {
	x, index, axis := n.In[0].Type(), n.In[1].Type(), n.Axis()
	if axis < 0 || int(axis) >= len(x.Dims) {
		return nil, fmt.Errorf("%v has no dim %v", x, axis)
	}
	rest := slices.Delete(slices.Clone(x.Dims), int(axis), int(axis)+1)
	if index.DType != I32 || !slices.Equal(rest, index.Dims) {
		return nil, fmt.Errorf("index %v, want i32 of dims %v", index, rest)
	}
	out, err := Broadcast(x.WithDims(rest...), index)
	if err != nil {
		return nil, err
	}
	return one(out)
}

func inferScatter(n *Node, _ Env) ([]Type, error) {
	index, y, axis, size := n.In[0].Type(), n.In[1].Type(), n.Axis(), n.Int("size")
	if index.DType != I32 || !slices.Equal(index.Dims, y.Dims) {
		return nil, fmt.Errorf("index %v does not fit %v", index, y)
	}
	if axis < 0 || int(axis) > len(y.Dims) || size < 1 {
		return nil, fmt.Errorf("%v cannot get a dim %v of %d", y, axis, size)
	}
	out, err := Broadcast(y, index)
	if err != nil {
		return nil, err
	}
	out.DType = F32
	return one(out.WithDims(slices.Insert(slices.Clone(y.Dims), int(axis), size)...))
}

func inferRows(n *Node, _ Env) ([]Type, error) {
	table, index := n.In[0].Type(), n.In[1].Type()
	if table.Steps > 0 || table.Batch || len(table.Dims) == 0 || index.DType != I32 {
		return nil, fmt.Errorf("wants an unbatched table and an i32 index, got %v and %v", table, index)
	}
	return one(index.With(F32).WithDims(append(slices.Clone(index.Dims), table.Dims[1:]...)...))
}

func inferScatterAdd(n *Node, _ Env) ([]Type, error) {
	index, y := n.In[0].Type(), n.In[1].Type()
	if index.DType != I32 || len(y.Dims) < len(index.Dims) || !slices.Equal(index.Dims, y.Dims[:len(index.Dims)]) || index.Steps != y.Steps || index.Batch != y.Batch {
		return nil, fmt.Errorf("index %v does not fit %v", index, y)
	}
	return one(Type{Dims: append([]int{n.Int("size")}, y.Dims[len(index.Dims):]...)})
}

func inferMatmul(n *Node, _ Env) ([]Type, error) {
	a, b := n.In[0].Type(), n.In[1].Type()
	if len(a.Dims) < 1 || len(a.Dims) > 2 || len(b.Dims) != 2 {
		return nil, fmt.Errorf("cannot multiply %v by %v", a, b)
	}
	k, cols := b.Dims[0], b.Dims[1]
	if n.Flag("transpose") {
		k, cols = cols, k
	}
	if a.Dims[len(a.Dims)-1] != k {
		return nil, fmt.Errorf("%v has %d columns, %v wants %d", a, a.Dims[len(a.Dims)-1], b, k)
	}
	if (b.Steps > 0 || b.Batch) && len(a.Dims) != 2 {
		return nil, fmt.Errorf("a matrix per example, %v, wants a matrix on its left, not %v", b, a)
	}
	out, err := Broadcast(a.WithDims(), b.WithDims())
	if err != nil {
		return nil, err
	}
	return one(out.With(F32).WithDims(append(slices.Clone(a.Dims[:len(a.Dims)-1]), cols)...))
}

func inferMatmulWeight(n *Node, _ Env) ([]Type, error) {
	a, dy := n.In[0].Type(), n.In[1].Type()
	if len(a.Dims) < 1 || len(a.Dims) > 2 || len(dy.Dims) != len(a.Dims) || len(a.Dims) == 2 && a.Dims[0] != dy.Dims[0] || a.Steps != dy.Steps || a.Batch != dy.Batch {
		return nil, fmt.Errorf("%v does not fit %v", a, dy)
	}
	rows, cols := a.Dims[len(a.Dims)-1], dy.Dims[len(a.Dims)-1]
	if n.Flag("transpose") {
		rows, cols = cols, rows
	}
	return one(Type{Dims: []int{rows, cols}})
}

func image(t Type) error {
	if len(t.Dims) != 3 {
		return fmt.Errorf("wants [channels height width], got %v", t)
	}
	return nil
}

func convWeights(t Type) error {
	if t.Steps > 0 || t.Batch || len(t.Dims) != 4 || t.Dims[2] != t.Dims[3] {
		return fmt.Errorf("wants weights [out in k k], got %v", t)
	}
	return nil
}

func convSize(size, kernel, stride, pad int) (int, error) {
	if stride < 1 || pad < 0 || kernel < 1 || pad > maxSteps || stride > maxSteps {
		return 0, fmt.Errorf("kernel %d, stride %d, pad %d", kernel, stride, pad)
	}
	if size+2*pad < kernel {
		return 0, fmt.Errorf("a kernel of %d does not fit %d with padding %d", kernel, size, pad)
	}
	return (size+2*pad-kernel)/stride + 1, nil
}

func inferConv(n *Node, _ Env) ([]Type, error) {
	x, w := n.In[0].Type(), n.In[1].Type()
	if err := image(x); err != nil {
		return nil, err
	}
	if err := convWeights(w); err != nil {
		return nil, err
	}
	if w.Dims[1] != x.Dims[0] {
		return nil, fmt.Errorf("%d channels meet weights for %d", x.Dims[0], w.Dims[1])
	}
	h, err := convSize(x.Dims[1], w.Dims[2], n.Int("stride"), n.Int("pad"))
	if err != nil {
		return nil, err
	}
	wd, err := convSize(x.Dims[2], w.Dims[2], n.Int("stride"), n.Int("pad"))
	if err != nil {
		return nil, err
	}
	return one(x.With(F32).WithDims(w.Dims[0], h, wd))
}

func inferConvInput(n *Node, _ Env) ([]Type, error) {
	y, w := n.In[0].Type(), n.In[1].Type()
	if err := image(y); err != nil {
		return nil, err
	}
	if err := convWeights(w); err != nil {
		return nil, err
	}
	if w.Dims[0] != y.Dims[0] {
		return nil, fmt.Errorf("%d channels meet weights for %d", y.Dims[0], w.Dims[0])
	}
	for i, size := range []int{n.Int("height"), n.Int("width")} {
		if got, err := convSize(size, w.Dims[2], n.Int("stride"), n.Int("pad")); err != nil || got != y.Dims[1+i] {
			return nil, fmt.Errorf("a side of %d gives %d, not %d", size, got, y.Dims[1+i])
		}
	}
	return one(y.With(F32).WithDims(w.Dims[1], n.Int("height"), n.Int("width")))
}

func inferConvWeight(n *Node, _ Env) ([]Type, error) {
	x, dy := n.In[0].Type(), n.In[1].Type()
	if err := image(x); err != nil {
		return nil, err
	}
	if err := image(dy); err != nil {
		return nil, err
	}
	if x.Steps != dy.Steps || x.Batch != dy.Batch {
		return nil, fmt.Errorf("%v does not fit %v", x, dy)
	}
	k := n.Int("kernel")
	for i := 1; i < 3; i++ {
		if got, err := convSize(x.Dims[i], k, n.Int("stride"), n.Int("pad")); err != nil || got != dy.Dims[i] {
			return nil, fmt.Errorf("a side of %d gives %d, not %d", x.Dims[i], got, dy.Dims[i])
		}
	}
	return one(Type{Dims: []int{dy.Dims[0], x.Dims[0], k, k}})
}

func inferMaxPool(n *Node, _ Env) ([]Type, error) {
	x := n.In[0].Type()
	if err := image(x); err != nil {
		return nil, err
	}
	h, err := convSize(x.Dims[1], n.Int("kernel"), n.Int("stride"), 0)
	if err != nil {
		return nil, err
	}
	w, err := convSize(x.Dims[2], n.Int("kernel"), n.Int("stride"), 0)
	if err != nil {
		return nil, err
	}
	return one(x.WithDims(x.Dims[0], h, w))
}

func inferMaxPoolGrad(n *Node, env Env) ([]Type, error) {
	out, err := inferMaxPool(n, env)
	if err != nil {
		return nil, err
	}
	if !out[0].With(F32).Equal(n.In[1].Type()) {
		return nil, fmt.Errorf("gradient %v, want %v", n.In[1].Type(), out[0].With(F32))
	}
	return one(n.In[0].Type().With(F32))
}

func inferNormalise(n *Node, _ Env) ([]Type, error) {
	x := n.In[0].Type()
	stat, err := without(x, n.Axes())
	if err != nil {
		return nil, err
	}
	if len(n.Axes()) == 0 || slices.ContainsFunc(n.Axes(), func(a Axis) bool { return a >= 0 && int(a) < len(stat.Dims) }) {
		return nil, fmt.Errorf("axes %v: the dims among them must be the last ones", n.Axes())
	}
	return []Type{x.With(F32), stat, stat}, nil
}

func inferNormaliseGrad(n *Node, _ Env) ([]Type, error) {
	dy, y, variance := n.In[0].Type(), n.In[1].Type(), n.In[2].Type()
	stat, err := without(y, n.Axes())
	if err != nil {
		return nil, err
	}
	if !dy.With(F32).Equal(y) || !variance.Equal(stat) {
		return nil, fmt.Errorf("%v, %v and %v do not belong together", dy, y, variance)
	}
	return one(y)
}

// equationTypes returns the types of what goes in and comes out: inputs and the element type of one step.
func equationTypes(n *Node) (out Type, err error) {
	e := n.Equation
	if e == nil {
		return out, fmt.Errorf("no equation is given")
	}
	want := len(e.Inputs) + len(e.Params)
	if n.Flag("state") {
		want += len(e.States)
	}
	in := n.In
	if n.Op == OpEquationGrad {
		want++
		if len(in) == want {
			in = in[:want-1]
		}
	}
	if len(n.In) != want {
		return out, fmt.Errorf("%s wants %d inputs, got %d", e.Name, want, len(n.In))
	}
	for i, v := range in {
		t := v.Type().With(F32)
		if v.Type().DType == State {
			return out, fmt.Errorf("state is not a number")
		}
		if i >= len(e.Inputs) && t.Steps > 0 {
			return out, fmt.Errorf("%v for a parameter or state has a time axis", t)
		}
		if out, err = Broadcast(out.With(F32), t); err != nil {
			return out, err
		}
	}
	switch steps := n.Int("steps"); {
	case steps < 0 || steps > maxSteps:
		return out, fmt.Errorf("steps = %d", steps)
	case out.Steps == 0 && steps == 0:
		return out, fmt.Errorf("nothing says how many time steps there are")
	case out.Steps == 0:
		out.Steps = steps
	case steps != 0 && steps != out.Steps:
		return out, fmt.Errorf("steps = %d, but the input has %d", steps, out.Steps)
	}
	return out, nil
}

func inferEquation(n *Node, _ Env) ([]Type, error) {
	t, err := equationTypes(n)
	if err != nil {
		return nil, err
	}
	emit := t
	if n.Equation.Spikes {
		emit.DType = Bit
	}
	if n.Flag("last") {
		emit.Steps = 0
	}
	out := []Type{emit}
	if n.Flag("state") {
		for range n.Equation.States {
			out = append(out, t.WithSteps(0))
		}
	}
	return out, nil
}

func inferEquationGrad(n *Node, env Env) ([]Type, error) {
	t, err := equationTypes(n)
	if err != nil {
		return nil, err
	}
	if n.Flag("last") {
		t.Steps = 0
	}
	if dy := n.In[len(n.In)-1].Type(); !dy.Equal(t) {
		return nil, fmt.Errorf("gradient %v, want %v", dy, t)
	}
	var out []Type
	for _, v := range n.In[:len(n.In)-1] {
		out = append(out, v.Type().With(F32))
	}
	return out, nil
}

func inferBinary(n *Node, _ Env) ([]Type, error) {
	t, err := Broadcast(n.In[0].Type(), n.In[1].Type())
	if err != nil {
		return nil, err
	}
	return number(t)
}

func inferCompare(n *Node, env Env) ([]Type, error) {
	t := n.In[0].Type()
	if len(n.In) == 2 {
		var err error
		if t, err = Broadcast(t, n.In[1].Type()); err != nil {
			return nil, err
		}
	}
	if n.Op == OpAnd || n.Op == OpOr || n.Op == OpNot {
		for _, v := range n.In {
			if v.Type().DType != Bit {
				return nil, fmt.Errorf("wants bits, got %v", v.Type())
			}
		}
	}
	if t.DType == State {
		return nil, fmt.Errorf("state is not a number")
	}
	return one(t.With(Bit))
}

func inferWhere(n *Node, _ Env) ([]Type, error) {
	if n.In[0].Type().DType != Bit {
		return nil, fmt.Errorf("wants a condition of bits, got %v", n.In[0].Type())
	}
	t, err := Broadcast(n.In[1].Type(), n.In[2].Type())
	if err != nil {
		return nil, err
	}
	d := F32
	if n.In[1].Type().DType == n.In[2].Type().DType {
		d = n.In[1].Type().DType
	}
	if t, err = Broadcast(t, n.In[0].Type()); err != nil {
		return nil, err
	}
	return one(t.With(d))
}

func inferSpike(n *Node, _ Env) ([]Type, error) {
	t, err := Broadcast(n.In[0].Type(), n.In[1].Type())
	if err != nil {
		return nil, err
	}
	return one(t.With(Bit))
}

func inferAssign(n *Node, env Env) ([]Type, error) {
	if env == nil {
		return nil, fmt.Errorf("no variables here")
	}
	t, ok := env.VariableType(n.Text("var"))
	if !ok {
		return nil, fmt.Errorf("unknown variable %q", n.Text("var"))
	}
	if !t.Equal(n.In[0].Type()) {
		return nil, fmt.Errorf("%s is %v, got %v", n.Text("var"), t, n.In[0].Type())
	}
	return nil, nil
}

func inferApply(n *Node, env Env) ([]Type, error) {
	role := n.Text("role")
	if mode := n.Text("mode"); mode != "train" && mode != "eval" {
		return nil, fmt.Errorf("mode %q is neither train nor eval", mode)
	}
	if env == nil {
		return nil, fmt.Errorf("no roles here")
	}
	ins, outs, free, ok := env.Signature(role)
	if !ok {
		return nil, fmt.Errorf("unknown role %q", role)
	}
	given := n.In
	if n.Flag("state") {
		if n.Text("mode") != "eval" {
			return nil, fmt.Errorf("states are carried in eval mode only")
		}
		if len(given) == 0 || !given[len(given)-1].Type().Equal(Type{DType: State, Role: role}) {
			return nil, fmt.Errorf("the last input must be state[%s]", role)
		}
		given = given[:len(given)-1]
	}
	if len(given) != len(ins) {
		return nil, fmt.Errorf("%s takes %d inputs, got %d", role, len(ins), len(given))
	}
	steps, from := 0, 0
	for i, want := range ins {
		got := given[i].Type()
		if free && want.Steps > 0 && got.Steps > 0 {
			if steps != 0 && steps != got.Steps {
				return nil, fmt.Errorf("inputs of %s have %d and %d time steps", role, steps, got.Steps)
			}
			steps, from = got.Steps, want.Steps
			want.Steps = steps
		}
		// A bit is a number; a network that wants numbers takes spikes.
		if want.DType == F32 && got.DType == Bit {
			want.DType = Bit
		}
		if !got.Equal(want) {
			return nil, fmt.Errorf("input %d of %s is %v, got %v", i+1, role, want, got)
		}
	}
	res := slices.Clone(outs)
	for i := range res {
		if free && res[i].Steps > 0 && res[i].Steps == from {
			res[i].Steps = steps
		}
	}
	if n.Flag("state") {
		res = append(res, Type{DType: State, Role: role})
	}
	return res, nil
}

func inferCall(n *Node, env Env) ([]Type, error) {
	name := n.Text("function")
	if env == nil || env.FunctionNamed(name) == nil {
		return nil, fmt.Errorf("unknown function %q", name)
	}
	f := env.FunctionNamed(name)
	if len(f.Inputs) != len(n.In) {
		return nil, fmt.Errorf("%s takes %d inputs, got %d", name, len(f.Inputs), len(n.In))
	}
	for i, in := range f.Inputs {
		if !in.Out[0].Equal(n.In[i].Type()) {
			return nil, fmt.Errorf("input %d of %s is %v, got %v", i+1, name, in.Out[0], n.In[i].Type())
		}
	}
	var out []Type
	for _, o := range f.Outputs {
		out = append(out, o.Value.Type())
	}
	if n.Op == OpCustom {
		back := env.FunctionNamed(n.Text("backward"))
		if back == nil {
			return nil, fmt.Errorf("unknown function %q", n.Text("backward"))
		}
		if len(back.Inputs) != len(n.In)+2*len(out) || len(back.Outputs) != len(n.In) {
			return nil, fmt.Errorf("%s must take the %d inputs, %d outputs and as many gradients, and give %d gradients", n.Text("backward"), len(n.In), len(out), len(n.In))
		}
	}
	return out, nil
}

func inferGrad(n *Node, _ Env) ([]Type, error) {
	if !n.In[0].Type().Equal(Scalar()) {
		return nil, fmt.Errorf("wants a scalar f32[], got %v", n.In[0].Type())
	}
	var out []Type
	for _, v := range n.In[1:] {
		out = append(out, v.Type().With(F32))
	}
	return out, nil
}
