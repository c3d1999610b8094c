package dsl

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"snnc.dev/snnc/dsl/diag"
)

// Parse reads a spec; name is how it is called in findings. The file, which is never nil, has every item that parses, and
// the findings, at most 100 of them and by place, are those of all items: what is wrong in one item does not touch another.
func Parse(name string, text []byte) (*File, diag.List) {
	s := scan(name, text)
	f := &File{Name: name, Text: text, Doc: s.doc, Partial: s.part}
	p := parser{source: s}
	items := s.items
	if !s.part || len(items) > 0 { // else it is too large, or no text
		f.Version, items = p.version(items)
		f.Partial = f.Partial || f.Version > 1
	}
	for _, it := range items {
		if len(p.syntax) >= maxErrors {
			f.Partial = true
			break
		}
		if node := p.item(it); node != nil {
			f.Items = append(f.Items, node)
		} else if broken, ok := p.defines(it); ok {
			f.Broken = append(f.Broken, broken)
		} else if a := p.acts(it); a != nil {
			f.BrokenActions = append(f.BrokenActions, a)
		}
	}
	return f, p.findings()
}

// ParseEquations reads one neuron or coder definition, as a plugin returns it: the item is a *Neuron or a *Coder, or nil
// where something was found.
func ParseEquations(name, text string) (Item, diag.List) {
	s := scan(name, []byte(text))
	p := parser{source: s}
	if len(s.found) == 0 && (len(s.items) != 1 || !p.heads(s.items[0], "neuron", "coder")) {
		at := p.start()
		if len(s.items) > 1 {
			at = s.rng(s.tokens[s.items[1].from])
		}
		p.error(diag.BadSyntax, at, "the text must be one definition with equations", "write `neuron NAME(params) { ... }` or `coder NAME(params) { ... }`")
	}
	if len(s.found)+len(p.syntax) > 0 {
		return nil, p.findings()
	}
	item := p.item(s.items[0])
	if d, ok := item.(*Definition); ok {
		p.error(diag.BadSyntax, d.Range, fmt.Sprintf("the %s `%s` has no equations", d.Kind, d.Name.Text), fmt.Sprintf("write `%s %s(params) { ... }`", d.Kind, d.Name.Text))
		item = nil
	}
	return item, p.findings()
}

// ParseExpr reads one expression, such as the default of a parameter: nil where something was found.
func ParseExpr(name, text string) (Expr, diag.List) {
	p := parser{source: scan(name, []byte(text)), form: "write one value, such as `2 steps` or `adam(rate = 1e-3)`"}
	lex := p.single("one value is wanted")
	if lex == nil {
		return nil, p.findings()
	}
	c := climber{PeekingLexer: lex}
	e, err := c.value()
	if err == nil && !c.Peek().EOF() {
		err = c.fail("the end of the value")
	}
	if err != nil {
		p.syntax.Add(p.explain(err, p.items[0]))
		return nil, p.findings()
	}
	return e, nil
}

// ParseChange reads a path and what takes its place, such as `train.digit.epochs=2`: it has no Path where something was found.
func ParseChange(name, text string) (Change, diag.List) {
	p := parser{source: scan(name, []byte(text)), form: "write `PATH=value`, such as `train.digit.epochs=2`; several values, a run for each, are a list: `PATH=[4, 8]`"}
	lex := p.single("a path and its value are wanted, such as `train.digit.epochs=2`")
	if lex == nil {
		return Change{}, p.findings()
	}
	g, err := changes().ParseFromLexer(lex)
	if err != nil {
		p.syntax.Add(p.explain(err, p.items[0]))
		return Change{}, p.findings()
	}
	var c converter
	change := c.change(g)
	if p.syntax = c.found; len(c.found) > 0 {
		return Change{}, p.findings()
	}
	return change, nil
}

// parser parses the items of a source.
type parser struct {
	*source
	syntax diag.List
	form   string // how the text is written, where it is no item
}

func (p *parser) error(code diag.Code, at diag.Range, summary, help string) {
	p.syntax.Add(diag.Diagnostic{Code: code, Summary: summary, Range: at, Help: help})
}

// findings returns those of the tokens and of the items by place.
func (p *parser) findings() diag.List {
	all := append(slices.Clip(p.found), p.syntax...)
	slices.SortStableFunc(all, func(a, b diag.Diagnostic) int { return cmp.Compare(a.Range.Start.Offset, b.Range.Start.Offset) })
	return all[:min(len(all), maxErrors)]
}

// start is the place of the first character.
func (p *parser) start() diag.Range {
	at := diag.Pos{Line: 1, Column: 1}
	if strings.HasPrefix(p.text, "\ufeff") {
		at.Offset = len("\ufeff")
	}
	return diag.Range{File: p.file, Start: at, End: at}
}

// heads reports whether the item begins with one of the words.
func (p *parser) heads(it item, words ...string) bool {
	return it.from < it.to && p.tokens[it.from].kind == tokName && slices.Contains(words, p.value(p.tokens[it.from]))
}

// lexer returns the tokens of an item as participle wants them.
func (p *parser) lexer(it item) *lexer.PeekingLexer {
	lex, err := lexer.Upgrade(&feed{source: p.source, at: it.from, to: it.to})
	if err != nil {
		panic(err) // feed has no errors
	}
	return lex
}

// single returns the tokens of the only item, nil where there is none, another one, or a bad token.
func (p *parser) single(wanted string) *lexer.PeekingLexer {
	switch {
	case len(p.found) > 0:
		return nil
	case len(p.items) == 0:
		p.error(diag.BadSyntax, p.start(), wanted, "")
		return nil
	case len(p.items) > 1:
		p.error(diag.BadSyntax, p.rng(p.tokens[p.items[1].from]), wanted, "delete what follows the first line, or put it in parentheses")
		return nil
	}
	return p.lexer(p.items[0])
}

// version reads the first item and returns the others; none where they are in a version that this release does not read.
func (p *parser) version(items []item) (int, []item) {
	const help = "begin the file with the line `snn 1`"
	if len(items) == 0 {
		p.error(diag.BadVersion, p.start(), "the file is empty", help)
		return 0, nil
	}
	if !p.heads(items[0], "snn") {
		at := p.start()
		if items[0].from < items[0].to {
			at = p.rng(p.tokens[items[0].from])
		}
		p.error(diag.BadVersion, at, "the version of the language is missing", help)
		return 0, items
	}
	first, items := items[0], items[1:]
	if first.broken {
		return 0, items
	}
	ts := p.tokens[first.from:first.to]
	switch {
	case len(ts) == 1:
		p.error(diag.BadVersion, p.rng(ts[0]), "`snn` names no version", help)
	case ts[1].kind != tokNumber:
		p.error(diag.BadVersion, p.rng(ts[1]), fmt.Sprintf("a version is a number, not %s", p.describe(ts[1])), help)
	case p.value(ts[1]) != "1":
		v, n, isInt, _ := readNumber(p.value(ts[1]))
		d := diag.Diagnostic{Code: diag.BadVersion, Summary: fmt.Sprintf("this release of snnc does not read version %s of the language", p.value(ts[1])),
			Range: p.rng(ts[1]), Help: "it reads version 1: " + help}
		if isInt && v > 1 {
			d.Help = fmt.Sprintf("use a later release of snnc, one that reads `snn %d`; this one reads `snn 1`", n)
		}
		p.syntax.Add(d)
		return int(n), nil
	case len(ts) > 2:
		help := "begin a new line here"
		if p.value(ts[2]) == "-" {
			help = "a comment begins with `#`; a line that begins with an operator continues the one before"
		}
		p.error(diag.BadVersion, p.rng(ts[2]), "`snn 1` stands alone on its line", help)
		return 1, items
	default:
		return 1, items
	}
	return 0, items
}

// keywords begin items; the first three define no name of their own, the last four are actions.
func keywords() []string {
	return []string{"import", "use", "preset", "param", "data", "neuron", "coder", "block", "network", "model", "target", "train", "sample", "evaluate", "deploy"}
}

func keyword(word string) bool { return slices.Contains(keywords(), word) }

// item parses an item: nil where something was found.
func (p *parser) item(it item) Item {
	if it.broken {
		return nil
	}
	if head := p.tokens[it.from]; head.kind != tokName || !keyword(p.value(head)) {
		p.unknown(it)
		return nil
	}
	g, err := items().ParseFromLexer(p.lexer(it))
	if err != nil {
		p.syntax.Add(p.explain(err, it))
		return nil
	}
	var c converter
	node := c.item(g, it.doc)
	if len(c.found) > 0 {
		p.syntax = append(p.syntax, c.found...)
		return nil
	}
	return node
}

// defines returns the name that an item which does not parse would have defined.
func (p *parser) defines(it item) (Name, bool) {
	ts := p.tokens[it.from:it.to]
	if len(ts) < 2 || ts[0].kind != tokName {
		return Name{}, false
	}
	n := ts[1]
	switch head := p.value(ts[0]); head {
	case "train", "sample", "evaluate", "deploy", "import", "snn":
		return Name{}, false
	case "use":
		i := slices.IndexFunc(ts, func(t token) bool { return t.kind == tokName && p.value(t) == "as" })
		if i < 0 || i+1 == len(ts) {
			return Name{}, false
		}
		n = ts[i+1]
	default:
		if !keyword(head) && diag.Nearest(head, keywords()) == "" {
			return Name{}, false
		}
	}
	return Name{p.value(n), p.rng(n)}, n.kind == tokName
}

// acts returns the kind, model and place of an action that does not parse; nil where it is none.
func (p *parser) acts(it item) *Action {
	ts := p.tokens[it.from:it.to]
	if len(ts) < 2 || ts[0].kind != tokName || ts[1].kind != tokName || !slices.Contains(keywords()[len(keywords())-4:], p.value(ts[0])) {
		return nil
	}
	return &Action{Kind: p.value(ts[0]), Model: Name{p.value(ts[1]), p.rng(ts[1])}, Range: p.rng(ts[0]).Join(p.rng(ts[len(ts)-1]))}
}

// unknown reports an item that begins with no keyword.
func (p *parser) unknown(it item) {
	ts := p.tokens[it.from:it.to]
	head, word := ts[0], p.value(ts[0])
	d := diag.Diagnostic{Code: diag.UnknownKeyword, Summary: "no statement begins with " + p.describe(head), Range: p.rng(head),
		Help: "a statement begins with " + strings.Join(keywords()[:14], ", ") + " or " + keywords()[14]}
	next := ""
	if len(ts) > 1 {
		next = p.value(ts[1])
	}
	switch near := diag.Nearest(word, keywords()); {
	case word == "snn" && head.kind == tokName:
		d.Summary, d.Help = "`snn` stands once, in the first line", "delete this line"
	case word == "(" || word == "[":
		d.Help = fmt.Sprintf("`%s` never continues the line before: write it at the end of that line", word)
	case head.kind == tokReserved:
		d.Help = fmt.Sprintf("`%s` stands in the body of a block or network", word)
	case head.kind == tokName && p.foreign(ts) != "":
		d.Help = p.foreign(ts)
	case near != "" && head.kind == tokName:
		d.Help = fmt.Sprintf("did you mean `%s`?", near)
	case head.kind == tokName && next == "=":
		d.Help = fmt.Sprintf("a definition begins with its kind, such as `param %s: int = ...` or `model %s = ...`", word, word)
	case head.kind == tokName && (next == "->" || next == "+="):
		d.Help = "this stands in the body of a block, network or neuron"
	}
	p.syntax.Add(d)
}
