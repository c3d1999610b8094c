package dsl

import (
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"snnc.dev/snnc/dsl/diag"
)

// What the grammar calls an expression, a sum (which ends before `in`) and a range.
type (
	gExpr  interface{ Expr }
	gSum   interface{ Expr }
	gRange interface{ Expr }
)

func parseFlow(lex *lexer.PeekingLexer) (gExpr, error) {
	return climb(lex, func(c *climber) (Expr, error) { return c.flow() })
}

func parseSum(lex *lexer.PeekingLexer) (gSum, error) {
	return climb(lex, func(c *climber) (Expr, error) { return c.binary(precSum) })
}

func parseRange(lex *lexer.PeekingLexer) (gRange, error) {
	return climb(lex, func(c *climber) (Expr, error) { return c.binary(precRange) })
}

func climb(lex *lexer.PeekingLexer, parse func(*climber) (Expr, error)) (Expr, error) {
	c := &climber{PeekingLexer: lex}
	if !c.starts() {
		return nil, participle.NextMatch
	}
	return parse(c)
}

// The precedences, loosest first.
const (
	precOr = iota + 1
	precAnd
	precNot
	precCompare
	precRange
	precSum
	precProduct
)

// precedence returns that of a binary operator, 0 for other tokens.
func precedence(t *lexer.Token) int {
	if t.Type != tokOp && t.Type != tokReserved {
		return 0
	}
	switch t.Value {
	case "or":
		return precOr
	case "and":
		return precAnd
	case "==", "!=", "<", "<=", ">", ">=", "in":
		return precCompare
	case "..":
		return precRange
	case "+", "-":
		return precSum
	case "*", "/":
		return precProduct
	}
	return 0
}

// maxChain is how many operators of one precedence, or indices and fields, stand in a row: each is a level of the tree.
const maxChain = 1000

// wantError says that something else is wanted where the reader stopped; explain words it.
type wantError struct {
	at      lexer.Token
	want    string // what is wanted, in words
	code    diag.Code
	summary string // instead of the words made of want and at
	help    string
}

func (e *wantError) Error() string { return e.want + e.summary }

// climber parses expressions by precedence climbing.
type climber struct {
	*lexer.PeekingLexer
	powers int // `^` around the value that is read
}

// starts reports whether an expression can begin here.
func (c *climber) starts() bool {
	t := c.Peek()
	switch t.Type {
	case tokName, tokNumber, tokSize, tokString:
		return true
	case tokReserved:
		return t.Value == "true" || t.Value == "false" || t.Value == "not"
	case tokOp:
		return t.Value == "(" || t.Value == "[" || t.Value == "-" || t.Value == "+"
	}
	return false
}

// is reports whether the next token is the operator or reserved word value.
func (c *climber) is(value string) bool {
	t := c.Peek()
	return t.Value == value && (t.Type == tokOp || t.Type == tokReserved)
}

func (c *climber) fail(want string) error { return &wantError{at: *c.Peek(), want: want} }

func (c *climber) tooMany(what string) error {
	return &wantError{at: *c.Peek(), code: diag.TooLarge, summary: "over 1,000 " + what + " stand in a row", help: "give a name to a part of them"}
}

func (c *climber) want(value, words string) (lexer.Token, error) {
	if !c.is(value) {
		return lexer.Token{}, c.fail(words)
	}
	return *c.Next(), nil
}

func (c *climber) name(what string) (Name, error) {
	if c.Peek().Type != tokName {
		return Name{}, c.fail(what)
	}
	return name(*c.Next()), nil
}

// value parses an expression that must stand here.
func (c *climber) value() (Expr, error) {
	if !c.starts() {
		return nil, c.fail(aValue)
	}
	return c.flow()
}

// flow = or { "->" NAME [ args ] }
func (c *climber) flow() (Expr, error) {
	from, err := c.binary(precOr)
	if err != nil || !c.is("->") {
		return from, err
	}
	f := &Flow{From: from}
	for c.is("->") {
		c.Next()
		n, err := c.name("the name of a layer, neuron, block or network")
		if err != nil {
			return nil, err
		}
		ref, err := c.ref(n)
		if err != nil {
			return nil, err
		}
		f.Steps = append(f.Steps, ref)
	}
	f.Range = from.Span().Join(f.Steps[len(f.Steps)-1].Range)
	return f, nil
}

// binary parses operators of precedence least and tighter.
func (c *climber) binary(least int) (left Expr, err error) {
	if t := *c.Peek(); c.is("not") {
		if least > precNot {
			return nil, &wantError{at: t, want: aValue, help: "put `not ...` in parentheses"}
		}
		c.Next()
		of, err := c.binary(precNot)
		if err != nil {
			return nil, err
		}
		left = &Unary{Op: "not", Of: of, Range: span(t).Join(of.Span())}
	} else if left, err = c.unary(); err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		op := c.Peek()
		prec := precedence(op)
		if prec == 0 || prec < least {
			return left, nil
		}
		if n == maxChain {
			return nil, c.tooMany("operators")
		}
		c.Next()
		right, err := c.binary(prec + 1)
		if err != nil {
			return nil, err
		}
		left = &Binary{Op: op.Value, Left: left, Right: right, Range: left.Span().Join(right.Span())}
		if next := c.Peek(); precedence(next) == prec && prec == precCompare {
			return nil, &wantError{at: *next, code: diag.BadSyntax, summary: "comparisons do not chain", help: "join two of them: `a < b and b < c`"}
		} else if precedence(next) == prec && prec == precRange {
			return nil, &wantError{at: *next, code: diag.BadSyntax, summary: "a range has two ends", help: "write `LO..HI`"}
		}
	}
}

// unary = ( "-" | "+" ) unary | postfix [ "^" unary ]
func (c *climber) unary() (Expr, error) {
	if t := *c.Peek(); c.is("-") || c.is("+") {
		c.Next()
		of, err := c.unary()
		if err != nil {
			return nil, err
		}
		return &Unary{Op: t.Value, Of: of, Range: span(t).Join(of.Span())}, nil
	}
	base, err := c.postfix()
	if err != nil || !c.is("^") {
		return base, err
	}
	if c.powers++; c.powers > maxNesting {
		return nil, &wantError{at: *c.Peek(), code: diag.TooLarge, summary: "over 100 `^` are nested", help: "give a name to a part of them"}
	}
	c.Next()
	power, err := c.unary()
	if err != nil {
		return nil, err
	}
	c.powers--
	return &Binary{Op: "^", Left: base, Right: power, Range: base.Span().Join(power.Span())}, nil
}

// postfix = atom { "[" expr "]" | "." NAME }
func (c *climber) postfix() (Expr, error) {
	e, err := c.atom()
	if err != nil {
		return nil, err
	}
	for n := 0; ; n++ {
		switch {
		case n == maxChain:
			return nil, c.tooMany("indices")
		case c.is("["):
			c.Next()
			at, err := c.value()
			if err != nil {
				return nil, err
			}
			end, err := c.want("]", "`]`")
			if err != nil {
				return nil, err
			}
			e = &Index{Of: e, At: at, Range: e.Span().Join(span(end))}
		case c.is("."):
			c.Next()
			n, err := c.name("a name, such as `channels`")
			if err != nil {
				return nil, err
			}
			e = &Field{Of: e, Name: n, Range: e.Span().Join(n.Range)}
		default:
			return e, nil
		}
	}
}

// atom parses numbers, sizes, strings, booleans, names and calls, parentheses and lists.
func (c *climber) atom() (Expr, error) {
	t := *c.Peek()
	r := span(t)
	switch {
	case t.Type == tokNumber:
		c.Next()
		n := &Number{Range: r}
		n.Value, n.Int, n.IsInt, _ = readNumber(t.Value) // scan refused what does not fit
		if u := c.Peek(); u.Type == tokUnit {
			n.Unit = u.Value
			n.Range = r.Join(span(*c.Next()))
		}
		return n, nil
	case t.Type == tokSize:
		c.Next()
		s := &Size{Range: r}
		for dim := range strings.SplitSeq(t.Value, "x") {
			_, v, _, _ := readNumber(dim)
			s.Dims = append(s.Dims, v)
		}
		return s, nil
	case t.Type == tokString:
		c.Next()
		return &String{Value: unescape(t.Value), Range: r}, nil
	case t.Type == tokName:
		c.Next()
		return c.ref(Name{t.Value, r})
	case c.is("true") || c.is("false"):
		c.Next()
		return &Bool{Value: t.Value == "true", Range: r}, nil
	case c.is("("):
		c.Next()
		of, err := c.value()
		if err != nil {
			return nil, err
		}
		end, err := c.want(")", "`)`")
		if err != nil {
			return nil, err
		}
		return &Paren{Of: of, Range: r.Join(span(end))}, nil
	case c.is("["):
		return c.list()
	}
	return nil, c.fail(aValue)
}

// list = "[" [ expr { "," expr } [ "," ] ] "]"
func (c *climber) list() (Expr, error) {
	l := &List{Range: span(*c.Next())}
	for !c.is("]") {
		e, err := c.value()
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, e)
		if !c.is(",") {
			break
		}
		c.Next()
	}
	end, err := c.want("]", "`,` or `]`")
	if err != nil {
		return nil, err
	}
	l.Range = l.Range.Join(span(end))
	return l, nil
}

// ref parses the arguments behind a name, if there are some.
func (c *climber) ref(n Name) (*Ref, error) {
	ref := &Ref{Name: n, Range: n.Range}
	if !c.is("(") {
		return ref, nil
	}
	ref.Called = true
	c.Next()
	for !c.is(")") {
		a, err := c.arg()
		if err != nil {
			return nil, err
		}
		ref.Args = append(ref.Args, a)
		if !c.is(",") {
			break
		}
		c.Next()
	}
	end, err := c.want(")", "`,` or `)`")
	if err != nil {
		return nil, err
	}
	ref.Range = n.Range.Join(span(end))
	return ref, nil
}

// arg = [ NAME "=" ] expr
func (c *climber) arg() (Arg, error) {
	e, err := c.value()
	if err != nil {
		return Arg{}, err
	}
	if !c.is("=") {
		return Arg{Value: e, Range: e.Span()}, nil
	}
	ref, ok := e.(*Ref)
	if !ok || ref.Called {
		return Arg{}, &wantError{at: *c.Peek(), want: "`,` or `)`", help: "an argument is `NAME = value`; `==` compares"}
	}
	c.Next()
	value, err := c.value()
	if err != nil {
		return Arg{}, err
	}
	return Arg{Name: ref.Name, Value: value, Range: ref.Range.Join(value.Span())}, nil
}
