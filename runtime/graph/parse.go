package graph

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Parse reads the text form of a module and verifies it.
func Parse(text string) (*Module, error) {
	m := &Module{}
	p := NewParser(text, m, nil)
	if err := p.Header("graph"); err != nil {
		return nil, err
	}
	for {
		word := p.Word()
		if word == "" {
			return m, p.Finish()
		}
		if !p.Item(word) {
			p.Errorf("unknown word %q, want variable, equation, opaque or function", word)
			return nil, p.Err()
		}
		if p.Err() != nil {
			return nil, p.Err()
		}
	}
}

// Parser reads the text form token by token. Package program extends it with items of its own. The first error sticks.
type Parser struct {
	m     *Module
	roles Env
	types map[string]Type // of the variables of m
	text  string
	pos   int
	line  int
	at    int // the line of the token taken last
	err   error
}

// NewParser reads text into m; roles resolves what is not in m (nil: nothing else).
func NewParser(text string, m *Module, roles Env) *Parser {
	p := &Parser{m: m, roles: roles, types: map[string]Type{}, text: text, line: 1, at: 1}
	for _, v := range m.Variables {
		p.types[v.Name] = v.Type
	}
	return p
}

// Err returns the first error, with its line.
func (p *Parser) Err() error { return p.err }

// Errorf records an error at the line of the token taken last.
func (p *Parser) Errorf(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("line %d: %s", p.at, fmt.Sprintf(format, args...))
	}
}

// Header reads `WORD 1`.
func (p *Parser) Header(word string) error {
	if got := p.Word(); got != word {
		p.Errorf("want the heading `%s 1`", word)
	} else if v := p.Token(); v != "1" {
		p.Errorf("version %q of the text form; this one reads 1", v)
	}
	return p.err
}

// Finish reports the first error, or that something follows where nothing should.
func (p *Parser) Finish() error {
	if p.err == nil && p.peek(true) != "" {
		p.Errorf("unexpected %q", p.peek(true))
	}
	return p.err
}

// Type takes a type: `f32[T4 N 16 7 7]` or `state[prior]`.
func (p *Parser) Type() Type {
	var t Type
	name := p.Token()
	i := slices.Index(dtypeNames[:], name)
	if i < 0 {
		p.Errorf("unknown element type %q", name)
		return t
	}
	t.DType = DType(i)
	p.Want("[")
	for p.err == nil {
		tok := p.Token()
		switch {
		case tok == "]":
			return t
		case t.DType == State && t.Role == "" && isName(tok):
			t.Role = tok
		case t.DType == State:
			p.Errorf("want the name of a role, got %q", tok)
		case tok == "N" && !t.Batch && len(t.Dims) == 0:
			t.Batch = true
		case strings.HasPrefix(tok, "T") && t.Steps == 0 && !t.Batch && len(t.Dims) == 0:
			v, err := strconv.Atoi(tok[1:])
			if err != nil || v < 1 || v > maxSteps {
				p.Errorf("%q is no number of time steps", tok)
			}
			t.Steps = v
		default:
			v, err := strconv.Atoi(tok)
			if err != nil || v < 1 || v > maxElements || len(t.Dims) >= maxDims || product(t.Dims) > maxElements/v {
				p.Errorf("%q is no dim here", tok)
			}
			t.Dims = append(t.Dims, v)
		}
	}
	return t
}

// Item reads the rest of a `variable`, `equation`, `opaque`, `chip` or `function`; it reports whether keyword is one of these.
func (p *Parser) Item(keyword string) bool {
	switch keyword {
	case "variable":
		p.variable()
	case "equation":
		p.equation()
	case "opaque":
		p.opaque()
	case "chip":
		p.chip()
	case "function":
		p.function()
	default:
		return false
	}
	return true
}

func (p *Parser) variable() {
	v := Variable{Name: p.Quoted(), Type: p.Type()}
	kind := p.Token()
	i := slices.Index(variableKinds[:], kind)
	if i < 0 {
		p.Errorf("unknown kind of variable %q", kind)
		return
	}
	v.Kind = VariableKind(i)
	v.Init.Kind = p.Name()
	p.Want("(")
	v.Init.A = p.Real()
	p.Want(",")
	v.Init.B = p.Real()
	p.Want(")")
	if p.Is("in") {
		p.Want("(")
		v.Range.Low = p.Real()
		p.Want(",")
		v.Range.High = p.Real()
		p.Want(")")
		if p.err == nil && v.Range == (Range{}) {
			p.Errorf("variable %q is held in (0, 0)", v.Name)
		}
	}
	if p.Is("of") {
		v.Of = p.Quoted()
	}
	if p.EndLine(); p.err != nil {
		return
	}
	if _, twice := p.types[v.Name]; twice {
		p.Errorf("variable %q stands twice", v.Name)
	}
	if err := v.Verify(); err != nil {
		p.Errorf("%v", err)
	}
	p.types[v.Name] = v.Type
	p.m.Variables = append(p.m.Variables, v)
}

func (p *Parser) function() {
	name := p.Name()
	if p.err == nil && p.m.Function(name) != nil {
		p.Errorf("function %s stands twice", name)
	}
	b := NewBuilder(name, ModuleEnv{p.m, p.roles, p.types})
	values := map[string][]Value{}
	p.Want("(")
	for p.err == nil && !p.Is(")") {
		in := p.Name()
		p.Want(":")
		if _, twice := values[in]; twice {
			p.Errorf("input %s stands twice", in)
		}
		values[in] = []Value{b.Input(in, p.Type())}
		p.builder(b)
		if !p.Is(",") && p.peek(false) != ")" {
			p.Errorf("want `,` or `)`, got %q", p.peek(false))
		}
	}
	b.g.FreeSteps = p.Is("free-steps")
	p.Want("{")
	p.EndLine()
	for p.err == nil {
		switch word := p.Word(); {
		case word == "return":
			for p.err == nil && p.peek(false) != "\n" {
				out := p.Name()
				p.Want("=")
				if b.g.Output(out).Valid() {
					p.Errorf("output %s stands twice", out)
				}
				b.Output(out, p.value(p.Token(), values))
				if !p.Is(",") {
					break
				}
			}
			p.EndLine()
			p.Want("}")
			p.EndLine()
			if p.err == nil {
				b.g.Number()
				p.m.Functions = append(p.m.Functions, b.g)
			}
			return
		default:
			p.node(b, word, values)
		}
	}
}

func (p *Parser) builder(b *Builder) {
	if b.err != nil {
		p.Errorf("%v", b.err)
	}
}

func (p *Parser) value(tok string, values map[string][]Value) Value {
	name, ok := strings.CutPrefix(tok, "%")
	if !ok {
		p.Errorf("want a value such as %%3, got %q", tok)
		return Value{}
	}
	if vs, ok := values[name]; ok && len(vs) == 1 {
		return vs[0]
	}
	if head, tail, ok := strings.Cut(name, "."); ok {
		i, err := strconv.Atoi(tail)
		if vs := values[head]; err == nil && i >= 0 && i < len(vs) && len(vs) > 1 {
			return vs[i]
		}
	}
	p.Errorf("unknown value %q", tok)
	return Value{}
}

// node reads `[%N =] OP ["equation, opaque operator or chip"] values attrs [: types]`.
func (p *Parser) node(b *Builder, word string, values map[string][]Value) {
	if word == "" {
		p.Errorf("the text ends inside a body")
		return
	}
	name, named := strings.CutPrefix(word, "%")
	if named {
		if _, err := strconv.Atoi(name); err != nil {
			p.Errorf("a node is called by its number, not %q", word)
		}
		if _, twice := values[name]; twice {
			p.Errorf("%s stands twice", word)
		}
		p.Want("=")
		word = p.Token()
	}
	op := Op(word)
	spec, ok := operators[op]
	if !ok || op == OpInput {
		p.Errorf("unknown operator %q", word)
		return
	}
	like := &Node{Op: op}
	switch op {
	case OpEquation, OpEquationGrad:
		eq := p.Quoted()
		if like.Equation = p.m.Equation(eq); like.Equation == nil {
			p.Errorf("unknown equation %q", eq)
		}
	case OpOpaque, OpOpaqueGrad:
		o := p.Quoted()
		if like.Opaque = p.m.Opaque(o); like.Opaque == nil {
			p.Errorf("unknown opaque operator %q", o)
		}
	case OpChip:
		c := p.Quoted()
		if like.Chip = p.m.Chip(c); like.Chip == nil {
			p.Errorf("unknown chip %q", c)
		}
	}
	var in []Value
	attrs := Attrs{}
	for p.err == nil {
		tok := p.Token()
		if tok == "\n" || tok == "" || tok == ":" {
			n := b.node(like, attrs, in)
			p.builder(b)
			if p.err != nil {
				return
			}
			if named != (len(n.Out) > 0) {
				p.Errorf("%s: a node with results has a number, one without has none", op)
				return
			}
			if named {
				vs := make([]Value, len(n.Out))
				for i := range vs {
					vs[i] = Value{n, i}
				}
				values[name] = vs
			}
			if tok == ":" {
				for _, want := range n.Out {
					if got := p.Type(); !got.Equal(want) {
						p.Errorf("%s gives %v, the text says %v", op, want, got)
					}
				}
				p.EndLine()
			}
			return
		}
		if strings.HasPrefix(tok, "%") {
			in = append(in, p.value(tok, values))
			continue
		}
		kind, ok := spec.attrs[tok]
		if !ok {
			p.Errorf("%s has no attribute %q", op, tok)
			return
		}
		if _, twice := attrs[tok]; twice {
			p.Errorf("attribute %s stands twice", tok)
		}
		p.Want("=")
		attrs[tok] = p.attr(kind)
	}
}

func (p *Parser) attr(kind attrKind) any {
	axis := func(tok string) Axis {
		switch tok {
		case "t":
			return TimeAxis
		case "n":
			return BatchAxis
		}
		v, err := strconv.Atoi(tok)
		if err != nil || v < 0 || v > maxDims {
			p.Errorf("%q is no axis", tok)
		}
		return Axis(v)
	}
	list := func(each func(tok string)) {
		p.Want("[")
		for p.err == nil {
			tok := p.Token()
			if tok == "]" {
				return
			}
			each(tok)
		}
	}
	switch kind.plain() {
	case "int":
		return p.Int()
	case "real":
		return p.Real()
	case "string":
		return p.Quoted()
	case "bool":
		tok := p.Token()
		if tok != "true" && tok != "false" {
			p.Errorf("want true or false, got %q", tok)
		}
		return tok == "true"
	case "ints":
		out := []int{}
		list(func(tok string) {
			v, err := strconv.Atoi(tok)
			if err != nil {
				p.Errorf("want an int, got %q", tok)
			}
			out = append(out, v)
		})
		return out
	case "reals":
		out := []float64{}
		list(func(tok string) {
			v, err := strconv.ParseFloat(tok, 64)
			if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
				p.Errorf("want a number, got %q", tok)
			}
			out = append(out, v)
		})
		return out
	case "axis":
		return axis(p.Token())
	case "axes":
		out := Axes{}
		list(func(tok string) { out = append(out, axis(tok)) })
		return out
	}
	p.Errorf("attribute of kind %s has no text", kind)
	return nil
}

func (p *Parser) equation() {
	e := &Equation{Name: p.Quoted()}
	if p.err == nil && p.m.Equation(e.Name) != nil {
		p.Errorf("equation %q stands twice", e.Name)
	}
	for p.err == nil && !p.Is("{") {
		switch word := p.Token(); word {
		case "spikes":
			e.Spikes = true
		case "once":
			e.Once = true
		case "temporal":
			e.Temporal = &Temporal{Open: p.Is("open"), Normalize: p.Is("normalize")}
		default:
			p.Errorf("unknown word %q before the body of an equation", word)
		}
	}
	p.EndLine()
	b := NewBuilder("step", nil)
	values := map[string][]Value{}
	declare := func(name string) {
		if _, twice := values[name]; twice {
			p.Errorf("%s stands twice", name)
		}
		values[name] = []Value{b.Input(name, Scalar())}
	}
	for p.err == nil {
		switch word := p.Word(); word {
		case "input":
			e.Inputs = append(e.Inputs, p.Name())
			declare(e.Inputs[len(e.Inputs)-1])
			p.EndLine()
		case "param":
			e.Params = append(e.Params, p.Name())
			declare(e.Params[len(e.Params)-1])
			p.EndLine()
		case "state":
			s := EquationState{Name: p.Name()}
			p.Want("=")
			s.Start = p.Real()
			e.States = append(e.States, s)
			declare(s.Name)
			p.EndLine()
		case "emit":
			b.Output("emit", p.value(p.Token(), values))
			p.EndLine()
		case "next":
			name := p.Name()
			b.Output(name, p.value(p.Token(), values))
			p.EndLine()
		case "}":
			p.EndLine()
			if p.err == nil {
				e.Step = b.g
				e.Step.Number()
				if err := e.Verify(); err != nil {
					p.Errorf("%v", err)
				}
				p.m.Equations = append(p.m.Equations, e)
			}
			return
		default:
			p.node(b, word, values)
		}
	}
}
