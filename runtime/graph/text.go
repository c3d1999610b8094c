package graph

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Print returns the canonical text of m, headed `graph 1`. Parse reads it back.
func (m *Module) Print() string {
	var w strings.Builder
	w.WriteString("graph 1\n")
	m.PrintBody(&w)
	return w.String()
}

// PrintBody writes variables, equations and functions without the heading.
func (m *Module) PrintBody(w *strings.Builder) {
	for _, v := range m.Variables {
		fmt.Fprintf(w, "\nvariable %q %v %v %s(%s, %s)", v.Name, v.Type, v.Kind, v.Init.Kind, real(v.Init.A), real(v.Init.B))
	}
	if len(m.Variables) > 0 {
		w.WriteByte('\n')
	}
	for _, e := range m.Equations {
		w.WriteByte('\n')
		e.print(w)
	}
	for _, g := range m.Functions {
		w.WriteByte('\n')
		g.print(w)
	}
}

// String returns the text of the function alone.
func (g *Graph) String() string {
	var w strings.Builder
	g.print(&w)
	return w.String()
}

func (g *Graph) print(w *strings.Builder) {
	g.Number()
	fmt.Fprintf(w, "function %s(", g.Name)
	for i, n := range g.Inputs {
		if i > 0 {
			w.WriteString(", ")
		}
		fmt.Fprintf(w, "%s: %v", n.Text("name"), n.Out[0])
	}
	w.WriteString(")")
	if g.FreeSteps {
		w.WriteString(" free-steps")
	}
	w.WriteString(" {\n")
	names := g.printNodes(w)
	w.WriteString("  return")
	for i, o := range g.Outputs {
		if i > 0 {
			w.WriteByte(',')
		}
		fmt.Fprintf(w, " %s = %s", o.Name, names(o.Value))
	}
	w.WriteString("\n}\n")
}

// printNodes writes the nodes numbered from 0 and returns how values are called.
func (g *Graph) printNodes(w *strings.Builder) func(Value) string {
	number := make(map[*Node]int, len(g.Nodes))
	name := func(v Value) string {
		if v.Node.Op == OpInput {
			return "%" + v.Node.Text("name")
		}
		s := "%" + strconv.Itoa(number[v.Node])
		if len(v.Node.Out) > 1 {
			s += "." + strconv.Itoa(v.Index)
		}
		return s
	}
	for _, n := range g.Nodes {
		if n.Op == OpInput {
			continue
		}
		number[n] = len(number)
		w.WriteString("  ")
		if len(n.Out) > 0 {
			fmt.Fprintf(w, "%%%d = ", number[n])
		}
		w.WriteString(string(n.Op))
		if n.Equation != nil {
			fmt.Fprintf(w, " %q", n.Equation.Name)
		}
		for _, v := range n.In {
			w.WriteByte(' ')
			w.WriteString(name(v))
		}
		keys := make([]string, 0, len(n.Attrs))
		for k := range n.Attrs {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(w, " %s=%s", k, attrText(n.Attrs[k]))
		}
		if len(n.Out) > 0 {
			w.WriteString(" :")
			for _, t := range n.Out {
				w.WriteByte(' ')
				w.WriteString(t.String())
			}
		}
		w.WriteByte('\n')
	}
	return name
}

func (e *Equation) print(w *strings.Builder) {
	e.Step.Number()
	fmt.Fprintf(w, "equation %q", e.Name)
	if e.Spikes {
		w.WriteString(" spikes")
	}
	if e.Once {
		w.WriteString(" once")
	}
	if t := e.Temporal; t != nil {
		w.WriteString(" temporal")
		if t.Open {
			w.WriteString(" open")
		}
		if t.Normalize {
			w.WriteString(" normalize")
		}
	}
	w.WriteString(" {\n")
	for _, s := range e.Inputs {
		fmt.Fprintf(w, "  input %s\n", s)
	}
	for _, s := range e.Params {
		fmt.Fprintf(w, "  param %s\n", s)
	}
	for _, s := range e.States {
		fmt.Fprintf(w, "  state %s = %s\n", s.Name, real(s.Start))
	}
	names := e.Step.printNodes(w)
	for i, o := range e.Step.Outputs {
		if i == 0 {
			fmt.Fprintf(w, "  emit %s\n", names(o.Value))
		} else {
			fmt.Fprintf(w, "  next %s %s\n", o.Name, names(o.Value))
		}
	}
	w.WriteString("}\n")
}

// real renders a float so that it reads back to the same bits and is seen to be no int.
func real(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

func attrText(v any) string {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v)
	case float64:
		return real(v)
	case string:
		return strconv.Quote(v)
	case bool:
		return strconv.FormatBool(v)
	case []int:
		return fmt.Sprint(v)
	case []float64:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = real(x)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case Axis:
		return v.String()
	case Axes:
		return v.String()
	}
	return fmt.Sprintf("?%T", v)
}

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
			p.Errorf("unknown word %q, want variable, equation or function", word)
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

// next returns the next token and where it ends; newlines are tokens unless skipped.
func (p *Parser) scan(skip bool) (tok string, end, line int) {
	i, line := p.pos, p.line
	for i < len(p.text) {
		switch c := p.text[i]; {
		case c == '\n':
			if !skip {
				return "\n", i + 1, line + 1
			}
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			for i < len(p.text) && p.text[i] != '\n' {
				i++
			}
		case c == '"':
			j := i + 1
			for j < len(p.text) && p.text[j] != '"' && p.text[j] != '\n' {
				if p.text[j] == '\\' {
					j++
				}
				j++
			}
			return p.text[i:min(j+1, len(p.text))], min(j+1, len(p.text)), line
		case strings.IndexByte("[](){},=:", c) >= 0:
			return p.text[i : i+1], i + 1, line
		default:
			j := i
			for j < len(p.text) && strings.IndexByte(" \t\r\n[](){},=:#\"", p.text[j]) < 0 {
				j++
			}
			return p.text[i:j], j, line
		}
	}
	return "", i, line
}

func (p *Parser) peek(skip bool) string {
	if p.err != nil {
		return ""
	}
	tok, _, _ := p.scan(skip)
	return tok
}

// Token takes the next token of the line; "" at the end of the text, "\n" at the end of the line.
func (p *Parser) Token() string {
	if p.err != nil {
		return ""
	}
	tok, end, line := p.scan(false)
	p.pos, p.line, p.at = end, line, line
	if tok == "\n" {
		p.at--
	}
	return tok
}

// Word takes the next token, over line ends; "" at the end of the text.
func (p *Parser) Word() string {
	if p.err != nil {
		return ""
	}
	tok, end, line := p.scan(true)
	p.pos, p.line, p.at = end, line, line
	return tok
}

// Is takes the next token of the line if it is word.
func (p *Parser) Is(word string) bool {
	if p.peek(false) != word {
		return false
	}
	p.Token()
	return true
}

// Want takes the next token, which must be word.
func (p *Parser) Want(word string) {
	if got := p.Token(); got != word && p.err == nil {
		p.Errorf("want %q, got %q", word, got)
	}
}

// Name takes a bare word.
func (p *Parser) Name() string {
	s := p.Token()
	if p.err == nil && (s == "" || !isName(s)) {
		p.Errorf("want a name, got %q", s)
	}
	return s
}

func isName(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !(c == '-' || c == '.' || '0' <= c && c <= '9')) {
			return false
		}
	}
	return s != ""
}

// Quoted takes a quoted string.
func (p *Parser) Quoted() string {
	tok := p.Token()
	s, err := strconv.Unquote(tok)
	if err != nil || tok == "" || tok[0] != '"' {
		p.Errorf("want a quoted name, got %q", tok)
	}
	return s
}

// Int takes an int.
func (p *Parser) Int() int {
	tok := p.Token()
	v, err := strconv.Atoi(tok)
	if err != nil {
		p.Errorf("want an int, got %q", tok)
	}
	return v
}

// Real takes a finite number.
func (p *Parser) Real() float64 {
	tok := p.Token()
	v, err := strconv.ParseFloat(tok, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		p.Errorf("want a number, got %q", tok)
	}
	return v
}

// EndLine wants the line to end.
func (p *Parser) EndLine() {
	if tok := p.Token(); tok != "\n" && tok != "" && p.err == nil {
		p.Errorf("unexpected %q", tok)
	}
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

// Item reads the rest of a `variable`, `equation` or `function`; it reports whether keyword is one of these.
func (p *Parser) Item(keyword string) bool {
	switch keyword {
	case "variable":
		p.variable()
	case "equation":
		p.equation()
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

// node reads `[%N =] OP ["equation"] values attrs [: types]`.
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
	var e *Equation
	if op == OpEquation || op == OpEquationGrad {
		eq := p.Quoted()
		if e = p.m.Equation(eq); e == nil {
			p.Errorf("unknown equation %q", eq)
		}
	}
	var in []Value
	attrs := Attrs{}
	for p.err == nil {
		tok := p.Token()
		if tok == "\n" || tok == "" || tok == ":" {
			n := b.node(op, e, attrs, in)
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
