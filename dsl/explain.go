package dsl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"snnc.dev/snnc/dsl/diag"
)

// What is wanted, in words.
const (
	aName  = "a name"
	aValue = "a value"
)

// explain words the error of an item: where its reader stopped, what is wanted there, and how it is written.
func (p *parser) explain(err error, it item) diag.Diagnostic {
	want := wantError{want: "something else"}
	var own *wantError
	var theirs participle.Error
	switch {
	case errors.As(err, &own):
		want = *own
	case errors.As(err, &theirs):
		want.at.Pos = theirs.Position()
		want.want = wanted(theirs.Message())
	}
	i, _ := slices.BinarySearchFunc(p.tokens[it.from:it.to], want.at.Pos.Offset, func(t token, offset int) int { return int(t.start) - offset })
	at := stop{parser: p, item: it, i: it.from + i, want: want.want}
	if want.summary != "" {
		return diag.Diagnostic{Code: want.code, Summary: want.summary, Range: at.place(at.i), Help: want.help}
	}
	at.context()
	d := at.mistake()
	if d.Help == "" {
		d.Help = want.help
	}
	if d.Help == "" {
		d.Help = at.form
	}
	return d
}

// stop is where the reader of an item stopped: at token i, which may be the end of the item.
type stop struct {
	*parser
	item
	i       int
	want    string
	head    int    // first token of the statement around i
	bracket string // innermost open bracket before i, "" where there is none
	form    string // how the statement is written
}

// place returns that of token i, at the end of a line right behind the token before.
func (s *stop) place(i int) diag.Range {
	if i < s.to && (s.tokens[i].kind != tokSep || s.tokens[i].end > s.tokens[i].start) {
		return s.rng(s.tokens[i])
	}
	return s.behind(i - 1)
}

// behind returns the place right behind token i.
func (s *stop) behind(i int) diag.Range {
	r := s.rng(s.tokens[i])
	r.Start = r.End
	return r
}

// found describes token i.
func (s *stop) found() string {
	if s.i < s.to {
		return s.describe(s.tokens[s.i])
	}
	return "the end of the line"
}

// word returns token i where it is an operator, a name or a reserved word, else "".
func (s *stop) word(i int) string {
	if i < s.from || i >= s.to || s.tokens[i].kind == tokString {
		return ""
	}
	return s.value(s.tokens[i])
}

// kind returns that of token i, 0 where there is none.
func (s *stop) kind(i int) lexer.TokenType {
	if i < s.from || i >= s.to {
		return 0
	}
	return s.tokens[i].kind
}

func (p *parser) describe(t token) string {
	switch v := p.value(t); t.kind {
	case tokSep:
		if v != "" {
			return "`,`"
		}
		return "the end of the line"
	case tokString:
		return "the string " + shorten(v)
	case tokReserved:
		return fmt.Sprintf("the reserved word `%s`", v)
	default:
		return "`" + shorten(v) + "`"
	}
}

// context finds the statement around the stop, and the innermost bracket.
func (s *stop) context() {
	depth, braces := 0, false
	s.head = -1
	for j := min(s.i, s.to) - 1; j >= s.from && !braces; j-- {
		v := s.word(j)
		switch {
		case s.tokens[j].kind == tokSep:
			if s.head < 0 && depth == 0 {
				s.head = j + 1
			}
		case s.tokens[j].kind != tokOp:
		case v == ")" || v == "]" || v == "}":
			depth++
		case v == "(" || v == "[" || v == "{":
			if depth > 0 {
				depth--
				continue
			}
			if s.bracket == "" {
				s.bracket = v
			}
			braces = v == "{"
			if braces && s.head < 0 {
				s.head = j + 1
			}
		}
	}
	if s.parser.form != "" {
		s.form, s.head = s.parser.form, s.from
		return
	}
	kind := s.word(s.from)
	if braces {
		s.form = statementForm(kind, s.word(s.head))
	} else {
		s.head = s.from
	}
	if s.form == "" {
		s.form = itemForm(kind)
	}
}

// statementForm says how a statement in the braces of an item of a kind is written; word is its first.
func statementForm(kind, word string) string {
	switch kind {
	case "train", "sample", "evaluate", "deploy":
		return "a setting is `NAME = value`; a new line or `,` ends it"
	case "preset":
		return "a preset holds `NAME = value` or `PATH = value`, such as `train.digit.epochs = 2`"
	case "block", "network":
		switch word {
		case "for":
			return "a loop is `for NAME in LIST { ... }`"
		case "repeat":
			return "a loop is `repeat N { ... }`"
		case "if":
			return "a choice is `if CONDITION { ... } else { ... }`"
		}
		return "a statement is `NAME = value`, `return value`, `for`, `repeat` or `if`; a new line or `,` ends it"
	}
	switch word {
	case "input":
		return "inputs are declared as `input x` or `input x, y`"
	case "state":
		return "states are declared with their start values: `state v = 0, s = 0`"
	case "noise":
		return "noise is declared as `noise n = normal(0, 1)`"
	case "spike":
		return "write `spike when v >= threshold`, or `spike s when ...` to name the spike"
	case "on":
		return "write `on spike { v = rest }`"
	case "refractory":
		return "write `refractory 2 ms`, `refractory 2 ms holds v` or `refractory forever`"
	case "output":
		return "write `output value`"
	case "encode", "decode":
		return "write `encode x { ... }` or `decode s { ... }`"
	}
	return ""
}

// itemForm says how an item of a kind is written.
func itemForm(kind string) string {
	switch kind {
	case "use":
		return "write `use \"author/plugin\" as NAME, version \"~> 0.3\"`"
	case "import":
		return "write `import \"path.snn\"`"
	case "preset":
		return "write `preset NAME { NAME = value, ... }`"
	case "param":
		return "write `param NAME: TYPE = value`, or `... = value in LO..HI`"
	case "data", "model", "target":
		return "write `" + kind + " NAME = value`"
	case "neuron":
		return "write `neuron NAME = value`, or `neuron NAME(params) { equations }`"
	case "coder":
		return "write `coder NAME = value`, or `coder NAME(params) { encode x { ... }, decode s { ... } }`"
	case "block":
		return "write `block NAME(x, params) { ... }`"
	case "network":
		return "write `network NAME(x: TYPE) -> TYPE { ... }`"
	case "train", "sample", "evaluate", "deploy":
		return "write `" + kind + " MODEL { NAME = value, ... }`"
	}
	return ""
}

// ending says what can follow something complete inside a bracket.
func ending(bracket string) string {
	switch bracket {
	case "(":
		return "`,` or `)`"
	case "[":
		return "`,` or `]`"
	case "{":
		return "the end of the statement"
	}
	return "the end of the line"
}

// mistake words what is wrong at the stop; frequent mistakes better than the grammar does.
func (s *stop) mistake() diag.Diagnostic {
	i, kind := s.i, s.word(s.from)
	this, next, before := s.word(i), s.word(i+1), s.word(i-1)
	starts := i == s.head && s.bracket == "{" // where a statement begins
	switch {
	case s.want == "" && i == s.from:
		s.want = aName
	case s.want == "" || s.want == "`}`" && !starts:
		s.want = ending(s.bracket)
	case s.want == "`}`" && (kind == "block" || kind == "network"):
		s.want = "a statement"
	case s.want == "`}`":
		s.want = map[string]string{"neuron": "an equation", "coder": "`encode` or `decode`", "preset": "a path"}[kind]
		if s.want == "" {
			s.want = "a setting"
		} else if kind == "coder" && s.inPort() {
			s.want = "an equation"
		}
	case s.want == "`)`" && (before == "(" || before == ","):
		s.want = "a name or `)`"
	case s.want == "`{`" && i == s.from+2 && (kind == "neuron" || kind == "coder"):
		s.want = "`=`, `(` or `{`"
	}
	d := diag.Diagnostic{Code: diag.BadSyntax, Summary: fmt.Sprintf("expected %s, found %s", s.want, s.found()), Range: s.place(i)}
	ended := strings.HasPrefix(s.want, "the end of")
	switch {
	case s.habit(&d):
	case s.kind(i) == tokSep && next == "{":
		d.Summary, d.Range = "`{` begins a line", s.place(i+1)
		d.Help = fmt.Sprintf("`{` stands on the line of what it belongs to: move it to the end of line %d", s.tokens[i-1].line)
	case this == "else" && s.kind(i-1) == tokSep:
		d.Summary, d.Help = "`else` begins a line", "write `} else {` on one line"
	case i > s.from && i < s.to && s.kind(i) != tokSep && s.tokens[i].line > s.tokens[i-1].line && !starts && (s.kind(i-1) == tokOp || s.kind(i-1) == tokReserved):
		d.Summary, d.Range = fmt.Sprintf("%s is missing after `%s`", s.want, before), s.behind(i-1)
	case before == "else" && this == "if":
		d.Summary, d.Help = "there is no `else if`", "write `else { if ... { ... } }`"
	case s.kind(i) == tokReserved && strings.HasPrefix(s.want, aName):
		d.Code, d.Summary = diag.ReservedName, fmt.Sprintf("`%s` is a reserved word", this)
		d.Help = "choose another name; reserved are for, in, repeat, if, else, return, and, or, not, true, false"
	case starts && (kind == "neuron" || kind == "coder"):
		d.Help = s.noEquation()
	case s.kind(s.head) == tokReserved && i == s.head+1 && this == "=":
		d.Code, d.Summary, d.Range = diag.ReservedName, fmt.Sprintf("`%s` is a reserved word", before), s.place(s.head)
		d.Help = "choose another name; reserved are for, in, repeat, if, else, return, and, or, not, true, false"
	case this == "=" && s.word(s.head) == "if":
		d.Help = "`==` compares; `=` gives a name to a value"
	case s.kind(i-1) == tokNumber && this == "x" && s.kind(i+1) == tokNumber:
		d.Summary, d.Help, d.Range = "a size has no spaces", fmt.Sprintf("write `%sx%s`", before, next), s.place(i-1).Join(s.place(i+1))
	case s.kind(i-1) == tokNumber && s.kind(i) == tokName && next != "=" && next != "+=" && !keyword(this) && this != "trainable" && this != "holds":
		d.Summary, d.Help = fmt.Sprintf("`%s` is no unit", shorten(this)), "the units are "+units
		if here := foreignUnit(this); here != "" {
			d.Help = fmt.Sprintf("write `%s`", here)
		} else if near := diag.Nearest(this, strings.Fields(units)); near != "" {
			d.Help = fmt.Sprintf("did you mean `%s`? %s", near, d.Help)
		}
	case ended && s.bracket == "" && keyword(this):
		d.Help = fmt.Sprintf("begin a new line before `%s`", this)
	case s.kind(i) == tokName && (ended || s.want == "`{`") && s.misspelt(this) != "":
		d.Help = fmt.Sprintf("did you mean `%s`?", s.misspelt(this))
	case s.head == s.from && (ended || s.want == "`,` or `)`") && precedence(&lexer.Token{Type: s.kind(i), Value: this}) != 0:
		d.Help = fmt.Sprintf("put what has the operator `%s` in parentheses", this)
	case ended && s.bracket == "{" && (this == "+=" || this == "-=" || this == "*="):
		d.Help = fmt.Sprintf("write `%s = %s %s ...`", before, before, this[:1])
	case ended && s.bracket == "{" && (s.word(s.head) == "while" || s.word(s.head) == "loop"):
		d.Help = "loops are `for NAME in LIST { ... }` and `repeat N { ... }`"
	case ended && s.bracket == "{" && (s.kind(i) == tokName || s.kind(i) == tokReserved):
		d.Help = fmt.Sprintf("end the statement before `%s` with a new line or `,`", this)
	case ended && s.bracket == "" && this == "->" && kind == "param":
		d.Help = "the value of a parameter is a number, a list, a word or an expression of these, no flow"
	case s.bracket == "[" && this == ":":
		d.Help = "there are no slices; an element is `x[0]`, the last one `x[-1]`"
	case s.bracket == "[" && this == "," && s.want == "`]`" && s.valued():
		d.Help = "one index is wanted: `x[0]`"
	case s.bracket == "[" && this == "," && s.want == "`]`":
		d.Help = "all elements of a list have one type: `[int]` or `[real]`"
	case s.bracket == "[" && this == "]" && before == "[" && kind == "network" && s.head == s.from:
		d.Help = "write the dimensions, such as `real[1, 28, 28]`"
	case s.bracket == "[" && this == "]" && before == "[" && kind == "param":
		d.Help = "write `[int]` for a list of integers, `x[0]` for an element"
	case s.bracket == "(" && (this == ":" || this == "=") && s.want == "`,` or `)`" && s.valued():
		d.Help = "an argument is `NAME = value`"
	case s.want == aValue && (precedence(&lexer.Token{Type: s.kind(i - 1), Value: before}) != 0 || before == "=" || before == "return" || before == "^"):
		d.Help = fmt.Sprintf("write a value after `%s`", before)
	case s.want == "`,` or `)`" || s.want == "`,` or `]`":
		d.Help = fmt.Sprintf("separate what stands in `%s%s` by `,`", s.bracket, closing(s.bracket))
	}
	return d
}

// misspelt returns the word of the grammar that word is nearly, "" where it is none or exactly one.
func (s *stop) misspelt(word string) string {
	words := []string{"pure", "trainable", "holds", "when", "version"}
	if slices.Contains(words, word) {
		return ""
	}
	return diag.Nearest(word, words)
}

// inPort reports whether the stop is in the braces of `encode` or `decode`.
func (s *stop) inPort() bool {
	depth := 0
	for j := s.from; j < s.i; j++ {
		switch s.word(j) {
		case "{":
			depth++
		case "}":
			depth--
		}
	}
	return depth > 1
}

// valued reports whether the stop is right of a `=` or in braces, where values stand and not types.
func (s *stop) valued() bool {
	return s.head != s.from || slices.ContainsFunc(s.tokens[s.from:s.i], func(t token) bool { return t.kind == tokOp && s.value(t) == "=" })
}

// noEquation says what to write for a line that is no equation.
func (s *stop) noEquation() string {
	word, next := s.word(s.i), s.word(s.i+1)
	switch {
	case s.want == "`encode` or `decode`":
		return "a coder holds `encode x { ... }`, `decode s { ... }` or both"
	case word == "if" || word == "for" || word == "repeat":
		if word == "if" {
			return "there is no `if` in equations: a reset is `on spike { v = 0 }`, a choice is `where(condition, a, b)`"
		}
		return fmt.Sprintf("there is no `%s` in equations: they run once for each time step", word)
	case word == "return":
		return "write `output value`"
	case s.kind(s.i) == tokName && next == "/":
		return "a derivative is written `v' = ...`"
	case s.kind(s.i) == tokName && next == "->":
		return "there are no flows in equations; they stand in blocks and networks"
	}
	if near := diag.Nearest(word, []string{"input", "state", "noise", "spike", "on", "refractory", "output"}); near != "" && near != word {
		return fmt.Sprintf("did you mean `%s`?", near)
	}
	return "an equation is `v = ...`, `v += ...` or `v' = ...`, or begins with input, state, noise, spike, on, refractory or output"
}

// wanted says in words what participle expected, "" where it does not say.
func wanted(message string) string {
	const mark = " (expected "
	i := strings.LastIndex(message, mark)
	if i < 0 {
		return ""
	}
	first := strings.TrimLeft(message[i+len(mark):], "(")
	if rest, ok := strings.CutPrefix(first, `"`); ok {
		literal, _, _ := strings.Cut(rest, `"`)
		return "`" + literal + "`"
	}
	first = first[:strings.IndexFunc(first+" ", func(r rune) bool { return r != '<' && !word(byte(r)) })]
	switch first {
	case "<string", "GUse":
		return "a string in double quotes"
	case "<number":
		return "a number"
	case "GType":
		return "a type"
	case "GExpr", "GSum", "GRange", "GRepeat", "GIf":
		return aValue
	case "GElse":
		return "`{`"
	case "GSpike":
		return "`when`"
	case "GOn":
		return "`spike`"
	case "GRefractory":
		return "a time or `forever`"
	}
	return aName
}
