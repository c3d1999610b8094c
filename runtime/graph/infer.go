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
		OpOpaque:        {1, -1, a("steps", "?int", "state", "?bool", "label", "?string"), inferOpaque},
		OpOpaqueGrad:    {1, -1, a("steps", "int"), inferOpaqueGrad},
		OpChip:          {1, -1, a("label", "?string"), inferChip},

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
	missing := ""
	for name, kind := range spec.attrs {
		if _, ok := n.Attrs[name]; !ok && kind[0] != '?' && (missing == "" || name < missing) {
			missing = name
		}
	}
	if missing != "" { // the first one of several, whatever the order of the map
		return nil, fmt.Errorf("%s: attribute %s is missing", n.Op, missing)
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

func number(t Type) ([]Type, error) {
	if t.DType == State {
		return nil, fmt.Errorf("state is not a number")
	}
	return one(t.With(F32))
}
